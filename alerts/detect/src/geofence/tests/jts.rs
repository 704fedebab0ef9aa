//! Points and areas of JTS's conformance cases.

use super::borders::shared_data;
use super::oracle::{by_geo, geo_polygon};
use super::*;

/// JTS draws in small numbers; so much larger they are whole units.
const SCALE: f64 = 1_000.0;

#[test]
fn points_of_the_conformance_cases_lie_where_they_say_and_border_points_in_exactly_one_side() {
    let Some(path) = shared_data("conformance/jts/general_TestRelatePA.xml") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let (mut inside, mut outside, mut border, mut cases) = (0, 0, 0, 0);
    for case in text.split("<case>").skip(1) {
        let between = |start: &str, end: &str| Some(case.split_once(start)?.1.split_once(end)?.0.trim());
        let (a, b) = (between("<a>", "</a>").unwrap(), between("<b>", "</b>").unwrap());
        let matrix = between("arg3=\"", "\"").unwrap().as_bytes();
        // The points' interior against the area's interior, border and exterior: a row, or a column where they stand last.
        let (points, area, places) = if a.contains("POLYGON") { (b, a, [0, 3, 6]) } else { (a, b, [0, 1, 2]) };
        let says = places.map(|place: usize| matrix[place] != b'F');
        let (points, zone) = (points_of(points), area_of(area));
        // The zone, and all that is not the zone within a wide square.
        let mut rest = vec![square(1_000_000_000)];
        rest.extend(
            zone.iter()
                .flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes))
                .map(|ring| Polygon { exterior: ring.clone(), holes: vec![] }),
        );
        let fence = Geofence::build([zone.as_slice(), rest.as_slice()]).unwrap();
        let (mut found_inside, mut found_outside, mut found_border) = (false, false, false);
        for point in points {
            let zones = fence.zones_of(fence.set_at(point));
            assert_eq!(zones.len(), 1, "exactly one side holds {point:?} in {case}");
            let places: Option<Vec<bool>> =
                zone.iter().map(|polygon| by_geo(&geo_polygon(polygon), point.lon_e7, point.lat_e7)).collect();
            match places {
                Some(places) => {
                    let is_inside = places.contains(&true);
                    assert_eq!(zones == [0], is_inside, "{point:?} in {case}");
                    found_inside |= is_inside;
                    found_outside |= !is_inside;
                    *if is_inside { &mut inside } else { &mut outside } += 1;
                }
                None => {
                    found_border = true;
                    border += 1;
                }
            }
        }
        assert_eq!(says, [found_inside, found_border, found_outside], "{case}");
        cases += 1;
    }
    println!("{cases} JTS cases applied: {inside} points inside, {outside} outside, {border} on a border");
    assert_eq!(cases, 11, "all cases of the file are of points and areas");
}

fn square(half: i32) -> Polygon {
    super::oracle::polygon(&[(-half, -half), (half, -half), (half, half), (-half, half)], &[])
}

/// Every pair of numbers in a text.
fn points_of(text: &str) -> Vec<GeoPoint> {
    let numbers = text.split(|sign: char| !(sign.is_ascii_digit() || sign == '.' || sign == '-'));
    let unit = |number: &str| (number.parse::<f64>().unwrap() * SCALE) as i32;
    let numbers: Vec<i32> = numbers.filter(|number| !number.is_empty()).map(unit).collect();
    numbers.chunks(2).map(|pair| GeoPoint { lon_e7: pair[0], lat_e7: pair[1] }).collect()
}

/// POLYGON or MULTIPOLYGON: rings in brackets, the first of each polygon its outline.
fn area_of(text: &str) -> Vec<Polygon> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" (", "(").replace("( ", "(");
    let text = text.replace(", ", ",").replace("EMPTY,", "");
    let (kind, body) = text.split_once('(').unwrap();
    assert!(kind.ends_with("POLYGON"), "{kind}");
    let polygons: Vec<&str> = if kind == "MULTIPOLYGON" { body.split(")),((").collect() } else { vec![body] };
    let ring = |text: &str| points_of(text).split_last().map(|(_, open)| open.to_vec()).unwrap();
    let rings = |text: &str| text.split("),(").map(ring).collect::<Vec<_>>();
    let polygon = |text: &&str| {
        let mut rings = rings(text);
        Polygon { exterior: rings.remove(0), holes: rings }
    };
    polygons.iter().map(polygon).collect()
}
