//! What the poller counts: polls by result, never by device.

use prometheus::{IntCounterVec, Opts, Registry};

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PollResult {
    Ok,
    Timeout,
    Exception,
    Transport,
}

impl PollResult {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Exception => "exception",
            Self::Transport => "transport",
        }
    }
}

/// The poller's counters.
#[derive(Debug, Clone)]
pub struct ModbusMetrics {
    polls: IntCounterVec,
}

impl ModbusMetrics {
    /// Registers the counters.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let polls = IntCounterVec::new(
            Opts::new("steppewatch_modbus_polls_total", "Polls of Modbus stations, by how they ended."),
            &["result"],
        )?;
        registry.register(Box::new(polls.clone()))?;
        for result in [PollResult::Ok, PollResult::Timeout, PollResult::Exception, PollResult::Transport] {
            polls.with_label_values(&[result.as_str()]); // shown as 0 from the start
        }
        Ok(Self { polls })
    }

    pub(super) fn count(&self, result: PollResult) {
        self.polls.with_label_values(&[result.as_str()]).inc();
    }

    #[cfg(test)]
    pub(super) fn polls(&self, result: PollResult) -> u64 {
        self.polls.with_label_values(&[result.as_str()]).get()
    }
}
