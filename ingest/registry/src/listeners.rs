//! Who listens to alerts by MQTT: subscribers with a password, as devices have a secret.
//!
//! In: a subscriber's id and the password it sent.   Out: yes, no, or that nobody of that id listens.
//! Never: a stored or logged password; a hash in the view; a device by the name of a listener, now or later.

use crate::audit::Change;
use crate::secrets::{Secret, listener_hash};
use crate::{Registry, RegistryError};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use subtle::ConstantTimeEq;

/// Programs of townships and of neighbouring systems: a region has a few for each banner.
pub const MAX_LISTENERS: u64 = 1_000;
/// What ids of subscribers begin with; then there are sixteen digits.
pub(crate) const ID_PREFIX: &str = "sub-";
/// In topics it stands where else a device stands.
const ALERTS: &str = "alerts";

/// What every listener's password hashes to, in memory.
#[derive(Default)]
pub(crate) struct Listeners(HashMap<String, [u8; 32]>);

impl Listeners {
    pub(crate) fn check(&self, key: &[u8; 32], id: &str, password: &str) -> Option<bool> {
        let expected = self.0.get(id)?;
        Some(bool::from(listener_hash(key, id, password).ct_eq(expected)))
    }
}

impl Registry {
    /// Whether this is the password of the listener; `None` when nobody of that id listens. Microseconds, no disk.
    pub fn check_listener(&self, id: &str, password: &str) -> Option<bool> {
        self.inner.listeners().check(&self.inner.key, id, password)
    }
}

/// Gives a subscriber that was just written its password, which is not shown again.
pub(crate) fn insert(change: &Change<'_>, key: &[u8; 32], subscriber: &str) -> Result<Secret, RegistryError> {
    let count: i64 = change.transaction.query_row("SELECT count(*) FROM listener", [], |row| row.get(0))?;
    if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_LISTENERS {
        return Err(RegistryError::Limit { what: "listeners", limit: MAX_LISTENERS });
    }
    let password = Secret::random()?;
    change.transaction.execute(
        "INSERT INTO listener (subscriber, credential) VALUES (?1, ?2)",
        params![subscriber, listener_hash(key, subscriber, password.as_str()).as_slice()],
    )?;
    Ok(password)
}

/// Takes a subscriber's password away, if it has one.
pub(crate) fn remove(change: &Change<'_>, subscriber: &str) -> Result<(), RegistryError> {
    change.transaction.execute("DELETE FROM listener WHERE subscriber = ?1", [subscriber])?;
    Ok(())
}

/// Every listener's.
pub(crate) fn load(connection: &Connection) -> Result<Listeners, RegistryError> {
    let mut query = connection.prepare("SELECT subscriber, credential FROM listener")?;
    let mut rows = query.query([])?;
    let mut listeners = HashMap::new();
    while let Some(row) = rows.next()? {
        let (id, hash): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let hash = <[u8; 32]>::try_from(hash).map_err(|_| RegistryError::corrupt("listener", id.as_str()))?;
        listeners.insert(id, hash);
    }
    Ok(Listeners(listeners))
}

/// Refuses a device whose name in a topic or at the gate would be taken for something else.
pub(crate) fn check_device_id(id: &str) -> Result<(), RegistryError> {
    let is_subscribers = id
        .strip_prefix(ID_PREFIX)
        .is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    if is_subscribers || id == ALERTS {
        let remedy = "it is kept for those who listen to alerts; choose another id";
        return Err(RegistryError::invalid("id", id, remedy));
    }
    Ok(())
}
