//! Who is told, where, and with which signing key.
//!
//! In: [`NewSubscriber`] from an operator.   Out: [`Subscriber`] with its secret, and the same in the view (deliveries sign with it).
//! Never: a secret or a phone number in the audit; an address that carries a password.

use crate::load::Part;
use crate::secrets::random_bytes;
use crate::{Registry, RegistryError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{AlertKind, ChannelKind, Language, Severity, Subscriber, Timestamp, TownshipCode, ZoneId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

/// Each alert is matched against every subscriber.
pub const MAX_SUBSCRIBERS: u64 = 10_000;
/// Longer addresses are refused by common servers.
const MAX_URL_BYTES: usize = 2_000;
/// Every zone there can be.
const MAX_FILTER: usize = 10_000;
/// A robot's secret is some tens of letters.
const MAX_SECRET_BYTES: usize = 200;
const SECRET_PREFIX: &str = "whsec_";

/// Somebody who wants to be told. Empty lists mean "all".
#[derive(Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// As people call it, 1 to 100 characters.
    pub name: String,
    /// By what way.
    pub channel: ChannelKind,
    /// Where to: http or https; empty for a phone.
    pub url: String,
    /// The phone's number for text messages: a mobile number, or `+` and digits.
    pub phone: Option<String>,
    /// In which language, where it is told in words.
    pub language: Language,
    /// Of a webhook `whsec_` and base64 of 24 to 64 bytes, made when absent; of a robot as its group shows it.
    pub secret: Option<String>,
    /// Which kinds of alert.
    pub events: Vec<AlertKind>,
    /// Which townships.
    pub townships: Vec<TownshipCode>,
    /// Which zones.
    pub zones: Vec<ZoneId>,
    /// From which urgency on.
    pub severity: Severity,
    /// `local_government` or `forestry_authority`.
    pub duty: Option<String>,
}

impl NewSubscriber {
    /// A webhook for everything that happens.
    pub fn webhook(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            channel: ChannelKind::Webhook,
            url: url.into(),
            phone: None,
            language: Language::Zh,
            secret: None,
            events: Vec::new(),
            townships: Vec::new(),
            zones: Vec::new(),
            severity: Severity::Notice,
            duty: None,
        }
    }
}

impl std::fmt::Debug for NewSubscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSubscriber").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Registry {
    /// Registers a subscriber; the answer holds the secret, to be shown once.
    pub fn add_subscriber(&self, new: NewSubscriber, by: &str) -> Result<Subscriber, RegistryError> {
        check(&new)?;
        let secret = match new.secret {
            Some(secret) => secret,
            None if new.channel == ChannelKind::Webhook => {
                format!("{SECRET_PREFIX}{}", STANDARD.encode(random_bytes::<32>()?))
            }
            None => String::new(),
        };
        let phone = new.phone.as_deref().map(checked_phone).transpose()?;
        let mut id = String::from("sub-");
        for byte in random_bytes::<8>()? {
            id.push_str(&format!("{byte:02x}"));
        }
        self.write(by, |change| {
            let subscriber = Subscriber {
                id,
                name: new.name,
                channel: new.channel,
                url: new.url,
                phone,
                language: new.language,
                secret,
                events: new.events,
                townships: new.townships,
                zones: new.zones,
                severity: new.severity,
                duty: new.duty,
                since: change.now,
            };
            insert(change.transaction, &subscriber)?;
            change.touch(Part::Subscribers)?;
            change.audit(format!("subscriber.add {}", subscriber.id), None, Some(shown(&subscriber)))?;
            Ok(subscriber)
        })
    }

    /// Removes a subscriber; nothing more is sent to it.
    pub fn remove_subscriber(&self, id: &str, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let before = change
                .transaction
                .query_row(&format!("SELECT {COLUMNS} FROM subscriber WHERE id = ?1"), [id], |row| Ok(subscriber(row)))
                .optional()?
                .ok_or_else(|| RegistryError::NotFound { what: "subscriber", name: id.chars().take(64).collect() })??;
            change.touch(Part::Subscribers)?;
            change.transaction.execute("DELETE FROM subscriber WHERE id = ?1", [id])?;
            change.audit(format!("subscriber.remove {id}"), Some(shown(&before)), None)
        })
    }
}

fn insert(connection: &Connection, subscriber: &Subscriber) -> Result<(), RegistryError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM subscriber", [], |row| row.get(0))?;
    if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_SUBSCRIBERS {
        return Err(RegistryError::Limit { what: "subscribers", limit: MAX_SUBSCRIBERS });
    }
    connection.execute(
        &format!("INSERT INTO subscriber ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
        params![
            subscriber.id,
            subscriber.name,
            subscriber.channel.as_str(),
            subscriber.url,
            subscriber.secret,
            json!(words(&subscriber.events, |kind| kind.as_str())).to_string(),
            json!(words(&subscriber.townships, TownshipCode::as_str)).to_string(),
            json!(words(&subscriber.zones, ZoneId::as_str)).to_string(),
            subscriber.severity.as_str(),
            subscriber.duty,
            subscriber.since.as_millis(),
            subscriber.phone,
            subscriber.language.as_str(),
        ],
    )?;
    Ok(())
}

fn words<'a, T>(items: &'a [T], word: impl Fn(&'a T) -> &'a str) -> Vec<&'a str> {
    items.iter().map(word).collect()
}

