//! What the devices of a case said while it lasted, from the journal, byte for byte.
//!
//! In: the journal's file, the case's devices and its span.   Out: [`Said`]: a line of JSON for each message, which stretch of the journal that
//! is, and what is not there any more.   Never: what a person reported, which may name the informant; pictures, which are kept apart.

use super::Words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evidence::bundle::sha256;
use journal::JournalError;
use journal::sqlite::{SqliteJournal, SqliteReader};
use model::{Channel, DeviceId, Entry, Offset, ReadingKind, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// A message travels; and the pose of a camera or a drone is said before it sees something.
const AROUND: Duration = Duration::from_secs(5 * 60);
/// Entries read at once.
const ENTRIES_PER_READ: usize = 1_000;
/// Entries looked at for a case at most: the whole fleet for some hours, in some ten seconds.
const LOOKED_AT_MAX: u64 = 2_000_000;
/// Bytes of lines at most, well below what a file of a bundle may have.
const LINES_MAX_BYTES: usize = 24 * 1024 * 1024;

/// Of whom and of when.
pub(super) struct Wanted {
    /// The case's devices.
    pub devices: BTreeSet<DeviceId>,
    /// First and last sighting.
    pub span: (Timestamp, Timestamp),
    /// Entries that are known to belong to it, wherever in the journal they are.
    pub known: Option<(Offset, Offset)>,
}

/// What was found.
pub(super) struct Said {
    /// A line of JSON for each message; empty where there is none.
    pub lines: Vec<u8>,
    /// Which stretch of the journal that is, and where its chain ended.
    pub about: Value,
    /// What is not in it, and why.
    pub absent: Vec<Words>,
}

/// Reads the journal; where it cannot be read, that is said and the rest of the case still is what it is.
pub(super) fn said(journal: &Path, wanted: &Wanted) -> Said {
    let read = SqliteJournal::open_read_only(journal).map_err(|error| error.to_string());
    let read = read.and_then(|reader| gather(&reader, wanted).map_err(|error| error.to_string()));
    read.unwrap_or_else(|error| {
        tracing::warn!(error, "a case is exported without what its devices said");
        let why = format!("平台日志无法读取 the journal cannot be read: {error}");
        Said { lines: Vec::new(), about: Value::Null, absent: vec![("journal.jsonl".into(), why)] }
    })
}

fn gather(reader: &SqliteReader, wanted: &Wanted) -> Result<Said, JournalError> {
    let chain = reader.verify_end()?;
    let Some(oldest) = at(reader, Offset(0))? else {
        let why = "平台日志中没有条目 the journal holds no entries".to_owned();
        return Ok(Said { lines: Vec::new(), about: Value::Null, absent: vec![("journal.jsonl".into(), why)] });
    };
    let (from, to) = (wanted.span.0.minus(AROUND), wanted.span.1.plus(AROUND));
    let first = first_since(reader, from, oldest.offset, chain.to)?;
    let begin = wanted.known.map_or(first, |(known, _)| known.min(first)).max(oldest.offset);
    let mut found = Found { lines: Vec::new(), count: 0, withheld: 0, pictures: 0 };
    let (mut after, mut looked_at, mut cut) = (Offset(begin.0.saturating_sub(1)), 0, None);
    'reading: while after < chain.to {
        let entries = reader.read(after, ENTRIES_PER_READ)?;
        let Some(last) = entries.last() else { break };
        (after, looked_at) = (last.offset, looked_at + entries.len() as u64);
        for entry in &entries {
            let (received_at, known) = (entry.frame.received_at.0, wanted.known);
            if received_at > to && known.is_none_or(|(_, last)| entry.offset > last) {
                break 'reading;
            }
            let is_known = known.is_some_and(|(first, last)| (first..=last).contains(&entry.offset));
            if !(is_known || (from..=to).contains(&received_at)) {
                continue;
            }
            if wanted.devices.contains(&entry.frame.device) && !found.take(entry) {
                cut = Some(entry.offset);
                break 'reading;
            }
        }
        if looked_at >= LOOKED_AT_MAX {
            cut = Some(after);
            break;
        }
    }
    let mut absent = found.absent();
    if oldest.frame.received_at.0 > from && oldest.offset > Offset(1) {
        let held = oldest.frame.received_at.0.to_legal();
        let why = format!("{held} 之前的原始上报已过保存期 what came before {held} is no longer kept in the journal");
        absent.push(("journal.jsonl".into(), why));
    }
    if let Some(Offset(at)) = cut {
        let why = format!("数据过多，止于日志条目 {at} there is more than a bundle takes; it ends at entry {at}");
        absent.push(("journal.jsonl".into(), why));
    }
    let about = json!({
        "received_from": from.to_rfc3339(),
        "received_to": to.to_rfc3339(),
        "messages": found.count,
        "journal": { "oldest_entry": oldest.offset.0, "newest_entry": chain.to.0, "chain_tip": hex(&chain.chain_tip) },
    });
    Ok(Said { lines: found.lines, about, absent })
}

