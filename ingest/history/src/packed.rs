//! A row as bytes: what the tail keeps until it goes into a block.
//!
//! In: a [`Row`]. Out: its bytes, half of what plain numbers would take, and from bytes the same row. Never loses a digit.

use crate::row::{DEGREES_E7, Row};

/// How a number stands in a packed row.
mod kind {
    pub(super) const NONE: u32 = 0;
    /// Eight bytes.
    pub(super) const FLOAT: u32 = 1;
    /// Four bytes: a whole number of hundredths, as most devices send.
    pub(super) const HUNDREDTHS: u32 = 2;
    /// Four bytes: a whole number of 1e-7, as degrees are.
    pub(super) const E7: u32 = 3;
}

impl Row {
    /// The row as the tail keeps it: time, offset, two bits a column that say how its number stands, and the numbers. Exact, and half
    /// of what plain numbers would take.
    pub(crate) fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ts_ms.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        let mut kinds = 0_u32;
        let place = out.len();
        out.extend_from_slice(&kinds.to_le_bytes());
        for (column, cell) in self.cells().iter().enumerate() {
            let short = |scale| scaled(*cell, scale).and_then(|whole| i32::try_from(whole).ok());
            let stands = if cell.is_nan() {
                kind::NONE
            } else if let Some(whole) = short(1e2) {
                out.extend_from_slice(&whole.to_le_bytes());
                kind::HUNDREDTHS
            } else if let Some(whole) = short(DEGREES_E7) {
                out.extend_from_slice(&whole.to_le_bytes());
                kind::E7
            } else {
                out.extend_from_slice(&cell.to_le_bytes());
                kind::FLOAT
            };
            kinds |= stands << (2 * column);
        }
        if let Some(written) = out.get_mut(place..).and_then(|rest| rest.first_chunk_mut()) {
            *written = kinds.to_le_bytes();
        }
    }

    /// Takes one packed row from the beginning of the bytes; `None` if they are not what [`Row::pack`] makes.
    pub(crate) fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let mut row = Self::empty(i64::from_le_bytes(chunk(bytes)?), i64::from_le_bytes(chunk(bytes)?));
        let kinds = u32::from_le_bytes(chunk(bytes)?);
        for column in 0..16 {
            let value = match (kinds >> (2 * column)) & 3 {
                kind::FLOAT => f64::from_le_bytes(chunk(bytes)?),
                kind::HUNDREDTHS => f64::from(i32::from_le_bytes(chunk(bytes)?)) / 1e2,
                kind::E7 => f64::from(i32::from_le_bytes(chunk(bytes)?)) / DEGREES_E7,
                _ => continue,
            };
            row.set(column, Some(value));
        }
        Some(row)
    }
}

/// Takes the first bytes away.
pub(crate) fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// The whole number that, divided by `scale`, is exactly this value; `None` if there is none below 2^51.
pub(crate) fn scaled(value: f64, scale: f64) -> Option<i64> {
    /// Adding and taking away this rounds a smaller number to a whole one.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    const LIMIT: f64 = 2_251_799_813_685_248.0;
    let product = value * scale;
    if product.abs() < LIMIT {
        let whole = (product + ROUNDER) - ROUNDER;
        (whole / scale == value).then_some(whole as i64)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_row_comes_back_exactly_and_cut_bytes_are_refused() {
        let mut row = Row::empty(-7, i64::MAX);
        let values =
            [43.123_456_7, -117.5, 1_301.25, -0.0, 1e-9, 1e300, f64::MAX, 0.1 + 0.2, 11.2, -273.15, 21_474_836.47];
        values.into_iter().enumerate().for_each(|(column, value)| row.set(column, Some(value)));
        let mut bytes = Vec::new();
        row.pack(&mut bytes);
        let left = &mut &*bytes;
        let back = Row::unpack(left).unwrap();
        assert!(left.is_empty());
        assert_eq!((back.ts_ms, back.offset), (row.ts_ms, row.offset));
        for (column, value) in values.into_iter().enumerate() {
            assert_eq!(back.get(column).map(f64::to_bits), Some((value + 0.0).to_bits()), "{value}");
        }
        assert_eq!(back.get(11), None);
        assert!((0..bytes.len()).all(|cut| Row::unpack(&mut &bytes[..cut]).is_none()));
    }
}
