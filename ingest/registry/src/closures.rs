//! Decisions about single seasons: a rest period that lasts longer this year because green-up is late.
//!
//! In: what a person decided, with its document; and what the platform proposes, with its evidence.   Out: [`ClosureDecision`]s in the view's calendar, and the calendar as it was
//! known at another time.   Never: a decision without a document and a reason; one that is changed or forgotten. Who decides
//! otherwise decides again: the later one counts.

use crate::approval::{self, NewProposal, Waiting};
use crate::audit::Change;
use crate::load::Part;
use crate::{Proposal, ProposalKind, ProposalState, Registry, RegistryError, rules, zones};
use model::{ClosureCalendar, ClosureDecision, ClosureRule, LegalDate, Timestamp, TownshipCode, ZoneId};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Approved decisions of one registry; a banner has some in a year.
pub const MAX_DECISIONS: u64 = 1_000;
/// Townships or zones that one decision names.
const MAX_SCOPE: usize = 1_000;

/// What is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClosureDecision {
    /// The rule's name.
    pub rule: String,
    /// The first day; `None`: as the rule has it.
    pub first: Option<LegalDate>,
    /// The last day (included).
    pub last: LegalDate,
    /// Close these days as well, instead of giving the season other days.
    pub adds: bool,
    /// Only in these townships; empty: wherever the rule holds.
    pub townships: Vec<TownshipCode>,
    /// Only these zones; empty: all of the rule's.
    pub zones: Vec<ZoneId>,
    /// The number of the document.
    pub legal_basis: String,
    /// Why.
    pub reason: String,
}

/// What shows that a decision is called for, where the platform itself proposes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosureEvidence {
    /// In words, some lines.
    pub report: String,
    /// As facts, an object; kept and shown as it is.
    pub facts: serde_json::Value,
}

/// As whom the platform proposes. It never approves.
pub const PLATFORM: &str = "platform";
/// A thousand stations' worth.
const MAX_EVIDENCE_BYTES: usize = 512 << 10;

/// What a proposal would decide of a season, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureTerms {
    /// The rule's name.
    pub rule: String,
    /// The year in which the season begins.
    pub year: i16,
    /// The first legal day.
    pub first: String,
    /// The last legal day (included).
    pub last: String,
    /// These days are closed as well, instead of those of the rule.
    pub adds: bool,
    /// Only in these townships; empty: wherever the rule holds.
    pub townships: Vec<String>,
    /// Only these zones; empty: all of the rule's.
    pub zones: Vec<String>,
    /// The number of the document.
    pub legal_basis: String,
}

#[derive(Serialize, Deserialize)]
struct RulesTerms {
    base: i64,
}

impl Registry {
    /// The calendar as it was known at an instant.
    pub fn calendar_as_of(&self, known_at: Timestamp) -> Result<ClosureCalendar, RegistryError> {
        self.read(|connection| calendar(connection, known_at))
    }

    /// Decides at once, where no second person is asked for.
    pub fn decide_closure(&self, new: &NewClosureDecision, by: &str) -> Result<Proposal, RegistryError> {
        self.write(by, |change| {
            let proposal = propose(self, change, new, None)?;
            take_effect(change)?;
            approval::decide(change, proposal, ProposalState::Approved, None)
        })
    }

    /// Proposes a decision to a second person.
    pub fn propose_closure(&self, new: &NewClosureDecision, by: &str) -> Result<Proposal, RegistryError> {
        self.write(by, |change| propose(self, change, new, None))
    }

    /// Proposes what the platform itself found to be called for; `None` where it has done so before for the rule's season of that year,
    /// whatever became of it: a person who declined is not asked again.
    pub fn propose_closure_once(
        &self,
        new: &NewClosureDecision,
        evidence: &ClosureEvidence,
    ) -> Result<Option<Proposal>, RegistryError> {
        if evidence.facts.to_string().len() > MAX_EVIDENCE_BYTES {
            return Err(RegistryError::invalid("evidence", "", format!("give at most {MAX_EVIDENCE_BYTES} bytes")));
        }
        self.write(PLATFORM, |change| {
            let rules = rules::load(change.transaction, change.now)?;
            let (year, _) = season(rule(&rules, &new.rule)?, new)?;
            if was_proposed(change.transaction, &new.rule, year)? {
                return Ok(None);
            }
            propose(self, change, new, Some(evidence)).map(Some)
        })
    }

    /// Proposes another calendar to a second person.
    pub fn propose_rules(&self, text: &str, by: &str, reason: &str) -> Result<Proposal, RegistryError> {
        let rules = rules::parse(text)?;
        self.write(by, |change| {
            let base = rules::version(change.transaction)?;
            let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
            let report = format!("the closure calendar is replaced by {} rules: {}", rules.len(), names.join(", "));
            let terms = json!(RulesTerms { base });
            approval::propose(
                change,
                NewProposal { kind: ProposalKind::Rules, terms, report, reason, body: text.to_owned() },
            )
        })
    }
}

