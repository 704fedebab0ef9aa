//! The tracks, the zones, the entries and exits and the fixes that were set aside, as a picture that a person can check.
//!
//! In: what the oracle made of each collar. Out: an SVG in `tests/output`. One row for each collar and zone: on the left the map, on the
//! right the same fixes by time as metres inside the zone, where an entry is a line that goes up through the border.

use super::oracle::{Stay, Worth, Zone, flat};
use super::tracks::Fix;
use geo::Coord;
use model::Timestamp;
use std::fmt::Write;

/// One collar.
pub(crate) struct Plot<'a> {
    pub(crate) collar: &'a str,
    pub(crate) judged: Vec<(Fix, Worth)>,
    pub(crate) stays: Vec<Stay>,
}

const MAP: f64 = 420.0;
const TIMES: f64 = 1_300.0;
const GAP: f64 = 50.0;
/// Depths beyond this are drawn at it: who is far outside is outside.
const DEPTH_MAX_M: f64 = 400.0;

/// Draws a row for each collar and zone.
pub(crate) fn draw(name: &str, plots: &[Plot<'_>], zones: &[Zone]) -> std::io::Result<()> {
    let rows: Vec<_> = plots.iter().flat_map(|plot| zones.iter().map(move |zone| (plot, zone))).collect();
    let (width, height) = (MAP + TIMES + 3.0 * GAP, rows.len() as f64 * (MAP + GAP) + GAP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    for (row, (plot, zone)) in rows.into_iter().enumerate() {
        let top = row as f64 * (MAP + GAP) + GAP;
        let title = "green: entry, red: exit (numbers alike on both sides), orange: set aside as a jump";
        put(
            &mut svg,
            format_args!("<text x=\"{GAP}\" y=\"{}\">{} in {}; {title}</text>", top - 8.0, plot.collar, zone.id),
        );
        map(&mut svg, top, plot, zone);
        times(&mut svg, top, plot, zone);
    }
    svg.push_str("</svg>\n");
    std::fs::write(journeys::output(name)?, svg)
}

fn put(svg: &mut String, shape: std::fmt::Arguments<'_>) {
    svg.write_fmt(shape).unwrap();
}

/// Where fixes of a worth are; without a position there is nothing to draw on a map.
fn places<'a>(plot: &'a Plot<'_>, worth: Worth) -> impl Iterator<Item = (&'a Fix, Coord<f64>)> {
    plot.judged.iter().filter(move |(_, judged)| *judged == worth).map(|(fix, _)| (fix, flat(fix.lat, fix.lon)))
}

fn map(svg: &mut String, top: f64, plot: &Plot<'_>, zone: &Zone) {
    let outline = zone.outline();
    let corners = || outline.exterior().coords();
    let span = |of: fn(&Coord<f64>) -> f64| {
        corners().map(of).fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)))
    };
    let ((west, east), (south, north)) = (span(|at| at.x), span(|at| at.y));
    // The zone fills two thirds of the map.
    let scale = MAP / ((east - west).max(north - south) * 1.5);
    let (middle_x, middle_y) = ((west + east) / 2.0, (south + north) / 2.0);
    let on_paper = |at: Coord<f64>| (MAP / 2.0 + (at.x - middle_x) * scale, MAP / 2.0 - (at.y - middle_y) * scale);
    let line = |places: &mut dyn Iterator<Item = Coord<f64>>| -> String {
        places.map(on_paper).map(|(x, y)| format!("{x:.1},{y:.1} ")).collect()
    };

    put(svg, format_args!("<svg x=\"{GAP}\" y=\"{top}\" width=\"{MAP}\" height=\"{MAP}\">"));
    put(svg, format_args!("<rect width=\"{MAP}\" height=\"{MAP}\" fill=\"none\" stroke=\"silver\"/>"));
    let ring = line(&mut corners().copied());
    put(svg, format_args!("<polygon points=\"{ring}\" fill=\"#fdd\" stroke=\"crimson\" stroke-width=\"2\"/>"));
    let way = line(&mut places(plot, Worth::Believed).map(|(_, at)| at));
    put(svg, format_args!("<polyline points=\"{way}\" fill=\"none\" stroke=\"steelblue\" stroke-width=\"0.7\"/>"));
    for (worth, colour, radius_min) in [(Worth::Believed, "navy", 1.5), (Worth::Jump, "darkorange", 4.0)] {
        for (fix, at) in places(plot, worth) {
            let ((x, y), radius) = (on_paper(at), (fix.accuracy_m * scale).max(radius_min));
            put(
                svg,
                format_args!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{colour}\" fill-opacity=\"0.35\"/>"
                ),
            );
        }
    }
    for (label, colour, at) in crossings(plot, zone) {
        let fix = places(plot, Worth::Believed).find(|(fix, _)| fix.at == at).map(|(_, place)| on_paper(place));
        let (x, y) = fix.unwrap();
        put(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"));
        put(svg, format_args!("<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{label}</text>", x + 5.0));
    }
    svg.push_str("</svg>");
}

