//! `GET /api/v1/live`: one WebSocket per page for everything that changes.
//!
//! In:  the alert log's tail, the registry's changes and [`crate::live::Live`]; from the browser only credits.
//! Out: `hello`, then `event`s in the order of the log, `positions` at most once a second, `ping`s, and `resync` when too
//!      much was missed (from the socket's own queue, or since the last visit).
//!
//! Invariant: each socket is a task of its own that waits for its own browser only. Events wait in one bounded ring; a socket
//! that falls behind it starts over. Positions do not wait at all: the next batch holds the latest, and goes out only after
//! the browser credited the last one. A browser that takes nothing for [`SEND_MAX`] is cut off.

use crate::app::App;
use crate::auth::{Credential, Signed, Who};
use crate::extract::Params;
use crate::frames;
use crate::problem::Problem;
use crate::view::RECORDS_PER_READ;
use crate::zones::same;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use journal::alert_log::Record;
use prometheus::IntGauge;
use registry::View as RegistryView;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Positions go out at most this often.
const POSITIONS_EVERY: Duration = Duration::from_secs(1);

/// So that the page's own watch over the connection (25 s and the like) never rings in quiet hours.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Three pings without an answer: nobody is there.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// How long one message may take to leave. Longer, and the browser is gone or asleep; it comes back with `since`.
const SEND_MAX: Duration = Duration::from_secs(10);

/// Records told again to a page that comes back; more is slower than loading everything.
const REPLAY_MAX: u64 = 10_000;

/// What a browser says is a credit of a few bytes.
const INCOMING_MAX: usize = 4 * 1024;

/// What `GET /live` takes.
#[derive(Deserialize)]
pub(crate) struct Since {
    since: Option<String>,
}

/// What a browser says. Words we do not know are a newer page's and are passed over.
#[derive(Deserialize)]
struct Incoming {
    r#type: String,
}

/// `GET /live`
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    signed: Signed,
    headers: HeaderMap,
    Params(query): Params<Since>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    same_origin(&headers)?;
    let since = query.since.filter(|text| !text.is_empty()).map(|text| {
        text.parse::<u64>().map_err(|_| {
            Problem::bad_request(format!("since `{text}` is no sequence number; leave it out or use the last `seq`"))
        })
    });
    let since = since.transpose()?;
    let upgrade = upgrade.map_err(|_| {
        Problem::of_status(
            StatusCode::UPGRADE_REQUIRED,
            "this address speaks WebSocket only; connect with ws:// or wss://",
        )
    })?;
    app.view().await?;
    let permit = Arc::clone(&app.sockets)
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("too many live pages are open; close one, or try again later"))?;
    let upgrade = upgrade.max_message_size(INCOMING_MAX).max_frame_size(INCOMING_MAX);
    Ok(upgrade.on_upgrade(async move |socket| {
        let _permit = permit;
        let _counted = Counted::new(&app.metrics.sockets);
        Conversation::new(app, signed, socket).run(since).await;
    }))
}

/// Another site's page could open a socket with our cookie; browsers say in `Origin` whose page it is. Programs send none.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if authority.is_some() && authority == host {
        return Ok(());
    }
    Err(Problem::forbidden(
        "header Origin is not this server's address; open the console from the address it is served at",
    ))
}

struct Counted(IntGauge);

impl Counted {
    fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The browser is gone, or too slow, or may not look any more.
struct Over;

struct Conversation {
    app: Arc<App>,
    who: Who,
    credential: Credential,
    socket: WebSocket,
    /// Records up to here were told, or are in what the page loads by itself.
    told_seq: u64,
    /// Moves up to here were told.
    told_step: u64,
    registry: Arc<RegistryView>,
    credit: bool,
    heard_at: Instant,
}

impl Conversation {
    fn new(app: Arc<App>, signed: Signed, socket: WebSocket) -> Self {
        let registry = app.registry_view();
        let Signed { who, credential, .. } = signed;
        Self {
            app,
            who,
            credential,
            socket,
            told_seq: 0,
            told_step: 0,
            registry,
            credit: true,
            heard_at: Instant::now(),
        }
    }

    async fn run(mut self, since: Option<u64>) {
        if self.talk(since).await.is_ok() {
            let code = if self.app.stop.is_cancelled() { close_code::AWAY } else { close_code::POLICY };
            let frame = CloseFrame { code, reason: "log in again".into() };
            // The last word; whether it arrives makes no difference.
            timeout(SEND_MAX, self.socket.send(Message::Close(Some(frame)))).await.ok();
        }
    }

