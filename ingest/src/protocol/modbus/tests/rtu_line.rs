//! A serial line behind a transparent modem, made of plain sockets: frames are written here by hand.

use crate::decode::stations::modbus_crc;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What the station on the line does with a question.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    Registers([u16; 2]),
    TooMany([u16; 3]),
    BadCheck([u16; 2]),
    /// Nothing on this connection, and the answer as soon as there is another one.
    LateOverTheNextConnection([u16; 2]),
}

/// The line; dropping it closes everything.
pub(super) struct Line {
    pub address: String,
    requests: mpsc::Receiver<[u8; 8]>,
    _serving: JoinSet<()>,
}

impl Line {
    /// `says` hears the number of the question, counted from 1 over all connections.
    pub async fn start(says: impl Fn(usize) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests_tx, requests) = mpsc::channel(64);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::new(says), requests_tx));
        Self { address, requests, _serving: serving }
    }

    pub async fn next_request(&mut self) -> [u8; 8] {
        self.requests.recv().await.unwrap()
    }
}

fn frame(registers: &[u16]) -> Vec<u8> {
    let mut frame = vec![0x01, 0x03, u8::try_from(2 * registers.len()).unwrap()];
    frame.extend(registers.iter().flat_map(|register| register.to_be_bytes()));
    let check = modbus_crc(&frame).to_le_bytes();
    frame.extend(check);
    frame
}

async fn serve(
    listener: TcpListener,
    says: Arc<dyn Fn(usize) -> Says + Send + Sync>,
    requests_tx: mpsc::Sender<[u8; 8]>,
) {
    let (mut number, mut late) = (0, None::<Vec<u8>>);
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        if let Some(answer) = late.take() {
            stream.write_all(&answer).await.ok();
        }
        let mut request = [0; 8];
        while stream.read_exact(&mut request).await.is_ok() {
            number += 1;
            requests_tx.try_send(request).ok(); // nobody looks
            let answer = match says(number) {
                Says::Registers(registers) => frame(&registers),
                Says::TooMany(registers) => frame(&registers),
                Says::BadCheck(registers) => {
                    let mut broken = frame(&registers);
                    *broken.last_mut().unwrap() ^= 0x55;
                    broken
                }
                Says::LateOverTheNextConnection(registers) => {
                    late = Some(frame(&registers));
                    continue;
                }
            };
            if stream.write_all(&answer).await.is_err() {
                break;
            }
        }
    }
}
