//! One gateway: its stations in turn, its connection, its bad days.
//!
//! In: stations that share an address.   Out: frames in the journal, one for each good answer. A failure that costs the
//! connection makes the whole gateway pause, longer each time; a station that merely refuses does not. Logs when a
//! station goes bad and when it recovers, not every failure in between.

use super::connection::{Connection, PollFailure};
use super::metrics::{ModbusMetrics, PollResult};
use super::{Framing, Mapped, ModbusStation, Patience, PollError};
use crate::decode::stations::StationModel;
use bytes::Bytes;
use journal::{AppendError, Journal};
use model::{Channel, Clock, Frame, ReceivedAt};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// What every gateway works with.
#[derive(Clone)]
pub(super) struct Means {
    pub journal: Arc<dyn Journal>,
    pub clock: Clock,
    pub metrics: ModbusMetrics,
    pub patience: Patience,
}

/// One address and all that is behind it.
pub(super) struct Gateway {
    address: String,
    stations: Vec<Polled>,
    means: Means,
    connection: Connection,
    /// Lost connections in a row.
    failures: u32,
    /// Not to be disturbed before this.
    resting_until: Instant,
}

struct Polled {
    station: ModbusStation,
    map: StationModel,
    due: Instant,
    failing: bool,
    /// Questions in a row that it did not answer.
    unanswered: u32,
}

impl Gateway {
    pub(super) fn new(address: String, stations: Vec<Mapped>, means: Means) -> Self {
        let now = Instant::now();
        let stations = stations
            .into_iter()
            .map(|(station, map)| Polled { station, map, due: now, failing: false, unanswered: 0 })
            .collect::<Vec<_>>();
        let framing = stations.first().map_or(Framing::Tcp, |polled: &Polled| polled.station.framing);
        Self { address, stations, means, connection: Connection::new(framing), failures: 0, resting_until: now }
    }

    /// Never ends by itself; an error means that the journal is gone.
    pub(super) async fn run(mut self) -> Result<(), PollError> {
        // Longest due first: when the line is slower than the intervals ask for, all are served in turn.
        while let Some(index) = (0..self.stations.len()).min_by_key(|index| self.stations.get(*index).map(|s| s.due)) {
            let Some(polled) = self.stations.get_mut(index) else { break };
            sleep_until(polled.due.max(self.resting_until)).await;
            let asked =
                self.connection.ask(&self.address, polled.station.unit, &polled.map, &self.means.patience).await;
            // Missed turns are not made up for: what they would have measured is past.
            polled.due = (polled.due + polled.station.interval).max(Instant::now());
            polled.back_off(&asked, &self.means.patience);
            polled.tell(&asked);
            match asked {
                Ok(registers) => {
                    self.failures = 0;
                    self.means.metrics.count(PollResult::Ok);
                    self.means.record(&polled.station, &registers).await?;
                }
                Err(failure) => {
                    self.means.metrics.count(failure.result());
                    self.rest_after(&failure);
                }
            }
        }
        Ok(())
    }

    fn rest_after(&mut self, failure: &PollFailure) {
        if failure.result() == PollResult::Exception {
            self.failures = 0; // the line works
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.resting_until = Instant::now() + self.means.patience.backoff.pause(self.failures, &self.address);
    }
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
enum News {
    WentBad,
    Recovered,
}

impl Polled {
    /// A station that does not answer is asked more and more seldom: each of its timeouts costs its neighbours on the line.
    fn back_off(&mut self, asked: &Result<Vec<u16>, PollFailure>, patience: &Patience) {
        match asked {
            Err(PollFailure::CallTimeout(_)) => {
                self.unanswered = self.unanswered.saturating_add(1);
                let pause = patience.backoff.pause(self.unanswered, self.station.device.as_str());
                self.due = self.due.max(Instant::now() + pause);
            }
            // What failed before the question was the line.
            Err(PollFailure::ConnectTimeout(_) | PollFailure::Connect(_)) => {}
            _ => self.unanswered = 0,
        }
    }

    /// Only a change is news: a station that is dark for a week would fill the log otherwise.
    fn news(&mut self, answered: bool) -> Option<News> {
        match (std::mem::replace(&mut self.failing, !answered), answered) {
            (false, false) => Some(News::WentBad),
            (true, true) => Some(News::Recovered),
            _ => None,
        }
    }

    fn tell(&mut self, asked: &Result<Vec<u16>, PollFailure>) {
        let news = self.news(asked.is_ok());
        let ModbusStation { device, address, unit, .. } = &self.station;
        match (news, asked) {
            (Some(News::WentBad), Err(failure)) => {
                tracing::warn!(%device, %address, unit, %failure, "station does not answer; trying on");
            }
            (Some(News::Recovered), _) => tracing::info!(%device, %address, unit, "station answers again"),
            _ => {}
        }
    }
}

impl Means {
    /// Puts an answer on disk. A full journal loses this answer: a station keeps nothing, and the next poll comes anyway.
    async fn record(&self, station: &ModbusStation, registers: &[u16]) -> Result<(), PollError> {
        let frame = Frame {
            device: station.device.clone(),
            speaker: station.device.clone(),
            channel: Channel::Modbus { model: station.model.clone() },
            transport: model::Transport::Modbus,
            payload: registers.iter().flat_map(|register| register.to_be_bytes()).collect::<Bytes>(),
            received_at: ReceivedAt(self.clock.now()),
        };
        let device = &station.device;
        self.journal.room().await;
        match self.journal.append(frame).await {
            Ok(_) => Ok(()),
            Err(source @ (AppendError::Broken(_) | AppendError::Closed)) => {
                Err(PollError::Journal { device: device.clone(), source })
            }
            Err(refused) => {
                tracing::warn!(%device, %refused, "answer of the station is lost");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::DeviceId;
    use std::time::Duration;

    #[test]
    fn a_station_is_news_when_it_goes_bad_and_when_it_recovers_and_not_in_between() {
        let station = ModbusStation {
            device: DeviceId::parse("station-1").unwrap(),
            address: "127.0.0.1:502".to_owned(),
            unit: 1,
            interval: Duration::from_secs(60),
            model: Arc::from("renke-soil"),
            framing: Framing::Tcp,
        };
        let map = crate::decode::stations::station_model("renke-soil").unwrap();
        let mut polled = Polled { station, map, due: Instant::now(), failing: false, unanswered: 0 };
        let answered = [true, false, false, false, true, true, false];
        let news = answered.map(|answered| polled.news(answered));
        let (bad, well) = (Some(News::WentBad), Some(News::Recovered));
        assert_eq!(news, [None, bad, None, None, well, None, Some(News::WentBad)]);
    }
}
