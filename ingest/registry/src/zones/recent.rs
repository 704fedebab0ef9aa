//! The land of the last weeks, where it differs from that of now: what comes late is judged by the land of its own time.
//!
//! In: every version.   Out: [`RecentLand`].   Never: more land than the zones in force may have; the oldest is left out first.

use super::{spans, timeline, version};
use crate::{MAX_VERTICES, RegistryError, geometry};
use model::{LapsedZone, RecentLand, Timestamp, ZoneId};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;

/// How far back: a gorge or a dead link holds a collar's fixes for days, a broken modem for weeks.
const REACH: Duration = Duration::from_secs(30 * 86_400);

/// What held within the last weeks and holds no more, and since when what holds does. Land that `known` has is taken from there.
pub(crate) fn recent(connection: &Connection, now: Timestamp, known: &RecentLand) -> Result<RecentLand, RegistryError> {
    let since = now.minus(REACH);
    let mut changed = connection.prepare(
        "SELECT DISTINCT id FROM zone WHERE (in_force_from_ms > ?1 AND in_force_from_ms <= ?2)
         OR (in_force_to_ms > ?1 AND in_force_to_ms <= ?2) ORDER BY id",
    )?;
    let ids = changed.query_map([since.as_millis(), now.as_millis()], |row| row.get::<_, String>(0))?;
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let mut found = RecentLand::default();
    let mut lapsed: Vec<(ZoneId, u32, Timestamp, Timestamp)> = Vec::new();
    for id in ids {
        let id = ZoneId::parse(&id).map_err(|_| RegistryError::corrupt("zone", id.as_str()))?;
        let spans = spans(connection, &id)?;
        for span in spans.iter().filter(|span| !span.repealed) {
            for piece in timeline::decided(&spans, span.version).0 {
                match piece.to {
                    _ if piece.from > now => {}
                    Some(to) if to <= since => {}
                    Some(to) if to <= now => lapsed.push((id.clone(), span.version, piece.from, to)),
                    // Nobody said since when the first version holds: it was made known then, and is taken to have held.
                    _ if span.version == 1 && span.in_force.from == span.known_from => {}
                    _ if piece.from > since => {
                        found.began.insert(id.clone(), piece.from);
                    }
                    _ => {}
                }
            }
        }
    }
    lapsed.sort_by_key(|(_, _, _, to)| std::cmp::Reverse(*to));
    let mut vertices = 0;
    for (id, number, from, to) in lapsed {
        let held = known.lapsed.iter().find(|held| held.zone.id == id && held.zone.version == number);
        let zone = match held {
            Some(held) => Arc::clone(&held.zone),
            None => Arc::new(version(connection, &id, number)?),
        };
        vertices += geometry::vertices(&zone.polygons);
        if vertices > MAX_VERTICES {
            tracing::warn!(
                kept = found.lapsed.len(),
                "zones changed so much lately that late data is judged by the land of now"
            );
            break;
        }
        found.lapsed.push(LapsedZone { zone, from, to });
    }
    Ok(found)
}
