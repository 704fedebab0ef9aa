//! One connection to a gateway, and one question at a time over it.
//!
//! In: which station and which block of registers.   Out: the registers, or how it failed. The Modbus client has no
//! timeouts of its own, so every wait here has one.
//!
//! Never takes a late answer for the next question's: the connection is taken out of its place before a question and put
//! back only after that question's own answer, so a timeout, a broken frame or a cancelled poll leaves none behind. Modbus TCP numbers
//! its questions besides; over RTU nothing does, so there a new connection first lets come what the last one was still owed.

use super::metrics::PollResult;
use super::{Framing, Patience};
use crate::decode::stations::{ReadFunction, StationModel};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, rtu, tcp};
use tokio_modbus::prelude::{Slave, SlaveContext};
use tokio_modbus::{Request, Response};

/// Why there are no registers.
#[derive(Debug, thiserror::Error)]
pub(super) enum PollFailure {
    #[error("no connection within {0:?}")]
    ConnectTimeout(std::time::Duration),
    #[error("no answer within {0:?}")]
    CallTimeout(std::time::Duration),
    #[error("could not connect: {0}")]
    Connect(std::io::Error),
    #[error("connection failed: {0}")]
    Transport(tokio_modbus::Error),
    /// It is an answer, but not to this question.
    #[error("answer of {came} registers to a question for {want}")]
    OtherAnswer { want: u16, came: usize },
    /// The station heard us and refuses; the connection is sound.
    #[error("station refuses: {0}")]
    Exception(tokio_modbus::ExceptionCode),
}

impl PollFailure {
    pub(super) fn result(&self) -> PollResult {
        match self {
            Self::ConnectTimeout(_) | Self::CallTimeout(_) => PollResult::Timeout,
            Self::Connect(_) | Self::Transport(_) | Self::OtherAnswer { .. } => PollResult::Transport,
            Self::Exception(_) => PollResult::Exception,
        }
    }
}

/// How much may come late: what a modem can hold back.
const LATE_BYTES_MAX: usize = 4_096;

/// The place of the connection: empty before the first question and after each failure.
pub(super) struct Connection {
    context: Option<Context>,
    framing: Framing,
    /// A question was left without its answer, and the answer may still come.
    owed: bool,
}

impl Connection {
    pub(super) fn new(framing: Framing) -> Self {
        Self { context: None, framing, owed: false }
    }

    /// Asks one station for its block; connects first if need be.
    pub(super) async fn ask(
        &mut self,
        address: &str,
        unit: u8,
        map: &StationModel,
        patience: &Patience,
    ) -> Result<Vec<u16>, PollFailure> {
        let mut context = match self.context.take() {
            Some(context) => context,
            None => self.connect(address, patience).await?,
        };
        context.set_slave(Slave(unit));
        let (first, count) = (map.first_address, map.register_count);
        // Until it is answered: also if this poll is cancelled on the way.
        self.owed = true;
        let question = match map.function {
            ReadFunction::Holding => Request::ReadHoldingRegisters(first, count),
            ReadFunction::Input => Request::ReadInputRegisters(first, count),
        };
        // Not by the crate's `Reader`: it takes for granted that an answer is as long as was asked for.
        let answered = timeout(patience.call, context.call(question))
            .await
            .map_err(|_| PollFailure::CallTimeout(patience.call))?
            .map_err(PollFailure::Transport)?;
        let registers = match answered {
            Ok(Response::ReadHoldingRegisters(registers) | Response::ReadInputRegisters(registers)) => Ok(registers),
            Ok(_) => Ok(Vec::new()),
            Err(refused) => Err(PollFailure::Exception(refused)),
        };
        if let Ok(registers) = &registers
            && registers.len() != usize::from(count)
        {
            return Err(PollFailure::OtherAnswer { want: count, came: registers.len() });
        }
        self.owed = false;
        self.context = Some(context);
        registers
    }

    async fn connect(&mut self, address: &str, patience: &Patience) -> Result<Context, PollFailure> {
        let mut stream = timeout(patience.connect, TcpStream::connect(address))
            .await
            .map_err(|_| PollFailure::ConnectTimeout(patience.connect))?
            .map_err(PollFailure::Connect)?;
        // Questions are twelve bytes; waiting to fill a packet would only delay them. A socket that cannot do it still works.
        stream.set_nodelay(true).ok();
        match self.framing {
            Framing::Tcp => Ok(tcp::attach(stream)),
            Framing::Rtu => {
                // The serial line knows nothing of our connections: what the last one was owed comes over this one.
                if self.owed {
                    let_it_come(&mut stream, patience).await.map_err(PollFailure::Connect)?;
                    self.owed = false;
                }
                Ok(rtu::attach(stream))
            }
        }
    }
}

/// Reads away what comes late, until nothing came for as long as an answer may take.
async fn let_it_come(stream: &mut TcpStream, patience: &Patience) -> std::io::Result<()> {
    let (mut late, mut buffer) = (0, [0; 256]);
    while let Ok(read) = timeout(patience.call, stream.read(&mut buffer)).await {
        late += match read? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            some => some,
        };
        if late > LATE_BYTES_MAX {
            return Err(std::io::Error::other("the line does not stop talking"));
        }
    }
    Ok(())
}
