//! What the classes of COCO are to us.
//!
//! In: a class number of the 80.   Out: a species, or nothing for what no one asks for. There is no goat, camel, donkey or mule in
//! COCO: they are found as sheep, horse or cow, or not at all (docs/vision.md).

use model::Species;

/// So many classes a model has to have.
pub const COUNT: usize = 80;

/// The order is that of the 80 classes as detectors are trained on them, beginning with `person` as 0.
pub fn species(class: usize) -> Option<Species> {
    match class {
        0 => Some(Species::Person),
        // car, motorcycle, bus, truck
        2 | 3 | 5 | 7 => Some(Species::Vehicle),
        16 => Some(Species::Dog),
        17 => Some(Species::Horse),
        18 => Some(Species::Sheep),
        19 => Some(Species::Cattle),
        _ => None,
    }
}
