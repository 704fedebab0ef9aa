//! The load: a hundred devices that speak as such devices do, one message in a hundred of which decides.
//!
//! In:  a rate, how long, and where to.   Out: [`Spoken`]: every deciding message with the instant just before its bytes went to the socket.
//!
//! Open loop: a message is due when the rate says so, whether or not those before it were acknowledged. A connection that breaks
//! comes back and says again what was not acknowledged, as a device does.

use super::hook::Trigger;
use super::land;
use crate::mqtt::{self, Speaker};
use anyhow::{Context, Result, bail};
use firmware_sim::clock::now_ms;
use firmware_sim::rng::Rng;
use model::DeviceKind;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

/// Half of them cameras, a quarter collars, a quarter drones.
pub const CONNECTIONS: usize = 100;
const CAMERAS: usize = CONNECTIONS / 2;
/// One in so many of a camera's messages decides.
const CYCLE: u64 = 50;
/// One in so many is a heartbeat.
const HEARTBEAT_EVERY: u64 = 30;
const PAYLOAD_BYTES: usize = 200;
/// How long the last acknowledgements may take.
const DRAIN: Duration = Duration::from_secs(60);

/// The devices that speak.
pub fn devices() -> Vec<(String, DeviceKind)> {
    (0..CONNECTIONS).map(|number| (format!("device-{number}"), kind(number))).collect()
}

fn kind(number: usize) -> DeviceKind {
    match number % 4 {
        0 | 2 => DeviceKind::Camera,
        1 => DeviceKind::Collar,
        _ => DeviceKind::Drone,
    }
}

/// What a pipeline needs to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A herd seen three times inside a zone: our rule. The third decides.
    Three,
    /// One point inside a polygon.
    One,
}

/// How much, how long, for whom.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub per_second: f64,
    pub lasts: Duration,
    pub evidence: Evidence,
}

impl Load {
    /// Whether there is a place of its own for every herd.
    pub fn has_room(&self) -> bool {
        let each = (self.per_second * self.lasts.as_secs_f64() / CONNECTIONS as f64) as u64;
        (each / CYCLE + 1) * CAMERAS as u64 <= land::PLACES as u64
    }
}

/// A message by which a pipeline has to decide.
#[derive(Debug, Clone)]
pub struct Decided {
    pub trigger: Trigger,
    pub at: Instant,
    pub acked: bool,
}

/// What was said.
#[derive(Debug, Default)]
pub struct Spoken {
    pub decided: Vec<Decided>,
    pub acked: u64,
    /// Microseconds from the socket to the acknowledgement, of each message.
    pub acks_us: Vec<u32>,
    /// How far the speakers themselves fell behind at most.
    pub late: Duration,
}

/// Connects all and speaks; `platform` says where, again after each restart. `begun` hears when.
pub async fn speak(
    load: Load,
    speakers: &[Speaker],
    platform: watch::Receiver<String>,
    begun: impl FnOnce(Instant),
) -> Result<Spoken> {
    let mut streams = Vec::new();
    for speaker in speakers {
        let address = platform.borrow().clone();
        streams.push(mqtt::connect(&address, speaker, 60).await?);
    }
    let begin = Instant::now() + Duration::from_millis(300);
    begun(begin);
    let mouths = streams.into_iter().zip(speakers).enumerate().map(|(number, (stream, speaker))| {
        let mouth = Mouth::new(number, speaker.clone(), load, begin);
        tokio::spawn(mouth.speak(stream, platform.clone()))
    });
    let mut all = Spoken::default();
    for mouth in mouths.collect::<Vec<_>>() {
        let spoken = mouth.await??;
        all.decided.extend(spoken.decided);
        all.acked += spoken.acked;
        all.acks_us.extend(spoken.acks_us);
        all.late = all.late.max(spoken.late);
    }
    Ok(all)
}

/// A message that is not acknowledged yet.
struct Waiting {
    id: u16,
    packet: Vec<u8>,
    at: Instant,
    /// Its place among those that decide.
    decided: Option<usize>,
}

/// One device and its connection.
struct Mouth {
    number: usize,
    speaker: Speaker,
    load: Load,
    begin: Instant,
    chance: Rng,
    /// Which messages of this cycle see the herd; the last of them decides.
    sees: [u64; 3],
    said: u64,
    waiting: VecDeque<Waiting>,
    spoken: Spoken,
}

impl Mouth {
    fn new(number: usize, speaker: Speaker, load: Load, begin: Instant) -> Self {
        let chance = Rng::new(1, &speaker.id);
        let (waiting, spoken) = (VecDeque::new(), Spoken::default());
        Self { number, speaker, load, begin, chance, sees: [0; 3], said: 0, waiting, spoken }
    }

    async fn speak(mut self, mut stream: TcpStream, mut platform: watch::Receiver<String>) -> Result<Spoken> {
        loop {
            let Err(broken) = timeout(self.load.lasts + DRAIN, self.connection(&mut stream)).await? else {
                return Ok(self.spoken);
            };
            // It comes back where the platform does. Without a restart there is no reason to break.
            timeout(DRAIN, platform.changed()).await.map_err(|_| broken)??;
            let address = platform.borrow_and_update().clone();
            stream = mqtt::connect(&address, &self.speaker, 60).await?;
        }
    }

