//! An aircraft's `osd` of the DJI Cloud API (protocol notes, section 1).
//!
//! In:  a drone's state.   Out: the envelope with the properties that a track needs, under the maker's names and conventions:
//! heading -180 to 180, `height` above the ellipsoid, `elevation` above take-off, the gimbal under its payload's index.

use super::drone::{GIMBAL_PITCH_DEG, mode_code};
use super::message::rounded;
use crate::ground::{self, Plane};
use crate::rng::Rng;
use crate::scenario::GROUND_ALT_M;
use crate::world::Drone;
use serde_json::json;

/// Wide camera of an M3TD.
const PAYLOAD_INDEX: &str = "81-0-0";
/// A full battery in the air, seconds.
const FLIGHT_S: f64 = 2_280.0;

/// One message for `thing/product/{serial}/osd`.
pub fn osd(state: &Drone, serial: &str, unix_ms: i64, plane: &Plane, rng: &mut Rng) -> String {
    let place = plane.degrees(state.spot());
    let heading_deg = (state.heading_deg() + 180.0).rem_euclid(360.0) - 180.0;
    let tail: String = serial.chars().skip(serial.len().saturating_sub(6)).collect();
    json!({
        "tid": rng.uuid(),
        "bid": rng.uuid(),
        "timestamp": unix_ms,
        "gateway": format!("7CTDM00{tail}"),
        "data": {
            "latitude": ground::round_deg(place.lat + rng.normal(0.0, 1e-7)),
            "longitude": ground::round_deg(place.lon + rng.normal(0.0, 1e-7)),
            "height": rounded(GROUND_ALT_M + state.height_m(), 1),
            "elevation": rounded(state.height_m(), 1),
            "attitude_head": rounded(heading_deg, 1),
            "attitude_pitch": rounded(rng.normal(-3.0, 0.5), 1),
            "attitude_roll": rounded(rng.normal(0.0, 0.5), 1),
            "horizontal_speed": rounded(state.speed_mps(), 1),
            "vertical_speed": 0.0,
            "mode_code": mode_code(state.errand()),
            "track_id": "",
            "home_distance": rounded(state.spot().distance_m(state.plan().base), 1),
            "position_state": {"is_fixed": 2, "quality": 5, "gps_number": rng.whole(18, 26), "rtk_number": 0},
            "battery": {
                "capacity_percent": state.battery_percent().round() as u64,
                "remain_flight_time": (FLIGHT_S * state.battery_percent() / 100.0) as u64,
                "return_home_power": 20,
                "landing_power": 10,
                "batteries": [],
            },
            PAYLOAD_INDEX: {
                "payload_index": PAYLOAD_INDEX,
                "gimbal_pitch": GIMBAL_PITCH_DEG,
                "gimbal_roll": 0.0,
                "gimbal_yaw": rounded(heading_deg, 1),
                "zoom_factor": 1.0,
            },
        },
    })
    .to_string()
}
