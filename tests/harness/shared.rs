//! Files of the tests: real inputs that are kept beside the repository, and what a person may want to look at afterwards.

use std::path::{Path, PathBuf};

/// A real input at `path` below `shared/data`, beside the repository. `None`, and a visible reason, where it is absent.
pub fn shared_data(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("SKIPPED: {} is not there; it is real data that is kept beside the repository", found.display());
    None
}

/// A file of the tests' output, for people to look at.
pub fn output(name: &str) -> std::io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("output");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}
