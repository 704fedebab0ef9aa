//! A Frigate recorder that follows animals in its cameras' pictures.

use serde_json::{Value, json};

/// What it follows.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The recorder's name for it.
    pub id: String,
    /// The recorder's name for the camera.
    pub camera: String,
    /// `sheep`, `cow`, `horse`, ...
    pub label: String,
    /// Left, top, right, bottom, in pixels of the picture that it searches.
    pub frame: [u32; 4],
}

impl Tracked {
    /// A message on `frigate/events`: `new`, `update` or `end`. It names the state before, too.
    pub fn event(&self, kind: &str, at_ms: i64) -> Value {
        let Self { id, camera, label, frame } = self;
        let state = json!({ "id": id, "camera": camera, "frame_time": at_ms as f64 / 1_000.0, "label": label, "score": 0.83,
            "top_score": 0.85, "false_positive": false, "box": frame, "current_zones": [], "active": true });
        json!({ "type": kind, "before": state, "after": state })
    }
}
