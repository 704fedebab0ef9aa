//! A camera of GB/T 28181 (edition of 2022) over UDP: it registers by digest, keeps in touch, and sounds alarms.
//!
//! In:  the platform's address, the camera's 20 digits and its password.   Out: SIP with MANSCDP inside, in GB 2312 where it says so.
//!
//! Never: uses the platform's codec or digest; both ends agree because both follow the standard. It answers what it is asked while it
//! waits for an answer of its own.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Of the platform; the camera is told so on its page.
pub const PLATFORM_ID: &str = "15042500402000000001";
/// The platform's SIP domain.
pub const REALM: &str = "1504250040";
/// How long the camera waits before it says the same again, and how often it does.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: usize = 10;

/// The camera.
pub struct SipCamera {
    socket: UdpSocket,
    id: String,
    password: String,
    number: u32,
}

impl SipCamera {
    /// A camera that has not said anything yet.
    pub async fn new(platform: SocketAddr, id: &str, password: &str) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.connect(platform).await?;
        Ok(Self { socket, id: id.to_owned(), password: password.to_owned(), number: 0 })
    }

    /// Registers for an hour.
    pub async fn register(&mut self) -> Result<()> {
        let uri = format!("sip:{PLATFORM_ID}@{REALM}");
        let contact =
            format!("Contact: <sip:{}@{}>\r\nExpires: 3600\r\nX-GB-Ver: 3.0\r\n", self.id, self.socket.local_addr()?);
        let challenge = self.exchange("REGISTER", &contact, "").await?;
        // The first challenge is the better one.
        let nonce = challenge.split_once("nonce=\"").and_then(|(_, rest)| rest.split_once('"')).context("no nonce")?.0;
        let who = hash(&format!("{}:{REALM}:{}", self.id, self.password));
        let what = hash(&format!("REGISTER:{uri}"));
        let response = hash(&format!("{who}:{nonce}:00000001:5f2c:auth:{what}"));
        let proof = format!(
            "{contact}Authorization: Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=SHA-256, cnonce=\"5f2c\", qop=auth, nc=00000001\r\n",
            self.id
        );
        self.accepted("REGISTER", &proof, "").await
    }

    /// A sign of life.
    pub async fn keep_alive(&mut self) -> Result<()> {
        let (id, number) = (self.id.clone(), self.number);
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<Notify>\n<CmdType>Keepalive</CmdType>\n<SN>{number}</SN>\n<DeviceID>{id}</DeviceID>\n<Status>OK</Status>\n</Notify>\n"
        );
        self.accepted("MESSAGE", "", &xml).await
    }

    /// Something crossed into the watched area, there, at that time of Beijing (`yyyy-MM-ddTHH:mm:ss`).
    pub async fn intrusion(&mut self, lat: f64, lon: f64, time: &str) -> Result<()> {
        let (id, number) = (self.id.clone(), self.number);
        let xml = format!(
            "<?xml version=\"1.0\"?>\n<Notify>\n<CmdType>Alarm</CmdType>\n<SN>{number}</SN>\n<DeviceID>{id}</DeviceID>\n\
             <AlarmPriority>1</AlarmPriority>\n<AlarmMethod>5</AlarmMethod>\n<AlarmTime>{time}</AlarmTime>\n\
             <Longitude>{lon}</Longitude>\n<Latitude>{lat}</Latitude>\n<Info>\n<AlarmType>6</AlarmType>\n</Info>\n</Notify>\n"
        );
        self.accepted("MESSAGE", "", &xml).await
    }

    async fn accepted(&mut self, method: &str, extra: &str, body: &str) -> Result<()> {
        let answer = self.exchange(method, extra, body).await?;
        let status = answer.lines().next().unwrap_or_default();
        if status.starts_with("SIP/2.0 200") { Ok(()) } else { bail!("{method} was answered with `{status}`") }
    }

    /// Says something until it is answered; does meanwhile what the platform asks.
    async fn exchange(&mut self, method: &str, extra: &str, body: &str) -> Result<String> {
        self.number += 1;
        let (id, number, local) = (&self.id, self.number, self.socket.local_addr()?);
        let request = format!(
            "{method} sip:{PLATFORM_ID}@{REALM} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bKsim{number}\r\n\
             From: <sip:{id}@{REALM}>;tag=sim\r\nTo: <sip:{id}@{REALM}>\r\nCall-ID: {number}@{local}\r\nCSeq: {number} {method}\r\n\
             Max-Forwards: 70\r\n{extra}Content-Type: Application/MANSCDP+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        for _ in 0..TRIES {
            self.socket.send(request.as_bytes()).await?;
            if let Ok(answer) = timeout(PATIENCE, self.answer_to(number, method)).await {
                return answer;
            }
        }
        bail!("{method} was never answered")
    }

    async fn answer_to(&self, number: u32, method: &str) -> Result<String> {
        let mut buffer = vec![0; 65_536];
        loop {
            let len = self.socket.recv(&mut buffer).await?;
            let said = String::from_utf8_lossy(buffer.get(..len).unwrap_or_default()).into_owned();
            if !said.starts_with("SIP/2.0 ") {
                self.obey(&said).await?;
            } else if said.contains(&format!("CSeq: {number} {method}\r\n")) {
                return Ok(said);
            }
        }
    }

    /// "OK", whatever it is.
    async fn obey(&self, request: &str) -> Result<()> {
        let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
        for line in request.split("\r\n").take_while(|line| !line.is_empty()) {
            if ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)) {
                write!(answer, "{line}\r\n")?;
            }
        }
        answer.push_str("Content-Length: 0\r\n\r\n");
        self.socket.send(answer.as_bytes()).await?;
        Ok(())
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
