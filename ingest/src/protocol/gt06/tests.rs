//! The listener over real sockets.

use super::*;
use crate::protocol::testing::{Site, pcap};
use model::{Body, DeviceKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const IMEI: &str = "868120148373571";
const LOGIN: &str = "78780d010868120148373571000159570d0a";
const POSITION: &str = "78781f121a0b16020f00c904b5823e0c2c2f0c0c145701cc0012340056780007bd480d0a";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
    let inner = [&[u8::try_from(content.len() + 5).unwrap(), kind][..], content, &[0, 9]].concat();
    [&[0x78, 0x78][..], &inner, &crc(&inner).to_be_bytes(), &[0x0D, 0x0A]].concat()
}

async fn start(site: &Site) -> (SocketAddr, tokio::task::JoinHandle<Result<(), Gt06Error>>) {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Gt06Config { listen, utc_offset_min: 0, datum: Arc::from("wgs84") };
    let listener = Gt06::bind(&config, site.parts()).await.unwrap();
    let address = listener.local_addr();
    (address, tokio::spawn(listener.run(site.stop.clone())))
}

async fn answer_of(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut answer = vec![0; len];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_logs_in_and_is_answered_where_it_waits_for_an_answer() {
    let site = Site::start();
    site.add("collar-1", DeviceKind::Collar, "imei", IMEI);
    let (address, running) = start(&site).await;
    let mut tracker = TcpStream::connect(address).await.unwrap();
    tracker.write_all(&bytes(LOGIN)).await.unwrap();
    assert_eq!(answer_of(&mut tracker, 10).await, bytes("787805010001d9dc0d0a"));
    // A position is not answered; the status behind it is, so the position is on disk by then.
    tracker.write_all(&bytes(POSITION)).await.unwrap();
    tracker.write_all(&packet(0x13, &[0x45, 3, 4, 0, 1])).await.unwrap();
    assert_eq!(answer_of(&mut tracker, 10).await, packet(0x13, &[]));
    tracker.write_all(&packet(0x26, &bytes("1a0b16020f00c904b5823e0c2c2f0c0c1457"))).await.unwrap();
    assert_eq!(answer_of(&mut tracker, 10).await, packet(0x26, &[]));
    tracker.write_all(&packet(0x8A, &[])).await.unwrap();
    assert_eq!(answer_of(&mut tracker, 16).await, packet(0x8A, &[26, 11, 22, 2, 15, 0]));
    let entries = site.entries().await;
    let kinds: Vec<_> =
        entries.iter().map(|entry| crate::decode::decode(entry).unwrap().body.kind().as_str()).collect();
    assert_eq!(kinds, ["heartbeat", "track", "heartbeat", "track"]);
    assert!(entries.iter().all(|entry| entry.frame.device.as_str() == "collar-1"));
    let Body::Track(track) = crate::decode::decode(&entries[1]).unwrap().body else { panic!() };
    assert!(track.position.is_some());
    site.end(running).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_log_in_or_is_unknown_is_not_heard_and_disturbs_nobody() {
    let site = Site::start();
    site.add("collar-1", DeviceKind::Collar, "imei", IMEI);
    let (address, running) = start(&site).await;
    let stranger = packet(0x01, &bytes("0868120148370000"));
    for said in
        [bytes(POSITION), stranger, b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0x78; 9_000], vec![0x79; 9_000], pcap()]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The listener may close it while we write.
        stream.write_all(&said).await.ok();
        stream.shutdown().await.ok();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
        assert!(rest.is_empty(), "nobody is answered who is not known");
    }
    let mut tracker = TcpStream::connect(address).await.unwrap();
    for byte in [bytes(LOGIN), b"noise".to_vec(), packet(0x23, &[1, 6])].concat() {
        tracker.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(answer_of(&mut tracker, 20).await.len(), 20);
    assert_eq!(site.entries().await.len(), 2);
    assert!(site.refusals("not_registered") == 1 && site.refusals("unknown_device") == 1);
    site.end(running).await.unwrap();
}
