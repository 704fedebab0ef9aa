//! `steppewatch devices claim-key`: how new devices may register themselves.

use super::devices::parse_kind;
use super::{Misuse, operator, print};
use crate::config::units;
use anyhow::{Context, Result};
use clap::Args;
use model::{Clock, DeviceKind};
use registry::{ClaimKey, NewClaimKey, Registry};
use serde_json::{Value, json};

/// A claim key as described on the command line.
#[derive(Args)]
pub struct ClaimKeyArgs {
    /// What it is called in lists and in the audit, for example the installation's name.
    #[arg(long)]
    name: String,
    /// The only kind of device that it registers; without it any.
    #[arg(long)]
    kind: Option<String>,
    /// How long it can be used, for example 12h; at most 366d.
    #[arg(long, default_value = "30d")]
    expires: String,
    /// How many devices it can register.
    #[arg(long, default_value_t = 1)]
    uses: u32,
}

/// Makes a key and shows it.
pub fn add(registry: &Registry, args: ClaimKeyArgs, as_json: bool) -> Result<()> {
    let life = units::duration(&args.expires).with_context(|| {
        Misuse(format!("--expires is `{}`, which is no duration; write for example 30d", args.expires))
    })?;
    let kind = args.kind.as_deref().map(parse_kind).transpose()?;
    let (secret, key) =
        registry.add_claim_key(&NewClaimKey { name: args.name, kind, life, uses: args.uses }, &operator())?;
    if as_json {
        let mut shown = shown(&key);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("claim_key".to_owned(), json!(secret.as_str()));
        }
        return print(&shown.to_string());
    }
    print(&format!(
        "claim key {secret}\nfor {}, {} device(s), until {}\nThe key is not shown again; each device that uses it waits for \
         `steppewatch devices approve ID`.",
        kind_word(&key),
        key.uses,
        key.expires_at
    ))
}

/// Every key, without its text.
pub fn list(registry: &Registry, as_json: bool) -> Result<()> {
    let keys = registry.claim_keys()?;
    if as_json {
        return print(&json!({"items": keys.iter().map(shown).collect::<Vec<_>>()}).to_string());
    }
    for key in &keys {
        print(&format!(
            "{:24} {:8} {:8} used {} of {}, until {}",
            key.name,
            kind_word(key),
            state(key),
            key.used,
            key.uses,
            key.expires_at
        ))?;
    }
    Ok(())
}

/// Takes a key back.
pub fn revoke(registry: &Registry, name: &str, as_json: bool) -> Result<()> {
    registry.revoke_claim_key(name, &operator())?;
    print(&if as_json { json!({"name": name, "done": "revoked"}).to_string() } else { format!("{name} is revoked") })
}

fn kind_word(key: &ClaimKey) -> &'static str {
    key.kind.map_or("any", DeviceKind::as_str)
}

fn state(key: &ClaimKey) -> &'static str {
    key.refusal(Clock::system().now()).map_or("usable", registry::ClaimRefusal::word)
}

fn shown(key: &ClaimKey) -> Value {
    json!({
        "name": key.name,
        "kind": key.kind.map(DeviceKind::as_str),
        "state": state(key),
        "uses": key.uses,
        "used": key.used,
        "expires_at": key.expires_at.to_rfc3339(),
        "made_at": key.made_at.to_rfc3339(),
    })
}
