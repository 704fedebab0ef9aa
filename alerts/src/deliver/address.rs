//! Which addresses a webhook may be sent to. A subscriber's URL is foreign input: without this guard it could make the
//! platform speak to its own network, to a cloud's metadata service, or to itself.

use model::Networks;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};

/// Whether a webhook may go there: a public address, or one in the networks of `[webhooks] allow_networks`.
pub(super) fn permits(allowed: &Networks, address: IpAddr) -> bool {
    let address = address.to_canonical();
    is_public(address) || allowed.hold(address)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19))
                || (a == 192 && b == 0 && c == 0))
        }
        // Global unicast only, without the ranges that carry IPv4 inside or are local.
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            (0x2000..0x4000).contains(&first)
                && first != 0x2002
                && !(first == 0x2001 && (second == 0 || second == 0xdb8))
        }
    }
}

/// Resolves names as the system does and drops what is not permitted, so that the check is on the very address used.
pub(super) struct Guarded(pub(super) Networks);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let permitted: Vec<SocketAddr> = found.into_iter().filter(|at| permits(&networks, at.ip())).collect();
            if permitted.is_empty() {
                return Err(format!("{host} is in a private network; allow it by [webhooks] allow_networks").into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_loopback_and_metadata_addresses_are_not_permitted_unless_allowed() {
        let none = Networks::default();
        for address in [
            "127.0.0.1",
            "10.0.0.8",
            "169.254.169.254",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "224.0.0.1",
        ] {
            assert!(!permits(&none, address.parse().unwrap()), "{address}");
        }
        assert!(permits(&none, "8.8.8.8".parse().unwrap()) && permits(&none, "2400:3200::1".parse().unwrap()));
        let allowed = Networks::parse(["127.0.0.0/8", "fd00::/8"]).unwrap();
        assert!(permits(&allowed, "127.0.0.1".parse().unwrap()) && permits(&allowed, "fd12::1".parse().unwrap()));
        assert!(!permits(&allowed, "10.0.0.1".parse().unwrap()));
    }
}
