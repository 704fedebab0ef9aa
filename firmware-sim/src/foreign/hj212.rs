//! The data logger of a weather station, by HJ 212-2017 over TCP.
//!
//! Packets are text: `##`, the length, what is said, a check, the end of the line. Times are Beijing's.

/// A logger: its number (MN, 24 digits) and the password that it was given.
#[derive(Debug, Clone)]
pub struct Logger {
    /// MN.
    pub number: String,
    /// PW, six digits.
    pub password: String,
}

impl Logger {
    /// What is measured right now, by factor code, all of it normal; asks for an answer.
    pub fn real_time(&self, at_ms: i64, values: &[(&str, f64)]) -> String {
        let [year, month, day, hour, minute, second, milliseconds] = super::calendar(at_ms, 8);
        let time = [year, month, day, hour, minute, second].concat();
        let said: String = values.iter().map(|(code, value)| format!(";{code}-Rtd={value:.1},{code}-Flag=N")).collect();
        let Self { number, password } = self;
        let data = format!(
            "QN={time}{milliseconds};ST=22;CN=2011;PW={password};MN={number};Flag=5;CP=&&DataTime={time}{said}&&"
        );
        format!("##{:04}{data}{:04X}\r\n", data.len(), crc(data.as_bytes()))
    }
}

/// As the standard's appendix A draws it: the high byte is shifted down before each byte is added.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc >> 8 ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}
