//! What is kept of a reading: a time, a place in the journal, and one number per column.
//!
//! In: [`model::Reading`]. Out: [`Row`] and back to what is asked for ([`TrackPoint`], a value). A reading that says neither
//! where something is nor what was measured has no row.

use model::{Body, Heartbeat, Measurement, Position, Quantity, Reading, Timestamp, Track};

/// Columns of the widest group.
pub(crate) const MAX_COLUMNS: usize = 12;

/// Positions are kept in whole 1e-7 degrees (a centimetre), the grid of the geofence.
pub(crate) const DEGREES_E7: f64 = 1e7;

/// Columns that are written and read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    /// Where a mover was.
    Track,
    /// What a station measured.
    Station,
    /// How a device said it was.
    Vitals,
}

/// What a heartbeat says of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vital {
    /// Charge.
    BatteryPercent,
    /// Received signal.
    SignalDbm,
    /// Inside the housing.
    TemperatureC,
    /// Free storage.
    StorageFreeMb,
}

impl Vital {
    /// Every one; their order is on disk, new ones go to the end.
    pub const ALL: [Self; 4] = [Self::BatteryPercent, Self::SignalDbm, Self::TemperatureC, Self::StorageFreeMb];

    /// Its name on the wire; the last word is the unit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BatteryPercent => "battery_percent",
            Self::SignalDbm => "signal_dbm",
            Self::TemperatureC => "temperature_c",
            Self::StorageFreeMb => "storage_free_mb",
        }
    }

    /// `None` for a name that is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vital| vital.as_str() == name)
    }

    /// Unit as people write it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::BatteryPercent => "%",
            Self::SignalDbm => "dBm",
            Self::TemperatureC => "°C",
            Self::StorageFreeMb => "MB",
        }
    }

    fn of(self, heartbeat: &Heartbeat) -> Option<f64> {
        match self {
            Self::BatteryPercent => heartbeat.battery_percent,
            Self::SignalDbm => heartbeat.signal_dbm,
            Self::TemperatureC => heartbeat.temperature_c,
            Self::StorageFreeMb => heartbeat.storage_free_mb,
        }
    }

    /// In which groups it stands, and in which column: a mover tells its charge with its place.
    pub(crate) fn columns(self) -> Vec<(Group, usize)> {
        let own = Self::ALL.iter().position(|vital| *vital == self).map(|column| (Group::Vitals, column));
        let moving = (self == Self::BatteryPercent).then_some((Group::Track, track_column::BATTERY_PERCENT));
        own.into_iter().chain(moving).collect()
    }
}

/// Columns of [`Group::Track`] by place. New ones go to the end: a block says how many it holds.
mod track_column {
    pub(super) const LAT: usize = 0;
    pub(super) const LON: usize = 1;
    pub(super) const ALT_M: usize = 2;
    pub(super) const HEIGHT_M: usize = 3;
    pub(super) const SPEED_MPS: usize = 4;
    pub(super) const HEADING_DEG: usize = 5;
    pub(super) const ACCURACY_M: usize = 6;
    pub(super) const BATTERY_PERCENT: usize = 7;
    pub(super) const COUNT: usize = 8;
}

impl Group {
    /// As written in the files.
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Track => 1,
            Self::Station => 2,
            Self::Vitals => 3,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Self> {
        [Self::Track, Self::Station, Self::Vitals].into_iter().find(|group| group.code() == code)
    }

    /// How many columns a row has.
    pub(crate) fn columns(self) -> usize {
        match self {
            Self::Track => track_column::COUNT,
            Self::Station => Quantity::all().count().min(MAX_COLUMNS),
            Self::Vitals => Vital::ALL.len(),
        }
    }

    /// Whether the column holds degrees on the 1e-7 grid, which compress best as whole numbers.
    pub(crate) fn is_grid(self, column: usize) -> bool {
        self == Self::Track && matches!(column, track_column::LAT | track_column::LON)
    }
}

/// Where a quantity stands in [`Group::Station`]: its place in the contract's list, to which new ones are added at the end.
pub(crate) fn station_column(quantity: Quantity) -> Option<usize> {
    Quantity::all().position(|one| one == quantity)
}

/// What a row of [`Group::Station`] measures.
pub(crate) fn measurements(row: &Row) -> Vec<Measurement> {
    let value = |(column, quantity)| row.get(column).map(|value| Measurement { quantity, value });
    Quantity::all().enumerate().filter_map(value).collect()
}

/// One row: NaN stands for "not said". Numbers as SQLite keeps them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) ts_ms: i64,
    pub(crate) offset: i64,
    cells: [f64; MAX_COLUMNS],
}

impl Row {
    pub(crate) fn empty(ts_ms: i64, offset: i64) -> Self {
        Self { ts_ms, offset, cells: [f64::NAN; MAX_COLUMNS] }
    }

    /// Every cell in its place.
    pub(crate) fn cells(&self) -> &[f64] {
        &self.cells
    }

    pub(crate) fn get(&self, column: usize) -> Option<f64> {
        self.cells.get(column).copied().filter(|value| !value.is_nan())
    }

    /// Puts a number into a column; a column that does not exist and a number that is none are left out.
    pub(crate) fn set(&mut self, column: usize, value: Option<f64>) {
        if let (Some(cell), Some(value)) = (self.cells.get_mut(column), value.filter(|value| value.is_finite())) {
            // Adding zero makes zero of minus zero, which would keep a whole column from being written as whole numbers.
            *cell = value + 0.0;
        }
    }

