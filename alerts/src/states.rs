//! `detection.db`: detection's state, and the entry of the journal up to which it counts.
//!
//! A file of its own, so that megabytes of state hold up no alert on their way into `alerts.db`. The state is never ahead of the alerts: it is
//! kept after what was found up to its entry was raised. Behind it may be, and judging again changes nothing.

use crate::store::{Store, StoreError, signed};
use journal::alert_log::open_writer;
use model::Offset;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS state
    (one INTEGER PRIMARY KEY CHECK (one = 1), offset INTEGER NOT NULL, state BLOB NOT NULL);";

/// The open file; clones share it.
#[derive(Clone)]
pub struct States {
    connection: Arc<Mutex<Connection>>,
}

impl States {
    /// Opens the file, making it if it is not there yet. The state of an installation whose `alerts` still has it moves here.
    pub fn open(path: &Path, alerts: &Store) -> Result<Self, StoreError> {
        let connection = open_writer(path)?;
        connection.execute_batch(SCHEMA)?;
        let states = Self { connection: Arc::new(Mutex::new(connection)) };
        if states.offset()?.is_none()
            && let Some((offset, state)) = alerts.state_before()?
        {
            states.keep(offset, &state)?;
        }
        alerts.forget_state_before()?;
        Ok(states)
    }

    /// Up to which entry of the journal the state counts; `None` when none was kept yet.
    pub fn offset(&self) -> Result<Option<Offset>, StoreError> {
        Ok(self.column("offset")?.map(offset))
    }

    /// The state.
    pub fn state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.column("state")
    }

    /// Replaces it, once everything found up to `offset` was raised.
    pub fn keep(&self, offset: Offset, state: &[u8]) -> Result<(), StoreError> {
        self.lock().execute(
            "INSERT INTO state (one, offset, state) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET offset = excluded.offset, state = excluded.state",
            params![signed(offset.0), state],
        )?;
        Ok(())
    }

    fn column<T: FromSql>(&self, name: &str) -> Result<Option<T>, StoreError> {
        Ok(self.lock().query_row(&format!("SELECT {name} FROM state"), [], |row| row.get(0)).optional()?)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the database writes it.
pub(crate) fn offset(number: i64) -> Offset {
    Offset(u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::open;

    #[test]
    fn the_state_is_the_last_that_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("detection.db");
        let states = States::open(&path, &open(&folder)).unwrap();
        assert_eq!((states.offset().unwrap(), states.state().unwrap()), (None, None));
        states.keep(Offset(9), b"first").unwrap();
        states.keep(Offset(12), b"second").unwrap();
        drop(states);
        let again = States::open(&path, &open(&folder)).unwrap();
        assert_eq!((again.offset().unwrap(), again.state().unwrap()), (Some(Offset(12)), Some(b"second".to_vec())));
    }

    #[test]
    fn a_state_that_stood_among_the_alerts_moves_once() {
        let folder = tempfile::tempdir().unwrap();
        let old = "CREATE TABLE checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), offset INTEGER NOT NULL, state BLOB NOT NULL);
                   INSERT INTO checkpoint VALUES (1, 7, x'6f6c64');";
        Connection::open(folder.path().join("alerts.db")).unwrap().execute_batch(old).unwrap();
        let alerts = open(&folder);
        let path = folder.path().join("detection.db");
        let states = States::open(&path, &alerts).unwrap();
        assert_eq!((states.offset().unwrap(), states.state().unwrap()), (Some(Offset(7)), Some(b"old".to_vec())));
        assert_eq!(alerts.state_before().unwrap(), None);
    }
}
