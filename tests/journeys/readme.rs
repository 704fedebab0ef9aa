//! README's map of the code, held against the code.

use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_path_of_readmes_map_is_there() {
    let readme = read("README.md");
    let named: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.ends_with(".rs") && word.contains('/'))
        .collect();
    assert!(named.len() >= 10, "the map has lost its lines: {named:?}");
    for path in named {
        assert!(repository().join(path).is_file(), "README names {path}, which is not there");
    }
}

#[test]
fn every_folder_of_readmes_table_is_there() {
    let readme = read("README.md");
    let folders: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(folders.len() >= 6, "the table has lost its rows: {folders:?}");
    for folder in folders {
        assert!(repository().join(folder).is_dir(), "README names {folder}, which is not there");
    }
}

#[test]
fn a_sighting_becomes_an_alert_where_readme_says() {
    assert!(read("alerts/src/raise.rs").contains("pub fn from_finding(finding: &Finding"));
}

#[test]
fn what_lands_has_passed_the_commands_that_readme_names() {
    let (makefile, gate) = (read("Makefile"), read(".ci/run"));
    for target in ["run", "test", "check"] {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no {target}");
    }
    assert!(gate.contains("make check") && gate.contains("make test"));
}
