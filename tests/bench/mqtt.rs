//! As much MQTT 3.1.1 as a load needs, and as little work as possible: what the client costs, the server under test lacks.

use anyhow::{Context, Result, bail};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who speaks, and on which topic.
#[derive(Debug, Clone)]
pub struct Speaker {
    pub id: String,
    pub secret: String,
    pub topic: String,
}

/// What came of one connection's load.
#[derive(Debug, Default)]
pub struct Tally {
    pub acked: u64,
    /// Microseconds from the time that a message was due to its acknowledgement.
    pub latencies_us: Vec<u32>,
}

/// Connects and is let in.
pub async fn connect(address: &str, speaker: &Speaker, keep_alive_s: u16) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut body = Vec::new();
    string(&mut body, "MQTT");
    // Level 4; username, password, clean session.
    body.extend_from_slice(&[4, 0xc2]);
    body.extend_from_slice(&keep_alive_s.to_be_bytes());
    for text in [&speaker.id, &speaker.id, &speaker.secret] {
        string(&mut body, text);
    }
    let mut packet = vec![0x10];
    length(&mut packet, body.len());
    packet.extend_from_slice(&body);
    stream.write_all(&packet).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.context("no CONNACK")?;
    match answer {
        [0x20, 2, _, 0] => Ok(stream),
        other => bail!("{} was not let in: {other:?}", speaker.id),
    }
}

/// Subscribes to `#` with QoS 0.
pub async fn subscribe_to_all(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(&[0x82, 6, 0, 1, 0, 1, b'#', 0]).await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    if answer[0] != 0x90 || answer[4] > 2 {
        bail!("not subscribed: {answer:?}");
    }
    Ok(())
}

/// Reads and throws away whatever comes, until the connection ends; gives the bytes.
pub async fn drain(mut stream: TcpStream) -> u64 {
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        bytes += read as u64;
    }
    bytes
}

/// How fast to publish.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many on the way at any time.
    Window(usize),
    /// So many a second, due at even intervals; behind a slow server they wait and their time counts.
    PerSecond(f64),
}

/// Publishes with QoS 1 until `until`, then waits for what is outstanding.
pub async fn publish(
    mut stream: TcpStream,
    speaker: Speaker,
    pace: Pace,
    until: Instant,
    number: u64,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut due, mut ids) = (VecDeque::new(), 0_u16);
    let mut buffer = vec![0; 16 << 10];
    let (mut out, mut sent) = (Vec::new(), 0_u64);
    let begun = Instant::now();
    loop {
        let now = Instant::now();
        let over = now >= until;
        if over && due.is_empty() {
            return Ok(tally);
        }
        out.clear();
        while !over && due.len() < 1_000 {
            let at = match pace {
                Pace::Window(window) if due.len() < window => now,
                Pace::Window(_) => break,
                Pace::PerSecond(rate) => {
                    let at = begun + Duration::from_secs_f64((sent as f64 + number as f64 / 50.0) / rate);
                    if at > now {
                        break;
                    }
                    at
                }
            };
            ids = if ids == u16::MAX { 1 } else { ids + 1 };
            message(&mut out, &speaker, ids, sent);
            due.push_back((ids, at));
            sent += 1;
        }
        if !out.is_empty() {
            stream.write_all(&out).await?;
        }
        let read = match pace {
            Pace::Window(_) => stream.read(&mut buffer).await?,
            Pace::PerSecond(_) => {
                match tokio::time::timeout(Duration::from_millis(1), stream.read(&mut buffer)).await {
                    Ok(read) => read?,
                    Err(_nothing) => continue,
                }
            }
        };
        if read == 0 {
            bail!("{} lost its connection with {} unacknowledged", speaker.id, due.len());
        }
        // A PUBACK has four bytes; one that came in half is read to its end.
        let missing = (4 - read % 4) % 4;
        stream.read_exact(&mut buffer[read..read + missing]).await?;
        let now = Instant::now();
        for ack in buffer[..read + missing].chunks_exact(4) {
            let (id, at) = due.pop_front().context("an acknowledgement for nothing")?;
            if ack[0] != 0x40 || u16::from_be_bytes([ack[2], ack[3]]) != id {
                bail!("{} got {ack:?} instead of the PUBACK {id}", speaker.id);
            }
            tally.acked += 1;
            if matches!(pace, Pace::PerSecond(_)) {
                tally.latencies_us.push(u32::try_from(now.duration_since(at).as_micros()).unwrap_or(u32::MAX));
            }
        }
    }
}

/// A track of 200 bytes.
fn message(out: &mut Vec<u8>, speaker: &Speaker, id: u16, seq: u64) {
    let ts = firmware_sim::clock::now_ms();
    let (lat, lon) = (43.3 + (seq % 1_000) as f64 * 1e-5, 117.5 + (seq % 777) as f64 * 1e-5);
    let mut payload = format!(
        r#"{{"ts":{ts},"seq":{seq},"lat":{lat:.6},"lon":{lon:.6},"speed_mps":1.2,"heading_deg":275.0,"battery_percent":64.0,"hdop":0.8,"accuracy_m":5.0,"flight_id":""#
    );
    while payload.len() < 198 {
        payload.push('x');
    }
    payload.push_str("\"}");
    packet(out, &speaker.topic, id, payload.as_bytes());
}

/// A PUBLISH with QoS 1.
pub fn packet(out: &mut Vec<u8>, topic: &str, id: u16, payload: &[u8]) {
    out.push(0x32);
    length(out, 2 + topic.len() + 2 + payload.len());
    string(out, topic);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(payload);
}

fn length(out: &mut Vec<u8>, mut len: usize) {
    loop {
        let (more, low) = (len / 128, (len % 128) as u8);
        out.push(if more > 0 { low | 0x80 } else { low });
        if more == 0 {
            return;
        }
        len = more;
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
