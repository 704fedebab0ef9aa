//! What every journal engine has to pass, whichever it is: the promises of [`Journal`] as checks.
//!
//! In:  a way to open the engine's journal, again and again.   Out: nothing, or a sentence that says which promise was broken.
//!
//! Each check begins where the journal stands, so they may share one. Call [`every_promise`] from the engine's tests.

use crate::{Durable, Journal, JournalError};
use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use model::{Channel, DeviceId, Entry, Frame, Offset, ReadingKind, ReceivedAt, Timestamp, Transport};
use std::sync::Arc;

/// Which promise was broken, and how.
#[derive(Debug, thiserror::Error)]
#[error("{promise}: {found}")]
pub struct Broken {
    promise: &'static str,
    found: String,
}

/// Opens the same journal again; the one before is dropped by then.
pub type Open<'a> = &'a (dyn Fn() -> Arc<dyn Journal> + Sync);

/// A frame that tells its number: `device` says `number`, and the payload is made from both.
pub fn frame(device: &str, number: u64) -> Frame {
    let device = DeviceId::parse(device).unwrap_or_else(|_| DeviceId::platform());
    let channel = match number % 5 {
        0 => Channel::Native { kind: ReadingKind::Track, detail: Arc::from("") },
        1 => Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(format!("snap-{number}")) },
        2 => Channel::DjiOsd,
        3 => Channel::Modbus { model: Arc::from("renke-soil") },
        _ => Channel::Other { topic: Arc::from("草原/other") },
    };
    let transport = if matches!(channel, Channel::Modbus { .. }) { Transport::Modbus } else { Transport::Mqtt };
    let millis = i64::try_from(number).unwrap_or(i64::MAX);
    Frame {
        payload: Bytes::from(format!("{device} says {number}")),
        speaker: device.clone(),
        device,
        channel,
        transport,
        received_at: ReceivedAt(Timestamp::from_millis(millis)),
    }
}

/// Runs every check below, one after the other.
pub async fn every_promise(open: Open<'_>) -> Result<(), Broken> {
    pipelined_appends_of_one_caller_keep_their_order(&*open()).await?;
    appends_of_many_callers_keep_the_order_of_each(&open()).await?;
    a_dropped_append_is_still_written(&*open()).await?;
    the_head_wakes_a_tailing_reader(&open()).await?;
    pages_give_every_entry_once(&*open()).await?;
    cursors_are_separate_and_never_go_back(&*open()).await?;
    a_cursor_beyond_the_head_is_refused(&*open()).await?;
    the_platforms_clock_is_kept(&*open()).await?;
    what_was_acknowledged_is_there_after_reopening(open).await
}

/// Offsets follow the calls although nobody awaited in between.
pub async fn pipelined_appends_of_one_caller_keep_their_order(journal: &dyn Journal) -> Result<(), Broken> {
    let promise = Promise("pipelined appends of one caller keep their order");
    let start = head(journal);
    let appends: Vec<_> = (1..=1_000).map(|number| journal.append(frame("cam-1", number))).collect();
    // Polled from the last to the first: the call made the order, not the poll.
    let mut proofs = promise.kept(try_join_all(appends.into_iter().rev()).await)?;
    proofs.reverse();
    let offsets: Vec<u64> = proofs.into_iter().map(|proof| proof.offset().0).collect();
    promise.equal(&offsets, &(start.0 + 1..=start.0 + 1_000).collect())?;
    let entries = promise.kept(read_all(journal, start).await)?;
    promise.equal(&frames(&entries), &(1..=1_000).map(|number| frame("cam-1", number)).collect())
}

/// Twenty callers at once: each finds its own frames in its own order, and no others.
pub async fn appends_of_many_callers_keep_the_order_of_each(journal: &Arc<dyn Journal>) -> Result<(), Broken> {
    let promise = Promise("appends of twenty callers keep the order of each");
    let start = head(&**journal);
    let callers = (0..20).map(|caller| {
        let journal = Arc::clone(journal);
        tokio::spawn(async move {
            let device = format!("caller-{caller}");
            for round in 0..10 {
                let window = (1..=32).map(|number| journal.append(frame(&device, round * 32 + number)));
                try_join_all(window.collect::<Vec<_>>()).await?;
            }
            Ok::<(), crate::AppendError>(())
        })
    });
    for done in join_all(callers.collect::<Vec<_>>()).await {
        promise.kept(promise.kept(done)?)?;
    }
    let entries = promise.kept(read_all(&**journal, start).await)?;
    promise.equal(&entries.len(), &(20 * 320))?;
    for caller in 0..20 {
        let device = format!("caller-{caller}");
        let own: Vec<Entry> = entries.iter().filter(|entry| entry.frame.device.as_str() == device).cloned().collect();
        promise.equal(&frames(&own), &(1..=320).map(|number| frame(&device, number)).collect())?;
    }
    Ok(())
}

/// The call took the frame, so dropping its future unpolled loses only the answer.
pub async fn a_dropped_append_is_still_written(journal: &dyn Journal) -> Result<(), Broken> {
    let promise = Promise("a dropped append is still written");
    let start = head(journal);
    drop(journal.append(frame("dropped", 1)));
    promise.kept(journal.append(frame("kept", 2)).await)?;
    let entries = promise.kept(read_all(journal, start).await)?;
    promise.equal(&frames(&entries), &vec![frame("dropped", 1), frame("kept", 2)])
}

