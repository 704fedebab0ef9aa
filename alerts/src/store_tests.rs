use super::*;
use crate::raise::tests::{case, finding};
use model::{AlertKind, ChannelKind, Severity};

fn subscriber(duty: Option<&str>) -> Subscriber {
    Subscriber {
        id: "s-1".into(),
        name: "达日罕乌拉苏木".into(),
        channel: ChannelKind::Webhook,
        url: "http://127.0.0.1:9/hook".into(),
        secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into(),
        events: vec![AlertKind::IncidentOpened, AlertKind::IncidentClosed],
        townships: vec![],
        zones: vec![],
        severity: Severity::Notice,
        duty: duty.map(str::to_owned),
        since: Timestamp::default(),
    }
}

fn open(folder: &tempfile::TempDir) -> Store {
    let path = folder.path().join("alerts.db");
    Store::open(&path, AlertLog::open(&path).unwrap(), TenantId::parse("hexigten").unwrap()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_313_700_000)
}

#[test]
fn the_same_finding_after_a_restart_makes_no_second_alert_and_no_second_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let findings = [finding(What::Opened(case())), finding(What::SeenAgain(case()))];
    let first = open(&folder).raise(&findings, Some((Offset(9), b"state")), &[subscriber(None)], now()).unwrap();
    assert_eq!(first.len(), 2);

    let again = open(&folder);
    assert_eq!(again.checkpoint().unwrap(), Some((Offset(9), b"state".to_vec())));
    assert_eq!(again.raise(&findings, None, &[subscriber(None)], now()).unwrap(), []);
    assert_eq!(again.due(now(), 10, &[]).unwrap().len(), 1, "seen again is not told");
    assert_eq!(again.log().read(0, 100).unwrap().len(), 3);
}

#[test]
fn deliveries_of_one_case_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let over = Case { ended_at: Some(now()), ..case() };
    store
        .raise(&[finding(What::Opened(case())), finding(What::Ended(over))], None, &[subscriber(None)], now())
        .unwrap();
    let due = store.due(now(), 10, &[]).unwrap();
    assert_eq!(due.len(), 1);
    assert!(due[0].body.contains("steppewatch.incident.opened"));
    assert_eq!(store.due(now(), 10, &[due[0].id.clone()]).unwrap(), [], "under way, so the next still waits");

    let receipt = |state| Receipt { delivery: due[0].id.clone(), state, attempts: 1, at: now(), answer: "204".into() };
    store.receipt(&receipt(ReceiptState::Pending), Timestamp::from_millis(now().as_millis() + 1)).unwrap();
    assert_eq!(store.due(now(), 10, &[]).unwrap(), [], "tried again later, and first");
    store.receipt(&receipt(ReceiptState::Delivered), now()).unwrap();
    assert!(store.due(now(), 10, &[]).unwrap()[0].body.contains("steppewatch.incident.closed"));
}

#[test]
fn a_dual_report_is_pending_until_the_receiver_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.raise(&[finding(What::Opened(case()))], None, &[subscriber(Some("local_government"))], now()).unwrap();
    let reports = |store: &Store| {
        let mut connection = store.lock();
        let transaction = connection.transaction().unwrap();
        stored(&transaction, "inc-1").unwrap().unwrap().0.reports
    };
    assert_eq!(reports(&store)[0].state, "pending");
    let delivery = store.due(now(), 1, &[]).unwrap()[0].id.clone();
    let receipt = Receipt { delivery, state: ReceiptState::Delivered, attempts: 1, at: now(), answer: String::new() };
    store.receipt(&receipt, now()).unwrap();
    assert_eq!(
        (reports(&store)[0].duty.as_str(), reports(&store)[0].state.as_str()),
        ("local_government", "delivered")
    );
}

#[test]
fn a_command_is_carried_out_once_and_a_dead_delivery_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.raise(&[finding(What::Opened(case()))], None, &[subscriber(None)], now()).unwrap();
    let delivery = store.due(now(), 1, &[]).unwrap()[0].id.clone();
    let receipt =
        Receipt { delivery: delivery.clone(), state: ReceiptState::Dead, attempts: 9, at: now(), answer: "410".into() };
    store.receipt(&receipt, now()).unwrap();
    assert_eq!(store.due(now(), 1, &[]).unwrap(), []);

    let action = model::Action::RetryDelivery { delivery };
    store.command(1, &Command { incident: None, by: "admin".into(), at: now(), action }, &[], now()).unwrap();
    assert_eq!(store.due(now(), 1, &[]).unwrap()[0].attempts, 0);
    assert_eq!(open(&folder).command_cursor().unwrap(), 1);
}

#[test]
fn whoever_hears_that_a_case_was_opened_hears_that_it_was_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let opened_only = Subscriber { events: vec![AlertKind::IncidentOpened], ..subscriber(None) };
    let never = Case { ended_at: Some(now()), ..case() };
    let findings = [finding(What::Opened(case())), finding(What::Withdrawn(never))];
    store.raise(&findings, None, &[opened_only], now()).unwrap();
    let first = store.due(now(), 10, &[]).unwrap().remove(0);
    let delivered =
        Receipt { delivery: first.id, state: ReceiptState::Delivered, attempts: 1, at: now(), answer: "204".into() };
    store.receipt(&delivered, now()).unwrap();
    assert!(store.due(now(), 10, &[]).unwrap()[0].body.contains("steppewatch.incident.withdrawn"));
    assert_eq!(store.going_on().unwrap(), []);
}
