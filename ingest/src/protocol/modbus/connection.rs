//! One connection to a gateway, and one question at a time over it.
//!
//! In: which station and which block of registers.   Out: the registers, or how it failed. The Modbus client has no
//! timeouts of its own, so every wait here has one.
//!
//! Never takes a late answer for the next question's: the connection is taken out of its place before a question and put
//! back only after that question's own answer, so a timeout, a broken frame or a cancelled poll leaves none behind.

use super::Patience;
use super::metrics::PollResult;
use crate::decode::stations::{ReadFunction, StationModel};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Context, tcp};
use tokio_modbus::prelude::{Reader, Slave, SlaveContext};

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
    /// The station heard us and refuses; the connection is sound.
    #[error("station refuses: {0}")]
    Exception(tokio_modbus::ExceptionCode),
}

impl PollFailure {
    pub(super) fn result(&self) -> PollResult {
        match self {
            Self::ConnectTimeout(_) | Self::CallTimeout(_) => PollResult::Timeout,
            Self::Connect(_) | Self::Transport(_) => PollResult::Transport,
            Self::Exception(_) => PollResult::Exception,
        }
    }
}

/// The place of the connection: empty before the first question and after each failure.
#[derive(Default)]
pub(super) struct Connection(Option<Context>);

impl Connection {
    /// Asks one station for its block; connects first if need be.
    pub(super) async fn ask(
        &mut self,
        address: &str,
        unit: u8,
        map: &StationModel,
        patience: &Patience,
    ) -> Result<Vec<u16>, PollFailure> {
        let mut context = match self.0.take() {
            Some(context) => context,
            None => connect(address, patience).await?,
        };
        context.set_slave(Slave(unit));
        let (first, count) = (map.first_address, map.register_count);
        let call = async {
            match map.function {
                ReadFunction::Holding => context.read_holding_registers(first, count).await,
                ReadFunction::Input => context.read_input_registers(first, count).await,
            }
        };
        let answered = timeout(patience.call, call)
            .await
            .map_err(|_| PollFailure::CallTimeout(patience.call))?
            .map_err(PollFailure::Transport)?;
        self.0 = Some(context);
        answered.map_err(PollFailure::Exception)
    }
}

async fn connect(address: &str, patience: &Patience) -> Result<Context, PollFailure> {
    let stream = timeout(patience.connect, TcpStream::connect(address))
        .await
        .map_err(|_| PollFailure::ConnectTimeout(patience.connect))?
        .map_err(PollFailure::Connect)?;
    // Questions are twelve bytes; waiting to fill a packet would only delay them. A socket that cannot do it still works.
    stream.set_nodelay(true).ok();
    Ok(tcp::attach(stream))
}
