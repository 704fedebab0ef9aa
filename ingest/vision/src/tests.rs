//! The real model on real pictures, where they are there; and what needs neither.

use super::*;
use crate::jpeg::{Picture, decode};
use crate::layout::Candidate;
use crate::network::Output;
use model::{BoundingBox, Species};
use std::path::PathBuf;

const SHEEP: &str = "coco_yolox_sample/000000005992.jpg";

/// A file of the shared data, or a visible reason why the test says nothing.
fn shared(name: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !file.exists() {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    }
    Some(file)
}

fn yolox() -> Option<Detector> {
    Some(Detector::load(&shared("models/yolox_nano.onnx")?, Layout::Yolox).unwrap())
}

fn picture(name: &str) -> Vec<u8> {
    std::fs::read(shared(&format!("images/{name}")).unwrap()).unwrap()
}

fn look() -> Look {
    Look { threshold: 0.5, region: None, masks: Vec::new() }
}

fn count(found: &[Detection], species: Species) -> usize {
    found.iter().filter(|detection| detection.species == species).count()
}

fn part(x: f64, y: f64, w: f64, h: f64) -> BoundingBox {
    BoundingBox { x, y, w, h }
}

#[test]
fn sheep_and_horses_are_found_and_dogs_and_people_are_told_and_are_no_livestock() {
    let Some(detector) = yolox() else { return };
    let see = |name: &str| detector.find(&picture(name), &look()).unwrap();
    let found = see(SHEEP);
    assert_eq!((count(&found, Species::Sheep), found.len()), (4, 4), "{found:?}");
    let found = see("coco_yolox_sample/000000007281.jpg");
    assert_eq!(count(&found, Species::Horse), 2, "two are ridden: {found:?}");
    assert!(count(&found, Species::Person) >= 2, "{found:?}");
    let found = see("darknet/horses.jpg");
    assert!(found.len() >= 3 && found.iter().all(|one| one.species.grazes()), "{found:?}");
    let found = see("darknet/person.jpg");
    let of = [Species::Person, Species::Dog, Species::Horse].map(|species| count(&found, species));
    assert_eq!((of, found.len()), ([1, 1, 1], 3), "{found:?}");
    for name in ["coco_yolox_sample/000000008690.jpg", "darknet/dog.jpg"] {
        let found = see(name);
        assert!(!found.is_empty() && !found.iter().any(|one| one.species.grazes()), "{name}: {found:?}");
    }
}

#[test]
fn threshold_region_and_masks_say_what_is_told_and_a_part_of_a_picture_is_still_told_by_its_whole() {
    let Some(detector) = yolox() else { return };
    let see = |look: &Look| detector.find(&picture(SHEEP), look).unwrap();
    let all = see(&look());
    assert_eq!(see(&Look { threshold: 0.885, ..look() }).len(), 1);
    // The sheep on the left, alone in the left part of the picture.
    let left = *all.iter().min_by(|a, b| a.bounding_box.x.total_cmp(&b.bounding_box.x)).unwrap();
    let in_part = see(&Look { region: Some(part(0.0, 0.2, 0.42, 0.8)), ..look() });
    let likeness = |one: &Detection| one.bounding_box.likeness(left.bounding_box);
    assert!(in_part.iter().any(|one| likeness(one) > 0.7), "{in_part:?}\nfor {left:?}");
    let without = see(&Look { masks: vec![part(0.0, 0.0, 0.3, 1.0)], ..look() });
    assert_eq!(without.len(), 3, "{without:?}");
}

#[test]
fn both_layouts_see_the_same_in_the_same_numbers() {
    let Some(detector) = yolox() else { return };
    let picture = decode(&picture(SHEEP)).unwrap();
    let side = detector.network.side();
    let letterbox = Letterbox::new(&picture, None, side, false);
    let output = detector.network.run(letterbox.input(&picture, Layout::Yolox)).unwrap();
    let as_yolox = Layout::Yolox.candidates(&output, side, 0.5).unwrap();
    let as_yolov8 = Layout::Yolov8.candidates(&rewritten(&output, side), side, 0.5).unwrap();
    assert!(!as_yolox.is_empty() && as_yolox.len() == as_yolov8.len());
    for (a, b) in as_yolox.iter().zip(&as_yolov8) {
        let near = a.corners.iter().zip(b.corners).all(|(a, b)| (a - b).abs() < 0.05);
        assert!(near && a.species == b.species && (a.confidence - b.confidence).abs() < 1e-4, "{a:?} {b:?}");
    }
}

/// What a YOLOv8 would have written for what a YOLOX wrote, by the formats' definitions.
fn rewritten(output: &Output, side: usize) -> Output {
    let cells = output.shape[1];
    let mut numbers = vec![0.0; 84 * cells];
    let grid = [8, 16, 32].into_iter().flat_map(|stride| {
        let across = side / stride;
        (0..across * across).map(move |cell| (stride as f32, (cell % across) as f32, (cell / across) as f32))
    });
    for (cell, (stride, column, row)) in grid.enumerate() {
        let wrote = &output.numbers[cell * 85..(cell + 1) * 85];
        let lines =
            [(wrote[0] + column) * stride, (wrote[1] + row) * stride, wrote[2].exp() * stride, wrote[3].exp() * stride];
        for (line, number) in lines.into_iter().chain(wrote[5..].iter().map(|class| class * wrote[4])).enumerate() {
            numbers[line * cells + cell] = number;
        }
    }
    Output { shape: vec![1, 84, cells], numbers }
}

