//! Changing and importing devices; times in which somebody works on them.

use super::{Fixture, camera, fixture, id};
use crate::{DeviceEdit, NewMaintenance, RegistryError, device_rows};
use model::{MaintenanceScope, TownshipCode};
use std::time::Duration;

fn township(code: &str) -> Option<Option<TownshipCode>> {
    Some(Some(TownshipCode::parse(code).unwrap()))
}

fn audited(fixture: &Fixture, what: &str) -> Vec<String> {
    let entries = fixture.registry.audit(100).unwrap();
    let of = entries.into_iter().filter(|entry| entry.what.starts_with(what));
    of.map(|entry| format!("{} -> {}", entry.before.unwrap_or_default(), entry.after.unwrap_or_default())).collect()
}

#[test]
fn many_devices_are_changed_at_once_and_the_audit_names_only_what_differs() {
    let fixture = fixture();
    for name in ["cam-1", "cam-2", "cam-3"] {
        fixture.registry.add_device(camera(name), "li").unwrap();
    }
    let edit =
        DeviceEdit { site: Some(Some("北山塔".into())), township: township("150425200"), ..DeviceEdit::default() };
    let two = [id("cam-1"), id("cam-2")];
    assert_eq!(fixture.registry.edit_devices(&two, &edit, "li").unwrap(), 2);
    assert_eq!(fixture.registry.edit_devices(&two, &edit, "li").unwrap(), 0, "the same again is no change");
    let view = fixture.registry.view().borrow().clone();
    let sites: Vec<_> = view.devices.values().map(|device| device.site.as_deref()).collect();
    assert_eq!(sites, [Some("北山塔"), Some("北山塔"), None]);
    let told = audited(&fixture, "device.edit cam-1");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("北山塔") && !told[0].contains("cadence"), "{told:?}");
    let cleared = DeviceEdit { site: Some(None), ..DeviceEdit::default() };
    assert_eq!(fixture.registry.edit_devices(&[id("cam-1")], &cleared, "li").unwrap(), 1);
    assert_eq!(fixture.registry.view().borrow().device(&id("cam-1")).unwrap().site, None);
}

#[test]
fn a_change_that_fails_for_one_device_changes_none() {
    let fixture = fixture();
    fixture.registry.add_device(camera("cam-1"), "li").unwrap();
    let edit = DeviceEdit { township: township("150425200"), ..DeviceEdit::default() };
    let error = fixture.registry.edit_devices(&[id("cam-1"), id("cam-9")], &edit, "li").unwrap_err();
    assert!(error.to_string().contains("cam-9"), "{error}");
    assert_eq!(fixture.registry.view().borrow().device(&id("cam-1")).unwrap().township, None);
    assert!(matches!(
        fixture.registry.edit_devices(&[id("cam-1")], &DeviceEdit::default(), "li"),
        Err(RegistryError::Invalid { .. })
    ));
    let own = DeviceEdit { via: Some(Some(id("cam-1"))), ..DeviceEdit::default() };
    assert!(fixture.registry.edit_devices(&[id("cam-1")], &own, "li").is_err());
}

#[test]
fn a_list_registers_what_is_new_and_changes_what_it_says_otherwise() {
    let fixture = fixture();
    fixture.registry.add_device(camera("cam-1"), "li").unwrap();
    let list = "id,kind,site,via,dji\ndrone-1,drone,,dock-1,SN1\ndock-1,gateway,北山塔,,\ncam-1,,北山塔,,\n";
    let rows = device_rows(list.as_bytes()).unwrap();
    let foreseen = fixture.registry.import_devices(&rows, true, "li").unwrap();
    assert_eq!((foreseen.new.len(), foreseen.changed, foreseen.same), (2, 1, 0));
    assert_eq!(fixture.registry.view().borrow().devices.len(), 1, "a rehearsal changes nothing");
    let done = fixture.registry.import_devices(&rows, false, "li").unwrap();
    let new: Vec<_> = done.new.iter().map(|(device, _)| device.as_str()).collect();
    assert_eq!(new, ["dock-1", "drone-1"], "the gateway first, wherever it stands in the list");
    for (device, secret) in &done.new {
        fixture.registry.check_secret(device, secret.as_str()).unwrap();
    }
    let again = fixture.registry.import_devices(&rows, false, "li").unwrap();
    assert_eq!((again.new.len(), again.changed, again.same), (0, 0, 3));
    let view = fixture.registry.view().borrow().clone();
    assert_eq!(view.by_external("dji", "SN1").unwrap().id, id("drone-1"));
    assert_eq!(view.device(&id("cam-1")).unwrap().site.as_deref(), Some("北山塔"));
    let unknown = device_rows(b"id,site\ncam-7,x\n").unwrap();
    let error = fixture.registry.import_devices(&unknown, false, "li").unwrap_err().to_string();
    assert!(error.contains("cam-7") && error.contains("kind"), "{error}");
}

#[test]
fn a_maintenance_holds_for_its_time_and_what_it_names() {
    let fixture = fixture();
    fixture.registry.add_device(camera("cam-1"), "li").unwrap();
    let now = fixture.clock.now();
    let hour = Duration::from_secs(3_600);
    let new = |scope, from, until| NewMaintenance { scope, from, until, reason: "换硬盘".into() };
    let of_camera = MaintenanceScope::Device(id("cam-1"));
    let number = fixture.registry.announce_maintenance(&new(of_camera.clone(), now, now.plus(hour)), "li").unwrap();
    let view = fixture.registry.view().borrow().clone();
    let work = view.maintenance.first().unwrap();
    let device = view.device(&id("cam-1")).unwrap();
    assert!(work.concerns(device) && work.holds(now) && !work.holds(now.plus(hour)));
    fixture.registry.end_maintenance(number, "wang").unwrap();
    assert!(!fixture.registry.view().borrow().maintenance.iter().any(|work| work.holds(now)));
    assert!(fixture.registry.end_maintenance(number, "wang").is_err(), "over is over");
    for (wrong, why) in [
        (new(of_camera.clone(), now, now), "after it begins"),
        (new(of_camera, now, now.plus(hour * 24 * 31)), "at most 30 days"),
        (new(MaintenanceScope::Device(id("cam-9")), now, now.plus(hour)), "cam-9"),
        (new(MaintenanceScope::Site(" ".into()), now, now.plus(hour)), "mast"),
    ] {
        let error = fixture.registry.announce_maintenance(&wrong, "li").unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
