//! MQTT on what else it travels on: TLS with and without a device's certificate, and websocket. The other end is not ours:
//! rustls and tungstenite as clients.

use super::house::House;
use super::wire::Connect;
use futures_util::{SinkExt, StreamExt};
use ingest::gate::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// An authority of the test's own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key, PEM.
    fn issue(&self, common_name: &str, host: Option<&str>) -> (String, String) {
        let mut params = CertificateParams::new(host.map(str::to_owned).into_iter().collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A client that trusts this authority, with a certificate if there is one.
    fn client(&self, certificate: Option<(String, String)>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        match certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        }
    }
}

fn write(folder: &Path, server: &(String, String), devices: &Authority) -> TlsFiles {
    let file = |name: &str, text: &str| {
        // Renamed into its place, as those who renew certificates do: nobody ever reads half a file.
        let (new, path) = (folder.join("new"), folder.join(name));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    };
    TlsFiles {
        key: file("key", &server.1),
        certificate: file("certificate", &server.0),
        client_ca: Some(file("client_ca", &devices.0.pem())),
    }
}

async fn house(folder: &TempDir, authority: &Authority, devices: &Authority) -> House {
    let files = write(folder.path(), &authority.issue("gate", Some("localhost")), devices);
    House::start_as(|config| config.tls = Some(("127.0.0.1:0".parse().unwrap(), files))).await
}

async fn connect(address: SocketAddr, client: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, tcp).await
}

/// The CONNACK's code, and the acknowledgement of one publish if it is 0.
async fn speak(stream: &mut TlsStream<TcpStream>, connect: &Connect) -> (u8, bool) {
    stream.write_all(&connect.encode()).await.unwrap();
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).await.unwrap();
    if connack[3] != 0 {
        return (connack[3], false);
    }
    let topic = b"steppe/v1/hexigten/camera-1/track";
    let mut publish = vec![0x32, (2 + topic.len() + 2 + 5) as u8, 0, topic.len() as u8];
    publish.extend_from_slice(topic);
    publish.extend_from_slice(&[0, 9]);
    publish.extend_from_slice(b"hello");
    stream.write_all(&publish).await.unwrap();
    let mut puback = [0; 4];
    stream.read_exact(&mut puback).await.unwrap();
    (0, puback == [0x40, 2, 0, 9])
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_a_device_is_let_in_with_its_secret_and_acknowledged() {
    let (folder, authority, devices) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let house = house(&folder, &authority, &devices).await;
    let mut stream = connect(house.addresses.tls.unwrap(), authority.client(None)).await.unwrap();
    assert_eq!(speak(&mut stream, &Connect::new(&house, 4, "camera-1")).await, (0, true));
    assert_eq!(house.payloads().await, ["hello"]);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_the_authority_names_the_device_and_a_disabled_device_is_shut_out() {
    let (folder, authority, devices) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let house = house(&folder, &authority, &devices).await;
    let address = house.addresses.tls.unwrap();
    let nameless = |username: &str| Connect {
        username: username.into(),
        password: String::new(),
        ..Connect::new(&house, 4, "camera-1")
    };
    for (common_name, username, expected) in
        [("camera-1", "", (0, true)), ("camera-1", "camera-2", (4, false)), ("nobody", "", (4, false))]
    {
        let client = authority.client(Some(devices.issue(common_name, None)));
        let mut stream = connect(address, client).await.unwrap();
        assert_eq!(speak(&mut stream, &nameless(username)).await, expected, "{common_name} as {username:?}");
    }
    house.registry.set_disabled(&model::DeviceId::parse("camera-1").unwrap(), true, "test").unwrap();
    let mut stream = connect(address, authority.client(Some(devices.issue("camera-1", None)))).await.unwrap();
    assert_eq!(speak(&mut stream, &nameless("")).await, (5, false));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_turned_away_before_mqtt() {
    let (folder, authority, devices) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let house = house(&folder, &authority, &devices).await;
    let client = authority.client(Some(Authority::new().issue("camera-1", None)));
    // With TLS 1.3 the client learns of it by its first read.
    let turned_away = match connect(house.addresses.tls.unwrap(), client).await {
        Ok(mut stream) => stream.read_u8().await.is_err(),
        Err(_) => true,
    };
    assert!(turned_away);
    assert_eq!(house.refusals("handshake"), 1);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let (folder, authority, devices) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let house = house(&folder, &authority, &devices).await;
    let address = house.addresses.tls.unwrap();
    std::fs::write(folder.path().join("certificate"), "no certificate").unwrap();
    connect(address, authority.client(None)).await.unwrap();
    let successor = Authority::new();
    write(folder.path(), &successor.issue("gate", Some("localhost")), &devices);
    let renewed = async {
        while connect(address, successor.client(None)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), renewed).await.unwrap();
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_websocket_packets_may_be_cut_and_joined_in_any_way() {
    let house = House::start_as(|config| config.websocket = Some("127.0.0.1:0".parse().unwrap())).await;
    let mut request = format!("ws://{}/mqtt", house.addresses.websocket.unwrap()).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "mqttv3.1, mqtt".parse().unwrap());
    let (mut socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "mqtt");
    let mut bytes = Connect::new(&house, 4, "camera-1").encode();
    bytes.extend_from_slice(&[0xc0, 0, 0xc0, 0]);
    for part in bytes.chunks(7) {
        socket.send(Message::binary(part.to_vec())).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 8 {
        heard.extend_from_slice(&socket.next().await.unwrap().unwrap().into_data());
    }
    assert_eq!(heard, [0x20, 2, 0, 0, 0xd0, 0, 0xd0, 0]);
    socket.send(Message::text("MQTT is not text")).await.unwrap();
    assert!(matches!(socket.next().await, None | Some(Err(_)) | Some(Ok(Message::Close(_)))));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_does_not_speak_mqtt_is_refused_in_http() {
    let house = House::start_as(|config| config.websocket = Some("127.0.0.1:0".parse().unwrap())).await;
    let address = house.addresses.websocket.unwrap();
    for (path, protocol, status) in [("/mqtt", None, 400), ("/mqtt", Some("chat"), 400), ("/", Some("mqtt"), 404)] {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status),
            other => panic!("{path} {protocol:?}: {other:?}"),
        }
    }
    assert_eq!(house.refusals("handshake"), 3);
    house.stop().await.unwrap();
}
