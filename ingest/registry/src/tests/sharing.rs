use super::*;
use crate::{Refusal, RegistryError};
use std::os::unix::fs::PermissionsExt;

#[test]
fn two_handles_on_one_file_see_each_others_changes_after_refresh() {
    let fixture = fixture();
    let (one, two) = (&fixture.registry, &fixture.another());
    let secret = one.add_device(camera("camera-1"), "li").unwrap();
    assert_eq!(two.check_secret(&id("camera-1"), secret.as_str()), Err(Refusal::UnknownDevice));
    assert!(two.refresh().unwrap());
    assert_eq!(two.check_secret(&id("camera-1"), secret.as_str()), Ok(()));
    two.set_disabled(&id("camera-1"), true, "wang").unwrap();
    assert!(one.refresh().unwrap());
    assert_eq!(one.check_secret(&id("camera-1"), secret.as_str()), Err(Refusal::Disabled));
    assert_eq!(one.view().borrow().devices, two.view().borrow().devices);
}

#[test]
fn a_refresh_without_a_change_publishes_nothing() {
    let fixture = fixture();
    fixture.registry.add_device(camera("camera-1"), "li").unwrap();
    let mut view = fixture.registry.view();
    view.mark_unchanged();
    assert!(!fixture.registry.refresh().unwrap());
    // An admin's account is no part of the view.
    fixture.another().ensure_admin(Some("a long password")).unwrap();
    assert!(!fixture.registry.refresh().unwrap());
    assert!(!view.has_changed().unwrap());
}

#[test]
fn handles_that_write_at_the_same_time_lose_nothing_and_keep_one_audit_chain() {
    let fixture = fixture();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let registry = fixture.another();
            scope.spawn(move || {
                for number in 0..10 {
                    registry.add_device(camera(&format!("camera-{writer}-{number}")), "li").unwrap();
                }
            });
        }
    });
    fixture.registry.refresh().unwrap();
    assert_eq!(fixture.registry.view().borrow().devices.len(), 40);
    assert_eq!(fixture.registry.verify_audit().unwrap(), 40);
}

#[test]
fn processes_that_start_together_on_an_empty_folder_agree_on_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let registries: Vec<Registry> = std::thread::scope(|scope| {
        let open = || scope.spawn(|| Registry::open(&path, Clock::system()).unwrap());
        let starting: Vec<_> = (0..4).map(|_| open()).collect();
        starting.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let secret = registries[0].add_device(camera("camera-1"), "li").unwrap();
    for registry in &registries {
        registry.refresh().unwrap();
        assert_eq!(registry.check_secret(&id("camera-1"), secret.as_str()), Ok(()));
    }
}

#[test]
fn the_files_are_their_owners_alone_and_the_key_outlives_a_restart() {
    let fixture = fixture();
    let secret = fixture.registry.add_device(camera("camera-1"), "li").unwrap();
    for name in ["registry.sqlite", "registry.sqlite-wal", "registry.key"] {
        let mode = std::fs::metadata(fixture.path.with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fixture.another().check_secret(&id("camera-1"), secret.as_str()), Ok(()));
}

#[test]
fn a_database_without_its_key_is_refused_and_not_given_a_new_one() {
    let fixture = fixture();
    let key = fixture.path.with_extension("key");
    for wrong in [None, Some([7_u8; 32].as_slice()), Some(b"short".as_slice())] {
        std::fs::remove_file(&key).ok();
        if let Some(bytes) = wrong {
            std::fs::write(&key, bytes).unwrap();
        }
        let error = Registry::open(&fixture.path, fixture.clock.clone()).unwrap_err();
        check_message(&error, &["registry.key", "restore it from the backup"]);
    }
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let fixture = fixture();
    rusqlite::Connection::open(&fixture.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Registry::open(&fixture.path, fixture.clock.clone()).unwrap_err();
    assert!(matches!(error, RegistryError::NewerSchema { found: 99, .. }), "{error}");
}

#[test]
fn an_audit_entry_says_who_what_and_when_and_an_edit_or_a_gap_shows() {
    let fixture = fixture();
    for name in ["camera-1", "camera-2", "camera-3"] {
        fixture.registry.add_device(camera(name), "li").unwrap();
    }
    let entries = fixture.registry.audit(2).unwrap();
    let seen: Vec<_> = entries.iter().map(|entry| (entry.seq, entry.who.as_str(), entry.what.as_str())).collect();
    assert_eq!(seen, [(3, "li", "device.add camera-3"), (2, "li", "device.add camera-2")]);
    assert_eq!((entries[0].at, &entries[0].before), (fixture.clock.now(), &None));
    assert!(entries[0].after.as_ref().unwrap().contains("\"kind\":\"camera\""));
    assert_eq!(fixture.registry.verify_audit().unwrap(), 3);

    let intruder = rusqlite::Connection::open(&fixture.path).unwrap();
    let edit = "UPDATE audit SET who = 'zhao' WHERE seq = 2";
    check_message(&intruder.execute_batch(edit).unwrap_err(), &["append-only"]);
    intruder.execute_batch(&format!("DROP TRIGGER audit_is_not_changed; {edit}")).unwrap();
    assert!(matches!(fixture.registry.verify_audit(), Err(RegistryError::AuditBroken { seq: 2 })));
    intruder.execute_batch("UPDATE audit SET who = 'li' WHERE seq = 2").unwrap();
    assert_eq!(fixture.registry.verify_audit().unwrap(), 3);
    intruder.execute_batch("DROP TRIGGER audit_is_not_removed; DELETE FROM audit WHERE seq = 1").unwrap();
    assert!(matches!(fixture.registry.verify_audit(), Err(RegistryError::AuditBroken { seq: 1 })));
}

#[test]
fn another_calendar_is_published_to_every_handle_and_a_wrong_one_changes_nothing() {
    let fixture = fixture();
    let other = fixture.another();
    assert_eq!(other.view().borrow().calendar.rules, crate::rules::hexigten());
    check_message(&fixture.registry.set_rules("[[rule]]", "li", "新规划").unwrap_err(), &["name"]);
    let text = "[[rule]]\nname = 'late spring'\nkinds = ['balance']\nseason = { from = '04-01', to = '06-30' }\n\
                level = 'enforce'\nlegal_basis = 'order 7'\nfine_yuan_per_sheep_unit = 120\n";
    let rules = fixture.registry.set_rules(text, "li", "新规划").unwrap();
    assert!(other.refresh().unwrap());
    assert_eq!(other.view().borrow().calendar.rules, rules);
    assert_eq!(fixture.registry.audit(10).unwrap().len(), 1);
}
