//! `fire`: smoke or heat that a camera saw.
//!
//! In: its JSON, in any datum.   Out: [`model::Fire`], on the ground, in the picture, or nowhere in particular. Never refused for a
//! missing place: that there may be a fire is the news.

use super::super::datum::WireDatum;
use super::super::fields::{required, within, word};
use super::super::json::{self, Label};
use super::super::time::RawTime;
use super::Message;
use super::sighting::{WireBox, place};
use model::{Body, Fire, FireSign, Reject, SnapshotId};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Wire {
    ts: Option<RawTime>,
    seq: Option<u64>,
    datum: Option<WireDatum>,
    sign: Option<String>,
    confidence: Option<f64>,
    lat: Option<f64>,
    lon: Option<f64>,
    accuracy_m: Option<f64>,
    #[serde(default, rename = "box", deserialize_with = "json::nested")]
    bounding_box: Option<WireBox>,
    snapshot_id: Option<Label>,
}

impl Message<'_> for Wire {
    fn common(&mut self) -> (Option<RawTime>, Option<u64>) {
        (self.ts.take(), self.seq)
    }

    fn body(self) -> Result<Body, Reject> {
        let says_where = self.lat.is_some() || self.lon.is_some() || self.bounding_box.is_some();
        let at = says_where
            .then(|| place(self.datum, self.lat, self.lon, self.accuracy_m, self.bounding_box.as_ref()))
            .transpose()?;
        Ok(Body::Fire(Fire {
            sign: word("sign", &required("sign", self.sign)?, "smoke, heat", FireSign::parse)?,
            confidence: within("confidence", self.confidence.unwrap_or(1.0), 0.0, 1.0)?,
            place: at,
            snapshot_id: Label::checked("snapshot_id", self.snapshot_id)?
                .map(|id| SnapshotId::parse(&id))
                .transpose()?,
        }))
    }
}
