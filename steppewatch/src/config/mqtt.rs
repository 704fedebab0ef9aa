//! The section `[mqtt]`: listeners, TLS and limits of the gate.

use super::frigate;
use super::section::{ConfigError, Section};
use super::tls;
use ingest::gate::{GateConfig, Rate};
use model::TenantId;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Far above what one machine can take; a number beyond it is a slip of the pen.
const CONNECTIONS_MAX: u64 = 1_000_000;
const MESSAGES_MAX: u64 = 100_000_000;

pub(super) fn gate(mut mqtt: Section, tenant: TenantId) -> Result<GateConfig, ConfigError> {
    let usual = GateConfig::new(SocketAddr::from(([127, 0, 0, 1], 1883)), tenant);
    let files = mqtt.optional_section("tls")?.map(tls::with_clients).transpose()?;
    let tls = match (mqtt.optional_address("tls_listen", "0.0.0.0:8883")?, files) {
        (Some(listen), Some(files)) => Some((listen, files)),
        (None, None) => None,
        (Some(listen), None) => {
            let reason = "there is no certificate for it; add [mqtt.tls] with certificate and key";
            return Err(mqtt.invalid("tls_listen", &listen.to_string(), reason));
        }
        (None, Some(_)) => {
            return Err(
                mqtt.missing("tls_listen", "an address for TLS, for example 0.0.0.0:8883, or leave out [mqtt.tls]")
            );
        }
    };
    let mut limits = mqtt.section("limits")?;
    let config = GateConfig {
        listen: mqtt.address("listen", &usual.listen.to_string())?,
        tls,
        websocket: mqtt.optional_address("ws_listen", "0.0.0.0:8083")?,
        proxy_protocol: mqtt.flag("proxy_protocol", false)?,
        max_connections: connections(&mut limits, "connections", usual.max_connections)?,
        max_listeners: connections(&mut limits, "listeners", usual.max_listeners)?,
        address_connections: connections(&mut limits, "connections_per_address", usual.address_connections)?,
        device_rate: rate(&mut limits, "messages_per_s", "bytes_per_s", usual.device_rate)?,
        address_rate: rate(&mut limits, "address_messages_per_s", "address_bytes_per_s", usual.address_rate)?,
        frigate_topic: Arc::from(mqtt.parsed("frigate_topic", &usual.frigate_topic, frigate_topic)?),
        frigate_detect: frigate::detect(mqtt.section("frigate")?)?,
        ..usual
    };
    limits.finish()?;
    mqtt.finish()?;
    Ok(config)
}

/// A prefix of topics that can be one, and is nobody else's.
fn frigate_topic(topic: &str) -> Result<String, String> {
    let first = topic.split('/').next().unwrap_or_default();
    if ["steppe", "thing", "sys", "application"].contains(&first) {
        return Err(
            "it is another protocol's; write the `topic_prefix` of Frigate's configuration, for example frigate".into(),
        );
    }
    if topic.is_empty() || topic.starts_with(['$', '/']) || topic.ends_with('/') || topic.contains(['+', '#', '\0']) {
        return Err(
            "it is no beginning of a topic; write the `topic_prefix` of Frigate's configuration, for example frigate"
                .into(),
        );
    }
    Ok(topic.to_owned())
}

fn connections(limits: &mut Section, key: &'static str, usual: NonZeroUsize) -> Result<NonZeroUsize, ConfigError> {
    let number = limits.number(key, u64::try_from(usual.get()).unwrap_or(u64::MAX), 1..=CONNECTIONS_MAX)?;
    Ok(usize::try_from(number).ok().and_then(NonZeroUsize::new).unwrap_or(usual))
}

fn rate(limits: &mut Section, messages: &'static str, bytes: &'static str, usual: Rate) -> Result<Rate, ConfigError> {
    let messages_per_s = limits.number(messages, usual.messages_per_s as u64, 1..=MESSAGES_MAX)?;
    let bytes_per_s = limits.bytes(bytes, &format!("{}MiB", usual.bytes_per_s as u64 >> 20))?;
    if bytes_per_s == 0 {
        return Err(limits.invalid(bytes, "0", "nothing could ever be said; write a size above 0"));
    }
    Ok(Rate { messages_per_s: messages_per_s as f64, bytes_per_s: bytes_per_s as f64 })
}
