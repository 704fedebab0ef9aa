//! Whether a device, or who listens to alerts, is who it says it is: one rule for MQTT and HTTP.
//!
//! In: an id, a secret, whence they come.   Out: yes, or a [`Wrong`].
//!
//! Who has the right secret always gets in, also from an address where others are wrong: a fleet shares the address of its
//! mobile operator. Who is wrong too often no longer costs a look into the registry's file.
//!
//! Never: a secret in an error; an answer that tells whether a device exists.

use crate::throttle::Throttle;
use model::{Clock, DeviceId};
use registry::{Refusal, Registry};
use std::net::IpAddr;
use std::time::Duration;

/// Why a device is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Unknown device or wrong secret.
    Secret,
    /// Likewise, and its address was wrong so often that it has to wait this long.
    TooOften(Duration),
    /// An operator shut it out.
    Disabled,
    /// It registered itself, and nobody has approved it yet.
    Quarantined,
}

/// Who proved to be who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A device.
    Device,
    /// A subscriber that listens to alerts.
    Listener,
}

/// Checks secrets, and slows down whoever has the wrong ones.
pub struct Credentials {
    registry: Registry,
    clock: Clock,
    throttle: Throttle,
}

impl Credentials {
    /// Checks against `registry`.
    pub fn new(registry: Registry, clock: Clock) -> Self {
        Self { registry, clock, throttle: Throttle::default() }
    }

    /// Whether `device` may speak from `address` with this secret.
    pub fn check(&self, device: &DeviceId, secret: &str, address: IpAddr) -> Result<(), Wrong> {
        self.tried(address, || self.known(device, secret))
    }

    /// The same where listeners come too: whom `name` and this secret are of.
    pub fn client(&self, name: &DeviceId, secret: &str, address: IpAddr) -> Result<Client, Wrong> {
        self.tried(address, || match self.registry.check_listener(name.as_str(), secret) {
            Some(true) => Ok(Client::Listener),
            Some(false) => Err(Wrong::Secret),
            None => self.known(name, secret).map(|()| Client::Device),
        })
    }

    /// The device that `system` knows as `name` (or whose id that is), if whoever speaks from `address` proves that he knows its
    /// derived password ([`Registry::sip_password`]).
    pub fn check_derived(
        &self,
        (system, name): (&str, &str),
        address: IpAddr,
        proves: impl Fn(&str) -> bool,
    ) -> Result<DeviceId, Wrong> {
        self.tried(address, || {
            let device = self.registry.view().borrow().by_external(system, name).map(|device| device.id.clone());
            let Some(device) = device else {
                // The same work as for one that there is.
                proves("");
                return Err(Wrong::Secret);
            };
            let password = self.registry.sip_password(&device).map_err(wrong)?;
            if proves(password.as_str()) { Ok(device) } else { Err(Wrong::Secret) }
        })
    }

    fn tried<T>(&self, address: IpAddr, known: impl Fn() -> Result<T, Wrong>) -> Result<T, Wrong> {
        let outcome = known();
        let Err(reason) = outcome else { return outcome };
        let now = self.clock.now();
        self.throttle.may_try(address, now).map_err(|wait| match reason {
            Wrong::Secret => Wrong::TooOften(wait),
            shut_out => shut_out,
        })?;
        // An operator may have registered or approved it this very second from the command line: look once before it is turned
        // away.
        let outcome = if look_again(&self.registry) { known() } else { outcome };
        if matches!(outcome, Err(Wrong::Secret)) {
            self.throttle.was_wrong(address, now);
        }
        outcome
    }

    /// The registry that it checks against.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// By what is in memory: microseconds, so that a fleet is back within a minute.
    fn known(&self, device: &DeviceId, secret: &str) -> Result<(), Wrong> {
        self.registry.check_secret(device, secret).map_err(wrong)
    }
}

/// Whether the registry can be asked once more for somebody it did not know: what another process wrote is in it then. Reads one page of a
/// small file, on the spot: the runtime has several threads. Whether the view changed by it does not matter: somebody else's look may have
/// come between this one and the first.
pub(crate) fn look_again(registry: &Registry) -> bool {
    tokio::task::block_in_place(|| registry.refresh()).is_ok()
}

fn wrong(refusal: Refusal) -> Wrong {
    match refusal {
        Refusal::Disabled => Wrong::Disabled,
        Refusal::Quarantined => Wrong::Quarantined,
        Refusal::UnknownDevice | Refusal::WrongSecret => Wrong::Secret,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::net::Ipv4Addr;

    #[tokio::test(flavor = "multi_thread")]
    async fn whom_somebody_elses_look_made_known_is_not_turned_away() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        let credentials = Credentials::new(registry.clone(), clock);
        let looks = Cell::new(0);
        let known = || {
            looks.set(looks.get() + 1);
            // Nothing is left to learn: the second hand's own look came between.
            registry.refresh().unwrap();
            if looks.get() == 1 { Err(Wrong::Secret) } else { Ok(()) }
        };
        assert!(credentials.tried(Ipv4Addr::LOCALHOST.into(), known).is_ok());
        assert_eq!(looks.get(), 2);
    }
}
