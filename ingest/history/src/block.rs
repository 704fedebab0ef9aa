//! A column block: up to [`MAX_ROWS`] rows of one device and group, each column compressed by itself with pco.
//!
//! In: rows in the order they are to keep. Out: bytes, and from bytes the times and only the columns that are asked for.
//!
//! Layout, all little-endian: format `2`, rows `u16`, columns `u8`, then the times, the offsets and each column as presence (0 none, 1
//! all, 2 some, followed by a bit per row), scale (below) and `u32` length of a standalone pco stream. A column whose numbers are all
//! whole multiples of a power of ten down to 1e-7 is kept as these whole numbers: nothing is lost, since each was checked to come back
//! exactly. A column of other numbers is kept as `f64`. A column beyond those the block holds is "not said", so groups can grow.
//!
//! Format `1` (before 2026-12) has no scale: degrees are whole 1e-7, everything else is `f64`. It is still read and never written.
//!
//! Never trusts the bytes: a block that was cut or edited is an error, not a panic.

use crate::packed::scaled;
use crate::row::{Group, MAX_COLUMNS, Row};
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};
use std::ops::RangeInclusive;

/// Rows of the largest block.
pub(crate) const MAX_ROWS: usize = 4_096;

/// Rows with which a block is worth writing before its day is over: a fifth smaller per row than 512 rows, and unpacked in some 50
/// microseconds.
pub(crate) const FULL_ROWS: usize = 2_048;

const FORMAT: u8 = 2;
const FORMAT_1: u8 = 1;
/// Where more effort no longer pays: level 6 makes tracks 3 % smaller for half as much time again.
const PCO_LEVEL: usize = 4;

const NONE: u8 = 0;
const ALL: u8 = 1;
const SOME: u8 = 2;

/// Plain `f64`.
const FLOATS: u8 = 0x00;
/// `i32`, and in the lower half byte the power of ten they are to be divided by.
const INTS: u8 = 0x10;
/// The same with `i64`.
const LONGS: u8 = 0x20;
const POWERS: [f64; 8] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

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
    push_whole(&mut out, &rows.iter().map(|row| row.ts_ms).collect::<Vec<_>>())?;
    push_whole(&mut out, &rows.iter().map(|row| row.offset).collect::<Vec<_>>())?;
    for column in 0..columns {
        push_column(&mut out, rows, column)?;
    }
    Ok(out)
}

fn push_column(out: &mut Vec<u8>, rows: &[Row], column: usize) -> Result<(), BadBlock> {
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
    let Some((power, whole)) = whole_numbers(&values) else {
        out.push(FLOATS);
        return push_stream(out, &values, &ChunkConfig::default().with_compression_level(PCO_LEVEL));
    };
    // Half as wide is a third quicker.
    if let Ok(ints) = whole.iter().map(|number| i32::try_from(*number)).collect::<Result<Vec<_>, _>>() {
        out.push(INTS | power);
        push_stream(out, &ints, &config(&whole))
    } else {
        out.push(LONGS | power);
        push_whole(out, &whole)
    }
}

/// The smallest power of ten by which all values are whole, and these whole numbers.
fn whole_numbers(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut powers = POWERS.iter().zip(0_u8..);
    let (mut scale, mut power) = powers.next()?;
    for value in values {
        // Whole by one power is whole by every higher one, so no value has to be looked at again.
        while scaled(*value, *scale).is_none() {
            (scale, power) = powers.next()?;
        }
    }
    let whole = values.iter().map(|value| scaled(*value, *scale)).collect::<Option<Vec<_>>>()?;
    Some((power, whole))
}

fn push_whole(out: &mut Vec<u8>, numbers: &[i64]) -> Result<(), BadBlock> {
    push_stream(out, numbers, &config(numbers))
}

/// How to pack whole numbers: told outright, since letting pco try costs three times as much as the packing.
fn config(numbers: &[i64]) -> ChunkConfig {
    ChunkConfig::default()
        .with_compression_level(PCO_LEVEL)
        .with_mode_spec(ModeSpec::Classic)
        .with_delta_spec(DeltaSpec::TryConsecutive(best_order(numbers)))
}

/// How many times to take differences so that the fewest bits are left: two or three for what moves smoothly.
fn best_order(numbers: &[i64]) -> usize {
    let bits = |number: i64| u64::from(64 - ((number << 1) ^ (number >> 63)).cast_unsigned().leading_zeros());
    let (mut sums, mut before) = ([0_u64; 4], [0_i64; 3]);
    for (place, number) in numbers.iter().enumerate() {
        let mut left = *number;
        for (order, sum) in sums.iter_mut().enumerate() {
            // The first numbers of each order have nothing before them and are no part of the comparison.
            if place >= 3 {
                *sum += bits(left);
            }
            if let Some(before) = before.get_mut(order) {
                left = left.wrapping_sub(std::mem::replace(before, left));
            }
        }
    }
    (0..).zip(sums).min_by_key(|(_, sum)| *sum).map_or(0, |(order, _)| order)
}

