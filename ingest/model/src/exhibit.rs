use crate::{AnimalMark, BoundingBox, DeviceId, Offset, PanTilt, SnapshotId, Timestamp};

/// What can be shown for a case: pictures, where in them, tracks, and animals that are known. Each list is bounded, and
/// the journal holds all of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exhibits {
    /// Pictures, newest last.
    pub pictures: Vec<CasePicture>,
    /// In which parts of whose pictures it was seen, in order of first sight.
    pub areas: Vec<SeenArea>,
    /// The tracks of collars that walk with it, in order of first sight.
    pub tracks: Vec<CaseTrack>,
    /// The animals that could be told from all others, in order of first sight.
    pub animals: Vec<AnimalMark>,
    /// The newest entry of the journal that is counted in.
    pub up_to: Offset,
}

/// A picture in which the animals were seen.
#[derive(Debug, Clone, PartialEq)]
pub struct CasePicture {
    /// Which.
    pub snapshot: SnapshotId,
    /// Whose.
    pub device: DeviceId,
    /// Of when.
    pub at: Timestamp,
    /// Where in it.
    pub boxes: Vec<BoundingBox>,
}

/// A part of a device's pictures in which something was seen, once or again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenArea {
    /// Whose pictures.
    pub device: DeviceId,
    /// Which part, as it was first seen.
    pub bounding_box: BoundingBox,
    /// Where its head was turned to then, as far as it said.
    pub head: Option<PanTilt>,
    /// How often.
    pub times: u32,
}

/// The track of a collar while it walked with the herd.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseTrack {
    /// Which collar.
    pub device: DeviceId,
    /// Its earliest fix.
    pub from: Timestamp,
    /// Its latest fix.
    pub to: Timestamp,
    /// How many fixes.
    pub fixes: u32,
    /// The first and the last entry of the journal that hold them.
    pub entries: (Offset, Offset),
}

impl BoundingBox {
    /// How much two parts of a picture are the same: their overlap by what they cover together, 0 to 1.
    pub fn likeness(self, other: Self) -> f64 {
        let side = |a: f64, a_long: f64, b: f64, b_long: f64| ((a + a_long).min(b + b_long) - a.max(b)).max(0.0);
        let overlap = side(self.x, self.w, other.x, other.w) * side(self.y, self.h, other.y, other.h);
        let covered = self.w * self.h + other.w * other.h - overlap;
        if covered > 0.0 { overlap / covered } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_alike_by_their_overlap_whichever_is_the_larger() {
        let of = |x, w| BoundingBox { x, y: 0.2, w, h: 0.1 };
        for (a, b, want) in [
            (of(0.1, 0.2), of(0.1, 0.2), 1.0),
            (of(0.1, 0.2), of(0.2, 0.2), 1.0 / 3.0),
            (of(0.1, 0.1), of(0.1, 0.4), 0.25),
        ] {
            assert!((a.likeness(b) - want).abs() < 1e-9 && (b.likeness(a) - want).abs() < 1e-9, "{a:?} {b:?}");
        }
        assert!(of(0.1, 0.1).likeness(of(0.3, 0.1)).abs() < 1e-9);
    }
}
