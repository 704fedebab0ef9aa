//! What every listener for devices that speak their maker's language works with: who it is, onto the disk, and what is refused.
//!
//! In:  identities and frames from `sip`, `hj212`, `gt06` and the cameras that are asked.   Out: devices of the registry, entries of the journal, counters.
//!
//! Never: an answer that comes before the disk ([`Door::begin`] resolves when the frames are there); a look into the registry's
//! file for everybody who makes up names; a flood of log lines from one address.

use crate::credentials::look_again;
use crate::metrics::Metrics;
use crate::record::Recorder;
use crate::seldom::Seldom;
use crate::throttle::Throttle;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use journal::{AppendError, Journal};
use model::{Clock, Device, Frame, Timestamp};
use registry::{Registry, View};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a frame may wait for a full journal; then its sender is not answered, and says it again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the listeners need from the rest of the house.
#[derive(Clone)]
pub struct DoorParts {
    /// Where frames go.
    pub journal: Arc<dyn Journal>,
    /// Who may speak.
    pub registry: Registry,
    /// Where time comes in.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Why {
    /// No device has that identity there.
    UnknownDevice,
    /// Or its password is another.
    BadCredentials,
    /// An operator shut it out, or nobody has let it in yet.
    Disabled,
    /// Its bytes are not the protocol's.
    Malformed,
    /// It says something before it has registered, or from elsewhere.
    NotRegistered,
    /// It speaks of a device that it may not speak for.
    Foreign,
    /// All places are taken.
    TooManyConnections,
    /// All places of its address are taken.
    TooManyFromAddress,
    /// Faster than an address may.
    TooFast,
    /// It did not say in time who it is.
    ConnectTimeout,
    /// Something that the protocol has no answer to.
    Protocol,
}

impl Why {
    /// The metric's label.
    fn label(self) -> &'static str {
        match self {
            Self::UnknownDevice => "unknown_device",
            Self::BadCredentials => "bad_credentials",
            Self::Disabled => "disabled",
            Self::Malformed => "malformed",
            Self::NotRegistered => "not_registered",
            Self::Foreign => "foreign_topic",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyFromAddress => "too_many_from_address",
            Self::TooFast => "too_fast",
            Self::ConnectTimeout => "connect_timeout",
            Self::Protocol => "protocol",
        }
    }
}

/// The frames are not on disk; the sender is not answered and says it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotRecorded;

/// See the module. Clones share everything.
#[derive(Clone)]
pub(super) struct Door(Arc<Inner>);

struct Inner {
    protocol: &'static str,
    recorder: Recorder,
    registry: Registry,
    clock: Clock,
    metrics: Metrics,
    throttle: Throttle,
    said: Mutex<Seldom<(IpAddr, Why)>>,
    failed: watch::Sender<Option<AppendError>>,
}

impl Door {
    /// A door for one protocol, whose name stands in log lines.
    pub(super) fn new(protocol: &'static str, parts: DoorParts) -> Self {
        Self(Arc::new(Inner {
            protocol,
            recorder: Recorder::new(parts.journal, parts.metrics.clone()),
            registry: parts.registry,
            clock: parts.clock,
            metrics: parts.metrics,
            throttle: Throttle::default(),
            said: Mutex::default(),
            failed: watch::Sender::new(None),
        }))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.0.registry.view().borrow())
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The device that is called so, disabled or not. Looks once into the registry's file for one that an operator has
    /// registered this very second, unless its address was wrong too often.
    pub(super) fn known_as(&self, system: &str, id: &str, from: IpAddr) -> Option<Device> {
        if let Some(device) = self.view().by_external(system, id) {
            return Some(device.clone());
        }
        self.0.throttle.may_try(from, self.now()).ok()?;
        let found = if look_again(&self.0.registry) { self.view().by_external(system, id).cloned() } else { None };
        if found.is_none() {
            self.was_wrong(from);
        }
        found
    }

    /// Remembers that this address was wrong.
    pub(super) fn was_wrong(&self, from: IpAddr) {
        self.0.throttle.was_wrong(from, self.now());
    }

    /// Hands frames to the journal at once, in the order of the calls; resolves when they are on disk.
    pub(super) fn begin(&self, frames: Vec<Frame>) -> BoxFuture<'static, Result<(), NotRecorded>> {
        let recording = self.0.recorder.begin(frames, ());
        let door = self.clone();
        async move {
            match tokio::time::timeout(PATIENCE, recording).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => {
                    door.0.failed.send_replace(Some(error));
                    Err(NotRecorded)
                }
                Err(_elapsed) => Err(NotRecorded),
            }
        }
        .boxed()
    }

    /// Resolves when the journal takes nothing any more: the process has to stop.
    pub(super) async fn failure(&self) -> AppendError {
        let mut failed = self.0.failed.subscribe();
        match failed.wait_for(Option::is_some).await {
            Ok(error) => error.clone().unwrap_or(AppendError::Closed),
            Err(_) => AppendError::Closed,
        }
    }

    /// Counts a refusal and says it in the log, once in a while for each address. `who` is cut, and is never a secret.
    pub(super) fn refuse(&self, why: Why, peer: SocketAddr, who: &str) {
        let inner = &self.0;
        inner.metrics.refusals.with_label_values(&[why.label()]).inc();
        let mut said = inner.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unsaid) = said.may_speak((peer.ip(), why), Instant::now()) {
            let who: String = who.chars().filter(|c| !c.is_control()).take(64).collect();
            tracing::warn!(%peer, protocol = inner.protocol, device = who, reason = why.label(), unsaid, "refused");
        }
    }
}
