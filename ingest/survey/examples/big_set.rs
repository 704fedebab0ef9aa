//! How long a big survey takes: `cargo run --release -p survey --example big_set -- ZONES VERTICES`.
//!
//! Neighbouring zones that were drawn one by one: every border twice, with other vertices and up to 20 cm apart, in a shapefile.

use model::{GeoPoint, Polygon, Ring};
use std::collections::BTreeMap;
use std::time::Instant;
use survey::{Export, Limits, ReadOptions, Repair, Source, read, write_shapefile_files};

/// Something between -1 and 1 that looks like chance.
fn noise(seed: u64) -> f64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    x ^= x >> 31;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// How far a winding border lies off its line: the same for both neighbours.
fn winding(line: u64, share: f64) -> f64 {
    (0..9)
        .map(|octave| {
            let waves = f64::from(1 << octave) * share * 3.0;
            let cell = waves.floor();
            let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
            let at = |cell: f64| noise(line * 1_000_003 + octave * 7_919 + cell as u64);
            let between = smooth(waves - cell);
            (at(cell) * (1.0 - between) + at(cell + 1.0) * between) / f64::from(1 << octave)
        })
        .sum::<f64>()
        * (share * std::f64::consts::PI).sin()
        * 0.08
}

fn zone(x: u64, y: u64, zones: u64, vertices: usize, side_e7: f64) -> Ring {
    let quarter = vertices / 4;
    let own = y * zones + x;
    let mut ring = Ring::new();
    for side in 0..4u64 {
        for step in 0..quarter {
            // Each zone has its vertices elsewhere along the border, and a hand that shakes.
            let shift = if step == 0 { 0.0 } else { 0.4 * noise(own * 31 + side) };
            let along = (step as f64 + shift) / quarter as f64;
            let (line, share) = match side {
                0 => (y * 2_000 + x, along),
                1 => (1_000_000 + y * 2_000 + x + 1, along),
                2 => ((y + 1) * 2_000 + x, 1.0 - along),
                _ => (1_000_000 + y * 2_000 + x, 1.0 - along),
            };
            let off = winding(line, share);
            let (dx, dy) = match side {
                0 => (share, off),
                1 => (1.0 + off, share),
                2 => (share, 1.0 + off),
                _ => (off, share),
            };
            let shake = |seed: u64| noise(own * 999_983 + side * 7 + step as u64 * 13 + seed) * 8.0;
            ring.push(GeoPoint {
                lon_e7: (1_170_000_000.0 + (x as f64 + dx) * side_e7 + shake(1)) as i32,
                lat_e7: (430_000_000.0 + (y as f64 + dy) * side_e7 + shake(2)) as i32,
            });
        }
    }
    ring
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let zones: usize = arguments.next().unwrap_or_else(|| "100".to_owned()).parse()?;
    let vertices: usize = arguments.next().unwrap_or_else(|| "1000".to_owned()).parse()?;
    let across = (zones as f64).sqrt().ceil() as u64;
    // About two metres and a half from vertex to vertex, as instruments on foot or a drone's picture give.
    let side_e7 = vertices as f64 / 4.0 * 250.0;
    let attributes = BTreeMap::from([("id".to_owned(), "z".to_owned())]);
    let polygons: Vec<[Polygon; 1]> = (0..zones as u64)
        .map(|number| {
            [Polygon { exterior: zone(number % across, number / across, across, vertices, side_e7), holes: Vec::new() }]
        })
        .collect();
    let exports: Vec<Export<'_>> =
        polygons.iter().map(|polygons| Export { attributes: &attributes, polygons }).collect();
    let files = write_shapefile_files("land", &exports)?;
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let source = Source { name: "land", files: files.into_iter().map(|(name, bytes)| (name, bytes.into())).collect() };
    for snap_m in [0.0, 0.5] {
        let limits = Limits { vertices: 20_000_000, ..Limits::default() };
        let begun = Instant::now();
        let survey = read(&source, &ReadOptions { snap_m, limits, ..ReadOptions::default() })?;
        let seconds = begun.elapsed().as_secs_f64();
        let lands = || survey.features.iter().filter_map(|feature| feature.land.as_ref().ok());
        let repairs = || lands().flat_map(|land| &land.repairs);
        let snapped: usize = repairs()
            .map(|repair| if let Repair::SliverSnapped { vertices, .. } = repair { *vertices } else { 0 })
            .sum();
        let crossed = repairs().filter(|repair| matches!(repair, Repair::SelfIntersection { .. })).count();
        let after: usize = lands().flat_map(|land| &land.polygons).map(|polygon| polygon.exterior.len()).sum();
        println!(
            "{{\"zones\":{zones},\"bytes\":{bytes},\"snap_m\":{snap_m},\"seconds\":{seconds:.2},\"lands\":{},\"vertices\":{after},\
             \"snapped\":{snapped},\"untied\":{crossed},\"notes\":{}}}",
            lands().count(),
            survey.notes.len()
        );
    }
    Ok(())
}
