use super::*;
use crate::{Refusal, RegistryError};
use model::{External, Pose, Position};
use std::time::Duration;

fn known_as(name: &str, system: &str, external: &str) -> NewDevice {
    let external = vec![External { system: system.to_owned(), id: external.to_owned() }];
    NewDevice { external, ..camera(name) }
}

#[test]
fn a_device_is_let_in_with_its_own_secret_only() {
    let Fixture { registry, .. } = &fixture();
    let first = registry.add_device(camera("camera-1"), "li").unwrap();
    let second = registry.add_device(camera("camera-2"), "li").unwrap();
    assert_eq!(first.as_str().len(), 43, "32 bytes as base64url");
    assert_eq!(registry.check_secret(&id("camera-1"), first.as_str()), Ok(()));
    assert_eq!(registry.check_secret(&id("camera-1"), second.as_str()), Err(Refusal::WrongSecret));
    assert_eq!(registry.check_secret(&id("camera-1"), ""), Err(Refusal::WrongSecret));
    assert_eq!(registry.check_secret(&id("camera-3"), first.as_str()), Err(Refusal::UnknownDevice));
}

#[test]
fn a_secret_checked_ten_thousand_times_needs_no_database() {
    let fixture = fixture();
    let secret = fixture.registry.add_device(camera("camera-1"), "li").unwrap();
    // Somebody else holds the write lock and even the schema goes away: a check is a map look-up.
    let other = rusqlite::Connection::open(&fixture.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM external; DELETE FROM device;").unwrap();
    for _ in 0..10_000 {
        assert_eq!(fixture.registry.check_secret(&id("camera-1"), secret.as_str()), Ok(()));
    }
}

#[test]
fn a_secret_shows_in_display_and_never_in_debug_audit_or_database() {
    let fixture = fixture();
    let secret = fixture.registry.add_device(camera("camera-1"), "li").unwrap();
    assert_eq!(secret.to_string(), secret.as_str());
    assert!(!format!("{secret:?}").contains(secret.as_str()));
    assert!(!format!("{:?}", fixture.registry.audit(10).unwrap()).contains(secret.as_str()));
    for name in ["registry.sqlite", "registry.sqlite-wal"] {
        let bytes = std::fs::read(fixture.path.with_file_name(name)).unwrap();
        assert!(!bytes.windows(43).any(|window| window == secret.as_str().as_bytes()), "{name}");
    }
}

#[test]
fn a_renewed_credential_replaces_the_old_one() {
    let Fixture { registry, .. } = &fixture();
    let old = registry.add_device(camera("camera-1"), "li").unwrap();
    let new = registry.renew_credential(&id("camera-1"), "li").unwrap();
    assert_eq!(registry.check_secret(&id("camera-1"), old.as_str()), Err(Refusal::WrongSecret));
    assert_eq!(registry.check_secret(&id("camera-1"), new.as_str()), Ok(()));
    let error = registry.renew_credential(&id("camera-9"), "li").unwrap_err();
    check_message(&error, &["device `camera-9`", "register it first"]);
}

#[test]
fn a_disabled_device_is_refused_until_it_is_enabled_and_a_wrong_secret_does_not_learn_that() {
    let Fixture { registry, .. } = &fixture();
    let secret = registry.add_device(camera("camera-1"), "li").unwrap();
    registry.set_disabled(&id("camera-1"), true, "li").unwrap();
    assert_eq!(registry.check_secret(&id("camera-1"), secret.as_str()), Err(Refusal::Disabled));
    assert_eq!(registry.check_secret(&id("camera-1"), "guess"), Err(Refusal::WrongSecret));
    assert!(registry.view().borrow().device(&id("camera-1")).unwrap().disabled);
    registry.set_disabled(&id("camera-1"), false, "li").unwrap();
    registry.set_disabled(&id("camera-1"), false, "li").unwrap();
    assert_eq!(registry.check_secret(&id("camera-1"), secret.as_str()), Ok(()));
    let whats: Vec<_> = registry.audit(10).unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(whats, ["device.enable camera-1", "device.disable camera-1", "device.add camera-1"]);
}

#[test]
fn everything_said_of_a_device_stands_in_the_view() {
    let fixture = fixture();
    fixture.registry.add_device(NewDevice::new(id("dock-1"), DeviceKind::Gateway), "li").unwrap();
    let new = NewDevice {
        kind: DeviceKind::Drone,
        place: Some(Position::parse(43.25, 117.5).unwrap()),
        pose: Some(Pose { height_m: 30.0, yaw_deg: 90.0, pitch_deg: -5.0, hfov_deg: 60.0 }),
        township: Some(model::TownshipCode::parse("150425100").unwrap()),
        cadence: Some(Duration::from_millis(2_500)),
        via: Some(id("dock-1")),
        ..known_as("drone-1", "dji", "1ZNBJ7R0010078")
    };
    fixture.registry.add_device(new.clone(), "li").unwrap();
    let view = fixture.another().view().borrow().clone();
    let device = view.by_external("dji", "1ZNBJ7R0010078").unwrap();
    let want = model::Device {
        model: None,
        site: None,
        id: new.id,
        kind: new.kind,
        place: new.place,
        pose: new.pose,
        township: new.township,
        cadence: Duration::from_millis(2_500),
        via: new.via,
        external: new.external,
        disabled: false,
        quarantined: false,
        registered_at: fixture.clock.now(),
    };
    assert_eq!(*device, want);
    assert_eq!(view.device(&id("dock-1")).unwrap().cadence, Duration::from_secs(60), "its kind's");
}

#[test]
fn an_external_identity_belongs_to_one_device_however_it_is_written() {
    let Fixture { registry, .. } = &fixture();
    registry.add_device(known_as("collar-1", "deveui", "24E124136B502217"), "li").unwrap();
    let error = registry.add_device(known_as("collar-2", "deveui", "24e124136b502217"), "li").unwrap_err();
    check_message(&error, &["deveui=24e124136b502217", "`collar-1`"]);
    registry.add_device(known_as("plane-1", "mavlink", "007"), "li").unwrap();
    assert!(registry.add_device(known_as("plane-2", "mavlink", "7"), "li").is_err());
    let view = registry.view().borrow().clone();
    assert_eq!(view.by_external("deveui", "24E124136B502217").unwrap().id, id("collar-1"));
    assert_eq!(view.by_external("mavlink", "7").unwrap().id, id("plane-1"));
    assert_eq!(view.devices.len(), 2, "a refused device leaves nothing");
    assert_eq!(registry.verify_audit().unwrap(), 2);
}

#[test]
fn a_device_named_after_its_identity_needs_no_entry() {
    let Fixture { registry, .. } = &fixture();
    registry.add_device(camera("north-gate"), "li").unwrap();
    registry.add_device(known_as("east-gate", "frigate", "cam_east"), "li").unwrap();
    let view = registry.view().borrow().clone();
    assert_eq!(view.by_external("frigate", "north-gate").unwrap().id, id("north-gate"));
    assert_eq!(view.by_external("frigate", "cam_east").unwrap().id, id("east-gate"));
    assert_eq!(view.by_external("frigate", "east-gate"), None, "it states another name there");
    assert_eq!(view.by_external("frigate", "no such/name"), None);
}

#[test]
fn what_cannot_be_is_refused_with_key_value_and_remedy() {
    let Fixture { registry, .. } = &fixture();
    let check = |device: NewDevice, words: &[&str]| {
        check_message(&registry.add_device(device, "li").unwrap_err(), words);
    };
    check(
        NewDevice { cadence: Some(Duration::from_millis(999)), ..camera("a") },
        &["cadence", "999ms", "1 s to 7 days"],
    );
    check(NewDevice { cadence: Some(Duration::from_secs(604_801)), ..camera("a") }, &["cadence", "604801s"]);
    check(NewDevice { via: Some(id("dock")), ..camera("a") }, &["gateway `dock`", "register it first"]);
    check(NewDevice { via: Some(id("a")), ..camera("a") }, &["via", "own gateway"]);
    let pose = Pose { height_m: 30.0, yaw_deg: f64::NAN, pitch_deg: 0.0, hfov_deg: 60.0 };
    check(NewDevice { pose: Some(pose), ..camera("a") }, &["pose.yaw_deg", "NaN", "-360 to 360"]);
    check(known_as("a", "gb28181", "123"), &["gb28181=123", "20 digits"]);
    check(known_as("a", "mavlink", "256"), &["mavlink=256", "1 to 255"]);
    check(known_as("a", "sip", "x"), &["`sip`", "frigate"]);
    check_message(&registry.add_device(camera("a"), "").unwrap_err(), &["by", "name who"]);
    assert_eq!(registry.audit(10).unwrap(), []);
}

#[test]
fn an_id_is_registered_once() {
    let Fixture { registry, .. } = &fixture();
    let secret = registry.add_device(camera("camera-1"), "li").unwrap();
    check_message(&registry.add_device(camera("camera-1"), "li").unwrap_err(), &["`camera-1` exists already"]);
    assert_eq!(registry.check_secret(&id("camera-1"), secret.as_str()), Ok(()));
}

#[test]
fn many_devices_are_added_all_or_none() {
    let Fixture { registry, .. } = &fixture();
    let behind = NewDevice { via: Some(id("dock-1")), ..camera("drone-1") };
    let error = registry.add_devices(&[camera("dock-1"), behind.clone(), camera("dock-1")], "li").unwrap_err();
    assert!(matches!(error, RegistryError::Exists { .. }), "{error}");
    assert!(registry.view().borrow().devices.is_empty());
    let secrets = registry.add_devices(&[camera("dock-1"), behind], "li").unwrap();
    assert_eq!(registry.check_secret(&id("drone-1"), secrets[1].as_str()), Ok(()));
}

#[test]
fn a_password_for_sip_is_its_devices_own_and_changes_with_the_secret_and_is_written_nowhere() {
    let fixture = fixture();
    let registry = &fixture.registry;
    registry.add_device(camera("camera-1"), "li").unwrap();
    registry.add_device(camera("camera-2"), "li").unwrap();
    let password = registry.sip_password(&id("camera-1")).unwrap();
    assert_eq!(password.as_str().len(), 16);
    assert!(password.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    assert_eq!(registry.sip_password(&id("camera-1")).unwrap(), password);
    assert_ne!(registry.sip_password(&id("camera-2")).unwrap(), password);
    for name in ["registry.sqlite", "registry.sqlite-wal"] {
        let bytes = std::fs::read(fixture.path.with_file_name(name)).unwrap();
        assert!(!bytes.windows(16).any(|window| window == password.as_str().as_bytes()), "{name}");
    }
    registry.renew_credential(&id("camera-1"), "li").unwrap();
    assert_ne!(registry.sip_password(&id("camera-1")).unwrap(), password);
    registry.set_disabled(&id("camera-1"), true, "li").unwrap();
    assert_eq!(registry.sip_password(&id("camera-1")), Err(Refusal::Disabled));
    assert_eq!(registry.sip_password(&id("camera-9")), Err(Refusal::UnknownDevice));
}

#[test]
fn what_a_station_or_tracker_is_called_elsewhere_has_its_form() {
    let Fixture { registry, .. } = &fixture();
    registry.add_device(known_as("station-1", "hj212", "010000A8900016F000169DC0"), "li").unwrap();
    registry.add_device(known_as("collar-1", "imei", "868120148373571"), "li").unwrap();
    assert!(registry.view().borrow().by_external("imei", "868120148373571").is_some());
    for (system, wrong) in
        [("hj212", "with blank"), ("hj212", ""), ("imei", "86812014837357"), ("imei", "86812014837357x")]
    {
        let error = registry.add_device(known_as("camera-9", system, wrong), "li").unwrap_err();
        check_message(&error, &["external", wrong]);
    }
}
