//! The machine below the service: room on the disk, the clock, the ports.

use super::{Finding, size};
use crate::commands::journal;
use crate::config::Config;
use model::{Clock, Timestamp};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

/// Below this the stores cannot even write their logs.
const ROOM_MIN_BYTES: u64 = 256 << 20;

/// 2026-01-01: a clock before the program's own time was never set.
const PROGRAM_MS: i64 = 1_767_225_600_000;

/// The newest message can be a little ahead of a clock that is kept by the network.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// A service on this machine answers at once, or not at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn look(config: &Config, running: bool) -> Vec<Finding> {
    let gate = &config.gate;
    let mut findings = vec![disk(config), clock(config), port("mqtt port", "mqtt.listen", gate.listen, running)];
    if let Some((listen, _)) = &gate.tls {
        findings.push(port("mqtt tls port", "mqtt.tls_listen", *listen, running));
    }
    if let Some(listen) = gate.websocket {
        findings.push(port("mqtt websocket port", "mqtt.ws_listen", listen, running));
    }
    findings.push(console(config, running));
    findings
}

fn disk(config: &Config) -> Finding {
    const WHAT: &str = "disk";
    // Before the first start there is no folder yet, but the disk it will be on.
    let there = config.data.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let Some(folder) = there.into_iter().find(|path| path.exists()) else {
        return Finding::fault(WHAT, format!("{} is on no disk; change `data`", config.data.display()));
    };
    let (free, whole) = match rustix::fs::statvfs(folder) {
        Ok(disk) => (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)),
        Err(error) => return Finding::fault(WHAT, format!("{} cannot be looked at: {error}", folder.display())),
    };
    let held =
        journal::reader(&journal::path(config)).and_then(|reader| Ok(reader.held()?)).map_or(0, |held| held.bytes);
    let wanted = config.journal_max_bytes.saturating_sub(held);
    let text = format!("{} of {} free at {}", size(free), size(whole), folder.display());
    if free < ROOM_MIN_BYTES {
        Finding::fault(WHAT, format!("{text}; make room now, the stores cannot be written"))
    } else if free < wanted {
        let wanted = size(wanted);
        Finding::warn(
            WHAT,
            format!("{text}, but the journal may still grow by {wanted}; make room or lower [journal] max_bytes"),
        )
    } else {
        Finding::ok(WHAT, text)
    }
}

fn clock(config: &Config) -> Finding {
    const WHAT: &str = "clock";
    let now = Clock::system().now();
    let text = format!("shows {}", now.to_rfc3339());
    if now < Timestamp::from_millis(PROGRAM_MS) {
        return Finding::fault(
            WHAT,
            format!("{text}, which is before this program was written; set it, and keep it by NTP"),
        );
    }
    let newest = journal::reader(&journal::path(config)).and_then(|reader| Ok(reader.held()?.newest_received));
    match newest.ok().flatten() {
        Some(newest) if newest > now.plus(CLOCK_TOLERANCE) => Finding::fault(
            WHAT,
            format!("{text}, but the newest message came in at {}; the clock was set back", newest.to_rfc3339()),
        ),
        _ => Finding::ok(WHAT, text),
    }
}

/// Who holds an address: nobody, the service, or somebody else.
fn port(what: &'static str, key: &str, address: SocketAddr, running: bool) -> Finding {
    if address.port() == 0 {
        return Finding::ok(what, format!("`{key}` is {address}: any that is free"));
    }
    match (TcpListener::bind(address), running) {
        (Ok(_), false) => Finding::ok(what, format!("{address} is free")),
        (Ok(_), true) => Finding::warn(
            what,
            format!("{address} is free although the service runs; it was started with another `{key}`"),
        ),
        (Err(error), true) if error.kind() == ErrorKind::AddrInUse => {
            Finding::ok(what, format!("{address} is in use, and the service runs"))
        }
        (Err(error), false) if error.kind() == ErrorKind::AddrInUse => {
            Finding::fault(what, format!("{address} is in use by another program; end that one, or change `{key}`"))
        }
        (Err(error), _) => Finding::fault(what, format!("{address} cannot be listened on ({error}); change `{key}`")),
    }
}

/// The console's port, and whether what listens there is a service that is ready.
fn console(config: &Config, running: bool) -> Finding {
    const WHAT: &str = "http port";
    let found = port(WHAT, "http.listen", config.http, running);
    if !running || config.http.port() == 0 {
        return found;
    }
    match ask_ready(config.http) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
            Finding::ok(WHAT, format!("{} answers that it is ready", config.http))
        }
        Ok(answer) if answer.starts_with("HTTP/1.1 503") => {
            let reason = answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim().to_owned();
            Finding::fault(WHAT, format!("{} answers that it is not ready: {reason}", config.http))
        }
        Ok(_) => Finding::warn(WHAT, format!("{} is answered by another program", config.http)),
        Err(error) => Finding::warn(WHAT, format!("{} does not answer ({error}); the log says why", config.http)),
    }
}

fn ask_ready(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
