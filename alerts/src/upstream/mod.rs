//! Alert -> what a system above us is told: the smart forestry-grass platform (智慧林草) and the fire warning system.
//!
//! In: an alert, and what the configuration says of the system.   Out: JSON by a template, or a CAP document; made once, when the
//! alert is raised, and kept, so that every attempt says the same.   Never: an address or a secret, which only `deliver` knows.

mod earlier;
pub(crate) mod examples;
mod template;

pub use template::{BadTemplate, Template};

use crate::cap::{self, Earlier, Envelope};
use crate::message::Messages;
use journal::wire::AlertJson;
use model::{Alert, ChannelKind, Subscriber, TenantId, Timestamp};
use rusqlite::Transaction;
use std::sync::Arc;
use template::About;

/// What is told to both systems.
#[derive(Debug, Clone, Default)]
pub struct Payloads {
    /// To the smart forestry-grass platform.
    pub platform: Payload,
    /// To the fire warning system.
    pub fire: Payload,
}

/// What is told to one system.
#[derive(Debug, Clone)]
pub struct Payload {
    /// In which form.
    pub form: Form,
    /// Who sends, for programs: without blanks, commas, `<` and `&`.
    pub sender: String,
    /// Who sends, for people.
    pub sender_name: String,
    /// An exercise, not to be acted on.
    pub exercise: bool,
}

/// A form of document.
#[derive(Debug, Clone)]
pub enum Form {
    /// JSON by a template.
    Json(Arc<Template>),
    /// CAP 1.2.
    Cap,
}

impl Default for Payload {
    fn default() -> Self {
        let form = Form::Json(Arc::default());
        Self { form, sender: "steppewatch".into(), sender_name: "草原哨".into(), exercise: false }
    }
}

/// What makes one document besides the alert.
#[derive(Debug, Clone)]
pub(crate) struct Letter<'a> {
    payload: &'a Payload,
    sent: Timestamp,
    earlier: Vec<Earlier>,
}

impl<'a> Letter<'a> {
    /// For a subscriber that is an upstream system; `None` for any other. A CAP document names what the same system was told of the
    /// same matter before.
    pub(crate) fn of(
        payloads: &'a Payloads,
        transaction: &Transaction<'_>,
        (alert, subscriber, lane): (&Alert, &Subscriber, &str),
        sent: Timestamp,
    ) -> rusqlite::Result<Option<Self>> {
        let payload = match subscriber.channel {
            ChannelKind::Platform => &payloads.platform,
            ChannelKind::FireWarning => &payloads.fire,
            _ => return Ok(None),
        };
        let earlier = match payload.form {
            Form::Cap => earlier::of(transaction, &subscriber.id, lane, &cap::matter(alert))?,
            Form::Json(_) => Vec::new(),
        };
        Ok(Some(Self { payload, sent, earlier }))
    }

    /// The document.
    pub(crate) fn body(
        &self,
        delivery: &str,
        (alert, json): (&Alert, &AlertJson),
        tenant: &TenantId,
        messages: &Messages,
    ) -> String {
        let Payload { form, sender, sender_name, exercise } = self.payload;
        let (sent, exercise) = (self.sent, *exercise || alert.is_drill());
        match form {
            Form::Json(template) => {
                let about = About { delivery, tenant: tenant.as_str(), sender_name, sent, exercise };
                template.document(alert, json, &about, messages)
            }
            Form::Cap => {
                let earlier = &self.earlier;
                let envelope = Envelope { identifier: delivery, sender, sender_name, sent, exercise, earlier };
                cap::document(alert, json, &envelope, messages)
            }
        }
    }
}

#[cfg(test)]
mod tests;