#[test]
fn a_model_of_the_other_kind_or_a_file_that_is_none_stops_the_start_with_a_remedy() {
    let Some(model) = shared("models/yolox_nano.onnx") else { return };
    let error = Detector::load(&model, Layout::Yolov8).unwrap_err().to_string();
    assert!(error.contains("writes [1, 3549, 85] where its kind writes [1, 84, 3549]"), "{error}");
    let error = Detector::load(&shared("models/coco80_classes.txt").unwrap(), Layout::Yolox).unwrap_err();
    assert!(matches!(error, BadModel::Unusable { .. }), "{error}");
    let error = Detector::load(Path::new("/nowhere/model.onnx"), Layout::Yolox).unwrap_err();
    assert!(matches!(error, BadModel::File { .. }), "{error}");
}

#[test]
fn what_is_no_whole_jpeg_is_unknown_and_never_empty() {
    for bytes in [&b""[..], b"\xFF\xD8\xFF", b"\xFF\xD8\xFF\xE0 nothing more", b"GIF89a"] {
        assert!(matches!(decode(bytes), Err(Unseen::NotDecodable(_))), "{bytes:?}");
    }
}

#[test]
fn a_small_file_that_claims_to_be_a_huge_picture_is_refused_before_it_is_decoded() {
    // Start of image, and the head of a baseline frame: 8 bits, 16,000 by 16,000, one component.
    let frame = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0x3E, 0x80, 0x3E, 0x80, 1, 1, 0x11, 0];
    // And the head of a scan, at which reading of heads ends.
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9];
    let error = decode(&[&frame[..], &scan].concat()).unwrap_err();
    assert!(matches!(error, Unseen::TooLarge { width: 16_000, height: 16_000, .. }), "{error:?}");
}

fn grey(width: usize, height: usize) -> Picture {
    Picture { width, height, rgb: vec![200; width * height * 3] }
}

#[test]
fn a_place_in_the_models_square_is_the_same_place_in_the_picture_whichever_way_it_lies() {
    for (centred, corners) in [(false, [104.0, 52.0, 208.0, 104.0]), (true, [104.0, 156.0, 208.0, 208.0])] {
        let letterbox = Letterbox::new(&grey(800, 400), None, 416, centred);
        let back = letterbox.back(corners).unwrap();
        let want = part(0.25, 0.25, 0.25, 0.25);
        assert!(back.likeness(want) > 0.999, "{centred}: {back:?}");
    }
    let lower = Letterbox::new(&grey(800, 400), Some(part(0.5, 0.5, 0.5, 0.5)), 416, false);
    assert!(lower.back([0.0, 0.0, 208.0, 104.0]).unwrap().likeness(part(0.5, 0.5, 0.25, 0.25)) > 0.999);
    assert_eq!(lower.back([f64::NAN; 4]), None);
}

#[test]
fn the_square_holds_the_picture_in_the_layouts_colours_and_grey_beside_it() {
    let mut picture = grey(2, 1);
    picture.rgb = [[255, 128, 0]; 2].concat();
    let bgr = Letterbox::new(&picture, None, 64, false).input(&picture, Layout::Yolox);
    let plane = 64 * 64;
    assert_eq!((bgr[0], bgr[plane], bgr[2 * plane], bgr[plane - 1]), (0.0, 128.0, 255.0, 114.0));
    let rgb = Letterbox::new(&picture, None, 64, true).input(&picture, Layout::Yolov8);
    let middle = 32 * 64;
    assert_eq!((rgb[middle], rgb[2 * plane + middle], rgb[0]), (1.0, 0.0, 114.0 * (1.0 / 255.0)));
}

#[test]
fn boxes_of_one_animal_are_one_also_where_the_model_wavers_and_a_rider_and_a_horse_are_two() {
    let of = |species, confidence, x: f64| Candidate { species, confidence, corners: [x, 100.0, x + 100.0, 200.0] };
    let letterbox = Letterbox::new(&grey(416, 416), None, 416, false);
    let tell = |candidates: Vec<Candidate>| -> Vec<Species> {
        suppress::detections(candidates, &letterbox, &look()).into_iter().map(|one| one.species).collect()
    };
    use Species::{Cattle, Horse, Person};
    assert_eq!(tell(vec![of(Horse, 0.9, 100.0), of(Horse, 0.8, 110.0), of(Horse, 0.7, 250.0)]), [Horse, Horse]);
    assert_eq!(tell(vec![of(Cattle, 0.9, 100.0), of(Horse, 0.8, 105.0)]), [Cattle]);
    assert_eq!(tell(vec![of(Horse, 0.9, 100.0), of(Person, 0.8, 105.0)]), [Horse, Person]);
}

#[test]
fn a_class_that_nobody_asks_for_is_not_told_as_the_next_best_animal() {
    // One cell of a square of 32 pixels for each stride would be 21; a YOLOv8 of that side.
    let cells = 21;
    let mut numbers = vec![0.0; 84 * cells];
    for (line, number) in [(0, 16.0), (1, 16.0), (2, 8.0), (3, 8.0), (4 + 13, 0.9), (4 + 18, 0.8)] {
        numbers[line * cells] = number;
    }
    let output = Output { shape: vec![1, 84, cells], numbers };
    assert_eq!(Layout::Yolov8.candidates(&output, 32, 0.5).unwrap(), [], "a bench that may be a sheep is a bench");
    assert!(matches!(Layout::Yolox.candidates(&output, 32, 0.5), Err(Unseen::Model(_))));
}
