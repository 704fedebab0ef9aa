//! A native device with a foreign MQTT client (rumqttc): it publishes and waits for the acknowledgement.

use crate::{PATIENCE, Platform};
use anyhow::{Context, Result, bail};
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, QoS};
use serde_json::{Value, json};

/// A device and, once connected, its connection.
pub struct Device {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    link: Option<(AsyncClient, EventLoop)>,
    seq: u64,
}

impl Device {
    /// One that has its credential from elsewhere.
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.into(), secret: secret.into(), link: None, seq: 0 }
    }

    /// Connects and waits to be let in.
    pub async fn connect(&mut self, platform: &Platform) -> Result<()> {
        self.connect_to(&platform.mqtt).await
    }

    /// The same with a gate at `host:port`.
    pub async fn connect_to(&mut self, gate: &str) -> Result<()> {
        let (host, port) = gate.rsplit_once(':').context("the platform does not run")?;
        let mut options = MqttOptions::new(&self.id, host, port.parse()?);
        options.set_credentials(&self.id, &self.secret).set_max_packet_size(8 << 20, 8 << 20);
        let (client, mut events) = AsyncClient::new(options, 16);
        loop {
            if let Event::Incoming(Incoming::ConnAck(_)) = tokio::time::timeout(PATIENCE, events.poll()).await?? {
                break;
            }
        }
        self.link = Some((client, events));
        Ok(())
    }

    /// Publishes bytes under `steppe/v1/hexigten/{id}/{kind}` and waits for the PUBACK.
    pub async fn publish(&mut self, kind: &str, payload: Vec<u8>) -> Result<()> {
        let topic = format!("steppe/v1/hexigten/{}/{kind}", self.id);
        self.publish_to(&topic, payload).await
    }

    /// Publishes bytes anywhere and waits for the PUBACK.
    pub async fn publish_to(&mut self, topic: &str, payload: Vec<u8>) -> Result<()> {
        let Some((client, events)) = &mut self.link else { bail!("{} is not connected", self.id) };
        client.publish(topic, QoS::AtLeastOnce, false, payload).await?;
        loop {
            if let Event::Incoming(Incoming::PubAck(_)) = tokio::time::timeout(PATIENCE, events.poll()).await?? {
                return Ok(());
            }
        }
    }

    /// Publishes JSON with the next `seq`, and waits for the PUBACK.
    pub async fn say(&mut self, kind: &str, mut payload: Value) -> Result<()> {
        self.seq += 1;
        if let Some(fields) = payload.as_object_mut() {
            fields.entry("seq").or_insert(json!(self.seq));
        }
        self.publish(kind, serde_json::to_vec(&payload)?).await
    }

    /// Says that it sees animals on the ground, now.
    pub async fn sees(&mut self, species: &str, count: u32, lat: f64, lon: f64) -> Result<()> {
        let ts = firmware_sim::clock::now_ms();
        let sighting = json!({"ts": ts, "species": species, "count": count, "confidence": 0.9, "lat": lat, "lon": lon, "accuracy_m": 8.0});
        self.say("sighting", sighting).await
    }
}