    /// Until we end it (`Ok`) or the browser does.
    async fn talk(&mut self, since: Option<u64>) -> Result<(), Over> {
        let app = Arc::clone(&self.app);
        // Listen first, then look where the log stands: nothing falls between, and what comes twice is told once.
        let mut records = app.view.records();
        let mut registry = app.parts.registry.view();
        self.told_seq = *app.view.seq().borrow();
        self.send(frames::hello(&app, self.told_seq)).await?;
        if let Some(since) = since {
            self.catch_up(since).await?;
        }
        let mut positions = interval(POSITIONS_EVERY);
        positions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = app.stop.cancelled() => return Ok(()),
                record = records.recv() => match record {
                    Ok(record) => self.tell(&record).await?,
                    Err(RecvError::Lagged(_)) => self.start_over().await?,
                    Err(RecvError::Closed) => return Ok(()),
                },
                changed = registry.changed() => match changed {
                    Ok(()) => { let view = Arc::clone(&registry.borrow_and_update()); self.registry_changed(view).await?; }
                    Err(_) => return Ok(()),
                },
                _ = positions.tick() => self.tell_positions().await?,
                _ = ping.tick() => {
                    // Whose token it is may see less by now.
                    match self.credential.who(&app).await {
                        Ok(Some((who, _))) => self.who = who,
                        Ok(None) | Err(_) => return Ok(()),
                    }
                    self.ping().await?;
                }
                incoming = self.socket.recv() => match incoming {
                    Some(Ok(message)) => self.heard(&message)?,
                    Some(Err(_)) | None => return Err(Over),
                },
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Over> {
        self.send_message(Message::text(text)).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Over> {
        match timeout(SEND_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over),
        }
    }

    /// Tells again what the page missed, from the log itself.
    async fn catch_up(&mut self, since: u64) -> Result<(), Over> {
        let end = self.told_seq;
        if since > end || end - since > REPLAY_MAX {
            return self.start_over().await;
        }
        let mut after = since;
        while after < end {
            let log = self.app.parts.alert_log.clone();
            let read = tokio::task::spawn_blocking(move || log.read(after, RECORDS_PER_READ)).await;
            let Ok(Ok(records)) = read else {
                tracing::warn!(after, "alert log cannot be read for a page that came back; it starts over");
                return self.start_over().await;
            };
            let Some(last) = records.last().map(|record| record.seq) else { return Ok(()) };
            for record in records.iter().take_while(|record| record.seq <= end) {
                if let Some(text) = frames::record(&self.app, &self.who, record) {
                    self.send(text).await?;
                }
            }
            after = last;
        }
        Ok(())
    }

    async fn tell(&mut self, record: &Record) -> Result<(), Over> {
        if record.seq <= self.told_seq {
            return Ok(());
        }
        self.told_seq = record.seq;
        match frames::record(&self.app, &self.who, record) {
            Some(text) => self.send(text).await,
            None => Ok(()),
        }
    }

    async fn start_over(&mut self) -> Result<(), Over> {
        self.app.metrics.resyncs.inc();
        self.told_seq = *self.app.view.seq().borrow();
        self.told_step = 0;
        self.send(frames::resync(self.told_seq)).await
    }

    async fn registry_changed(&mut self, view: Arc<RegistryView>) -> Result<(), Over> {
        let before = std::mem::replace(&mut self.registry, Arc::clone(&view));
        if !same(&before.zones, &view.zones) || before.calendar != view.calendar {
            self.send(frames::registry_changed(self.told_seq, "zones")).await?;
        }
        if before.devices != view.devices {
            self.send(frames::registry_changed(self.told_seq, "devices")).await?;
        }
        Ok(())
    }

    async fn tell_positions(&mut self) -> Result<(), Over> {
        if !self.credit {
            return Ok(());
        }
        let frame = self.app.shared_frames.positions(&self.app, &self.who, self.told_step);
        self.told_step = frame.step;
        if let Some(rest) = frame.rest {
            self.credit = false;
            self.send(frames::with_seq(self.told_seq, &rest)).await?;
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Over> {
        if self.heard_at.elapsed() > SILENT_MAX {
            return Err(Over);
        }
        // One for the page's own watch, one that the browser itself answers.
        self.send(frames::ping(self.told_seq)).await?;
        self.send_message(Message::Ping(Bytes::new())).await
    }

    fn heard(&mut self, message: &Message) -> Result<(), Over> {
        self.heard_at = Instant::now();
        match message {
            Message::Text(text) => match serde_json::from_str::<Incoming>(text.as_str()) {
                Ok(incoming) => {
                    self.credit |= incoming.r#type == "credit";
                    Ok(())
                }
                Err(_) => Err(Over),
            },
            Message::Close(_) | Message::Binary(_) => Err(Over),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origin: Option<&str>, host: &str, allowed: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        assert_eq!(same_origin(&headers).is_ok(), allowed, "{origin:?}");
    }

    #[test]
    fn only_our_own_pages_and_programs_may_open_a_socket() {
        check(Some("http://127.0.0.1:8080"), "127.0.0.1:8080", true);
        check(None, "127.0.0.1:8080", true);
        check(Some("http://evil.example"), "127.0.0.1:8080", false);
        check(Some("http://127.0.0.1:8081"), "127.0.0.1:8080", false);
        check(Some("null"), "127.0.0.1:8080", false);
    }
}
