//! What `fuzz/` calls: a file that somebody calls a bundle.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves.

use super::verify;
use std::io::Cursor;

/// A file for `evidence verify`.
pub fn evidence_bundle(input: &[u8]) {
    match verify(Cursor::new(input), None) {
        Ok(verified) => assert!(verified.manifest.broken_at().is_none()),
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

#[cfg(test)]
#[path = "../../../../fuzz/replay.rs"]
mod replay;

#[test]
fn bundles_that_were_kept_are_verified_or_refused() {
    replay::replay("evidence_bundle", evidence_bundle);
}
