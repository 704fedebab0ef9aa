//! The outbox: who is still to be told, and what came of each attempt.
//!
//! In: what [`super::Store::raise`] put there, receipts of attempts.   Out: what is due, each case's messages one after the other.
//! Never: a receiver's backlog read whole; a look takes a page of each receiver that has room, however much waits.

use super::{Store, StoreError, mark_reported, signed, unreadable};
use crate::outbox::Outgoing;
use journal::alert_log::{self, RecordBody};
use journal::wire::{DeliveryJson, TryJson};
use model::{Alert, ChannelKind, Receipt, ReceiptState, Subject, Subscriber, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashSet;

/// Attempts of a delivery that are shown; older ones are in the log.
const TRIES_KEPT: usize = 10;
/// Of attempts before the last one so many characters of the answer are kept.
const TOLD_KEPT: usize = 200;
/// How the answer of a text message begins that is on the phone.
const ARRIVED: &str = "arrived";
/// Receivers looked at: every subscriber that there can be.
const SUBSCRIBERS_MAX: usize = 10_000;
/// Deliveries given up, or sent again, in one transaction.
const AT_ONCE: usize = 1_000;

/// A pending delivery that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Its id, which is also the `webhook-id`.
    pub id: String,
    /// The subscriber's id.
    pub subscriber: String,
    /// What to send.
    pub body: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was made.
    pub first_at: Timestamp,
    /// From when on it is due.
    pub next_at: Timestamp,
    /// The alert's type.
    pub kind: String,
    /// Others that are told with it, and their attempts so far.
    pub with: Vec<(String, u32)>,
}

/// How much of what waits for a receiver may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// At most so many; none: it is left alone.
    pub most: usize,
    /// Also what is due only later: to find out whether the receiver takes anything again.
    pub whenever: bool,
}

impl From<usize> for Share {
    fn from(most: usize) -> Self {
        Self { most, whenever: false }
    }
}

/// What a look at the outbox found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looked {
    /// What may be tried now, that of each receiver oldest first.
    pub due: Vec<Due>,
    /// When something else becomes due, of the receivers that have room.
    pub next_at: Option<Timestamp>,
    /// Receivers that something waits for although they have no room.
    pub held: Vec<String>,
}

impl Store {
    /// What is due and first in its lane, without what is `busy`: of each receiver as much as `room` says it has.
    pub fn look<S: Into<Share>>(
        &self,
        now: Timestamp,
        mut room: impl FnMut(&str) -> S,
        busy: &HashSet<String>,
    ) -> Result<Looked, StoreError> {
        let connection = self.lock();
        let mut looked = Looked::default();
        for subscriber in waiting(&connection)? {
            let Share { most, whenever } = room(&subscriber).into();
            if most == 0 {
                looked.held.push(subscriber);
                continue;
            }
            let due_by = if whenever { Timestamp::from_millis(i64::MAX) } else { now };
            page(&connection, &subscriber, due_by, most, busy, &mut looked.due)?;
            let next: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(next_at) FROM outbox WHERE state = 'pending' AND subscriber = ?1 AND next_at > ?2",
                )?
                .query_row(params![subscriber, now.as_millis()], |row| row.get(0))?;
            let next = next.map(Timestamp::from_millis);
            looked.next_at = looked.next_at.into_iter().chain(next).min();
        }
        Ok(looked)
    }

    /// Writes down what came of attempts, all at once; with each when to try again, should it still be pending.
    pub fn receipts(&self, receipts: &[(Receipt, Timestamp)]) -> Result<(), StoreError> {
        if receipts.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut last = None;
            for (receipt, next_at) in receipts {
                last = write_receipt(transaction, receipt, *next_at)?.or(last);
            }
            Ok(last)
        })
    }

    /// A receiver that failed takes messages again: what waits because of that is due at once.
    pub fn hurry(&self, subscriber: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE outbox SET next_at = ?2 WHERE state = 'pending' AND subscriber = ?1 AND next_at > ?2 AND attempts > 0",
                params![subscriber, now.as_millis()],
            )?;
            Ok(None)
        })
    }

    /// Gives up what has waited for a receiver since before `since`, a page at a time.
    pub fn give_up(&self, subscriber: &str, since: Timestamp, now: Timestamp, why: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut old = transaction.prepare_cached(
                "SELECT id, attempts FROM outbox WHERE state = 'pending' AND subscriber = ?1 AND first_at < ?2 LIMIT ?3",
            )?;
            let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
            let rows = old.query_map(params![subscriber, since.as_millis(), limit], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
            })?;
            let found = rows.collect::<Result<Vec<_>, _>>()?;
            let mut last = None;
            for (delivery, attempts) in found {
                let (state, answer) = (ReceiptState::Dead, why.to_owned());
                let receipt = Receipt { delivery, state, attempts, at: now, took_ms: 0, answer };
                last = write_receipt(transaction, &receipt, now)?.or(last);
            }
            Ok(last)
        })
    }
}

