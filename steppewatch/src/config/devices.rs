//! The sections `[sip]`, `[hj212]` and `[gt06]`: listeners for devices that speak a language of their own. Absent: off.

use super::section::{ConfigError, Section};
use ingest::protocol::gt06::Gt06Config;
use ingest::protocol::hj212::Hj212Config;
use ingest::protocol::sip::SipConfig;
use model::DeviceId;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// A server (type 200) of the agriculture network (industry 40) in Hexigten; an example, and good enough where nobody hands out
/// numbers.
const PLATFORM_ID: &str = "15042500402000000001";
/// More would be no rule.
const MISSES_MAX: u64 = 20;

pub(super) fn sip(mut sip: Section, data: &Path) -> Result<Option<SipConfig>, ConfigError> {
    let Some(listen) = sip.optional_address("listen", "127.0.0.1:5060")? else {
        return Err(sip.missing("listen", "an address for cameras, for example 127.0.0.1:5060, or leave out [sip]"));
    };
    let id = sip.parsed("id", PLATFORM_ID, |id| digits(id, 20))?;
    let own_domain = id.get(..10).unwrap_or_default().to_owned();
    let config = SipConfig {
        listen,
        realm: sip.parsed("realm", &own_domain, realm)?,
        keepalive_misses: u32::try_from(sip.number("keepalive_misses", 3, 1..=MISSES_MAX)?).unwrap_or(3),
        datum: sip.parsed("datum", "wgs84", datum)?,
        gcj02: device_ids(&mut sip, "gcj02_devices")?,
        kept_in: data.join("gb28181.json"),
        id,
    };
    sip.finish()?;
    Ok(Some(config))
}

pub(super) fn hj212(mut section: Section) -> Result<Option<Hj212Config>, ConfigError> {
    let listen = required_address(&mut section, "127.0.0.1:9212")?;
    section.finish()?;
    Ok(Some(Hj212Config { listen }))
}

pub(super) fn gt06(mut section: Section) -> Result<Option<Gt06Config>, ConfigError> {
    let config = Gt06Config {
        listen: required_address(&mut section, "127.0.0.1:5023")?,
        utc_offset_min: section.parsed("clock", "utc", clock)?,
        datum: section.parsed("datum", "wgs84", datum)?,
    };
    section.finish()?;
    Ok(Some(config))
}

fn required_address(section: &mut Section, example: &str) -> Result<SocketAddr, ConfigError> {
    let remedy = format!("an address, for example {example}, or leave the section out");
    section.optional_address("listen", "127.0.0.1:5023")?.ok_or_else(|| section.missing("listen", &remedy))
}

fn digits(id: &str, count: usize) -> Result<String, String> {
    let fits = id.len() == count && id.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(id.to_owned()) } else { Err(format!("it has to be {count} digits")) }
}

fn realm(name: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if fits { Ok(name.to_owned()) } else { Err("write 1 to 64 letters, digits, dots or dashes".to_owned()) }
}

fn datum(name: &str) -> Result<Arc<str>, String> {
    match registry::Datum::parse(name) {
        Some(datum) => Ok(Arc::from(datum.as_str())),
        None => Err("there is no such datum; use wgs84, cgcs2000, gcj02 or bd09".to_owned()),
    }
}

/// What the trackers' clocks show: `utc`, or Beijing's time.
fn clock(name: &str) -> Result<i16, String> {
    match name {
        "utc" => Ok(0),
        "beijing" => Ok(8 * 60),
        _ => Err("use utc or beijing, whichever the trackers' clocks show".to_owned()),
    }
}

fn device_ids(section: &mut Section, key: &'static str) -> Result<BTreeSet<DeviceId>, ConfigError> {
    let written = section.texts(key)?;
    let parse = |id: &String| DeviceId::parse(id).map_err(|error| section.invalid(key, id, &error.to_string()));
    written.iter().map(parse).collect()
}
