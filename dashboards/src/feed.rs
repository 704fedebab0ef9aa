//! What somebody is told of everything that changes: the alert log's tail and the registry's changes, as far as it is their business.
//!
//! In:  who looks, and the last record that they know.   Out: one message after the other, as JSON.   Next: [`crate::live_socket`] and
//! [`crate::stream`], which carry them.
//!
//! Invariant: nothing is left out and nothing told twice; who falls too far behind (in the ring of records, or since the last visit) is told
//! to start over instead.

use crate::app::App;
use crate::auth::{Credential, Signed, Who};
use crate::frames;
use crate::problem::Problem;
use crate::refusals::Code;
use crate::view::RECORDS_PER_READ;
use crate::zones::same;
use journal::alert_log::Record;
use prometheus::IntGauge;
use registry::View as RegistryView;
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use utoipa::IntoParams;

/// Records told again to somebody who comes back; more is slower than loading everything.
const REPLAY_MAX: u64 = 10_000;

/// So that the page's own watch over the connection (25 s and the like) never rings in quiet hours.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(10);

/// One message.
#[derive(Debug)]
pub(crate) struct Told {
    /// Up to which record the listener knows everything after it.
    pub seq: u64,
    /// The message.
    pub text: String,
    /// Whether it says that everything has to be loaded again.
    pub is_resync: bool,
}

/// What whoever listens may say.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// The last `seq` that is known; what was missed since is told again. Of the stream the header Last-Event-ID goes before it.
    #[param(value_type = Option<u64>)]
    pub since: Option<String>,
}

/// Reads `since` as written.
pub(crate) fn since(text: Option<String>) -> Result<Option<u64>, Problem> {
    let written = text.filter(|text| !text.is_empty());
    let read = written.map(|text| {
        text.parse().map_err(|_| {
            Problem::bad_request(format!("since `{text}` is no sequence number; leave it out or use the last `seq`"))
        })
    });
    read.transpose()
}

/// The right to be told of what changes for as long as it is held; there are so many, and no more.
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
    open: IntGauge,
}

impl Permit {
    /// Takes one.
    pub fn take(app: &App) -> Result<Self, Problem> {
        let permit = Arc::clone(&app.sockets).try_acquire_owned().map_err(|_| {
            Problem::unavailable("too many live pages are open; close one, or try again later")
                .because(Code::LiveFull, [])
        })?;
        let open = app.metrics.sockets.clone();
        open.inc();
        Ok(Self { _permit: permit, open })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// Somebody's feed.
pub(crate) struct Feed {
    app: Arc<App>,
    /// As of the last time that it was asked.
    pub who: Who,
    credential: Credential,
    records: Receiver<Arc<Record>>,
    registry_changes: watch::Receiver<Arc<RegistryView>>,
    registry: Arc<RegistryView>,
    /// Records up to here were told, or are in what the listener loads by itself.
    seq: u64,
    /// Records of the log that are still to be told again: after the first, up to the second.
    behind: Option<(u64, u64)>,
    waiting: VecDeque<Told>,
}

impl Feed {
    /// From `since` on, or from now; the greeting comes first.
    pub fn new(app: &Arc<App>, signed: Signed, since: Option<u64>) -> Self {
        // Listen first, then look where the log stands: nothing falls between, and what comes twice is told once.
        let records = app.view.records();
        let mut registry_changes = app.parts.registry.view();
        let registry = Arc::clone(&registry_changes.borrow_and_update());
        let seq = *app.view.seq().borrow();
        let Signed { who, credential, .. } = signed;
        // A tool that is cut off right after the greeting has not heard what came since.
        let known = since.filter(|since| *since < seq).unwrap_or(seq);
        let greeting = Told { seq: known, text: frames::hello(app, seq), is_resync: false };
        let mut feed = Self {
            app: Arc::clone(app),
            who,
            credential,
            records,
            registry_changes,
            registry,
            seq,
            behind: None,
            waiting: VecDeque::from([greeting]),
        };
        match since {
            Some(since) if since > seq || seq - since > REPLAY_MAX => feed.start_over(),
            Some(since) if since < seq => feed.behind = Some((since, seq)),
            _ => {}
        }
        feed
    }

    /// Up to which record everything was told.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The next message; `None` when there will be none. It may be dropped while it waits and asked again.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Some(told);
            }
            if let Some((after, end)) = self.behind {
                self.tell_again(after, end).await;
                continue;
            }
            tokio::select! {
                record = self.records.recv() => match record {
                    Ok(record) => self.tell(&record),
                    Err(RecvError::Lagged(_)) => self.start_over(),
                    Err(RecvError::Closed) => return None,
                },
                changed = self.registry_changes.changed() => match changed {
                    Ok(()) => self.registry_changed(),
                    Err(_) => return None,
                },
            }
        }
    }

    /// Whether they may still look: whose token it is may see less by now, and a session may have ended.
    pub async fn is_allowed(&mut self) -> bool {
        match self.credential.who(&self.app).await {
            Ok(Some((who, _))) => {
                self.who = who;
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// Reads on in the log itself.
    async fn tell_again(&mut self, after: u64, end: u64) {
        let log = self.app.parts.alert_log.clone();
        let read = tokio::task::spawn_blocking(move || log.read(after, RECORDS_PER_READ)).await;
        let Ok(Ok(records)) = read else {
            tracing::warn!(after, "alert log cannot be read for a page that came back; it starts over");
            return self.start_over();
        };
        let last = records.last().map(|record| record.seq).filter(|last| *last < end);
        self.behind = last.map(|last| (last, end));
        for record in records.iter().take_while(|record| record.seq <= end) {
            self.push(record);
        }
    }

    fn tell(&mut self, record: &Record) {
        if record.seq > self.seq {
            self.seq = record.seq;
            self.push(record);
        }
    }

    fn push(&mut self, record: &Record) {
        if let Some(text) = frames::record(&self.app, &self.who, record) {
            self.waiting.push_back(Told { seq: record.seq, text, is_resync: false });
        }
    }

    fn start_over(&mut self) {
        self.app.metrics.resyncs.inc();
        self.behind = None;
        self.seq = *self.app.view.seq().borrow();
        self.waiting.push_back(Told { seq: self.seq, text: frames::resync(self.seq), is_resync: true });
    }

    fn registry_changed(&mut self) {
        let view = Arc::clone(&self.registry_changes.borrow_and_update());
        let before = std::mem::replace(&mut self.registry, Arc::clone(&view));
        let mut tell = |what| {
            let text = frames::registry_changed(self.seq, what);
            self.waiting.push_back(Told { seq: self.seq, text, is_resync: false });
        };
        if !same(&before.zones, &view.zones) || before.calendar != view.calendar {
            tell("zones");
        }
        if before.devices != view.devices {
            tell("devices");
        }
    }
}
