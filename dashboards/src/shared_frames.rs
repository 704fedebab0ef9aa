//! Frames of positions that several pages get: written once for all who may see the same.
//!
//! In: what moved between two steps, and who looks.   Out: the frame, from memory if somebody else's page was told the same a moment ago.
//!
//! Twenty pages before ten thousand movers would otherwise each have the same megabyte written for them every second.

use crate::app::App;
use crate::auth::Who;
use crate::frames;
use crate::live::Moved;
use model::TownshipCode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Frames remembered: of the last seconds, for as many kinds of viewers as a banner has townships.
const KEPT: usize = 64;

/// What makes two pages' frames the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    townships: Vec<TownshipCode>,
    from: u64,
    to: u64,
    /// The registry says what may be seen.
    registry: u64,
}

/// The frames of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct SharedFrames {
    kept: Mutex<VecDeque<(Key, Option<Arc<str>>)>>,
}

impl SharedFrames {
    /// What of the moves after `from` is this user's business, without the frame's beginning; `None`: nothing.
    pub fn positions(&self, app: &App, who: &Who, from: u64, moved: &Moved) -> Option<Arc<str>> {
        let registry = app.registry_view().version;
        let key = Key { townships: who.user.townships.clone(), from, to: moved.step, registry };
        let known = self.lock().iter().find(|(known, _)| *known == key).map(|(_, frame)| frame.clone());
        if let Some(frame) = known {
            return frame;
        }
        // Two pages that ask at the same instant write it twice: better than one waiting for the other.
        let frame: Option<Arc<str>> = frames::positions(app, who, moved).map(Arc::from);
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((key, frame.clone()));
        frame
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(Key, Option<Arc<str>>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
