use super::*;
use crate::raise::tests::{case, finding};
use journal::wire::IncidentJson;
use model::{
    Action, AlertKind, AnimalId, AnimalMark, ChannelKind, Household, HouseholdId, MarkKind, Outcome, Receipt,
    ReceiptState, Severity, Stock, What,
};

pub(super) fn subscriber(duty: Option<&str>) -> Subscriber {
    Subscriber {
        name: "达日罕乌拉苏木".into(),
        url: "http://127.0.0.1:9/hook".into(),
        secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into(),
        events: vec![AlertKind::IncidentOpened, AlertKind::IncidentClosed],
        duty: duty.map(str::to_owned),
        ..Subscriber::to_all("s-1", ChannelKind::Webhook)
    }
}

/// What is due of everybody.
pub(super) fn due(store: &Store, busy: &[String]) -> Vec<Due> {
    store.look(now(), |_| 10, &busy.iter().cloned().collect()).unwrap().due
}

/// Writes down that a delivery was tried.
pub(super) fn tried(store: &Store, delivery: &str, state: ReceiptState, next_at: Timestamp) {
    let answer = "204".into();
    let receipt = Receipt { delivery: delivery.into(), state, attempts: 1, at: now(), took_ms: 7, answer };
    store.receipts(&[(receipt, next_at)]).unwrap();
}

pub(super) fn told(subscribers: &[Subscriber]) -> Known<'_> {
    static NOBODY: std::sync::LazyLock<Households> = std::sync::LazyLock::new(Households::default);
    Known { subscribers, rosters: &[], zones: &[], households: &NOBODY }
}

pub(crate) fn open(folder: &tempfile::TempDir) -> Store {
    let path = folder.path().join("alerts.db");
    Store::open(&path, AlertLog::open(&path).unwrap(), TenantId::parse("hexigten").unwrap()).unwrap()
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(1_795_313_700_000)
}

#[test]
fn the_same_finding_after_a_restart_makes_no_second_alert_and_no_second_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let findings = [finding(What::Opened(case())), finding(What::SeenAgain(case()))];
    let first = open(&folder).raise(&findings, told(&[subscriber(None)]), now()).unwrap();
    assert_eq!(first.len(), 2);

    let again = open(&folder);
    assert_eq!(again.raise(&findings, told(&[subscriber(None)]), now()).unwrap(), []);
    assert_eq!(due(&again, &[]).len(), 1, "seen again is not told");
    assert_eq!(again.log().read(0, 100).unwrap().len(), 3);
}

#[test]
fn deliveries_of_one_case_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let over = Case { ended_at: Some(now()), ..case() };
    store
        .raise(&[finding(What::Opened(case())), finding(What::Ended(over))], told(&[subscriber(None)]), now())
        .unwrap();
    let waits = due(&store, &[]);
    assert_eq!(waits.len(), 1);
    assert!(waits[0].body.contains("steppewatch.incident.opened"));
    assert_eq!(due(&store, &[waits[0].id.clone()]), [], "under way, so the next still waits");

    tried(&store, &waits[0].id, ReceiptState::Pending, Timestamp::from_millis(now().as_millis() + 1));
    assert_eq!(due(&store, &[]), [], "tried again later, and first");
    tried(&store, &waits[0].id, ReceiptState::Delivered, now());
    assert!(due(&store, &[])[0].body.contains("steppewatch.incident.closed"));
}

#[test]
fn a_dual_report_is_pending_until_the_receiver_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.raise(&[finding(What::Opened(case()))], told(&[subscriber(Some("local_government"))]), now()).unwrap();
    let reports = |store: &Store| {
        let mut connection = store.lock();
        let transaction = connection.transaction().unwrap();
        stored(&transaction, "inc-1").unwrap().unwrap().0.reports
    };
    let states: Vec<_> = reports(&store).into_iter().map(|report| report.state).collect();
    assert_eq!(states, ["pending", "no_receiver"]);
    let delivery = due(&store, &[])[0].id.clone();
    tried(&store, &delivery, ReceiptState::Delivered, now());
    assert_eq!(
        (reports(&store)[0].duty.as_str(), reports(&store)[0].state.as_str()),
        ("local_government", "delivered")
    );
}

#[test]
fn a_command_is_carried_out_once_and_a_dead_delivery_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.raise(&[finding(What::Opened(case()))], told(&[subscriber(None)]), now()).unwrap();
    let delivery = due(&store, &[])[0].id.clone();
    tried(&store, &delivery, ReceiptState::Dead, now());
    assert_eq!(due(&store, &[]), []);

    let action = Action::RetryDelivery { delivery };
    store.command(1, &Command { incident: None, by: "admin".into(), at: now(), action }, told(&[]), now()).unwrap();
    assert_eq!(due(&store, &[])[0].attempts, 0);
    assert_eq!(open(&folder).command_cursor().unwrap(), 1);
}

/// A provider says what became of a text message that it took.
fn says(store: &Store, seq: u64, delivery: &str, arrived: bool, words: &str) {
    let action = Action::SmsReceipt { delivery: delivery.into(), arrived, told: words.into() };
    let command = Command { incident: None, by: "aliyun".into(), at: now(), action };
    store.command(seq, &command, told(&[]), now()).unwrap();
}

/// The newest record of the only delivery, as state and answer.
fn last_of(store: &Store) -> (String, String) {
    let records = store.log().read(0, 100).unwrap();
    let RecordBody::Delivery(last) = &records.last().unwrap().body else { panic!("no delivery") };
    (last.state.clone(), last.answer.clone())
}