/// Entries and exits of the stays that are cases, numbered alike.
fn crossings(plot: &Plot<'_>, zone: &Zone) -> Vec<(usize, &'static str, Timestamp)> {
    let cases = plot.stays.iter().filter(|stay| stay.zone == zone.id && stay.is_case()).enumerate();
    cases
        .flat_map(|(number, stay)| {
            let exit = stay.ended_at.map(|at| (number + 1, "red", at));
            [(number + 1, "green", stay.first_seen)].into_iter().chain(exit)
        })
        .collect()
}

fn times(svg: &mut String, top: f64, plot: &Plot<'_>, zone: &Zone) {
    let (first, last) = (plot.judged.first().unwrap().0.at, plot.judged.last().unwrap().0.at);
    let x = |at: Timestamp| at.since(first).as_secs_f64() / last.since(first).as_secs_f64() * TIMES;
    let y = |depth_m: f64| MAP / 2.0 * (1.0 - depth_m.clamp(-DEPTH_MAX_M, DEPTH_MAX_M) / DEPTH_MAX_M);
    put(svg, format_args!("<svg x=\"{}\" y=\"{top}\" width=\"{TIMES}\" height=\"{MAP}\">", MAP + 2.0 * GAP));
    put(svg, format_args!("<rect width=\"{TIMES}\" height=\"{MAP}\" fill=\"none\" stroke=\"silver\"/>"));
    for stay in plot.stays.iter().filter(|stay| stay.zone == zone.id && stay.is_case()) {
        let (from, to) = (x(stay.first_seen), stay.ended_at.map_or(TIMES, x));
        put(svg, format_args!("<rect x=\"{from:.1}\" width=\"{:.1}\" height=\"{MAP}\" fill=\"#fdd\"/>", to - from));
    }
    let border = y(0.0);
    put(svg, format_args!("<path d=\"M0 {border} H{TIMES}\" stroke=\"crimson\" stroke-width=\"2\"/>"));
    let depth = |at: Coord<f64>| y(zone.depth_m(at));
    let way: String =
        places(plot, Worth::Believed).map(|(fix, at)| format!("{:.1},{:.1} ", x(fix.at), depth(at))).collect();
    put(svg, format_args!("<polyline points=\"{way}\" fill=\"none\" stroke=\"navy\" stroke-width=\"0.8\"/>"));
    for (fix, at) in places(plot, Worth::Jump) {
        put(svg, format_args!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"darkorange\"/>", x(fix.at), depth(at)));
    }
    for (fix, _) in places(plot, Worth::NoFix) {
        put(svg, format_args!("<text x=\"{:.1}\" y=\"{}\" fill=\"purple\">0,0</text>", x(fix.at), MAP - 4.0));
    }
    for (number, (label, colour, at)) in crossings(plot, zone).into_iter().enumerate() {
        // In steps, so that times of one hour do not cover each other.
        let (x, y) = (x(at), 14.0 + (number % 12) as f64 * 13.0);
        let time = at.to_rfc3339();
        let time = time.get(8..19).unwrap().replace('T', "d ");
        put(svg, format_args!("<path d=\"M{x:.1} 0 V{MAP}\" stroke=\"{colour}\" stroke-width=\"0.6\"/>"));
        put(svg, format_args!("<text x=\"{:.1}\" y=\"{y}\" fill=\"{colour}\">{label}: {time}</text>", x + 2.0));
    }
    svg.push_str("</svg>");
}
