//! `steppewatch closures`: when land is closed, and what was decided for single seasons.

use super::{Misuse, legal_time, operator, print, proposals, registry, words};
use crate::config::Config;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use dashboards::calendar_json;
use model::{ClosureCalendar, ClosureDecision, ClosureRule, LegalDate, TownshipCode, ZoneId};
use registry::{NewClosureDecision, ProposalState, Registry, Topic, rules};
use serde_json::json;
use std::path::PathBuf;

/// What can be done with closures.
#[derive(Subcommand)]
pub enum ClosuresCommand {
    /// List the rules, the decisions and what waits for a second person.
    List {
        /// As known when: a legal date or RFC 3339; without it now.
        #[arg(long)]
        known: Option<String>,
    },
    /// Print the calendar that ships, to begin another one from.
    Example,
    /// Publish another calendar, from now on.
    Import {
        /// A TOML file like the example.
        file: PathBuf,
        /// Why the calendar changes. Without it: imported from FILE.
        #[arg(long)]
        reason: Option<String>,
        /// Say whether it can be read and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Let a season end on another day this year: later, or earlier.
    Extend(Box<ExtendArgs>),
    /// Make law what another person proposed.
    Approve {
        /// The proposal's number.
        id: u64,
    },
    /// Lay a proposal aside.
    Decline {
        /// The proposal's number.
        id: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// A decision.
#[derive(Args)]
pub struct ExtendArgs {
    /// The rule's name, or a part that only this rule with a season has.
    rule: String,
    /// The last legal date (included).
    #[arg(long)]
    until: String,
    /// The first legal date; without it as the rule has it.
    #[arg(long)]
    from: Option<String>,
    /// Close these days as well, instead of giving the season other days; needs --from.
    #[arg(long, requires = "from")]
    add: bool,
    /// Only in this township, by its code; may be repeated.
    #[arg(long)]
    township: Vec<String>,
    /// Only this zone; may be repeated.
    #[arg(long)]
    zone: Vec<String>,
    /// The number of the document that decided it.
    #[arg(long)]
    basis: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Carries the command out.
pub fn run(command: ClosuresCommand, config: &Config, as_json: bool) -> Result<()> {
    if matches!(command, ClosuresCommand::Example) {
        return print(rules::HEXIGTEN.trim_end());
    }
    let registry = registry(config)?;
    match command {
        ClosuresCommand::Example => Ok(()),
        ClosuresCommand::List { known } => {
            let calendar = match legal_time("--known", known.as_deref())? {
                None => registry.view().borrow().calendar.clone(),
                Some(known) => registry.calendar_as_of(known)?,
            };
            list(&registry, &calendar, as_json)
        }
        ClosuresCommand::Import { file, reason, dry_run } => {
            let text = std::fs::read_to_string(&file)
                .with_context(|| Misuse(format!("{} cannot be read; name a TOML file in UTF-8", file.display())))?;
            let reason = reason.unwrap_or_else(|| super::imported_from(&file));
            let rules = match (dry_run, config.second_person) {
                (true, _) => rules::parse(&text)?,
                (false, true) => {
                    return proposals::show(&registry.propose_rules(&text, &operator(), &reason)?, as_json);
                }
                (false, false) => registry.set_rules(&text, &operator(), &reason)?,
            };
            let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
            print(&if as_json {
                json!({ "dry_run": dry_run, "rules": names }).to_string()
            } else {
                format!("{} 条规则 rules: {}", names.len(), names.join(", "))
            })
        }
        ClosuresCommand::Extend(args) => {
            let new = decision(&registry.view().borrow().calendar, *args)?;
            let decide = if config.second_person { Registry::propose_closure } else { Registry::decide_closure };
            proposals::show(&decide(&registry, &new, &operator())?, as_json)
        }
        ClosuresCommand::Approve { id } => proposals::approve(&registry, Topic::Closures, id, as_json),
        ClosuresCommand::Decline { id, reason } => proposals::decline(&registry, Topic::Closures, id, &reason, as_json),
    }
}

fn decision(calendar: &ClosureCalendar, args: ExtendArgs) -> Result<NewClosureDecision, Misuse> {
    let date = |flag: &str, text: &str| {
        LegalDate::parse(text)
            .ok_or_else(|| Misuse(format!("{flag} is `{text}`, which is no legal date; write it like 2026-06-30")))
    };
    let townships = args.township.iter().map(|code| TownshipCode::parse(code));
    let zones = args.zone.iter().map(|id| ZoneId::parse(id));
    Ok(NewClosureDecision {
        rule: rule_name(&calendar.rules, &args.rule),
        first: args.from.as_deref().map(|text| date("--from", text)).transpose()?,
        last: date("--until", &args.until)?,
        adds: args.add,
        townships: townships.collect::<Result<_, _>>().map_err(|error| Misuse(error.to_string()))?,
        zones: zones.collect::<Result<_, _>>().map_err(|error| Misuse(error.to_string()))?,
        legal_basis: args.basis,
        reason: args.reason,
    })
}

/// The whole name, where a part of it says which is meant; otherwise what was written, for the registry to refuse.
fn rule_name(rules: &[ClosureRule], written: &str) -> String {
    let mut meant = rules.iter().filter(|rule| rule.season.is_some() && rule.name.contains(written));
    match (meant.next(), meant.next()) {
        (Some(rule), None) if !rules.iter().any(|rule| rule.name == written) => rule.name.clone(),
        _ => written.to_owned(),
    }
}

fn list(registry: &Registry, calendar: &ClosureCalendar, as_json: bool) -> Result<()> {
    let proposals = registry.proposals(Topic::Closures)?;
    if as_json {
        return print(&json!(calendar_json(calendar, &proposals)).to_string());
    }
    calendar.rules.iter().try_for_each(|rule| print(&rule_words(rule)))?;
    calendar.decisions.iter().try_for_each(|decision| print(&decision_words(decision)))?;
    let open = proposals.iter().filter(|proposal| proposal.state == ProposalState::Open);
    open.into_iter().try_for_each(|proposal| proposals::show(proposal, false))
}

fn rule_words(rule: &ClosureRule) -> String {
    let season = rule.season.map_or_else(
        || "全年 all year".to_owned(),
        |(from, to)| format!("{:02}-{:02} 至 to {:02}-{:02}", from.month, from.day, to.month, to.day),
    );
    format!("{}\n  {season}, {}; 依据 legal basis: {}", rule.name, words::level(rule.level), rule.legal_basis)
}

fn decision_words(decision: &ClosureDecision) -> String {
    let what = if decision.adds { "另加 adds" } else { "调整为 decided" };
    let scope: Vec<_> = decision
        .townships
        .iter()
        .map(ToString::to_string)
        .chain(decision.zones.iter().map(ToString::to_string))
        .collect();
    let scope = if scope.is_empty() { "全部 everywhere".to_owned() } else { scope.join(", ") };
    format!(
        "决定 decision {}: {} {what} {} 至 to {}, {scope}\n  {} {}, 批准 approved {} {}: {}",
        decision.id,
        decision.rule,
        decision.first,
        decision.last,
        decision.legal_basis,
        decision.proposed_by,
        decision.approved_by,
        decision.known_from.to_legal(),
        decision.reason
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_may_be_named_by_a_part_that_only_one_season_has() {
        let rules = rules::hexigten();
        assert_eq!(rule_name(&rules, "春季休牧"), "草畜平衡区春季休牧 balance zone, rest period");
        for unclear in ["", "禁牧", "no such"] {
            assert_eq!(rule_name(&rules, unclear), unclear);
        }
        let names: Vec<_> = rules.iter().map(|rule| rule_name(&rules, &rule.name)).collect();
        assert!(rules.iter().zip(names).all(|(rule, name)| rule.name == name));
    }
}
