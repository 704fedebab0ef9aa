//! A Modbus TCP station made of plain sockets: the bytes are written here by hand, so that the poller's own library is not
//! its only witness.

use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What the station does with a question.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Registers([u16; 2]),
    Exception(u8),
    Nothing,
    HangUp,
    /// An answer under the number of another question.
    OfAnotherQuestion([u16; 2]),
    /// First the answer that the previous connection's question is still owed, on that connection; then its own.
    AfterLate {
        late: [u16; 2],
        own: [u16; 2],
    },
}

/// A question as it came: transaction, protocol, length, unit, function, address, count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub bytes: [u8; 12],
    /// Counted from 1 over all connections.
    pub number: usize,
    /// Counted from 1.
    pub connection: usize,
}

impl Request {
    pub fn unit(&self) -> u8 {
        self.bytes[6]
    }

    fn answer(&self, transaction: [u8; 2], registers: [u16; 2]) -> Vec<u8> {
        let mut frame = transaction.to_vec();
        // The function of the question.
        frame.extend([0x00, 0x00, 0x00, 0x07, self.unit(), self.bytes[7], 0x04]);
        frame.extend(registers.iter().flat_map(|register| register.to_be_bytes()));
        frame
    }
}

/// The station; dropping it closes everything.
pub(super) struct Station {
    pub address: String,
    requests: mpsc::Receiver<Request>,
    serving: JoinSet<()>,
}

impl Station {
    pub async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", answer).await
    }

    pub async fn start_at(address: &str, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // Room for every request that a test looks at; the station does not wait for tests that look at none.
        let (requests_tx, requests) = mpsc::channel(64);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::new(answer), requests_tx));
        Self { address, requests, serving }
    }

    pub async fn next_request(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }

    /// Closes the listener and every connection; returns when they are closed.
    pub async fn die(&mut self) {
        self.serving.shutdown().await;
    }
}

/// Serves one connection after another: a poller has no more than one that it listens to.
async fn serve(
    listener: TcpListener,
    answer: Arc<dyn Fn(&Request) -> Answer + Send + Sync>,
    requests_tx: mpsc::Sender<Request>,
) {
    let (mut number, mut connection) = (0, 0);
    let mut owed: Option<(Request, TcpStream)> = None;
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        connection += 1;
        let mut bytes = [0; 12];
        while stream.read_exact(&mut bytes).await.is_ok() {
            number += 1;
            let request = Request { bytes, number, connection };
            requests_tx.try_send(request).ok(); // nobody looks
            let transaction = [bytes[0], bytes[1]];
            let frame = match answer(&request) {
                Answer::Registers(registers) => request.answer(transaction, registers),
                Answer::Exception(code) => {
                    [&transaction[..], &[0x00, 0x00, 0x00, 0x03, request.unit(), 0x83, code]].concat()
                }
                Answer::OfAnotherQuestion(registers) => request.answer([bytes[0], bytes[1].wrapping_add(7)], registers),
                Answer::AfterLate { late, own } => {
                    if let Some((earlier, mut former)) = owed.take() {
                        let transaction = [earlier.bytes[0], earlier.bytes[1]];
                        // The poller may have closed its end: then the late answer is nobody's, as it should be.
                        former.write_all(&earlier.answer(transaction, late)).await.ok();
                    }
                    request.answer(transaction, own)
                }
                Answer::Nothing => {
                    owed = Some((request, stream));
                    break;
                }
                Answer::HangUp => break,
            };
            if stream.write_all(&frame).await.is_err() {
                break;
            }
        }
    }
}
