//! The platform under a service manager that listens to it: a socket of our own is `$NOTIFY_SOCKET`.

use journeys::{PATIENCE, Platform};
use std::os::unix::fs::PermissionsExt;
use tokio::net::UnixDatagram;

/// Where the manager hears what a service says of itself.
struct Manager {
    socket: UnixDatagram,
    /// Everything heard so far, a line each.
    heard: Vec<String>,
}

impl Manager {
    /// The manager of a platform; it wants to hear within so many microseconds that it moves.
    fn of(platform: &mut Platform, watchdog_us: u64) -> Self {
        let path = platform.file("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        platform.set("NOTIFY_SOCKET", path.display().to_string());
        platform.set("WATCHDOG_USEC", watchdog_us.to_string());
        Self { socket, heard: Vec::new() }
    }

    /// Waits until this was said so often since the beginning.
    async fn hears(&mut self, line: &str, times: usize) {
        let hearing = async {
            let mut datagram = vec![0; 4_096];
            while self.heard.iter().filter(|heard| *heard == line).count() < times {
                let length = self.socket.recv(&mut datagram).await.unwrap();
                let said = String::from_utf8(datagram[..length].to_vec()).unwrap();
                self.heard.extend(said.lines().map(str::to_owned));
            }
        };
        let came = tokio::time::timeout(PATIENCE, hearing).await;
        assert!(came.is_ok(), "{line} was not heard {times} times: {:?}", self.heard);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_that_the_service_is_ready_that_it_moves_and_that_it_stops() {
    let mut platform = Platform::prepare("").unwrap();
    let mut manager = Manager::of(&mut platform, 6_000_000);
    platform.run().await.unwrap();
    manager.hears("READY=1", 1).await;
    assert_eq!(manager.heard[0], "READY=1", "nothing is said before");
    manager.hears("WATCHDOG=1", 4).await;
    assert!(manager.heard.contains(&"STATUS=takes in and judges".to_owned()), "{:?}", manager.heard);
    assert!(!manager.heard.contains(&"STOPPING=1".to_owned()), "{:?}", manager.heard);

    assert!(platform.stop().await.unwrap().success());
    manager.hears("STOPPING=1", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_password_goes_to_a_file_for_one_pair_of_eyes_where_the_log_is_kept() {
    let mut platform = Platform::prepare("").unwrap();
    let file = platform.file("first-password");
    platform.set("STEPPEWATCH_FIRST_PASSWORD_FILE", file.display().to_string());
    platform.forget("STEPPEWATCH_ADMIN_PASSWORD");
    platform.run().await.unwrap();
    let password = std::fs::read_to_string(&file).unwrap();
    let password = password.strip_suffix('\n').unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let log = platform.log();
    assert!(!log.contains(password) && log.contains("first-password"), "{log}");
    journeys::Operator::log_in(&platform.http, "admin", password).await.unwrap();

    // A second start has nothing to tell, and leaves what is there.
    platform.stop().await.unwrap();
    std::fs::write(&file, "kept").unwrap();
    platform.run().await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
}