/// Whether the platform proposed something about a season.
fn was_proposed(connection: &Connection, rule: &str, year: i16) -> Result<bool, RegistryError> {
    let mut query = connection.prepare("SELECT id, terms FROM proposal WHERE kind = 'closure' AND proposed_by = ?1")?;
    let mut rows = query.query([PLATFORM])?;
    while let Some(row) = rows.next()? {
        let (id, terms): (i64, String) = (row.get(0)?, row.get(1)?);
        let terms: ClosureTerms =
            serde_json::from_str(&terms).map_err(|_| RegistryError::corrupt("proposal", id.to_string()))?;
        if terms.rule == rule && terms.year == year {
            return Ok(true);
        }
    }
    Ok(false)
}

fn propose(
    registry: &Registry,
    change: &Change<'_>,
    new: &NewClosureDecision,
    evidence: Option<&ClosureEvidence>,
) -> Result<Proposal, RegistryError> {
    approval::check_text("legal_basis", &new.legal_basis, "name the document that decided it, in 1 to 500 characters")?;
    let rules = rules::load(change.transaction, change.now)?;
    let (year, first) = season(rule(&rules, &new.rule)?, new)?;
    check_days(first, new, change.now)?;
    check_scope(registry, change, new)?;
    let terms = ClosureTerms {
        rule: new.rule.clone(),
        year,
        first: first.to_string(),
        last: new.last.to_string(),
        adds: new.adds,
        townships: new.townships.iter().map(ToString::to_string).collect(),
        zones: new.zones.iter().map(ToString::to_string).collect(),
        legal_basis: new.legal_basis.clone(),
    };
    let report = evidence.map_or_else(|| words(&terms), |evidence| format!("{}\n{}", evidence.report, words(&terms)));
    let (reason, body) = (new.reason.as_str(), String::new());
    let mut terms = json!(terms);
    if let (Some(evidence), Some(kept)) = (evidence, terms.as_object_mut()) {
        kept.insert("evidence".to_owned(), evidence.facts.clone());
    }
    approval::propose(change, NewProposal { kind: ProposalKind::Closure, terms, report, reason, body })
}

/// The decision as a sentence.
fn words(terms: &ClosureTerms) -> String {
    let ClosureTerms { rule, first, last, legal_basis, .. } = terms;
    let what = if terms.adds { "is closed on other days too," } else { "is closed" };
    let scope = match (terms.townships.as_slice(), terms.zones.as_slice()) {
        ([], []) => "everywhere".to_owned(),
        (townships, []) => format!("in townships {}", townships.join(", ")),
        ([], zones) => format!("in zones {}", zones.join(", ")),
        (townships, zones) => format!("in zones {} of townships {}", zones.join(", "), townships.join(", ")),
    };
    format!("`{rule}` {what} {first} to {last}, {scope} ({legal_basis})")
}

fn rule<'a>(rules: &'a [ClosureRule], name: &str) -> Result<&'a ClosureRule, RegistryError> {
    rules.iter().find(|rule| rule.name == name).ok_or_else(|| {
        let names: Vec<_> = rules.iter().map(|rule| format!("`{}`", rule.name)).collect();
        RegistryError::invalid("rule", name, format!("use the whole name of one of: {}", names.join(", ")))
    })
}

/// The year whose season it is about, and the first day.
fn season(rule: &ClosureRule, new: &NewClosureDecision) -> Result<(i16, LegalDate), RegistryError> {
    let Some((begins, _)) = rule.season else {
        return Err(RegistryError::invalid(
            "rule",
            &rule.name,
            "it closes all year, there is no season to decide about",
        ));
    };
    if new.adds {
        let first =
            new.first.ok_or_else(|| RegistryError::invalid("first", "", "say on which day the added days begin"))?;
        return Ok((first.year(), first));
    }
    // The last season that begins by then; one over the new year begins in the year before it ends.
    let this_year = new.last.year();
    let year = match LegalDate::of_year(this_year, begins) {
        Some(begins) if begins <= new.last => this_year,
        _ => this_year.saturating_sub(1),
    };
    let by_rule = LegalDate::of_year(year, begins);
    let first =
        new.first.or(by_rule).ok_or_else(|| RegistryError::invalid("first", "", "say on which day it begins"))?;
    Ok((year, first))
}

fn check_days(first: LegalDate, new: &NewClosureDecision, now: Timestamp) -> Result<(), RegistryError> {
    let refused = |remedy: String| Err(RegistryError::invalid("last", &new.last.to_string(), remedy));
    if new.last < first {
        return refused(format!("the first day is {first}; end on it or later"));
    }
    if LegalDate::of_year(first.year().saturating_add(1), first.month_day()).is_some_and(|limit| new.last >= limit) {
        return refused(format!("from {first} that is more than a year; publish another calendar for this"));
    }
    // Whoever opens the land today names yesterday as the last day.
    if let Some(today) = LegalDate::of(now)
        && new.last.next().is_some_and(|open| open < today)
    {
        return refused("that day is long over; nobody can keep to it any more, choose a later one".to_owned());
    }
    Ok(())
}

