//! `report`: what a ranger or a caller told.
//!
//! In: its JSON, in any datum.   Out: [`model::Report`]. Who told it (`informant`) is not read here at all: it stays
//! sealed in the journal. Never refuses a report for a missing place: people often know only the name of a valley.

use super::super::datum::{self, WireDatum};
use super::super::fields::{COUNT_MAX, SPECIES, required, whole, word};
use super::super::json::Label;
use super::super::time::RawTime;
use super::Message;
use model::{Body, Reject, Report, Species, TownshipCode};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Wire {
    ts: Option<RawTime>,
    seq: Option<u64>,
    datum: Option<WireDatum>,
    text: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    species: Option<String>,
    count: Option<f64>,
    channel: Option<Label>,
    destination: Option<String>,
    vehicle: Option<Label>,
}

fn township(said: &str) -> Result<TownshipCode, Reject> {
    word("destination", said, "the code of a township", |code| TownshipCode::parse(code).ok())
}

impl Message<'_> for Wire {
    fn common(&mut self) -> (Option<RawTime>, Option<u64>) {
        (self.ts.take(), self.seq)
    }

    fn body(self) -> Result<Body, Reject> {
        let datum = WireDatum::checked(self.datum)?;
        let position = datum::position_or_no_fix(self.lat, self.lon, datum)?;
        // A place without words is a report too: "here".
        let text = if position.is_some() { self.text.unwrap_or_default() } else { required("text", self.text)? };
        Ok(Body::Report(Report {
            text,
            position,
            species: self.species.map(|said| word("species", &said, SPECIES, Species::parse)).transpose()?,
            count: self.count.map(|said| whole("count", said, 1, COUNT_MAX)).transpose()?,
            channel: Label::checked("channel", self.channel)?,
            destination: self.destination.filter(|said| !said.is_empty()).map(|said| township(&said)).transpose()?,
            vehicle: Label::checked("vehicle", self.vehicle)?,
        }))
    }
}
