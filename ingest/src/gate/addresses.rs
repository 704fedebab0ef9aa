//! Who shares an address: how many connections come from it, and how fast it speaks.
//!
//! In:  a connection's address.   Out: a [`Guest`], held while the connection stands, or a refusal.
//!
//! A whole fleet can stand behind one address (a mobile operator's, a load balancer's), so the limits are generous; they
//! keep one source on the open internet from taking every place.

use super::pace::{Pace, Rate};
use crate::network::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All addresses that have connections now.
#[derive(Debug)]
pub struct Addresses {
    connections_max: usize,
    strangers_max: usize,
    rate: Rate,
    known: Mutex<HashMap<IpAddr, Known>>,
}

#[derive(Debug)]
struct Known {
    connections: usize,
    /// Those that have not proved who they are.
    strangers: usize,
    pace: Arc<Pace>,
}

/// One connection of an address.
#[derive(Debug)]
pub struct Guest {
    addresses: Arc<Addresses>,
    address: IpAddr,
    is_stranger: bool,
    /// Shared by all connections of the address.
    pub pace: Arc<Pace>,
}

impl Addresses {
    /// With these limits for each.
    pub fn new(connections_max: usize, strangers_max: usize, rate: Rate) -> Self {
        Self { connections_max, strangers_max, rate, known: Mutex::default() }
    }

    /// Takes a place of the address as a stranger; `None` when it has no more.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Guest> {
        let address = network(address);
        let mut known = self.lock();
        let entry = known.entry(address).or_insert_with(|| Known {
            connections: 0,
            strangers: 0,
            pace: Arc::new(Pace::new(self.rate)),
        });
        if entry.connections >= self.connections_max || entry.strangers >= self.strangers_max {
            return None;
        }
        entry.connections += 1;
        entry.strangers += 1;
        Some(Guest { addresses: Arc::clone(self), address, is_stranger: true, pace: Arc::clone(&entry.pace) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// It has proved who it is.
    pub fn is_known(&mut self) {
        if std::mem::take(&mut self.is_stranger)
            && let Some(entry) = self.addresses.lock().get_mut(&self.address)
        {
            entry.strangers -= 1;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut known = self.addresses.lock();
        if let Some(entry) = known.get_mut(&self.address) {
            entry.connections -= 1;
            entry.strangers -= usize::from(self.is_stranger);
            if entry.connections == 0 {
                known.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_an_ipv6_customer_is_one_address() {
        let rate = Rate { messages_per_s: 1.0, bytes_per_s: 1.0 };
        let addresses = Arc::new(Addresses::new(2, 2, rate));
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let first = enter("2001:db8::1").unwrap();
        let _second = enter("2001:db8::2").unwrap();
        assert!(enter("2001:db8::3").is_none());
        assert!(enter("10.0.0.1").is_some());
        drop(first);
        assert!(enter("2001:db8::3").is_some());
    }

    #[test]
    fn strangers_of_an_address_take_only_their_share_until_they_are_known() {
        let rate = Rate { messages_per_s: 1.0, bytes_per_s: 1.0 };
        let addresses = Arc::new(Addresses::new(3, 1, rate));
        let enter = || addresses.enter("10.0.0.1".parse().unwrap());
        let mut first = enter().unwrap();
        assert!(enter().is_none());
        first.is_known();
        first.is_known();
        let second = enter().unwrap();
        assert!(enter().is_none());
        drop((first, second));
        assert!(enter().is_some());
    }
}
