//! ISAPI: what Hikvision cameras say of themselves and of what they see.
//!
//! In:  an `EventNotificationAlert`, XML or JSON, and beside it ([`Beside`]) which of the things that it names is meant, the picture
//! that came with it, and how the device feels by all that it has said.   Out: an intrusion is a [`model::Sighting`], smoke or heat a
//! [`model::Fire`], trouble with the camera itself a heartbeat with a fault; all else that is understood is a sign of life.
//!
//! A video loss that is not active, every few seconds, is the camera's heartbeat; its time is not looked at, so that a camera with a
//! wrong clock is not taken for a dead one. Of other times without a zone Beijing's is meant.

pub(crate) mod alert;

use super::fields::{required, short};
use super::seen::{self, Beside};
use super::{Statement, beijing, formats};
use alert::{Alert, Target};
use model::{Body, Channel, DeviceTime, Fire, FireSign, Frame, HeartbeatStatus, Place, Reject, Species};
use std::sync::Arc;

/// How an event comes into the journal.
pub(crate) fn channel(beside: &Beside) -> Channel {
    Channel::Foreign { format: Arc::from(formats::ISAPI), detail: beside.write().into() }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// That the camera lives.
    Life,
    /// The camera itself: how it feels while it goes on.
    Health(HeartbeatStatus),
    /// Something is where it may not be.
    Intruder,
    /// The same, but only if it says what it is: motion, or a model that somebody trained for something.
    Perhaps,
    /// Smoke or heat.
    Fire(FireSign),
    /// Understood, and none of the platform's business.
    Aside,
    /// Nobody has taught us.
    Unknown,
}

/// What a kind of event (in lower case) is about.
pub(crate) fn about(kind: &str) -> About {
    match kind {
        "fielddetection"
        | "linedetection"
        | "regionentrance"
        | "regionexiting"
        | "loitering"
        | "group"
        | "rapidmove"
        | "mixedtargetdetection" => About::Intruder,
        // The lens is covered or turned, or there is no picture.
        "videoloss" | "shelteralarm" | "tamperdetection" | "scenechangedetection" => {
            About::Health(HeartbeatStatus::Fault)
        }
        "diskfull" | "diskerror" | "hdfull" | "hderror" | "diskrecover" | "raidfault" | "recordingfailure"
        | "recordexception" | "defocus" | "defocusdetection" | "badvideo" | "videomismatch" | "nicbroken"
        | "ipconflict" => About::Health(HeartbeatStatus::Degraded),
        "smokedetection" => About::Fire(FireSign::Smoke),
        // A thermal camera's: flames, a hot spot, or what it measures is above its threshold.
        "firedetection" | "smokeandfiredetection" | "thermometry" | "tma" | "tmpa" => About::Fire(FireSign::Heat),
        "vmd" | "pir" => About::Perhaps,
        "heartbeat" | "duration" => About::Life,
        "illaccess" | "io" | "facedetection" | "facesnap" | "audioexception" | "unattendedbaggage"
        | "attendedbaggage" => About::Aside,
        kind if kind.starts_with("aiop") || kind.contains("animal") => About::Perhaps,
        _ => About::Unknown,
    }
}

/// One event.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let beside = Beside::read(formats::detail(frame));
    let alert = Alert::read(&frame.payload)?;
    let kind = required("eventType", alert.kind())?;
    let alive = || Ok(Statement::untimed(seen::feels(beside.status)));
    match about(&kind) {
        About::Unknown => Err(Reject::UnknownMessage(short(&format!("isapi {kind}")))),
        About::Aside => Err(Reject::Unused(short(&format!("isapi {kind}")))),
        About::Life => alive(),
        _ if !alert.is_active() => alive(),
        About::Health(status) => timed(&alert, seen::feels(Some(beside.status.unwrap_or(status)))),
        About::Fire(sign) => {
            let seen = target(&alert, &beside);
            let body = Body::Fire(Fire {
                sign,
                confidence: seen.confidence.unwrap_or(seen::ALARM_CONFIDENCE),
                place: seen.area.map(Place::Picture),
                snapshot_id: beside.snapshot,
            });
            timed(&alert, body)
        }
        About::Intruder => intruder(&alert, &beside, target(&alert, &beside).species.unwrap_or(Species::Unknown)),
        About::Perhaps => {
            let named = target(&alert, &beside).species.or_else(|| alert.words().find_map(seen::species_in));
            match named {
                Some(species) => intruder(&alert, &beside, species),
                None if kind.starts_with("aiop") => {
                    let words: Vec<&str> = alert.words().collect();
                    Err(Reject::UnknownMessage(short(&format!("isapi {kind} {}", words.join(" ")))))
                }
                None => alive(),
            }
        }
    }
}

fn target(alert: &Alert, beside: &Beside) -> Target {
    alert.targets().get(beside.index).copied().unwrap_or_default()
}

fn intruder(alert: &Alert, beside: &Beside, species: Species) -> Result<Statement, Reject> {
    let target = target(alert, beside);
    timed(alert, seen::sighting(species, target.confidence, target.area, beside.snapshot.clone()))
}

fn timed(alert: &Alert, body: Body) -> Result<Statement, Reject> {
    let time = |text: &str| beijing::dashed(text).map(DeviceTime).ok_or_else(|| Reject::BadTime(short(text)));
    Ok(Statement { device_time: alert.time().map(time).transpose()?, seq: None, body })
}
