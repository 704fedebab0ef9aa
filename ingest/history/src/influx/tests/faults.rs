//! The sink before InfluxDB's own parser with everything in between that a bad day brings: busy servers, resets, silence, answers that get
//! lost.

use super::real::free_port;
use super::strict::{make_database, rows, start};
use super::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// This status instead of the server's.
    Says(u16),
    /// The connection is reset before the server hears of it.
    Reset,
    /// The server takes it, and its answer never comes.
    AnswerLost,
    /// Nothing, for ever.
    Silence,
}

const DAY: [Fault; 9] = [
    Fault::Says(429),
    Fault::Says(503),
    Fault::Reset,
    Fault::Silence,
    Fault::AnswerLost,
    // Too large: halved, and each half has its own trouble.
    Fault::Says(413),
    Fault::Reset,
    Fault::AnswerLost,
    Fault::Says(503),
];

/// Stands before the server on a port; the faults come one a request, then all passes. Its address, and how many faults there were.
async fn between(port: u16) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let faults = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let fault = DAY.get(faults.fetch_add(1, Ordering::SeqCst)).copied();
            tokio::spawn(serve(near, port, fault));
        }
    });
    (url, count)
}

async fn serve(mut near: TcpStream, port: u16, fault: Option<Fault>) {
    let Some(request) = whole(&mut near).await else { return };
    match fault {
        Some(Fault::Says(status)) => {
            let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            near.write_all(answer.as_bytes()).await.ok(); // The client may have gone.
        }
        Some(Fault::Reset) => near.set_zero_linger().unwrap(),
        // Ends when the client gives up.
        Some(Fault::Silence) => drop(near.read_u8().await),
        Some(Fault::AnswerLost) => {
            let answer = passed(&request, port).await;
            assert!(answer.starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&answer));
            near.set_zero_linger().unwrap();
        }
        None => drop(near.write_all(&passed(&request, port).await).await),
    }
}

/// The server's answer to a request of version 2, put to it as one of version 1.
async fn passed(request: &[u8], port: u16) -> Vec<u8> {
    let line_end = request.windows(2).position(|two| two == b"\r\n").unwrap();
    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    far.write_all(b"POST /write?db=telemetry&precision=ms HTTP/1.1\r\nConnection: close").await.unwrap();
    far.write_all(&request[line_end..]).await.unwrap();
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await.unwrap();
    answer
}

/// A whole request; `None` if it ends before.
async fn whole(near: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if near.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length: usize =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if bytes.len() >= head + 4 + length {
            return Some(bytes);
        }
    }
}

#[tokio::test]
async fn a_bad_day_between_us_and_a_strict_server_loses_nothing_and_doubles_nothing() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(server) = start(data.path(), port) else { return };
    make_database(&server).await;
    let (url, faults) = between(port).await;
    let (sink, registry) = sink(&url);
    let config = InfluxConfig::parse(&url, "steppe", "telemetry", "s3cret").unwrap();
    // Long enough for a write that passes, on any machine that runs tests.
    let sink = sink.with_timeout(&config, Duration::from_secs(2));
    let readings: Vec<Reading> = (1..=600).map(|offset| moved("d", offset)).collect();
    let report = sink.push(&readings).await;
    assert_eq!((report.accepted, report.refused.len()), (600, 0));
    assert!(faults.load(Ordering::SeqCst) > DAY.len());
    assert_eq!(counted(&registry, "steppewatch_influx_retries_total"), report.retries);
    assert!(report.retries >= DAY.len() as u64 - 1, "{}", report.retries);
    let found =
        rows(&server, "SELECT count(speed_mps), sum(speed_mps), min(speed_mps), max(speed_mps) FROM track").await;
    assert_eq!(found[0].as_array().unwrap()[1..], [json!(600), json!(180_300), json!(1), json!(600)]);
}
