//! Alert -> a document of the Common Alerting Protocol 1.2 (OASIS, 1 July 2010), as forest fire and emergency systems take it. Pure.
//!
//! In: an alert, its words, and an envelope: who sends it, when, and what was sent about the same matter before.   Out: XML that
//! the standard's own schema finds valid.   Never: an informant, a figure of money that is not called an estimate, or an update of
//! something that the receiver was never told.
//!
//! Times are those of Beijing, to the second, for the standard allows neither `Z` nor fractions.

mod terms;
mod xml;

pub(crate) use terms::{event, is_late, is_over};

use crate::message::Messages;
use journal::wire::words::Both;
use journal::wire::{AlertJson, fine};
use model::{Alert, Incident, Interval, Language, Notice, Position, Subject, Timestamp, TownshipCode, ZoneLoad};
use std::time::Duration;
use xml::Xml;

const NAMESPACE: &str = " xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"";
/// Who may read it, since it is not public.
const RESTRICTION: &str = "仅限林业和草原主管部门、应急管理部门及苏木乡镇人民政府 For forestry and grassland authorities, emergency \
                           management and township governments only";
const EXERCISE: &str = "演练，非实际情况 Exercise only";
/// A display may show no more of a headline.
const HEADLINE_MAX: usize = 160;
/// After so long a receiver should not act on a message any more without asking.
const FIRE_EXPIRES: Duration = Duration::from_secs(6 * 3_600);
const EXPIRES: Duration = Duration::from_secs(24 * 3_600);
/// A camera's bearing to smoke is good to about this.
const FIRE_RADIUS_M: f64 = 2_000.0;
/// Nobody is asked to look in a smaller circle than this.
const RADIUS_MIN_M: f64 = 50.0;
/// Devices that one document names.
const DEVICES_MAX: usize = 20;

/// What stands around the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'a> {
    /// This message and no other, without blanks, commas, `<` and `&`: the delivery's id.
    pub identifier: &'a str,
    /// Who sends, under the same rule.
    pub sender: &'a str,
    /// The same for people.
    pub sender_name: &'a str,
    /// When the message was made.
    pub sent: Timestamp,
    /// Not to be acted on.
    pub exercise: bool,
    /// What the same receiver was told of the same matter before, oldest first.
    pub earlier: &'a [Earlier],
}

/// A message that was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// Its identifier.
    pub identifier: String,
    /// When it was made.
    pub sent: Timestamp,
}

/// The document.
pub(crate) fn document(alert: &Alert, json: &AlertJson, envelope: &Envelope<'_>, messages: &Messages) -> String {
    let mut xml = Xml::new();
    xml.within("alert", NAMESPACE, |xml| {
        xml.text("identifier", envelope.identifier);
        xml.text("sender", envelope.sender);
        xml.text("sent", &beijing(envelope.sent));
        xml.text("status", if envelope.exercise { "Exercise" } else { "Actual" });
        xml.text("msgType", terms::msg_type(alert, !envelope.earlier.is_empty()));
        xml.text("scope", "Restricted");
        xml.text("restriction", RESTRICTION);
        if envelope.exercise {
            xml.text("note", EXERCISE);
        }
        if !envelope.earlier.is_empty() {
            let one =
                |earlier: &Earlier| format!("{},{},{}", envelope.sender, earlier.identifier, beijing(earlier.sent));
            xml.text("references", &envelope.earlier.iter().map(one).collect::<Vec<_>>().join(" "));
        }
        xml.text("incidents", &quoted(&matter(alert)));
        for language in [Language::Zh, Language::En] {
            xml.within("info", "", |xml| info(xml, alert, json, envelope, &Words { language, messages }));
        }
    });
    xml.finish()
}

/// In which language, and by whose templates.
struct Words<'a> {
    language: Language,
    messages: &'a Messages,
}

impl Words<'_> {
    fn of(&self, both: Both) -> String {
        match self.language {
            Language::Zh => both.zh,
            Language::En => both.en,
        }
    }
}

