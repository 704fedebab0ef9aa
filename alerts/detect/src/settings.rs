//! The rules of evidence as numbers.
//!
//! In: nothing yet but the defaults.   Out: [`Settings`], handed to the engine.   Never: a number that the law sets; closures
//! and fines are the registry's rules.

use crate::herd::Source;
use crate::place::Errors;
use crate::stations::StationSettings;
use model::Track;
use std::time::Duration;

/// The numbers by which evidence is weighed. Configuration with defaults, never constants in the logic.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// So many sightings of a herd inside a zone ...
    pub sightings_needed: usize,
    /// ... within this time establish that it stands there.
    pub sightings_within: Duration,
    /// One collar that stays inside this long establishes it too.
    pub collar_dwell: Duration,
    /// One sighting that is at least this sure counts as inside, by how it was made.
    pub confirmed_probability: BySource,
    /// So sure must the latest sightings be together, where each is more likely inside than outside and no one of them is sure.
    pub together_probability: f64,
    /// The latest are those of so long, in which a grazing herd hardly moves; but never fewer than are needed.
    pub together_within: Duration,
    /// At most this sure to count as outside; between the two it is the border, which decides nothing.
    pub outside_probability: f64,
    /// So many sightings in a row outside end a stay that pictures established ...
    pub sightings_to_leave: u32,
    /// ... once nothing was seen inside for this long: who steps over the border and back has not left.
    pub leave_after: Duration,
    /// Farther from the border than this, and than three standard deviations more, nobody steps back in a moment: the stay ends
    /// without that wait. Metres.
    pub clear_of_border_m: f64,
    /// A case ends when its herd was not seen for this long (collars: at least six times their cadence).
    pub unseen_after: Duration,
    /// So long it waits for a herd that was last seen at least `far_inside_m` from the border and not seen to leave.
    pub far_inside_unseen_after: Duration,
    /// Metres from the border.
    pub far_inside_m: f64,
    /// A drone is back over the same land within this time; what only it saw is not lost before.
    pub patrol_every: Duration,
    /// While all that saw a herd are silent themselves, nobody can say that it left: its case waits this long for them.
    pub unseen_in_silence: Duration,
    /// Data older than this opens a case, never an emergency.
    pub late_after: Duration,
    /// Sightings less sure than this are not counted.
    pub confidence_min: f64,
    /// Accuracy (one standard deviation, metres) of a sighting or fix that states none.
    pub default_accuracy_m: f64,
    /// The same of a collar's fix that states neither accuracy nor dilution.
    pub collar_accuracy_m: f64,
    /// A fix that states only its dilution is this much wrong for each unit of it.
    pub metres_per_hdop: f64,
    /// The same of a place that a person tells.
    pub report_accuracy_m: f64,
    /// More must graze in a balance zone than it carries for this long before it is told, and no more for this long before
    /// that is told.
    pub overload_after: Duration,
    /// How often a standing case is told to be "seen again" at most.
    pub grew_every: Duration,
    /// How wrong a fixed camera's direction and height may be.
    pub camera_errors: Errors,
    /// How wrong a drone's may be; its compass is worse than a survey.
    pub drone_errors: Errors,
    /// By what stations' values become news, and cameras' fires.
    pub stations: StationSettings,
}

/// A probability for each way in which animals are noticed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BySource {
    /// Fixed cameras.
    pub camera: f64,
    /// Drones.
    pub drone: f64,
    /// What people report.
    pub report: f64,
    /// Collars.
    pub collar: f64,
}

impl BySource {
    /// That of one way.
    pub fn of(self, source: Source) -> f64 {
        match source {
            Source::Camera => self.camera,
            Source::Drone => self.drone,
            Source::Report => self.report,
            Source::Collar => self.collar,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sightings_needed: 3,
            sightings_within: Duration::from_secs(300),
            collar_dwell: Duration::from_secs(180),
            confirmed_probability: BySource { camera: 0.9, drone: 0.9, report: 0.9, collar: 0.9 },
            together_probability: 0.75,
            together_within: Duration::from_secs(60),
            outside_probability: 0.1,
            sightings_to_leave: 2,
            leave_after: Duration::from_secs(180),
            clear_of_border_m: 100.0,
            unseen_after: Duration::from_secs(1_800),
            far_inside_unseen_after: Duration::from_secs(3_600),
            far_inside_m: 30.0,
            patrol_every: Duration::from_secs(5_400),
            unseen_in_silence: Duration::from_secs(10_800),
            late_after: Duration::from_secs(900),
            confidence_min: 0.3,
            default_accuracy_m: 10.0,
            collar_accuracy_m: 10.0,
            metres_per_hdop: 5.0,
            report_accuracy_m: 50.0,
            overload_after: Duration::from_secs(1_800),
            grew_every: Duration::from_secs(10),
            camera_errors: Errors { pan_deg: 1.0, tilt_deg: 1.0, height_m: 3.0, position_m: 1.0 },
            drone_errors: Errors { pan_deg: 2.0, tilt_deg: 1.0, height_m: 3.0, position_m: 3.0 },
            stations: StationSettings::default(),
        }
    }
}

impl Settings {
    /// Of a collar's fix, one standard deviation, metres: as stated, else by its dilution, else the default.
    pub fn fix_accuracy_m(&self, track: &Track) -> f64 {
        let by_dilution = || track.hdop.map(|hdop| hdop.max(1.0) * self.metres_per_hdop);
        track.accuracy_m.or_else(by_dilution).unwrap_or(self.collar_accuracy_m)
    }
}
