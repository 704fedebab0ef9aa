//! Real servers for the tests: started on a free port, stopped with the test.
//!
//! Skipped, saying so, where a program is not installed.

use reqwest_for_influxdb2::Client;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// A server, which ends with the test.
pub(super) struct Real {
    child: Child,
    pub(super) url: String,
}

impl Real {
    /// `None`, said aloud, if the program is not there. It is hardly up when this returns: whoever talks to it tries again.
    pub(super) fn start(package: &str, command: &mut Command, port: u16) -> Option<Self> {
        match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => Some(Self { child, url: format!("http://127.0.0.1:{port}") }),
            Err(error) => {
                eprintln!("SKIPPED: {command:?} cannot be started ({error}); apt-get install {package}");
                None
            }
        }
    }

    /// Asks it to end, as an operator would, and waits until it has.
    pub(super) fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap();
    }

    /// What it answers to a question.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> String {
        let asked = client().get(format!("{}{path}", self.url)).query(query).send().await.unwrap();
        asked.error_for_status().unwrap().text().await.unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what they are for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
