//! Reads well-known binary, as GeoPackage keeps it.
//!
//! In: bytes.   Out: [`RawShape`].   Never: memory for a count that is only claimed; nesting deeper than a collection of polygons.

use crate::LandFault;
use crate::raw::{RawRing, RawShape};

const DEPTH_MAX: usize = 4;

/// A geometry with an area.
pub(crate) fn read(bytes: &[u8]) -> Result<RawShape, LandFault> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    geometry(&mut rest, &mut parts, 0)?;
    if parts.is_empty() { Err(LandFault::Empty) } else { Ok(RawShape::Parts(parts)) }
}

fn cut() -> LandFault {
    LandFault::Shape { found: "bytes that end too early".to_owned() }
}

struct Order(bool);

impl Order {
    fn u32(&self, rest: &mut &[u8]) -> Result<u32, LandFault> {
        let (bytes, after) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        *rest = after;
        Ok(if self.0 { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) })
    }

    fn f64(&self, bytes: &[u8]) -> Option<f64> {
        let bytes = bytes.first_chunk::<8>()?;
        Some(if self.0 { f64::from_le_bytes(*bytes) } else { f64::from_be_bytes(*bytes) })
    }
}

fn geometry(rest: &mut &[u8], parts: &mut Vec<Vec<RawRing>>, depth: usize) -> Result<(), LandFault> {
    let (order, after) = rest.split_first().ok_or_else(cut)?;
    *rest = after;
    let order = Order(*order == 1);
    let code = order.u32(rest)?;
    // ISO adds thousands for heights and measures, PostGIS sets bits; both put them behind the first two numbers.
    let (kind, iso) = ((code & 0x0fff_ffff) % 1_000, (code & 0x0fff_ffff) / 1_000);
    let flagged = u32::from(code & 0x8000_0000 != 0) + u32::from(code & 0x4000_0000 != 0);
    let dimensions = match (iso, flagged) {
        (1 | 2, 0) => 3,
        (3, 0) => 4,
        (0, more) => 2 + more as usize,
        _ => return Err(LandFault::GeometryType { found: format!("code {code}") }),
    };
    if code & 0x2000_0000 != 0 {
        order.u32(rest)?;
    }
    match kind {
        3 => {
            let rings = order.u32(rest)?;
            let rings = (0..rings).map(|_| ring(rest, &order, dimensions)).collect::<Result<Vec<_>, _>>()?;
            if !rings.is_empty() {
                parts.push(rings);
            }
            Ok(())
        }
        6 | 7 if depth < DEPTH_MAX => {
            for _ in 0..order.u32(rest)? {
                geometry(rest, parts, depth + 1)?;
            }
            Ok(())
        }
        other => {
            let names = [(1, "Point"), (2, "LineString"), (4, "MultiPoint"), (5, "MultiLineString")];
            let name = names.iter().find(|(kind, _)| *kind == other).map(|(_, name)| (*name).to_owned());
            Err(LandFault::GeometryType { found: name.unwrap_or_else(|| format!("code {code}")) })
        }
    }
}

fn ring(rest: &mut &[u8], order: &Order, dimensions: usize) -> Result<RawRing, LandFault> {
    let count = order.u32(rest)? as usize;
    let size = dimensions * 8;
    let (bytes, after) = count.checked_mul(size).and_then(|len| rest.split_at_checked(len)).ok_or_else(cut)?;
    *rest = after;
    let vertex = |bytes: &[u8]| Some([order.f64(bytes)?, order.f64(bytes.get(8..)?)?]);
    bytes.chunks_exact(size).map(|bytes| vertex(bytes).ok_or_else(cut)).collect()
}
