//! What a phone writes back: a yes acknowledges the case that it was told of, anything else is written down there.
//!
//! In:  a [`Reply`], pushed by a provider or handed in from a modem's folder.   Out: a command in the command log, by the phone's owner.
//!
//! Never: believes a phone that no subscriber has; does the same message twice; says a phone's number or its words in the log.

use crate::app::App;
use crate::commands::append;
use crate::problem::Problem;
use crate::view::{Incident, View};
use blake3::Hash;
use journal::wire::{DeliveryJson, IncidentJson};
use model::{Action, ChannelKind, Command, IncidentId, IncidentStatus, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};

/// What counts as a yes, in small letters.
const YES: [&str; 8] = ["1", "收到", "知道了", "已收到", "好", "好的", "ok", "yes"];
/// What may follow it.
const CLOSING: &str = "。.!,~;、…";
/// Longest comment by a phone, in characters: seven messages' worth.
const TEXT_MAX: usize = 500;
/// Messages of one phone that are looked through for the case that it answers.
const TOLD_MAX: usize = 200;
/// An answer that is no yes belongs to what the phone was told within this.
const COMMENT_WITHIN: Duration = Duration::from_secs(86_400);
/// Messages remembered: providers push again what they think was not heard.
const RECENT_MAX: usize = 1_000;
/// Replies of a modem that may wait to be taken.
const WAITING_MAX: usize = 8;

/// A message from a phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The phone's number, as whoever brings it writes it: 13…, 8613…, +8613….
    pub phone: String,
    /// What it says.
    pub text: String,
    /// The same when the same message is brought again.
    pub id: String,
}

/// By this a modem's replies are handed in; clones share it.
#[derive(Clone)]
pub struct Replies(mpsc::Sender<Handed>);

/// A reply, and whom to tell that it was dealt with.
pub(crate) struct Handed {
    reply: Reply,
    done: oneshot::Sender<()>,
}

impl Replies {
    /// Whether it was dealt with; one that was not is handed in again.
    pub async fn take(&self, reply: Reply) -> bool {
        let (done, dealt_with) = oneshot::channel();
        self.0.send(Handed { reply, done }).await.is_ok() && dealt_with.await.is_ok()
    }
}

/// Where a modem's replies are handed in, and where they come out.
pub(crate) fn channel() -> (Replies, mpsc::Receiver<Handed>) {
    let (replies, modem) = mpsc::channel(WAITING_MAX);
    (Replies(replies), modem)
}

/// What was heard lately, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<Hash>);

impl Recent {
    pub(crate) fn holds(&self, key: &Hash) -> bool {
        self.0.contains(key)
    }

    pub(crate) fn keep(&mut self, key: Hash) {
        if self.0.len() >= RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(key);
    }
}

/// What came back lately, by text message.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What providers said of messages.
    pub receipts: Mutex<Recent>,
    replies: Mutex<Recent>,
    /// Cases that were acknowledged by a phone, which the view may not show yet.
    taken: Mutex<Recent>,
}

/// Takes what a modem's folder hands in, until `app.stop` or until nobody can hand in any more.
pub(crate) async fn listen(app: Arc<App>, modem: Option<mpsc::Receiver<Handed>>) {
    let Some(mut modem) = modem else { return };
    while let Some(Some(Handed { reply, done })) = app.stop.run_until_cancelled(modem.recv()).await {
        // What failed is told where it failed; dropped, `done` says that it has to be handed in again.
        if take(&app, &reply).await.is_ok() {
            // Whoever handed it in may have stopped waiting.
            done.send(()).ok();
        }
    }
}

/// What a reply does. Its effect is not waited for: a provider waits less than a second for its answer.
pub(crate) async fn take(app: &App, reply: &Reply) -> Result<(), Problem> {
    let view = app.view().await?;
    // Held while it is written, so that the same message twice at once is one.
    let mut replies = app.heard.replies.lock().await;
    let mut taken = app.heard.taken.lock().await;
    let message = blake3::hash(format!("{}\0{}", digits(&reply.phone), reply.id).as_bytes());
    if replies.holds(&message) {
        return Ok(());
    }
    let text = cleaned(&reply.text, TEXT_MAX);
    let told = told(app, view, &reply.phone);
    let is_open = |incident: &IncidentJson| {
        incident.status == IncidentStatus::Open.as_str() && !taken.holds(&as_opened(incident))
    };
    let open = told.iter().find(|(_, incident)| is_open(&incident.json)).filter(|_| is_yes(&text));
    let since = app.now().minus(COMMENT_WITHIN);
    let fresh = told.iter().find(|(delivery, _)| time(&delivery.at) >= since).filter(|_| !text.is_empty());
    let acknowledges = open.is_some();
    let result = match open.or(fresh) {
        None => "unknown",
        Some((delivery, incident)) => {
            let action = if acknowledges { Action::Acknowledge } else { Action::Comment { text } };
            append(app, None, command(app, delivery, action)?).await?;
            if acknowledges {
                taken.keep(as_opened(&incident.json));
            }
            if acknowledges { "acknowledged" } else { "comment" }
        }
    };
    replies.keep(message);
    app.metrics.sms_replies.with_label_values(&[result]).inc();
    Ok(())
}

