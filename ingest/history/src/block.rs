//! A column block: up to [`MAX_ROWS`] rows of one device and group, each column compressed by itself with pco.
//!
//! In: rows in the order they are to keep. Out: bytes, and from bytes the times and only the columns that are asked for.
//!
//! Layout, all little-endian: format `1`, rows `u16`, columns `u8`, then the times, the offsets and each column as
//! presence (0 none, 1 all, 2 some, followed by a bit per row) and `u32` length of a standalone pco stream. Degrees are whole
//! 1e-7 degrees, everything else is `f64`. A column beyond those the block holds is "not said", so groups can grow.
//!
//! Never trusts the bytes: a block that was cut or edited is an error, not a panic.

use crate::row::{DEGREES_E7, Group, Row};
use pco::ChunkConfig;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress};

/// Rows of a full block: half the CPU per row of 128-row blocks, and a query of an hour still reads one or two.
pub(crate) const MAX_ROWS: usize = 512;

const FORMAT: u8 = 1;
/// Where pco's ratio stops improving for tracks.
const PCO_LEVEL: usize = 4;

const NONE: u8 = 0;
const ALL: u8 = 1;
const SOME: u8 = 2;

/// What does not fit in a block's bytes; the caller knows the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadBlock(pub(crate) String);

fn cut() -> BadBlock {
    BadBlock("block is cut short".to_owned())
}

/// Packs at most [`MAX_ROWS`] rows.
pub(crate) fn encode(group: Group, rows: &[Row]) -> Result<Vec<u8>, BadBlock> {
    let too_many = || BadBlock(format!("{} rows do not fit in a block of {MAX_ROWS}", rows.len()));
    let count = u16::try_from(rows.len()).ok().filter(|count| usize::from(*count) <= MAX_ROWS).ok_or_else(too_many)?;
    let columns = group.columns();
    let mut out = vec![FORMAT];
    out.extend_from_slice(&count.to_le_bytes());
    out.push(u8::try_from(columns).map_err(|_| BadBlock(format!("{columns} columns do not fit")))?);
    push_stream(&mut out, &rows.iter().map(|row| row.ts_ms).collect::<Vec<_>>())?;
    push_stream(&mut out, &rows.iter().map(|row| row.offset).collect::<Vec<_>>())?;
    for column in 0..columns {
        push_column(&mut out, rows, column, group.is_grid(column))?;
    }
    Ok(out)
}

fn push_column(out: &mut Vec<u8>, rows: &[Row], column: usize, is_grid: bool) -> Result<(), BadBlock> {
    let values: Vec<f64> = rows.iter().filter_map(|row| row.get(column)).collect();
    if values.is_empty() {
        out.push(NONE);
        return Ok(());
    }
    if values.len() == rows.len() {
        out.push(ALL);
    } else {
        out.push(SOME);
        for eight in rows.chunks(8) {
            let bits = eight.iter().enumerate().filter(|(_, row)| row.get(column).is_some());
            out.push(bits.fold(0_u8, |bits, (place, _)| bits | 1 << place));
        }
    }
    if is_grid {
        // Exact: the rows hold multiples of 1e-7 within 180 degrees, far below 2^53.
        push_stream(out, &values.iter().map(|degrees| (degrees * DEGREES_E7).round() as i64).collect::<Vec<_>>())
    } else {
        push_stream(out, &values)
    }
}

