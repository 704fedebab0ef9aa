use super::*;
use journal::wire::DeviceAlertJson;

fn incident(id: &str, status: &str) -> IncidentJson {
    serde_json::from_value(serde_json::json!({
        "id": id, "status": status, "severity": "urgent", "late": false,
        "zones": [{ "id": "zone-1", "name": "一号禁牧区", "version": 1 }], "township": "150425100", "authority": "township",
        "first_seen": "2026-05-01T00:00:00.000Z", "last_seen": "2026-05-01T00:10:00.000Z", "ended_at": null,
        "position": { "lat": 43.3, "lon": 117.5 }, "accuracy_m": 20.0, "probability": 0.99, "sightings_count": 3,
        "species": [], "sheep_units": { "low": 30, "high": 50 }, "fine_yuan": { "low": 3600, "high": 6000, "estimate": true },
        "legal_basis": "R 35",
        "closure": { "level": "enforce", "rule": "no-grazing", "legal_basis": "R 35", "until": null, "fine_yuan_per_sheep_unit": 120 },
        "reasoning": { "zh": "", "en": "" }, "evidence": [], "reports": [], "household": null, "outcome": null, "devices": [],
        "trigger": { "device": "camera-1", "kind": "sighting", "seq": 1, "ts": "2026-05-01T00:10:00.000Z" },
        "evidence_rule": "three in five minutes", "timeline": []
    }))
    .unwrap()
}

fn alert(seq: u64, kind: AlertKind, incident: Option<IncidentJson>, device: Option<DeviceAlertJson>) -> Record {
    let at = "2026-05-01T00:10:00.000Z".to_owned();
    let body = AlertJson {
        id: format!("a{seq}"),
        type_: kind.as_str().into(),
        severity: "urgent".into(),
        at,
        incident,
        device,
        zone: None,
        notice: None,
        told: true,
    };
    Record { seq, at: Timestamp::default(), body: RecordBody::Alert(body) }
}

fn delivery(seq: u64, id: &str, duty: Option<&str>, state: &str) -> Record {
    let body = serde_json::json!({
        "id": id, "alert": "a1", "type": "steppewatch.incident.opened", "incident": "i1", "subscriber": "s",
        "subscriber_name": "镇政府", "channel": "webhook", "duty": duty, "state": state, "attempts": 1,
        "at": "2026-05-01T00:10:01.000Z", "answer": "204"
    });
    Record { seq, at: Timestamp::default(), body: RecordBody::Delivery(serde_json::from_value(body).unwrap()) }
}

#[test]
fn the_newest_state_of_a_case_wins_and_its_place_in_the_list_stays() {
    let view = View::new();
    view.fold(vec![
        alert(1, AlertKind::IncidentOpened, Some(incident("i1", "open")), None),
        alert(2, AlertKind::IncidentOpened, Some(incident("i2", "open")), None),
        alert(3, AlertKind::IncidentUpdated, Some(incident("i1", "acknowledged")), None),
    ]);
    let (listed, last) = view.incidents(None, 10, |_| true);
    let shown: Vec<_> = listed.iter().map(|one| (one.json.id.as_str(), one.json.status.as_str())).collect();
    assert_eq!(shown, [("i2", "open"), ("i1", "acknowledged")]);
    assert_eq!(last, None);
    assert_eq!(*view.seq().borrow(), 3);
    assert_eq!(view.incidents_by_status()["acknowledged"], 1);
}

#[test]
fn the_dual_report_is_delivered_once_one_receiver_of_each_duty_took_it() {
    let view = View::new();
    view.fold(vec![
        alert(1, AlertKind::IncidentOpened, Some(incident("i1", "open")), None),
        delivery(2, "d1", Some("local_government"), "pending"),
        delivery(3, "d2", Some("forestry_authority"), "dead"),
        delivery(4, "d1", Some("local_government"), "delivered"),
        delivery(5, "d3", Some("local_government"), "pending"),
        delivery(6, "d4", None, "delivered"),
        alert(7, AlertKind::IncidentUpdated, Some(incident("i1", "open")), None),
    ]);
    let reports = &view.incident("i1").unwrap().json.reports;
    let shown: Vec<_> = reports.iter().map(|report| (report.duty.as_str(), report.state.as_str())).collect();
    assert_eq!(shown, [("forestry_authority", "dead"), ("local_government", "delivered")]);
    assert_eq!(view.delivery("d1").unwrap().state, "delivered");
}

#[test]
fn a_silence_holds_until_the_device_is_back() {
    let view = View::new();
    let camera = DeviceId::parse("camera-1").unwrap();
    let device = || {
        let last_seen = "2026-05-01T00:00:00.000Z".to_owned();
        Some(DeviceAlertJson { device: "camera-1".into(), last_seen, deadline: None })
    };
    view.fold(vec![alert(1, AlertKind::DeviceSilent, None, device())]);
    assert!(view.silence(&camera).is_some());
    view.fold(vec![alert(2, AlertKind::DeviceBack, None, device())]);
    assert!(view.silence(&camera).is_none());
}

/// A notice of a flaw of one camera, or of an outage of two.
fn notice(seq: u64, matter: &str, since: &str, is_over: bool) -> Record {
    let devices = if matter == "flaw" { vec!["camera-1"] } else { vec!["camera-1", "camera-2"] };
    let Record { body: RecordBody::Alert(body), .. } = alert(seq, AlertKind::DeviceFaulty, None, None) else {
        panic!()
    };
    let told = serde_json::json!({
        "id": format!("{matter}-{since}"), "matter": matter, "code": "lens", "devices": devices, "devices_count": devices.len(),
        "zone": null, "township": null, "position": null, "since": since,
        "until": is_over.then_some("2026-05-01T01:00:00.000Z"), "value": null, "limit": null, "unit": "", "late": false,
        "text": { "zh": "", "en": "" },
    });
    let body = AlertJson { notice: Some(serde_json::from_value(told).unwrap()), ..body };
    Record { seq, at: Timestamp::default(), body: RecordBody::Alert(body) }
}

#[test]
fn a_notice_goes_on_from_its_first_word_to_its_last_and_is_found_by_its_devices() {
    let view = View::new();
    let (one, two) = (DeviceId::parse("camera-1").unwrap(), DeviceId::parse("camera-2").unwrap());
    let since = "2026-05-01T00:00:00.000Z";
    view.fold(vec![
        notice(1, "flaw", since, false),
        notice(2, "outage", since, false),
        notice(3, "flaw", since, false),
    ]);
    let going_on = || view.notices(None, 10, |notice| notice.until.is_none()).0;
    assert_eq!(going_on().len(), 2, "told again is the same notice");
    let matters = |device| view.notices_of(device).iter().map(|notice| notice.matter.clone()).collect::<Vec<_>>();
    assert_eq!((matters(&one), matters(&two)), (vec!["outage".into(), "flaw".into()], vec!["outage".into()]));
    view.fold(vec![notice(4, "flaw", since, true), notice(5, "outage", since, true), notice(6, "flaw", since, true)]);
    assert!(going_on().is_empty() && matters(&one).is_empty() && matters(&two).is_empty());
    assert_eq!(view.notices(None, 10, |_| true).0.len(), 2, "what is over is still to be read");
}
