//! Parts of a camera's view in which something is taken for an animal again and again.
//!
//! In: where in its picture a camera saw something, and where its head was turned to.   Out: the area, as a mask names it; and
//! whether a mask that held then is about it.   Never: a drone's or a person's view, which is another each time; anything that
//! is clearly larger, smaller or elsewhere than what the mask was made of ([`MaskArea::is_same`]).

use crate::place::{Attitude, Lens};
use model::{BoundingBox, Device, DeviceId, DeviceKind, Mask, MaskArea, PanTilt, Timestamp};
use std::collections::BTreeMap;

/// The word by which sightings within a mask are counted.
pub const MASKED: &str = "masked";

/// The area of a view that shows what is in the box: part of the picture of a fixed camera, directions of a turning one. `None`
/// for what is no camera, and for a turning camera whose field of view the registry does not know.
pub fn area(device: &Device, seen: BoundingBox, head: Option<PanTilt>) -> Option<MaskArea> {
    if device.kind != DeviceKind::Camera {
        return None;
    }
    let Some(head) = head else { return Some(MaskArea::Picture { bounding_box: seen }) };
    let lens = Lens::new(device.pose?.hfov_deg, head.zoom);
    let attitude = Attitude { yaw_deg: head.pan_deg, pitch_deg: head.tilt_deg, roll_deg: 0.0 };
    let (mut pan, mut tilt) = ((f64::MAX, f64::MIN), (f64::MAX, f64::MIN));
    let (right, bottom) = (seen.x + seen.w, seen.y + seen.h);
    for (u, v) in [(seen.x, seen.y), (right, seen.y), (seen.x, bottom), (right, bottom)] {
        let ray = attitude.turn(lens.ray(u, v));
        let aside = (ray.bearing_deg() - head.pan_deg + 180.0).rem_euclid(360.0) - 180.0;
        let (to, above) = (head.pan_deg + aside, -ray.depression_deg());
        (pan, tilt) = ((pan.0.min(to), pan.1.max(to)), (tilt.0.min(above), tilt.1.max(above)));
    }
    Some(MaskArea::Head { pan_deg: pan, tilt_deg: tilt, zoom: head.zoom.max(1.0) })
}

/// All masks that were ever applied, by device.
#[derive(Debug, Clone, Default)]
pub struct Masks(BTreeMap<DeviceId, Vec<Mask>>);

impl Masks {
    /// An index over these.
    pub fn new(masks: &[Mask]) -> Self {
        let mut by_device: BTreeMap<DeviceId, Vec<Mask>> = BTreeMap::new();
        for mask in masks {
            by_device.entry(mask.device.clone()).or_default().push(mask.clone());
        }
        Self(by_device)
    }

    /// Whether a mask that held at `at` is about what the device saw there. By the time of receipt, as everything that is
    /// applied: judged again, an entry meets the masks of its time.
    pub fn hide(&self, device: &Device, seen: BoundingBox, head: Option<PanTilt>, at: Timestamp) -> bool {
        let Some(masks) = self.0.get(&device.id) else { return false };
        let Some(area) = area(device, seen, head) else { return false };
        masks.iter().any(|mask| mask.holds_at(at) && mask.area.is_same(&area))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NORTH, Stage, cases};
    use model::{Body, DeviceId, Offset, Timestamp, What};
    use std::sync::Arc;
    use std::time::Duration;

    const BOULDER: BoundingBox = BoundingBox { x: 0.45, y: 0.6, w: 0.04, h: 0.05 };

    fn camera() -> Device {
        let stage = Stage::at("2026-01-10T10:00:00+08:00");
        stage.engine.world().device(&DeviceId::parse("cam-1").unwrap()).unwrap().clone()
    }

    fn shows(stage: &mut Stage, bounding_box: BoundingBox) -> Vec<What> {
        let Body::Sighting(mut sighting) = Stage::sighting_body(NORTH, 40) else { return Vec::new() };
        sighting.bounding_box = Some(bounding_box);
        let now = stage.now;
        let found = stage.take("cam-1", Body::Sighting(sighting), Some(now));
        found.into_iter().map(|finding| finding.what).chain(stage.wait(20)).collect()
    }

    fn apply(stage: &mut Stage, from: Timestamp, to: Timestamp) {
        let area = MaskArea::Picture { bounding_box: BOULDER };
        let mask = Mask { id: 1, device: camera().id, area, from, to };
        let world = (**stage.engine.world()).clone().with_masks(&[mask]);
        stage.engine.set_world(Arc::new(world), Offset(stage.offset));
    }

    #[test]
    fn a_boulder_within_a_mask_is_set_aside_and_counted_and_an_animal_beside_it_is_not() {
        let mut stage = Stage::at("2026-01-10T10:00:00+08:00");
        let now = stage.now;
        apply(&mut stage, now, now.plus(Duration::from_secs(3_600)));
        let found: Vec<_> = (0..4).flat_map(|_| shows(&mut stage, BOULDER)).collect();
        assert_eq!(cases(&found), [""; 0]);
        assert_eq!(stage.engine.take_asides().sightings.get(MASKED), Some(&4));
        let animal = BoundingBox { x: 0.42, y: 0.5, w: 0.1, h: 0.15 };
        let found: Vec<_> = (0..3).flat_map(|_| shows(&mut stage, animal)).collect();
        assert_eq!(cases(&found), ["opened in north"]);
    }

    #[test]
    fn a_mask_hides_nothing_before_it_was_applied_nor_after_its_time() {
        let mut stage = Stage::at("2026-01-10T10:00:00+08:00");
        let from = stage.now.plus(Duration::from_secs(50));
        apply(&mut stage, from, from.plus(Duration::from_secs(40)));
        for _ in 0..7 {
            shows(&mut stage, BOULDER);
        }
        // Three before it, two within, two after.
        assert_eq!(stage.engine.take_asides().sightings.get(MASKED), Some(&2));
    }

    #[test]
    fn a_turned_head_sees_the_boulder_in_another_part_of_its_picture_and_in_the_same_direction() {
        let camera = camera();
        let head = |pan_deg| Some(PanTilt { pan_deg, tilt_deg: -10.0, zoom: 1.0 });
        let first = area(&camera, BoundingBox { x: 0.48, y: 0.5, w: 0.04, h: 0.05 }, head(20.0)).unwrap();
        let MaskArea::Head { pan_deg: (left, right), tilt_deg: (low, high), .. } = first else { panic!("{first:?}") };
        assert!((left..right).contains(&20.0) && right - left < 3.5, "{first:?}");
        assert!(high <= -9.9 && low > -14.0, "{first:?}");
        // 60 degrees of view: five degrees of turn are some 0.076 of the picture.
        let moved = area(&camera, BoundingBox { x: 0.48 + 0.0758, y: 0.5, w: 0.04, h: 0.05 }, head(15.0)).unwrap();
        assert!(first.is_same(&moved), "{moved:?}");
        let elsewhere = area(&camera, BoundingBox { x: 0.48, y: 0.5, w: 0.04, h: 0.05 }, head(15.0)).unwrap();
        assert!(!first.is_same(&elsewhere), "{elsewhere:?}");
        let drone = Device { kind: DeviceKind::Drone, ..camera.clone() };
        assert_eq!(area(&drone, BOULDER, None), None);
        assert_eq!(area(&Device { pose: None, ..camera }, BOULDER, head(0.0)), None);
    }
}
