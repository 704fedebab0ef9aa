use crate::{BoundingBox, DeviceId, Timestamp};

/// A part of what a camera sees in which something that is no animal is taken for one: a boulder that scores as a sheep.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Its number.
    pub id: u64,
    /// Whose view.
    pub device: DeviceId,
    /// Which part of it.
    pub area: MaskArea,
    /// From when it holds.
    pub from: Timestamp,
    /// Until when (exclusive): its time is up, or somebody withdrew it.
    pub to: Timestamp,
}

impl Mask {
    /// Whether it holds at an instant.
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// A part of what a camera sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaskArea {
    /// Of the picture of a camera that does not turn.
    Picture {
        /// Which part.
        bounding_box: BoundingBox,
    },
    /// Of the directions of a head that turns, in its own angles.
    Head {
        /// Clockwise from the head's zero, degrees; low and high, which may lie beyond a full turn.
        pan_deg: (f64, f64),
        /// Above the horizon positive, degrees; low and high.
        tilt_deg: (f64, f64),
        /// How far it was zoomed in; a closer look is a new look.
        zoom: f64,
    },
}

impl MaskArea {
    /// Two areas are the same if they overlap by at least this share of what they cover together. So one that is more than
    /// twice as large, less than half as large, or half beside, is another.
    pub const SAME: f64 = 0.5;
    /// And if the zoom is the same within this factor.
    pub const SAME_ZOOM: f64 = 1.5;

    /// Whether what was seen there is what this area is about. A mask hides nothing else.
    pub fn is_same(&self, seen: &Self) -> bool {
        match (self, seen) {
            (Self::Picture { bounding_box: own }, Self::Picture { bounding_box: other }) => {
                own.likeness(*other) >= Self::SAME
            }
            (
                Self::Head { pan_deg, tilt_deg, zoom },
                Self::Head { pan_deg: other_pan, tilt_deg: other_tilt, zoom: other_zoom },
            ) => {
                let turns = ((pan_deg.0 + pan_deg.1 - other_pan.0 - other_pan.1) / 720.0).round() * 360.0;
                let own = rectangle(*pan_deg, *tilt_deg);
                let other = rectangle((other_pan.0 + turns, other_pan.1 + turns), *other_tilt);
                let closer = (zoom / other_zoom).max(other_zoom / zoom);
                own.likeness(other) >= Self::SAME && closer <= Self::SAME_ZOOM
            }
            _ => false,
        }
    }
}

/// Angles as a rectangle, of which only the overlap with another is asked.
fn rectangle((left, right): (f64, f64), (low, high): (f64, f64)) -> BoundingBox {
    BoundingBox { x: left, y: low, w: right - left, h: high - low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(x: f64, y: f64, w: f64, h: f64) -> MaskArea {
        MaskArea::Picture { bounding_box: BoundingBox { x, y, w, h } }
    }

    fn head(pan: f64, tilt: f64, side: f64, zoom: f64) -> MaskArea {
        MaskArea::Head { pan_deg: (pan, pan + side), tilt_deg: (tilt, tilt + side), zoom }
    }

    #[test]
    fn a_mask_is_about_what_it_was_made_of_and_not_about_what_is_larger_smaller_or_beside() {
        let boulder = picture(0.4, 0.6, 0.06, 0.05);
        assert!(boulder.is_same(&picture(0.405, 0.603, 0.062, 0.047)), "a detector's boxes jitter");
        for (other, what) in [
            (picture(0.39, 0.55, 0.1, 0.1), "an animal before the boulder, three times as large"),
            (picture(0.41, 0.61, 0.03, 0.03), "a lamb on it"),
            (picture(0.43, 0.6, 0.06, 0.05), "an animal that comes out from behind it"),
            (picture(0.1, 0.6, 0.06, 0.05), "elsewhere"),
        ] {
            assert!(!boulder.is_same(&other), "{what}");
        }
        assert!(!boulder.is_same(&head(0.4, 0.6, 0.06, 1.0)));
    }

    #[test]
    fn a_head_that_turned_once_around_looks_at_the_same_boulder_and_a_closer_look_is_a_new_one() {
        let boulder = head(179.0, -8.0, 2.0, 4.0);
        for same in [head(179.3, -8.1, 2.0, 4.0), head(-181.0, -8.0, 2.0, 5.0), head(539.0, -8.0, 2.0, 3.0)] {
            assert!(boulder.is_same(&same), "{same:?}");
        }
        for other in [head(181.0, -8.0, 2.0, 4.0), head(179.0, -10.0, 2.0, 4.0), head(179.0, -8.0, 2.0, 8.0)] {
            assert!(!boulder.is_same(&other), "{other:?}");
        }
    }
}
