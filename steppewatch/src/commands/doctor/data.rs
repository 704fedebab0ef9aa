//! The data folder: the journal and who reads it, history, registry.

use super::{Finding, size};
use crate::commands::journal;
use crate::config::Config;
use ::journal::JournalError;
use ::journal::dead_letters::DeadLetters;
use ::journal::sqlite::{Held, SqliteReader};
use anyhow::Result;
use history::History;
use history::influx::RefusedLines;
use model::Clock;
use std::path::Path;

/// Above this share of its bound, with a consumer behind, the journal will soon refuse.
const FILL_WARN_PERCENT: u64 = 80;

/// A consumer that is further behind than this is in trouble, or was away for long: minutes of the largest fleet.
const LAG_WARN_ENTRIES: u64 = 100_000;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = journal_and_cursors(config);
    findings.push(store("history", &config.data.join("history").join("tail.sqlite"), |_| {
        let history = History::open(&config.data.join("history"), config.history_retention, Clock::system())?;
        Ok(format!("can be read; {} devices have a last position", history.last_positions()?.len()))
    }));
    findings.push(store("registry", &config.data.join("registry.db"), |_| {
        let view = crate::stores::open_registry(&config.data)?.view();
        let view = view.borrow();
        Ok(format!("can be read; {} devices, {} zones in force", view.devices.len(), view.zones.len()))
    }));
    findings.push(store("rejects", &config.data.join("dead-letters.db"), |path| {
        Ok(format!("can be read; {} messages could not be understood", DeadLetters::open(path)?.count()?))
    }));
    let refused = config.data.join("influx-refused.db");
    if refused.exists() {
        findings.push(store("influxdb", &refused, |path| {
            Ok(format!("can be read; {} lines were refused for good", RefusedLines::open(path)?.count()?))
        }));
    }
    findings.extend(receivers(config));
    findings
}

/// Those who are told and do not take it; one line when all do.
fn receivers(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "receiver";
    let path = config.data.join("alerts.db");
    if !path.exists() {
        return Vec::new();
    }
    match alerts::receivers(&path) {
        Err(error) => vec![Finding::fault(WHAT, crate::commands::sentence(&error.into()))],
        Ok(receivers) => {
            let (failing, fine): (Vec<_>, Vec<_>) = receivers.into_iter().partition(alerts::ReceiverState::is_failing);
            let mut findings: Vec<Finding> = failing
                .into_iter()
                .map(|one| {
                    let text = format!(
                        "`{}` ({}): {} waiting, {} given up; last answer: {}",
                        one.name, one.channel, one.pending, one.dead, one.answer
                    );
                    Finding::warn(WHAT, text)
                })
                .collect();
            if findings.is_empty() {
                findings.push(Finding::ok(WHAT, format!("{} have been told and none fails", fine.len())));
            }
            findings
        }
    }
}

/// A store that is there is opened and read; one that is not yet is none the worse, and is not made.
fn store(what: &'static str, path: &Path, read: impl FnOnce(&Path) -> Result<String>) -> Finding {
    if !path.exists() {
        return Finding::ok(what, format!("{} is not there yet; the first start makes it", path.display()));
    }
    match read(path) {
        Ok(text) => Finding::ok(what, text),
        Err(error) => Finding::fault(what, crate::commands::sentence(&error)),
    }
}

fn journal_and_cursors(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "journal";
    let path = journal::path(config);
    if !path.exists() {
        return vec![Finding::ok(WHAT, format!("{} is not there yet; the first start makes it", path.display()))];
    }
    let looked = || -> Result<Vec<Finding>> {
        let reader = journal::reader(&path)?;
        let held = reader.held()?;
        let mut findings = vec![chain(config, &reader, &held)?];
        findings.extend(cursors(config, &reader, &held)?);
        Ok(findings)
    };
    looked().unwrap_or_else(|error| vec![Finding::fault(WHAT, crate::commands::sentence(&error))])
}

fn chain(config: &Config, reader: &SqliteReader, held: &Held) -> Result<Finding> {
    const WHAT: &str = "journal";
    let tenant = reader.tenant()?;
    if let Some(tenant) = tenant.filter(|tenant| tenant != config.tenant.as_str()) {
        let text =
            format!("belongs to tenant `{tenant}`, but `tenant` is `{}`; set it back, or change `data`", config.tenant);
        return Ok(Finding::fault(WHAT, text));
    }
    if let Err(error) = reader.verify_end() {
        let remedy = "keep the file as evidence and restore a copy; `steppewatch journal verify` walks all of it";
        return match error {
            JournalError::ChainBroken { .. } => Ok(Finding::fault(WHAT, format!("{error}; {remedy}"))),
            other => Err(other.into()),
        };
    }
    let percent = held.bytes.saturating_mul(100) / config.journal_max_bytes.max(1);
    let bound = size(config.journal_max_bytes);
    let text =
        format!("{} entries, {} of {bound} ({percent} %), and its end fits the chain", held.entries, size(held.bytes));
    Ok(if percent < FILL_WARN_PERCENT {
        Finding::ok(WHAT, text)
    } else {
        Finding::warn(WHAT, format!("{text}; once it is full, only what every consumer has dealt with makes room"))
    })
}

fn cursors(config: &Config, reader: &SqliteReader, held: &Held) -> Result<Vec<Finding>> {
    let cursors = reader.cursors()?;
    let expected = ["detect", "history", alerts::coverage::CONSUMER]
        .into_iter()
        .chain(config.vision.as_ref().map(|_| ingest::vision::CONSUMER))
        .chain(config.influx.as_ref().map(|_| "influx"));
    Ok(expected
        .map(|consumer| {
            let at = cursors.get(consumer).map_or(0, |offset| offset.0);
            let lag = held.head.0.saturating_sub(at);
            let text = format!("`{consumer}` reported entry {at} of {}, {lag} behind", held.head.0);
            if at > held.head.0 {
                Finding::fault("cursor", format!("{text}; it has read another journal, or this one lost its end"))
            } else if lag > LAG_WARN_ENTRIES {
                Finding::warn(
                    "cursor",
                    format!("{text}; if that grows while the service runs, its log says what holds it up"),
                )
            } else {
                Finding::ok("cursor", text)
            }
        })
        .collect())
}
