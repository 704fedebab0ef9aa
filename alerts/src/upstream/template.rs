//! What an upstream system is told as JSON, in the fields that it wants: a template of the installation, or the shipped one.
//!
//! In: an alert.   Out: JSON, always.   Never: a text that breaks out of its quotes (every `{{ … }}` writes a whole JSON value), a
//! template that was not tried on every kind of alert, or nothing at all: one that fails in service gives way to the shipped one.

use super::examples;
use crate::cap;
use crate::message::{Messages, plain};
use journal::wire::AlertJson;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use model::{Alert, Language, Position, Subject, Timestamp};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::json;

const SHIPPED: &str = include_str!("default.json.j2");
const OWN: &str = "own";
const DEFAULT: &str = "default";
/// A template is a form, not a program.
const TEMPLATE_MAX_BYTES: usize = 64 * 1024;
/// Steps of one document: a case with a long timeline takes some thousands.
const FUEL: u64 = 200_000;
/// The id that templates are tried with.
const EXAMPLE_DELIVERY: &str = "msg_0123456789abcdef01234567";

/// Why a template is not used.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// Shorten it.
    #[error("it has {bytes} bytes; at most {TEMPLATE_MAX_BYTES} are taken")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Correct it.
    #[error("{why}")]
    Wrong {
        /// The line and what is wrong with it.
        why: String,
    },
    /// Correct what is around the values.
    #[error(
        "of a `{kind}` it makes no valid JSON ({why}); each {{{{ … }}}} writes a whole value with its quotes, so write none around it"
    )]
    NotJson {
        /// Which type of alert.
        kind: &'static str,
        /// The parser's complaint.
        why: String,
    },
    /// Name the delivery.
    #[error(
        "it does not say {{{{ delivery }}}}, by which a receiver knows a message that it was sent twice; give it to a field"
    )]
    NoDelivery,
}

/// A template that was tried.
#[derive(Debug, Clone)]
pub struct Template {
    environment: Environment<'static>,
}

impl Default for Template {
    fn default() -> Self {
        Self { environment: environment() }
    }
}

/// What a document is made of besides the alert.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub delivery: &'a str,
    pub tenant: &'a str,
    pub sender_name: &'a str,
    pub sent: Timestamp,
    pub exercise: bool,
}

impl Template {
    /// A template of an installation, tried on every kind of alert.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text.len() > TEMPLATE_MAX_BYTES {
            return Err(BadTemplate::TooLong { bytes: text.len() });
        }
        let wrong = |error: Error| BadTemplate::Wrong { why: plain(&error) };
        let mut environment = environment();
        environment.add_template_owned(OWN, text.to_owned()).map_err(wrong)?;
        let template = Self { environment };
        let messages = Messages::default();
        for alert in examples::alerts() {
            let about = About {
                delivery: EXAMPLE_DELIVERY,
                tenant: "hexigten",
                sender_name: "草原哨",
                sent: alert.at,
                exercise: false,
            };
            let facts = facts(&alert, &AlertJson::from(&alert), &about, &messages);
            let made = template.render(OWN, &facts).map_err(wrong)?;
            let valid = serde_json::from_str::<IgnoredAny>(&made);
            valid.map_err(|error| BadTemplate::NotJson { kind: alert.kind.as_str(), why: error.to_string() })?;
            if !made.contains(EXAMPLE_DELIVERY) {
                return Err(BadTemplate::NoDelivery);
            }
        }
        Ok(template)
    }

    /// The document, as it is sent.
    pub(super) fn document(&self, alert: &Alert, json: &AlertJson, about: &About<'_>, messages: &Messages) -> String {
        let facts = facts(alert, json, about, messages);
        if self.environment.get_template(OWN).is_ok() {
            let made = self.render(OWN, &facts).map_err(|error| plain(&error)).and_then(|made| {
                serde_json::from_str::<IgnoredAny>(&made).map(|_| made).map_err(|error| error.to_string())
            });
            match made {
                Ok(made) => return made,
                Err(error) => {
                    tracing::warn!(alert = alert.id, error, "the upstream template fails; the shipped one is sent");
                }
            }
        }
        // Never nothing; a test renders it for every kind of alert.
        self.render(DEFAULT, &facts)
            .unwrap_or_else(|_| json!({"消息编号": about.delivery, "事件编号": alert.id}).to_string())
    }

    fn render(&self, name: &str, facts: &Value) -> Result<String, Error> {
        Ok(self.environment.get_template(name)?.render(facts)?.trim().to_owned())
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, _, value| {
        let written =
            serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
        out.write_str(&written).map_err(Error::from)
    });
    // A test renders it.
    environment.add_template(DEFAULT, SHIPPED).ok();
    environment
}

#[derive(Serialize)]
struct Facts<'a> {
    /// The delivery's id: the same at every attempt.
    delivery: &'a str,
    tenant: &'a str,
    sender_name: &'a str,
    exercise: bool,
    /// `2026-04-22 10:15:03`, legal time.
    sent: String,
    /// When it happened, likewise.
    at: String,
    /// What it is about: a case's id, or that of whatever else; the same in all messages of one matter.
    matter: String,
    /// What happened, as officers call it.
    name: String,
    over: bool,
    late: bool,
    lat: Option<f64>,
    lon: Option<f64>,
    /// Ids of the zones.
    zones: Vec<&'a str>,
    /// The values that messages are made of, in Chinese; `text` is the whole message.
    words: serde_json::Value,
    /// The alert as the API and webhooks write it; of `incident`, `device`, `zone` and `notice` one is there.
    alert: serde_json::Value,
}

