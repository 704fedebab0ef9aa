//! Watched land for the API, which does not know who watches; and for the stage that watches, what it missed.
//!
//! In: questions of the API.   Out: answers of `alerts::coverage`.   Never: a copy of what either knows.

use alerts::coverage::{Missed, ReadError, Reader};
use dashboards::{Unwatched, WatchSpan, Watching};
use ingest::decode::decode;
use ingest::decode::stage::BATCH_ENTRIES;
use journal::Journal;
use model::{
    DutyState, Offset, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, Readings, RouteFlown, Timestamp, WatchedCell,
    ZoneId, ZoneWatch,
};
use std::sync::Arc;

/// Answers the API's questions.
pub struct Watched(pub Reader);

fn why(error: ReadError) -> Unwatched {
    match error {
        ReadError::NotYet => Unwatched::Later(error.to_string()),
        ReadError::Store(error) => Unwatched::Failed(error.to_string()),
    }
}

impl Watching for Watched {
    fn zones(&self, span: WatchSpan) -> Result<Vec<ZoneWatch>, Unwatched> {
        self.0.zones(span).map_err(why)
    }

    fn cells(&self, zone: &ZoneId, span: WatchSpan) -> Result<Option<Vec<WatchedCell>>, Unwatched> {
        self.0.cells(zone, span).map_err(why)
    }

    fn patrols(&self, filter: &PatrolFilter) -> Result<Vec<Patrol>, Unwatched> {
        self.0.patrols(filter).map_err(why)
    }

    fn patrol(&self, id: &str) -> Result<Option<PatrolDetail>, Unwatched> {
        self.0.patrol(id).map_err(why)
    }

    fn route_flown(&self, route: &PatrolRoute, from: Timestamp, to: Timestamp) -> Result<RouteFlown, Unwatched> {
        self.0.route_flown(route, from, to).map_err(why)
    }

    fn duties(&self) -> Result<Vec<DutyState>, Unwatched> {
        self.0.duties().map_err(why)
    }
}

/// Reads a run again that was handed out while there was no room for it.
pub fn missed(journal: Arc<dyn Journal>) -> Missed {
    Box::new(move |after| {
        let entries = journal.read(after, BATCH_ENTRIES);
        Box::pin(async move {
            let entries = entries.await?;
            let up_to = entries.last().map_or(after, |entry| entry.offset);
            let readings = entries.iter().filter_map(|entry| decode(entry).ok()).collect();
            Ok(Readings { readings, up_to: Offset(up_to.0) })
        })
    })
}
