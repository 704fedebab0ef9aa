//! Commands that look at the data folder or change the registry, whether or not the service runs.

pub mod backup;
mod claim_keys;
pub mod closures;
mod device_changes;
pub mod devices;
pub mod doctor;
pub mod evidence;
pub mod households;
pub mod journal;
pub mod maintenance;
pub mod masks;
pub mod patrols;
mod proposals;
pub mod replay;
pub mod terrain;
pub mod track;
mod words;
pub mod zones;

use crate::config::{Config, ConfigError};
use model::Timestamp;
use registry::Registry;
use std::io::Write;
use std::path::Path;

/// Who the audit log names for a change by command line: the system's user, as far as the environment tells.
pub fn operator() -> String {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".into());
    format!("cli:{}", user.chars().filter(|c| !c.is_control()).take(64).collect::<String>())
}

/// A legal date or an instant that a flag holds.
pub fn legal_time(flag: &str, text: Option<&str>) -> Result<Option<Timestamp>, Misuse> {
    let read = |text: &str| {
        Timestamp::parse_legal(text).ok_or_else(|| {
            let example = "2026-12-01, or with a time and its zone 2026-12-01T00:00:00+08:00";
            Misuse(format!("{flag} is `{text}`; write a legal date, for example {example}"))
        })
    };
    text.map(read).transpose()
}

/// A file's name may be longer, or stranger, than a reason can be.
pub fn imported_from(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("imported from {}", name.chars().filter(|c| !c.is_control()).take(200).collect::<String>())
}

/// The registry of the configured data folder.
pub fn registry(config: &Config) -> anyhow::Result<Registry> {
    crate::stores::open_registry(&config.data)
}

/// One line of result.
pub fn print(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Something the caller wrote cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub String);

/// Whether the caller has to change what was written, rather than the system's state.
pub fn is_misuse(error: &anyhow::Error) -> bool {
    error.is::<ConfigError>() || error.is::<Misuse>()
}

/// An error and its causes as one sentence; a cause that the sentence already tells is not told again.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
        }
    }
    text
}
