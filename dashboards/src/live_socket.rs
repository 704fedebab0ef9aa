//! `GET /api/v1/live`: one WebSocket per page for everything that changes.
//!
//! In:  the page's [`Feed`] and [`crate::live::Live`]; from the browser only credits.
//! Out: `hello`, then `event`s in the order of the log, `positions` once a second, `ping`s, and `resync` when too
//!      much was missed (from the socket's own queue, or since the last visit).
//!
//! Invariant: each socket is a task of its own that waits for its own browser only. Events wait in one bounded ring; a socket
//! that falls behind it starts over. Positions do not wait at all: the next batch holds the latest, and goes out only after
//! the browser credited the last one. A browser that takes nothing for [`SEND_MAX`] is cut off.

use crate::app::App;
use crate::auth::Signed;
use crate::extract::Params;
use crate::feed::{self, Feed, PING_EVERY, Permit, Since, Told};
use crate::frames;
use crate::openapi::{Forbidden, NotLoggedIn, Unavailable, UpgradeRequired};
use crate::problem::Problem;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Three pings without an answer: nobody is there.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// How long one message may take to leave. Longer, and the browser is gone or asleep; it comes back with `since`.
const SEND_MAX: Duration = Duration::from_secs(10);

/// What a browser says is a credit of a few bytes.
const INCOMING_MAX: usize = 4 * 1024;

/// What a browser says. Words we do not know are a newer page's and are passed over.
#[derive(Deserialize)]
struct Incoming {
    r#type: String,
}

/// Live data as a WebSocket: hello, event, positions, resync, ping; the client sends {"type":"credit"} after each positions.
#[utoipa::path(
    get, path = "/api/v1/live", tag = "live",
    params(Since),
    responses(
        (status = 101, description = "switching to WebSocket"), NotLoggedIn, Forbidden, UpgradeRequired, Unavailable,
    ),
)]
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    signed: Signed,
    headers: HeaderMap,
    Params(query): Params<Since>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    same_origin(&headers)?;
    let since = feed::since(query.since)?;
    let upgrade = upgrade.map_err(|_| {
        Problem::of_status(
            StatusCode::UPGRADE_REQUIRED,
            "this address speaks WebSocket only; connect with ws:// or wss://",
        )
    })?;
    app.view().await?;
    let permit = Permit::take(&app)?;
    let upgrade = upgrade.max_message_size(INCOMING_MAX).max_frame_size(INCOMING_MAX);
    Ok(upgrade.on_upgrade(async move |socket| {
        let _permit = permit;
        Conversation::new(app, signed, since, socket).run().await;
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

/// The browser is gone, or too slow, or may not look any more.
struct Over;

struct Conversation {
    app: Arc<App>,
    feed: Feed,
    socket: WebSocket,
    /// Moves up to here were told.
    told_step: u64,
    credit: bool,
    heard_at: Instant,
}

impl Conversation {
    fn new(app: Arc<App>, signed: Signed, since: Option<u64>, socket: WebSocket) -> Self {
        let feed = Feed::new(&app, signed, since);
        Self { app, feed, socket, told_step: 0, credit: true, heard_at: Instant::now() }
    }

    async fn run(mut self) {
        if self.talk().await.is_ok() {
            let code = if self.app.stop.is_cancelled() { close_code::AWAY } else { close_code::POLICY };
            let frame = CloseFrame { code, reason: "log in again".into() };
            // The last word; whether it arrives makes no difference.
            timeout(SEND_MAX, self.socket.send(Message::Close(Some(frame)))).await.ok();
        }
    }

    /// Until we end it (`Ok`) or the browser does.
    async fn talk(&mut self) -> Result<(), Over> {
        let app = Arc::clone(&self.app);
        // The greeting; positions come after it.
        match self.feed.next().await {
            Some(told) => self.tell(told).await?,
            None => return Ok(()),
        }
        let mut beat = app.parts.live.shown();
        beat.mark_changed();
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = app.stop.cancelled() => return Ok(()),
                told = self.feed.next() => match told {
                    Some(told) => self.tell(told).await?,
                    None => return Ok(()),
                },
                beaten = beat.changed() => match beaten {
                    Ok(()) => { let shown = *beat.borrow_and_update(); self.tell_positions(shown).await?; }
                    Err(_) => return Ok(()),
                },
                _ = ping.tick() => {
                    if !self.feed.is_allowed().await {
                        return Ok(());
                    }
                    self.ping().await?;
                }
                incoming = self.socket.recv() => match incoming {
                    Some(Ok(message)) => {
                        self.heard(&message)?;
                        // What did not fit into the last frame, or moved while it was on its way.
                        let shown = *beat.borrow();
                        self.tell_positions(shown).await?;
                    }
                    Some(Err(_)) | None => return Err(Over),
                },
            }
        }
    }

    async fn tell(&mut self, told: Told) -> Result<(), Over> {
        if told.is_resync {
            self.told_step = 0;
        }
        self.send(told.text).await
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

    async fn tell_positions(&mut self, shown: u64) -> Result<(), Over> {
        if !self.credit || shown == self.told_step {
            return Ok(());
        }
        let frame = self.app.shared_frames.positions(&self.app, &self.feed.who, self.told_step, shown);
        let Some(frame) = frame.get() else { return Ok(()) };
        self.told_step = frame.step;
        if let Some(text) = frame.message(self.feed.seq()) {
            self.credit = false;
            self.send_message(Message::Text(text)).await?;
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Over> {
        if self.heard_at.elapsed() > SILENT_MAX {
            return Err(Over);
        }
        // One for the page's own watch, one that the browser itself answers.
        self.send(frames::ping(self.feed.seq())).await?;
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
