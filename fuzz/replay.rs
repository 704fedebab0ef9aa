//! Every committed input of a fuzz target, through the function that the target calls: what was found once stays mended, and
//! no libFuzzer is needed to see it.
//!
//! In:  a target's name and its function.   Out: a failed test that names the file.   Used by the tests of each crate.

use std::path::Path;

/// Runs `target` on all of `fuzz/corpus/{name}`.
pub(crate) fn replay(name: &str, target: impl Fn(&[u8])) {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = crate_folder.ancestors().map(|folder| folder.join("fuzz/corpus").join(name));
    let corpus = corpus.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| panic!("{name} has no corpus"));
    let mut files: Vec<_> = std::fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{} has lost its inputs", corpus.display());
    for file in files {
        // Shown only if the test fails, right before the panic's own words.
        println!("{}", file.display());
        target(&std::fs::read(&file).unwrap());
    }
}
