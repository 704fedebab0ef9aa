//! What phones write back to a modem of one's own: the files that smstools puts into `incoming`, beside the `outgoing` that we fill.
//!
//! In:  files of smstools 3 (headers, an empty line, the text).   Out: replies, to the same door as those that providers push.
//!
//! Never: reads a file that the daemon still writes (`….LOCK` stands beside it), or loses one that was not dealt with: only then it is moved
//! to `read`.

use anyhow::Result;
use dashboards::{Replies, Reply};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How soon a reply is seen.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Files taken in a round.
const FILES_MAX: usize = 50;
/// A message in ten parts has some 3 kB; what is longer is no reply.
const FILE_MAX: u64 = 16 * 1024;
/// What the daemon puts into the same folder of a message of ours that it was asked to follow.
const STATUS_REPORT: &str = "SMS STATUS REPORT";

/// Runs until `stop`.
pub async fn run(incoming: PathBuf, replies: Replies, stop: CancellationToken) -> Result<()> {
    let mut rounds = tokio::time::interval(LOOK_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    while stop.run_until_cancelled(rounds.tick()).await.is_some() {
        match round(&incoming, &replies).await? {
            Ok(()) => is_failing = false,
            Err(error) => {
                // Once, and not every five seconds.
                if !is_failing {
                    let folder = incoming.display();
                    tracing::warn!(%error, %folder, "the modem's replies cannot be taken; let the service's user read and move them");
                }
                is_failing = true;
            }
        }
    }
    Ok(())
}

/// Takes what is there; the first file that cannot be read or put away is told when all others were taken.
async fn round(incoming: &Path, replies: &Replies) -> Result<io::Result<()>> {
    let folder = incoming.to_owned();
    let files = match tokio::task::spawn_blocking(move || waiting(&folder)).await? {
        Ok(files) => files,
        Err(error) => return Ok(Err(error)),
    };
    let mut outcome: io::Result<()> = Ok(());
    for file in files {
        let path = file.clone();
        let dealt_with = match tokio::task::spawn_blocking(move || read(&path)).await? {
            Ok(Some(reply)) => replies.take(reply).await,
            // Nothing that could be answered; it is put away like the others.
            Ok(None) => true,
            Err(error) => {
                outcome = outcome.and(Err(error));
                false
            }
        };
        if dealt_with {
            outcome = outcome.and(tokio::task::spawn_blocking(move || put_away(&file)).await?);
        }
    }
    Ok(outcome)
}

/// The files that are whole, those of before first. A folder that is not there yet holds none.
fn waiting(incoming: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(incoming) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_written = name.ends_with(".LOCK") || path.with_file_name(format!("{name}.LOCK")).exists();
        if !is_written && !name.starts_with('.') && path.is_file() {
            files.push(path);
        }
        if files.len() >= FILES_MAX {
            break;
        }
    }
    files.sort_by_cached_key(|path| fs::metadata(path).and_then(|file| file.modified()).ok());
    Ok(files)
}

/// `None` for what is no reply of a phone.
fn read(path: &Path) -> io::Result<Option<Reply>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    let is_one = u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_MAX);
    Ok(if is_one { parse(&bytes) } else { None })
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let headers = String::from_utf8_lossy(bytes.get(..end)?);
    let body = bytes.get(end + 2..)?;
    let header = |name: &str| {
        let mut lines = headers.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
    };
    let is_ucs2 = ["ucs2", "ucs-2", "unicode"].iter().any(|word| header("Alphabet").eq_ignore_ascii_case(word));
    let text = if is_ucs2 { from_ucs2(body) } else { String::from_utf8_lossy(body).into_owned() };
    let (phone, received) = (header("From").to_owned(), header("Received"));
    let id = format!("modem {received} {} {text}", header("Sent"));
    let is_reply = !phone.is_empty() && !text.starts_with(STATUS_REPORT);
    is_reply.then_some(Reply { phone, text, id })
}

/// Big endian, as over the air.
fn from_ucs2(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(u16::from_be_bytes);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Into `read` beside `incoming`; where that cannot be, it goes, since it was dealt with.
fn put_away(file: &Path) -> io::Result<()> {
    let moved = || -> io::Result<()> {
        let incoming = file.parent().ok_or(io::ErrorKind::NotFound)?;
        let read = incoming.with_file_name("read");
        fs::create_dir_all(&read)?;
        fs::rename(file, read.join(file.file_name().ok_or(io::ErrorKind::NotFound)?))
    };
    moved().or_else(|_| fs::remove_file(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> (String, String) {
        let reply = parse(bytes).unwrap();
        (reply.phone, reply.text)
    }

    #[test]
    fn a_reply_is_read_in_either_alphabet_and_a_report_of_the_daemon_is_none() {
        let headers =
            "From: 8613900000000\nFrom_SMSC: 8613800100500\nSent: 26-05-01 08:00:00\nReceived: 26-05-01 08:00:05\n";
        let utf8 = format!("{headers}Alphabet: UTF-8\n\n收到\n");
        assert_eq!(text(utf8.as_bytes()), ("8613900000000".into(), "收到\n".into()));
        let mut ucs2 = format!("{headers}Alphabet: UCS2\n\n").into_bytes();
        ucs2.extend(b"\x65\x36\x52\x30");
        assert_eq!(text(&ucs2).1, "收到");
        let report = format!("{headers}Alphabet: ISO\n\nSMS STATUS REPORT\nMessage_id: 117\n");
        assert!(parse(report.as_bytes()).is_none() && parse(b"no headers").is_none() && parse(b"\n\n").is_none());
    }

    #[test]
    fn a_file_that_is_written_waits_and_one_that_was_dealt_with_is_put_away() {
        let folder = tempfile::tempdir().unwrap();
        let incoming = folder.path().join("incoming");
        assert_eq!(waiting(&incoming).unwrap(), [] as [PathBuf; 0]);
        fs::create_dir(&incoming).unwrap();
        let [whole, half] = ["GSM1.aaaaaa", "GSM1.bbbbbb"].map(|name| incoming.join(name));
        fs::write(&whole, "From: 8613900000000\n\n1").unwrap();
        fs::write(&half, "From: 86139").unwrap();
        fs::write(incoming.join("GSM1.bbbbbb.LOCK"), "").unwrap();
        assert_eq!(waiting(&incoming).unwrap(), std::slice::from_ref(&whole));
        assert!(read(&whole).unwrap().is_some_and(|reply| reply.text == "1"));
        put_away(&whole).unwrap();
        assert!(folder.path().join("read/GSM1.aaaaaa").exists() && waiting(&incoming).unwrap().is_empty());
        fs::write(&whole, vec![b'x'; 20_000]).unwrap();
        assert!(read(&whole).unwrap().is_none(), "too long to be one");
    }
}
