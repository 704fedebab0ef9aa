use super::*;
use crate::{ClaimError, ClaimRefusal, NewClaimKey, Refusal, RegistryError, Secret};
use std::time::Duration;

fn spring() -> NewClaimKey {
    NewClaimKey { name: "spring".into(), kind: None, life: Duration::from_secs(86_400), uses: 2 }
}

fn claim(registry: &Registry, key: &Secret, serial: &str) -> Result<Secret, ClaimError> {
    registry.claim(key.as_str(), &id(serial), DeviceKind::Station)
}

#[track_caller]
fn check_refused(outcome: Result<Secret, ClaimError>, refusal: ClaimRefusal) {
    assert!(matches!(&outcome, Err(ClaimError::Key(why)) if *why == refusal), "{outcome:?}");
}

#[test]
fn a_claimed_device_is_known_and_kept_out_until_it_is_approved() {
    let Fixture { registry, .. } = &fixture();
    let (key, made) = registry.add_claim_key(&spring(), "li").unwrap();
    let secret = claim(registry, &key, "SN-1").unwrap();
    assert_eq!(registry.check_secret(&id("SN-1"), secret.as_str()), Err(Refusal::Quarantined));
    assert_eq!(registry.check_secret(&id("SN-1"), key.as_str()), Err(Refusal::WrongSecret));
    let device = registry.view().borrow().device(&id("SN-1")).unwrap().clone();
    assert_eq!((device.kind, device.disabled, device.quarantined), (DeviceKind::Station, true, true));
    check_message(&registry.set_disabled(&id("SN-1"), false, "li").unwrap_err(), &["`SN-1`", "approve it"]);
    registry.approve(&id("SN-1"), "wang").unwrap();
    assert_eq!(registry.check_secret(&id("SN-1"), secret.as_str()), Ok(()));
    let device = registry.view().borrow().device(&id("SN-1")).unwrap().clone();
    assert_eq!((device.disabled, device.quarantined), (false, false));
    assert!(matches!(registry.approve(&id("SN-1"), "wang"), Err(RegistryError::State { .. })));
    assert_eq!(registry.claim_keys().unwrap(), [crate::ClaimKey { used: 1, ..made }]);
}

#[test]
fn shutting_a_newcomer_out_ends_its_quarantine_and_only_enabling_lets_it_in_then() {
    let Fixture { registry, .. } = &fixture();
    let (key, _) = registry.add_claim_key(&spring(), "li").unwrap();
    let secret = claim(registry, &key, "SN-1").unwrap();
    registry.set_disabled(&id("SN-1"), true, "li").unwrap();
    assert_eq!(registry.check_secret(&id("SN-1"), secret.as_str()), Err(Refusal::Disabled));
    check_message(&registry.approve(&id("SN-1"), "li").unwrap_err(), &["does not await approval"]);
    registry.set_disabled(&id("SN-1"), false, "li").unwrap();
    assert_eq!(registry.check_secret(&id("SN-1"), secret.as_str()), Ok(()));
}

#[test]
fn a_serial_number_is_claimed_once_and_never_one_that_another_device_has() {
    let Fixture { registry, .. } = &fixture();
    let external = vec![model::External { system: "dji".into(), id: "DRONE1".into() }];
    registry.add_device(NewDevice { external, ..camera("drone-1") }, "li").unwrap();
    let (key, _) = registry.add_claim_key(&NewClaimKey { uses: 10, ..spring() }, "li").unwrap();
    let secret = claim(registry, &key, "SN-1").unwrap();
    for taken in ["SN-1", "drone-1", "DRONE1"] {
        let error = claim(registry, &key, taken).unwrap_err();
        assert!(matches!(&error, ClaimError::Taken(serial) if *serial == id(taken)), "{error}");
    }
    assert_eq!(registry.check_secret(&id("SN-1"), secret.as_str()), Err(Refusal::Quarantined), "the first one's");
    assert_eq!(registry.claim_keys().unwrap()[0].used, 1, "a refused claim costs nothing");
}

