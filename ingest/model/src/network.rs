use std::net::IpAddr;

/// Networks that somebody names to be trusted or allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u8)>);

/// What is no network in CIDR form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network; write an address and a prefix length")]
pub struct BadNetwork(String);

impl Networks {
    /// Reads CIDR notation.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, BadNetwork> {
        let one = |text: &str| {
            let (address, length) = text.split_once('/')?;
            let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
            (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
        };
        let parsed = networks.into_iter().map(|text| one(text).ok_or_else(|| BadNetwork(text.to_owned())));
        Ok(Self(parsed.collect::<Result<_, _>>()?))
    }

    /// Whether the address is in one of them.
    pub fn hold(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, length)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(*length)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(*length)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_by_its_first_bits() {
        let networks = Networks::parse(["10.8.0.0/24", "::1/128"]).unwrap();
        let holds = |address: &str| networks.hold(address.parse().unwrap());
        assert!(holds("10.8.0.255") && holds("::1") && holds("::ffff:10.8.0.7"));
        assert!(!holds("10.8.1.0") && !holds("::2") && !holds("127.0.0.1"));
        assert!(Networks::parse(["0.0.0.0/0"]).unwrap().hold("203.0.113.9".parse().unwrap()));
        assert!(Networks::parse(["10.8.0.0"]).is_err() && Networks::parse(["10.8.0.0/33"]).is_err());
    }

    #[test]
    fn a_network_that_is_none_is_refused() {
        for bad in ["127.0.0.1", "127.0.0.0/33", "localhost/8", ""] {
            assert_eq!(Networks::parse([bad]).unwrap_err(), BadNetwork(bad.into()));
        }
    }
}
