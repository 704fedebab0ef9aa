use super::*;

async fn stations() -> (ModbusStations, TcpStream) {
    let stations = ModbusStations::bind(SocketAddr::from(([127, 0, 0, 1], 0)), 12, 1).await.unwrap();
    stations.set_probe(1, Probe::fixed(65.8, -10.1));
    let server = stations.clone();
    tokio::spawn(async move { server.run(CancellationToken::new()).await });
    let client = TcpStream::connect(stations.local_addr()).await.unwrap();
    (stations, client)
}

#[track_caller]
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

async fn check(client: &mut TcpStream, request: &str, answer: &str) {
    let answer = bytes(answer);
    client.write_all(&bytes(request)).await.unwrap();
    let mut got = vec![0; answer.len()];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(got, answer, "{request}");
}

#[tokio::test]
async fn a_station_answers_the_published_example_byte_for_byte() {
    let (_stations, mut client) = stations().await;
    check(&mut client, "0001 0000 0006 01 03 0000 0002", "0001 0000 0007 01 03 04 0292 ff9b").await;
    check(&mut client, "0002 0000 0006 01 04 0001 0001", "0002 0000 0005 01 04 02 ff9b").await;
}

#[tokio::test]
async fn what_is_not_there_gets_the_standards_exception() {
    let (_stations, mut client) = stations().await;
    check(&mut client, "0003 0000 0006 01 03 0002 0001", "0003 0000 0003 01 83 02").await;
    check(&mut client, "0004 0000 0006 01 03 0001 0002", "0004 0000 0003 01 83 02").await;
    check(&mut client, "0005 0000 0006 01 03 0000 0000", "0005 0000 0003 01 83 03").await;
    check(&mut client, "0006 0000 0006 01 06 0000 0001", "0006 0000 0003 01 86 01").await;
    check(&mut client, "0007 0000 0003 01 03 00", "0007 0000 0003 01 83 03").await;
    check(&mut client, "0008 0000 0006 63 03 0000 0002", "0008 0000 0003 63 83 0b").await;
}

#[tokio::test]
async fn two_requests_in_one_packet_get_two_answers() {
    let (_stations, mut client) = stations().await;
    check(
        &mut client,
        "0001 0000 0006 01 03 0000 0001 0002 0000 0006 01 03 0001 0001",
        "0001 0000 0005 01 03 02 0292 0002 0000 0005 01 03 02 ff9b",
    )
    .await;
}

#[tokio::test]
async fn a_faulty_unit_refuses_or_stays_mute_and_disturbs_no_other() {
    let (stations, mut client) = stations().await;
    stations.set_fault(2, StationFault::Mute);
    stations.set_fault(3, StationFault::Exception(4));
    client.write_all(&bytes("0009 0000 0006 02 03 0000 0002")).await.unwrap();
    check(&mut client, "000a 0000 0006 03 03 0000 0002", "000a 0000 0003 03 83 04").await;
    stations.set_fault(2, StationFault::None);
    stations.set_probe(2, Probe::fixed(10.0, 1.0));
    check(&mut client, "000b 0000 0006 02 03 0000 0002", "000b 0000 0007 02 03 04 0064 000a").await;
}

#[tokio::test]
async fn what_is_no_modbus_ends_the_connection() {
    let (_stations, mut client) = stations().await;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let ended = client.read_to_end(&mut rest).await;
    assert!(ended.is_err() || rest.is_empty());
}