/// Everybody for whom something waits, by hops over the index and not by reading what waits.
fn waiting(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut first = connection.prepare_cached("SELECT min(subscriber) FROM outbox WHERE state = 'pending'")?;
    let mut after =
        connection.prepare_cached("SELECT min(subscriber) FROM outbox WHERE state = 'pending' AND subscriber > ?1")?;
    let mut found: Vec<String> = Vec::new();
    let mut next: Option<String> = first.query_row([], |row| row.get(0))?;
    while let Some(subscriber) = next.filter(|_| found.len() < SUBSCRIBERS_MAX) {
        next = after.query_row([&subscriber], |row| row.get(0))?;
        found.push(subscriber);
    }
    Ok(found)
}

fn page(
    connection: &Connection,
    subscriber: &str,
    due_by: Timestamp,
    most: usize,
    busy: &HashSet<String>,
    into: &mut Vec<Due>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, subscriber, body, attempts, first_at, next_at, json_extract(record, '$.type') FROM outbox o
         WHERE state = 'pending' AND subscriber = ?1 AND next_at <= ?2 AND NOT EXISTS (
             SELECT 1 FROM outbox e WHERE e.state = 'pending' AND e.subscriber = o.subscriber AND e.lane = o.lane AND e.seq < o.seq)
         ORDER BY next_at, seq",
    )?;
    let mut rows = statement.query(params![subscriber, due_by.as_millis()])?;
    let end = into.len().saturating_add(most);
    while let Some(row) = rows.next()?.filter(|_| into.len() < end) {
        let id: String = row.get(0)?;
        if busy.contains(&id) {
            continue;
        }
        into.push(Due {
            id,
            subscriber: row.get(1)?,
            body: row.get(2)?,
            attempts: row.get(3)?,
            first_at: Timestamp::from_millis(row.get(4)?),
            next_at: Timestamp::from_millis(row.get(5)?),
            kind: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            with: Vec::new(),
        });
    }
    Ok(())
}

/// The record of a delivery; `None` for one that nobody made.
fn record(transaction: &Transaction<'_>, delivery: &str) -> Result<Option<DeliveryJson>, StoreError> {
    let text = transaction
        .prepare_cached("SELECT record FROM outbox WHERE id = ?1")?
        .query_row([delivery], |row| row.get::<_, String>(0))
        .optional()?;
    text.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
}

fn write_receipt(
    transaction: &Transaction<'_>,
    receipt: &Receipt,
    next_at: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let Some(mut record) = record(transaction, &receipt.delivery)? else { return Ok(None) };
    if receipt.attempts > record.attempts {
        note_try(&mut record, receipt);
    }
    record.state = receipt.state.as_str().to_owned();
    record.attempts = receipt.attempts;
    record.at = receipt.at.to_rfc3339();
    record.answer.clone_from(&receipt.answer);
    // What was taken is not sent again, so its body need not be kept. A text message that its provider took may still not arrive: its
    // body goes once it did.
    let is_done = receipt.state == ReceiptState::Delivered && record.channel != ChannelKind::Sms.as_str();
    put(transaction, &record, next_at, is_done)?;
    if let (Some(duty), Some(incident)) = (&record.duty, &record.incident) {
        mark_reported(transaction, incident, duty, receipt.state)?;
    }
    Ok(Some(alert_log::append(transaction, receipt.at, &RecordBody::Delivery(record))?))
}

/// Writes a delivery's row as its record says.
fn put(
    transaction: &Transaction<'_>,
    record: &DeliveryJson,
    next_at: Timestamp,
    without_body: bool,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "UPDATE outbox SET state = ?2, attempts = ?3, next_at = ?4, record = ?5,
                 body = CASE WHEN ?6 THEN '' ELSE body END WHERE id = ?1",
        )?
        .execute(params![
            record.id,
            record.state,
            record.attempts,
            next_at.as_millis(),
            serde_json::to_string(record).map_err(unreadable)?,
            without_body,
        ])?;
    Ok(())
}

/// Writes down what a provider says of a text message that it took: it is on the phone, or it never got there and can be sent again.
///
/// A half of the dual report that was taken by this message only stays taken: later receipts do not undo that ([`crate::duties`]), and a
/// phone that stands for a half is rare. What was told in one message with this one has no receipt of its own.
pub(super) fn sms_receipt(
    transaction: &Transaction<'_>,
    delivery: &str,
    arrived: bool,
    told: &str,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let Some(mut record) = record(transaction, delivery)? else { return Ok(None) };
    let was_taken = record.state == ReceiptState::Delivered.as_str();
    // Of a message that is to be sent again the receipt of before says nothing; that it arrived settles also what nobody knew, and stays.
    let is_about_it = if arrived { record.attempts > 0 } else { was_taken && !record.answer.starts_with(ARRIVED) };
    if record.channel != ChannelKind::Sms.as_str() || !is_about_it {
        return Ok(None);
    }
    let told: String = told.chars().take(TOLD_KEPT).collect();
    let (state, what) =
        if arrived { (ReceiptState::Delivered, ARRIVED) } else { (ReceiptState::Dead, "did not arrive") };
    let answer = format!("{what}: {told}");
    if record.state == state.as_str() && record.answer == answer {
        return Ok(None);
    }
    record.state = state.as_str().to_owned();
    record.at = now.to_rfc3339();
    record.answer = answer;
    put(transaction, &record, now, arrived)?;
    if let (Some(duty), Some(incident), false) = (&record.duty, &record.incident, was_taken) {
        mark_reported(transaction, incident, duty, state)?;
    }
    Ok(Some(alert_log::append(transaction, now, &RecordBody::Delivery(record))?))
}

