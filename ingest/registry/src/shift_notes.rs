//! What people on duty write down for those who come next.
//!
//! In: a text.   Out: [`ShiftNote`]s of a span.   Never: a change of one that was written; the oldest go when there are too many.

use crate::{Registry, RegistryError};
use model::Timestamp;
use rusqlite::params;
use serde_json::json;

/// Notes kept: one an hour for two years.
const MAX_NOTES: i64 = 20_000;
/// Notes of one answer.
const MAX_SHOWN: i64 = 500;
const MAX_CHARS: usize = 2_000;

/// A word for the next shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftNote {
    /// When it was written.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What.
    pub text: String,
}

impl Registry {
    /// Keeps a note: 1 to 2,000 characters.
    pub fn add_shift_note(&self, text: &str, by: &str) -> Result<ShiftNote, RegistryError> {
        let text = text.trim();
        let is_text = |letter: char| !letter.is_control() || letter == '\n';
        if !(1..=MAX_CHARS).contains(&text.chars().count()) || !text.chars().all(is_text) {
            return Err(RegistryError::invalid(
                "text",
                &text.chars().take(20).collect::<String>(),
                "use 1 to 2000 characters",
            ));
        }
        self.write(by, |change| {
            let note = ShiftNote { at: change.now, by: by.to_owned(), text: text.to_owned() };
            change.transaction.execute(
                "INSERT INTO shift_note (at_ms, by_whom, text) VALUES (?1, ?2, ?3)",
                params![note.at.as_millis(), note.by, note.text],
            )?;
            change
                .transaction
                .execute("DELETE FROM shift_note WHERE id <= (SELECT max(id) FROM shift_note) - ?1", [MAX_NOTES])?;
            change.audit("shift.note".to_owned(), None, Some(json!({ "text": text })))?;
            Ok(note)
        })
    }

    /// What was written in a span, oldest first.
    pub fn shift_notes(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ShiftNote>, RegistryError> {
        self.read(|connection| {
            let mut query = connection.prepare(
                "SELECT at_ms, by_whom, text FROM
                 (SELECT * FROM shift_note WHERE at_ms >= ?1 AND at_ms <= ?2 ORDER BY id DESC LIMIT ?3) ORDER BY id",
            )?;
            let rows = query.query_map(params![from.as_millis(), to.as_millis(), MAX_SHOWN], |row| {
                Ok(ShiftNote { at: Timestamp::from_millis(row.get(0)?), by: row.get(1)?, text: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
