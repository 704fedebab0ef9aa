//! How often an address may be wrong.
//!
//! In: wrong secrets or claims, by address.   Out: leave to try, or how long to wait.
//!
//! Secrets are beyond guessing (32 random bytes); this spares the log, and the registry the looks for newcomers. Time comes from
//! the platform's clock. The map is bounded: when it is full, the address whose wait ends first makes room.

use crate::network::network;
use model::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong secrets from one address within [`WRONG_SECRETS_WINDOW`] before it has to wait: a whole site may sit behind it.
const WRONG_SECRETS_MAX: u32 = 20;

/// See [`WRONG_SECRETS_MAX`]. Counted from the first, so that one device with an old secret that tries twice a minute never
/// locks out its neighbours.
const WRONG_SECRETS_WINDOW: Duration = Duration::from_secs(30);

/// Addresses remembered; about a megabyte.
const ADDRESSES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Wrongs {
    count: u32,
    until: Timestamp,
}

/// Counts what was wrong.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<IpAddr, Wrongs>>);

impl Throttle {
    /// `Err` is how long the address has to wait before it may try.
    pub fn may_try(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let wrongs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wrongs.get(&network(address)) {
            Some(wrong) if wrong.count >= WRONG_SECRETS_MAX && wrong.until > now => Err(wrong.until.since(now)),
            _ => Ok(()),
        }
    }

    /// The address tried and was wrong.
    pub fn was_wrong(&self, address: IpAddr, now: Timestamp) {
        let address = network(address);
        let mut wrongs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wrongs.len() >= ADDRESSES_MAX && !wrongs.contains_key(&address) {
            wrongs.retain(|_, wrong| wrong.until > now);
            if wrongs.len() >= ADDRESSES_MAX {
                let soonest = wrongs.iter().min_by_key(|(_, wrong)| wrong.until).map(|(address, _)| *address);
                soonest.and_then(|address| wrongs.remove(&address));
            }
        }
        let fresh = Wrongs { count: 0, until: now.plus(WRONG_SECRETS_WINDOW) };
        let wrong = wrongs.entry(address).or_insert(fresh);
        if wrong.until <= now {
            *wrong = fresh;
        }
        wrong.count = wrong.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn after_twenty_wrong_secrets_in_half_a_minute_an_address_waits_for_its_rest_and_no_other_does() {
        let throttle = Throttle::default();
        for second in 0..20 {
            assert_eq!(throttle.may_try(address(1), at(second)), Ok(()));
            throttle.was_wrong(address(1), at(second));
        }
        assert_eq!(throttle.may_try(address(1), at(20)), Err(Duration::from_secs(10)));
        assert_eq!(throttle.may_try(address(2), at(20)), Ok(()));
        assert_eq!(throttle.may_try(address(1), at(30)), Ok(()));
    }

    #[test]
    fn an_old_secret_tried_every_ten_seconds_for_a_day_makes_nobody_wait() {
        let throttle = Throttle::default();
        for turn in 0..8_640 {
            throttle.was_wrong(address(1), at(turn * 10));
            assert_eq!(throttle.may_try(address(1), at(turn * 10)), Ok(()));
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together_and_the_map_is_bounded() {
        let throttle = Throttle::default();
        for last in 0..20 {
            throttle.was_wrong(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]), at(0));
        }
        assert!(throttle.may_try(IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]), at(1)).is_err());
        assert!(throttle.may_try(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 0]), at(1)).is_ok());
        for n in 0..ADDRESSES_MAX + 5 {
            throttle.was_wrong(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()), at(1));
        }
        assert!(throttle.0.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