fn facts(alert: &Alert, json: &AlertJson, about: &About<'_>, messages: &Messages) -> Value {
    let mut written = serde_json::to_value(json).unwrap_or_default();
    if let Some(fields) = written.as_object_mut() {
        for name in ["incident", "device", "zone", "notice"] {
            fields.entry(name).or_insert(serde_json::Value::Null);
        }
    }
    let mut words = messages.values(alert, Language::Zh);
    words.insert("text".to_owned(), messages.text(alert, Language::Zh));
    let (place, zones) = match &alert.subject {
        Subject::Incident(incident) => {
            let case = &incident.case;
            (Some(case.position), case.zones.iter().map(|zone| zone.id.as_str()).collect())
        }
        Subject::Device { .. } => (None, vec![]),
        Subject::Zone(load) => (None, vec![load.zone.id.as_str()]),
        Subject::Notice(notice) => (notice.position, notice.zone.iter().map(|zone| zone.id.as_str()).collect()),
    };
    Value::from_serialize(Facts {
        delivery: about.delivery,
        tenant: about.tenant,
        sender_name: about.sender_name,
        exercise: about.exercise,
        sent: about.sent.to_legal(),
        at: alert.at.to_legal(),
        matter: cap::matter(alert),
        name: cap::event(alert).zh,
        over: cap::is_over(alert),
        late: cap::is_late(alert),
        lat: place.map(Position::lat_deg),
        lon: place.map(Position::lon_deg),
        zones,
        words: json!(words),
        alert: written,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: &str = "{\"id\": {{ delivery }}, \"text\": {{ words.text }}}";

    #[track_caller]
    fn check(text: &str, why: &str) {
        let told = Template::parse(text).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }

    fn made(template: &Template, alert: &Alert) -> serde_json::Value {
        let about =
            About { delivery: "msg_1", tenant: "hexigten", sender_name: "草原哨", sent: alert.at, exercise: false };
        let text = template.document(alert, &AlertJson::from(alert), &about, &Messages::default());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn the_shipped_template_makes_json_of_every_kind_of_alert() {
        let shipped = Template::parse(SHIPPED).unwrap();
        for alert in examples::alerts() {
            let body = made(&shipped, &alert);
            assert_eq!(body["消息编号"], "msg_1");
            assert_eq!(body["发生时间"], "2026-04-22 10:15:00");
            assert!(!body["事件编号"].as_str().unwrap().is_empty() && !body["内容"].as_str().unwrap().is_empty());
            assert_eq!(body, made(&Template::default(), &alert), "without a template of one's own it is the same");
        }
    }

    #[test]
    fn a_case_is_told_with_intervals_and_an_estimate() {
        let body = made(&Template::default(), &examples::alerts()[0]);
        assert_eq!((&body["羊单位"], &body["罚款估算"]), (&json!("49 至 61"), &json!("5880 至 7320")));
        assert_eq!((&body["级别"], &body["处置状态"]), (&json!("紧急"), &json!("已签收")));
        assert_eq!((&body["经度"], &body["区域编号"]), (&json!(117.506), &json!(["zone-12", "zone-12"])));
        let name = body["区域名称"].as_str().unwrap();
        assert!(name.contains("\"<禁牧区> & 'A'\\\n"), "what somebody typed stays a text: {name}");
    }

    #[test]
    fn a_template_is_refused_at_the_start_and_not_in_a_storm() {
        Template::parse(LITTLE).unwrap();
        check("{\"id\": {{ delivery }}, \"x\": {{ informant }}}", "line 1: undefined value");
        check("{\"id\": {{ delivery }}\n, \"x\": {{ alert.incident.id }}}", "line 2");
        check("{\"id\": {{ delivery }}, \"x\": \"{{ words.text }}\"}", "write none around it");
        check("{\"id\": {{ delivery }},}", "no valid JSON");
        check("{\"id\": {{ alert.id }}}", "{{ delivery }}");
        check("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "fuel");
        check(&" ".repeat(TEMPLATE_MAX_BYTES + 1), "at most 65536");
        check("{% include \"/etc/passwd\" %}", "unknown statement");
    }

    #[test]
    fn one_that_fails_in_service_gives_way_to_the_shipped_one() {
        let only_short = "{\"id\": {{ delivery }}, \"a\": {{ 1 if words.text | length < 500 else words.nothing }}}";
        let template = Template::parse(only_short).unwrap();
        let mut alert = examples::alerts().remove(0);
        assert_eq!(made(&template, &alert)["a"], 1);
        if let Subject::Incident(incident) = &mut alert.subject {
            incident.case.zones[0].name = "长".repeat(1_000);
        }
        assert_eq!(made(&template, &alert)["消息编号"], "msg_1");
    }
}