fn info(xml: &mut Xml, alert: &Alert, json: &AlertJson, envelope: &Envelope<'_>, words: &Words<'_>) {
    let text = words.messages.text(alert, words.language);
    let reasoning = json.incident.as_ref().map(|incident| match words.language {
        Language::Zh => incident.reasoning.zh.clone(),
        Language::En => incident.reasoning.en.clone(),
    });
    let is_fire = terms::category(alert) == "Fire";
    xml.text("language", if words.language == Language::Zh { "zh-CN" } else { "en-US" });
    xml.text("category", terms::category(alert));
    xml.text("event", &words.of(terms::event(alert)));
    xml.text("responseType", terms::response(alert));
    xml.text("urgency", terms::urgency(alert));
    xml.text("severity", terms::severity(alert));
    xml.text("certainty", terms::certainty(alert));
    xml.pair("eventCode", "steppewatch", alert.kind.as_str().trim_start_matches("steppewatch."));
    xml.text("effective", &beijing(envelope.sent));
    xml.text("onset", &beijing(onset(alert)));
    xml.text("expires", &beijing(envelope.sent.plus(if is_fire { FIRE_EXPIRES } else { EXPIRES })));
    xml.text("senderName", envelope.sender_name);
    xml.text("headline", &headline(&text));
    xml.text("description", reasoning.as_deref().unwrap_or(&text));
    if let Some(instruction) = terms::instruction(alert) {
        xml.text("instruction", &words.of(instruction));
    }
    for (name, value) in parameters(alert, json) {
        xml.pair("parameter", name, &value);
    }
    xml.within("area", "", |xml| area(xml, alert, words));
}

/// The first line, as long as a display shows.
fn headline(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(HEADLINE_MAX).collect()
}

/// What the message is about: the same in all messages of one matter, and what an acknowledgement names.
pub(crate) fn matter(alert: &Alert) -> String {
    match &alert.subject {
        Subject::Incident(incident) => incident.case.id.to_string(),
        Subject::Device { device, last_seen, .. } => format!("{device}-silent-{}", last_seen.as_millis()),
        Subject::Zone(load) => {
            format!("{}-overload-{}", load.zone.id, load.over_since.unwrap_or(load.at).as_millis())
        }
        Subject::Notice(notice) => notice.id(),
    }
}

/// A name with blanks would be read as several.
fn quoted(name: &str) -> String {
    let name = name.replace('"', "'");
    if name.chars().any(char::is_whitespace) { format!("\"{name}\"") } else { name }
}

fn onset(alert: &Alert) -> Timestamp {
    match &alert.subject {
        Subject::Incident(incident) => incident.case.first_seen,
        Subject::Device { last_seen, .. } => *last_seen,
        Subject::Zone(load) => load.over_since.unwrap_or(load.at),
        Subject::Notice(notice) => notice.since,
    }
}

/// `2026-04-22T10:15:00+08:00`. An instant of before our era, which only a broken clock shows, is told as the first one that can be.
fn beijing(at: Timestamp) -> String {
    let text = at.plus(Duration::from_secs(8 * 3_600)).to_rfc3339();
    let seconds = text.get(..19).filter(|text| !text.starts_with('-'));
    format!("{}+08:00", seconds.unwrap_or("0001-01-01T00:00:00"))
}

