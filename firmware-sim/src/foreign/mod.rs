//! Devices that speak somebody else's language, each with an encoder of its own: a tracker, a data logger, a LoRaWAN network server and
//! a network video recorder.
//!
//! In:  what the device knows.   Out: the bytes or the JSON that it sends; whoever plays it owns the connection.
//!
//! Never: a line of the platform's decoders.

pub mod frigate;
pub mod gt06;
pub mod hj212;
pub mod lorawan;

/// Year, month, day, hour, minute, second and milliseconds of a time that many hours east of Greenwich.
fn calendar(at_ms: i64, east_h: i64) -> [String; 7] {
    let text = crate::clock::rfc3339(at_ms + east_h * 3_600_000);
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).collect();
    std::array::from_fn(|at| parts.get(at).copied().unwrap_or("000").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_MS: i64 = 1_795_313_700_123;

    #[test]
    fn a_time_is_shown_by_the_clocks_of_its_place() {
        assert_eq!(calendar(AT_MS, 0).concat(), "20261122021500123");
        assert_eq!(calendar(AT_MS, 8).concat(), "20261122101500123");
    }

    /// Login, its answer's check and a position: composed by hand from the description of traccar's decoder.
    #[test]
    fn a_trackers_packets_are_those_that_were_composed_by_hand() {
        let hex = |packet: Vec<u8>| packet.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut tracker = gt06::Tracker::new("868120148373571");
        assert_eq!(hex(tracker.login()), "78780d010868120148373571000159570d0a");
        let found = hex(tracker.position(AT_MS, 43.891_234_4, 113.456_789, 12, 87));
        assert!(found.starts_with("78781f121a0b16020f00c904b5823e0c2c2f0c0c1457"), "{found}");
    }

    /// The sheet's packet, composed and checked apart from this.
    #[test]
    fn a_loggers_packet_is_the_one_that_was_composed_by_hand() {
        let logger = hj212::Logger { number: "010000A8900016F000169DC0".into(), password: "123456".into() };
        let said = logger.real_time(1_795_313_700_000, &[("a01001", -12.4), ("a01002", 46.0), ("a01007", 5.3)]);
        assert_eq!(
            said,
            "##0200QN=20261122101500000;ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20261122101500;\
             a01001-Rtd=-12.4,a01001-Flag=N;a01002-Rtd=46.0,a01002-Flag=N;a01007-Rtd=5.3,a01007-Flag=N&&C301\r\n"
        );
    }

    #[test]
    fn an_oysters_bytes_are_its_makers() {
        let uplink = lorawan::oyster("a84041000181c061", 4, AT_MS, 43.891_234_5, 113.456_789);
        assert_eq!(uplink["data"], "WUUpGtIhoEMBEsg=");
        assert!(lorawan::oyster("a84041000181c061", 0, AT_MS, 43.0, 113.0).get("fCnt").is_none());
    }
}