/// A reader that waits for the head finds the entry that moved it.
pub async fn the_head_wakes_a_tailing_reader(journal: &Arc<dyn Journal>) -> Result<(), Broken> {
    let promise = Promise("the head wakes a tailing reader");
    let mut heads = journal.head();
    let start = *heads.borrow_and_update();
    let tail = {
        let journal = Arc::clone(journal);
        tokio::spawn(async move {
            heads.changed().await.map_err(|error| error.to_string())?;
            journal.read(start, 10).await.map_err(|error| error.to_string())
        })
    };
    promise.kept(journal.append(frame("tail", 1)).await)?;
    let entries = promise.kept(promise.kept(tail.await)?)?;
    promise.equal(&frames(&entries), &vec![frame("tail", 1)])
}

/// Pages of any size follow one another without gap or repetition and end empty.
pub async fn pages_give_every_entry_once(journal: &dyn Journal) -> Result<(), Broken> {
    let promise = Promise("pages give every entry once");
    let start = head(journal);
    let appends: Vec<_> = (1..=250).map(|number| journal.append(frame("pages", number))).collect();
    promise.kept(try_join_all(appends).await)?;
    for size in [1, 7, 100, 1_000] {
        let mut after = start;
        loop {
            let page = promise.kept(journal.read(after, size).await)?;
            let Some(last) = page.last() else { break };
            let expected: Vec<u64> = (after.0 + 1..=last.offset.0).collect();
            promise.equal(&page.iter().map(|entry| entry.offset.0).collect(), &expected)?;
            promise.equal(&(page.len() <= size), &true)?;
            after = last.offset;
        }
        promise.equal(&after, &head(journal))?;
    }
    Ok(())
}

/// Every consumer has its own; setting one back changes nothing.
pub async fn cursors_are_separate_and_never_go_back(journal: &dyn Journal) -> Result<(), Broken> {
    let promise = Promise("cursors are separate and never go back");
    promise.equal(&promise.kept(journal.cursor("never-set").await)?, &Offset(0))?;
    let at = promise.kept(journal.append(frame("cursor", 1)).await)?.offset();
    promise.kept(journal.set_cursor("conformance-a", at).await)?;
    promise.kept(journal.set_cursor("conformance-b", Offset(1)).await)?;
    promise.kept(journal.set_cursor("conformance-a", Offset(1)).await)?;
    promise.equal(&promise.kept(journal.cursor("conformance-a").await)?, &at)?;
    promise.equal(&promise.kept(journal.cursor("conformance-b").await)?, &Offset(1))
}

/// Whoever dealt with entries that are not there has read another journal, and is told so.
pub async fn a_cursor_beyond_the_head_is_refused(journal: &dyn Journal) -> Result<(), Broken> {
    let promise = Promise("a cursor beyond the head is refused");
    let beyond = head(journal).next();
    promise.equal(&journal.set_cursor("conformance-beyond", beyond).await.is_err(), &true)?;
    promise.equal(&promise.kept(journal.cursor("conformance-beyond").await)?, &Offset(0))
}

/// The platform's own name, which no device can have, comes back.
pub async fn the_platforms_clock_is_kept(journal: &dyn Journal) -> Result<(), Broken> {
    let promise = Promise("the platform's clock is kept");
    let start = head(journal);
    let clock = Frame {
        device: DeviceId::platform(),
        speaker: DeviceId::platform(),
        channel: Channel::Clock,
        transport: Transport::Platform,
        payload: Bytes::new(),
        received_at: ReceivedAt(Timestamp::from_millis(-1)),
    };
    promise.kept(journal.append(clock.clone()).await)?;
    promise.equal(&frames(&promise.kept(read_all(journal, start).await)?), &vec![clock])
}

/// Closing and opening loses nothing, and the offsets go on.
pub async fn what_was_acknowledged_is_there_after_reopening(open: Open<'_>) -> Result<(), Broken> {
    let promise = Promise("what was acknowledged is there after reopening");
    let journal = open();
    let start = head(&*journal);
    let appends: Vec<_> = (1..=100).map(|number| journal.append(frame("reopen", number))).collect();
    let proofs: Vec<Durable> = promise.kept(try_join_all(appends).await)?;
    promise.kept(journal.set_cursor("conformance-reopen", start.next()).await)?;
    drop(journal);
    let journal = open();
    promise.equal(&Some(head(&*journal)), &proofs.last().map(|proof| proof.offset()))?;
    promise.equal(&promise.kept(journal.cursor("conformance-reopen").await)?, &start.next())?;
    let next = promise.kept(journal.append(frame("reopen", 101)).await)?;
    promise.equal(&next.offset(), &Offset(start.0 + 101))?;
    let entries = promise.kept(read_all(&*journal, start).await)?;
    promise.equal(&frames(&entries), &(1..=101).map(|number| frame("reopen", number)).collect())
}

/// Everything after `after`, page by page.
pub async fn read_all(journal: &dyn Journal, after: Offset) -> Result<Vec<Entry>, JournalError> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let from = all.last().map_or(after, |last| last.offset);
        let page = journal.read(from, 777).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn head(journal: &dyn Journal) -> Offset {
    *journal.head().borrow()
}

fn frames(entries: &[Entry]) -> Vec<Frame> {
    entries.iter().map(|entry| entry.frame.clone()).collect()
}

/// Names the promise in every complaint.
struct Promise(&'static str);

impl Promise {
    fn kept<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> Result<T, Broken> {
        result.map_err(|error| Broken { promise: self.0, found: error.to_string() })
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&self, found: &T, expected: &T) -> Result<(), Broken> {
        if found == expected {
            return Ok(());
        }
        Err(Broken { promise: self.0, found: format!("found {found:?}, expected {expected:?}") })
    }
}
