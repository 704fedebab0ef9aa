use crate::{DeviceId, LegalDate, Position, Quantity, Timestamp, TownshipCode};

/// A station as the map shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct StationView {
    /// Which.
    pub device: DeviceId,
    /// Where it stands.
    pub position: Option<Position>,
    /// In whose township.
    pub township: Option<TownshipCode>,
    /// The last value of each quantity that it measures.
    pub latest: Vec<LatestValue>,
    /// The thresholds that it is past, by their rules' names.
    pub past: Vec<String>,
    /// Its own fire danger: index and class 1 to 5; `None` where it cannot be said.
    pub fire_danger: Option<(f64, u8)>,
    /// Relative soil moisture in percent of field capacity and class of drought 0 to 4, in the growing season.
    pub soil_moisture: Option<(f64, u8)>,
    /// When its grass turned green this year, and how sure that is, 0 to 1.
    pub greened: Option<(LegalDate, f64)>,
    /// Whether it can be said if it has.
    pub is_judged: bool,
}

/// The last value of a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatestValue {
    /// Of what.
    pub quantity: Quantity,
    /// How much.
    pub value: f64,
    /// When.
    pub at: Timestamp,
    /// Whether it can be believed.
    pub is_sound: bool,
}
