//! A MAVLink 2 vehicle on a patrol, over UDP, with an encoder of its own.
//!
//! In:  where it flies and to whom it tells it.   Out: datagrams of one packet each, as an autopilot streams them: positions and attitude
//! many times a second, the fix, the battery, the gimbal and the time now and then, a heartbeat each second.
//!
//! Never: a line of the platform's parser. Layouts are those of `common.xml`: fields by size, zeros at the end left out.

use crate::clock;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

/// Positions a second, as autopilots are often set.
const POSITIONS_PER_S: u32 = 50;
/// What a quadrotor flies on patrol.
const SPEED_MPS: f64 = 10.0;
const METRES_PER_DEGREE: f64 = 111_320.0;
/// Above take-off.
const HEIGHT_M: f64 = 120.0;

/// A vehicle.
#[derive(Debug, Clone)]
pub struct Vehicle {
    system: u8,
    sequence: u8,
    /// Where it began, degrees.
    lat: f64,
    lon: f64,
    started_ms: i64,
    /// Milliseconds since its start.
    boot_ms: u32,
}

impl Vehicle {
    /// One that takes off at a place and flies east.
    pub fn new(system: u8, lat: f64, lon: f64, now_ms: i64) -> Self {
        Self { system, sequence: 0, lat, lon, started_ms: now_ms, boot_ms: 0 }
    }

    /// What it says in the step that ends now; a step is a fiftieth of a second.
    pub fn step(&mut self, now_ms: i64) -> Vec<Vec<u8>> {
        self.boot_ms = u32::try_from(now_ms - self.started_ms).unwrap_or(0);
        let step = self.boot_ms / (1_000 / POSITIONS_PER_S);
        let mut said = Vec::new();
        if step.is_multiple_of(POSITIONS_PER_S) {
            said.extend([self.system_time(now_ms), self.fix(), self.battery(), self.heartbeat()]);
        }
        said.extend([self.attitude(), self.gimbal(), self.position()]);
        said
    }

    /// Where it is, degrees.
    pub fn place(&self) -> (f64, f64) {
        let flown_m = SPEED_MPS * f64::from(self.boot_ms) / 1_000.0;
        (self.lat, self.lon + flown_m / (METRES_PER_DEGREE * self.lat.to_radians().cos()))
    }

    fn heartbeat(&mut self) -> Vec<u8> {
        // custom_mode, type quadrotor, autopilot PX4, armed, active, version 3
        self.packet(0, 50, &[0, 0, 0, 0, 2, 12, 129, 4, 3])
    }

    fn system_time(&mut self, now_ms: i64) -> Vec<u8> {
        let mut fields = (u64::try_from(now_ms).unwrap_or(0) * 1_000).to_le_bytes().to_vec();
        fields.extend(self.boot_ms.to_le_bytes());
        self.packet(2, 137, &fields)
    }

    fn fix(&mut self) -> Vec<u8> {
        let (lat, lon) = self.place();
        let mut fields = (u64::from(self.boot_ms) * 1_000).to_le_bytes().to_vec();
        for number in [e7(lat), e7(lon), 1_395_000] {
            fields.extend(number.to_le_bytes());
        }
        for number in [70_u16, 110, 1_000, 9_000] {
            fields.extend(number.to_le_bytes());
        }
        // A three-dimensional fix by 18 satellites; then the height above the ellipsoid and how sure it all is.
        fields.extend([3, 18]);
        fields.extend(1_384_200_i32.to_le_bytes());
        for number in [900_u32, 1_500, 100] {
            fields.extend(number.to_le_bytes());
        }
        self.packet(24, 24, &fields)
    }

    fn attitude(&mut self) -> Vec<u8> {
        let mut fields = self.boot_ms.to_le_bytes().to_vec();
        for number in [0.01_f32, -0.03, std::f32::consts::FRAC_PI_2, 0.0, 0.0, 0.0] {
            fields.extend(number.to_le_bytes());
        }
        self.packet(30, 39, &fields)
    }

