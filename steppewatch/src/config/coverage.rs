//! `[coverage]` and `[[patrol_duty]]`: what counts as watched, how much of a closed zone has to be, and who has to be out how often.
//!
//! In:  the sections.   Out: [`Coverage`], each number within a range in which it still means something.   Never: a duty of nobody.

use super::section::{ConfigError, Section};
use detect::coverage::duty::{Duty, Every, defaults};
use detect::coverage::{KindTerms, Settings, Terms};
use model::ZoneKind;
use std::time::Duration;

/// What both say.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// What counts as watched.
    pub settings: Settings,
    /// How long days and patrols are kept.
    pub retention: Duration,
    /// Who has to be out.
    pub duties: Vec<Duty>,
}

/// More is no plan.
const DUTIES_MAX: usize = 50;

/// Reads both; what is left out keeps its default.
pub(super) fn coverage(mut section: Section, duties: Vec<Section>) -> Result<Coverage, ConfigError> {
    let known = Settings::default();
    let terms = Terms {
        limit: limit(&mut section, Some(known.terms.limit))?.unwrap_or(known.terms.limit),
        share: section.fraction("share", known.terms.share, 0.0..=1.0)?,
    };
    let metres = |section: &mut Section, key, default: f64, range| section.fraction(key, default, range);
    let settings = Settings {
        cell_m: metres(&mut section, "cell_m", known.cell_m, 20.0..=5_000.0)?,
        cells_max: section.number("cells_max", known.cells_max as u64, 1_000..=4_000_000)? as usize,
        animal_m: metres(&mut section, "animal_m", known.animal_m, 0.2..=3.0)?,
        animal_pixels: section.fraction("animal_pixels", known.animal_pixels, 2.0..=500.0)?,
        picture_pixels: section.number("picture_pixels", known.picture_pixels as u64, 320..=20_000)? as f64,
        range_max_m: metres(&mut section, "range_max_m", known.range_max_m, 50.0..=20_000.0)?,
        drone_hfov_deg: section.fraction("drone_hfov_deg", known.drone_hfov_deg, 1.0..=150.0)?,
        ranger_m: metres(&mut section, "ranger_m", known.ranger_m, 5.0..=2_000.0)?,
        patrol_pause: bounded(&section.duration("patrol_pause", "10min")?, &section)?,
        hysteresis: section.fraction("hysteresis", known.hysteresis, 0.0..=0.5)?,
        terms,
        kinds: kinds(&mut section)?,
    };
    let retention = section.duration("retention", "400d")?;
    section.finish()?;
    let duties = if duties.is_empty() { defaults() } else { self::duties(duties)? };
    Ok(Coverage { settings, retention, duties })
}

const LIMITS: std::ops::RangeInclusive<Duration> = Duration::from_secs(3_600)..=Duration::from_secs(366 * 86_400);

fn limit(section: &mut Section, default: Option<Duration>) -> Result<Option<Duration>, ConfigError> {
    let written = match default {
        Some(default) => Some(section.duration("limit", &format!("{}h", default.as_secs() / 3_600))?),
        None => section.optional_duration("limit", "7d")?,
    };
    match written {
        Some(limit) if !LIMITS.contains(&limit) => {
            let reason = "it is out of range; write a duration from 1h to 366d";
            Err(section.invalid("limit", &format!("{}s", limit.as_secs_f64()), reason))
        }
        limit => Ok(limit),
    }
}

fn bounded(pause: &Duration, section: &Section) -> Result<Duration, ConfigError> {
    if (Duration::from_secs(60)..=Duration::from_secs(86_400)).contains(pause) {
        return Ok(*pause);
    }
    let reason = "it is out of range; write a duration from 60s to 24h";
    Err(section.invalid("patrol_pause", &format!("{}s", pause.as_secs_f64()), reason))
}

