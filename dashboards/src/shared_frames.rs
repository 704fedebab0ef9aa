//! Frames of positions that several pages get: written once for all who may see the same.
//!
//! In: from which step on, and who looks.   Out: the frame, from memory if somebody else's page was told the same a moment ago.
//!
//! Twenty pages before ten thousand movers would otherwise each have the same megabyte written for them every second.

use crate::app::App;
use crate::auth::Who;
use crate::frames;
use axum::extract::ws::Utf8Bytes;
use model::TownshipCode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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

/// What positions a page is told, and the step to go on from.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// Ask again from here.
    pub step: u64,
    /// Without its beginning; `None`: nothing of this is the user's business.
    rest: Option<String>,
    /// Whole, as it was last asked for: pages that are told the same mostly stand at the same record too.
    whole: Mutex<Option<(u64, Utf8Bytes)>>,
}

impl Frame {
    /// The message for a page that was told the log up to `seq`; `None` if there is nothing to tell.
    pub fn message(&self, seq: u64) -> Option<Utf8Bytes> {
        let rest = self.rest.as_ref()?;
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, text)) = &*whole
            && *of == seq
        {
            return Some(text.clone());
        }
        let text = Utf8Bytes::from(frames::with_seq(seq, rest));
        *whole = Some((seq, text.clone()));
        Some(text)
    }
}

/// The frames of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct SharedFrames {
    kept: Mutex<VecDeque<(Key, Arc<OnceLock<Frame>>)>>,
}

impl SharedFrames {
    /// What of the moves after `from` and until `shown` is this user's business.
    pub fn positions(&self, app: &App, who: &Who, from: u64, shown: u64) -> Arc<OnceLock<Frame>> {
        let key = Key { townships: who.user.townships.clone(), from, shown, registry: app.registry_view().version };
        let frame = self.place_of(key);
        // All pages are woken at once: the first one writes it, which takes some milliseconds, and the others wait for that.
        frame.get_or_init(|| {
            let moved = app.parts.live.moved_between(from, shown);
            Frame { step: moved.step, rest: frames::positions(app, who, &moved), whole: Mutex::default() }
        });
        frame
    }

    fn place_of(&self, key: Key) -> Arc<OnceLock<Frame>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frame)) = kept.iter().find(|(known, _)| *known == key) {
            return Arc::clone(frame);
        }
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        let frame = Arc::default();
        kept.push_back((key, Arc::clone(&frame)));
        frame
    }
}
