//! What the SIP listener counts: devices by state, and what became of our own requests.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// What became of a request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Ok,
    Refused,
    Timeout,
}

impl Asked {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
        }
    }
}

/// The listener's counters.
#[derive(Debug, Clone)]
pub struct SipMetrics {
    devices: IntGaugeVec,
    requests: IntCounterVec,
}

impl SipMetrics {
    /// Registers the counters.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let devices = IntGaugeVec::new(
            Opts::new("steppewatch_sip_devices", "Devices registered by SIP, by whether their keepalives come."),
            &["state"],
        )?;
        let requests = IntCounterVec::new(
            Opts::new("steppewatch_sip_requests_total", "Requests to devices over SIP, by what became of them."),
            &["result"],
        )?;
        registry.register(Box::new(devices.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        let metrics = Self { devices, requests };
        metrics.devices(0, 0); // shown as 0 from the start
        for result in [Asked::Ok, Asked::Refused, Asked::Timeout] {
            metrics.requests.with_label_values(&[result.as_str()]);
        }
        Ok(metrics)
    }

    pub(super) fn devices(&self, online: usize, lost: usize) {
        for (state, count) in [("online", online), ("lost", lost)] {
            self.devices.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn asked(&self, result: Asked) {
        self.requests.with_label_values(&[result.as_str()]).inc();
    }
}
