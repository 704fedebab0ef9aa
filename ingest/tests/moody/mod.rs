//! A journal that a test can hold up: what devices come in by is tested against a full, a slow and a broken one.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use journal::sqlite::SqliteJournal;
use journal::{AppendError, Durable, Journal, JournalError};
use model::{Entry, Frame, Offset};
use std::sync::Arc;
use tokio::sync::watch;

/// What the journal does with an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Willing,
    Holding,
    Full,
    Broken,
}

/// The real journal behind a door of our own.
pub struct MoodyJournal {
    pub inner: Arc<SqliteJournal>,
    pub mood: watch::Receiver<Mood>,
    /// Appends that it was asked for so far.
    pub asked: watch::Sender<u64>,
}

impl Journal for MoodyJournal {
    fn append_all(&self, frames: Vec<Frame>) -> BoxFuture<'static, Result<Durable, AppendError>> {
        let (inner, mut mood) = (Arc::clone(&self.inner), self.mood.clone());
        self.asked.send_modify(|asked| *asked += 1);
        async move {
            let now = *mood.wait_for(|mood| *mood != Mood::Holding).await.unwrap();
            match now {
                Mood::Full => Err(AppendError::Full { limit_bytes: 1 }),
                Mood::Broken => Err(AppendError::Broken("the disk is gone".into())),
                Mood::Willing | Mood::Holding => inner.append_all(frames).await,
            }
        }
        .boxed()
    }

    fn read(&self, after: Offset, limit: usize) -> BoxFuture<'static, Result<Vec<Entry>, JournalError>> {
        self.inner.read(after, limit)
    }

    fn head(&self) -> watch::Receiver<Offset> {
        self.inner.head()
    }

    fn cursor(&self, consumer: &'static str) -> BoxFuture<'static, Result<Offset, JournalError>> {
        self.inner.cursor(consumer)
    }

    fn set_cursor(&self, consumer: &'static str, offset: Offset) -> BoxFuture<'static, Result<(), JournalError>> {
        self.inner.set_cursor(consumer, offset)
    }
}
