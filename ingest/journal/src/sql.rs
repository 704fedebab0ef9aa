//! Values on their way to SQLite and back.
//!
//! In:  offsets, counts and device ids, or what a row holds.   Out: the other. It never makes up a value: a number below
//! zero or a name that does not parse is an error.

use model::{BadName, DeviceId, Offset};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// A count or an offset in SQLite's signed 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsigned(pub(crate) u64);

impl From<Offset> for Unsigned {
    fn from(offset: Offset) -> Self {
        Self(offset.0)
    }
}

impl ToSql for Unsigned {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        // Offsets count up from 1: three hundred thousand years at a million a second.
        let number = i64::try_from(self.0).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        Ok(ToSqlOutput::from(number))
    }
}

impl FromSql for Unsigned {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// Reads an id back. The platform's own name cannot be parsed, so that no device can register it; we are the ones who
/// wrote it, so here it is known.
pub(crate) fn device_from_text(text: &str) -> Result<DeviceId, BadName> {
    let platform = DeviceId::platform();
    if text == platform.as_str() { Ok(platform) } else { DeviceId::parse(text) }
}
