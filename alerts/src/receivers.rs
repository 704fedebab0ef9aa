//! How those who are told take it, read from the outbox of a service that may not run.
//!
//! In: `alerts.db`.   Out: a line for each receiver that anything was ever for.   Never: a write.

use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverState {
    /// As people call it.
    pub name: String,
    /// By what way it is told.
    pub channel: String,
    /// Messages that wait.
    pub pending: u64,
    /// Messages that were given up.
    pub dead: u64,
    /// The answer to the last message that it did not take, if that was the last attempt of all.
    pub answer: String,
}

impl ReceiverState {
    /// Whether somebody should look.
    pub fn is_failing(&self) -> bool {
        self.dead > 0 || !self.answer.is_empty()
    }
}

/// Every receiver, by name.
pub fn receivers(path: &Path) -> Result<Vec<ReceiverState>, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // The newest attempt decides whether it fails now: SQLite takes the bare columns from the row of the maximum.
    let mut query = connection.prepare(
        "WITH counted AS (SELECT subscriber, sum(state = 'pending') pending, sum(state = 'dead') dead FROM outbox GROUP BY subscriber),
              newest AS (SELECT subscriber, max(json_extract(record, '$.at')), record, state FROM outbox WHERE attempts > 0 GROUP BY subscriber)
         SELECT coalesce(json_extract(n.record, '$.subscriber_name'), c.subscriber), coalesce(json_extract(n.record, '$.channel'), '-'),
                c.pending, c.dead, CASE WHEN n.state <> 'delivered' THEN json_extract(n.record, '$.answer') ELSE '' END
         FROM counted c LEFT JOIN newest n ON n.subscriber = c.subscriber ORDER BY 1",
    )?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let rows = query.query_map([], |row| {
        let answer: Option<String> = row.get(4)?;
        Ok(ReceiverState {
            name: row.get(0)?,
            channel: row.get(1)?,
            pending: count(row.get(2)?),
            dead: count(row.get(3)?),
            answer: answer.unwrap_or_default().chars().take(200).collect(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
