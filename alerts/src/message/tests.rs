use super::*;
use crate::raise::{from_finding, tests as raised};
use model::{DeviceId, Interval, Matter, Notice, Species, SpeciesCount, Timestamp, What};

fn alert(what: What) -> Alert {
    from_finding(&raised::finding(what), None).unwrap().alert
}

fn herd() -> Alert {
    let count =
        |low, high| SpeciesCount { species: Species::Sheep, count: Interval { low, high }, young: Interval::default() };
    let last_seen = Timestamp::parse_rfc3339("2026-04-22T10:15:00+08:00").unwrap();
    let units = Interval { low: 34, high: 46 };
    alert(What::Opened(model::Case { species: vec![count(34, 46)], sheep_units: units, last_seen, ..raised::case() }))
}

fn smoke() -> Alert {
    alert(What::Begun(Notice {
        matter: Matter::Fire { sign: model::FireSign::Smoke, confidence: 0.8 },
        devices: vec![DeviceId::parse("cam-7").unwrap()],
        devices_count: 1,
        zone: None,
        township: None,
        position: None,
        since: Timestamp::parse_rfc3339("2026-04-22T10:15:00+08:00").unwrap(),
        until: None,
        late: false,
    }))
}

#[test]
fn a_herd_is_told_in_one_text_message_in_either_language() {
    let messages = Messages::default();
    let zh = messages.text(&herd(), Language::Zh);
    assert_eq!(zh, "10:15 北坡发现绵羊 34 至 46 只，约 34 至 46 羊单位，位置 43.30000,117.50000，发现设备 cam-1。");
    assert_eq!(SmsLength::of(&zh).parts, 1, "{zh}");
    let en = messages.text(&herd(), Language::En);
    assert_eq!(en, "10:15 34 to 46 sheep in 北坡, about 34 to 46 sheep units, at 43.30000,117.50000, seen by cam-1.");
    assert_eq!(messages.text(&smoke(), Language::Zh), "10:15 cam-7 发现烟雾，把握 80 %。");
}

#[test]
fn every_shipped_message_says_something_of_much_and_of_little() {
    let shipped = shipped();
    for (name, _) in SHIPPED {
        for facts in facts::examples(name) {
            let text = shipped.get_template(name).unwrap().render(Value::from_serialize(&facts)).unwrap();
            assert!(text.contains("10:15") && !text.contains("{{") && text.len() > 12, "{name}: {text}");
        }
    }
}

#[test]
fn an_installations_message_replaces_the_shipped_one_and_a_wrong_one_is_refused_with_its_line() {
    let own = |name: &str, text: &str| Messages::with(vec![(name.to_owned(), text.to_owned())]);
    let messages = own("incident.opened.zh", "{{ zone }}有{{ animals }}").unwrap();
    assert_eq!(messages.text(&herd(), Language::Zh), "北坡有绵羊 34 至 46 只");
    assert!(messages.text(&herd(), Language::En).starts_with("10:15 34 to 46 sheep"));
    for (name, text, why) in [
        ("incident.opened.zh", "好\n{{ informant }}", "line 2"),
        ("incident.opened.zh", "{{ zone", "line 1"),
        ("incident.opened.zh", "{% for a in range(99999) %}{{ a }}{% endfor %}", "fuel"),
        ("incident.begun.zh", "好", "there is no message `incident.begun.zh`"),
        ("notice.zh", &"草".repeat(3_000), "at most 8192"),
    ] {
        let error = own(name, text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_message_never_runs_code_or_reads_files() {
    let error = Messages::with(vec![("notice.zh".into(), "{% include 'x' %}".into())]).unwrap_err().to_string();
    assert!(error.contains("notice.zh"), "{error}");
}

#[test]
fn a_phone_gets_the_text_and_every_value_that_a_template_may_name() {
    let link = Some("https://watch.example/a/x".to_owned());
    let body = Said::parse(&Messages::default().said(&herd(), Language::Zh, link).kept());
    let names: Vec<&str> = body.values.keys().map(String::as_str).collect();
    let mut known = NAMES.to_vec();
    known.sort_unstable();
    assert_eq!(names, known);
    assert_eq!((body.values["zone"].as_str(), body.values["animals"].as_str()), ("北坡", "绵羊 34 至 46 只"));
    assert_eq!(body.values["message"], body.text);
    assert_eq!(body.whole(), format!("{}\n收到请点：https://watch.example/a/x", body.text));
    assert!(body.in_parts(1).ends_with("… 收到请点：https://watch.example/a/x"), "{}", body.in_parts(1));
    let of_before = Said::parse("北坡发现绵羊");
    assert_eq!((of_before.whole().as_str(), of_before.in_parts(1).as_str()), ("北坡发现绵羊", "北坡发现绵羊"));
}

#[test]
fn a_message_is_shown_with_what_it_says_before_anybody_gets_it() {
    let shown = preview("incident.opened.zh", "{{ zone }}有{{ animals or '羊' }}").unwrap();
    assert_eq!(shown.says, ["北坡禁牧区有绵羊 34 至 46 只、牛 3 头", "有羊"]);
    assert!(shown.is_own && preview("incident.opened.zh", "{{ informant }}").is_err());
    assert_eq!(Messages::default().shown().len(), SHIPPED.len());
}
