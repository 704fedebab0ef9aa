use super::*;
use crate::raise::tests::{case, finding};
use crate::store::tests::{due, open, subscriber, told, tried};
use model::{Action, Case, ChannelKind, Command, QuietHours, ReceiptState, What};

const HOUR: Duration = Duration::from_secs(3_600);

fn minute(minutes: u64) -> Timestamp {
    super::super::tests::now().plus(Duration::from_secs(minutes * 60))
}

/// Everybody who is told, and after how many minutes without an acknowledgement.
fn people(after: &[(&str, u64)]) -> Vec<Subscriber> {
    let one = |(id, minutes): &(&str, u64)| Subscriber {
        after: (*minutes > 0).then(|| Duration::from_secs(minutes * 60)),
        phone: Some("+8613900000000".into()),
        ..Subscriber::to_all(id, ChannelKind::Sms)
    };
    after.iter().map(one).collect()
}

fn act(store: &Store, seq: u64, action: Action, people: &[Subscriber], at: Timestamp) {
    let incident = IncidentId::parse("inc-1").ok();
    store.command(seq, &Command { incident, by: "li".into(), at, action }, told(people), at).unwrap();
}

fn heard(store: &Store, now: Timestamp) -> Vec<String> {
    let waits = store.look(now, |_| 10, &Default::default()).unwrap().due;
    let mut heard: Vec<String> = waits
        .iter()
        .map(|due| {
            tried(store, &due.id, ReceiptState::Delivered, now);
            format!("{} {}", due.subscriber, due.kind.trim_start_matches("steppewatch."))
        })
        .collect();
    heard.sort();
    heard
}

#[test]
fn what_nobody_acknowledges_goes_to_the_next_one_and_then_to_the_next_and_stops_with_a_yes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let people = people(&[("first", 0), ("second", 10), ("third", 30)]);
    let overdue = |store: &Store, at| store.overdue(told(&people), HOUR, at).unwrap().len();
    store.raise(&[finding(What::Opened(case()))], told(&people), minute(0)).unwrap();
    assert_eq!(heard(&store, minute(0)), ["first incident.opened"]);
    assert_eq!(overdue(&store, minute(9)), 0);
    assert_eq!(overdue(&store, minute(10)), 1);
    assert_eq!(heard(&store, minute(10)), ["second incident.escalated"], "who heard of it before is not told again");
    let store = open(&folder);
    assert_eq!(overdue(&store, minute(11)), 0, "also after a restart it is told once");
    act(&store, 1, Action::Acknowledge, &people, minute(12));
    assert_eq!(
        heard(&store, minute(12)),
        ["first incident.updated", "second incident.updated"],
        "not who was never told"
    );
    assert_eq!(overdue(&store, minute(300)), 0);

    act(&store, 2, Action::Resolve { outcome: Outcome::Violation }, &people, minute(301));
    act(&store, 3, Action::Reopen, &people, minute(302));
    while !heard(&store, minute(302)).is_empty() {}
    assert_eq!((overdue(&store, minute(311)), overdue(&store, minute(312))), (0, 1), "opened again, it waits again");
    assert_eq!(overdue(&store, minute(332)), 1);
    assert_eq!(heard(&store, minute(332)), ["second incident.escalated", "third incident.escalated"]);
}

#[test]
fn late_data_and_herds_that_have_left_wake_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let people = people(&[("second", 10)]);
    let id = |id: &str| IncidentId::parse(id).unwrap();
    let late = Case { id: id("late"), late: true, ..case() };
    let left = Case { ended_at: Some(minute(1)), ..case() };
    let found = [finding(What::Opened(late)), finding(What::Opened(case())), finding(What::Ended(left))];
    store.raise(&found, told(&people), minute(0)).unwrap();
    assert_eq!(store.overdue(told(&people), HOUR, minute(500)).unwrap(), []);
    assert_eq!(heard(&store, minute(500)), [] as [&str; 0]);
}

#[test]
fn a_case_that_one_half_of_the_dual_report_has_not_taken_raises_an_alert_of_its_own_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let half = |id: &str, duty: &str| Subscriber {
        duty: Some(duty.into()),
        events: vec![AlertKind::IncidentOpened],
        ..Subscriber::to_all(id, ChannelKind::Webhook)
    };
    let watcher = Subscriber { id: "watcher".into(), events: vec![AlertKind::HalfReported], ..subscriber(None) };
    let both = [half("town", "local_government"), half("bureau", "forestry_authority"), watcher];
    let second = Case { id: IncidentId::parse("inc-2").unwrap(), ..case() };
    let found = [finding(What::Opened(case())), finding(What::Opened(second))];
    store.raise(&found, told(&both), minute(0)).unwrap();
    for one in due(&store, &[]) {
        if one.subscriber == "town" || one.body.contains("inc-2") {
            tried(&store, &one.id, ReceiptState::Delivered, minute(0));
        }
    }
    assert_eq!(store.overdue(told(&both), HOUR, minute(59)).unwrap(), []);
    let raised = store.overdue(told(&both), HOUR, minute(60)).unwrap();
    let [alert] = &raised[..] else { panic!("{raised:?}") };
    assert_eq!((alert.kind, alert.id.as_str()), (AlertKind::HalfReported, "inc-1-half-reported"));
    let Subject::Incident(incident) = &alert.subject else { panic!("about something else") };
    assert_eq!(incident.timeline.last().unwrap().text.as_deref(), Some("forestry_authority"));
    assert_eq!(store.overdue(told(&both), HOUR, minute(600)).unwrap(), []);
}

#[test]
fn quiet_hours_hold_what_can_wait_until_they_end_or_until_something_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    // It is 10:15 by the legal clock.
    let quiet = QuietHours::parse("10:00", "11:00", Severity::Urgent);
    let people = [Subscriber { quiet, ..Subscriber::to_all("li", ChannelKind::Wecom) }];
    let mut warned = case();
    warned.closure.level = model::ClosureLevel::Warn;
    store.raise(&[finding(What::Opened(warned.clone()))], told(&people), minute(0)).unwrap();
    assert_eq!(heard(&store, minute(44)), [] as [&str; 0]);
    let grave = Case { closure: case().closure, ..warned };
    store.raise(&[finding(What::Grew(grave))], told(&people), minute(20)).unwrap();
    assert_eq!(heard(&store, minute(20)), ["li incident.opened"], "it goes first");
    assert_eq!(heard(&store, minute(20)), ["li incident.updated"]);
}