fn push_stream<T: Number>(out: &mut Vec<u8>, numbers: &[T], config: &ChunkConfig) -> Result<(), BadBlock> {
    let stream = simple_compress(numbers, config).map_err(|error| BadBlock(error.to_string()))?;
    let length = u32::try_from(stream.len()).map_err(|_| BadBlock("column does not fit".to_owned()))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&stream);
    Ok(())
}

/// An unpacked block: times, offsets, and the columns that were asked for.
pub(crate) struct Columns {
    times: Vec<i64>,
    offsets: Vec<i64>,
    /// By column; NaN stands for "not said".
    values: Vec<(usize, Vec<f64>)>,
}

impl Columns {
    /// Hands on the rows whose time is in the range, in the block's order.
    pub(crate) fn each_row(&self, range: &RangeInclusive<i64>, each: &mut impl FnMut(&Row)) {
        for (place, (ts_ms, offset)) in self.times.iter().zip(&self.offsets).enumerate() {
            if !range.contains(ts_ms) {
                continue;
            }
            let mut row = Row::empty(*ts_ms, *offset);
            for (column, values) in &self.values {
                row.set(*column, values.get(place).copied());
            }
            each(&row);
        }
    }
}

/// Unpacks the times, the offsets and the `wanted` columns; the other columns read as "not said".
pub(crate) fn decode(group: Group, body: &[u8], wanted: &[usize]) -> Result<Columns, BadBlock> {
    let mut input = Input(body);
    let [format] = input.array()?;
    if !matches!(format, FORMAT_1 | FORMAT) {
        return Err(BadBlock(format!("block format {format} is unknown")));
    }
    let count = usize::from(u16::from_le_bytes(input.array()?));
    let [columns] = input.array()?;
    let times = numbers::<i64>(input.stream()?, count)?;
    let offsets = numbers::<i64>(input.stream()?, count)?;
    let mut values = Vec::with_capacity(MAX_COLUMNS);
    for column in 0..usize::from(columns) {
        let present = input.presence(count)?;
        let held = present.held(count);
        if held == 0 {
            continue;
        }
        let scale = if format == FORMAT_1 {
            if group.is_grid(column) { LONGS | 7 } else { FLOATS }
        } else {
            let [scale] = input.array()?;
            scale
        };
        let stream = input.stream()?;
        if wanted.contains(&column) {
            values.push((column, present.spread(unscaled(scale, stream, held)?, count)));
        }
    }
    Ok(Columns { times, offsets, values })
}

fn unscaled(scale: u8, stream: &[u8], held: usize) -> Result<Vec<f64>, BadBlock> {
    let power = || {
        let power = POWERS.get(usize::from(scale & 0x0f));
        power.copied().ok_or_else(|| BadBlock(format!("scale {scale} is unknown")))
    };
    match scale & 0xf0 {
        FLOATS => numbers::<f64>(stream, held),
        INTS => {
            let power = power()?;
            Ok(numbers::<i32>(stream, held)?.into_iter().map(|whole| f64::from(whole) / power).collect())
        }
        LONGS => {
            let power = power()?;
            Ok(numbers::<i64>(stream, held)?.into_iter().map(|whole| whole as f64 / power).collect())
        }
        _ => Err(BadBlock(format!("scale {scale} is unknown"))),
    }
}

fn numbers<T: Number>(stream: &[u8], count: usize) -> Result<Vec<T>, BadBlock> {
    let numbers = simple_decompress::<T>(stream).map_err(|error| BadBlock(error.to_string()))?;
    if numbers.len() == count {
        Ok(numbers)
    } else {
        Err(BadBlock(format!("a column has {} numbers instead of {count}", numbers.len())))
    }
}

/// Which rows have a number in a column.
enum Presence {
    None,
    All,
    Some(Vec<bool>),
}

impl Presence {
    fn held(&self, count: usize) -> usize {
        match self {
            Self::None => 0,
            Self::All => count,
            Self::Some(bits) => bits.iter().filter(|bit| **bit).count(),
        }
    }

