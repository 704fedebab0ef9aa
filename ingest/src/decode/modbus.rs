//! A station's registers to measurements, by the register map of its model.
//!
//! In: the block's bytes, big-endian, and the model's name.   Out: the quantities that were measured.
//!
//! A value that no sound sensor can report is left out and the others are kept: unlike a native device, a station does
//! not choose its units, so one broken sensor says nothing about its neighbours. If none is left the frame is rejected
//! with the first bad value. Registers carry no time: it happened when it was read.

use super::Statement;
use super::fields::{short, within};
use super::stations::{ByteOrder, Number, Register, STATION_MODEL_NAMES, StationModel, station_model};
use model::{Body, Measurement, Reject};

/// One answered poll.
pub(super) fn decode(model: &str, payload: &[u8]) -> Result<Statement, Reject> {
    let station = station_model(model).ok_or_else(|| Reject::UnknownWord {
        field: "model",
        value: short(model),
        allowed: STATION_MODEL_NAMES,
    })?;
    let want = usize::from(station.register_count) * 2;
    if payload.len() != want {
        return Err(Reject::RegisterCount { model: short(model), len: payload.len(), want });
    }
    let mut measurements = Vec::with_capacity(station.registers.len());
    let mut first_fault = None;
    for register in station.registers.iter() {
        match measured(register, &station, payload) {
            Ok(measurement) => measurements.extend(measurement),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    if measurements.is_empty() {
        return Err(first_fault.unwrap_or(Reject::Missing { field: "values" }));
    }
    Ok(Statement::untimed(Body::Measurements(measurements)))
}

/// `None` when the sensor is not fitted or measured nothing.
fn measured(register: &Register, station: &StationModel, block: &[u8]) -> Result<Option<Measurement>, Reject> {
    let Some(raw) = raw_number(register, station, block) else { return Ok(None) };
    let not_fitted =
        register.not_fitted_if_zero.is_some_and(|witness| word_at(witness, station, block) == Some([0, 0]));
    if not_fitted || register.missing == Some(raw) {
        return Ok(None);
    }
    let number = match register.number {
        Number::U16 | Number::U32 => f64::from(raw),
        Number::I16 => f64::from((raw & 0xFFFF) as u16 as i16), // its 16 bits
        Number::I32 => f64::from(raw.cast_signed()),
        Number::F32 => f64::from(f32::from_bits(raw)),
    };
    // A float that is no number is how a logger says that it measured nothing.
    if !number.is_finite() {
        return Ok(None);
    }
    let (low, high) = register.quantity.plausible();
    let value = within(register.quantity.as_str(), number / register.divisor + register.offset, low, high)?;
    Ok(Some(Measurement { quantity: register.quantity, value }))
}

/// The bits of a register's number, the most significant first.
fn raw_number(register: &Register, station: &StationModel, block: &[u8]) -> Option<u32> {
    let [first, second] = word_at(register.address, station, block)?;
    if register.number.registers() == 1 {
        let swapped = matches!(register.order, ByteOrder::Badc | ByteOrder::Dcba);
        let word = if swapped { [second, first] } else { [first, second] };
        return Some(u32::from(u16::from_be_bytes(word)));
    }
    let [third, fourth] = word_at(register.address.checked_add(1)?, station, block)?;
    Some(u32::from_be_bytes(match register.order {
        ByteOrder::Abcd => [first, second, third, fourth],
        ByteOrder::Cdab => [third, fourth, first, second],
        ByteOrder::Badc => [second, first, fourth, third],
        ByteOrder::Dcba => [fourth, third, second, first],
    }))
}

fn word_at(address: u16, station: &StationModel, block: &[u8]) -> Option<[u8; 2]> {
    let index = usize::from(address.checked_sub(station.first_address)?);
    let (registers, _) = block.as_chunks::<2>();
    registers.get(index).copied()
}