#[test]
fn a_key_that_is_wrong_spent_expired_revoked_or_of_another_kind_registers_nothing() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let (key, _) = registry.add_claim_key(&NewClaimKey { uses: 1, ..spring() }, "li").unwrap();
    check_refused(registry.claim("claim_guess", &id("SN-1"), DeviceKind::Station), ClaimRefusal::Unknown);
    claim(registry, &key, "SN-1").unwrap();
    check_refused(claim(registry, &key, "SN-2"), ClaimRefusal::Spent);
    let cameras = NewClaimKey { name: "cameras".into(), kind: Some(DeviceKind::Camera), ..spring() };
    let (cameras, _) = registry.add_claim_key(&cameras, "li").unwrap();
    check_refused(claim(registry, &cameras, "SN-2"), ClaimRefusal::OtherKind);
    let (taken_back, _) = registry.add_claim_key(&NewClaimKey { name: "lost".into(), ..spring() }, "li").unwrap();
    registry.revoke_claim_key("lost", "li").unwrap();
    registry.revoke_claim_key("lost", "li").unwrap();
    check_refused(claim(registry, &taken_back, "SN-2"), ClaimRefusal::Revoked);
    let (late, _) = registry.add_claim_key(&NewClaimKey { name: "late".into(), ..spring() }, "li").unwrap();
    fixture.clock.set(at("2026-04-02T00:00:00+08:00"));
    check_refused(claim(registry, &late, "SN-2"), ClaimRefusal::Expired);
    assert_eq!(registry.view().borrow().devices.len(), 1);
    check_message(&registry.revoke_claim_key("none", "li").unwrap_err(), &["claim key `none`"]);
}

#[test]
fn two_processes_spend_the_last_use_of_a_key_once() {
    let fixture = fixture();
    let (key, _) = fixture.registry.add_claim_key(&NewClaimKey { uses: 1, ..spring() }, "li").unwrap();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let claiming: Vec<_> = (0..4)
            .map(|number| {
                let (registry, key) = (fixture.another(), &key);
                scope.spawn(move || claim(&registry, key, &format!("SN-{number}")))
            })
            .collect();
        claiming.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    fixture.registry.refresh().unwrap();
    assert_eq!(fixture.registry.view().borrow().devices.len(), 1);
}

#[test]
fn everything_about_a_claim_is_in_the_audit_and_no_secret_is_anywhere() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let (key, _) = registry.add_claim_key(&spring(), "li").unwrap();
    assert!(key.as_str().starts_with("claim_") && key.as_str().len() == 49);
    let secret = claim(registry, &key, "SN-1").unwrap();
    registry.approve(&id("SN-1"), "wang").unwrap();
    registry.revoke_claim_key("spring", "li").unwrap();
    let entries = registry.audit(10).unwrap();
    let seen: Vec<_> = entries.iter().rev().map(|entry| (entry.who.as_str(), entry.what.as_str())).collect();
    let want = [
        ("li", "claim_key.add spring"),
        ("claim:spring", "device.add SN-1"),
        ("claim:spring", "device.quarantine SN-1"),
        ("claim:spring", "claim_key.use spring"),
        ("wang", "device.approve SN-1"),
        ("li", "claim_key.revoke spring"),
    ];
    assert_eq!(seen, want);
    assert_eq!(registry.verify_audit().unwrap(), 6);
    let shown = format!("{entries:?}{:?}{key:?}{secret:?}", registry.claim_keys().unwrap());
    for text in [key.as_str(), secret.as_str()] {
        assert!(!shown.contains(text));
        for name in ["registry.sqlite", "registry.sqlite-wal"] {
            let bytes = std::fs::read(fixture.path.with_file_name(name)).unwrap();
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{name}");
        }
    }
}

#[test]
fn a_key_that_cannot_be_is_refused_with_its_remedy() {
    let Fixture { registry, .. } = &fixture();
    registry.add_claim_key(&spring(), "li").unwrap();
    let check = |new: NewClaimKey, words: &[&str]| {
        check_message(&registry.add_claim_key(&new, "li").unwrap_err(), words);
    };
    check(spring(), &["claim key `spring`", "exists already"]);
    check(NewClaimKey { name: String::new(), ..spring() }, &["name", "1 to 64"]);
    check(NewClaimKey { name: "a\nb".into(), ..spring() }, &["name"]);
    check(NewClaimKey { life: Duration::from_secs(59), ..spring() }, &["expires", "1 minute"]);
    check(NewClaimKey { uses: 0, ..spring() }, &["uses", "1 to 10000"]);
    assert_eq!(registry.claim_keys().unwrap().len(), 1);
}
