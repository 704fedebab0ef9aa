//! Reads what `zone_sets.py` writes.

use anyhow::{Context, Result};
use model::{GeoPoint, Polygon};
use std::path::Path;

/// Polygons of zones.
pub type Zones = Vec<Vec<Polygon>>;

/// A file of little-endian 32-bit words.
pub fn read_words(path: &Path) -> Result<Vec<i32>> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(bytes.as_chunks().0.iter().map(|word| i32::from_le_bytes(*word)).collect())
}

pub fn read_points(path: &Path) -> Result<Vec<GeoPoint>> {
    Ok(read_words(path)?.as_chunks().0.iter().map(point).collect())
}

pub fn read_zones(path: &Path) -> Result<Zones> {
    let words = read_words(path)?;
    let mut words = words.iter().copied();
    let zones = count(&mut words)?;
    (0..zones).map(|_| read_zone(&mut words)).collect()
}

fn read_zone(words: &mut impl Iterator<Item = i32>) -> Result<Vec<Polygon>> {
    let polygons = count(words)?;
    let polygon = |_| {
        let rings = count(words)?;
        let mut rings = (0..rings).map(|_| read_ring(words)).collect::<Result<Vec<_>>>()?.into_iter();
        Ok(Polygon { exterior: rings.next().context("a polygon has no ring")?, holes: rings.collect() })
    };
    (0..polygons).map(polygon).collect()
}

fn read_ring(words: &mut impl Iterator<Item = i32>) -> Result<Vec<GeoPoint>> {
    let vertices = count(words)?;
    (0..vertices).map(|_| Ok(point(&[words.next().context("cut")?, words.next().context("cut")?]))).collect()
}

fn count(words: &mut impl Iterator<Item = i32>) -> Result<usize> {
    Ok(usize::try_from(words.next().context("the file is cut off")?)?)
}

fn point([lon_e7, lat_e7]: &[i32; 2]) -> GeoPoint {
    GeoPoint { lon_e7: *lon_e7, lat_e7: *lat_e7 }
}
