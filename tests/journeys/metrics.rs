//! The table of metrics, held against what the program shows and against what it can show.

use crate::readme::{read, repository, sources};
use journeys::Platform;
use std::collections::BTreeSet;

/// Of the console's server: no metrics, though they are named alike.
const COOKIES: [&str; 2] = ["steppewatch_session", "steppewatch_login"];

/// The table's rows as name, type and when it is there.
pub(crate) fn table() -> Vec<[String; 3]> {
    let rows = read("docs/metrics.md").lines().filter(|line| line.starts_with("| `steppewatch_")).map(cells).collect();
    assert_ne!(rows, [] as [[String; 3]; 0], "the table has lost its rows");
    rows
}

fn cells(row: &str) -> [String; 3] {
    let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
    let (name, kind, there) = (cells.nth(1).unwrap(), cells.next().unwrap(), cells.nth(1).unwrap());
    [name, kind, there]
}

#[tokio::test]
async fn what_the_metrics_page_shows_is_in_the_table_and_what_is_always_there_is_shown() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let page = platform.metrics().await.unwrap();
    let shown: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();

    let described: BTreeSet<_> = table().into_iter().map(|[name, kind, _]| (name, kind)).collect();
    let unknown: Vec<_> = shown.difference(&described).collect();
    assert!(unknown.is_empty(), "/metrics shows what docs/metrics.md does not describe so: {unknown:?}");
    let always = table().into_iter().filter(|[_, _, there]| there == "always").map(|[name, kind, _]| (name, kind));
    let missing: Vec<_> = always.filter(|row| !shown.contains(row)).collect();
    assert!(missing.is_empty(), "docs/metrics.md promises what /metrics does not show: {missing:?}");
}

#[test]
fn every_metric_in_the_sources_has_its_row_and_every_row_its_metric() {
    let mut named = BTreeSet::new();
    for path in sources(&["steppewatch", "ingest", "alerts", "dashboards"]) {
        let text = std::fs::read_to_string(repository().join(&path)).unwrap();
        let quoted = text.split('"').filter(|word| word.starts_with("steppewatch_"));
        let is_metric = |word: &&str| !COOKIES.contains(word) && !word.ends_with('_') && word.chars().all(is_name);
        named.extend(quoted.filter(is_metric).map(str::to_owned));
    }
    let described: BTreeSet<_> = table().into_iter().map(|[name, ..]| name).collect();
    assert_eq!(named, described);
}

/// Whether the platform has looked after its house once: a consumer's place is no longer the journal's beginning.
pub(crate) fn is_settled(page: &str) -> bool {
    let value =
        |name: &str| -> Option<f64> { page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()) };
    let lag = value("steppewatch_cursor_lag_entries{consumer=\"history\"} ");
    lag.zip(value("steppewatch_journal_head ")).is_some_and(|(lag, head)| lag < head)
}

pub(crate) fn is_name(c: char) -> bool {
    c.is_ascii_lowercase() || c == '_'
}