fn note_try(record: &mut DeliveryJson, receipt: &Receipt) {
    if let Some(before) = record.tries.last_mut() {
        before.answer = before.answer.chars().take(TOLD_KEPT).collect();
    }
    if record.tries.len() >= TRIES_KEPT {
        record.tries.remove(0);
    }
    let (at, answer) = (receipt.at.to_rfc3339(), receipt.answer.clone());
    record.tries.push(TryJson { at, took_ms: receipt.took_ms, answer });
}

/// What a delivery is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) alert: &'a str,
    pub(super) kind: &'a str,
    pub(super) incident: Option<&'a str>,
}

/// Puts one subscriber's delivery into the outbox; `seq` orders it in its lane. Returns the number of its entry in the log.
pub(super) fn post(
    transaction: &Transaction<'_>,
    outgoing: Outgoing,
    subscriber: &Subscriber,
    about: About<'_>,
    seq: u64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let Outgoing { id, lane, body, not_before } = outgoing;
    let record = DeliveryJson {
        id,
        alert: about.alert.to_owned(),
        type_: about.kind.to_owned(),
        incident: about.incident.map(str::to_owned),
        subscriber: subscriber.id.clone(),
        subscriber_name: subscriber.name.clone(),
        channel: subscriber.channel.as_str().to_owned(),
        duty: subscriber.duty.clone(),
        state: ReceiptState::Pending.as_str().to_owned(),
        attempts: 0,
        at: now.to_rfc3339(),
        answer: String::new(),
        tries: Vec::new(),
    };
    let written = serde_json::to_string(&record).map_err(unreadable)?;
    if not_before <= now {
        // What waited for the end of quiet hours goes first: the order of a case holds, and it is read with what cannot wait.
        transaction
            .prepare_cached(
                "UPDATE outbox SET next_at = ?3 WHERE state = 'pending' AND subscriber = ?1 AND lane = ?2 AND attempts = 0 AND next_at > ?3",
            )?
            .execute(params![subscriber.id, lane, now.as_millis()])?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO outbox (id, seq, subscriber, lane, body, record, state, attempts, next_at, first_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', 0, ?7, ?8)",
        )?
        .execute(params![
            record.id,
            signed(seq),
            subscriber.id,
            lane,
            body,
            written,
            not_before.as_millis(),
            now.as_millis()
        ])?;
    Ok(alert_log::append(transaction, now, &RecordBody::Delivery(record))?)
}

/// Who was told of a case before.
pub(super) fn told_of(transaction: &Transaction<'_>, alert: &Alert) -> Result<HashSet<String>, StoreError> {
    let Subject::Incident(incident) = &alert.subject else { return Ok(HashSet::new()) };
    let mut told = transaction.prepare_cached("SELECT DISTINCT subscriber FROM outbox WHERE lane = ?1")?;
    let rows = told.query_map([incident.case.id.as_str()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The last place in the log.
pub(super) fn last_seq(transaction: &Transaction<'_>) -> Result<u64, StoreError> {
    let last: i64 = transaction.query_row("SELECT coalesce(max(seq), 0) FROM alert_log", [], |row| row.get(0))?;
    Ok(u64::try_from(last).unwrap_or(0))
}

/// Sends again what was given up: one delivery, or all of a receiver, or all; a page of them.
pub(super) fn retry(
    transaction: &Transaction<'_>,
    delivery: Option<&str>,
    subscriber: Option<&str>,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let mut dead = transaction.prepare_cached(
        "SELECT record FROM outbox WHERE state = 'dead' AND (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR subscriber = ?2)
         ORDER BY seq LIMIT ?3",
    )?;
    let limit = i64::try_from(AT_ONCE.saturating_mul(10)).unwrap_or(i64::MAX);
    let rows = dead.query_map(params![delivery, subscriber, limit], |row| row.get::<_, String>(0))?;
    let records = rows.collect::<Result<Vec<_>, _>>()?;
    let mut last = None;
    for text in records {
        let mut record: DeliveryJson = serde_json::from_str(&text).map_err(unreadable)?;
        record.state = ReceiptState::Pending.as_str().to_owned();
        record.at = now.to_rfc3339();
        record.attempts = 0;
        transaction
            .prepare_cached(
                "UPDATE outbox SET state = 'pending', attempts = 0, next_at = ?2, first_at = ?2, record = ?3 WHERE id = ?1",
            )?
            .execute(params![record.id, now.as_millis(), serde_json::to_string(&record).map_err(unreadable)?])?;
        last = Some(alert_log::append(transaction, now, &RecordBody::Delivery(record))?);
    }
    Ok(last)
}
