//! Which top cells each edge touches.
//!
//! In: a frame, and edges.   Out: [`Buckets`], the edges of each cell.   Never: a cell left out; one too many may be in.

use super::edge::Edge;
use super::frame::Frame;

/// Which edges touch each top cell, by number. The lists lie in one piece of memory: counted first, then filled in.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Cell `i` holds `numbers[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl Buckets {
    /// `None` where there are more than 32 bits can count.
    pub(super) fn fill(frame: &Frame, edges: &[Edge]) -> Option<Self> {
        let mut starts = vec![0_u32; frame.cells() + 1];
        let mut total: u64 = 0;
        for edge in edges {
            each_touched(frame, edge, |cells| {
                total += cells.len() as u64;
                for start in starts.get_mut(cells).unwrap_or_default() {
                    *start = start.wrapping_add(1);
                }
            });
        }
        u32::try_from(total).ok()?;
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        // `starts[i]` moves on to the start of the next cell while cell i is filled, so what is wanted is one place further.
        let mut numbers = vec![0_u32; usize::try_from(total).ok()?];
        for (number, edge) in edges.iter().enumerate() {
            each_touched(frame, edge, |cells| {
                for next in starts.get_mut(cells).unwrap_or_default() {
                    if let Some(slot) = numbers.get_mut(*next as usize) {
                        *slot = u32::try_from(number).unwrap_or(u32::MAX);
                    }
                    *next += 1;
                }
            });
        }
        starts.insert(0, 0);
        Some(Self { starts, numbers })
    }

    pub(super) fn of(&self, cell: usize) -> &[u32] {
        let range = match (self.starts.get(cell), self.starts.get(cell + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        };
        self.numbers.get(range).unwrap_or_default()
    }
}

/// Hands out the top cells that an edge touches, borders included, row by row as ranges.
fn each_touched(frame: &Frame, edge: &Edge, mut found: impl FnMut(std::ops::Range<usize>)) {
    let mut hand_out = |row: u32, west: i64, east: i64| {
        let start = row as usize * frame.columns as usize;
        // A border belongs to the cells on both sides, so look one unit further to the left.
        found(start + frame.column(west - 1) as usize..start + frame.column(east) as usize + 1);
    };
    let (low, high) = (edge.low, edge.high);
    let rows = frame.row(i64::from(low.lat_e7) - 1)..=frame.row(i64::from(high.lat_e7));
    let (west, east) = (i64::from(edge.west()), i64::from(edge.east()));
    if rows.start() == rows.end() || frame.column(west - 1) == frame.column(east) {
        rows.for_each(|row| hand_out(row, west, east));
        return;
    }
    let (height, width) = (difference(high.lat_e7, low.lat_e7), difference(high.lon_e7, low.lon_e7));
    for row in rows {
        let south = i64::from(frame.south) + (i64::from(row) << frame.shift);
        // Where along the edge, 0 to 1, the row begins and ends, with a margin of a unit; a level edge lies in it as a whole.
        let along = |lat: i64| match height {
            0.0 => None,
            height => Some(((lat - i64::from(low.lat_e7)) as f64 / height).clamp(0.0, 1.0)),
        };
        let from = along(south - 1).unwrap_or(0.0) * width + f64::from(low.lon_e7);
        let to = along(south + (1 << frame.shift) + 1).unwrap_or(1.0) * width + f64::from(low.lon_e7);
        hand_out(row, from.min(to).floor() as i64 - 1, from.max(to).ceil() as i64 + 1);
    }
}

fn difference(a: i32, b: i32) -> f64 {
    f64::from(a) - f64::from(b)
}
