//! Many messages for one person become one: in a storm the fourth buzz of a phone in a minute is not looked at any more.
//!
//! In: deliveries that are due, and who they are for.   Out: the same, those of one person merged: the gravest lines and how many more.
//! Never: a message dropped (each keeps its own receipt), a program's event merged, or a new message mixed into one that was tried
//! before: its receipt would then speak for what it did not say.

use crate::message::Said;
use crate::store::Due;
use model::{Language, Timestamp};
use std::collections::BTreeMap;

/// So many at once are still told one by one.
const ALONE_MAX: usize = 2;
/// Lines of a digest; of more their number.
const LINES: usize = 3;

/// Merges what can be told together; `told` says in which language somebody is told in words, and nothing of a program.
pub(super) fn merged(due: Vec<Due>, told: impl Fn(&str) -> Option<Language>) -> Vec<Due> {
    let mut one_by_one = Vec::new();
    let mut people: BTreeMap<(String, u32, Option<Timestamp>), Vec<Due>> = BTreeMap::new();
    for delivery in due {
        if told(&delivery.subscriber).is_none() {
            one_by_one.push(delivery);
            continue;
        }
        // What failed together is tried again together, and nothing else with it.
        let tried = (delivery.attempts > 0).then_some(delivery.next_at);
        people.entry((delivery.subscriber.clone(), delivery.attempts, tried)).or_default().push(delivery);
    }
    for ((subscriber, ..), mut of_one) in people {
        // The first is the same at every attempt: its id is what a provider is asked about.
        of_one.sort_by(|a, b| (a.first_at, &a.id).cmp(&(b.first_at, &b.id)));
        match told(&subscriber) {
            Some(language) if of_one.len() > ALONE_MAX => one_by_one.extend(digest(of_one, language)),
            _ => one_by_one.extend(of_one),
        }
    }
    one_by_one
}

fn digest(of_one: Vec<Due>, language: Language) -> Option<Due> {
    let mut gravest: Vec<&Due> = of_one.iter().collect();
    gravest.sort_by_key(|delivery| weight(&delivery.kind));
    let more = of_one.len().saturating_sub(LINES);
    let said: Vec<Said> = gravest.iter().map(|delivery| Said::parse(&delivery.body)).collect();
    let text = lines(said.iter().map(|said| said.text.as_str()), more, language);
    let mut values = said.into_iter().next()?.values;
    values.insert("message".to_owned(), text.clone());
    values.remove("link");
    let body = Said { text, values, link: None }.kept();
    let with = of_one.iter().skip(1).map(|delivery| (delivery.id.clone(), delivery.attempts)).collect();
    of_one.into_iter().next().map(|first| Due { body, with, ..first })
}

fn lines<'a>(texts: impl Iterator<Item = &'a str>, more: usize, language: Language) -> String {
    let mut lines: Vec<String> = texts.take(LINES).map(str::to_owned).collect();
    match (more, language) {
        (0, _) => {}
        (_, Language::Zh) => lines.push(format!("另有 {more} 条，请看值守台。")),
        (_, Language::En) => lines.push(format!("And {more} more; see the console.")),
    }
    lines.join("\n")
}

/// What must be read first: fires, then new cases, then what became of them, then the rest.
fn weight(kind: &str) -> u8 {
    match kind.trim_start_matches("steppewatch.") {
        "fire.seen" => 0,
        "incident.opened" => 1,
        kind if kind.starts_with("incident.") => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(id: &str, subscriber: &str, kind: &str, attempts: u32, next_s: i64) -> Due {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let link = Some("https://watch.example/a/x".to_owned());
        let body = match subscriber {
            "hook" => format!("text {id}"),
            _ => Said { text: format!("text {id}"), values: BTreeMap::new(), link }.kept(),
        };
        let id = id.to_owned();
        Due {
            id,
            subscriber: subscriber.into(),
            body,
            attempts,
            first_at: at(1),
            next_at: at(next_s),
            kind: kind.into(),
            with: vec![],
        }
    }

    fn told(subscriber: &str) -> Option<Language> {
        match subscriber {
            "phone" => Some(Language::Zh),
            "robot" => Some(Language::En),
            _ => None,
        }
    }

    const OPENED: &str = "steppewatch.incident.opened";

    #[test]
    fn a_storm_is_one_message_with_the_gravest_first_and_the_number_of_the_rest() {
        let mut storm: Vec<Due> =
            (0..16).map(|n| due(&format!("m{n:02}"), "robot", "steppewatch.device.silent", 0, n)).collect();
        storm.push(due("z-herd", "robot", OPENED, 0, 3));
        storm.push(due("z-fire", "robot", "steppewatch.fire.seen", 0, 3));
        let out = merged(storm, told);
        let [one] = &out[..] else { panic!("{out:?}") };
        assert_eq!(Said::parse(&one.body).whole(), "text z-fire\ntext z-herd\ntext m00\nAnd 15 more; see the console.");
        assert_eq!((one.id.as_str(), one.with.len()), ("m00", 17), "each keeps its own receipt");
    }

    #[test]
    fn a_phone_gets_one_text_and_programs_each_event() {
        let mut all: Vec<Due> = (0..4).map(|n| due(&format!("p{n}"), "phone", OPENED, 0, n)).collect();
        all.extend((0..4).map(|n| due(&format!("w{n}"), "hook", OPENED, 0, n)));
        let out = merged(all, told);
        assert_eq!(out.len(), 5);
        let phone = out.iter().find(|delivery| delivery.subscriber == "phone").unwrap();
        let body = Said::parse(&phone.body);
        assert_eq!(body.text, "text p0\ntext p1\ntext p2\n另有 1 条，请看值守台。");
        assert_eq!(body.values["message"], body.text);
        assert_eq!(
            merged(vec![due("a", "phone", OPENED, 0, 1), due("b", "phone", OPENED, 0, 1)], told).len(),
            2,
            "two are two"
        );
    }

    #[test]
    fn what_was_tried_together_is_tried_again_together_and_nothing_new_with_it() {
        let mut all: Vec<Due> = (0..3).map(|n| due(&format!("old{n}"), "robot", OPENED, 1, 60)).collect();
        all.extend((0..3).map(|n| due(&format!("new{n}"), "robot", OPENED, 0, n)));
        all.extend((0..3).map(|n| due(&format!("older{n}"), "robot", OPENED, 1, 50)));
        let mut sets: Vec<Vec<String>> = merged(all, told)
            .into_iter()
            .map(|one| std::iter::once(one.id).chain(one.with.into_iter().map(|(id, _)| id)).collect())
            .collect();
        sets.sort();
        assert_eq!(sets, [["new0", "new1", "new2"], ["old0", "old1", "old2"], ["older0", "older1", "older2"]]);
    }
}