    /// Until all is said and acknowledged.
    async fn connection(&mut self, stream: &mut TcpStream) -> Result<()> {
        let (mut reader, mut writer) = stream.split();
        for waiting in &mut self.waiting {
            // Said before, perhaps.
            waiting.packet[0] |= 0x08;
            writer.write_all(&waiting.packet).await?;
        }
        let until = self.begin + self.load.lasts;
        let (mut buffer, mut half) = ([0; 4_096], Vec::new());
        while self.due() < until || !self.waiting.is_empty() {
            tokio::select! {
                biased;
                read = reader.read(&mut buffer) => match read? {
                    0 => bail!("{} lost its connection with {} unacknowledged", self.speaker.id, self.waiting.len()),
                    read => self.hear(&mut half, &buffer[..read])?,
                },
                () = sleep_until(self.due().into()), if self.due() < until => self.say(&mut writer).await?,
            }
        }
        Ok(())
    }

    /// When the next message is due: the devices take turns.
    fn due(&self) -> Instant {
        let turn = self.said * CONNECTIONS as u64 + self.number as u64;
        self.begin + Duration::from_secs_f64(turn as f64 / self.load.per_second)
    }

    async fn say(&mut self, writer: &mut WriteHalf<'_>) -> Result<()> {
        let due = self.due();
        let (kind, payload, decides) = self.message();
        let topic = format!("steppe/v1/hexigten/{}/{kind}", self.speaker.id);
        let id = (self.said % u64::from(u16::MAX)) as u16 + 1;
        let mut packet = Vec::with_capacity(PAYLOAD_BYTES + 80);
        mqtt::packet(&mut packet, &topic, id, payload.as_bytes());
        self.said += 1;
        let at = Instant::now();
        self.spoken.late = self.spoken.late.max(at - due);
        let decided = decides.then(|| {
            self.spoken.decided.push(Decided { trigger: (self.speaker.id.clone(), self.said), at, acked: false });
            self.spoken.decided.len() - 1
        });
        // Before it is written: what breaks off may have arrived.
        self.waiting.push_back(Waiting { id, packet, at, decided });
        let packet = &self.waiting.back().context("just put there")?.packet;
        Ok(writer.write_all(packet).await?)
    }

    fn hear(&mut self, half: &mut Vec<u8>, read: &[u8]) -> Result<()> {
        half.extend_from_slice(read);
        let now = Instant::now();
        // A PUBACK has four bytes.
        for ack in half.chunks_exact(4) {
            let waiting = self.waiting.pop_front().context("an acknowledgement for nothing")?;
            if ack[0] != 0x40 || u16::from_be_bytes([ack[2], ack[3]]) != waiting.id {
                bail!("{} got {ack:?} instead of the PUBACK {}", self.speaker.id, waiting.id);
            }
            self.spoken.acked += 1;
            self.spoken.acks_us.push(u32::try_from((now - waiting.at).as_micros()).unwrap_or(u32::MAX));
            if let Some(decided) = waiting.decided {
                self.spoken.decided[decided].acked = true;
            }
        }
        half.drain(..half.len() / 4 * 4);
        Ok(())
    }

    /// Kind, payload, and whether it decides.
    fn message(&mut self) -> (&'static str, String, bool) {
        let (ts, seq) = (now_ms(), self.said + 1);
        let (lat, lon) = land::outside(self.number);
        // A slow walk, there and back.
        let lat = lat + (seq % 1_000) as f64 * 1e-7;
        let (kind, payload, decides) = if kind(self.number) != DeviceKind::Camera {
            let track = format!(
                r#"{{"ts":{ts},"seq":{seq},"lat":{lat:.7},"lon":{lon:.6},"speed_mps":0.8,"heading_deg":12.0,"battery_percent":64.0,"accuracy_m":5.0"#
            );
            ("track", track, false)
        } else {
            match self.sees_herd() {
                Some((herd, decides)) => {
                    let (lat, lon) = land::inside(herd);
                    ("sighting", sighting(ts, seq, lat, lon), decides)
                }
                None if seq.is_multiple_of(HEARTBEAT_EVERY) => {
                    let beat =
                        format!(r#"{{"ts":{ts},"seq":{seq},"status":"ok","uptime_s":{seq},"battery_percent":93.0"#);
                    ("heartbeat", beat, false)
                }
                None => ("sighting", sighting(ts, seq, lat, lon), false),
            }
        };
        (kind, padded(payload), decides)
    }

    /// The herd that this message sees inside a zone, and whether that decides.
    fn sees_herd(&mut self) -> Option<(usize, bool)> {
        let (cycle, turn) = (self.said / CYCLE, self.said % CYCLE);
        if turn == 0 {
            let first = self.chance.whole(0, CYCLE - 3);
            let second = self.chance.whole(first + 1, CYCLE - 2);
            self.sees = [first, second, self.chance.whole(second + 1, CYCLE - 1)];
        }
        let herd = cycle as usize * CAMERAS + self.number / 2;
        let decides = turn == self.sees[2];
        let sees = decides || self.load.evidence == Evidence::Three && self.sees.contains(&turn);
        sees.then_some((herd, decides))
    }
}

fn sighting(ts: i64, seq: u64, lat: f64, lon: f64) -> String {
    format!(
        r#"{{"ts":{ts},"seq":{seq},"species":"sheep","count":40,"confidence":0.9,"lat":{lat:.7},"lon":{lon:.6},"accuracy_m":8.0"#
    )
}

/// All are of one length, so that what decides differs in nothing from the rest.
fn padded(mut payload: String) -> String {
    payload.push_str(r#","run":""#);
    while payload.len() < PAYLOAD_BYTES - 2 {
        payload.push('x');
    }
    payload.push_str("\"}");
    payload
}
