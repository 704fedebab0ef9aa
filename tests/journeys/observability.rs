//! What Prometheus and Grafana are given, held against the running program: by Prometheus itself where it can be, by docs/metrics.md elsewhere.

use crate::metrics::{is_name, is_settled, table};
use crate::readme::{read, repository};
use journeys::{PATIENCE, Platform};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const RULES: &str = "dashboards/prometheus/rules.yml";

/// `None`, said aloud, where the program is not installed.
fn promtool(arguments: &[&str], input: &str) -> Option<(bool, String)> {
    let started = Command::new("promtool")
        .args(arguments)
        .current_dir(repository().join("dashboards/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            eprintln!("SKIPPED: promtool cannot be started ({error}); tests/install.sh installs it");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// File name and content of each dashboard.
fn dashboards() -> Vec<(String, Value)> {
    let folder = repository().join("dashboards/grafana/dashboards");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(found.len() >= 6, "dashboards are gone: {}", found.len());
    found
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What the panels ask Prometheus, each with where it stands; Grafana's own variables have values.
fn questions() -> Vec<(String, String)> {
    let mut questions = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            let place = format!("{name}, {}", text(&panel["title"]));
            let asked = panel["targets"].as_array().unwrap().iter().filter_map(|target| target["expr"].as_str());
            let asked = asked.map(|expr| expr.replace("$__rate_interval", "1m").replace("$instance", ".*"));
            questions.extend(asked.map(|expr| (place.clone(), expr)));
        }
    }
    assert!(questions.len() >= 40, "the panels ask almost nothing any more: {}", questions.len());
    questions
}

/// The metrics that a text names; a histogram's series are those of its name.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c| !is_name(c)).filter(|word| word.starts_with("steppewatch_"));
    words.map(|word| word.strip_suffix("_bucket").unwrap_or(word)).collect()
}

#[test]
fn rules_and_configuration_are_what_prometheus_takes_and_each_rule_speaks_when_it_should() {
    for arguments in [&["check", "config", "prometheus.yml"] as &[&str], &["test", "rules", "rules.test.yml"]] {
        let Some((passed, said)) = promtool(arguments, "") else { return };
        assert!(passed, "promtool {}: {said}", arguments.join(" "));
    }
}

#[test]
fn every_rule_says_in_two_languages_what_happened_and_what_to_do_is_tested_and_explained() {
    let (rules, tests, page) = (read(RULES), read("dashboards/prometheus/rules.test.yml"), read("docs/operations.md"));
    let each: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(each.len() >= 15, "rules are gone: {}", each.len());
    for rule in each {
        let name = rule.lines().next().unwrap();
        for key in ["severity: ", "summary: ", "summary_en: ", "remedy: ", "remedy_en: "] {
            assert!(rule.contains(&format!(" {key}")), "{name} has no {key}");
        }
        assert!(page.contains(&format!("| `{name}` |")), "docs/operations.md does not say what to do at {name}");
        let is_tested = |line: &str| line.contains(&format!("\"{name}\"")) || line.ends_with(&format!(" {name}"));
        assert!(tests.lines().any(is_tested), "no test lets {name} speak");
    }
}

#[test]
fn what_rules_and_dashboards_watch_is_in_the_table_of_metrics() {
    let described: BTreeSet<_> = table().into_iter().map(|[name, ..]| name).collect();
    let rules = read(RULES);
    let questions = questions();
    let asked = questions.iter().flat_map(|(_, expr)| named(expr));
    let watched: BTreeSet<&str> = named(&rules).into_iter().chain(asked).collect();
    let unknown: Vec<_> = watched.iter().filter(|name| !described.contains(**name)).collect();
    assert!(unknown.is_empty(), "watched, and not in docs/metrics.md: {unknown:?}");
}

#[test]
fn every_panel_has_a_unit_a_place_of_its_own_and_words_in_two_languages() {
    let sources = read("dashboards/grafana/provisioning/datasources/steppewatch.yml");
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let mut uids = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        assert!(uids.insert(text(&dashboard["uid"]).to_owned()), "{name} has another's uid");
        assert!(is_chinese(text(&dashboard["title"])) && is_chinese(text(&dashboard["description"])), "{name}");
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels(&dashboard) {
            let place = format!("{name}, {}", text(&panel["title"]));
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{place}: its id is another's");
            assert_ne!(text(&panel["fieldConfig"]["defaults"]["unit"]), "", "{place} has no unit");
            let (zh, en) = text(&panel["description"]).split_once("\n\n").unwrap_or_default();
            assert!(is_chinese(zh) && !en.is_empty() && !is_chinese(en), "{place}: {zh} / {en}");
            let uid = text(&panel["datasource"]["uid"]);
            assert!(sources.contains(&format!("uid: {uid}\n")), "{place} asks {uid}, which is not provisioned");
            let side = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(side("x") + side("w") <= 24, "{place} is off the page");
            for cell in (0..side("w")).flat_map(|x| (0..side("h")).map(move |y| (x, y))) {
                assert!(taken.insert((side("x") + cell.0, side("y") + cell.1)), "{place} lies over another");
            }
        }
    }
}

