//! Alert -> words: what a person reads on a phone or in a group. Pure.
//!
//! In: an alert, a language, and the templates, which an installation may replace one by one.   Out: one line or a few.   Never: who
//! informed, a fine without "estimate", or half a message: a template that fails in service gives way to the shipped one.

mod facts;
mod length;

pub use facts::NAMES;
pub use length::{Coding, SmsLength, shorten};

use facts::facts;
use minijinja::{Environment, UndefinedBehavior, Value};
use model::{Alert, AlertKind, Language, Subject};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The templates, by name: what they are about, and in which language.
const SHIPPED: [(&str, &str); 16] = [
    ("incident.opened.zh", include_str!("templates/incident.opened.zh")),
    ("incident.opened.en", include_str!("templates/incident.opened.en")),
    ("incident.updated.zh", include_str!("templates/incident.updated.zh")),
    ("incident.updated.en", include_str!("templates/incident.updated.en")),
    ("incident.closed.zh", include_str!("templates/incident.closed.zh")),
    ("incident.closed.en", include_str!("templates/incident.closed.en")),
    ("incident.withdrawn.zh", include_str!("templates/incident.withdrawn.zh")),
    ("incident.withdrawn.en", include_str!("templates/incident.withdrawn.en")),
    ("device.silent.zh", include_str!("templates/device.silent.zh")),
    ("device.silent.en", include_str!("templates/device.silent.en")),
    ("device.back.zh", include_str!("templates/device.back.zh")),
    ("device.back.en", include_str!("templates/device.back.en")),
    ("zone.overload.zh", include_str!("templates/zone.overload.zh")),
    ("zone.overload.en", include_str!("templates/zone.overload.en")),
    ("notice.zh", include_str!("templates/notice.zh")),
    ("notice.en", include_str!("templates/notice.en")),
];
/// A template is a message, not a page.
const TEMPLATE_MAX_BYTES: usize = 8 * 1024;
/// Steps of one message: a loop in a template must end.
const FUEL: u64 = 50_000;

/// Why a template of an installation is not used.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// Name one that exists.
    #[error("there is no message `{name}`; there are {}", names())]
    Unknown {
        /// What was named.
        name: String,
    },
    /// Shorten it.
    #[error("message `{name}` has {bytes} bytes; at most {TEMPLATE_MAX_BYTES} are taken")]
    TooLong {
        /// Which.
        name: String,
        /// How long it is.
        bytes: usize,
    },
    /// Correct it.
    #[error("message `{name}`: {why}")]
    Wrong {
        /// Which.
        name: String,
        /// The line and what is wrong with it.
        why: String,
    },
}

fn names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

/// The messages of an installation.
#[derive(Debug)]
pub struct Messages {
    own: Environment<'static>,
    shipped: Environment<'static>,
}

impl Default for Messages {
    fn default() -> Self {
        Self { own: empty(), shipped: shipped() }
    }
}

fn empty() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}

fn shipped() -> Environment<'static> {
    let mut environment = empty();
    for (name, text) in SHIPPED {
        // A test renders each of them; one that could not be read would leave its message to `alert.id`.
        environment.add_template(name, text.trim_end()).ok();
    }
    environment
}

impl Messages {
    /// The shipped messages with those of an installation, each of which is tried on every alert that it may be about.
    pub fn with(own: Vec<(String, String)>) -> Result<Self, BadTemplate> {
        let mut messages = Self::default();
        for (name, text) in own {
            let wrong = |error: minijinja::Error| BadTemplate::Wrong { name: name.clone(), why: plain(&error) };
            if !SHIPPED.iter().any(|(known, _)| *known == name) {
                return Err(BadTemplate::Unknown { name });
            }
            if text.len() > TEMPLATE_MAX_BYTES {
                return Err(BadTemplate::TooLong { name, bytes: text.len() });
            }
            messages.own.add_template_owned(name.clone(), text.trim_end().to_owned()).map_err(wrong)?;
            let template = messages.own.get_template(&name).map_err(wrong)?;
            for example in facts::examples(&name) {
                template.render(Value::from_serialize(&example)).map_err(wrong)?;
            }
        }
        Ok(messages)
    }

    /// The same for a phone: the text, and its parts for a provider's template.
    pub fn sms(&self, alert: &Alert, language: Language) -> String {
        let mut values = facts(alert, language).values();
        let text = self.text(alert, language);
        values.insert("message".to_owned(), text.clone());
        // Words and texts only: it cannot fail.
        serde_json::to_string(&SmsBody { text, values }).unwrap_or_default()
    }

    /// What somebody reads of an alert.
    pub fn text(&self, alert: &Alert, language: Language) -> String {
        let name = format!("{}.{}", about(alert), language.as_str());
        let facts = facts(alert, language);
        let render = |from: &Environment<'_>| from.get_template(&name)?.render(Value::from_serialize(&facts));
        let text = if self.own.get_template(&name).is_ok() {
            render(&self.own).or_else(|error| {
                tracing::warn!(%name, error = plain(&error), "a message of this installation fails; the shipped one is sent");
                render(&self.shipped)
            })
        } else {
            render(&self.shipped)
        };
        // Never nothing: even the barest word makes somebody look.
        text.map_or_else(|_| alert.id.clone(), |text| text.trim().to_owned())
    }
}

/// What a text message is made of; the outbox keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsBody {
    /// The whole message, for a modem.
    pub text: String,
    /// The same in parts, for a provider's approved template, under the names that templates here use.
    pub values: BTreeMap<String, String>,
}

/// Which message an alert is told by.
fn about(alert: &Alert) -> &'static str {
    match (&alert.subject, alert.kind) {
        (Subject::Notice(_), _) => "notice",
        (_, AlertKind::IncidentOpened) => "incident.opened",
        (_, AlertKind::IncidentClosed) => "incident.closed",
        (_, AlertKind::IncidentWithdrawn) => "incident.withdrawn",
        (_, AlertKind::DeviceSilent) => "device.silent",
        (_, AlertKind::DeviceBack) => "device.back",
        (_, AlertKind::ZoneOverload | AlertKind::ZoneOverloadEnded) => "zone.overload",
        _ => "incident.updated",
    }
}

/// What is wrong, with its line.
fn plain(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    format!("{line}{detail}").chars().take(300).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