type Parameters = Vec<(&'static str, String)>;

fn parameters(alert: &Alert, json: &AlertJson) -> Parameters {
    let mut all = vec![("alertId", json.id.clone())];
    match &alert.subject {
        Subject::Incident(incident) => of_case(&mut all, incident),
        Subject::Device { device, .. } => all.push(("deviceId", device.to_string())),
        Subject::Zone(load) => of_load(&mut all, load),
        Subject::Notice(notice) => of_notice(&mut all, notice),
    }
    all
}

/// An interval, since nobody has counted; without its upper end where nobody knows it.
fn interval(all: &mut Parameters, (low, high): (&'static str, &'static str), amount: Interval) {
    all.push((low, amount.low.to_string()));
    all.extend(amount.at_most().map(|most| (high, most.to_string())));
}

fn of_case(all: &mut Parameters, incident: &Incident) {
    let case = &incident.case;
    all.push(("incidentStatus", incident.status.as_str().to_owned()));
    all.extend(incident.outcome.map(|outcome| ("incidentOutcome", outcome.as_str().to_owned())));
    all.extend(case.zones.iter().map(|zone| ("zoneId", zone.id.to_string())));
    interval(all, ("sheepUnitsLow", "sheepUnitsHigh"), case.sheep_units);
    interval(all, ("fineEstimateYuanLow", "fineEstimateYuanHigh"), fine(case));
    all.push(("probability", format!("{:.2}", case.probability)));
    all.push(("closureLevel", case.closure.level.as_str().to_owned()));
    if !case.closure.legal_basis.is_empty() {
        all.push(("legalBasis", case.closure.legal_basis.clone()));
    }
    all.push(("enforcedBy", case.authority.as_str().to_owned()));
    all.push(("late", case.late.to_string()));
    all.extend(case.devices.iter().take(DEVICES_MAX).map(|device| ("deviceId", device.to_string())));
}

fn of_load(all: &mut Parameters, load: &ZoneLoad) {
    all.push(("zoneId", load.zone.id.to_string()));
    interval(all, ("sheepUnitsLow", "sheepUnitsHigh"), load.sheep_units);
    all.push(("capacitySheepUnits", load.capacity_sheep_units.to_string()));
    all.push(("indicationOnly", true.to_string()));
}

fn of_notice(all: &mut Parameters, notice: &Notice) {
    use model::Matter;
    all.push(("matter", notice.matter.kind().to_owned()));
    all.push(("code", notice.matter.code().to_owned()));
    all.extend(notice.zone.iter().map(|zone| ("zoneId", zone.id.to_string())));
    match &notice.matter {
        Matter::Fire { confidence, .. } => all.push(("confidence", format!("{confidence:.2}"))),
        Matter::Threshold { value, limit, unit, .. } => {
            all.push(("value", value.to_string()));
            all.push(("limit", limit.to_string()));
            all.push(("unit", unit.clone()));
        }
        Matter::Blind { watched, limit_hours, zones } => {
            all.push(("watchedShare", format!("{watched:.2}")));
            all.push(("limitHours", limit_hours.to_string()));
            all.push(("zones", zones.to_string()));
        }
        Matter::Flaw { value, .. } => all.extend(value.map(|value| ("value", value.to_string()))),
        Matter::Passage { species, count, vehicle } => {
            all.push(("species", species.as_str().to_owned()));
            all.extend(count.map(|count| ("count", count.to_string())));
            all.push(("vehicle", vehicle.clone()));
        }
        Matter::Outage(_) => {}
    }
    all.push(("devices", notice.devices_count.to_string()));
    all.push(("late", notice.late.to_string()));
    all.extend(notice.devices.iter().take(DEVICES_MAX).map(|device| ("deviceId", device.to_string())));
}

fn area(xml: &mut Xml, alert: &Alert, words: &Words<'_>) {
    let (name, township, circle) = match &alert.subject {
        Subject::Incident(incident) => {
            let case = &incident.case;
            let names: Vec<&str> = case.zones.iter().map(|zone| zone.name.as_str()).collect();
            // Two standard deviations around where it was, and as far as its animals stood apart.
            let radius_m = (2.0 * case.accuracy_m + case.apart_m).max(RADIUS_MIN_M);
            (names.join("、"), case.township.as_ref(), Some((case.position, radius_m)))
        }
        Subject::Device { device, .. } => (device.to_string(), None, None),
        Subject::Zone(load) => (load.zone.name.clone(), load.township.as_ref(), None),
        Subject::Notice(notice) => {
            let name = notice.zone.as_ref().map_or_else(|| notice.about(), |zone| zone.name.clone());
            let is_fire = notice.matter.kind() == "fire";
            let radius_m = if is_fire { FIRE_RADIUS_M } else { RADIUS_MIN_M };
            (name, notice.township.as_ref(), notice.position.map(|at| (at, radius_m)))
        }
    };
    xml.text("areaDesc", &described(name.trim(), township, words));
    if let Some((at, radius_m)) = circle {
        xml.text("circle", &self::circle(at, radius_m));
    }
    if let Some(code) = township {
        xml.pair("geocode", "township", code.as_str());
    }
}

/// Never empty, since the standard asks for it.
fn described(name: &str, township: Option<&TownshipCode>, words: &Words<'_>) -> String {
    match (name, township, words.language) {
        ("", None, Language::Zh) => "本旗县".to_owned(),
        ("", None, Language::En) => "this county".to_owned(),
        ("", Some(code), Language::Zh) => format!("苏木乡镇 {code}"),
        ("", Some(code), Language::En) => format!("township {code}"),
        (name, None, _) => name.to_owned(),
        (name, Some(code), Language::Zh) => format!("{name}（苏木乡镇 {code}）"),
        (name, Some(code), Language::En) => format!("{name} (township {code})"),
    }
}

/// Latitude, longitude, and the radius in kilometres; WGS84.
fn circle(at: Position, radius_m: f64) -> String {
    format!("{:.5},{:.5} {:.3}", at.lat_deg(), at.lon_deg(), radius_m / 1_000.0)
}

#[cfg(test)]
#[path = "cap/tests.rs"]
mod tests;
