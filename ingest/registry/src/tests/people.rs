use super::*;
use crate::{NewUser, Role};

fn officer(username: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        password: "correct horse".to_owned(),
        roles: vec![Role::Operator, Role::Viewer, Role::Operator],
        townships: vec![model::TownshipCode::parse("150425100").unwrap()],
    }
}

#[test]
fn the_first_administrator_gets_a_password_that_is_told_once() {
    let fixture = fixture();
    let password = fixture.registry.ensure_admin(None).unwrap().unwrap();
    assert_eq!(fixture.another().ensure_admin(None).unwrap(), None);
    let user = fixture.registry.check_password("admin", &password).unwrap().unwrap();
    assert_eq!(user.roles, Role::ALL);
    assert_eq!(fixture.registry.check_password("admin", "admin").unwrap(), None);
    assert!(!format!("{:?}", fixture.registry.audit(9).unwrap()).contains(&password));
}

#[test]
fn a_given_administrators_password_is_set_and_changed_when_it_differs() {
    let Fixture { registry, .. } = &fixture();
    assert_eq!(registry.ensure_admin(Some("first password")).unwrap(), None);
    assert_eq!(registry.ensure_admin(Some("first password")).unwrap(), None);
    assert_eq!(registry.audit(9).unwrap().len(), 1, "the same password is no change");
    assert_eq!(registry.ensure_admin(Some("second password")).unwrap(), None);
    assert_eq!(registry.check_password("admin", "first password").unwrap(), None);
    assert!(registry.check_password("admin", "second password").unwrap().is_some());
    check_message(&registry.ensure_admin(Some("")).unwrap_err(), &["password", "8 characters"]);
}

#[test]
fn a_person_logs_in_with_their_password_and_has_their_roles_once() {
    let Fixture { registry, .. } = &fixture();
    let added = registry.add_user(officer("bao"), "admin").unwrap();
    assert_eq!(added.roles, [Role::Viewer, Role::Operator]);
    assert_eq!(registry.check_password("bao", "correct horse").unwrap(), Some(added.clone()));
    assert_eq!(registry.check_password("bao", "correct horse ").unwrap(), None);
    assert_eq!(registry.check_password("nobody", "correct horse").unwrap(), None);
    assert_eq!(registry.check_password("bao", &"x".repeat(5_000)).unwrap(), None);
    assert_eq!(registry.users().unwrap(), [added]);
}

#[test]
fn a_person_without_a_proper_name_password_or_role_is_refused() {
    let Fixture { registry, .. } = &fixture();
    let check = |user: NewUser, words: &[&str]| {
        check_message(&registry.add_user(user, "admin").unwrap_err(), words);
    };
    check(officer("包 officer"), &["username", "A-Z"]);
    check(NewUser { password: "short".to_owned(), ..officer("bao") }, &["password", "not shown"]);
    check(NewUser { roles: Vec::new(), ..officer("bao") }, &["roles", "viewer"]);
    registry.add_user(officer("bao"), "admin").unwrap();
    check(officer("bao"), &["user `bao` exists"]);
    assert!(!format!("{:?}", officer("bao")).contains("horse"));
}
