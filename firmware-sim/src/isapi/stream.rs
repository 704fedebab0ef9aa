//! The camera that is asked: it holds the line and writes its events into it.
//!
//! In:  what it is to say.   Out: `multipart/mixed` without end, behind HTTP Digest with MD5, as firmware of many years has it.

use anyhow::Result;
use md5::{Digest, Md5};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What such cameras ask for.
const REALM: &str = "IP Camera(C2345)";
/// Of a request.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Parts that a slow listener may leave unread before it misses some.
const WAITING: usize = 64;

/// What goes down the line.
#[derive(Debug, Clone)]
enum Word {
    Bytes(Vec<u8>),
    Hangup,
}

struct Shared {
    user: String,
    password: String,
    words: broadcast::Sender<Word>,
    listeners: watch::Sender<u64>,
    nonces: AtomicU64,
}

/// A running camera; it ends when dropped.
pub struct IsapiStream {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl IsapiStream {
    /// Listens on a free port of this machine.
    pub async fn start(user: &str, password: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            user: user.to_owned(),
            password: password.to_owned(),
            words: broadcast::channel(WAITING).0,
            listeners: watch::Sender::new(0),
            nonces: AtomicU64::new(1),
        });
        let stop = CancellationToken::new();
        let (serving, ended) = (Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            ended
                .run_until_cancelled(async {
                    while let Ok((socket, _)) = listener.accept().await {
                        let (shared, ended) = (Arc::clone(&serving), ended.clone());
                        tokio::spawn(async move { ended.run_until_cancelled(serve(shared, socket)).await });
                    }
                })
                .await
        });
        Ok(Self { address, shared, _stop: stop.drop_guard() })
    }

    /// What is configured: scheme, host and port.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until somebody has begun to listen for the `count`th time.
    pub async fn has_listener(&self, count: u64) -> Result<()> {
        self.shared.listeners.subscribe().wait_for(|listeners| *listeners >= count).await?;
        Ok(())
    }

    /// Says an event, and shows a picture behind it.
    pub fn say(&self, event: &str, jpeg: Option<&[u8]>) {
        self.raw(&part("application/xml; charset=\"UTF-8\"", event.as_bytes()));
        if let Some(jpeg) = jpeg {
            self.raw(&part("image/jpeg", jpeg));
        }
    }

    /// Bytes as they are.
    pub fn raw(&self, bytes: &[u8]) {
        // Nobody may be listening; then it says it to nobody.
        self.shared.words.send(Word::Bytes(bytes.to_vec())).ok();
    }

    /// Hangs up on whoever listens.
    pub fn hang_up(&self) {
        self.shared.words.send(Word::Hangup).ok();
    }
}

fn part(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("--boundary\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body, b"\r\n"].concat()
}

async fn serve(shared: Arc<Shared>, mut socket: TcpStream) -> Result<()> {
    loop {
        let Some(head) = head_of(&mut socket).await? else { return Ok(()) };
        let is_stream = head.starts_with("GET /ISAPI/Event/notification/alertStream ");
        let answer = match (is_stream, shared.admits(&head)) {
            (true, true) => break,
            (false, true) => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            (_, false) => shared.challenge(),
        };
        socket.write_all(answer.as_bytes()).await?;
    }
    let mut words = shared.words.subscribe();
    let begin = "HTTP/1.1 200 OK\r\nMIME-Version: 1.0\r\nConnection: close\r\nContent-Type: multipart/mixed; boundary=boundary\r\n\r\n";
    socket.write_all(begin.as_bytes()).await?;
    shared.listeners.send_modify(|listeners| *listeners += 1);
    while let Ok(Word::Bytes(bytes)) = words.recv().await {
        socket.write_all(&bytes).await?;
    }
    Ok(())
}

/// `None` once the other side has gone.
async fn head_of(socket: &mut TcpStream) -> Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        let mut byte = [0];
        if socket.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.extend_from_slice(&byte);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

impl Shared {
    fn challenge(&self) -> String {
        let nonce = self.nonces.fetch_add(1, Ordering::Relaxed);
        format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest qop=\"auth\", realm=\"{REALM}\", nonce=\"4d7a{nonce:08x}\", stale=\"FALSE\"\r\n\
             WWW-Authenticate: Basic realm=\"{REALM}\"\r\nContent-Length: 0\r\n\r\n"
        )
    }

    fn admits(&self, head: &str) -> bool {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization: digest "));
        let Some(line) = line else { return false };
        let field = |name: &str| {
            let (_, after) = line.split_once(&format!("{name}="))?;
            after.trim_start_matches('"').split(['"', ',', ' ']).next()
        };
        let path = head.split(' ').nth(1).unwrap_or_default();
        let told =
            || Some((field("nonce")?, field(" nc").or_else(|| field(",nc"))?, field("cnonce")?, field("response")?));
        let Some((nonce, count, own, response)) = told() else { return false };
        let who = hash(&format!("{}:{REALM}:{}", self.user, self.password));
        let what = hash(&format!("GET:{path}"));
        hash(&format!("{who}:{nonce}:{count}:{own}:auth:{what}")) == response
    }
}

fn hash(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