fn at(reader: &SqliteReader, after: Offset) -> Result<Option<Entry>, JournalError> {
    Ok(reader.read(after, 1)?.into_iter().next())
}

/// The first entry that came in at `from` or later; the last one where none did. Times of receipt only grow.
fn first_since(reader: &SqliteReader, from: Timestamp, oldest: Offset, head: Offset) -> Result<Offset, JournalError> {
    let (mut low, mut high) = (oldest.0, head.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match at(reader, Offset(middle.saturating_sub(1)))? {
            // What was trimmed meanwhile is answered by what is there now.
            Some(entry) if entry.frame.received_at.0 < from => low = middle.max(entry.offset.0) + 1,
            Some(_) => high = middle,
            None => break,
        }
    }
    Ok(Offset(low.min(head.0)))
}

/// Lines as they are gathered.
struct Found {
    lines: Vec<u8>,
    count: u64,
    withheld: u64,
    pictures: u64,
}

impl Found {
    /// Writes an entry down; `false` when there is no more room.
    fn take(&mut self, entry: &Entry) -> bool {
        let frame = &entry.frame;
        let channel = match &frame.channel {
            // Neither belongs to a case: nobody said it, or nobody understood it.
            Channel::Clock | Channel::Other { .. } => return true,
            Channel::Native { kind: ReadingKind::Snapshot, .. } => {
                self.pictures += 1;
                return true;
            }
            Channel::Native { kind, .. } => kind.as_str().to_owned(),
            Channel::DjiOsd => "dji osd".to_owned(),
            Channel::Modbus { model } => format!("modbus {model}"),
            Channel::Foreign { format, .. } => format.to_string(),
        };
        let is_sealed = matches!(frame.channel, Channel::Native { kind: ReadingKind::Report, .. });
        let mut line = json!({
            "entry": entry.offset.0,
            "received_at": frame.received_at.0.to_rfc3339(),
            "device": frame.device.as_str(),
            "speaker": frame.speaker.as_str(),
            "transport": frame.transport.as_str(),
            "channel": channel,
            "bytes": frame.payload.len(),
            "sha256": sha256(&frame.payload),
        });
        let payload = match std::str::from_utf8(&frame.payload) {
            _ if is_sealed => {
                self.withheld += 1;
                ("withheld", Value::from("a person's report may name the informant"))
            }
            Ok(text) => ("payload", Value::from(text)),
            Err(_) => ("payload_base64", Value::from(STANDARD.encode(&frame.payload))),
        };
        if let Some(fields) = line.as_object_mut() {
            fields.insert(payload.0.to_owned(), payload.1);
        }
        let line = line.to_string();
        if self.lines.len() + line.len() >= LINES_MAX_BYTES {
            return false;
        }
        self.count += 1;
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
        true
    }

    fn absent(&self) -> Vec<Words> {
        let mut absent = Vec::new();
        if self.withheld > 0 {
            let why = format!(
                "{} 条人员报告的原文已隐去，其中可能有举报人身份 the words of {} reports by people are withheld, since they may name the informant",
                self.withheld, self.withheld
            );
            absent.push(("journal.jsonl".into(), why));
        }
        if self.pictures > 0 {
            let why = format!(
                "{} 张图像不在原始上报中，已存档的见 pictures/ {} pictures are not among the messages; those that are kept are in pictures/",
                self.pictures, self.pictures
            );
            absent.push(("journal.jsonl".into(), why));
        }
        absent
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