fn command(app: &App, delivery: &DeliveryJson, action: Action) -> Result<Command, Problem> {
    let incident = IncidentId::parse(delivery.incident.as_deref().unwrap_or_default())
        .map_err(|error| Problem::internal("reading a delivery", error))?;
    let by = format!("{}（短信）", delivery.subscriber_name);
    Ok(Command { incident: Some(incident), by, at: app.now(), action })
}

/// The cases that a phone was told of, with the message, newest first.
fn told(app: &App, view: &View, phone: &str) -> Vec<(Arc<DeliveryJson>, Arc<Incident>)> {
    let number = digits(phone);
    let registry = app.registry_view();
    let is_its = |known: Option<&str>| known.is_some_and(|known| !number.is_empty() && digits(known) == number);
    let subscribers = registry.subscribers.iter().filter(|one| one.channel == ChannelKind::Sms);
    // One phone may be several subscribers, each for something else.
    let ids: Vec<&str> = subscribers.filter(|one| is_its(one.phone.as_deref())).map(|one| one.id.as_str()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let (deliveries, _) = view.deliveries(None, TOLD_MAX, |delivery| {
        delivery.channel == ChannelKind::Sms.as_str()
            && delivery.attempts > 0
            && delivery.incident.is_some()
            && ids.contains(&delivery.subscriber.as_str())
    });
    let with_case = |delivery: Arc<DeliveryJson>| {
        let incident = view.incident(delivery.incident.as_deref()?)?;
        Some((delivery, incident))
    };
    deliveries.into_iter().filter_map(with_case).collect()
}

/// A case as it was opened last: opened again it is another matter.
fn as_opened(incident: &IncidentJson) -> Hash {
    let times = incident.timeline.iter().filter(|line| line.what == "reopened").count();
    blake3::hash(format!("{}\0{times}", incident.id).as_bytes())
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_default()
}

/// Without control characters and blanks at its ends, and not longer than that.
pub(crate) fn cleaned(text: &str, chars_max: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().chars().take(chars_max).collect()
}

/// A phone's number with its country, without signs. Eleven digits from 1 on are a mobile of ours.
fn digits(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    if digits.len() == 11 && digits.starts_with('1') { format!("86{digits}") } else { digits.to_owned() }
}

fn is_yes(text: &str) -> bool {
    let narrow: String = text.chars().map(narrow).flat_map(char::to_lowercase).collect();
    let said = narrow.trim().trim_end_matches(|c: char| c.is_whitespace() || CLOSING.contains(c));
    YES.contains(&said)
}

/// A full-width sign as the ordinary one.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_is_known_however_it_is_typed_and_nothing_else_is_one() {
        for yes in
            ["1", "１", " 收到。", "收到！！", "知道了", "已收到~", "好", "好的，", "OK", "ＯＫ.", "Yes", "　1　"]
        {
            assert!(is_yes(yes), "{yes}");
        }
        for other in ["", "11", "收到了吗", "收到?", "不好", "1头牛", "on my way"] {
            assert!(!is_yes(other), "{other}");
        }
    }

    #[test]
    fn a_phone_is_the_same_however_its_bringer_writes_it() {
        for written in ["+8613900000000", "8613900000000", "13900000000", "0086 139-0000-0000"] {
            assert_eq!(digits(written), "8613900000000", "{written}");
        }
        assert_eq!(digits("+85212345678"), "85212345678");
        assert_eq!(digits("BANK"), "");
    }

    #[test]
    fn what_was_heard_is_remembered_within_a_bound() {
        let mut recent = Recent::default();
        let key = |number: usize| blake3::hash(&number.to_be_bytes());
        for number in 0..=RECENT_MAX {
            recent.keep(key(number));
        }
        assert_eq!((recent.0.len(), recent.holds(&key(0)), recent.holds(&key(RECENT_MAX))), (RECENT_MAX, false, true));
    }
}
