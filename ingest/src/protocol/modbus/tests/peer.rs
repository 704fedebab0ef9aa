//! The poller against a Modbus implementation that nobody here wrote: pymodbus. Skipped, visibly, where it is absent.

use super::{ModbusStation, Poller, TEST_PATIENCE, moisture_and_temperature, over_a_modem, soil};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Unit 1 with the two registers of the soil station's manual. Serves until its standard input is closed.
const SERVER: &str = r#"
import asyncio, sys
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

async def main():
    soil = SimDevice(1, [SimData(0, values=[0x0292, 0xFF9B], datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(soil, address=("127.0.0.1", 0), framer=FramerType(sys.argv[1]))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"#;

/// The foreign server's process; dropping it closes its standard input, which ends it.
struct Peer {
    process: Child,
    address: String,
}

impl Peer {
    fn start(framing: &str) -> Option<Self> {
        let mut process = Command::new("python3")
            .args(["-c", SERVER, framing])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut port = String::new();
        BufReader::new(process.stdout.take()?).read_line(&mut port).ok()?;
        match port.trim().parse::<u16>() {
            Ok(port) => Some(Self { process, address: format!("127.0.0.1:{port}") }),
            Err(_) => {
                process.wait().ok();
                None
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

async fn is_read_like_our_own(framing: &'static str, station: impl Fn(&str) -> ModbusStation) {
    let Some(peer) = tokio::task::spawn_blocking(move || Peer::start(framing)).await.unwrap() else {
        eprintln!("skipped: python3 with pymodbus 3.16 is not here");
        return;
    };
    let poller = Poller::start(vec![station(&peer.address)], TEST_PATIENCE);
    assert_eq!(poller.measured(1).await, [("station-1".to_owned(), moisture_and_temperature(65.8, -10.1))]);
    poller.end().await.unwrap();
}

#[tokio::test]
async fn a_foreign_server_is_read_like_our_own() {
    is_read_like_our_own("socket", |address| soil(address, "station-1", 1)).await;
}

#[tokio::test]
async fn a_foreign_server_that_frames_as_on_a_serial_line_is_read_too() {
    is_read_like_our_own("rtu", over_a_modem).await;
}
