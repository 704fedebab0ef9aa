//! Register maps of the station models we know: what to ask, and what the answer's registers mean.
//!
//! In: a model's name, or the description of one that an installer made ([`described`]).   Out: a [`StationModel`]. Data only; the
//! poller (`protocol::modbus`) asks by it and decode reads by it. Scale, sign and order differ between makers and even between
//! batches of one maker, so nothing is guessed from the values: another device is another entry here or in the configuration.

pub mod described;

use model::Quantity;
use std::borrow::Cow;

/// CRC-16/Modbus: what ends a frame on a serial line, low byte first.
pub(crate) fn modbus_crc(data: &[u8]) -> u16 {
    data.iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    })
}

/// Which of the two read functions a station answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFunction {
    /// Function code 3.
    Holding,
    /// Function code 4.
    Input,
}

/// What the bits of a number mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// One register, unsigned.
    U16,
    /// One register, two's complement.
    I16,
    /// Two registers, unsigned.
    U32,
    /// Two registers, two's complement.
    I32,
    /// Two registers, IEEE 754.
    F32,
}

impl Number {
    /// How many registers it takes.
    pub fn registers(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
        }
    }
}

/// In which order the bytes of a number stand, the most significant one being `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// As Modbus has it.
    Abcd,
    /// The lower word first.
    Cdab,
    /// Each word's lower byte first.
    Badc,
    /// The lowest byte first.
    Dcba,
}

/// One register of the block, or two that are one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Register {
    /// Its address, as the maker's manual numbers it; of two the first.
    pub address: u16,
    /// What it holds.
    pub quantity: Quantity,
    /// By what the raw number is divided to give the quantity's unit.
    pub divisor: f64,
    /// What is added then.
    pub offset: f64,
    /// What its bits mean.
    pub number: Number,
    /// In which order they stand.
    pub order: ByteOrder,
    /// The raw value that means "not measured", as an unsigned number.
    pub missing: Option<u32>,
    /// A register that is 0 only where the sensor of both is not fitted.
    pub not_fitted_if_zero: Option<u16>,
}

/// How to read one station model: a single block of neighbouring registers, so that all values are of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StationModel {
    /// As the configuration names it.
    pub name: Cow<'static, str>,
    /// Which function to ask with.
    pub function: ReadFunction,
    /// First register of the block.
    pub first_address: u16,
    /// How many; at most 125 fit one answer.
    pub register_count: u16,
    /// The registers of the block that we use.
    pub registers: Cow<'static, [Register]>,
}

/// The names of all models, for error messages.
pub const STATION_MODEL_NAMES: &str = "renke-soil, renke-soil-tdr, fdr-soil, renke-weather, renke-weather-centi";

/// The model of that name, or that is described so.
pub fn station_model(written: &str) -> Option<StationModel> {
    STATION_MODELS.into_iter().find(|model| model.name == written).or_else(|| described::parse(written))
}

const fn unsigned(address: u16, quantity: Quantity, divisor: f64) -> Register {
    let (number, order) = (Number::U16, ByteOrder::Abcd);
    Register { address, quantity, divisor, offset: 0.0, number, order, missing: None, not_fitted_if_zero: None }
}

const fn signed(address: u16, quantity: Quantity, divisor: f64) -> Register {
    Register { number: Number::I16, ..unsigned(address, quantity, divisor) }
}

/// Air humidity on the Renke weather station. No air is that dry: 0 says that the probe, which also measures the
/// temperature, is not fitted (a missing sensor answers 0, not an exception).
const HUMIDITY_ADDRESS: u16 = 504;

const fn with_air_probe(register: Register) -> Register {
    Register { not_fitted_if_zero: Some(HUMIDITY_ADDRESS), ..register }
}

