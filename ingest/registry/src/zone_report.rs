//! What an import of zones answers: one line for each feature of the file.
//!
//! In: what `zone_draft`, `zone_import` and `publish` found.   Out: [`ImportReport`], for people and for programs.
//! Never: a reason without its remedy.

use model::{BadName, SQUARE_METRES_PER_MU};
use std::fmt::{self, Write};
use survey::{AreaDifference, LandFault, Repair};

/// Of one zone; it is redrawn every five years and corrected now and then.
pub(crate) const MAX_VERSIONS: u32 = 1_000;

/// What became of each feature, in the file's order.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportReport {
    /// One for each feature.
    pub features: Vec<FeatureReport>,
    /// Nothing was written, on request.
    pub dry_run: bool,
}

/// What became of one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureReport {
    /// Its place in the file, from 0.
    pub index: usize,
    /// Its id as far as it could be read.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: FeatureOutcome,
    /// What its author should look at; it was imported nevertheless.
    pub notes: Vec<FeatureNote>,
    /// What a dry run finds to differ from the land in force; `None` for a zone that is not there yet or is as it was.
    pub difference: Option<AreaDifference>,
}

/// What is odd about a feature and not wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeatureNote {
    /// One of the two is not of this land.
    #[error("area is stated as {stated_mu:.1} mu, the border encloses {computed_mu:.1} mu; check both")]
    Area {
        /// As the file says.
        stated_mu: f64,
        /// As the border says.
        computed_mu: f64,
    },
    /// The border was mended, or only written in another way.
    #[error("{prefix}{0}", prefix = if .0.is_mending() { "repaired: " } else { "" })]
    Repaired(Repair),
}

/// What can become of a feature.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureOutcome {
    /// A new zone, or a new version of one.
    Published {
        /// 1 for a new zone.
        version: u32,
    },
    /// The newest version says the same.
    Unchanged {
        /// Which version that is.
        version: u32,
    },
    /// Wrong; nothing of the file was imported.
    Refused(FeatureFault),
}

impl ImportReport {
    /// A line for each feature, and the sum.
    pub fn text(&self) -> String {
        self.digest(usize::MAX)
    }

    /// The same with a line for each of the first `lines` features, those with notes before the others.
    pub fn digest(&self, lines: usize) -> String {
        let (noted, plain): (Vec<_>, Vec<_>) = self.features.iter().partition(|feature| !feature.notes.is_empty());
        let shown = if self.features.len() > lines { [noted, plain].concat() } else { self.features.iter().collect() };
        let mut text = String::new();
        for feature in shown.iter().take(lines) {
            // Writing into a String cannot fail.
            writeln!(text, "{feature}").ok();
        }
        if let Some(more) = shown.len().checked_sub(lines).filter(|more| *more > 0) {
            writeln!(text, "... and {more} more").ok();
        }
        text + &self.to_string()
    }

    /// How many features became a version.
    pub fn published(&self) -> usize {
        self.features.iter().filter(|feature| matches!(feature.outcome, FeatureOutcome::Published { .. })).count()
    }

    /// The features that were refused.
    pub fn refused(&self) -> impl Iterator<Item = (&FeatureReport, &FeatureFault)> {
        self.features.iter().filter_map(|feature| match &feature.outcome {
            FeatureOutcome::Refused(fault) => Some((feature, fault)),
            _ => None,
        })
    }
}

/// In words.
impl fmt::Display for FeatureOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { version } => write!(f, "version {version}"),
            Self::Unchanged { version } => write!(f, "unchanged, version {version}"),
            Self::Refused(fault) => write!(f, "refused: {fault}"),
        }
    }
}

/// As one line for people: what became of it, and what to look at.
impl fmt::Display for FeatureReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:24} ", self.id.as_deref().unwrap_or("-"))?;
        self.outcome.fmt(f)?;
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))?;
        let Some(AreaDifference { gained_m2, lost_m2 }) = self.difference else { return Ok(()) };
        let mu = |square_metres: f64| square_metres / SQUARE_METRES_PER_MU;
        write!(f, "; gains {:.2} mu and loses {:.2} mu against the version in force", mu(gained_m2), mu(lost_m2))
    }
}

/// As one line for people: which feature, and why the first of them.
impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.refused().count();
        let Some((feature, fault)) = self.refused().next() else {
            return write!(f, "{} of {} features are new versions", self.published(), self.features.len());
        };
        let id = feature.id.as_deref().unwrap_or("no id");
        write!(f, "{count} of {} features are wrong; feature {} ({id}): {fault}", self.features.len(), feature.index)
    }
}

/// What is wrong with a feature; the surveyor corrects it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeatureFault {
    /// Nothing to call it by.
    #[error("id is missing; give the feature a property `id`, or say in a mapping file which attribute it is")]
    IdMissing,
    /// An id that is unsafe in addresses and logs.
    #[error(transparent)]
    Id(BadName),
    /// The same id twice in a file.
    #[error("id is used by feature {first} too; give each zone its own")]
    IdTwice {
        /// Where it was used first.
        first: usize,
    },
    /// Too long, or with control characters.
    #[error("name is not 1 to 100 visible characters; shorten it")]
    Name,
    /// Neither the feature nor the command says what it is.
    #[error("kind is missing; give the feature a property `kind` or import with a kind")]
    KindMissing,
    /// A kind that is none of ours.
    #[error(
        "kind is `{found}`; use no-grazing, balance, project, overlap, forest, forest-farm, reserve, meadow, checkpoint or jurisdiction"
    )]
    Kind {
        /// What was written.
        found: String,
    },
    /// A township's name instead of its code, for example.
    #[error("{0} (property `township` holds the administrative code)")]
    Township(BadName),
    /// A body that is none of ours.
    #[error(
        "enforcement_body is `{found}`; use township, forestry_bureau, forestry_squadron or reserve_station, or leave it out"
    )]
    EnforcementBody {
        /// What was written.
        found: String,
    },
    /// Too long, or with control characters.
    #[error("legal_basis is longer than 500 visible characters; name the document only")]
    LegalBasis,
    /// No area.
    #[error("area_mu is `{found}`; write mu as a number above 0, without a unit")]
    Area {
        /// What was written.
        found: String,
    },
    /// No number of animals.
    #[error("capacity is `{found}`; write whole sheep units")]
    Capacity {
        /// What was written.
        found: String,
    },
    /// No land, or none that could be mended.
    #[error(transparent)]
    Land(LandFault),
    /// So many corrections are a mistake in a script.
    #[error("zone has {MAX_VERSIONS} versions already; publish it under a new id")]
    Versions,
}
