//! A camera that is written by hand: its requests are text of its own, its digest is computed here, and it answers what it is asked.

use md5::{Digest, Md5};
use sha2::Sha256;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How it is connected.
pub(super) enum Line {
    Udp { socket: UdpSocket, platform: SocketAddr },
    Tcp { stream: TcpStream, read: Vec<u8> },
}

impl Line {
    pub async fn udp(from: &str, platform: SocketAddr) -> Self {
        Self::Udp { socket: UdpSocket::bind((from, 0)).await.unwrap(), platform }
    }

    pub async fn tcp(platform: SocketAddr) -> Self {
        Self::Tcp { stream: TcpStream::connect(platform).await.unwrap(), read: Vec::new() }
    }

    fn local(&self) -> SocketAddr {
        match self {
            Self::Udp { socket, .. } => socket.local_addr().unwrap(),
            Self::Tcp { stream, .. } => stream.local_addr().unwrap(),
        }
    }

    pub async fn write_once(&self, bytes: &[u8]) {
        if let Self::Udp { socket, platform } = self {
            socket.send_to(bytes, platform).await.unwrap();
        }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Udp { socket, platform } => drop(socket.send_to(bytes, *platform).await.unwrap()),
            // The platform may have closed it already.
            Self::Tcp { stream, .. } => drop(stream.write_all(bytes).await),
        }
    }

    /// The next whole message.
    async fn next(&mut self) -> String {
        match self {
            Self::Udp { socket, .. } => {
                let mut buffer = vec![0; 65_536];
                let len = socket.recv(&mut buffer).await.unwrap();
                String::from_utf8_lossy(&buffer[..len]).into_owned()
            }
            Self::Tcp { stream, read } => loop {
                let text = String::from_utf8_lossy(read).into_owned();
                if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                    let len = head.split("Content-Length: ").nth(1).unwrap().lines().next().unwrap();
                    let len: usize = len.parse().unwrap();
                    if rest.len() >= len {
                        let end = head.len() + 4 + len;
                        read.drain(..end);
                        return text[..end].to_owned();
                    }
                }
                let mut buffer = [0; 4_096];
                let len = stream.read(&mut buffer).await.unwrap();
                assert!(len > 0, "the platform closed the connection");
                read.extend_from_slice(&buffer[..len]);
            },
        }
    }
}

/// The camera.
pub(super) struct Camera {
    pub line: Line,
    id: String,
    pub password: String,
    /// More headers of a REGISTER.
    pub extra: String,
    pub sha_256: bool,
    pub last_register: String,
    /// What the platform asked of it.
    asked: Vec<String>,
    number: u32,
}

impl Camera {
    pub fn over(line: Line, id: &str, password: &str) -> Self {
        let (id, password) = (id.to_owned(), password.to_owned());
        Self {
            line,
            id,
            password,
            extra: String::new(),
            sha_256: false,
            last_register: String::new(),
            asked: Vec::new(),
            number: 0,
        }
    }

    /// A request with the next number.
    pub fn request(&mut self, method: &str, extra: &str, body: &str) -> Vec<u8> {
        self.number += 1;
        let (id, number, local) = (&self.id, self.number, self.line.local());
        let transport = if matches!(self.line, Line::Udp { .. }) { "UDP" } else { "TCP" };
        format!(
            "{method} sip:15252500402000000001@1525250040 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {local};rport;branch=z9hG4bK{number}\r\n\
             From: <sip:{id}@1525250040>;tag={id}\r\nTo: <sip:{}@1525250040>\r\n\
             Call-ID: {id}-{}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n{extra}\
             Content-Type: Application/MANSCDP+xml\r\nContent-Length: {}\r\n\r\n{body}",
            if method == "REGISTER" { id } else { "15252500402000000001" },
            local.port(),
            body.len(),
        )
        .into_bytes()
    }

    /// Sends and waits for the answer; meanwhile it does what the platform asks.
    pub async fn send(&mut self, bytes: &[u8]) -> String {
        self.line.write(bytes).await;
        loop {
            let said = self.line.next().await;
            if said.starts_with("SIP/2.0 ") {
                return said;
            }
            self.obey(said).await;
        }
    }

    pub async fn message(&mut self, body: &str) -> String {
        let request = self.request("MESSAGE", "", body);
        self.send(&request).await
    }

    /// A request of the platform that is wanted, now or later.
    pub async fn hears(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            if let Some(place) = self.asked.iter().position(|said| wanted(said)) {
                return self.asked.remove(place);
            }
            let said = self.line.next().await;
            if !said.starts_with("SIP/2.0 ") {
                self.obey(said).await;
            }
        }
    }

    async fn obey(&mut self, said: String) {
        let echoed = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
        let headers: String = said
            .lines()
            .filter(|line| echoed.iter().any(|name| line.starts_with(name)))
            .map(|line| format!("{line}\r\n"))
            .collect();
        self.line.write(format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes()).await;
        self.asked.push(said);
    }

    /// Registers from the first word on; the platform's last.
    pub async fn register(&mut self, expires_s: u32) -> String {
        let challenge = self.challenge().await;
        self.answer_challenge(&challenge, expires_s).await
    }

    pub async fn challenge(&mut self) -> String {
        let extra = self.extra.clone();
        let request = self.request("REGISTER", &extra, "");
        let challenge = self.send(&request).await;
        assert!(challenge.starts_with("SIP/2.0 401 "), "{challenge}");
        challenge
    }

    pub async fn answer_challenge(&mut self, challenge: &str, expires_s: u32) -> String {
        let nonce = challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
        let uri = "sip:15252500402000000001@1525250040";
        let hash = |text: String| {
            let digest = if self.sha_256 { Sha256::digest(text).to_vec() } else { Md5::digest(text).to_vec() };
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let who = hash(format!("{}:1525250040:{}", self.id, self.password));
        let what = hash(format!("REGISTER:{uri}"));
        let response = hash(format!("{who}:{nonce}:00000001:0a4f113b:auth:{what}"));
        let algorithm = if self.sha_256 { "SHA-256" } else { "MD5" };
        let extra = format!(
            "Contact: <sip:{}@{}>\r\nExpires: {expires_s}\r\n{}Authorization: Digest username=\"{}\", realm=\"1525250040\", \
             nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={algorithm}, qop=auth, nc=00000001, cnonce=\"0a4f113b\"\r\n",
            self.id,
            self.line.local(),
            self.extra,
            self.id
        );
        let request = self.request("REGISTER", &extra, "");
        self.last_register = String::from_utf8_lossy(&request).into_owned();
        self.send(&request).await
    }
}
