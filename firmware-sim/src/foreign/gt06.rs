//! A GT06 tracker, which many a collar with a SIM card is, over TCP.
//!
//! Layouts are those that traccar reads: start, length, type, content, number, check, end. Its clock shows UTC.

/// A tracker and the number of its last packet.
#[derive(Debug, Clone)]
pub struct Tracker {
    imei: String,
    serial: u16,
}

impl Tracker {
    /// One with this IMEI, 15 digits, that has said nothing yet.
    pub fn new(imei: &str) -> Self {
        Self { imei: imei.to_owned(), serial: 0 }
    }

    /// Who it is; the first packet of a connection.
    pub fn login(&mut self) -> Vec<u8> {
        // A digit is half a byte, and there is one too few.
        let number: u64 = u64::from_str_radix(&self.imei, 16).unwrap_or(0);
        self.packet(0x01, &number.to_be_bytes())
    }

    /// Where it was, degrees, km/h and degrees from north; a fix by nine satellites, in the north and the east.
    pub fn position(&mut self, at_ms: i64, lat: f64, lon: f64, speed_kmh: u8, course_deg: u16) -> Vec<u8> {
        let time = super::calendar(at_ms, 0);
        // Two digits of the year.
        let mut content: Vec<u8> =
            time[..6].iter().map(|part| (part.parse::<u16>().unwrap_or(0) % 100) as u8).collect();
        content.push(0xC9);
        for degrees in [lat, lon] {
            content.extend(((degrees * 1_800_000.0).round() as u32).to_be_bytes());
        }
        content.push(speed_kmh);
        content.extend((1 << 12 | 1 << 10 | course_deg & 0x3FF).to_be_bytes());
        // The cell it heard: China, its operator, area and cell.
        content.extend([0x01, 0xCC, 0x00, 0x12, 0x34, 0x00, 0x56, 0x78]);
        self.packet(0x12, &content)
    }

    /// How it feels: battery 0 (dead) to 6 (full), signal 0 to 4.
    pub fn status(&mut self, battery: u8, signal: u8) -> Vec<u8> {
        self.packet(0x13, &[0x45, battery, signal, 0, 1])
    }

    fn packet(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        self.serial = self.serial.wrapping_add(1);
        let mut inner = vec![content.len() as u8 + 5, kind];
        inner.extend_from_slice(content);
        inner.extend(self.serial.to_be_bytes());
        let check = crc(&inner).to_be_bytes();
        [&[0x78, 0x78][..], &inner, &check, &[0x0D, 0x0A]].concat()
    }
}

/// CRC-16/X-25, bit by bit.
fn crc(bytes: &[u8]) -> u16 {
    !bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}
