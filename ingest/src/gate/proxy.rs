//! The PROXY protocol, version 2: a load balancer says whose connection it passes on.
//!
//! In:  the first bytes of a connection from a load balancer.   Out: the client's address.
//!
//! Source: <https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt>, section 2.2. Only where it is switched on: whoever
//! can reach the port can claim any address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Addresses and the extensions that balancers add (TLS details) fit; a stranger costs no more.
const BODY_BYTES_MAX: usize = 2_048;

/// Not a PROXY header of version 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "connection does not begin with a PROXY protocol v2 header; switch [mqtt] proxy_protocol off, or on at the load balancer"
)]
pub struct NoHeader;

/// Reads the header; `peer` is the balancer itself, which also speaks for itself when it checks our health.
pub async fn client(stream: &mut (impl AsyncRead + Unpin), peer: SocketAddr) -> Result<SocketAddr, NoHeader> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.map_err(|_| NoHeader)?;
    let [signature @ .., version_command, family, high, low] = head;
    if signature != SIGNATURE || version_command >> 4 != 2 {
        return Err(NoHeader);
    }
    let mut body = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    if body.len() > BODY_BYTES_MAX {
        return Err(NoHeader);
    }
    stream.read_exact(&mut body).await.map_err(|_| NoHeader)?;
    match (version_command & 0x0f, family) {
        (0, _) => Ok(peer),
        (1, 0x11) => {
            let (address, port) = source::<4>(&body)?;
            Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(address)), port))
        }
        (1, 0x21) => {
            let (address, port) = source::<16>(&body)?;
            Ok(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(address)), port))
        }
        _ => Err(NoHeader),
    }
}

/// Source address, destination address, source port, destination port.
fn source<const N: usize>(body: &[u8]) -> Result<([u8; N], u16), NoHeader> {
    let (address, rest) = body.split_first_chunk::<N>().ok_or(NoHeader)?;
    match rest.get(N..) {
        Some([high, low, _, _, ..]) => Ok((*address, u16::from_be_bytes([*high, *low]))),
        _ => Err(NoHeader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(command: u8, family: u8, body: &[u8]) -> Result<String, NoHeader> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0x20 | command, family]);
        bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes.extend(b"MQTT");
        let mut stream = &bytes[..];
        let client = client(&mut stream, "127.0.0.1:9".parse().unwrap()).await;
        assert!(client.is_err() || stream == b"MQTT", "nothing of what follows is taken");
        client.map(|address| address.to_string())
    }

    #[tokio::test]
    async fn the_clients_address_is_taken_from_the_header() {
        let v4 = [10, 1, 2, 3, 127, 0, 0, 1, 0x12, 0x34, 7, 91];
        assert_eq!(read(1, 0x11, &v4).await.unwrap(), "10.1.2.3:4660");
        let mut v6 = Ipv6Addr::LOCALHOST.octets().to_vec();
        v6.extend(Ipv6Addr::UNSPECIFIED.octets());
        v6.extend([0, 80, 7, 91, 0x04, 0, 1, 0]);
        assert_eq!(read(1, 0x21, &v6).await.unwrap(), "[::1]:80");
        assert_eq!(read(0, 0, &[]).await.unwrap(), "127.0.0.1:9");
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        assert_eq!(read(1, 0x11, &[1, 2, 3]).await, Err(NoHeader));
        assert_eq!(read(1, 0x31, &[0; 216]).await, Err(NoHeader));
        assert_eq!(read(1, 0x11, &[0; 3_000]).await, Err(NoHeader));
        let mut stream = &b"\x10\x10\0\x04MQTT\x04\x02\0\0\0\0"[..];
        assert_eq!(client(&mut stream, "127.0.0.1:9".parse().unwrap()).await, Err(NoHeader));
    }
}
