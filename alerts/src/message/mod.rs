//! Alert -> words: what a person reads on a phone or in a group. Pure.
//!
//! In: an alert, a language, and the templates, which an installation may replace one by one.   Out: one line or a few.   Never: who
//! informed, a fine without "estimate", or half a message: a template that fails in service gives way to the shipped one.

mod facts;
mod length;

pub use facts::NAMES;
pub use length::{Coding, SmsLength};

use facts::{Facts, facts};
use length::{shorten, shorten_before};
use minijinja::{Environment, UndefinedBehavior, Value};
use model::{Alert, AlertKind, Language, Subject, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The templates, by name: what they are about, and in which language.
const SHIPPED: [(&str, &str); 22] = [
    ("incident.opened.zh", include_str!("templates/incident.opened.zh")),
    ("incident.opened.en", include_str!("templates/incident.opened.en")),
    ("incident.updated.zh", include_str!("templates/incident.updated.zh")),
    ("incident.updated.en", include_str!("templates/incident.updated.en")),
    ("incident.escalated.zh", include_str!("templates/incident.escalated.zh")),
    ("incident.escalated.en", include_str!("templates/incident.escalated.en")),
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
    ("half_reported.zh", include_str!("templates/half_reported.zh")),
    ("half_reported.en", include_str!("templates/half_reported.en")),
    ("test.zh", include_str!("templates/test.zh")),
    ("test.en", include_str!("templates/test.en")),
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

    /// What somebody is told of an alert, with the link by which they say that they take it, as the outbox keeps it.
    pub fn said(&self, alert: &Alert, language: Language, link: Option<String>) -> Said {
        let said = Said::new(self.text(alert, language), facts(alert, language).values(), link, language);
        if alert.is_drill() { said.of_drill(language) } else { said }
    }

    /// What somebody is told to try whether they can be told.
    pub fn test(&self, language: Language, now: Timestamp) -> Said {
        let facts = facts::of_test(now);
        Said::new(self.render(&format!("test.{}", language.as_str()), &facts), facts.values(), None, language)
    }

    /// The values that messages are made of, by their names.
    pub fn values(&self, alert: &Alert, language: Language) -> BTreeMap<String, String> {
        facts(alert, language).values()
    }

    /// What somebody reads of an alert. Never nothing: even the barest word makes somebody look.
    pub fn text(&self, alert: &Alert, language: Language) -> String {
        let text = self.render(&format!("{}.{}", about(alert), language.as_str()), &facts(alert, language));
        if text.is_empty() { alert.id.clone() } else { text }
    }

    fn render(&self, name: &str, facts: &Facts) -> String {
        let render = |from: &Environment<'_>| from.get_template(name)?.render(Value::from_serialize(facts));
        let text = if self.own.get_template(name).is_ok() {
            render(&self.own).or_else(|error| {
                tracing::warn!(%name, error = plain(&error), "a message of this installation fails; the shipped one is sent");
                render(&self.shipped)
            })
        } else {
            render(&self.shipped)
        };
        text.map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    /// Every message by its name: its text, and what it says of much and of little.
    pub fn shown(&self) -> Vec<Shown> {
        let shown = |(name, text): (&str, &str)| {
            let own = self.own.get_template(name).ok().map(|template| template.source().to_owned());
            let is_own = own.is_some();
            let says = facts::examples(name).map(|facts| self.render(name, &facts)).into();
            Shown { name: name.to_owned(), text: own.unwrap_or_else(|| text.trim_end().to_owned()), is_own, says }
        };
        SHIPPED.map(shown).into()
    }
}

/// A message as somebody looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is about, and in which language.
    pub name: String,
    /// The template.
    pub text: String,
    /// Whether it is the installation's own.
    pub is_own: bool,
    /// What it says of much and of little.
    pub says: Vec<String>,
}

/// What a template would say in the place of the shipped one of this name.
pub fn preview(name: &str, text: &str) -> Result<Shown, BadTemplate> {
    let messages = Messages::with(vec![(name.to_owned(), text.to_owned())])?;
    let shown = messages.shown().into_iter().find(|shown| shown.name == name);
    shown.ok_or_else(|| BadTemplate::Unknown { name: name.to_owned() })
}

/// What a person is told; the outbox keeps it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The whole message.
    pub text: String,
    /// The same in parts, for a provider's approved template, under the names that templates here use.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// By what they say that they take the case: words and a link. Not part of a digest: a link stands for one case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Said {
    fn new(text: String, mut values: BTreeMap<String, String>, link: Option<String>, language: Language) -> Self {
        values.insert("message".to_owned(), text.clone());
        values.insert("link".to_owned(), link.clone().unwrap_or_default());
        let words = match language {
            Language::Zh => "收到请点：",
            Language::En => "Acknowledge: ",
        };
        Self { text, values, link: link.map(|link| format!("{words}{link}")) }
    }

    /// The same with the mark of a drill, also where a provider's template names nothing but the zone.
    fn of_drill(self, language: Language) -> Self {
        let mark = match language {
            Language::Zh => "【演练】",
            Language::En => "[DRILL] ",
        };
        let mut values = self.values;
        for name in ["zone", "message", "text"] {
            if let Some(value) = values.get_mut(name).filter(|value| !value.is_empty()) {
                value.insert_str(0, mark);
            }
        }
        Self { text: format!("{mark}{}", self.text), values, link: self.link }
    }

    /// As kept; what an earlier version kept is the text itself.
    pub fn parse(body: &str) -> Self {
        let plain = || Self { text: body.to_owned(), values: BTreeMap::new(), link: None };
        serde_json::from_str(body).unwrap_or_else(|_| plain())
    }

    /// As the outbox keeps it.
    pub fn kept(&self) -> String {
        // Words and texts only: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Text and link, for a group.
    pub fn whole(&self) -> String {
        match &self.link {
            Some(link) => format!("{}\n{link}", self.text),
            None => self.text.clone(),
        }
    }

    /// Text and link in so many parts of a text message; the link is never cut.
    pub fn in_parts(&self, parts: usize) -> String {
        match &self.link {
            Some(link) => shorten_before(&self.text, &format!(" {link}"), parts),
            None => shorten(&self.text, parts),
        }
    }
}

/// Which message an alert is told by.
fn about(alert: &Alert) -> &'static str {
    match (&alert.subject, alert.kind) {
        (Subject::Notice(_), _) => "notice",
        (_, AlertKind::IncidentOpened) => "incident.opened",
        (_, AlertKind::IncidentEscalated) => "incident.escalated",
        (_, AlertKind::HalfReported) => "half_reported",
        (_, AlertKind::IncidentClosed) => "incident.closed",
        (_, AlertKind::IncidentWithdrawn) => "incident.withdrawn",
        (_, AlertKind::DeviceSilent) => "device.silent",
        (_, AlertKind::DeviceBack) => "device.back",
        (_, AlertKind::ZoneOverload | AlertKind::ZoneOverloadEnded) => "zone.overload",
        _ => "incident.updated",
    }
}

/// What is wrong with a template, with its line.
pub(crate) fn plain(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    format!("{line}{detail}").chars().take(300).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
