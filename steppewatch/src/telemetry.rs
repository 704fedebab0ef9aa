//! Structured logs on standard error: lines for people at a terminal, JSON for machines.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise; the router's own talk is not news.
const DEFAULT: &str = "info,rumqttd=error";
/// Likewise where a person reads what else is printed: the comings and goings of a simulated fleet would bury it.
const QUIET: &str = "warn,rumqttd=error";

/// Starts logging; once for the process.
pub fn start(quiet: bool) {
    let default = if quiet { QUIET } else { DEFAULT };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() { logs.init() } else { logs.json().flatten_event(true).init() }
}
