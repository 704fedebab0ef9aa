//! Logs of cattle collars as their maker writes them: a line a fix, times without a zone, 0,0 for no fix.

use model::Timestamp;
use std::path::Path;

/// One line of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fix {
    pub(crate) at: Timestamp,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    /// The receiver's own estimate of its error, metres.
    pub(crate) accuracy_m: f64,
}

impl Fix {
    /// The receiver had none, and wrote 0,0.
    pub(crate) fn is_none(&self) -> bool {
        self.lat == 0.0 && self.lon == 0.0
    }
}

/// Reads a log. The times are taken for UTC, which moves all of them alike.
pub(crate) fn read(file: &Path) -> Vec<Fix> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(|cell| cell.trim_matches(['"', ' '])));
    let names: Vec<&str> = lines.next().unwrap().collect();
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let columns = ["Date", "Time", "Latitude", "Longitude", "EHPE"].map(place);
    lines
        .map(|cells| {
            let cells: Vec<&str> = cells.collect();
            let [date, time, lat, lon, error_cm] = columns.map(|column| *cells.get(column).unwrap());
            Fix {
                at: Timestamp::parse_rfc3339(&format!("{}T{time}Z", date.replace('/', "-"))).unwrap(),
                lat: lat.parse().unwrap(),
                lon: lon.parse().unwrap(),
                accuracy_m: error_cm.parse::<f64>().unwrap() / 100.0,
            }
        })
        .collect()
}
