//! The registry's handle: opens the file, runs each change as one transaction, publishes what came of it.
//!
//! In: changes from the other files of this crate.   Out: [`View`] through a watch channel, credentials in memory.
//! Never: a change without its audit entry; a view that mixes two states of the database.

use crate::audit::Change;
use crate::listeners::Listeners;
use crate::load::{Part, Parts};
use crate::secrets::{Credentials, Refusal, Secret, random_bytes};
use crate::{RegistryError, View, schema};
use model::{Clock, DeviceId};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a change waits for another process's; the longest is a zone import's commit.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries of what SQLite does not wait for itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// The registry. Clones share one connection and one view; several processes may have the file open.
#[derive(Clone)]
pub struct Registry {
    pub(crate) inner: Arc<Inner>,
    /// From where what is done with this handle comes, for the audit.
    address: Option<Arc<str>>,
}

pub(crate) struct Inner {
    pub(crate) clock: Clock,
    /// Keys the hashes of credentials and of audit entries.
    pub(crate) key: [u8; 32],
    database: Mutex<Database>,
    credentials: RwLock<Arc<Credentials>>,
    listeners: RwLock<Arc<Listeners>>,
    view: watch::Sender<Arc<View>>,
    /// One password at a time: each takes 19 MiB and a core for some 50 ms, and a flood of logins must not take them all.
    pub(crate) hashing: Mutex<()>,
}

/// The connection and what of the file this handle has seen.
struct Database {
    connection: Connection,
    /// `PRAGMA data_version` before the last load; `None`: load again whatever it says.
    seen: Option<i64>,
    parts: Parts,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("view", &self.inner.view.borrow().version).finish_non_exhaustive()
    }
}

/// Switches a new file to write-ahead logging. Where processes start together on an empty folder, SQLite answers "busy" to
/// this at once, whatever the timeout: it cannot tell waiting from a deadlock.
fn write_ahead(connection: &Connection) -> Result<(), RegistryError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL").map_err(RegistryError::from) {
            Err(RegistryError::Busy) if begun.elapsed() < BUSY_TIMEOUT => std::thread::sleep(BUSY_PAUSE),
            outcome => return outcome,
        }
    }
}

impl Registry {
    /// Opens the file, makes it (and `*.key` beside it, both readable by their owner only) if it is not there.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, RegistryError> {
        let file_error = |source| RegistryError::File { path: path.to_owned(), source };
        // Made by us before SQLite does, for its mode; SQLite gives its WAL the same one.
        OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(file_error)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        write_ahead(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut connection, path)?;
        let key = open_key(&mut connection, &path.with_extension("key"))?;
        let inner = Inner {
            clock,
            key,
            database: Mutex::new(Database { connection, seen: None, parts: Parts::default() }),
            credentials: RwLock::default(),
            listeners: RwLock::default(),
            view: watch::Sender::new(Arc::new(View::default())),
            hashing: Mutex::new(()),
        };
        let registry = Self { inner: Arc::new(inner), address: None };
        registry.refresh()?;
        Ok(registry)
    }

    /// The same, for somebody at this address of the network.
    #[must_use]
    pub fn from_address(&self, address: IpAddr) -> Self {
        Self { inner: Arc::clone(&self.inner), address: Some(Arc::from(address.to_string())) }
    }

    /// The newest snapshot, and notice of the next one.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.inner.view.subscribe()
    }

    /// Picks up what other processes wrote and zones whose day has come; `true` when the view changed. Cheap when
    /// nothing did: call it every second.
    pub fn refresh(&self) -> Result<bool, RegistryError> {
        self.inner.reload(&mut self.database())
    }

    /// Whether the device may speak: microseconds, no disk, the same work for an unknown device.
    pub fn check_secret(&self, device: &DeviceId, secret: &str) -> Result<(), Refusal> {
        let credentials = Arc::clone(&self.inner.credentials.read().unwrap_or_else(PoisonError::into_inner));
        credentials.check(&self.inner.key, device, secret)
    }

    /// What a camera has to know for the digest of SIP: derived, so it can be shown again, and another one after
    /// [`Registry::renew_credential`]. Microseconds, no disk.
    pub fn sip_password(&self, device: &DeviceId) -> Result<Secret, Refusal> {
        let credentials = Arc::clone(&self.inner.credentials.read().unwrap_or_else(PoisonError::into_inner));
        credentials.sip_password(&self.inner.key, device)
    }

    // A panic while the lock was held rolled its transaction back, so the connection is sound.
    fn database(&self) -> MutexGuard<'_, Database> {
        self.inner.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a query on the connection.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        query(&self.database().connection)
    }

    /// Runs a change as one transaction and publishes what came of it. An error of `change` rolls everything back.
    pub(crate) fn write<T, E: From<RegistryError>>(
        &self,
        by: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut database = self.database();
        let (transaction, done) = self.carry_out(&mut database, by, change)?;
        transaction.commit().map_err(RegistryError::from)?;
        // The change stands, whatever becomes of reading it back: telling the caller it failed would lose a new secret.
        database.seen = None;
        if let Err(error) = self.inner.reload(&mut database) {
            tracing::error!(%error, "registry changed but its view could not be rebuilt; the next refresh tries again");
        }
        Ok(done)
    }

    /// Runs a change and takes it back: what would come of it.
    pub(crate) fn rehearse<T, E: From<RegistryError>>(
        &self,
        by: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // A transaction that is dropped is rolled back.
        self.carry_out(&mut self.database(), by, change).map(|(_, done)| done)
    }

    fn carry_out<'a, T, E: From<RegistryError>>(
        &self,
        database: &'a mut Database,
        by: &str,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<(Transaction<'a>, T), E> {
        if by.is_empty() || by.chars().count() > 100 {
            return Err(RegistryError::invalid("by", by, "name who makes the change in 1 to 100 characters").into());
        }
        let transaction = database
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(RegistryError::from)?;
        let author = (by, self.address.as_deref());
        let done = change(&mut Change::new(&transaction, &self.inner.key, self.inner.clock.now(), author))?;
        Ok((transaction, done))
    }
}

