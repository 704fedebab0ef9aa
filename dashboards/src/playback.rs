//! What moved in a span of time, for the console to play it back.
//!
//! In: a span.   Out: each mover's places in it, thinned to a step that a screen can show.   Never: a mover of another township than the user's;
//! an answer without bound: what is left out is said (`cut`).

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::sees;
use crate::extract::{self, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use history::{HistoryError, TrackPoint};
use model::{Device, DeviceKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// A span when nobody named one.
const SPAN_DEFAULT: Duration = Duration::from_secs(3_600);
/// The longest span of one question.
const SPAN_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Places of one mover: more than a timeline has pixels.
const PLACES_EACH: u64 = 1_000;
/// Places in one answer: some 6 MB.
const PLACES_MAX: usize = 200_000;
/// Places read for it: a second or so of the disk.
const READ_MAX: usize = 2_000_000;

/// What `GET /playback` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// RFC 3339 or a legal date.
    from: Option<String>,
    /// Likewise; now when absent.
    to: Option<String>,
}

/// What moved in a span, to be played back; at most 7 days.
#[utoipa::path(
    get, path = "/api/v1/playback", tag = "playback",
    params(Asked),
    responses((status = 200, body = PlaybackJson), BadRequest, NotLoggedIn),
)]
pub(crate) async fn playback(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<PlaybackJson>, Problem> {
    let (from, to) = extract::span((asked.from.as_deref(), asked.to.as_deref()), app.now(), SPAN_DEFAULT, SPAN_MAX)?;
    let registry = app.registry_view();
    let moves = |device: &&Device| matches!(device.kind, DeviceKind::Drone | DeviceKind::Collar | DeviceKind::Ranger);
    let movers: Vec<Device> =
        registry.devices.values().filter(moves).filter(|device| sees(&signed.who, device)).cloned().collect();
    let step = step_of(to.since(from));
    let history = app.parts.history.clone();
    blocking("reading tracks", move || {
        let (mut shown, mut read, mut kept, mut cut) = (Vec::new(), 0, 0, false);
        // Few and quick ones first: should something be left out, it is collars, which herds stand for.
        for kind in [DeviceKind::Drone, DeviceKind::Ranger, DeviceKind::Collar] {
            for device in movers.iter().filter(|device| device.kind == kind) {
                if read > READ_MAX || kept > PLACES_MAX {
                    cut = true;
                    break;
                }
                let track = history.track(&device.id, from, to)?;
                let places = thinned(&track, step);
                read += track.len();
                kept += places.len();
                if !places.is_empty() {
                    shown.push(MoverJson { id: device.id.to_string(), kind: kind.as_str(), points: places });
                }
            }
        }
        let (from, to) = (from.into(), to.into());
        Ok::<_, HistoryError>(Json(PlaybackJson { from, to, step_s: step.as_secs(), movers: shown, cut }))
    })
    .await
}

/// What moved.
#[derive(Serialize, ToSchema)]
#[schema(as = Playback)]
pub(crate) struct PlaybackJson {
    from: Moment,
    to: Moment,
    /// Places are at least so far apart, seconds.
    step_s: u64,
    movers: Vec<MoverJson>,
    /// There were more movers or places than one answer holds.
    cut: bool,
}

/// Something that moved.
#[derive(Serialize, ToSchema)]
#[schema(as = PlaybackMover)]
struct MoverJson {
    id: String,
    #[schema(value_type = words::DeviceKind)]
    kind: &'static str,
    /// Unix milliseconds, latitude, longitude.
    points: Vec<(i64, f64, f64)>,
}

/// Whole seconds.
fn step_of(span: Duration) -> Duration {
    Duration::from_secs((span.as_secs() / PLACES_EACH).max(1))
}

/// The first place of each step, and the last of all: milliseconds, latitude, longitude.
fn thinned(track: &[TrackPoint], step: Duration) -> Vec<(i64, f64, f64)> {
    let mut kept: Vec<(i64, f64, f64)> = Vec::new();
    let mut next = Timestamp::from_millis(i64::MIN);
    for (number, point) in track.iter().enumerate() {
        if point.ts >= next || number + 1 == track.len() {
            kept.push((point.ts.as_millis(), degrees(point.position.lat_deg()), degrees(point.position.lon_deg())));
            next = point.ts.plus(step);
        }
    }
    kept
}

/// Six places are a decimetre.
fn degrees(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Position;

    #[test]
    fn a_track_is_thinned_to_its_step_and_keeps_its_ends_and_its_gaps() {
        let point = |second: i64| TrackPoint {
            ts: Timestamp::from_millis(second * 1_000),
            position: Position::parse(43.0, 117.0).unwrap(),
            alt_m: None,
            height_m: None,
            speed_mps: None,
            heading_deg: None,
            accuracy_m: None,
            battery_percent: None,
        };
        let track: Vec<_> = [0, 1, 2, 3, 4, 100, 101].map(point).into();
        let kept: Vec<_> = thinned(&track, Duration::from_secs(3)).into_iter().map(|(ts, ..)| ts / 1_000).collect();
        assert_eq!(kept, [0, 3, 100, 101]);
        assert_eq!(step_of(Duration::from_secs(3_600)), Duration::from_secs(3));
        assert_eq!(step_of(Duration::from_secs(60)), Duration::from_secs(1));
    }
}
