//! Polls grass stations over Modbus TCP, or Modbus RTU over TCP, and puts their answers into the journal.
//!
//! In:  [`ModbusStation`]s of the configuration.   Out: [`model::Frame`]s with [`model::Channel::Modbus`], on disk before
//! the next poll of that gateway. Next: [`crate::decode`].
//!
//! One task for each gateway address, since several stations may share one serial line behind it: they are asked one after
//! another over one connection ([`gateway`]). Never believes a late answer: after a timeout the connection is dropped.

mod connection;
mod gateway;
mod metrics;

#[cfg(test)]
mod tests;

pub use metrics::ModbusMetrics;

use super::backoff::Backoff;
use crate::decode::stations::{STATION_MODEL_NAMES, StationModel, station_model};
use gateway::{Gateway, Means};
use journal::{AppendError, Journal};
use model::{Clock, DeviceId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// One station to poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModbusStation {
    /// As which device it is registered.
    pub device: DeviceId,
    /// `host:port` of the station or of the gateway before its serial line.
    pub address: String,
    /// Its number on that line.
    pub unit: u8,
    /// How often to ask: at least every day, at most every second; beyond that it is taken as that limit.
    pub interval: Duration,
    /// Name of its register map, for example `renke-soil`, or the text of a described block (`stations::described`).
    pub model: Arc<str>,
    /// How the line behind the address frames its bytes.
    pub framing: Framing,
}

/// How bytes are framed on the way to a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Modbus TCP: with a number for each question.
    Tcp,
    /// Modbus RTU over TCP: what a radio modem in transparent mode carries. No number tells one answer from the next.
    Rtu,
}

/// Why polling cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// Correct the configuration.
    #[error("station `{device}` has model `{model}`, which is not one of: {STATION_MODEL_NAMES}")]
    UnknownModel {
        /// Whose.
        device: DeviceId,
        /// What was configured.
        model: String,
    },
    /// Stop the process: the journal no longer takes anything.
    #[error("answer of station `{device}` could not be recorded")]
    Journal {
        /// Whose.
        device: DeviceId,
        /// The journal's complaint.
        source: AppendError,
    },
    /// Stop the process: a poller was torn down.
    #[error("a station poller was aborted")]
    Aborted(#[from] tokio::task::JoinError),
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    connect: Duration,
    call: Duration,
    backoff: Backoff,
}

/// A 4G gateway on the steppe answers a connection within two seconds on a bad day.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A station on a 4800 baud line needs 50 ms for the longest answer; the rest is the radio link's.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// After the first failure: a dropped connection is mostly back at once.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// A station that was dark for a week is polled again within this after it is back.
const BACKOFF_LONGEST: Duration = Duration::from_secs(5 * 60);
/// Asking more often would keep a serial line busy for nothing: soil does not change in a second.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Asking less often is not watching; it also keeps the arithmetic of due times far from its end.
const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3_600);

const PATIENCE: Patience = Patience {
    connect: CONNECT_TIMEOUT,
    call: CALL_TIMEOUT,
    backoff: Backoff { first: BACKOFF_FIRST, longest: BACKOFF_LONGEST },
};

/// Polls until `stop`; an error means that the configuration is wrong or that the process cannot go on.
pub async fn run(
    stations: Vec<ModbusStation>,
    journal: Arc<dyn Journal>,
    clock: Clock,
    metrics: ModbusMetrics,
    stop: CancellationToken,
) -> Result<(), PollError> {
    run_patiently(stations, Means { journal, clock, metrics, patience: PATIENCE }, INTERVAL_MIN, stop).await
}

async fn run_patiently(
    stations: Vec<ModbusStation>,
    means: Means,
    interval_min: Duration,
    stop: CancellationToken,
) -> Result<(), PollError> {
    let mut gateways = JoinSet::new();
    for (address, stations) in by_address(stations, interval_min)? {
        let gateway = Gateway::new(address, stations, means.clone());
        let stop = stop.clone();
        // Dropping a poll half-way is safe: an answer that was not appended is asked for again.
        gateways.spawn(async move { stop.run_until_cancelled(gateway.run()).await.unwrap_or(Ok(())) });
    }
    while let Some(ended) = gateways.join_next().await {
        ended??; // the others are aborted with the set
    }
    Ok(())
}

type Mapped = (ModbusStation, StationModel);

fn by_address(
    stations: Vec<ModbusStation>,
    interval_min: Duration,
) -> Result<BTreeMap<String, Vec<Mapped>>, PollError> {
    let mut gateways: BTreeMap<String, Vec<Mapped>> = BTreeMap::new();
    for mut station in stations {
        let map = station_model(&station.model).ok_or_else(|| PollError::UnknownModel {
            device: station.device.clone(),
            model: station.model.to_string(),
        })?;
        station.interval = station.interval.clamp(interval_min, INTERVAL_MAX);
        gateways.entry(station.address.clone()).or_default().push((station, map));
    }
    Ok(gateways)
}