/// A slip of the pen in a code would make a decision that holds nowhere.
fn check_scope(registry: &Registry, change: &Change<'_>, new: &NewClosureDecision) -> Result<(), RegistryError> {
    for (key, count) in [("townships", new.townships.len()), ("zones", new.zones.len())] {
        if count > MAX_SCOPE {
            return Err(RegistryError::invalid(key, &count.to_string(), format!("name at most {MAX_SCOPE}")));
        }
    }
    let view = registry.view().borrow().clone();
    for code in &new.townships {
        if !view.zones.iter().any(|zone| zone.township.as_ref() == Some(code)) {
            return Err(RegistryError::invalid(
                "township",
                code.as_str(),
                "no zone in force lies there; correct the code",
            ));
        }
    }
    for id in &new.zones {
        if zones::spans(change.transaction, id)?.is_empty() {
            return Err(RegistryError::NotFound { what: "zone", name: id.to_string() });
        }
    }
    Ok(())
}

fn take_effect(change: &Change<'_>) -> Result<(), RegistryError> {
    let decisions: i64 = change.transaction.query_row(
        "SELECT count(*) FROM proposal WHERE state = 'approved' AND kind = 'closure'",
        [],
        |row| row.get(0),
    )?;
    if u64::try_from(decisions).unwrap_or(u64::MAX) >= MAX_DECISIONS {
        return Err(RegistryError::Limit { what: "closure decisions", limit: MAX_DECISIONS });
    }
    change.touch(Part::Rules)
}

/// Whether a proposed decision still can be one; being approved makes it law.
pub(crate) fn check(change: &Change<'_>, waiting: &Waiting) -> Result<(), RegistryError> {
    let terms: ClosureTerms = waiting.terms()?;
    let rules = rules::load(change.transaction, change.now)?;
    if !rules.iter().any(|rule| rule.name == terms.rule && rule.season.is_some()) {
        return Err(waiting.stale(format!("the calendar has no season `{}` any more", terms.rule)));
    }
    take_effect(change)
}

/// Publishes the calendar of a proposal.
pub(crate) fn publish_rules(change: &Change<'_>, waiting: &Waiting) -> Result<(), RegistryError> {
    let terms: RulesTerms = waiting.terms()?;
    let version = rules::version(change.transaction)?;
    if version != terms.base {
        return Err(waiting.stale(format!("the calendar has version {version} by now, it was made on {}", terms.base)));
    }
    rules::publish(change, &waiting.body, &waiting.proposal.reason).map(|_rules| ())
}

/// The calendar known at an instant.
pub(crate) fn calendar(connection: &Connection, known_at: Timestamp) -> Result<ClosureCalendar, RegistryError> {
    Ok(ClosureCalendar { rules: rules::load(connection, known_at)?, decisions: load(connection, known_at)? })
}

/// The decisions approved by an instant, in the order of their approval.
pub(crate) fn load(connection: &Connection, known_at: Timestamp) -> Result<Vec<ClosureDecision>, RegistryError> {
    let mut query = connection.prepare(
        "SELECT id, terms, reason, proposed_by, decided_by, decided_at_ms FROM proposal
         WHERE state = 'approved' AND kind = 'closure' AND decided_at_ms <= ?1 ORDER BY decided_at_ms, id",
    )?;
    let mut rows = query.query([known_at.as_millis()])?;
    let mut decisions = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, terms): (i64, String) = (row.get(0)?, row.get(1)?);
        let corrupt = || RegistryError::corrupt("proposal", id.to_string());
        let terms: ClosureTerms = serde_json::from_str(&terms).map_err(|_| corrupt())?;
        decisions.push(ClosureDecision {
            id: u64::try_from(id).map_err(|_| corrupt())?,
            rule: terms.rule,
            year: terms.year,
            first: LegalDate::parse(&terms.first).ok_or_else(corrupt)?,
            last: LegalDate::parse(&terms.last).ok_or_else(corrupt)?,
            adds: terms.adds,
            townships: parsed(&terms.townships, |code| TownshipCode::parse(code).ok()).ok_or_else(corrupt)?,
            zones: parsed(&terms.zones, |id| ZoneId::parse(id).ok()).ok_or_else(corrupt)?,
            legal_basis: terms.legal_basis,
            reason: row.get(2)?,
            proposed_by: row.get(3)?,
            approved_by: row.get(4)?,
            known_from: Timestamp::from_millis(row.get(5)?),
        });
    }
    Ok(decisions)
}

fn parsed<T>(words: &[String], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    words.iter().map(|word| parse(word)).collect()
}
