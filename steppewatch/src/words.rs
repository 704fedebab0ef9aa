//! The words that people are told by, for the console.
//!
//! In:  the messages of `alerts`.   Out: [`Words`], each with what it says and how long that is as a text message.

use alerts::Store;
use alerts::message::{self, Shown, SmsLength};
use dashboards::{MessageJson, SaidJson, Words};
use std::sync::Arc;

/// What the console asks.
pub fn words(store: &Store) -> Words {
    let store = store.clone();
    Words {
        shown: Arc::new(move || store.messages().shown().iter().map(shown).collect()),
        preview: Arc::new(|name, text| match message::preview(name, text) {
            Ok(draft) => Ok(shown(&draft)),
            Err(error) => Err(error.to_string()),
        }),
    }
}

fn shown(message: &Shown) -> MessageJson {
    let says = message.says.iter().map(|text| {
        let SmsLength { units, parts, .. } = SmsLength::of(text);
        SaidJson { text: text.clone(), characters: units, sms_parts: parts }
    });
    MessageJson { name: message.name.clone(), text: message.text.clone(), is_own: message.is_own, says: says.collect() }
}
