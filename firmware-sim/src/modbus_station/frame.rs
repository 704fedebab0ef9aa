//! Modbus TCP frames, by hand: the request as it comes, the answer as the standard wants it.
//!
//! In:  the bytes of one request behind its length.   Out: the bytes of one answer.
//!
//! Never: reads what is not there; a request that is too short for its function gets an exception, like on a real device.

/// Longest body that a length field may announce: unit id and a PDU of 253 bytes.
pub const MAX_BODY_BYTES: u16 = 254;
/// Most registers in one answer.
const MAX_REGISTERS: u16 = 125;
/// The high bit of the function marks an exception.
const EXCEPTION: u8 = 0x80;

/// Why a request is refused, with the standard's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// 01: only functions 03 and 04 are known.
    Function,
    /// 02: no such registers.
    Address,
    /// 03: no or too many registers, or a cut request.
    Value,
    /// 0B: no such unit behind this address.
    Target,
    /// Any other code, for tests.
    Code(u8),
}

impl Exception {
    fn code(self) -> u8 {
        match self {
            Self::Function => 0x01,
            Self::Address => 0x02,
            Self::Value => 0x03,
            Self::Target => 0x0b,
            Self::Code(code) => code,
        }
    }
}

/// The head of a request: what the answer repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Chosen by the client, returned as it is.
    pub transaction: [u8; 2],
    /// Bytes that follow the length field, unit id included.
    pub body_bytes: u16,
}

impl Head {
    /// Bytes before the body.
    pub const BYTES: usize = 6;

    /// `None` when it is no Modbus or announces more than the standard allows: then the connection is beyond repair.
    pub fn parse(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [first, second, protocol_high, protocol_low, length_high, length_low] = bytes;
        let body_bytes = u16::from_be_bytes([length_high, length_low]);
        let sound = [protocol_high, protocol_low] == [0, 0] && (2..=MAX_BODY_BYTES).contains(&body_bytes);
        sound.then_some(Self { transaction: [first, second], body_bytes })
    }
}

/// What a request asks: the first register and how many, or the reason to refuse.
pub fn asked(pdu: &[u8]) -> Result<(u16, u16), Exception> {
    let (function, rest) = pdu.split_first().ok_or(Exception::Function)?;
    if !matches!(function, 0x03 | 0x04) {
        return Err(Exception::Function);
    }
    let [start_high, start_low, count_high, count_low] = *rest else { return Err(Exception::Value) };
    let start = u16::from_be_bytes([start_high, start_low]);
    let count = u16::from_be_bytes([count_high, count_low]);
    if (1..=MAX_REGISTERS).contains(&count) { Ok((start, count)) } else { Err(Exception::Value) }
}

/// The whole answer, head included.
pub fn answer(head: Head, unit: u8, function: u8, outcome: Result<&[u16], Exception>) -> Vec<u8> {
    let mut body = vec![unit];
    match outcome {
        Ok(registers) => {
            body.push(function);
            // At most 125 registers: the byte count fits.
            body.push((registers.len() * 2) as u8);
            body.extend(registers.iter().flat_map(|register| register.to_be_bytes()));
        }
        Err(exception) => body.extend([function | EXCEPTION, exception.code()]),
    }
    let mut frame = Vec::from(head.transaction);
    frame.extend([0, 0]);
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend(body);
    frame
}
