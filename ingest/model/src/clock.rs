use crate::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where wall time comes in. Everything else is handed a [`Timestamp`], so that a test or a replay decides what "now" is.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`Clock::set`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.as_millis()))))
    }

    /// Moves a manual clock, in all its clones; the machine's clock is not ours to move and stays.
    pub fn set(&self, to: Timestamp) {
        if let Some(hand) = &self.0 {
            hand.store(to.as_millis(), Ordering::SeqCst);
        }
    }

    /// The instant it shows.
    #[expect(clippy::disallowed_methods, reason = "this is the one door")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(hand) => Timestamp::from_millis(hand.load(Ordering::SeqCst)),
            None => {
                let since_epoch =
                    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
            }
        }
    }
}