#[test]
fn what_panels_ask_influxdb_is_what_the_platform_writes() {
    let schema = read("ingest/history/src/influx/schema.rs");
    let mut fields = 0;
    for (name, dashboard) in dashboards() {
        for query in panels(&dashboard).iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
            let query = text(&query["query"]);
            let quoted = |head: &str| query.split(head).nth(1).and_then(|rest| rest.split('"').next());
            let Some(field) = quoted("r._field == \"") else { continue };
            fields += 1;
            match quoted("r._measurement == \"") {
                Some("station") => {
                    assert!(model::Quantity::parse(field).is_some(), "{name}: no station measures {field}");
                }
                measurement => {
                    let begins = format!("begin(\"{}\")", measurement.unwrap_or_default());
                    let is_written = schema.contains(&begins) && schema.contains(&format!("\"{field}\""));
                    assert!(is_written, "{name}: nothing writes {measurement:?} {field}");
                }
            }
        }
    }
    assert!(fields >= model::Quantity::all().count(), "stations show only {fields} fields");
}

/// Prometheus by our own configuration, pointed at a platform. It ends with the journey.
struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    /// `None`, said aloud, where it is not installed.
    fn watching(platform: &Platform, folder: &Path) -> Option<Self> {
        // Asked and judged every second rather than every quarter of a minute.
        let config = read("dashboards/prometheus/prometheus.yml");
        let config = config.replace("127.0.0.1:8080", &platform.http).replace("_interval: 15s", "_interval: 1s");
        assert!(config.contains(&platform.http) && config.matches("_interval: 1s").count() == 2, "{config}");
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        std::fs::write(folder.join("rules.yml"), read(RULES)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(child) => Some(Self { child, address: format!("127.0.0.1:{port}") }),
            Err(error) => {
                eprintln!("SKIPPED: prometheus cannot be started ({error}); tests/install.sh installs it");
                None
            }
        }
    }

    /// The data of an answer, or `None` while it is not up.
    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let address = format!("http://{}/api/v1/{path}", self.address);
        let mut url = reqwest::Url::parse(&address).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let answer: Value = journeys::http_client().unwrap().get(url).send().await.ok()?.json().await.ok()?;
        Some(answer)
    }

    /// Asks again until it has seen the platform and judged every rule. The pause only spares it.
    async fn has_judged(&self) -> Vec<Value> {
        let asking = async {
            loop {
                let up = self.ask("query", &[("query", "up{job=\"steppewatch\"} == 1")]).await;
                let seen = up.is_some_and(|up| up["data"]["result"].as_array().is_some_and(|found| !found.is_empty()));
                let rules = self.ask("rules", &[]).await.unwrap_or_default();
                let groups = rules["data"]["groups"].as_array().cloned().unwrap_or_default();
                let rules: Vec<Value> =
                    groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).cloned().collect();
                if seen && !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown") {
                    return rules;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what they are for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_takes_what_the_platform_shows_judges_every_rule_and_answers_every_panel() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let page = platform.wait_for_metrics(is_settled).await.unwrap();
    if let Some((passed, said)) = promtool(&["check", "metrics"], &page) {
        assert!(passed && said.trim().is_empty(), "promtool check metrics: {said}");
    }

    let folder = tempfile::tempdir().unwrap();
    let Some(prometheus) = Prometheus::watching(&platform, folder.path()) else { return };
    for rule in prometheus.has_judged().await {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert_ne!(rule["state"], "firing", "a platform that has just begun has no trouble: {rule}");
    }
    for (place, expr) in questions() {
        let answer = prometheus.ask("query", &[("query", &expr)]).await.unwrap();
        assert_eq!(answer["status"], "success", "{place}: {expr}: {answer}");
    }
    // A gauge that is always there comes all the way.
    let held = prometheus.ask("query", &[("query", "steppewatch_journal_max_bytes")]).await.unwrap();
    assert_eq!(held["data"]["result"].as_array().unwrap().len(), 1, "{held}");
}
