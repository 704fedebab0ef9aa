//! A zone's polygons as bytes in a row, and back.
//!
//! In: [`Polygon`]s of whole 1e-7 degrees.   Out: little-endian 32-bit numbers: how many polygons; for each how many rings,
//! exterior first; for each how many vertices; for each longitude and latitude.   Never: a rounding.

use model::{GeoPoint, Polygon, Ring};

/// How many vertices these have together.
pub(crate) fn vertices(polygons: &[Polygon]) -> u64 {
    polygons
        .iter()
        .map(|polygon| polygon.exterior.len() + polygon.holes.iter().map(Vec::len).sum::<usize>())
        .sum::<usize>() as u64
}

pub(crate) fn encode(polygons: &[Polygon]) -> Vec<u8> {
    // An import is bounded far below 2^32 of anything.
    let mut bytes = Vec::new();
    let count = |bytes: &mut Vec<u8>, count: usize| bytes.extend_from_slice(&(count as u32).to_le_bytes());
    count(&mut bytes, polygons.len());
    for polygon in polygons {
        count(&mut bytes, polygon.holes.len() + 1);
        for ring in std::iter::once(&polygon.exterior).chain(&polygon.holes) {
            count(&mut bytes, ring.len());
            for point in ring {
                bytes.extend_from_slice(&point.lon_e7.to_le_bytes());
                bytes.extend_from_slice(&point.lat_e7.to_le_bytes());
            }
        }
    }
    bytes
}

/// `None` when the bytes are not what [`encode`] writes.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<Polygon>> {
    let mut rest = bytes;
    let mut polygons = Vec::new();
    for _ in 0..number(&mut rest)? {
        let rings = number(&mut rest)?;
        let exterior = ring(&mut rest)?;
        let holes: Option<_> = (1..rings).map(|_| ring(&mut rest)).collect();
        polygons.push(Polygon { exterior, holes: holes? });
    }
    rest.is_empty().then_some(polygons)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_le_bytes(*bytes))
}

fn ring(rest: &mut &[u8]) -> Option<Ring> {
    let count = usize::try_from(number(rest)?).ok()?;
    // Bounded by what is there before anything is reserved.
    let (bytes, after) = rest.split_at_checked(count.checked_mul(8)?)?;
    *rest = after;
    let coordinate = |bytes: &[u8; 4]| i32::from_le_bytes(*bytes);
    let (points, _) = bytes.as_chunks::<8>();
    points
        .iter()
        .map(|point| {
            let (lon, lat) = (point.first_chunk::<4>()?, point.last_chunk::<4>()?);
            Some(GeoPoint { lon_e7: coordinate(lon), lat_e7: coordinate(lat) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_with_holes_come_back_bit_for_bit_and_cut_bytes_do_not() {
        let point = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
        let ring = vec![point(i32::MIN, i32::MAX), point(1, -1), point(0, 7)];
        let polygons = vec![
            Polygon { exterior: ring.clone(), holes: vec![ring.clone(), ring.clone()] },
            Polygon { exterior: ring, holes: Vec::new() },
        ];
        let bytes = encode(&polygons);
        assert_eq!(decode(&bytes), Some(polygons.clone()));
        assert_eq!(vertices(&polygons), 12);
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None, "{cut}");
        }
    }
}
