//! A copy of the store's folder that was made while the store threw pictures away.

use crate::EvidenceError;
use crate::store::picture;
use rusqlite::Connection;
use std::path::Path;

/// Lets go of rows whose picture is not in the copy. How many pictures.
///
/// # Errors
/// When the index cannot be read or written. A folder without one has nothing to forget.
pub fn forget_missing(folder: &Path) -> Result<usize, EvidenceError> {
    let file = folder.join("index.db");
    if !file.exists() {
        return Ok(0);
    }
    let index = Connection::open(file)?;
    let hashes: Vec<String> = index
        .prepare("SELECT DISTINCT hash FROM picture")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut forgotten = 0;
    for hash in hashes.iter().filter(|hash| !picture(folder, hash).exists()) {
        index.execute("DELETE FROM picture WHERE hash = ?1", [hash])?;
        forgotten += 1;
    }
    Ok(forgotten)
}
