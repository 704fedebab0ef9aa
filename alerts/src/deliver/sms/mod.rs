//! Text messages to phones, by the ways that an installation has: a provider, another should that one say no, a modem of its own.
//!
//! In: a text, the values that a provider's approved template takes, and a phone.   Out: whether it was taken.   Never: the same message
//! sent again while nobody knows what became of it: sending is not idempotent, so before a second attempt the provider is asked for
//! its receipt.

mod aliyun;
mod spool;
mod tencent;

pub use aliyun::Aliyun;
pub use spool::Spool;
pub use tencent::Tencent;

use super::hex;
use super::sender::{Answer, Http};
use crate::message::Said;
use crate::store::Due;
use hmac::{Hmac, Mac};
use model::{LegalDate, Subscriber, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Providers list what they took within moments; so long nobody is asked for a receipt.
const RECEIPTS_LAG: Duration = Duration::from_secs(60);
/// Parts of one message that are paid for at most.
const PARTS_MAX: usize = 3;

/// Why text messages are not configured rightly.
#[derive(Debug, thiserror::Error)]
pub enum BadSms {
    /// The folder for a modem's daemon.
    #[error(
        "{folder} cannot be written ({source}); name the folder that smstools reads, writable for the service's user"
    )]
    Spool {
        /// Which.
        folder: String,
        /// The system's complaint.
        source: std::io::Error,
    },
}

/// Which values a provider's template takes, and under which names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params(pub Vec<(String, String)>);

impl Params {
    /// The template's own names with what they stand for now; a value that does not apply is a dash, since providers refuse empty ones.
    fn filled(&self, values: &BTreeMap<String, String>) -> Vec<(&str, String)> {
        let value = |name: &String| values.get(name).filter(|text| !text.is_empty()).cloned().unwrap_or("-".into());
        self.0.iter().map(|(name, of)| (name.as_str(), value(of))).collect()
    }
}

/// One way to phones.
#[derive(Clone)]
pub enum Way {
    /// Alibaba Cloud.
    Aliyun(Arc<Aliyun>),
    /// Tencent Cloud.
    Tencent(Arc<Tencent>),
    /// A GSM modem, by the spool folder of smstools.
    Spool(Spool),
}

/// What a way made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    /// It took it.
    Yes(String),
    /// It did not take it, and surely so.
    No {
        reason: String,
        /// Whatever is tried: the number is none.
        for_good: bool,
    },
    /// Nobody knows: it may be on its way.
    Unknown(String),
}

/// The ways of an installation, in the order in which they are tried.
#[derive(Clone)]
pub struct Sms {
    ways: Vec<Way>,
    daily_max: u32,
    today: Arc<Mutex<(Option<LegalDate>, u32)>>,
}

/// Without keys.
impl std::fmt::Debug for Sms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sms")
            .field("ways", &self.ways.len())
            .field("daily_max", &self.daily_max)
            .finish_non_exhaustive()
    }
}

impl Sms {
    /// At least one way; `daily_max` messages a legal day, for they cost.
    pub fn new(ways: Vec<Way>, daily_max: u32) -> Self {
        Self { ways, daily_max, today: Arc::default() }
    }

    /// The folder of what phones write back to a modem; none without a modem.
    pub fn incoming(&self) -> Option<PathBuf> {
        self.ways.iter().find_map(|way| match way {
            Way::Spool(spool) => Some(spool.incoming()),
            Way::Aliyun(_) | Way::Tencent(_) => None,
        })
    }

    pub(super) async fn send(&self, http: &Http, to: &Subscriber, due: &Due, now: Timestamp) -> Answer {
        let Some(phone) = to.phone.as_deref() else { return Answer::Refused("there is no phone number".into()) };
        let body = Said::parse(&due.body);
        if due.attempts > 0
            && let Some(answer) = self.receipt(http, phone, due, now).await
        {
            return answer;
        }
        if let Some(wait) = self.over_the_cap(now) {
            let reason = format!("{} text messages today; raise [sms] daily_max if it must be more", self.daily_max);
            return Answer::Later { reason, after: Some(wait) };
        }
        let mut reasons = Vec::new();
        for way in &self.ways {
            match way.send(http, phone, &body, &due.id, now).await {
                Taken::Yes(told) => return Answer::Accepted(told),
                Taken::No { reason, for_good: true } => return Answer::Refused(reason),
                Taken::No { reason, for_good: false } => reasons.push(reason),
                Taken::Unknown(reason) => {
                    let reason = format!("it may have been sent: {reason}");
                    return Answer::Later { reason, after: Some(RECEIPTS_LAG) };
                }
            }
        }
        Answer::later(reasons.join("; "))
    }

    /// What became of an earlier attempt, if a way took it after all or cannot say.
    async fn receipt(&self, http: &Http, phone: &str, due: &Due, now: Timestamp) -> Option<Answer> {
        for way in &self.ways {
            match way.receipt(http, phone, &due.id, due.first_at, now).await {
                Taken::Yes(told) => return Some(Answer::Accepted(told)),
                Taken::Unknown(reason) => {
                    return Some(Answer::later(format!("whether it was sent cannot be asked: {reason}")));
                }
                Taken::No { .. } => {}
            }
        }
        None
    }

    /// Counts a message; `Some` with the wait until midnight when there were too many today.
    fn over_the_cap(&self, now: Timestamp) -> Option<Duration> {
        let date = LegalDate::of(now);
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if today.0 != date {
            *today = (date, 0);
        }
        if today.1 >= self.daily_max {
            let midnight = date.and_then(LegalDate::next).and_then(LegalDate::begins_at);
            return Some(midnight.map_or(Duration::from_secs(3_600), |at| at.since(now)));
        }
        today.1 += 1;
        if today.1 == self.daily_max * 4 / 5 {
            tracing::warn!(sent = today.1, daily_max = self.daily_max, "four fifths of today's text messages are used");
        }
        None
    }
}

impl Way {
    async fn send(&self, http: &Http, phone: &str, body: &Said, id: &str, now: Timestamp) -> Taken {
        match self {
            Self::Aliyun(way) => way.send(http, phone, body, id, now).await,
            Self::Tencent(way) => way.send(http, phone, body, id, now).await,
            Self::Spool(way) => way.send(phone, &body.in_parts(PARTS_MAX), id),
        }
    }

    async fn receipt(&self, http: &Http, phone: &str, id: &str, since: Timestamp, now: Timestamp) -> Taken {
        match self {
            Self::Aliyun(way) => way.receipt(http, phone, id, since, now).await,
            Self::Tencent(way) => way.receipt(http, phone, id, since, now).await,
            Self::Spool(way) => way.receipt(id),
        }
    }
}

fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// An instant's UTC date and time as `2026-11-22T02:15:00Z`.
fn utc_seconds(now: Timestamp) -> String {
    let text = now.to_rfc3339();
    format!("{}Z", text.get(..19).unwrap_or_default())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
