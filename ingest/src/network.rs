//! Which addresses are one customer's: limits for an address are limits for these.

use std::net::{IpAddr, Ipv6Addr};

/// The address itself; of IPv6 its /64, since who holds one address there holds them all.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}
