//! HJ 212-2017, the language of environmental monitoring stations: a packet -> what was measured.
//!
//! In: a whole packet, `##` to CRC.   Out: the quantities among its factors; or why there are none. The listener needs the packet's
//! fields too, so they are read here ([`Packet`]).
//!
//! A value counts where its flag says that it is normal (`N`), or where it has none. Real-time data state `Rtd`, data of a minute,
//! an hour or a day their mean `Avg`. Factors that we do not watch are left out; a value that no sound sensor can report too, and
//! the others are kept: a station does not choose its units. Times are Beijing's.

use super::fields::{short, within};
use super::{Statement, beijing};
use model::{Body, DeviceTime, Frame, Measurement, Quantity, Reject};

/// Data commands: real time, ten minutes, an hour, a day.
const DATA: [&str; 4] = ["2011", "2051", "2061", "2031"];

/// What we watch, by the factor codes of HJ 212 for weather beside a station.
const FACTORS: [(&str, Quantity); 4] = [
    ("a01001", Quantity::AirTemperatureC),
    ("a01002", Quantity::HumidityPercent),
    ("a01007", Quantity::WindSpeedMps),
    ("a01008", Quantity::WindDirectionDeg),
];

/// The longest packet that four digits can state, with what stands around it.
pub(crate) const PACKET_BYTES_MAX: usize = 9_999 + HEAD_BYTES + TAIL_BYTES;
/// `##` and the length.
const HEAD_BYTES: usize = 6;
/// The check and the end of the line.
const TAIL_BYTES: usize = 6;

/// The beginning of a stream of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framed {
    /// More has to come first.
    More,
    /// A packet of so many bytes.
    Whole(usize),
    /// So many bytes that are no packet.
    Noise(usize),
}

/// Finds the packet at the beginning of `bytes`. The line's end may be missing; the check may not.
pub(crate) fn framed(bytes: &[u8]) -> Framed {
    // Whatever comes before the next mark is noise.
    let mark = bytes.windows(2).position(|two| two == b"##");
    match mark {
        Some(0) => {}
        Some(begin) => return Framed::Noise(begin),
        None if bytes.last() == Some(&b'#') => {
            return if bytes.len() == 1 { Framed::More } else { Framed::Noise(bytes.len() - 1) };
        }
        None if bytes.is_empty() => return Framed::More,
        None => return Framed::Noise(bytes.len()),
    }
    let Some(digits) = bytes.get(2..HEAD_BYTES) else { return Framed::More };
    let length = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(length) = length.and_then(|text| text.parse::<usize>().ok()) else { return Framed::Noise(2) };
    let Some(rest) = bytes.get(HEAD_BYTES..HEAD_BYTES + length + 4) else { return Framed::More };
    match rest.split_at_checked(length) {
        Some((data, check)) if says(check, data) => Framed::Whole(HEAD_BYTES + length + 4),
        _ => Framed::Noise(2),
    }
}

/// Whether four hexadecimal digits are the check of `data`. Some loggers write Modbus' check instead, either byte first.
fn says(check: &[u8], data: &[u8]) -> bool {
    let said = std::str::from_utf8(check).ok().and_then(|text| u16::from_str_radix(text, 16).ok());
    let modbus = super::stations::modbus_crc(data);
    said.is_some_and(|said| said == crc(data) || said == modbus || said == modbus.swap_bytes())
}

/// The standard's check: not the one of Modbus, although it shares its polynomial.
pub(crate) fn crc(data: &[u8]) -> u16 {
    data.iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold((crc >> 8) ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    })
}

/// A packet's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    head: &'a str,
    parameters: &'a str,
}

impl<'a> Packet<'a> {
    /// Reads a whole packet.
    pub(crate) fn read(packet: &'a [u8]) -> Result<Self, Reject> {
        let malformed = |what: &str| Reject::Malformed(format!("HJ 212: {what}"));
        if packet.is_empty() {
            return Err(Reject::Empty);
        }
        let Framed::Whole(len) = framed(packet) else {
            return Err(malformed("it is no packet, or its check is wrong"));
        };
        let data = packet.get(HEAD_BYTES..len - 4).unwrap_or_default();
        let data = std::str::from_utf8(data).map_err(|_| malformed("it is not ASCII"))?;
        let (head, parameters) = data.split_once("CP=&&").ok_or_else(|| malformed("it has no CP"))?;
        let parameters = parameters.strip_suffix("&&").ok_or_else(|| malformed("its CP has no end"))?;
        Ok(Self { head, parameters })
    }

    /// A field before the parameters, for example `MN`.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        self.head.split(';').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, text)| text)
    }

    /// Whether an answer is wanted: the lowest bit of its flag.
    pub(crate) fn wants_answer(&self) -> bool {
        self.field("Flag").and_then(|flag| flag.parse::<u8>().ok()).is_some_and(|flag| flag & 1 == 1)
    }

    /// Whether it is data, which is answered in another way than a question.
    pub(crate) fn is_data(&self) -> bool {
        self.field("CN").is_some_and(|command| DATA.contains(&command))
    }

    /// A parameter, wherever it stands.
    fn parameter(&self, name: &str) -> Option<&'a str> {
        let pairs = self.parameters.split([';', ',']).filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| key.trim() == name).map(|(_, text)| text.trim())
    }
}

/// One packet.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let packet = Packet::read(&frame.payload)?;
    let command = packet.field("CN").ok_or(Reject::Missing { field: "CN" })?;
    if !packet.is_data() {
        return Err(Reject::UnknownMessage(short(&format!("hj212 command {command}"))));
    }
    let time = packet.parameter("DataTime").ok_or(Reject::Missing { field: "DataTime" })?;
    let device_time = beijing::packed(time).map(DeviceTime).ok_or_else(|| Reject::BadTime(short(time)))?;
    let mut measurements = Vec::new();
    let mut first_fault = None;
    for (factor, quantity) in FACTORS {
        match measured(&packet, factor, quantity) {
            Ok(measurement) => measurements.extend(measurement),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    if measurements.is_empty() {
        return Err(first_fault.unwrap_or(Reject::Missing { field: "a01001, a01002, a01007 or a01008" }));
    }
    Ok(Statement { device_time: Some(device_time), seq: None, body: Body::Measurements(measurements) })
}

fn measured(packet: &Packet<'_>, factor: &str, quantity: Quantity) -> Result<Option<Measurement>, Reject> {
    let stated = |kind: &str| packet.parameter(&format!("{factor}-{kind}"));
    let Some(text) = stated("Rtd").or_else(|| stated("Avg")) else { return Ok(None) };
    if stated("Flag").is_some_and(|flag| !flag.eq_ignore_ascii_case("N")) {
        return Ok(None);
    }
    let number: f64 = text
        .parse()
        .map_err(|_| Reject::Malformed(short(&format!("HJ 212: {factor} is `{text}`, which is no number"))))?;
    let (low, high) = quantity.plausible();
    Ok(Some(Measurement { quantity, value: within(quantity.as_str(), number, low, high)? }))
}
