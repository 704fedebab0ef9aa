//! `[detection]`: by what evidence a herd counts as inside, and how long it is waited for.
//!
//! In:  the section.   Out: [`detect::Settings`], each number within a range in which the rules still mean something.   Never: what
//! the law sets; closures and fines are the registry's rules.

use super::section::{ConfigError, Section};
use detect::{BySource, Settings};
use std::time::Duration;

/// Reads it; what is left out keeps its default.
pub(super) fn detection(mut section: Section) -> Result<Settings, ConfigError> {
    let mut sure = section.section("inside_probability")?;
    let known = Settings::default();
    let BySource { camera, drone, report, collar } = known.confirmed_probability;
    let mut sure_of = |key, default| sure.fraction(key, default, 0.5..=0.999);
    let confirmed_probability = BySource {
        camera: sure_of("camera", camera)?,
        drone: sure_of("drone", drone)?,
        report: sure_of("report", report)?,
        collar: sure_of("collar", collar)?,
    };
    let settings = Settings {
        confirmed_probability,
        together_probability: section.fraction("together_probability", known.together_probability, 0.5..=0.999)?,
        outside_probability: section.fraction("outside_probability", known.outside_probability, 0.001..=0.499)?,
        sightings_needed: section.number("sightings_needed", 3, 1..=20)? as usize,
        sightings_within: duration(&mut section, "sightings_within", "5min", (60, 3_600))?,
        collar_dwell: duration(&mut section, "collar_dwell", "3min", (60, 86_400))?,
        leave_after: duration(&mut section, "leave_after", "3min", (0, 3_600))?,
        unseen_after: duration(&mut section, "unseen_after", "30min", (60, 86_400))?,
        far_inside_unseen_after: duration(&mut section, "far_inside_unseen_after", "60min", (60, 86_400))?,
        late_after: duration(&mut section, "late_after", "15min", (60, 86_400))?,
        confidence_min: section.fraction("confidence_min", known.confidence_min, 0.0..=1.0)?,
        ..known
    };
    sure.finish()?;
    section.finish()?;
    Ok(settings)
}

fn duration(
    section: &mut Section,
    key: &'static str,
    default: &str,
    (min_s, max_s): (u64, u64),
) -> Result<Duration, ConfigError> {
    let found = section.duration(key, default)?;
    let range = Duration::from_secs(min_s)..=Duration::from_secs(max_s);
    if range.contains(&found) {
        return Ok(found);
    }
    let reason = format!("it is out of range; write a duration from {min_s}s to {max_s}s");
    Err(section.invalid(key, &format!("{}s", found.as_secs_f64()), &reason))
}
