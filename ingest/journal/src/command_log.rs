//! The command log: what operators did. The dashboards append, `alerts` reads; an input like any other.

use crate::JournalError;
use crate::alert_log::open_writer;
use model::{Action, Command, IncidentId, Outcome, Timestamp, ZoneId};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A handle to append and to read; clones share it.
#[derive(Clone)]
pub struct CommandLog {
    connection: Arc<Mutex<Connection>>,
    head: watch::Sender<u64>,
}

#[derive(Serialize, Deserialize)]
struct CommandJson {
    incident: Option<String>,
    by: String,
    at: i64,
    action: ActionJson,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionJson {
    Acknowledge,
    Dispatch { to: String },
    Resolve { outcome: String },
    Reopen,
    Comment { text: String },
    RetryDelivery { delivery: String },
    RetryDeliveries { subscriber: Option<String> },
    TestSubscriber { subscriber: String },
    Drill { zone: String },
    SmsReceipt { delivery: String, arrived: bool, told: String },
}

impl CommandLog {
    /// Opens the log, making the file if it is not there yet.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let connection = open_writer(path)?;
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS command_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)",
            )
            .map_err(engine)?;
        let head = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM command_log", [], |row| row.get::<_, i64>(0))
            .map_err(engine)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            head: watch::Sender::new(u64::try_from(head).unwrap_or(0)),
        })
    }

    /// The last entry's number, and a way to be woken when it grows.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Appends; on disk when it returns. Blocks.
    pub fn append(&self, command: &Command) -> Result<u64, JournalError> {
        let body = serde_json::to_string(&to_json(command)).map_err(|error| JournalError::Engine(error.to_string()))?;
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = connection
            .prepare_cached("INSERT INTO command_log (body) VALUES (?1)")
            .and_then(|mut statement| statement.insert(params![body]))
            .map_err(engine)?;
        let seq = u64::try_from(seq).unwrap_or(0);
        self.head.send_replace(seq);
        Ok(seq)
    }

    /// Up to `limit` commands after `after`, each with its number. Blocks.
    pub fn read(&self, after: u64, limit: usize) -> Result<Vec<(u64, Command)>, JournalError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection
            .prepare_cached("SELECT seq, body FROM command_log WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .map_err(engine)?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(engine)?;
        rows.map(|row| {
            let (seq, body) = row.map_err(engine)?;
            let command = serde_json::from_str(&body).ok().and_then(from_json);
            let command =
                command.ok_or_else(|| JournalError::Engine(format!("command {seq} cannot be read: {body}")))?;
            Ok((u64::try_from(seq).unwrap_or(0), command))
        })
        .collect()
    }
}

fn to_json(command: &Command) -> CommandJson {
    CommandJson {
        incident: command.incident.as_ref().map(ToString::to_string),
        by: command.by.clone(),
        at: command.at.as_millis(),
        action: match &command.action {
            Action::Acknowledge => ActionJson::Acknowledge,
            Action::Dispatch { to } => ActionJson::Dispatch { to: to.clone() },
            Action::Resolve { outcome } => ActionJson::Resolve { outcome: outcome.as_str().to_owned() },
            Action::Reopen => ActionJson::Reopen,
            Action::Comment { text } => ActionJson::Comment { text: text.clone() },
            Action::RetryDelivery { delivery } => ActionJson::RetryDelivery { delivery: delivery.clone() },
            Action::RetryDeliveries { subscriber } => ActionJson::RetryDeliveries { subscriber: subscriber.clone() },
            Action::Drill { zone } => ActionJson::Drill { zone: zone.to_string() },
            Action::TestSubscriber { subscriber } => ActionJson::TestSubscriber { subscriber: subscriber.clone() },
            Action::SmsReceipt { delivery, arrived, told } => {
                ActionJson::SmsReceipt { delivery: delivery.clone(), arrived: *arrived, told: told.clone() }
            }
        },
    }
}

fn from_json(json: CommandJson) -> Option<Command> {
    let action = match json.action {
        ActionJson::Acknowledge => Action::Acknowledge,
        ActionJson::Dispatch { to } => Action::Dispatch { to },
        ActionJson::Resolve { outcome } => Action::Resolve { outcome: Outcome::parse(&outcome)? },
        ActionJson::Reopen => Action::Reopen,
        ActionJson::Comment { text } => Action::Comment { text },
        ActionJson::RetryDelivery { delivery } => Action::RetryDelivery { delivery },
        ActionJson::RetryDeliveries { subscriber } => Action::RetryDeliveries { subscriber },
        ActionJson::Drill { zone } => Action::Drill { zone: ZoneId::parse(&zone).ok()? },
        ActionJson::TestSubscriber { subscriber } => Action::TestSubscriber { subscriber },
        ActionJson::SmsReceipt { delivery, arrived, told } => Action::SmsReceipt { delivery, arrived, told },
    };
    let incident = match json.incident {
        Some(id) => Some(IncidentId::parse(&id).ok()?),
        None => None,
    };
    Some(Command { incident, by: json.by, at: Timestamp::from_millis(json.at), action })
}

fn engine(error: rusqlite::Error) -> JournalError {
    JournalError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_command_comes_back_as_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let log = CommandLog::open(&folder.path().join("commands.db")).unwrap();
        let actions = [
            Action::Acknowledge,
            Action::Dispatch { to: "巴特尔".into() },
            Action::Resolve { outcome: Outcome::FalsePositive },
            Action::Reopen,
            Action::Comment { text: "看见羊群".into() },
            Action::RetryDelivery { delivery: "d1".into() },
            Action::RetryDeliveries { subscriber: Some("sub-1".into()) },
            Action::TestSubscriber { subscriber: "sub-1".into() },
            Action::Drill { zone: ZoneId::parse("north").unwrap() },
            Action::SmsReceipt { delivery: "d1".into(), arrived: false, told: "MK:0001".into() },
        ];
        let given: Vec<_> = actions
            .into_iter()
            .map(|action| Command {
                incident: Some(IncidentId::parse("i-1").unwrap()),
                by: "admin".into(),
                at: Timestamp::from_millis(5),
                action,
            })
            .collect();
        for command in &given {
            log.append(command).unwrap();
        }
        let read: Vec<_> = log.read(0, 100).unwrap().into_iter().map(|(_, command)| command).collect();
        assert_eq!(read, given);
        assert_eq!(*log.head().borrow(), 10);
    }
}
