use super::*;
use crate::NewSubscriber;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{AlertKind, Severity, TownshipCode, ZoneId};

fn receiver(url: &str) -> NewSubscriber {
    NewSubscriber {
        name: "township 巴彦查干".to_owned(),
        url: url.to_owned(),
        secret: None,
        events: vec![AlertKind::IncidentOpened],
        townships: vec![TownshipCode::parse("150425100").unwrap()],
        zones: vec![ZoneId::parse("zone-12").unwrap()],
        severity: Severity::Warning,
        duty: Some("local_government".to_owned()),
    }
}

#[test]
fn a_subscriber_gets_a_signing_key_and_stands_in_every_view() {
    let fixture = fixture();
    let added = fixture.registry.add_subscriber(receiver("https://example.org/hook?token=abc"), "li").unwrap();
    let key = STANDARD.decode(added.secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(fixture.another().view().borrow().subscribers, std::slice::from_ref(&added));
    let audit = format!("{:?}", fixture.registry.audit(9).unwrap());
    assert!(audit.contains("example.org/hook") && !audit.contains(&added.secret) && !audit.contains("token=abc"));
}

#[test]
fn a_given_signing_key_is_kept_or_refused_without_being_shown() {
    let Fixture { registry, .. } = &fixture();
    let with = |secret: String| NewSubscriber { secret: Some(secret), ..receiver("http://127.0.0.1:9/") };
    let good = format!("whsec_{}", STANDARD.encode([1; 24]));
    assert_eq!(registry.add_subscriber(with(good.clone()), "li").unwrap().secret, good);
    let long = format!("whsec_{}", STANDARD.encode([1; 65]));
    let short = format!("whsec_{}", STANDARD.encode([1; 23]));
    for bad in [long, short, good.replace("whsec_", ""), "whsec_%%%".to_owned(), String::new()] {
        let error = registry.add_subscriber(with(bad.clone()), "li").unwrap_err();
        check_message(&error, &["secret", "24 to 64 bytes"]);
        assert!(bad.is_empty() || !error.to_string().contains(&bad));
    }
}

#[test]
fn only_an_http_address_with_a_host_and_no_password_is_taken() {
    let Fixture { registry, .. } = &fixture();
    for good in ["http://127.0.0.1:8080/x", "https://example.org", "HTTPS://[::1]:443/a?b#c", "http://苏木.example/"]
    {
        registry.add_subscriber(receiver(good), "li").unwrap();
    }
    for (bad, word) in [
        ("ftp://example.org/", "http"),
        ("example.org", "http"),
        ("http:///path", "host"),
        ("http://:80/", "host"),
        ("http://[zz]/", "host"),
        ("http://li:geheim@example.org/", "user and password"),
        ("http://example.org:99999/", "port"),
        ("http://example.org:/", "port"),
        ("http://exa mple.org/", "spaces"),
    ] {
        let error = registry.add_subscriber(receiver(bad), "li").unwrap_err();
        check_message(&error, &["url", word]);
        assert!(!error.to_string().contains("geheim"));
    }
    let long = format!("http://example.org/{}", "x".repeat(2_000));
    check_message(&registry.add_subscriber(receiver(&long), "li").unwrap_err(), &["2000 bytes"]);
}

#[test]
fn a_name_of_1_to_100_characters_and_a_known_duty_are_needed() {
    let Fixture { registry, .. } = &fixture();
    let named = |name: &str| NewSubscriber { name: name.to_owned(), ..receiver("http://a/") };
    registry.add_subscriber(named(&"苏".repeat(100)), "li").unwrap();
    for bad in ["", "  ", &"x".repeat(101), "a\nb"] {
        check_message(&registry.add_subscriber(named(bad), "li").unwrap_err(), &["name", "1 to 100"]);
    }
    let duty = NewSubscriber { duty: Some("mayor".to_owned()), ..receiver("http://a/") };
    check_message(&registry.add_subscriber(duty, "li").unwrap_err(), &["duty", "`mayor`", "forestry_authority"]);
}

#[test]
fn a_removed_subscriber_is_gone_everywhere_and_removed_once() {
    let fixture = fixture();
    let other = fixture.another();
    let added = fixture.registry.add_subscriber(receiver("http://a/"), "li").unwrap();
    other.remove_subscriber(&added.id, "wang").unwrap();
    fixture.registry.refresh().unwrap();
    assert!(fixture.registry.view().borrow().subscribers.is_empty());
    check_message(&other.remove_subscriber(&added.id, "wang").unwrap_err(), &["subscriber", &added.id]);
    assert_eq!(fixture.registry.verify_audit().unwrap(), 2);
}
