//! Holds incidents against incursions.
//!
//! In:  [`Truth`] and [`Incident`]s.   Out: [`Score`], with what was missed, wrong and told twice by name.

use super::{HerdTruth, Incident, Incursion, Score, Stand, Trace, Truth, incursions};
use crate::ground::{LatLon, Plane};

/// An incident may begin or end this much beside the truth: nobody looks all the time.
const SLACK_MS: i64 = 60_000;
/// An incident's place is a mean over minutes, and a herd walks.
const NEAR_M: f64 = 150.0;
/// A herd that nobody saw for so long is another one to whom looks.
const UNWATCHED_MS: i64 = 1_800_000;
/// Who was outside for longer than this came for another visit.
const ANOTHER_VISIT_MS: i64 = 600_000;

/// Compares.
pub fn score(truth: &Truth, incidents: &[Incident]) -> Score {
    let origin = truth.herds.iter().find_map(|herd| herd.path.first()).map(|stand| stand.place);
    let ground = Ground { plane: Plane::at(origin.unwrap_or(LatLon { lat: 43.3, lon: 117.5 })), truth };
    let owners: Vec<Option<usize>> = incidents.iter().map(|incident| ground.owner(incident)).collect();
    let mut score = Score { incidents: incidents.len(), ..Score::default() };
    for incident in incidents {
        if ground.is_right(incident) {
            score.right += 1;
            ground.count(incident, &mut score);
        } else {
            score.wrong.push(incident.id.clone());
        }
    }
    let all = incursions(truth);
    let merges = |(incident, owner): &(&Incident, &Option<usize>)| ground.merges(incident, **owner, &all);
    score.merged = incidents.iter().zip(&owners).filter(merges).count();
    for incursion in all.iter().copied() {
        score.incursions += 1;
        score.seen += usize::from(incursion.sights > 0);
        let Some(deciding_ms) = incursion.deciding_ms else { continue };
        score.seen_enough += 1;
        let telling: Vec<&Incident> = incidents.iter().filter(|incident| ground.tells(incident, &incursion)).collect();
        if telling.is_empty() {
            score.missed.push(incursion);
            continue;
        }
        score.found += 1;
        if let Some(opened_ms) = telling.iter().filter_map(|incident| incident.opened_ms).min() {
            score.delays.push((opened_ms - deciding_ms).max(0));
        }
        let is_own = |(incident, owner): &(&Incident, &Option<usize>)| {
            **owner == Some(incursion.herd) && ground.overlaps(incident, &incursion)
        };
        let own: Vec<&Incident> = incidents.iter().zip(&owners).filter(is_own).map(|(incident, _)| incident).collect();
        let shared = ground.shared_with_others(&own, &incursion, &all, |herd| owners.contains(&Some(herd)));
        if own.len() > 1 + shared {
            score.told_again_unwatched += usize::from(ground.unwatched_between(&own, &incursion));
            score.doubled.push((incursion, own.into_iter().map(|incident| incident.id.clone()).collect()));
        } else {
            score.told_once += 1;
        }
    }
    score
}

struct Ground<'a> {
    plane: Plane,
    truth: &'a Truth,
}

