//! `GET /api/v1/stream`: what changes, as server-sent events, for tools that only listen.
//!
//! In:  where a tool stopped listening (`since`, or the header `Last-Event-ID` that its library sends by itself).
//! Out: the messages of the live socket but positions, each with the number to go on from as its `id`; a comment where nothing happens.
//!
//! Never: waits for a slow tool. Messages are written as it takes them; one that falls too far behind is told to start over, and one that
//! takes nothing is cut off by the listener.

use crate::app::App;
use crate::auth::Signed;
use crate::extract::Params;
use crate::feed::{self, Feed, PING_EVERY, Permit, Since, Told};
use crate::openapi::{BadRequest, NotLoggedIn, Unavailable};
use crate::problem::Problem;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// What browsers and libraries send by themselves when they come back.
const LAST_EVENT_ID: &str = "last-event-id";

/// What changes, as server-sent events: the messages of the live socket but positions; `id` is where to go on from.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "live",
    params(Since),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "a stream without an end"),
        BadRequest, NotLoggedIn, Unavailable,
    ),
)]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    signed: Signed,
    headers: HeaderMap,
    Params(query): Params<Since>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let since = feed::since(last.or(query.since))?;
    app.view().await?;
    let permit = Permit::take(&app)?;
    let mut ping = interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listening = Listening { feed: Feed::new(&app, signed, since), app, ping, _permit: permit };
    let events = futures_util::stream::unfold(listening, |mut listening| async move {
        let event = listening.next().await?;
        Some((Ok(event), listening))
    });
    Ok(Sse::new(events))
}

struct Listening {
    app: Arc<App>,
    feed: Feed,
    ping: Interval,
    _permit: Permit,
}

impl Listening {
    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            () = self.app.stop.cancelled() => None,
            told = self.feed.next() => told.map(|told| event(&told)),
            _ = self.ping.tick() => self.feed.is_allowed().await.then(|| Event::default().comment("nothing new")),
        }
    }
}

fn event(told: &Told) -> Event {
    Event::default().id(told.seq.to_string()).data(&told.text)
}