    /// What is kept of a reading, and in which group.
    pub(crate) fn of(reading: &Reading) -> Option<(Group, Self)> {
        let offset = i64::try_from(reading.offset.0).unwrap_or(i64::MAX);
        let mut row = Self::empty(reading.happened_at().as_millis(), offset);
        match &reading.body {
            Body::Track(track) => row.fill_track(track).map(|()| (Group::Track, row)),
            Body::Measurements(measurements) => {
                for one in measurements {
                    if let Some(column) = station_column(one.quantity) {
                        row.set(column, Some(one.value));
                    }
                }
                row.says_something().then_some((Group::Station, row))
            }
            Body::Heartbeat(heartbeat) => {
                for (column, vital) in Vital::ALL.into_iter().enumerate() {
                    row.set(column, vital.of(heartbeat));
                }
                row.says_something().then_some((Group::Vitals, row))
            }
            _ => None,
        }
    }

    fn says_something(&self) -> bool {
        self.cells.iter().any(|cell| !cell.is_nan())
    }

    fn fill_track(&mut self, track: &Track) -> Option<()> {
        use track_column as c;
        let position = track.position?;
        self.set(c::LAT, Some(on_grid(position.lat_deg())));
        self.set(c::LON, Some(on_grid(position.lon_deg())));
        self.set(c::ALT_M, track.alt_m);
        self.set(c::HEIGHT_M, track.height_m);
        self.set(c::SPEED_MPS, track.speed_mps);
        self.set(c::HEADING_DEG, track.heading_deg);
        self.set(c::ACCURACY_M, track.accuracy_m);
        self.set(c::BATTERY_PERCENT, track.battery_percent);
        Some(())
    }

    /// The cells as last positions are kept: which columns are there (a bit each), then their numbers.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut mask = 0_u16;
        let mut numbers = Vec::with_capacity(2 + MAX_COLUMNS * 8);
        for (column, cell) in self.cells.iter().enumerate().filter(|(_, cell)| !cell.is_nan()) {
            mask |= 1 << column;
            numbers.extend_from_slice(&cell.to_le_bytes());
        }
        let mut bytes = mask.to_le_bytes().to_vec();
        bytes.append(&mut numbers);
        bytes
    }

    /// The other way; `None` if the bytes are not what [`Row::to_bytes`] makes.
    pub(crate) fn from_bytes(ts_ms: i64, offset: i64, bytes: &[u8]) -> Option<Self> {
        let (mask, mut numbers) = bytes.split_first_chunk::<2>()?;
        let mask = u16::from_le_bytes(*mask);
        let mut row = Self::empty(ts_ms, offset);
        for column in (0..16).filter(|column| mask & (1 << column) != 0) {
            let (number, rest) = numbers.split_first_chunk::<8>()?;
            row.set(column, Some(f64::from_le_bytes(*number)));
            numbers = rest;
        }
        numbers.is_empty().then_some(row)
    }
}

fn on_grid(degrees: f64) -> f64 {
    (degrees * DEGREES_E7).round() / DEGREES_E7
}

/// Where a device was at one instant, and how it went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackPoint {
    /// When.
    pub ts: Timestamp,
    /// Where, to 1e-7 degree.
    pub position: Position,
    /// Height above the ellipsoid, metres.
    pub alt_m: Option<f64>,
    /// Height above the take-off point, metres.
    pub height_m: Option<f64>,
    /// Speed over ground, metres per second.
    pub speed_mps: Option<f64>,
    /// Heading clockwise from true north, degrees.
    pub heading_deg: Option<f64>,
    /// Accuracy of the position, metres (one standard deviation).
    pub accuracy_m: Option<f64>,
    /// Charge, percent.
    pub battery_percent: Option<f64>,
}

impl TrackPoint {
    /// The columns of a place.
    pub(crate) const PLACE: [usize; 2] = [track_column::LAT, track_column::LON];

    /// Only where; `None` as for [`TrackPoint::of`].
    pub(crate) fn place_of(row: &Row) -> Option<Position> {
        Position::parse(row.get(track_column::LAT)?, row.get(track_column::LON)?).ok()
    }

    /// `None` for a row whose place rounds to no place at all (within a centimetre of 0,0).
    pub(crate) fn of(row: &Row) -> Option<Self> {
        use track_column as c;
        Some(Self {
            ts: Timestamp::from_millis(row.ts_ms),
            position: Self::place_of(row)?,
            alt_m: row.get(c::ALT_M),
            height_m: row.get(c::HEIGHT_M),
            speed_mps: row.get(c::SPEED_MPS),
            heading_deg: row.get(c::HEADING_DEG),
            accuracy_m: row.get(c::ACCURACY_M),
            battery_percent: row.get(c::BATTERY_PERCENT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{DeviceId, Offset, ReceivedAt};

    #[test]
    fn cells_survive_the_tail_and_cut_bytes_are_refused() {
        let mut row = Row::empty(7, 9);
        row.set(0, Some(43.3));
        row.set(11, Some(-1.5));
        row.set(3, Some(f64::NAN));
        let bytes = row.to_bytes();
        let back = Row::from_bytes(7, 9, &bytes).unwrap();
        assert_eq!((back.get(0), back.get(3), back.get(11)), (Some(43.3), None, Some(-1.5)));
        for cut in 0..bytes.len() {
            assert!(Row::from_bytes(7, 9, &bytes[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn a_track_without_a_fix_has_no_row_and_every_quantity_has_a_column() {
        let body = Body::Track(Track { battery_percent: Some(50.0), ..Track::default() });
        let reading = Reading {
            device: DeviceId::parse("d").unwrap(),
            offset: Offset(1),
            received_at: ReceivedAt(Timestamp::from_millis(1)),
            device_time: None,
            seq: None,
            body,
        };
        assert!(Row::of(&reading).is_none());
        assert!(Quantity::all().all(|quantity| station_column(quantity).unwrap() < MAX_COLUMNS));
    }
}
