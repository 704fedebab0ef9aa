//! The listener over real sockets.

use super::*;
use crate::protocol::testing::{Site, pcap};
use model::{Body, DeviceKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MN: &str = "010000A8900016F000169DC0";

fn packet(number: u32, station: &str, flag: u8) -> Vec<u8> {
    let data = format!(
        "QN=2026112210150{number:04};ST=22;CN=2011;PW=123456;MN={station};Flag={flag};CP=&&DataTime=20261122101500;a01001-Rtd=-{number}.5&&"
    );
    format!("##{:04}{data}{:04X}\r\n", data.len(), crc(data.as_bytes())).into_bytes()
}

async fn start(site: &Site) -> (SocketAddr, tokio::task::JoinHandle<Result<(), Hj212Error>>) {
    let config = Hj212Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)) };
    let listener = Hj212::bind(&config, site.parts()).await.unwrap();
    let address = listener.local_addr();
    (address, tokio::spawn(listener.run(site.stop.clone())))
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 1_024];
    let len = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_on_disk_before_they_are_answered_and_answered_only_where_it_is_wanted() {
    let site = Site::start();
    site.add("station-1", DeviceKind::Station, "hj212", MN);
    let (address, running) = start(&site).await;
    let mut station = TcpStream::connect(address).await.unwrap();
    station.write_all(&packet(1, MN, 4)).await.unwrap();
    station.write_all(&packet(2, MN, 5)).await.unwrap();
    let heard = answer(&mut station).await;
    assert!(
        heard.contains("QN=20261122101500002;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&"),
        "{heard}"
    );
    assert!(matches!(framed(heard.as_bytes()), Framed::Whole(_)), "{heard}");
    let entries = site.entries().await;
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        assert_eq!((entry.frame.device.as_str(), entry.frame.transport), ("station-1", Transport::Tcp));
        assert!(matches!(crate::decode::decode(entry).unwrap().body, Body::Measurements(_)));
    }
    site.end(running).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_and_packets_of_nobody_disturb_nobody() {
    let site = Site::start();
    site.add("station-1", DeviceKind::Station, "hj212", MN);
    let (address, running) = start(&site).await;
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![b'#'; 5_000], packet(1, "unknown", 5), pcap()] {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        // The listener may close it while we write.
        stranger.write_all(&bytes).await.ok();
    }
    let mut station = TcpStream::connect(address).await.unwrap();
    let mut noisy = b"noise##0003abc".to_vec();
    noisy.extend(packet(7, MN, 5));
    for byte in noisy.chunks(7) {
        station.write_all(byte).await.unwrap();
    }
    assert!(answer(&mut station).await.contains("CN=9014"));
    assert_eq!(site.entries().await.len(), 1);
    assert!(site.refusals("malformed") > 0 && site.refusals("unknown_device") == 1);
    site.end(running).await.unwrap();
}
