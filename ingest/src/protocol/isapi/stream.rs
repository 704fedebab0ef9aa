//! Cameras that are asked: their stream of events, which never ends.
//!
//! In:  cameras of the configuration.   Out: frames in the journal, as for cameras that post.
//!
//! An event waits a moment for its pictures, which come behind it. The heartbeat, which comes every few seconds, is written down twice
//! a minute, unless it says something new. A stream that says nothing for [`Patience::silence`] is begun anew: cameras forget
//! listeners without closing.
//!
//! Never: an alarm that waits for a slow picture longer than [`PICTURES_WITHIN`].

use super::events::{Event, PICTURE_BYTES_MAX, PICTURES_MAX, Piece, Said};
use super::multipart::{Broken, Parts};
use crate::decode::isapi::alert::Alert;
use crate::protocol::backoff::Backoff;
use crate::protocol::camera_link::{self, CameraConfig, Failure, Http, Link, LinkMetrics, keep};
use crate::protocol::door::DoorParts;
use bytes::Bytes;
use journal::AppendError;
use model::{Channel, Frame, Transport};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Where cameras have it.
const STREAM: &str = "/ISAPI/Event/notification/alertStream";
/// A heartbeat that says nothing new is written down so often.
const LIFE_EVERY: Duration = Duration::from_secs(30);
/// An event goes on without its pictures after so long.
const PICTURES_WITHIN: Duration = Duration::from_secs(5);

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For the stream to begin.
    call: Duration,
    /// For anything in it: some twenty heartbeats.
    silence: Duration,
    /// For more of an event, once nothing comes any more.
    picture: Duration,
    backoff: Backoff,
}

const PATIENCE: Patience = Patience {
    call: Duration::from_secs(15),
    silence: Duration::from_secs(60),
    picture: Duration::from_millis(500),
    backoff: Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(120) },
};

/// Listens to all of them until `stop`; an error means that the process cannot go on.
pub async fn run(
    cameras: Vec<CameraConfig>,
    parts: DoorParts,
    metrics: LinkMetrics,
    stop: CancellationToken,
) -> Result<(), AppendError> {
    run_patiently(cameras, parts, metrics, PATIENCE, stop).await
}

async fn run_patiently(
    cameras: Vec<CameraConfig>,
    parts: DoorParts,
    metrics: LinkMetrics,
    patience: Patience,
    stop: CancellationToken,
) -> Result<(), AppendError> {
    let listen = |link: Link| {
        let stop = stop.clone();
        async move {
            // A stream has no acknowledgements: what is underway at the end is lost whatever we do.
            let listening = keep(&link, patience.backoff, || async {
                match Listening::run(&link, patience).await {
                    Err(failure) => failure,
                    Ok(never) => match never {},
                }
            });
            stop.run_until_cancelled(listening).await;
        }
    };
    camera_link::each("isapi", cameras, parts, metrics, listen).await
}

/// One stream.
struct Listening<'a> {
    link: &'a Link,
    patience: Patience,
    parts: Parts,
    /// An event that may still get pictures, and since when.
    pending: Option<(Event, Instant)>,
    /// What the last heartbeat said, and when it was written down.
    life: Option<(Channel, Instant)>,
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self::Malformed(broken.to_string())
    }
}

impl<'a> Listening<'a> {
    async fn run(link: &'a Link, patience: Patience) -> Result<std::convert::Infallible, Failure> {
        link.may_speak()?;
        let mut response = begin(link, patience).await?;
        let content_type =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let parts = Parts::of(content_type, PICTURE_BYTES_MAX);
        let parts = parts.ok_or_else(|| Failure::Malformed("its stream of events is no multipart".to_owned()))?;
        link.is_up();
        let mut listening = Self { link, patience, parts, pending: None, life: None };
        let outcome = listening.listen(&mut response).await;
        listening.settle().await;
        outcome
    }

    async fn listen(&mut self, response: &mut Response) -> Result<std::convert::Infallible, Failure> {
        let mut heard = Instant::now();
        loop {
            let wait = if self.pending.is_some() { self.patience.picture } else { self.patience.silence };
            match timeout(wait, response.chunk()).await {
                Ok(chunk) => {
                    let chunk = chunk?.ok_or(Failure::Ended)?;
                    heard = Instant::now();
                    self.parts.push(&chunk);
                    while let Some(part) = self.parts.next()? {
                        self.link.may_speak()?;
                        self.take(Piece::of(part)).await;
                    }
                    if self.parts.is_over() {
                        return Err(Failure::Ended);
                    }
                }
                Err(_elapsed) => self.settle().await,
            }
            if self.pending.as_ref().is_some_and(|(_, since)| since.elapsed() >= PICTURES_WITHIN) {
                self.settle().await;
            }
            if heard.elapsed() >= self.patience.silence {
                return Err(Failure::Silent(self.patience.silence));
            }
        }
    }

    async fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Alert(alert) => {
                self.settle().await;
                let is_beat = is_heartbeat(&alert);
                let event = Event { alert, pictures: Vec::new() };
                if is_beat {
                    self.beat(&event).await;
                } else {
                    self.pending = Some((event, Instant::now()));
                }
            }
            Piece::Picture(picture) => {
                if let Some((event, _)) = &mut self.pending
                    && event.pictures.len() < PICTURES_MAX
                {
                    event.pictures.push(picture);
                }
            }
            Piece::Nothing => {}
        }
    }

    /// The event that waited goes on.
    async fn settle(&mut self) {
        if let Some((event, _)) = self.pending.take() {
            let frames = self.frames(&event);
            self.link.record(frames).await;
        }
    }

    async fn beat(&mut self, event: &Event) {
        let frames = self.frames(event);
        let Some(beat) = frames.first() else { return };
        let is_news = |(said, at): &(Channel, Instant)| *said != beat.channel || at.elapsed() >= LIFE_EVERY;
        if self.life.as_ref().is_none_or(is_news) {
            self.life = Some((beat.channel.clone(), Instant::now()));
            self.link.record(frames).await;
        }
    }

    fn frames(&self, event: &Event) -> Vec<Frame> {
        let view = self.link.door.view();
        let said = Said {
            speaker: &self.link.camera.device,
            view: &view,
            transport: Transport::Http,
            now: self.link.door.now(),
        };
        said.frames(event, &mut self.link.health())
    }
}

async fn begin(link: &Link, patience: Patience) -> Result<Response, Failure> {
    let http = Http::new(&link.camera)?;
    let mut url = link.camera.url.clone();
    url.set_path(STREAM);
    let asking = http.send("GET", &url, |client| client.get(url.clone()));
    let response = timeout(patience.call, asking).await.map_err(|_| Failure::Silent(patience.call))??;
    match response.status() {
        StatusCode::OK => Ok(response),
        StatusCode::FORBIDDEN => Err(Failure::Refused),
        other => Err(Failure::Malformed(format!("it answers {other} for its stream of events"))),
    }
}

/// A video loss that is none.
fn is_heartbeat(alert: &Bytes) -> bool {
    Alert::read(alert).is_ok_and(|alert| alert.kind().is_some_and(|kind| kind == "videoloss") && !alert.is_active())
}

#[cfg(test)]
mod tests;
