//! What the alarms of cameras have in common, whatever language they speak: labels, boxes, how sure an alarm is, and what a
//! listener writes beside a message.
//!
//! In:  words and numbers of a message.   Out: species, sightings, signs of life. Pure, like all of decode.

use model::{Body, BoundingBox, FireSign, Heartbeat, HeartbeatStatus, Place, Sighting, SnapshotId, Species};

/// An alarm's rule has fired; how often it fires on grass in the wind nobody knows.
pub(super) const ALARM_CONFIDENCE: f64 = 0.5;

/// An alarm that names no place was somewhere before the lens: around the middle of the picture, and as unsure as that.
pub(super) const SOMEWHERE_IN_THE_PICTURE: BoundingBox = BoundingBox { x: 0.0, y: 0.0, w: 1.0, h: 0.5 };

/// What is narrower has no size: a thousandth of a pixel of the largest picture.
const SIDE_MIN: f64 = 1e-7;

/// What detectors call what they see. What is not here is no animal of ours and nothing that a person should look at.
const LABELS: [(&str, Species); 17] = [
    ("sheep", Species::Sheep),
    ("goat", Species::Goat),
    ("cow", Species::Cattle),
    ("cattle", Species::Cattle),
    ("horse", Species::Horse),
    ("camel", Species::Camel),
    ("donkey", Species::Donkey),
    ("mule", Species::Mule),
    ("dog", Species::Dog),
    ("person", Species::Person),
    ("car", Species::Vehicle),
    ("truck", Species::Vehicle),
    ("bus", Species::Vehicle),
    ("motorcycle", Species::Vehicle),
    ("tractor", Species::Vehicle),
    ("vehicle", Species::Vehicle),
    ("unknown", Species::Unknown),
];

/// What a label of a model that somebody trained himself may be called; the narrower word comes first. 羊 alone may be a goat.
const WORDS: [(&str, Species); 10] = [
    ("绵羊", Species::Sheep),
    ("山羊", Species::Goat),
    ("牛", Species::Cattle),
    ("骆驼", Species::Camel),
    ("驴", Species::Donkey),
    ("骡", Species::Mule),
    ("马匹", Species::Horse),
    ("马群", Species::Horse),
    ("犬", Species::Dog),
    ("狗", Species::Dog),
];

/// The species of a detector's label, in whatever case.
pub(super) fn species_of(label: &str) -> Option<Species> {
    let label = label.to_ascii_lowercase();
    LABELS.iter().find(|(known, _)| *known == label).map(|(_, species)| *species)
}

/// The species that a label of a model of somebody's own names.
pub(super) fn species_in(label: &str) -> Option<Species> {
    let word = || WORDS.iter().find(|(word, _)| label.contains(word)).map(|(_, species)| *species);
    species_of(label).or_else(word).or_else(|| named(label))
}

/// Labels of models that look for fires.
pub(super) fn fire_of(label: &str) -> Option<FireSign> {
    match label.to_ascii_lowercase().as_str() {
        "smoke" => Some(FireSign::Smoke),
        "fire" | "flame" => Some(FireSign::Heat),
        _ => None,
    }
}

/// Smoke or heat, if a description names a fire that is seen. `防火` is a checkpoint's duty and `吸烟` a person's habit; neither is one.
pub(super) fn fire_named(description: &str) -> Option<FireSign> {
    const SMOKE: [&str; 5] = ["烟火", "烟雾", "冒烟", "浓烟", "smoke"];
    const HEAT: [&str; 11] =
        ["火情", "火点", "火警", "火灾", "明火", "起火", "着火", "山火", "热点", "hotspot", "fire detect"];
    let text = description.to_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if names(&HEAT) {
        Some(FireSign::Heat)
    } else if names(&SMOKE) {
        Some(FireSign::Smoke)
    } else {
        None
    }
}

/// What a description names. Animals come first: "人赶羊" is a herd with its herder.
pub(super) fn named(description: &str) -> Option<Species> {
    const ANIMALS: [&str; 16] = [
        "羊",
        "牛",
        "马匹",
        "马群",
        "骆驼",
        "驼",
        "牲畜",
        "牲口",
        "家畜",
        "动物",
        "放牧",
        "偷牧",
        "animal",
        "sheep",
        "cattle",
        "livestock",
    ];
    const PEOPLE: [&str; 5] = ["人员", "行人", "人形", "person", "human"];
    const VEHICLES: [&str; 4] = ["车辆", "机动车", "车", "vehicle"];
    let text = description.to_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if names(&ANIMALS) {
        Some(Species::Unknown)
    } else if names(&PEOPLE) {
        Some(Species::Person)
    } else if names(&VEHICLES) {
        Some(Species::Vehicle)
    } else {
        None
    }
}

