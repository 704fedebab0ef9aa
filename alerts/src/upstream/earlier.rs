//! What a system was told of the same matter before, as the outbox has it.
//!
//! In: a subscriber, a lane and a matter.   Out: [`Earlier`], oldest first.   Never: what was given up and so never reached it.

use crate::cap::Earlier;
use model::Timestamp;
use rusqlite::{Transaction, params};

/// Of a case that goes on for days the newest are named: a receiver that took them knows what they superseded.
const EARLIER_MAX: i64 = 20;

pub(super) fn of(
    transaction: &Transaction<'_>,
    subscriber: &str,
    lane: &str,
    matter: &str,
) -> rusqlite::Result<Vec<Earlier>> {
    // An alert's id is that of its matter, or begins with it and a hyphen.
    let mut statement = transaction.prepare_cached(
        "SELECT o.id, l.at FROM outbox o
         JOIN alert a ON a.id = json_extract(o.record, '$.alert') JOIN alert_log l ON l.seq = a.seq
         WHERE o.subscriber = ?1 AND o.lane = ?2 AND o.state <> 'dead'
             AND (a.id = ?3 OR substr(a.id, 1, length(?3) + 1) = ?3 || '-')
         ORDER BY o.seq DESC LIMIT ?4",
    )?;
    let rows = statement.query_map(params![subscriber, lane, matter, EARLIER_MAX], |row| {
        Ok(Earlier { identifier: row.get(0)?, sent: Timestamp::from_millis(row.get(1)?) })
    })?;
    let mut earlier = rows.collect::<Result<Vec<_>, _>>()?;
    earlier.reverse();
    Ok(earlier)
}
