//! How often somebody may try a password.
//!
//! In: attempts, by username and by address.   Out: leave to try, or how long to wait.
//!
//! Invariant: an attempt is counted before the password is looked at, so trying many at once gains nothing; a right password
//! takes its count back. The maps are bounded: the entry whose wait ends first makes room. Waits are short, because whoever
//! can make wrong attempts could otherwise lock out the operators.

use model::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong passwords for one username before it has to wait.
const ATTEMPTS_PER_USERNAME: u32 = 5;

/// Wrong passwords from one address before it has to wait: a whole office may sit behind it.
const ATTEMPTS_PER_ADDRESS: u32 = 20;

/// How long after the last attempt the count starts again.
const WAIT: Duration = Duration::from_secs(30);

/// Usernames and addresses remembered; about a megabyte.
const REMEMBERED_MAX: usize = 10_000;

/// Counts attempts.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    usernames: Mutex<Counters<String>>,
    addresses: Mutex<Counters<IpAddr>>,
}

type Counters<K> = HashMap<K, Counter>;

#[derive(Debug, Clone, Copy)]
struct Counter {
    attempts: u32,
    until: Timestamp,
}

impl Throttle {
    /// Counts an attempt; `Err` is how long to wait instead of making it.
    pub fn attempt(&self, username: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        count(&self.addresses, network(address), ATTEMPTS_PER_ADDRESS, now)?;
        count(&self.usernames, username.to_lowercase(), ATTEMPTS_PER_USERNAME, now)
    }

    /// The same of somebody who has no name yet.
    pub fn attempt_from(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        count(&self.addresses, network(address), ATTEMPTS_PER_ADDRESS, now)
    }

    /// The password was right: the attempt does not count.
    pub fn succeeded(&self, username: &str, address: IpAddr) {
        self.usernames.lock().unwrap_or_else(PoisonError::into_inner).remove(&username.to_lowercase());
        self.succeeded_from(address);
    }

    /// The same of somebody who had no name yet.
    pub fn succeeded_from(&self, address: IpAddr) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = addresses.get_mut(&network(address)) {
            counter.attempts = counter.attempts.saturating_sub(1);
        }
    }
}

/// Who holds one IPv6 address holds its /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
        IpAddr::V4(_) => address,
    }
}

fn count<K: Hash + Eq + Clone>(
    counters: &Mutex<Counters<K>>,
    key: K,
    allowed: u32,
    now: Timestamp,
) -> Result<(), Duration> {
    let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
    if counters.len() >= REMEMBERED_MAX && !counters.contains_key(&key) {
        counters.retain(|_, counter| counter.until > now);
        if counters.len() >= REMEMBERED_MAX {
            let soonest = counters.iter().min_by_key(|(_, counter)| counter.until).map(|(key, _)| key.clone());
            soonest.and_then(|key| counters.remove(&key));
        }
    }
    let counter = counters.entry(key).or_insert(Counter { attempts: 0, until: now });
    if counter.until <= now {
        counter.attempts = 0;
    }
    if counter.attempts >= allowed {
        return Err(counter.until.since(now));
    }
    counter.attempts += 1;
    counter.until = now.plus(WAIT);
    Ok(())
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
    fn after_five_wrong_passwords_a_username_waits_wherever_it_is_tried_from() {
        let throttle = Throttle::default();
        for n in 0..5 {
            assert_eq!(throttle.attempt("admin", address(n), at(0)), Ok(()));
        }
        assert_eq!(throttle.attempt("Admin", address(9), at(10)), Err(Duration::from_secs(20)));
        assert_eq!(throttle.attempt("somebody", address(9), at(10)), Ok(()));
        assert_eq!(throttle.attempt("admin", address(9), at(31)), Ok(()));
    }

    #[test]
    fn after_twenty_wrong_passwords_an_address_waits_whatever_the_username() {
        let throttle = Throttle::default();
        for n in 0..20 {
            assert_eq!(throttle.attempt(&format!("user{n}"), address(1), at(0)), Ok(()));
        }
        assert!(throttle.attempt("one more", address(1), at(0)).is_err());
        assert!(throttle.attempt("one more", address(2), at(0)).is_ok());
    }

    #[test]
    fn right_passwords_never_wait() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            assert_eq!(throttle.attempt("admin", address(1), at(0)), Ok(()));
            throttle.succeeded("admin", address(1));
        }
    }

    #[test]
    fn the_map_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..REMEMBERED_MAX + 5 {
            let address = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            throttle.attempt("x", address, at(0)).ok();
        }
        assert!(throttle.addresses.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
