//! The words that fields of the wire hold, for the API's document.
//!
//! In: what `model` knows of its words.   Out: schemas for `schema_with`, so that no list of words is written twice.

use model::{ChannelKind, ClosureLevel, IncidentStatus, Matter, ReceiptState, Severity, Stock};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

const RECEIPTS: [ReceiptState; 3] = [ReceiptState::Pending, ReceiptState::Delivered, ReceiptState::Dead];

fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

pub(super) fn incident_status() -> Object {
    one_of(IncidentStatus::ALL.map(IncidentStatus::as_str))
}

pub(super) fn severity() -> Object {
    one_of([Severity::Notice, Severity::Warning, Severity::Urgent].map(Severity::as_str))
}

pub(super) fn closure_level() -> Object {
    one_of([ClosureLevel::None, ClosureLevel::Warn, ClosureLevel::Enforce].map(ClosureLevel::as_str))
}

pub(super) fn stock() -> Object {
    one_of(Stock::ALL.map(Stock::as_str))
}

pub(super) fn delivery_state() -> Object {
    one_of(RECEIPTS.map(ReceiptState::as_str))
}

/// `no_receiver`: no subscriber has this duty here.
pub(super) fn report_state() -> Object {
    one_of(["no_receiver"].into_iter().chain(RECEIPTS.map(ReceiptState::as_str)))
}

pub(super) fn channel() -> Object {
    one_of(ChannelKind::ALL.map(ChannelKind::as_str))
}

pub(super) fn matter() -> Object {
    one_of(Matter::KINDS)
}