/// The Renke RS-FSXCS-N01 from wind speed (500) to rain (513). Working readers of this station disagree on the wind
/// speed's divisor, 10 or 100, probably by firmware, and its calm values fit both. So there are two models, and whoever
/// installs the station compares with the wind force that it shows: `renke-weather` divides by 10,
/// `renke-weather-centi` by 100. A variant with another order from 504 on exists and is not supported.
const fn renke_weather(wind_divisor: f64) -> [Register; 5] {
    [
        unsigned(500, Quantity::WindSpeedMps, wind_divisor),
        unsigned(503, Quantity::WindDirectionDeg, 1.0),
        with_air_probe(unsigned(HUMIDITY_ADDRESS, Quantity::HumidityPercent, 10.0)),
        with_air_probe(signed(505, Quantity::AirTemperatureC, 10.0)),
        unsigned(513, Quantity::RainMm, 10.0),
    ]
}

const RENKE_WEATHER_DECI: [Register; 5] = renke_weather(10.0);
const RENKE_WEATHER_CENTI: [Register; 5] = renke_weather(100.0);

/// What soil probes commonly hold in a register that they could not measure: the largest signed number. It would be
/// implausible anyway; named here, it is "nothing measured" and not a fault.
const SOIL_NOT_MEASURED: u32 = 0x7FFF;

const fn soil(register: Register) -> Register {
    Register { missing: Some(SOIL_NOT_MEASURED), ..register }
}

/// Every model there is.
pub const STATION_MODELS: [StationModel; 5] = [
    // RS-WS-N01-TR; RS-ECTHPH-N01-TR and CWT-Soil-THC-S begin with the same two registers.
    StationModel {
        name: Cow::Borrowed("renke-soil"),
        function: ReadFunction::Holding,
        first_address: 0x0000,
        register_count: 2,
        registers: Cow::Borrowed(&[
            soil(unsigned(0x0000, Quantity::SoilMoisturePercent, 10.0)),
            soil(signed(0x0001, Quantity::SoilTemperatureC, 10.0)),
        ]),
    },
    // RS-SD-N01-TR: moisture only, at 1 and in hundredths.
    StationModel {
        name: Cow::Borrowed("renke-soil-tdr"),
        function: ReadFunction::Holding,
        first_address: 0x0001,
        register_count: 1,
        registers: Cow::Borrowed(&[soil(unsigned(0x0001, Quantity::SoilMoisturePercent, 100.0))]),
    },
    // Probes of other makers with the two registers the other way round.
    StationModel {
        name: Cow::Borrowed("fdr-soil"),
        function: ReadFunction::Holding,
        first_address: 0x0000,
        register_count: 2,
        registers: Cow::Borrowed(&[
            soil(signed(0x0000, Quantity::SoilTemperatureC, 10.0)),
            soil(unsigned(0x0001, Quantity::SoilMoisturePercent, 10.0)),
        ]),
    },
    StationModel {
        name: Cow::Borrowed("renke-weather"),
        function: ReadFunction::Holding,
        first_address: 500,
        register_count: 14,
        registers: Cow::Borrowed(&RENKE_WEATHER_DECI),
    },
    StationModel {
        name: Cow::Borrowed("renke-weather-centi"),
        function: ReadFunction::Holding,
        first_address: 500,
        register_count: 14,
        registers: Cow::Borrowed(&RENKE_WEATHER_CENTI),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_lies_in_its_models_block_and_every_block_fits_one_answer() {
        for model in &STATION_MODELS {
            let end = model.first_address + model.register_count;
            let used = model.registers.iter().flat_map(|r| [Some(r.address), r.not_fitted_if_zero]).flatten();
            for address in used {
                assert!((model.first_address..end).contains(&address), "{}: {address}", model.name);
            }
            assert!((1..=125).contains(&model.register_count), "{}", model.name);
        }
    }

    #[test]
    fn the_error_lists_exactly_the_models_there_are() {
        let names: Vec<_> = STATION_MODELS.iter().map(|model| model.name.to_string()).collect();
        assert_eq!(names.join(", "), STATION_MODEL_NAMES);
    }
}