fn push_stream<T: Number>(out: &mut Vec<u8>, numbers: &[T]) -> Result<(), BadBlock> {
    let config = ChunkConfig::default().with_compression_level(PCO_LEVEL);
    let stream = simple_compress(numbers, &config).map_err(|error| BadBlock(error.to_string()))?;
    let length = u32::try_from(stream.len()).map_err(|_| BadBlock("column does not fit".to_owned()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&stream);
    Ok(())
}

/// Unpacks the times, the offsets and the `wanted` columns; the other columns read as "not said".
pub(crate) fn decode(group: Group, body: &[u8], wanted: &[usize]) -> Result<Vec<Row>, BadBlock> {
    let mut input = Input(body);
    let [format] = input.array()?;
    if format != FORMAT {
        return Err(BadBlock(format!("block format {format} is unknown")));
    }
    let count = usize::from(u16::from_le_bytes(input.array()?));
    let [columns] = input.array()?;
    let times = numbers::<i64>(input.stream()?, count)?;
    let offsets = numbers::<i64>(input.stream()?, count)?;
    let mut rows: Vec<Row> = times.into_iter().zip(offsets).map(|(ts_ms, offset)| Row::empty(ts_ms, offset)).collect();
    for column in 0..usize::from(columns) {
        let present = input.presence(count)?;
        let held = present.iter().filter(|one| **one).count();
        if held == 0 {
            continue;
        }
        let stream = input.stream()?;
        if !wanted.contains(&column) {
            continue;
        }
        let values = if group.is_grid(column) {
            numbers::<i64>(stream, held)?.into_iter().map(|e7| e7 as f64 / DEGREES_E7).collect()
        } else {
            numbers::<f64>(stream, held)?
        };
        let holders = rows.iter_mut().zip(present).filter_map(|(row, held)| held.then_some(row));
        holders.zip(values).for_each(|(row, value)| row.set(column, Some(value)));
    }
    Ok(rows)
}

fn numbers<T: Number>(stream: &[u8], count: usize) -> Result<Vec<T>, BadBlock> {
    let numbers = simple_decompress::<T>(stream).map_err(|error| BadBlock(error.to_string()))?;
    if numbers.len() == count {
        Ok(numbers)
    } else {
        Err(BadBlock(format!("a column has {} numbers instead of {count}", numbers.len())))
    }
}

/// What is still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BadBlock> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadBlock> {
        self.take(N)?.try_into().map_err(|_| cut())
    }

    fn stream(&mut self) -> Result<&'a [u8], BadBlock> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).map_err(|_| cut())?)
    }

    fn presence(&mut self, count: usize) -> Result<Vec<bool>, BadBlock> {
        match self.array()? {
            [NONE] => Ok(vec![false; count]),
            [ALL] => Ok(vec![true; count]),
            [SOME] => {
                let bits = self.take(count.div_ceil(8))?;
                let each = bits.iter().flat_map(|byte| (0..8).map(move |place| byte & (1 << place) != 0));
                Ok(each.take(count).collect())
            }
            [other] => Err(BadBlock(format!("presence {other} is unknown"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(count: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        for number in 0..count {
            let mut row = Row::empty(1_795_305_600_000 + number as i64 * 1_000, number as i64 * 3);
            row.set(0, Some((433_000_000 + number as i64 * 17) as f64 / DEGREES_E7));
            row.set(1, Some((1_175_000_000 - number as i64 * 23) as f64 / DEGREES_E7));
            row.set(4, (number % 3 != 0).then_some(number as f64 / 10.0));
            rows.push(row);
        }
        rows
    }

    fn cells(rows: &[Row]) -> Vec<(i64, i64, Vec<Option<f64>>)> {
        rows.iter().map(|row| (row.ts_ms, row.offset, (0..12).map(|column| row.get(column)).collect())).collect()
    }

    #[test]
    fn only_the_columns_that_are_asked_for_are_unpacked() {
        let body = encode(Group::Track, &rows(100)).unwrap();
        let back = decode(Group::Track, &body, &[4]).unwrap();
        assert_eq!((back[1].get(0), back[1].get(4)), (None, Some(0.1)));
    }

    #[test]
    fn a_block_that_was_cut_anywhere_is_an_error_and_never_a_panic() {
        let body = encode(Group::Track, &rows(40)).unwrap();
        for end in 0..body.len() {
            assert!(decode(Group::Track, &body[..end], &[0, 1, 2, 3, 4, 5, 6, 7]).is_err(), "{end}");
        }
    }

    #[test]
    fn more_rows_than_a_block_holds_are_refused() {
        assert!(encode(Group::Track, &rows(MAX_ROWS)).is_ok());
        assert!(encode(Group::Track, &rows(MAX_ROWS + 1)).is_err());
    }

    proptest! {
        #[test]
        fn what_goes_into_a_block_comes_out(
            drawn in prop::collection::vec((any::<i64>(), 0..i64::MAX, prop::array::uniform12(prop::option::of(prop::num::f64::NORMAL))), 0..60)
        ) {
            let mut rows = Vec::new();
            for (ts_ms, offset, values) in drawn {
                let mut row = Row::empty(ts_ms, offset);
                values.into_iter().enumerate().for_each(|(column, value)| row.set(column, value));
                rows.push(row);
            }
            let body = encode(Group::Station, &rows).unwrap();
            let wanted: Vec<usize> = (0..12).collect();
            prop_assert_eq!(cells(&decode(Group::Station, &body, &wanted).unwrap()), cells(&rows));
        }
    }

    proptest! {
        #[test]
        fn a_byte_that_was_edited_never_makes_a_panic(place in 0_usize..600, value in any::<u8>()) {
            let mut body = encode(Group::Track, &rows(40)).unwrap();
            if let Some(byte) = body.get_mut(place) { *byte = value; }
            decode(Group::Track, &body, &[0, 1, 2, 3, 4, 5, 6, 7]).ok();
        }
    }
}
