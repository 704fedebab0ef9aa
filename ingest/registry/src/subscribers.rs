//! Who is told, where, and with which signing key.
//!
//! In: [`NewSubscriber`] from an operator.   Out: [`Subscriber`] with its secret, and the same in the view (deliveries sign with it).
//! Never: a secret or a phone number in the audit; an address that carries a password.

use crate::load::Part;
use crate::secrets::random_bytes;
use crate::subscriber_rows::{self as rows, words};
use crate::{Registry, RegistryError, listeners};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{
    AlertKind, Authority, ChannelKind, LandClass, Language, QuietHours, Severity, Subscriber, TownshipCode, ZoneId,
    ZoneKind,
};
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Each alert is matched against every subscriber.
pub const MAX_SUBSCRIBERS: u64 = 10_000;
/// Longer addresses are refused by common servers.
const MAX_URL_BYTES: usize = 2_000;
/// Every zone there can be.
const MAX_FILTER: usize = 10_000;
/// A robot's secret is some tens of letters.
const MAX_SECRET_BYTES: usize = 200;
const SECRET_PREFIX: &str = "whsec_";
/// How long a message is signed by a secret and its successor.
const BOTH_SECRETS: Duration = Duration::from_secs(86_400);
/// How long somebody may wait for others to acknowledge.
const AFTER: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(86_400);
const MAX_REASON_CHARS: usize = 200;

/// Somebody who wants to be told. Empty lists mean "all".
#[derive(Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// As people call it, 1 to 100 characters.
    pub name: String,
    /// By what way.
    pub channel: ChannelKind,
    /// Where to: http or https; empty for a phone, for who listens and for an upstream system.
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
    /// Which kinds of zone.
    pub zone_kinds: Vec<ZoneKind>,
    /// Which land.
    pub land_classes: Vec<LandClass>,
    /// Cases of which enforcement bodies.
    pub authorities: Vec<Authority>,
    /// From which urgency on.
    pub severity: Severity,
    /// Told of a case only when nobody has acknowledged it for so long: 10 s to a day.
    pub after: Option<Duration>,
    /// When it is told only of what cannot wait.
    pub quiet: Option<QuietHours>,
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
            zone_kinds: Vec::new(),
            land_classes: Vec::new(),
            authorities: Vec::new(),
            severity: Severity::Notice,
            after: None,
            quiet: None,
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
        let secret = match new.secret.clone() {
            Some(secret) => secret,
            None if new.channel == ChannelKind::Webhook => new_secret()?,
            None => String::new(),
        };
        let mut id = String::from(listeners::ID_PREFIX);
        for byte in random_bytes::<8>()? {
            id.push_str(&format!("{byte:02x}"));
        }
        self.write(by, |change| {
            let mut subscriber = Subscriber { secret, since: change.now, ..made(id, new)? };
            let count: i64 = change.transaction.query_row("SELECT count(*) FROM subscriber", [], |row| row.get(0))?;
            if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_SUBSCRIBERS {
                return Err(RegistryError::Limit { what: "subscribers", limit: MAX_SUBSCRIBERS });
            }
            rows::put(change.transaction, &subscriber)?;
            change.touch(Part::Subscribers)?;
            change.audit(format!("subscriber.add {}", subscriber.id), None, Some(shown(&subscriber)))?;
            if subscriber.channel == ChannelKind::Mqtt {
                let password = listeners::insert(change, &self.inner.key, &subscriber.id)?;
                password.as_str().clone_into(&mut subscriber.secret);
            }
            Ok(subscriber)
        })
    }

    /// Says anew what a subscriber is told and how. Its way stays; an address, a phone and a secret that are left out stay too.
    pub fn replace_subscriber(&self, id: &str, new: NewSubscriber, by: &str) -> Result<Subscriber, RegistryError> {
        self.edit(id, "replace", by, |before| {
            if new.channel != before.channel {
                let remedy = "a subscriber keeps its way; add another for another way";
                return Err(RegistryError::invalid("channel", new.channel.as_str(), remedy));
            }
            let url = if new.url.is_empty() { before.url.clone() } else { new.url.clone() };
            let filled = NewSubscriber { url, phone: new.phone.clone().or(before.phone.clone()), ..new };
            check(&filled)?;
            let secret = filled.secret.clone().unwrap_or_else(|| before.secret.clone());
            let made = made(before.id.clone(), filled)?;
            Ok(Subscriber { secret, since: before.since, off: before.off, old_secret: before.old_secret, ..made })
        })
    }

    /// Switches a subscriber off, with the reason, or on again.
    pub fn switch_subscriber(&self, id: &str, off: Option<&str>, by: &str) -> Result<Subscriber, RegistryError> {
        let what = if off.is_some() { "disable" } else { "enable" };
        self.edit(id, what, by, |before| {
            let off = off.map(|why| why.chars().take(MAX_REASON_CHARS).collect());
            Ok(Subscriber { off, ..before })
        })
    }

    /// Gives a webhook a new signing key. What is sent in the next day is signed by both, so that the receiver may change over in peace.
    pub fn renew_subscriber_secret(&self, id: &str, by: &str) -> Result<Subscriber, RegistryError> {
        let secret = new_secret()?;
        let until = self.inner.clock.now().plus(BOTH_SECRETS);
        self.edit(id, "secret", by, |before| {
            if before.channel != ChannelKind::Webhook {
                let remedy = "only a webhook has a secret of ours; a robot's is changed in its group";
                return Err(RegistryError::invalid("channel", before.channel.as_str(), remedy));
            }
            Ok(Subscriber { old_secret: Some((before.secret, until)), secret, ..before })
        })
    }

    fn edit(
        &self,
        id: &str,
        what: &str,
        by: &str,
        edit: impl FnOnce(Subscriber) -> Result<Subscriber, RegistryError>,
    ) -> Result<Subscriber, RegistryError> {
        self.write(by, |change| {
            let before = rows::one(change.transaction, id)?;
            let was = shown(&before);
            let after = edit(before)?;
            rows::put(change.transaction, &after)?;
            change.touch(Part::Subscribers)?;
            change.audit(format!("subscriber.{what} {id}"), Some(was), Some(shown(&after)))?;
            Ok(after)
        })
    }

    /// Removes a subscriber, also from duty tables; nothing more is sent to it.
    pub fn remove_subscriber(&self, id: &str, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let before = rows::one(change.transaction, id)?;
            change.touch(Part::Subscribers)?;
            change.transaction.execute("DELETE FROM roster_shift WHERE subscriber = ?1", [id])?;
            change.transaction.execute("DELETE FROM subscriber WHERE id = ?1", [id])?;
            listeners::remove(change, id)?;
            change.audit(format!("subscriber.remove {id}"), Some(shown(&before)), None)
        })
    }
}

