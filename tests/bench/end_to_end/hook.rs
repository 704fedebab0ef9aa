//! The receiver of both pipelines: notes when a request has been read whole, answers, and only then looks at what it says.
//!
//! In:  HTTP/1.1 requests whose body has `data.trigger {device, seq}`.   Out: when each deciding message was told, and under which ids.
//!
//! No web server of a crate: what it costs, the pipeline under test lacks.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
/// A body is a few kilobytes; more is none.
const BODY_MAX: usize = 1 << 20;

/// Which message decided.
pub type Trigger = (String, u64);

/// What is known of the telling of one message.
#[derive(Debug, Clone)]
pub struct Told {
    /// When the first request that tells of it had been read whole.
    pub at: Instant,
    /// `webhook-id` of each request, where there is one.
    pub ids: Vec<String>,
}

/// What has come.
#[derive(Debug, Default)]
pub struct Heard {
    pub told: HashMap<Trigger, Told>,
    /// Requests that tell of no message.
    pub strange: u64,
}

/// A running receiver; it ends when dropped.
pub struct Hook {
    pub url: String,
    heard: Arc<Mutex<Heard>>,
    _stop: DropGuard,
}

impl Hook {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let stop = CancellationToken::new();
        let (shared, ended) = (Arc::clone(&heard), stop.clone());
        tokio::spawn(ended.run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, Arc::clone(&shared)));
            }
        }));
        Ok(Self { url, heard, _stop: stop.drop_guard() })
    }

    /// What has come so far.
    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.heard)
    }
}

/// Nothing is left by halves behind this lock.
fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that breaks is the sender's to make again.
async fn connection(mut stream: TcpStream, heard: Arc<Mutex<Heard>>) {
    stream.set_nodelay(true).ok();
    let mut read = Vec::new();
    while let Ok(Some((head, length))) = request(&mut stream, &mut read).await {
        let at = Instant::now();
        let answered = stream.write_all(ANSWER).await;
        let (said, id) = (parse(&read[head..head + length]), id(&read[..head]));
        read.drain(..head + length);
        note(&mut lock(&heard), said, id, at);
        if answered.is_err() {
            return;
        }
    }
}

/// Reads until a whole request is there: the length of its head and of its body. `None` when the sender has gone.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Result<Option<(usize, usize)>> {
    loop {
        if let Some(head) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4) {
            let length = header(&read[..head], "content-length").context("a request without a length")?;
            let length: usize = length.parse()?;
            anyhow::ensure!(length <= BODY_MAX, "a body of {length} bytes");
            if read.len() >= head + length {
                return Ok(Some((head, length)));
            }
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let of = |line: &str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    head.lines().find_map(of)
}

fn id(head: &[u8]) -> String {
    header(head, "webhook-id").unwrap_or_default()
}

fn parse(body: &[u8]) -> Option<Trigger> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let trigger = event.get("data")?.get("trigger")?;
    Some((trigger.get("device")?.as_str()?.to_owned(), trigger.get("seq")?.as_u64()?))
}

fn note(heard: &mut Heard, said: Option<Trigger>, id: String, at: Instant) {
    match said {
        Some(trigger) => heard.told.entry(trigger).or_insert(Told { at, ids: Vec::new() }).ids.push(id),
        None => heard.strange += 1,
    }
}