/// One thing that an alarm is about. Which part of the picture it was a mask needs to know; where no alarm says it, it is left open.
pub(super) fn sighting(
    species: Species,
    confidence: Option<f64>,
    area: Option<BoundingBox>,
    snapshot_id: Option<SnapshotId>,
) -> Body {
    Body::Sighting(Sighting {
        species,
        count: 1,
        young: 0,
        confidence: confidence.unwrap_or(ALARM_CONFIDENCE),
        place: Place::Picture(area.unwrap_or(SOMEWHERE_IN_THE_PICTURE)),
        track_id: None,
        snapshot_id,
        bounding_box: area,
        animals: Vec::new(),
    })
}

/// A part of the picture, from its left upper corner; what overhangs is cut, and what is none is nothing.
pub(super) fn area(left: f64, top: f64, width: f64, height: f64) -> Option<BoundingBox> {
    let (right, bottom) = ((left + width).min(1.0), (top + height).min(1.0));
    let (x, y) = (left.max(0.0), top.max(0.0));
    let (w, h) = ((right - x).min(1.0 - x), (bottom - y).min(1.0 - y));
    let is_said = [left, top, width, height].iter().all(|side| side.is_finite());
    (is_said && w >= SIDE_MIN && h >= SIDE_MIN).then_some(BoundingBox { x, y, w, h })
}

/// A sign of life.
pub(super) fn feels(status: Option<HeartbeatStatus>) -> Body {
    Body::Heartbeat(Heartbeat { status, ..Heartbeat::default() })
}

/// What stands beside a camera's message in the journal, since the message does not say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Beside {
    /// Which of the things that it is about, from 0.
    pub index: usize,
    /// The picture that came with it.
    pub snapshot: Option<SnapshotId>,
    /// How the device feels by all that it has said of itself and not taken back.
    pub status: Option<HeartbeatStatus>,
    /// By how much its clock is ahead of ours, where that is known and matters; milliseconds.
    pub skew_ms: i64,
}

impl Beside {
    /// As it stands in the frame's detail: three words, and a fourth for a clock that is off.
    pub(crate) fn write(&self) -> String {
        let status = match self.status {
            None => "-",
            Some(HeartbeatStatus::Ok) => "ok",
            Some(HeartbeatStatus::Degraded) => "degraded",
            Some(HeartbeatStatus::Fault) => "fault",
        };
        let skew = if self.skew_ms == 0 { String::new() } else { format!(" {}", self.skew_ms) };
        format!("{} {} {status}{skew}", self.index, self.snapshot.as_ref().map_or("-", SnapshotId::as_str))
    }

    /// What [`Beside::write`] wrote; anything else is nothing.
    pub(super) fn read(detail: &str) -> Self {
        let mut words = detail.split(' ');
        Self {
            index: words.next().and_then(|index| index.parse().ok()).unwrap_or_default(),
            snapshot: words.next().filter(|id| *id != "-").and_then(|id| SnapshotId::parse(id).ok()),
            status: match words.next() {
                Some("ok") => Some(HeartbeatStatus::Ok),
                Some("degraded") => Some(HeartbeatStatus::Degraded),
                Some("fault") => Some(HeartbeatStatus::Fault),
                _ => None,
            },
            skew_ms: words.next().and_then(|skew| skew.parse().ok()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_message_is_read_as_it_was_written() {
        let all = Beside {
            index: 3,
            snapshot: Some(SnapshotId::parse("isapi-1").unwrap()),
            status: Some(HeartbeatStatus::Degraded),
            skew_ms: -90_000,
        };
        for one in [all, Beside::default()] {
            assert_eq!(Beside::read(&one.write()), one);
        }
        assert_eq!(Beside::read("- - -"), Beside::default());
    }

    #[test]
    fn an_area_is_within_the_picture_or_none() {
        assert_eq!(area(0.5, 0.5, 0.75, 0.25), Some(BoundingBox { x: 0.5, y: 0.5, w: 0.5, h: 0.25 }));
        assert_eq!(area(-0.25, 0.0, 0.5, 1.0), Some(BoundingBox { x: 0.0, y: 0.0, w: 0.25, h: 1.0 }));
        for (x, y, w, h) in [(1.0, 0.0, 0.5, 0.5), (0.0, 0.0, 0.0, 0.0), (0.0, f64::NAN, 0.1, f64::NAN)] {
            assert_eq!(area(x, y, w, h), None, "{x} {y} {w} {h}");
        }
    }

    #[test]
    fn a_label_of_somebodys_own_model_names_its_animal() {
        for (label, species) in [
            ("Sheep", Some(Species::Sheep)),
            ("山羊", Some(Species::Goat)),
            ("羊群", Some(Species::Unknown)),
            ("牛_v2", Some(Species::Cattle)),
            ("人员闯入", Some(Species::Person)),
            ("安全帽", None),
        ] {
            assert_eq!(species_in(label), species, "{label}");
        }
    }
}
