//! A tile as it is kept in the data folder.
//!
//! In: a tile.   Out: its bytes: a word, a header, and the heights as differences along each row, packed with a checksum. And back;
//! a damaged file is refused. All numbers are little-endian.

use crate::grid::{BadGrid, Grid, check_size};
use crate::tile::{BadName, Heights, Tile};
use std::io::Read;

const MAGIC: &[u8; 8] = b"STEPDEM1";
const LEVEL: i32 = 9;

/// Why bytes are no stored tile.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// Import it again.
    #[error("stored elevation model is damaged ({0}); import it again")]
    Damaged(String),
    /// It lies nowhere.
    #[error(transparent)]
    Grid(#[from] BadGrid),
    /// It has no name.
    #[error(transparent)]
    Name(#[from] BadName),
}

/// What heights are measured from.
const ELLIPSOID: u8 = 0;
const SEA: u8 = 1;
const SEA_WITHOUT_UNDULATION: u8 = 2;

/// As bytes.
pub fn write_stored(tile: &Tile) -> Result<Vec<u8>, StoredError> {
    let Grid { west_deg, north_deg, step_lon_deg, step_lat_deg, columns, rows, base_m, ref decimetres } = tile.grid;
    let (kind, undulation_m) = match tile.heights {
        Heights::Ellipsoidal => (ELLIPSOID, 0.0),
        Heights::Orthometric { undulation_m: Some(undulation_m) } => (SEA, undulation_m),
        Heights::Orthometric { undulation_m: None } => (SEA_WITHOUT_UNDULATION, 0.0),
    };
    let mut bytes = MAGIC.to_vec();
    // A name has at most 64 bytes.
    bytes.extend([u8::try_from(tile.name.len()).unwrap_or(u8::MAX)]);
    bytes.extend_from_slice(tile.name.as_bytes());
    bytes.push(kind);
    for number in [undulation_m, west_deg, north_deg, step_lon_deg, step_lat_deg, base_m] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for count in [columns, rows] {
        bytes.extend_from_slice(&count.to_le_bytes());
    }
    let mut differences = Vec::with_capacity(decimetres.len() * 2);
    for row in decimetres.chunks(columns as usize) {
        let mut before = 0_u16;
        for height in row {
            differences.extend_from_slice(&height.wrapping_sub(before).to_le_bytes());
            before = *height;
        }
    }
    let mut packer = zstd::Encoder::new(bytes, LEVEL).map_err(damaged)?;
    packer.include_checksum(true).map_err(damaged)?;
    std::io::Write::write_all(&mut packer, &differences).map_err(damaged)?;
    packer.finish().map_err(damaged)
}

/// And back.
pub fn read_stored(bytes: &[u8]) -> Result<Tile, StoredError> {
    let mut rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or_else(|| damaged("it is none of ours"))?;
    let [length] = take(&mut rest)?;
    let (name, after) = rest.split_at_checked(usize::from(length)).ok_or_else(|| damaged("it is cut short"))?;
    rest = after;
    let name = str::from_utf8(name).map_err(damaged)?;
    let [kind] = take(&mut rest)?;
    let mut number = || take(&mut rest).map(f64::from_le_bytes);
    let (undulation_m, west_deg, north_deg) = (number()?, number()?, number()?);
    let (step_lon_deg, step_lat_deg, base_m) = (number()?, number()?, number()?);
    let (columns, rows) = (u32::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?));
    let heights = match kind {
        ELLIPSOID => Heights::Ellipsoidal,
        SEA if undulation_m.is_finite() => Heights::Orthometric { undulation_m: Some(undulation_m) },
        SEA_WITHOUT_UNDULATION => Heights::Orthometric { undulation_m: None },
        _ => return Err(damaged("its heights are of no kind that is known")),
    };
    let decimetres = unpacked(rest, columns, rows)?;
    let grid = Grid { west_deg, north_deg, step_lon_deg, step_lat_deg, columns, rows, base_m, decimetres }.checked()?;
    Ok(Tile::new(name, heights, grid)?)
}

fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], StoredError> {
    let (head, rest) = from.split_first_chunk().ok_or_else(|| damaged("it is cut short"))?;
    *from = rest;
    Ok(*head)
}

fn unpacked(packed: &[u8], columns: u32, rows: u32) -> Result<Vec<u16>, StoredError> {
    let cells = check_size(columns, rows)?;
    let unpacker = zstd::Decoder::new(packed).map_err(damaged)?;
    let mut differences = Vec::new();
    // One byte more than belongs, to see that there is no more.
    unpacker.take(cells * 2 + 1).read_to_end(&mut differences).map_err(damaged)?;
    if differences.len() as u64 != cells * 2 {
        return Err(damaged("it has another number of heights than its header says"));
    }
    let mut decimetres = Vec::with_capacity(differences.len() / 2);
    let (pairs, _) = differences.as_chunks::<2>();
    for row in pairs.chunks(columns as usize) {
        let mut before = 0_u16;
        for pair in row {
            before = before.wrapping_add(u16::from_le_bytes(*pair));
            decimetres.push(before);
        }
    }
    Ok(decimetres)
}

fn damaged(found: impl std::fmt::Display) -> StoredError {
    StoredError::Damaged(found.to_string())
}