    fn position(&mut self) -> Vec<u8> {
        let (lat, lon) = self.place();
        let mut fields = self.boot_ms.to_le_bytes().to_vec();
        for number in [e7(lat), e7(lon), 1_395_000, (HEIGHT_M * 1_000.0) as i32] {
            fields.extend(number.to_le_bytes());
        }
        for number in [0_i16, (SPEED_MPS * 100.0) as i16, 0] {
            fields.extend(number.to_le_bytes());
        }
        fields.extend(9_000_u16.to_le_bytes());
        self.packet(33, 104, &fields)
    }

    fn battery(&mut self) -> Vec<u8> {
        let mut fields = vec![0; 8];
        fields.extend(2_100_i16.to_le_bytes());
        fields.extend([3_900_u16; 4].iter().chain(&[u16::MAX; 6]).flat_map(|cell| cell.to_le_bytes()));
        fields.extend(1_800_i16.to_le_bytes());
        fields.extend([0, 0, 0, 77]);
        self.packet(147, 154, &fields)
    }

    /// Looks 40 degrees down, straight ahead.
    fn gimbal(&mut self) -> Vec<u8> {
        let half = (-40.0_f32).to_radians() / 2.0;
        let mut fields = self.boot_ms.to_le_bytes().to_vec();
        for number in [half.cos(), 0.0, half.sin(), 0.0, 0.0, 0.0, 0.0] {
            fields.extend(number.to_le_bytes());
        }
        fields.extend(0_u32.to_le_bytes());
        fields.extend(32_u16.to_le_bytes());
        self.packet(285, 137, &fields)
    }

    fn packet(&mut self, id: u32, extra: u8, fields: &[u8]) -> Vec<u8> {
        let len = fields.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
        let mut packet = vec![0xFD, u8::try_from(len).unwrap_or(u8::MAX), 0, 0, self.sequence, self.system, 1];
        self.sequence = self.sequence.wrapping_add(1);
        packet.extend(id.to_le_bytes().iter().take(3));
        packet.extend(fields.iter().take(len));
        let checksum = packet.iter().skip(1).chain([&extra]).fold(0xFFFF, |crc, byte| feed(crc, *byte));
        packet.extend(checksum.to_le_bytes());
        packet
    }
}

/// A byte into CRC-16 with the polynomial 0x1021 taken from the low end, bit by bit.
fn feed(crc: u16, byte: u8) -> u16 {
    (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 })
}

fn e7(degrees: f64) -> i32 {
    (degrees * 1e7).round() as i32
}

/// Flies and tells `target` about it, until `stop`; how many datagrams were sent.
pub async fn fly(target: SocketAddr, system: u8, at: (f64, f64), stop: CancellationToken) -> io::Result<u64> {
    let local = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(target).await?;
    let mut vehicle = Vehicle::new(system, at.0, at.1, clock::now_ms());
    let mut steps = tokio::time::interval(Duration::from_millis(u64::from(1_000 / POSITIONS_PER_S)));
    let mut sent = 0;
    while stop.run_until_cancelled(steps.tick()).await.is_some() {
        for packet in vehicle.step(clock::now_ms()) {
            // Nobody listens yet, or not any more; an autopilot goes on too.
            sent += u64::from(socket.send(&packet).await.is_ok());
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_the_one_of_a_foreign_encoder_but_for_its_maker() {
        let mut vehicle = Vehicle::new(7, 43.9, 113.5, 0);
        vehicle.sequence = 42;
        // As pymavlink 2.4.49 writes it.
        let foreign = vehicle.packet(0, 50, &[0, 0, 0, 0, 2, 3, 129, 4, 3]);
        let hex: String = foreign.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "fd0900002a07010000000000000002038104038651");
    }

    #[test]
    fn a_second_of_flight_is_fifty_positions_and_one_of_each_of_the_rest() {
        let mut vehicle = Vehicle::new(7, 43.9, 113.5, 0);
        let said: Vec<_> = (0..50).flat_map(|step| vehicle.step(step * 20)).collect();
        let count = |id: u32| said.iter().filter(|packet| packet.get(7..10) == id.to_le_bytes().get(..3)).count();
        assert_eq!([33, 30, 285, 0, 2, 24, 147].map(count), [50, 50, 50, 1, 1, 1, 1]);
        assert!(vehicle.place().1 > 113.5001);
    }
}
