//! `steppewatch doctor`: a line for each thing that keeps the service from working, or soon will.
//!
//! In: the configuration.   Out: a line or a JSON object for each look; exit status 1 if any found a fault.
//!
//! It works whether or not the service runs, looks and changes nothing, and never stops at the first fault.

mod data;
mod machine;

use super::print;
use crate::config::Config;
use anyhow::{Result, bail};
use journal::sqlite::SqliteJournal;
use serde_json::json;

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// It does not work.
    Fault,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fault => "fault",
        }
    }
}

/// One look at one thing.
struct Finding {
    what: &'static str,
    state: State,
    text: String,
}

impl Finding {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, state: State::Ok, text: text.into() }
    }

    fn warn(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, state: State::Warn, text: text.into() }
    }

    fn fault(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, state: State::Fault, text: text.into() }
    }
}

/// Carries the command out.
pub fn run(config: &Config, as_json: bool) -> Result<()> {
    let running = SqliteJournal::is_in_use(&super::journal::path(config));
    let mut findings = vec![service(running)];
    findings.extend(machine::look(config, running));
    findings.extend(data::look(config));
    let faults = findings.iter().filter(|finding| finding.state == State::Fault).count();
    if as_json {
        let checks: Vec<_> = findings
            .iter()
            .map(|finding| json!({"what": finding.what, "state": finding.state.as_str(), "text": finding.text}))
            .collect();
        print(&json!({"ok": faults == 0, "running": running, "checks": checks}).to_string())?;
    } else {
        for finding in &findings {
            print(&format!("{:6} {:10} {}", finding.state.as_str(), finding.what, finding.text))?;
        }
    }
    match faults {
        0 => Ok(()),
        1 => bail!("one thing is at fault; its line says what would help"),
        more => bail!("{more} things are at fault; their lines say what would help"),
    }
}

fn service(running: bool) -> Finding {
    Finding::ok("service", if running { "runs" } else { "does not run" })
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_read_them() {
        for (bytes, text) in
            [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (20 << 30, "20.0 GiB"), (3 << 40, "3.0 TiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
