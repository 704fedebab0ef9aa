//! A server of a few lines that answers as a test tells it to.
//!
//! In: HTTP requests on a free port. Out: what it was sent, unpacked.

use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) head: String,
    pub(super) lines: Vec<String>,
}

/// What to answer; `None` hangs up without a word.
pub(super) type Answer = Option<(u16, &'static str)>;

pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request by its lines and its number (0 for the first).
    pub(super) async fn start(answer: impl Fn(&[String], usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // A client may be dropped in the middle of a request: that was none, and the next one is served.
                let Some(request) = read(&mut stream).await else { continue };
                let answered = answer(&request.lines, seen.lock().unwrap().len());
                seen.lock().unwrap().push(request);
                if let Some((status, words)) = answered {
                    let length =
                        if status == 204 { String::new() } else { format!("content-length: {}\r\n", words.len()) };
                    let head = format!("HTTP/1.1 {status} Said\r\n{length}connection: close\r\n\r\n{words}");
                    // The client may have gone first.
                    stream.write_all(head.as_bytes()).await.ok();
                    stream.shutdown().await.ok();
                }
            }
        });
        Self { url, requests }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// A whole request; `None` when the client hung up before its end.
async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        more(stream, &mut bytes).await?;
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = bytes[end..].to_vec();
    while body.len() < length {
        more(stream, &mut body).await?;
    }
    let mut text = String::new();
    GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
    assert!(text.ends_with('\n'));
    Some(Request { head, lines: text.lines().map(str::to_owned).collect() })
}

async fn more(stream: &mut TcpStream, into: &mut Vec<u8>) -> Option<()> {
    (stream.read_buf(into).await.ok()? > 0).then_some(())
}