/// What the audit says of a subscriber: everything but its secret. The query part of a URL often is one, so it is cut.
fn shown(subscriber: &Subscriber) -> Value {
    let address = subscriber.url.split(['?', '#']).next().unwrap_or_default();
    json!({
        "name": subscriber.name,
        "channel": subscriber.channel.as_str(),
        "url": address,
        "language": subscriber.language.as_str(),
        "events": words(&subscriber.events, |kind| kind.as_str()),
        "townships": words(&subscriber.townships, TownshipCode::as_str),
        "zones": words(&subscriber.zones, ZoneId::as_str),
        "severity": subscriber.severity.as_str(),
        "duty": subscriber.duty,
    })
}

fn check(new: &NewSubscriber) -> Result<(), RegistryError> {
    let invalid = |key, value: &str, remedy: &str| RegistryError::invalid(key, value, remedy);
    let visible = !new.name.trim().is_empty() && !new.name.chars().any(char::is_control);
    if !visible || new.name.chars().count() > 100 {
        return Err(invalid("name", &new.name, "use 1 to 100 characters"));
    }
    check_way(new)?;
    if let (ChannelKind::Webhook, Some(secret)) = (new.channel, &new.secret) {
        let decoded = secret.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
        if !decoded.is_some_and(|bytes| (24..=64).contains(&bytes.len())) {
            return Err(invalid("secret", "(not shown)", "use whsec_ and base64 of 24 to 64 bytes, or leave it out"));
        }
    }
    if new.townships.len() > MAX_FILTER || new.zones.len() > MAX_FILTER || new.events.len() > AlertKind::ALL.len() {
        return Err(invalid(
            "filter",
            &new.name,
            &format!("name at most {MAX_FILTER} zones and townships, each event once"),
        ));
    }
    match new.duty.as_deref() {
        None | Some("local_government" | "forestry_authority") => Ok(()),
        Some(other) => Err(invalid("duty", other, "use local_government or forestry_authority, or leave it out")),
    }
}

/// What a way needs, and what it has no use for.
fn check_way(new: &NewSubscriber) -> Result<(), RegistryError> {
    let invalid = RegistryError::invalid;
    if new.channel == ChannelKind::Sms {
        return match (&new.phone, new.url.is_empty(), &new.secret) {
            (Some(_), true, None) => Ok(()),
            (None, ..) => Err(invalid("phone", "", "a text message needs a phone number")),
            _ => Err(invalid("url", "…", "a phone has no url and no secret; leave them out")),
        };
    }
    if new.phone.is_some() {
        return Err(invalid("phone", "(not shown)", "only a text message has a phone; leave it out"));
    }
    if new.secret.as_ref().is_some_and(|secret| secret.len() > MAX_SECRET_BYTES || secret.chars().any(char::is_control))
    {
        return Err(invalid(
            "secret",
            "(not shown)",
            "use the robot's secret as its group shows it, at most 200 bytes",
        ));
    }
    check_url(&new.url)
}

/// `+8613912345678`: as entered, without spaces and hyphens; a mobile number of the mainland gets its country.
fn checked_phone(text: &str) -> Result<String, RegistryError> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (plain.starts_with('+'), digits.len()) {
        (true, 7..=15) if all_digits => Ok(plain),
        (false, 11) if all_digits && digits.starts_with('1') => Ok(format!("+86{digits}")),
        _ => Err(RegistryError::invalid(
            "phone",
            "(not shown)",
            "use a mobile number of 11 digits, or + and 7 to 15 digits",
        )),
    }
}

/// Enough to refuse what can never be delivered; which networks may be reached is decided when it is sent.
fn check_url(url: &str) -> Result<(), RegistryError> {
    let invalid = |remedy: &str| {
        // A refused address may hold a password: name only what stands before it.
        let scheme = url.split(':').next().unwrap_or_default();
        RegistryError::invalid("url", &format!("{scheme}:…"), remedy)
    };
    if url.len() > MAX_URL_BYTES || url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(invalid("use an http or https address of at most 2000 bytes without spaces"));
    }
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => rest,
        _ => return Err(invalid("use http:// or https://")),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(invalid("leave user and password out; requests are signed with the secret"));
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((address, after)) => {
            let known = address.parse::<std::net::Ipv6Addr>().is_ok();
            (if known { address } else { "" }, after.strip_prefix(':').or((!after.is_empty()).then_some("x")))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.contains(['[', ']']) {
        return Err(invalid("name a host"));
    }
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err(invalid("use a port of 1 to 65535"));
    }
    Ok(())
}

const COLUMNS: &str =
    "id, name, channel, url, secret, events, townships, zones, severity, duty, since_ms, phone, language";

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
    let (channel, severity, language): (String, String, String) = (row.get(2)?, row.get(8)?, row.get(12)?);
    Ok(Subscriber {
        name: row.get(1)?,
        channel: ChannelKind::parse(&channel).ok_or_else(corrupt)?,
        url: row.get(3)?,
        phone: row.get(11)?,
        language: Language::parse(&language).ok_or_else(corrupt)?,
        secret: row.get(4)?,
        events: events.ok_or_else(corrupt)?,
        townships: townships.map_err(|_| corrupt())?,
        zones: zones.map_err(|_| corrupt())?,
        severity: Severity::parse(&severity).ok_or_else(corrupt)?,
        duty: row.get(9)?,
        since: Timestamp::from_millis(row.get(10)?),
        id,
    })
}