impl Inner {
    pub(crate) fn listeners(&self) -> Arc<Listeners> {
        Arc::clone(&self.listeners.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn reload(&self, database: &mut Database) -> Result<bool, RegistryError> {
        let now = self.clock.now();
        // Read first: a commit that slips in between is loaded now and once more at the next call.
        let data_version = database.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if database.seen == Some(data_version) && !database.parts.zone_is_due(now) {
            return Ok(false);
        }
        let transaction = database.connection.transaction()?;
        let changed = database.parts.load(&transaction, now)?;
        drop(transaction);
        database.seen = Some(data_version);
        if changed.is_empty() {
            return Ok(false);
        }
        if changed.contains(&Part::Devices) {
            let credentials = database.parts.credentials();
            *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = credentials;
        }
        if changed.contains(&Part::Subscribers) {
            *self.listeners.write().unwrap_or_else(PoisonError::into_inner) = database.parts.listeners();
        }
        let version = self.view.borrow().version + 1;
        self.view.send_replace(Arc::new(database.parts.view(version)));
        Ok(true)
    }
}

/// The registry's key: 32 random bytes in their own file, so that a copy of the database alone cannot be used to test
/// guesses or to write audit entries. Which key a database belongs to is written in it, keyed, to notice a mix-up.
fn open_key(connection: &mut Connection, path: &Path) -> Result<[u8; 32], RegistryError> {
    let file_error = |source| RegistryError::File { path: path.to_owned(), source };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mark: Option<Vec<u8>> =
        transaction.query_row("SELECT value FROM meta WHERE name = 'key'", [], |row| row.get(0)).optional()?;
    let stored = match fs::read(path) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice()).ok(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(file_error(error)),
    };
    let key = match (mark, stored) {
        (Some(mark), Some(key)) if mark == key_mark(&key) => return Ok(key),
        (Some(_), _) => return Err(RegistryError::Key { path: path.to_owned() }),
        // Left by a first start that was killed before it committed.
        (None, Some(key)) => key,
        (None, None) => {
            let key = random_bytes::<32>()?;
            write_private(path, &key).map_err(file_error)?;
            key
        }
    };
    transaction.execute("INSERT INTO meta (name, value) VALUES ('key', ?1)", [key_mark(&key)])?;
    transaction.commit()?;
    Ok(key)
}

fn key_mark(key: &[u8; 32]) -> Vec<u8> {
    blake3::keyed_hash(key, b"steppewatch registry key").as_bytes().to_vec()
}

/// Whole or not at all: written beside, synced, renamed.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside: PathBuf = path.with_extension("key.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::File::open(folder)?.sync_all()
}
