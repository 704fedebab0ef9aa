use super::*;
use crate::NewSubscriber;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{AlertKind, Authority, ChannelKind, Severity, TownshipCode, ZoneId};
use std::time::Duration;

fn receiver(url: &str) -> NewSubscriber {
    NewSubscriber {
        events: vec![AlertKind::IncidentOpened],
        townships: vec![TownshipCode::parse("150425100").unwrap()],
        zones: vec![ZoneId::parse("zone-12").unwrap()],
        severity: Severity::Warning,
        duty: Some("local_government".to_owned()),
        ..NewSubscriber::webhook("township 巴彦查干", url)
    }
}

fn phone(number: &str) -> NewSubscriber {
    NewSubscriber {
        channel: ChannelKind::Sms, phone: Some(number.to_owned()), ..NewSubscriber::webhook("王所长", "")
    }
}

#[test]
fn a_phone_is_kept_in_one_form_and_stands_in_no_audit() {
    let fixture = fixture();
    for (entered, kept) in [("139 1234-5678", "+8613912345678"), ("+97611223344", "+97611223344")] {
        let added = fixture.registry.add_subscriber(phone(entered), "li").unwrap();
        assert_eq!((added.phone.as_deref(), added.secret.as_str()), (Some(kept), ""));
        assert!(fixture.registry.view().borrow().subscribers.contains(&added));
        assert!(!format!("{added:?}").contains("1122") && !format!("{added:?}").contains("5678"));
    }
    for entry in fixture.registry.audit(10).unwrap() {
        let told = format!("{entry:?}");
        assert!(!told.contains("12345678") && !told.contains("11223344"), "{told}");
    }
    for wrong in ["", "12345", "139123456789", "23912345678", "+12", "1391234567x"] {
        let error = fixture.registry.add_subscriber(phone(wrong), "li").unwrap_err();
        check_message(&error, &["phone", "11 digits"]);
    }
}

#[test]
fn each_way_needs_its_own_address() {
    let fixture = fixture();
    let add = |new: NewSubscriber| fixture.registry.add_subscriber(new, "li");
    let robot = NewSubscriber {
        channel: ChannelKind::Dingtalk,
        secret: Some("SEC0123".into()),
        ..NewSubscriber::webhook("值班群", "https://robot.example/send?access_token=abc")
    };
    assert_eq!(add(robot.clone()).unwrap().secret, "SEC0123");
    assert_eq!(add(NewSubscriber { secret: None, ..robot.clone() }).unwrap().secret, "", "a robot may have none");
    check_message(&add(NewSubscriber { url: String::new(), ..robot.clone() }).unwrap_err(), &["url", "http"]);
    check_message(&add(NewSubscriber { phone: Some("13912345678".into()), ..robot }).unwrap_err(), &["phone"]);
    check_message(&add(NewSubscriber { phone: None, ..phone("") }).unwrap_err(), &["needs a phone number"]);
    check_message(&add(NewSubscriber { url: "http://a/".into(), ..phone("13912345678") }).unwrap_err(), &["no url"]);
}

fn listener() -> NewSubscriber {
    let townships = vec![TownshipCode::parse("150425100").unwrap()];
    NewSubscriber { channel: ChannelKind::Mqtt, townships, ..NewSubscriber::webhook("village screen", "") }
}

#[test]
fn who_listens_gets_a_password_once_and_loses_it_with_its_removal() {
    let fixture = fixture();
    let added = fixture.registry.add_subscriber(listener(), "li").unwrap();
    let password = added.secret.as_str();
    assert_eq!(password.len(), 43);
    for registry in [&fixture.registry, &fixture.another()] {
        assert_eq!(registry.check_listener(&added.id, password), Some(true));
        assert_eq!(registry.check_listener(&added.id, "guess"), Some(false));
        assert_eq!(registry.check_listener("sub-0000000000000000", password), None);
        assert_eq!(
            registry.view().borrow().subscribers.iter().map(|one| one.secret.as_str()).collect::<Vec<_>>(),
            [""]
        );
    }
    let other = fixture.registry.add_subscriber(listener(), "li").unwrap();
    assert_eq!(fixture.registry.check_listener(&other.id, password), Some(false), "each has its own");
    assert!(!format!("{:?}", fixture.registry.audit(9).unwrap()).contains(password));
    fixture.registry.remove_subscriber(&added.id, "li").unwrap();
    assert_eq!(fixture.registry.check_listener(&added.id, password), None);
}

#[test]
fn who_listens_is_asked_for_nothing_that_mqtt_cannot_keep() {
    let fixture = fixture();
    let refused = |new: NewSubscriber| fixture.registry.add_subscriber(new, "li").unwrap_err();
    check_message(&refused(NewSubscriber { url: "http://a/".into(), ..listener() }), &["no url"]);
    check_message(&refused(NewSubscriber { phone: Some("13912345678".into()), ..listener() }), &["no url, phone"]);
    check_message(&refused(NewSubscriber { secret: Some("mine".into()), ..listener() }), &["a password is made"]);
    let zones = vec![ZoneId::parse("zone-12").unwrap()];
    check_message(&refused(NewSubscriber { zones, ..listener() }), &["zones", "use a webhook"]);
    let authorities = vec![Authority::Township];
    check_message(&refused(NewSubscriber { authorities, ..listener() }), &["authorities", "use a webhook"]);
    let after = Some(Duration::from_secs(60));
    check_message(&refused(NewSubscriber { after, ..listener() }), &["after", "at once"]);
    let duty = Some("local_government".to_owned());
    check_message(&refused(NewSubscriber { duty, ..listener() }), &["duty", "use a webhook"]);
}

#[test]
fn no_device_takes_a_name_that_belongs_to_listeners() {
    let fixture = fixture();
    for id in ["alerts", "sub-0123456789abcdef"] {
        let device = NewDevice::new(DeviceId::parse(id).unwrap(), DeviceKind::Camera);
        check_message(&fixture.registry.add_device(device, "li").unwrap_err(), &[id, "choose another"]);
    }
    let device = NewDevice::new(DeviceId::parse("sub-station-7").unwrap(), DeviceKind::Camera);
    fixture.registry.add_device(device, "li").unwrap();
}

#[test]
fn an_upstream_system_has_neither_address_nor_secret_of_its_own() {
    let fixture = fixture();
    for channel in [ChannelKind::Platform, ChannelKind::FireWarning] {
        let upstream = NewSubscriber { channel, ..NewSubscriber::webhook("智慧林草平台", "") };
        let added = fixture.registry.add_subscriber(upstream.clone(), "li").unwrap();
        assert_eq!((added.url.as_str(), added.secret.as_str(), added.phone.as_deref()), ("", "", None));
        assert!(fixture.another().view().borrow().subscribers.contains(&added));
        for wrong in [
            NewSubscriber { url: "http://a/".into(), ..upstream.clone() },
            NewSubscriber { secret: Some("s".into()), ..upstream.clone() },
            NewSubscriber { phone: Some("13912345678".into()), ..upstream.clone() },
        ] {
            check_message(&fixture.registry.add_subscriber(wrong, "li").unwrap_err(), &["url", "[platform]"]);
        }
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
