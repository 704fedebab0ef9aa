//! Frames of positions that several pages get: written once for all who may see the same.
//!
//! In: from which step on, and who looks.   Out: the frame, from memory if somebody else's page was told the same a moment ago.
//!
//! Twenty pages before ten thousand movers would otherwise each have the same megabyte written for them every second.

use crate::app::App;
use crate::auth::Who;
use crate::frames;
use model::TownshipCode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Frames remembered: of the last seconds, for as many kinds of viewers as a banner has townships.
const KEPT: usize = 64;

/// What makes two pages' frames the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    townships: Vec<TownshipCode>,
    from: u64,
    /// Up to where all are told.
    shown: u64,
    /// The registry says what may be seen.
    registry: u64,
}

/// A frame without its beginning, and the step to go on from.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Ask again from here.
    pub step: u64,
    /// `None`: nothing of this is the user's business.
    pub rest: Option<Arc<str>>,
}

/// The frames of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct SharedFrames {
    kept: Mutex<VecDeque<(Key, Frame)>>,
}

impl SharedFrames {
    /// What of the moves after `from` is this user's business.
    pub fn positions(&self, app: &App, who: &Who, from: u64) -> Frame {
        let now = Instant::now();
        let (registry, shown) = (app.registry_view().version, app.parts.live.shown(now));
        if shown == from {
            return Frame { step: from, rest: None };
        }
        let key = Key { townships: who.user.townships.clone(), from, shown, registry };
        let known = self.lock().iter().find(|(known, _)| *known == key).map(|(_, frame)| frame.clone());
        if let Some(frame) = known {
            return frame;
        }
        // Two pages that ask at the same instant write it twice: better than one waiting for the other.
        let moved = app.parts.live.moved_since(from, now);
        let frame = Frame { step: moved.step, rest: frames::positions(app, who, &moved).map(Arc::from) };
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((key, frame.clone()));
        frame
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Key, Frame)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