fn new_secret() -> Result<String, RegistryError> {
    Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(random_bytes::<32>()?)))
}

/// As it is kept, but for what only the caller knows.
fn made(id: String, new: NewSubscriber) -> Result<Subscriber, RegistryError> {
    let phone = new.phone.as_deref().map(checked_phone).transpose()?;
    Ok(Subscriber {
        name: new.name,
        url: new.url,
        phone,
        language: new.language,
        events: new.events,
        townships: new.townships,
        zones: new.zones,
        zone_kinds: new.zone_kinds,
        land_classes: new.land_classes,
        authorities: new.authorities,
        severity: new.severity,
        after: new.after,
        quiet: new.quiet,
        duty: new.duty,
        ..Subscriber::to_all(&id, new.channel)
    })
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
        "zone_kinds": words(&subscriber.zone_kinds, |kind| kind.as_str()),
        "land_classes": words(&subscriber.land_classes, |class| class.as_str()),
        "authorities": words(&subscriber.authorities, |body| body.as_str()),
        "severity": subscriber.severity.as_str(),
        "after_s": subscriber.after.map(|after| after.as_secs()),
        "quiet": subscriber.quiet.map(|quiet| quiet.to_string()),
        "duty": subscriber.duty,
        "off": subscriber.off,
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
    if new.after.is_some_and(|after| !AFTER.contains(&after)) {
        let remedy = "wait 10 s to 24 h for somebody else to acknowledge";
        return Err(invalid("after", &format!("{} s", new.after.unwrap_or_default().as_secs()), remedy));
    }
    match new.duty.as_deref() {
        Some(duty) if new.after.is_some() || new.quiet.is_some() => {
            Err(invalid("duty", duty, "a half of the dual report is told at once; leave out after and quiet"))
        }
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
    if new.channel == ChannelKind::Mqtt {
        return match (&new.phone, new.url.is_empty(), &new.secret) {
            (None, true, None) if !new.zones.is_empty() => {
                Err(invalid("zones", "…", "topics name townships and no zones; leave them out, or use a webhook"))
            }
            (None, true, None) if !(new.zone_kinds.is_empty() && new.land_classes.is_empty()) => {
                Err(invalid("zone_kinds", "…", "topics name townships and no land; leave them out, or use a webhook"))
            }
            (None, true, None) if !new.authorities.is_empty() => Err(invalid(
                "authorities",
                "…",
                "topics name townships and no bodies; leave them out, or use a webhook",
            )),
            (None, true, None) if new.after.is_some() || new.quiet.is_some() => {
                Err(invalid("after", "…", "it is said at once to whoever listens; leave out after and quiet"))
            }
            (None, true, None) if new.duty.is_some() => {
                Err(invalid("duty", "…", "who listens accepts nothing, so no report is made by it; use a webhook"))
            }
            (None, true, None) => Ok(()),
            _ => {
                Err(invalid("url", "…", "who listens has no url, phone or secret; leave them out, a password is made"))
            }
        };
    }
    if new.channel.is_upstream() {
        return match (&new.phone, new.url.is_empty(), &new.secret) {
            (None, true, None) => Ok(()),
            _ => Err(invalid(
                "url",
                "…",
                "an upstream system has no url, phone or secret here; they stand in [platform] of the configuration",
            )),
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
