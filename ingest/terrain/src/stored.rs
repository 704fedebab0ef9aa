//! A tile as it is kept in the data folder.
//!
//! In: a tile.   Out: its bytes: a word, the length of a JSON header, the header, and the heights as differences along each row, packed
//! with a checksum. And back; a damaged file is refused.

use crate::grid::{BadGrid, Grid, check_size};
use crate::tile::{BadName, Heights, Tile};
use serde::{Deserialize, Serialize};
use std::io::Read;

const MAGIC: &[u8; 8] = b"STEPDEM1";
const LEVEL: i32 = 9;
const HEADER_BYTES_MAX: usize = 4_096;

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    ellipsoidal: bool,
    undulation_m: Option<f64>,
    west_deg: f64,
    north_deg: f64,
    step_lon_deg: f64,
    step_lat_deg: f64,
    columns: u32,
    rows: u32,
    base_m: f64,
}

/// As bytes.
pub fn write_stored(tile: &Tile) -> Result<Vec<u8>, StoredError> {
    let Grid { west_deg, north_deg, step_lon_deg, step_lat_deg, columns, rows, base_m, ref decimetres } = tile.grid;
    let (ellipsoidal, undulation_m) = match tile.heights {
        Heights::Ellipsoidal => (true, None),
        Heights::Orthometric { undulation_m } => (false, undulation_m),
    };
    let header = Header {
        name: tile.name.clone(),
        ellipsoidal,
        undulation_m,
        west_deg,
        north_deg,
        step_lon_deg,
        step_lat_deg,
        columns,
        rows,
        base_m,
    };
    let header = serde_json::to_vec(&header).map_err(damaged)?;
    let mut differences = Vec::with_capacity(decimetres.len() * 2);
    for row in decimetres.chunks(columns as usize) {
        let mut before = 0_u16;
        for height in row {
            differences.extend_from_slice(&height.wrapping_sub(before).to_le_bytes());
            before = *height;
        }
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&header);
    let mut packer = zstd::Encoder::new(bytes, LEVEL).map_err(damaged)?;
    packer.include_checksum(true).map_err(damaged)?;
    std::io::Write::write_all(&mut packer, &differences).map_err(damaged)?;
    packer.finish().map_err(damaged)
}

/// And back.
pub fn read_stored(bytes: &[u8]) -> Result<Tile, StoredError> {
    let cut = || damaged("it is cut short");
    let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or_else(|| damaged("it is none of ours"))?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > HEADER_BYTES_MAX {
        return Err(damaged("its header is too long"));
    }
    let (header, packed) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header: Header = serde_json::from_slice(header).map_err(damaged)?;
    let Header { west_deg, north_deg, step_lon_deg, step_lat_deg, columns, rows, base_m, .. } = header;
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
    let grid = Grid { west_deg, north_deg, step_lon_deg, step_lat_deg, columns, rows, base_m, decimetres }.checked()?;
    let undulation_m = header.undulation_m;
    let heights = if header.ellipsoidal { Heights::Ellipsoidal } else { Heights::Orthometric { undulation_m } };
    Ok(Tile::new(&header.name, heights, grid)?)
}

fn damaged(found: impl std::fmt::Display) -> StoredError {
    StoredError::Damaged(found.to_string())
}
