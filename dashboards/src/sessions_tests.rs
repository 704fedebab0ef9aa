//! How sessions end, and how their tokens change, as sentences.

use super::*;
use registry::Role;

fn user(name: &str) -> User {
    User {
        username: name.to_owned(),
        roles: vec![Role::Operator],
        townships: Vec::new(),
        disabled: false,
        second_factor: false,
    }
}

fn hours(hours: i64) -> Timestamp {
    Timestamp::from_millis(hours * 3_600_000)
}

fn later(hour: i64, seconds: u64) -> Timestamp {
    hours(hour).plus(Duration::from_secs(seconds))
}

#[test]
fn a_session_ends_after_eight_hours_unused_and_after_a_day_in_any_case() {
    let sessions = Sessions::default();
    let idle = sessions.open(user("idle"), hours(0)).unwrap();
    let busy = sessions.open(user("busy"), hours(0)).unwrap();
    for hour in [7, 14, 21, 24] {
        assert!(sessions.find(&busy.token, hours(hour)).is_some(), "{hour}");
    }
    assert!(sessions.find(&idle.token, hours(9)).is_none());
    assert!(sessions.find(&busy.token, hours(25)).is_none());
}

#[test]
fn sessions_are_bounded_and_the_one_unused_for_longest_makes_room() {
    let sessions = Sessions::default();
    let first = sessions.open(user("first"), hours(0)).unwrap();
    let second = sessions.open(user("second"), hours(1)).unwrap();
    for _ in 2..=SESSIONS_MAX {
        sessions.open(user("more"), hours(2)).unwrap();
    }
    assert_eq!(sessions.count(), SESSIONS_MAX);
    assert!(sessions.find(&first.token, hours(2)).is_none());
    assert!(sessions.find(&second.token, hours(2)).is_some());
    assert_eq!(sessions.lock().by_token.len(), SESSIONS_MAX, "no token without its session");
}

#[test]
fn a_token_is_renewed_each_hour_and_the_one_before_ends_a_minute_after_the_new_one_is_used() {
    let sessions = Sessions::default();
    let Opened { token: first, csrf } = sessions.open(user("anna"), hours(0)).unwrap();
    assert_eq!(sessions.renew(&first, later(0, 3_599)).unwrap(), None, "not yet");
    let second = sessions.renew(&first, hours(1)).unwrap().unwrap();
    assert_eq!(sessions.renew(&first, later(1, 1)).unwrap(), None, "what came beside it gets no third one");
    let (id, who) = sessions.find(&first, later(1, 2)).unwrap();
    assert_eq!((&*who.csrf, sessions.find(&second, later(1, 3)).unwrap().0), (&*csrf, id));
    assert!(sessions.find(&first, later(1, 63)).is_some(), "was on its way");
    assert!(sessions.find(&first, later(1, 64)).is_none(), "a copy is worth nothing any more");
    assert_eq!(sessions.renew(&first, hours(9)).unwrap(), None, "and gets no other");
    assert!(sessions.find(&second, later(1, 65)).is_some() && sessions.still(id, later(1, 65)).is_some());
    let held = sessions.lock();
    assert_eq!((held.by_token.len(), held.sessions.len()), (1, 1));
}

#[test]
fn an_answer_that_was_lost_logs_nobody_out() {
    let sessions = Sessions::default();
    let first = sessions.open(user("anna"), hours(0)).unwrap().token;
    let lost = sessions.renew(&first, hours(1)).unwrap().unwrap();
    assert!(sessions.find(&first, hours(3)).is_some(), "nobody used the other");
    let third = sessions.renew(&first, hours(3)).unwrap().unwrap();
    assert!(sessions.find(&lost, hours(3)).is_none(), "it is nobody's");
    assert!(sessions.find(&third, hours(3)).is_some());
    assert!(sessions.find(&first, later(3, 61)).is_none());
    assert_eq!(sessions.lock().by_token.len(), 1);
}

#[test]
fn whoever_is_put_out_is_out_by_every_token() {
    let sessions = Sessions::default();
    let first = sessions.open(user("anna"), hours(0)).unwrap().token;
    let second = sessions.renew(&first, hours(1)).unwrap().unwrap();
    let (id, _) = sessions.find(&first, hours(1)).unwrap();
    sessions.close_all_of("anna");
    assert!(sessions.find(&first, hours(1)).is_none() && sessions.find(&second, hours(1)).is_none());
    assert!(sessions.still(id, hours(1)).is_none() && sessions.lock().by_token.is_empty());
}

#[test]
fn the_token_is_found_among_other_cookies_and_not_in_one_with_a_longer_name() {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, "a=b; steppewatch_session2=no; steppewatch_session=yes".parse().unwrap());
    assert_eq!(token_of(&headers), Some("yes"));
}