#[test]
fn a_text_message_that_did_not_arrive_is_dead_with_the_reason_and_can_be_sent_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let phone = Subscriber { channel: ChannelKind::Sms, phone: Some("+8613900000000".into()), ..subscriber(None) };
    store.raise(&[finding(What::Opened(case()))], told(&[phone]), now()).unwrap();
    let first = due(&store, &[]).remove(0);
    says(&store, 1, &first.id, true, "DELIVERED");
    assert_eq!(last_of(&store).0, "pending", "what was never sent cannot have arrived");
    tried(&store, &first.id, ReceiptState::Delivered, now());
    says(&store, 2, &first.id, false, &"空号".repeat(200));
    let (state, answer) = last_of(&store);
    assert!(state == "dead" && answer.starts_with("did not arrive: 空号") && answer.chars().count() < 220, "{answer}");

    let action = Action::RetryDelivery { delivery: first.id.clone() };
    store.command(3, &Command { incident: None, by: "admin".into(), at: now(), action }, told(&[]), now()).unwrap();
    assert_eq!(due(&store, &[])[0].body, first.body, "its words were kept");
    tried(&store, &first.id, ReceiptState::Delivered, now());
    says(&store, 4, &first.id, true, "DELIVERED");
    says(&store, 5, &first.id, false, "too late");
    assert_eq!(last_of(&store), ("delivered".into(), "arrived: DELIVERED".into()), "what is on the phone stays there");
}

#[test]
fn whoever_hears_that_a_case_was_opened_hears_that_it_was_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let opened_only = Subscriber { events: vec![AlertKind::IncidentOpened], ..subscriber(None) };
    let never = Case { ended_at: Some(now()), ..case() };
    let findings = [finding(What::Opened(case())), finding(What::Withdrawn(never))];
    store.raise(&findings, told(&[opened_only]), now()).unwrap();
    let first = due(&store, &[]).remove(0);
    tried(&store, &first.id, ReceiptState::Delivered, now());
    assert!(due(&store, &[])[0].body.contains("steppewatch.incident.withdrawn"));
    assert_eq!(store.going_on().unwrap(), []);
}

/// The case `inc-{number}` of a herd with this ear tag.
fn case_of(number: u32, tag: &str, first_seen: &str) -> Case {
    let first_seen = Timestamp::parse_legal(first_seen).unwrap();
    let mut case = Case { id: IncidentId::parse(&format!("inc-{number}")).unwrap(), first_seen, ..case() };
    case.exhibits.animals = vec![AnimalMark { kind: MarkKind::EarTag, id: AnimalId::parse(tag).unwrap() }];
    case
}

#[test]
fn a_case_names_the_household_of_its_animals_and_its_earlier_cases_of_the_same_year() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let id = HouseholdId::parse("h-1").unwrap();
    let household = Household { id: id.clone(), name: "其其格".into(), township: None, stock: Stock::Local };
    let mark = AnimalMark { kind: MarkKind::EarTag, id: AnimalId::parse("156001").unwrap() };
    let households = Households::new([household], [(mark, id)]);
    let known = Known { households: &households, ..told(&[]) };
    let days = ["2025-12-31", "2026-01-01", "2026-02-01", "2026-03-01"];
    let cases: Vec<_> = (1..).zip(days).map(|(number, day)| case_of(number, "156001", day)).collect();
    let mut found: Vec<_> = cases.into_iter().map(|case| finding(What::Opened(case))).collect();
    found.push(finding(What::Opened(case_of(5, "unknown", "2026-03-02"))));
    store.raise(&found, known, now()).unwrap();
    let action = Action::Resolve { outcome: Outcome::FalsePositive };
    let incident = IncidentId::parse("inc-3").ok();
    store.command(1, &Command { incident, by: "li".into(), at: now(), action }, known, now()).unwrap();

    let again = case_of(4, "156001", "2026-03-01");
    let raised = store.raise(&[finding(What::SeenAgain(again))], known, now()).unwrap();
    let Subject::Incident(incident) = &raised[0].subject else { panic!("about something else") };
    assert_eq!(incident.households[0].household.name, "其其格");
    let earlier: Vec<_> = incident.earlier.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(earlier, ["inc-2"], "neither of last year, nor one that was no animals, nor itself");
    let told = IncidentJson::new(incident, Severity::Urgent);
    assert_eq!(told.household.as_ref().map(|one| (one.id.as_str(), one.stock.as_str())), Some(("h-1", "local")));
    assert_eq!(Incident::try_from(&told).unwrap().earlier, incident.earlier, "it is read back as it was written");
    assert!(told.reasoning.zh.contains("该户本年度此前有 1 起记录"), "{}", told.reasoning.zh);
}

#[test]
fn whoever_looks_from_outside_sees_which_receivers_fail_and_what_they_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let fine = Subscriber { id: "fine".into(), name: "旗林草局".into(), ..subscriber(None) };
    store.raise(&[finding(What::Opened(case()))], told(&[subscriber(None), fine]), now()).unwrap();
    for one in due(&store, &[]) {
        let state = if one.subscriber == "fine" { ReceiptState::Delivered } else { ReceiptState::Pending };
        tried(&store, &one.id, state, now());
    }
    let receivers = crate::receivers(&folder.path().join("alerts.db")).unwrap();
    let lines: Vec<_> = receivers.iter().map(|one| (one.name.as_str(), one.pending, one.is_failing())).collect();
    assert_eq!(lines, [("旗林草局", 0, false), ("达日罕乌拉苏木", 1, true)]);
    let records = store.log().read(0, 100).unwrap();
    let RecordBody::Delivery(last) = &records.last().unwrap().body else { panic!("no delivery") };
    assert_eq!((last.tries.len(), last.tries[0].took_ms), (1, 7), "each attempt is shown");
}
