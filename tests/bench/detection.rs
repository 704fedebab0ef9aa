//! How good detection is: recall, precision, seconds, calibration, on trials whose truth is known.
//!
//! Whole days are played in memory ([`journeys::detection`]); the seconds to an alert are taken from the running platform
//! ([`super::detection_live`]). `SEEDS` says how many of each trial (20).

use anyhow::{Context, Result, bail};
use firmware_sim::score::{Judged, Score, calibration, score};
use firmware_sim::trial::{NAMES, Trial};
use journeys::detection::{Played, play};
use serde_json::json;

const BENCH: &str = "detection";
const SEEDS: u64 = 20;
/// A probability that is neither 0 nor 1 is stated near a border, which is where it matters.
const SURE: f64 = 0.999;

/// Runs it.
pub async fn run() -> Result<()> {
    let seeds = Seeds::asked_for()?;
    let only: Option<Vec<String>> =
        std::env::var("TRIAL").ok().map(|names| names.split(',').map(str::to_owned).collect());
    if let Some(unknown) = only.iter().flatten().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("there is no trial `{unknown}`; there are: {}", NAMES.join(", "));
    }
    let mut all = Outcome::default();
    for name in
        NAMES.into_iter().filter(|name| only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted == name)))
    {
        let mut of_trial = Outcome::default();
        for seed in seeds.first..=seeds.last {
            let trial = Trial::make(name, seed).context("no such trial")?;
            let played = play(&trial)?;
            let score = score(&trial.truth, &played.incidents);
            explain(name, seed, &trial, &score, &played);
            of_trial.add(score, played.judged);
        }
        of_trial.print(name, seeds);
        all.add(of_trial.score, of_trial.judged);
    }
    all.print("all", seeds);
    if only.is_none() {
        super::detection_live::run().await?;
        super::replay::run().await?;
    }
    Ok(())
}

/// Which histories of each trial are played, both ends included.
#[derive(Clone, Copy)]
struct Seeds {
    first: u64,
    last: u64,
}

impl Seeds {
    fn asked_for() -> Result<Self> {
        let number = |name: &'static str, default| match std::env::var(name) {
            Ok(text) => text.parse().with_context(|| format!("{name} is `{text}`, which is no whole number")),
            Err(_) => Ok(default),
        };
        let (first, count): (u64, u64) = (number("FIRST_SEED", 1)?, number("SEEDS", SEEDS)?);
        Ok(Self { first, last: first.saturating_add(count).saturating_sub(1) })
    }
}

impl std::fmt::Display for Seeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[derive(Default)]
struct Outcome {
    score: Score,
    judged: Vec<Judged>,
}

impl Outcome {
    fn add(&mut self, score: Score, judged: Vec<Judged>) {
        self.score = std::mem::take(&mut self.score).and(score);
        self.judged.extend(judged);
    }

    fn print(&self, trial: &str, seeds: Seeds) {
        let score = &self.score;
        let line = |metric: &str, value: f64, of: usize, bar: &str| print(trial, seeds, metric, value, of, bar);
        line("recall", score.recall(), score.seen_enough, ">= 0.99");
        line("precision", score.precision(), score.incidents, ">= 0.98");
        line("told_once", score.once(), score.found, ">= 0.99");
        line("told_once_while_watched", score.once_while_watched(), score.found - score.told_again_unwatched, "");
        line("visits_told_apart", score.apart(), score.incidents, "");
        line("sheep_units_covered", score.coverage(), score.counted, ">= 0.90");
        line("sheep_units_open", score.open(), score.counted, "");
        line("sheep_units_width_p50", score.width(), score.widths.len(), "");
        line("simulated_s_to_incident_p50", score.delays.quantile_s(0.5), score.found, "");
        line("simulated_s_to_incident_p99", score.delays.quantile_s(0.99), score.found, "");
        for (number, tenth) in calibration(&self.judged).into_iter().enumerate() {
            let bar = if number >= 8 { "within 0.05 of what is stated" } else { "" };
            let metric = format!("inside_when_0.{number}_stated_{:.3}", tenth.stated);
            line(&metric, tenth.inside, tenth.count, bar);
        }
        let unsure: Vec<Judged> = self.judged.iter().filter(|judged| judged.probability < SURE).copied().collect();
        if let Some(tenth) = calibration(&unsure).last() {
            let metric = format!("inside_when_0.9_unsure_stated_{:.3}", tenth.stated);
            line(&metric, tenth.inside, tenth.count, "within 0.05 of what is stated");
        }
    }
}

fn print(trial: &str, seeds: Seeds, metric: &str, value: f64, of: usize, bar: &str) {
    let value = value.is_finite().then_some((value * 10_000.0).round() / 10_000.0);
    let seeds = seeds.to_string();
    let line =
        json!({"bench": BENCH, "trial": trial, "seeds": seeds, "metric": metric, "value": value, "of": of, "bar": bar});
    println!("{line}");
}

/// Where it fell short, for whoever wants to know why (standard error).
fn explain(name: &str, seed: u64, trial: &Trial, score: &Score, played: &Played) {
    let minute = |at_ms: i64| (at_ms - trial.from_ms) as f64 / 60_000.0;
    let herd = |number: usize| trial.truth.herds.get(number).map_or("?", |herd| &herd.id);
    for miss in &score.missed {
        let (from, to) = (minute(miss.from_ms), minute(miss.to_ms));
        eprintln!(
            "{name} {seed}: missed {} from minute {from:.1} to {to:.1}, {} sightings",
            herd(miss.herd),
            miss.sights
        );
    }
    for (of, ids) in &score.doubled {
        let (from, to) = (minute(of.from_ms), minute(of.to_ms));
        eprintln!("{name} {seed}: {} from minute {from:.1} to {to:.1} told as {}", herd(of.herd), ids.join(", "));
        for incident in played.incidents.iter().filter(|incident| ids.contains(&incident.id)) {
            let opened = incident.opened_ms.map_or(f64::NAN, minute);
            let (first, last) = (minute(incident.first_seen_ms), minute(incident.last_seen_ms));
            eprintln!("    {} seen from minute {first:.1} to {last:.1}, told at {opened:.1}", incident.id);
        }
    }
    for id in &score.wrong {
        eprintln!("{name} {seed}: {id} is wrong");
    }
    for (id, units) in &score.miscounted {
        eprintln!("{name} {seed}: {id} misses {units} sheep units");
    }
}