impl Ground<'_> {
    fn slack_ms(&self) -> i64 {
        SLACK_MS + self.truth.clock_error_ms
    }

    /// How much farther from the herd than its size and the stated error explain; 0 or less is near.
    fn off_m(&self, herd: &HerdTruth, trace: &Trace) -> f64 {
        let told = self.plane.spot(trace.place);
        let around = between(herd, trace.at_ms - self.slack_ms(), trace.at_ms + self.slack_ms());
        let distance_m = around.iter().map(|stand| self.plane.spot(stand.place).distance_m(told));
        distance_m.fold(f64::INFINITY, f64::min) - herd.radius_m - 3.0 * trace.accuracy_m - NEAR_M
    }

    /// The herd that an incident is about: the one that it was nearest to most of the time.
    fn owner(&self, incident: &Incident) -> Option<usize> {
        let mut votes = vec![0_usize; self.truth.herds.len()];
        for trace in &incident.trace {
            let herds = self.truth.herds.iter().enumerate().map(|(number, herd)| (number, self.off_m(herd, trace)));
            let nearest = herds.filter(|(_, off_m)| *off_m <= 0.0).min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some(vote) = nearest.and_then(|(number, _)| votes.get_mut(number)) {
                *vote += 1;
            }
        }
        let most = votes.iter().copied().max().filter(|most| *most > 0)?;
        votes.iter().position(|votes| *votes == most)
    }

    fn is_right(&self, incident: &Incident) -> bool {
        let (from_ms, to_ms) =
            (incident.first_seen_ms - self.slack_ms(), incident.last_seen_ms.max(incident.first_seen_ms));
        self.truth.herds.iter().any(|herd| {
            between(herd, from_ms, to_ms + self.slack_ms()).iter().any(|stand| stand.touched)
                && incident.trace.iter().any(|trace| self.off_m(herd, trace) <= 0.0)
        })
    }

    fn overlaps(&self, incident: &Incident, incursion: &Incursion) -> bool {
        incident.first_seen_ms - self.slack_ms() <= incursion.to_ms
            && incursion.from_ms <= incident.last_seen_ms + self.slack_ms()
    }

    fn tells(&self, incident: &Incident, incursion: &Incursion) -> bool {
        let Some(herd) = self.truth.herds.get(incursion.herd) else { return false };
        let during = |trace: &&Trace| {
            incursion.from_ms <= trace.at_ms + self.slack_ms() && trace.at_ms - self.slack_ms() <= incursion.to_ms
        };
        self.overlaps(incident, incursion)
            && incident.trace.iter().filter(during).any(|trace| self.off_m(herd, trace) <= 0.0)
    }

    /// Whether an incident goes on over a visit's end and another's beginning.
    fn merges(&self, incident: &Incident, owner: Option<usize>, all: &[Incursion]) -> bool {
        let mut visits: Vec<&Incursion> =
            all.iter().filter(|visit| Some(visit.herd) == owner && self.tells(incident, visit)).collect();
        visits.sort_by_key(|visit| visit.from_ms);
        visits.windows(2).any(|pair| match pair {
            [before, after] => after.from_ms - before.to_ms > ANOTHER_VISIT_MS + 2 * self.truth.clock_error_ms,
            _ => false,
        })
    }

    /// How many other herds these incidents are about as well, that have none of their own: where herds cross, an incident
    /// may begin with one and go on with the other, and two for two are not too many.
    fn shared_with_others(
        &self,
        own: &[&Incident],
        incursion: &Incursion,
        all: &[Incursion],
        has_own: impl Fn(usize) -> bool,
    ) -> usize {
        let beside = |other: &&Incursion| {
            other.herd != incursion.herd
                && !has_own(other.herd)
                && own.iter().any(|incident| self.overlaps(incident, other) && self.tells(incident, other))
        };
        let mut herds: Vec<usize> = all.iter().filter(beside).map(|other| other.herd).collect();
        herds.sort_unstable();
        herds.dedup();
        herds.len()
    }

    /// Whether the incidents follow each other, with half an hour in between in which nobody saw the herd.
    fn unwatched_between(&self, incidents: &[&Incident], incursion: &Incursion) -> bool {
        let Some(herd) = self.truth.herds.get(incursion.herd) else { return false };
        let mut seen: Vec<i64> = self
            .truth
            .seen
            .iter()
            .filter(|sight| sight.herd == herd.id && sight.arrived_ms.is_some())
            .map(|sight| sight.at_ms)
            .filter(|at_ms| (incursion.from_ms..=incursion.to_ms).contains(at_ms))
            .collect();
        seen.sort_unstable();
        let gaps = seen.windows(2).filter(|pair| matches!(pair, [from, to] if to - from >= UNWATCHED_MS)).count();
        gaps + 1 >= incidents.len()
    }

    /// Whether the sheep units are those of a herd that was there, or of all that were.
    fn count(&self, incident: &Incident, score: &mut Score) {
        let Some(last) = incident.trace.last() else { return };
        let units: Vec<f64> =
            self.truth.herds.iter().filter(|herd| self.off_m(herd, last) <= 0.0).map(|herd| herd.sheep_units).collect();
        let (low, high) = incident.sheep_units;
        let together: f64 = units.iter().sum();
        score.counted += usize::from(!units.is_empty());
        if let Some(first) = units.first() {
            if high.is_finite() {
                score.widths.push((high - low) / first.max(1.0));
            } else {
                score.open += 1;
            }
        }
        if units.iter().chain([&together]).any(|units| low <= *units && *units <= high) {
            score.covered += usize::from(!units.is_empty());
        } else if let Some(first) = units.first() {
            score.miscounted.push((incident.id.clone(), *first));
        }
    }
}

/// Where a herd was from one instant to another.
fn between(herd: &HerdTruth, from_ms: i64, to_ms: i64) -> &[Stand] {
    let begin = herd.path.partition_point(|stand| stand.at_ms < from_ms);
    let end = herd.path.partition_point(|stand| stand.at_ms <= to_ms);
    herd.path.get(begin..end).unwrap_or_default()
}