/// `[coverage.kind.no-grazing]` and so on.
fn kinds(section: &mut Section) -> Result<std::collections::BTreeMap<ZoneKind, KindTerms>, ConfigError> {
    let mut table = section.section("kind")?;
    let mut kinds = std::collections::BTreeMap::new();
    for kind in ZoneKind::ALL {
        let Some(mut of) = table.optional_section(kind.as_str())? else { continue };
        let limit = limit(&mut of, None)?;
        let share = of.optional_fraction("share", 0.0..=1.0)?;
        of.finish()?;
        kinds.insert(kind, KindTerms { limit, share });
    }
    table.finish()?;
    Ok(kinds)
}

fn duties(sections: Vec<Section>) -> Result<Vec<Duty>, ConfigError> {
    let mut duties: Vec<Duty> = Vec::new();
    for mut section in sections {
        let name = section.required("name", "a word for it, for example village_chief")?;
        let is_word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        if name.len() > 64 || !name.bytes().all(is_word) {
            return Err(section.invalid("name", &name, "use 1 to 64 of a-z 0-9 _"));
        }
        if duties.iter().any(|duty| duty.name == name) {
            return Err(section.invalid("name", &name, "it is there twice; write one [[patrol_duty]] for each duty"));
        }
        if duties.len() >= DUTIES_MAX {
            return Err(section.invalid("name", &name, "there are more than 50 duties; leave some out"));
        }
        duties.push(Duty {
            names: (section.text("zh", &name)?, section.text("en", &name)?),
            every: section.parsed("every", "week", |word| {
                Every::parse(word).ok_or_else(|| "use week, month or quarter".to_owned())
            })?,
            times: u32::try_from(section.number("times", 1, 1..=100)?).unwrap_or(1),
            each_township: section.parsed("area", "township", |word| match word {
                "township" => Ok(true),
                "banner" => Ok(false),
                _ => Err("use township or banner".to_owned()),
            })?,
            share: section.fraction("share", 0.01, 0.0..=1.0)?,
            name,
        });
        section.finish()?;
    }
    Ok(duties)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use detect::coverage::duty::Every;
    use model::ZoneKind;
    use std::time::Duration;

    #[test]
    fn a_kind_may_differ_and_duties_that_are_written_replace_those_that_are_shipped() {
        let text = "[coverage]\nlimit = \"72h\"\n[coverage.kind.balance]\nshare = 0.2\n[[patrol_duty]]\nname = \"patrol\"\nevery = \"month\"\narea = \"banner\"";
        let coverage = Config::parse(text).unwrap().coverage;
        let of = |kind| (coverage.settings.terms_of(kind).limit, coverage.settings.terms_of(kind).share);
        assert_eq!(of(ZoneKind::Balance), (Duration::from_secs(72 * 3_600), 0.2));
        assert_eq!(of(ZoneKind::Forest), (Duration::from_secs(72 * 3_600), 0.5));
        let [duty] = &coverage.duties[..] else { panic!("{:?}", coverage.duties) };
        assert_eq!((duty.every, duty.times, duty.each_township), (Every::Month, 1, false));
        assert_eq!(Config::parse("").unwrap().coverage.duties.len(), 6);
    }

    #[test]
    fn what_is_wrong_with_it_is_one_sentence() {
        for (text, complaint) in [
            (
                "[coverage]\nlimit = \"1min\"",
                "`coverage.limit` is `60s`, which cannot be used: it is out of range; write a duration from 1h to 366d",
            ),
            (
                "[coverage.kind.meadows]\nshare = 0.1",
                "`coverage.kind.meadows` is `share = 0.1\n`, but there is no such key; known here: balance, checkpoint, forest, forest-farm, jurisdiction, meadow, no-grazing, overlap, project, reserve",
            ),
            (
                "[[patrol_duty]]\nname = \"a\"\nevery = \"year\"",
                "`patrol_duty[0].every` is `year`, which cannot be used: use week, month or quarter",
            ),
            (
                "[[patrol_duty]]\nevery = \"week\"",
                "`patrol_duty[0].name` is missing; write a word for it, for example village_chief",
            ),
        ] {
            assert_eq!(Config::parse(text).unwrap_err().to_string(), complaint);
        }
    }
}