    /// The numbers, each at its row.
    fn spread(&self, numbers: Vec<f64>, count: usize) -> Vec<f64> {
        let Self::Some(bits) = self else { return numbers };
        let mut spread = vec![f64::NAN; count];
        let holders = spread.iter_mut().zip(bits).filter_map(|(place, held)| held.then_some(place));
        holders.zip(numbers).for_each(|(place, number)| *place = number);
        spread
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

    fn presence(&mut self, count: usize) -> Result<Presence, BadBlock> {
        match self.array()? {
            [NONE] => Ok(Presence::None),
            [ALL] => Ok(Presence::All),
            [SOME] => {
                let bits = self.take(count.div_ceil(8))?;
                let each = bits.iter().flat_map(|byte| (0..8).map(move |place| byte & (1 << place) != 0));
                Ok(Presence::Some(each.take(count).collect()))
            }
            [other] => Err(BadBlock(format!("presence {other} is unknown"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::DEGREES_E7;
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

    fn unpacked(group: Group, body: &[u8], wanted: &[usize]) -> Result<Vec<Row>, BadBlock> {
        let mut rows = Vec::new();
        decode(group, body, wanted)?.each_row(&(i64::MIN..=i64::MAX), &mut |row| rows.push(*row));
        Ok(rows)
    }

    fn cells(rows: &[Row]) -> Vec<(i64, i64, Vec<Option<f64>>)> {
        rows.iter().map(|row| (row.ts_ms, row.offset, (0..12).map(|column| row.get(column)).collect())).collect()
    }

    #[test]
    fn only_the_columns_that_are_asked_for_are_unpacked() {
        let body = encode(Group::Track, &rows(100)).unwrap();
        let back = unpacked(Group::Track, &body, &[4]).unwrap();
        assert_eq!((back[1].get(0), back[1].get(4)), (None, Some(0.1)));
    }

    #[test]
    fn a_block_that_was_cut_anywhere_is_an_error_and_never_a_panic() {
        let body = encode(Group::Track, &rows(40)).unwrap();
        for end in 0..body.len() {
            assert!(unpacked(Group::Track, &body[..end], &[0, 1, 2, 3, 4, 5, 6, 7]).is_err(), "{end}");
        }
    }

    #[test]
    fn more_rows_than_a_block_holds_are_refused() {
        assert!(encode(Group::Track, &rows(MAX_ROWS)).is_ok());
        assert!(encode(Group::Track, &rows(MAX_ROWS + 1)).is_err());
    }

    /// As devices send them, with so many digits, and as no device ever would.
    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            (any::<i32>(), 0_usize..8).prop_map(|(whole, power)| f64::from(whole) / POWERS[power]),
            (any::<i64>(), 0_usize..8).prop_map(|(whole, power)| whole as f64 / POWERS[power]),
            prop::num::f64::NORMAL,
        ]
    }

    #[test]
    fn differences_are_taken_as_often_as_it_pays() {
        let of = |number: fn(i64) -> i64| best_order(&(0..100).map(number).collect::<Vec<_>>());
        assert_eq!(of(|_| 7), 1);
        assert_eq!(of(|n| n * 1_000), 2);
        assert_eq!(of(|n| n * n * 50 + 3), 3);
        assert_eq!(of(|n| (n * 7_919 % 101) - 50), 0);
        assert_eq!(best_order(&[]), 0);
        assert_eq!(best_order(&[i64::MIN, i64::MAX, i64::MIN, i64::MAX, 0]), 0);
    }

    #[test]
    fn numbers_with_few_digits_are_kept_as_whole_numbers() {
        let power = |values: &[f64]| whole_numbers(values).map(|(power, _)| power);
        assert_eq!(power(&[1.0, -20.0]), Some(0));
        assert_eq!(power(&[1.0, 11.2, 0.25]), Some(2));
        assert_eq!(power(&[43.123_456_7]), Some(7));
        assert_eq!(power(&[0.1 + 0.2]), None);
        assert_eq!(power(&[f64::from(11.2_f32)]), None);
    }

    proptest! {
        #[test]
        fn what_goes_into_a_block_comes_out(
            drawn in prop::collection::vec((any::<i64>(), 0..i64::MAX, prop::array::uniform12(prop::option::of(number()))), 0..60)
        ) {
            let mut rows = Vec::new();
            for (ts_ms, offset, values) in drawn {
                let mut row = Row::empty(ts_ms, offset);
                values.into_iter().enumerate().for_each(|(column, value)| row.set(column, value));
                rows.push(row);
            }
            let body = encode(Group::Station, &rows).unwrap();
            let wanted: Vec<usize> = (0..12).collect();
            prop_assert_eq!(cells(&unpacked(Group::Station, &body, &wanted).unwrap()), cells(&rows));
        }
    }

    proptest! {
        #[test]
        fn a_byte_that_was_edited_never_makes_a_panic(place in 0_usize..600, value in any::<u8>()) {
            let mut body = encode(Group::Track, &rows(40)).unwrap();
            if let Some(byte) = body.get_mut(place) { *byte = value; }
            unpacked(Group::Track, &body, &[0, 1, 2, 3, 4, 5, 6, 7]).ok();
        }
    }
}
