//! What README and the decisions say about the code, held against the code.

use std::path::{Path, PathBuf};

/// The repository's folder.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The product's Rust files below these folders; tests and what npm or cargo put there are none of it.
pub(crate) fn sources(folders: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            if entry.file_type().unwrap().is_dir() {
                if !["tests", "web", "target"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there is no code below {folders:?}");
    found
}

/// What stands in backticks within a line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
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
    let folders: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| name.ends_with('/'))
        .collect();
    assert!(folders.len() >= 6, "the table has lost its rows: {folders:?}");
    for folder in folders {
        assert!(repository().join(folder).is_dir(), "README names {folder}, which is not there");
    }
}

#[test]
fn every_path_that_readme_quotes_or_links_is_there() {
    let readme = read("README.md");
    let tops = ["steppewatch/", "ingest/", "alerts/", "dashboards/", "firmware-sim/", "tests/", "fuzz/", "docs/"];
    let quoted = quoted(&readme).filter(|word| !word.contains(' ') && tops.iter().any(|top| word.starts_with(top)));
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    // The picture is taken by the browser's test, which may not have run yet.
    let links = links.filter(|link| !link.contains("://") && !link.starts_with("docs/images/"));
    let named: Vec<&str> = quoted.chain(links).collect();
    assert!(named.len() >= 10, "README names almost nothing any more: {named:?}");
    for path in named {
        assert!(repository().join(path).exists(), "README names {path}, which is not there");
    }
}

#[test]
fn a_sighting_becomes_an_alert_where_readme_says_and_nowhere_else() {
    let marked: Vec<String> =
        read("README.md").lines().filter(|line| line.contains("<- HERE")).map(str::to_owned).collect();
    let [marked] = marked.try_into().unwrap();
    assert_eq!(marked.split_whitespace().next(), Some("alerts/src/raise.rs"));
    let defines = |path: &String| read(path).contains("fn from_finding(finding: &Finding");
    let homes: Vec<String> = sources(&["alerts"]).into_iter().filter(defines).collect();
    assert_eq!(homes, ["alerts/src/raise.rs"]);
}

#[test]
fn the_stretches_of_the_way_do_not_depend_on_each_other() {
    let stretches = ["ingest", "alerts", "dashboards", "steppewatch", "firmware-sim"];
    for (manifest, forbidden) in [
        ("ingest/Cargo.toml", &stretches as &[&str]),
        ("alerts/Cargo.toml", &stretches),
        ("dashboards/Cargo.toml", &stretches),
        (
            "firmware-sim/Cargo.toml",
            &["model", "journal", "registry", "history", "detect", "ingest", "alerts", "dashboards"],
        ),
        ("alerts/detect/Cargo.toml", &["tokio", "journal", "registry", "history", "rusqlite", "reqwest", "prometheus"]),
        ("ingest/model/Cargo.toml", &["journal", "registry", "history", "detect", "serde", "tokio"]),
    ] {
        let text = read(manifest);
        let dependencies =
            text.split("[dependencies]").nth(1).unwrap_or_default().split("\n[").next().unwrap_or_default();
        for name in dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next()) {
            assert!(!forbidden.contains(&name), "{manifest} depends on {name}; docs/adr/0001 says why it must not");
        }
    }
}

#[test]
fn every_fuzz_target_is_built_has_inputs_and_runs_them_in_make_test() {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(repository().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".rs", "")).collect();
        names.sort();
        names
    };
    let (targets, manifest) = (names("fuzz/fuzz_targets"), read("fuzz/Cargo.toml"));
    assert_eq!(targets, names("fuzz/corpus"));
    let code: String = sources(&["ingest", "steppewatch"]).iter().map(|path| read(path)).collect();
    for target in targets {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in fuzz/Cargo.toml");
        assert!(code.contains(&format!("replay(\"{target}\"")), "no test replays the inputs of {target}");
    }
}

#[test]
fn every_decision_says_what_was_not_chosen_and_what_it_costs() {
    let mut names: Vec<String> = std::fs::read_dir(repository().join("docs/adr"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for (count, name) in (1..).zip(&names) {
        let number = format!("{count:04}");
        assert!(name.starts_with(&format!("{number}-")) && name.ends_with(".md"), "{name} is not decision {number}");
        let text = read(&format!("docs/adr/{name}"));
        assert!(text.starts_with(&format!("# {number}: ")), "{name} has another number in its title");
        assert!(text.contains("\nStatus: "), "{name} has no status");
        let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
        // Figures may follow.
        let headings: Vec<&str> = headings.filter(|heading| *heading != "Measured").collect();
        assert_eq!(headings, ["Context", "Decision", "What we did not choose", "What it costs"], "{name}");
    }
    assert!(names.len() >= 8, "decisions are superseded, never removed: {names:?}");
}

#[test]
fn what_lands_has_passed_the_commands_that_readme_names() {
    let (makefile, gate) = (read("Makefile"), read(".ci/run"));
    let readme = read("README.md");
    let named: Vec<&str> = quoted(&readme).flat_map(|code| code.split("make ").skip(1)).collect();
    assert!(named.iter().any(|rest| rest.starts_with("run")) && named.iter().any(|rest| rest.starts_with("test")));
    for target in named.iter().filter_map(|rest| rest.split_whitespace().next()) {
        assert!(makefile.contains(&format!("\n{target}:")), "README names make {target}, which the Makefile has not");
    }
    assert!(gate.contains("make check") && gate.contains("make test"));
}
