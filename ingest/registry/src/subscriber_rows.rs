//! Subscribers as rows.
//!
//! In: a subscriber, or a row.   Out: the other.   Never: a row that cannot be read taken for one that is not there.

use crate::RegistryError;
use model::{
    AlertKind, Authority, ChannelKind, LandClass, Language, QuietHours, Severity, Subscriber, Timestamp, TownshipCode,
    ZoneId, ZoneKind,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use std::time::Duration;

const COLUMNS: &str = "id, name, channel, url, secret, events, townships, zones, severity, duty, since_ms, phone, language, \
     zone_kinds, land_classes, authorities, after_s, quiet, off, old_secret, old_secret_until_ms";

/// Writes one, new or changed.
pub(crate) fn put(connection: &Connection, subscriber: &Subscriber) -> Result<(), RegistryError> {
    let list = |words: Vec<&str>| json!(words).to_string();
    // An update of what is there, so that duty tables go on naming it.
    let updates: Vec<String> =
        COLUMNS.split(", ").skip(1).map(|column| format!("{column} = excluded.{column}")).collect();
    let places: Vec<String> = (1..=COLUMNS.split(", ").count()).map(|place| format!("?{place}")).collect();
    connection.execute(
        &format!(
            "INSERT INTO subscriber ({COLUMNS}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
            places.join(", "),
            updates.join(", ")
        ),
        params![
            subscriber.id,
            subscriber.name,
            subscriber.channel.as_str(),
            subscriber.url,
            subscriber.secret,
            list(words(&subscriber.events, |kind| kind.as_str())),
            list(words(&subscriber.townships, TownshipCode::as_str)),
            list(words(&subscriber.zones, ZoneId::as_str)),
            subscriber.severity.as_str(),
            subscriber.duty,
            subscriber.since.as_millis(),
            subscriber.phone,
            subscriber.language.as_str(),
            list(words(&subscriber.zone_kinds, |kind| kind.as_str())),
            list(words(&subscriber.land_classes, |class| class.as_str())),
            list(words(&subscriber.authorities, |body| body.as_str())),
            subscriber.after.map(|after| i64::try_from(after.as_secs()).unwrap_or(i64::MAX)),
            subscriber.quiet.map(|quiet| quiet.to_string()),
            subscriber.off,
            subscriber.old_secret.as_ref().map(|(secret, _)| secret),
            subscriber.old_secret.as_ref().map(|(_, until)| until.as_millis()),
        ],
    )?;
    Ok(())
}

/// Their words.
pub(crate) fn words<'a, T>(items: &'a [T], word: impl Fn(&'a T) -> &'a str) -> Vec<&'a str> {
    items.iter().map(word).collect()
}

/// One of them.
pub(crate) fn one(connection: &Connection, id: &str) -> Result<Subscriber, RegistryError> {
    let query = format!("SELECT {COLUMNS} FROM subscriber WHERE id = ?1");
    let found = connection.query_row(&query, [id], |row| Ok(subscriber(row))).optional()?;
    found.ok_or_else(|| RegistryError::NotFound { what: "subscriber", name: id.chars().take(64).collect() })?
}

/// Everybody, oldest first.
pub(crate) fn load(connection: &Connection) -> Result<Vec<Subscriber>, RegistryError> {
    let mut query = connection.prepare(&format!("SELECT {COLUMNS} FROM subscriber ORDER BY since_ms, id"))?;
    query.query_and_then([], subscriber)?.collect()
}

fn subscriber(row: &Row<'_>) -> Result<Subscriber, RegistryError> {
    let id: String = row.get(0)?;
    let corrupt = || RegistryError::corrupt("subscriber", id.as_str());
    let list = |index: usize| -> Result<Vec<String>, RegistryError> {
        serde_json::from_str(&row.get::<_, String>(index)?).map_err(|_| corrupt())
    };
    let events: Option<_> = list(5)?.iter().map(|word| AlertKind::parse(word)).collect();
    let townships: Result<_, _> = list(6)?.iter().map(|word| TownshipCode::parse(word)).collect();
    let zones: Result<_, _> = list(7)?.iter().map(|word| ZoneId::parse(word)).collect();
    let zone_kinds: Option<_> = list(13)?.iter().map(|word| ZoneKind::parse(word)).collect();
    let authorities: Option<_> = list(15)?.iter().map(|word| Authority::parse(word)).collect();
    let (channel, severity, language): (String, String, String) = (row.get(2)?, row.get(8)?, row.get(12)?);
    let quiet: Option<String> = row.get(17)?;
    let (old_secret, old_until): (Option<String>, Option<i64>) = (row.get(19)?, row.get(20)?);
    Ok(Subscriber {
        name: row.get(1)?,
        channel: ChannelKind::parse(&channel).ok_or_else(corrupt)?,
        url: row.get(3)?,
        phone: row.get(11)?,
        language: Language::parse(&language).ok_or_else(corrupt)?,
        secret: row.get(4)?,
        old_secret: old_secret.zip(old_until.map(Timestamp::from_millis)),
        events: events.ok_or_else(corrupt)?,
        townships: townships.map_err(|_| corrupt())?,
        zones: zones.map_err(|_| corrupt())?,
        zone_kinds: zone_kinds.ok_or_else(corrupt)?,
        land_classes: list(14)?.iter().map(|word| LandClass::parse(word)).collect(),
        authorities: authorities.ok_or_else(corrupt)?,
        severity: Severity::parse(&severity).ok_or_else(corrupt)?,
        after: row.get::<_, Option<i64>>(16)?.map(|after| Duration::from_secs(u64::try_from(after).unwrap_or(0))),
        quiet: quiet.map(|text| hours(&text).ok_or_else(corrupt)).transpose()?,
        duty: row.get(9)?,
        off: row.get(18)?,
        since: Timestamp::from_millis(row.get(10)?),
        id,
    })
}

/// `22:00 06:00 urgent`
fn hours(text: &str) -> Option<QuietHours> {
    let mut parts = text.split(' ');
    let (from, until, below) = (parts.next()?, parts.next()?, Severity::parse(parts.next()?)?);
    QuietHours::parse(from, until, below)
}
