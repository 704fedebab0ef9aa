//! Who is registered, from where, until when, and whether its keepalives come.
//!
//! In:  registrations and signs of life.   Out: leave to speak ([`Registrations::speaker`]), what became of whom
//! ([`Registrations::sweep`]), and the same after a restart ([`Registrations::save`]).
//!
//! A device may speak until its registration expires, and only from the address that it registered from; the port may change,
//! since mobile operators move it. It is lost when so many keepalives were missed, and found again by the next thing it says.
//! Over TCP the registration ends with the connection. Deadlines are kept over a restart, and counted from its end: we were
//! away, not the device.

use model::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Registrations at a time: far above a banner's cameras.
const REGISTERED_MAX: usize = 50_000;
/// Entries of one catalogue; the largest recorders have a few hundred channels.
const CATALOGUE_MAX: usize = 10_000;
/// How long the pages of a catalogue may take.
const CATALOGUE_PATIENCE: Duration = Duration::from_secs(60);
/// Subscriptions are made for an hour; they are renewed, and the catalogue asked for again, before that.
pub(super) const INTRODUCED_FOR: Duration = Duration::from_secs(50 * 60);

/// On which way a device is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    Udp,
    /// Number of its connection.
    Tcp(u64),
}

/// One registered device.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Registration {
    pub device: DeviceId,
    pub peer: SocketAddr,
    pub way: Way,
    pub expires_at: Timestamp,
    /// When it last said anything.
    pub heard_at: Timestamp,
    /// How often it promises to.
    pub interval: Duration,
    /// Missed too many keepalives.
    pub is_lost: bool,
    /// When it is to be asked for its catalogue, and subscribed to, next.
    pub introduce_at: Timestamp,
    /// Channels that it said are out of order.
    pub out_of_order: BTreeSet<String>,
    pub catalogue: Option<Catalogue>,
}

/// A catalogue whose pages are coming.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Catalogue {
    pub number: u64,
    pub asked_at: Timestamp,
    /// How many entries it has, once a page said so.
    pub total: Option<usize>,
    pub entries: BTreeSet<String>,
}

/// What became of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// So many keepalives were missed.
    Lost { id: String, device: DeviceId, deadline: Timestamp },
    /// It did not register again in time.
    Expired { id: String, device: DeviceId },
    /// Pages of its catalogue are missing.
    Incomplete { id: String, device: DeviceId, came: usize, total: Option<usize> },
    /// It is to be introduced.
    Introduce { id: String },
}

/// Everybody who is registered.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    known: BTreeMap<String, Registration>,
    /// Something changed that has to survive a restart.
    dirty: bool,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: String,
    device: String,
    peer: SocketAddr,
    expires_at_ms: i64,
    interval_ms: u64,
}

impl Registrations {
    /// A device registered, or registered again. `false`: there is no more room.
    pub(super) fn register(&mut self, id: &str, new: Registration) -> bool {
        self.dirty = true;
        if let Some(known) = self.known.get_mut(id)
            && known.device == new.device
        {
            let introduce_at =
                if known.peer == new.peer && known.way == new.way { known.introduce_at } else { new.introduce_at };
            let (out_of_order, catalogue) = (std::mem::take(&mut known.out_of_order), known.catalogue.take());
            *known = Registration { introduce_at, out_of_order, catalogue, ..new };
            return true;
        }
        if self.known.len() >= REGISTERED_MAX {
            return false;
        }
        self.known.insert(id.to_owned(), new);
        true
    }

    /// It logged off.
    pub(super) fn unregister(&mut self, id: &str) {
        self.dirty |= self.known.remove(id).is_some();
    }

    /// Its connection is gone, and with it every registration that came over it.
    pub(super) fn line_closed(&mut self, line: u64) -> Vec<String> {
        let gone: Vec<String> =
            self.known.iter().filter(|(_, one)| one.way == Way::Tcp(line)).map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.unregister(id));
        gone
    }

    /// The device that may speak as `id` from there now; it was heard. `true`: it had been lost.
    pub(super) fn speaker(&mut self, id: &str, peer: SocketAddr, way: Way, now: Timestamp) -> Option<(DeviceId, bool)> {
        let known = self.known.get_mut(id)?;
        let from_where_it_registered = known.peer.ip() == peer.ip()
            && match (known.way, way) {
                (Way::Udp, Way::Udp) => true,
                (Way::Tcp(registered), Way::Tcp(line)) => registered == line,
                _ => false,
            };
        if now > known.expires_at || !from_where_it_registered {
            return None;
        }
        self.dirty |= known.peer != peer;
        known.peer = peer;
        known.heard_at = now;
        Some((known.device.clone(), std::mem::take(&mut known.is_lost)))
    }

    /// Whether somebody registered over this connection.
    pub(super) fn has_line(&self, line: u64) -> bool {
        self.known.values().any(|one| one.way == Way::Tcp(line))
    }

    pub(super) fn get(&self, id: &str) -> Option<&Registration> {
        self.known.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Registration> {
        self.known.get_mut(id)
    }

    /// How many keep in touch, and how many are lost.
    pub(super) fn counts(&self) -> (usize, usize) {
        let lost = self.known.values().filter(|one| one.is_lost).count();
        (self.known.len() - lost, lost)
    }

    /// What is due at `now`; at most `introductions` devices are introduced at a time.
    pub(super) fn sweep(&mut self, now: Timestamp, misses: u32, introductions: usize) -> Vec<News> {
        let mut news = Vec::new();
        let mut introduced = 0;
        for (id, one) in &mut self.known {
            let device = one.device.clone();
            if now > one.expires_at {
                news.push(News::Expired { id: id.clone(), device });
                continue;
            }
            let deadline = one.deadline(misses);
            if now > deadline && !one.is_lost {
                one.is_lost = true;
                news.push(News::Lost { id: id.clone(), device: device.clone(), deadline });
            }
            if let Some(catalogue) = &one.catalogue
                && now.since(catalogue.asked_at) > CATALOGUE_PATIENCE
            {
                let (came, total) = (catalogue.entries.len(), catalogue.total);
                news.push(News::Incomplete { id: id.clone(), device, came, total });
                one.catalogue = None;
            }
            if now >= one.introduce_at && !one.is_lost && introduced < introductions {
                introduced += 1;
                one.introduce_at = now.plus(INTRODUCED_FOR);
                news.push(News::Introduce { id: id.clone() });
            }
        }
        for gone in &news {
            if let News::Expired { id, .. } = gone {
                self.unregister(id);
            }
        }
        news
    }

    /// What has to survive a restart, if it changed since the last call. Connections do not survive.
    pub(super) fn save(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        let kept: Vec<Kept> = self
            .known
            .iter()
            .filter(|(_, one)| one.way == Way::Udp)
            .map(|(id, one)| Kept {
                id: id.clone(),
                device: one.device.to_string(),
                peer: one.peer,
                expires_at_ms: one.expires_at.as_millis(),
                interval_ms: u64::try_from(one.interval.as_millis()).unwrap_or(u64::MAX),
            })
            .collect();
        serde_json::to_vec(&kept).ok()
    }

    /// What was saved, as of `now`. A file that cannot be read costs a registration each, and devices renew them.
    pub(super) fn load(path: &Path, now: Timestamp) -> Self {
        let mut registrations = Self::default();
        let kept: Vec<Kept> = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "registrations cannot be read; devices register again");
                Vec::new()
            }),
            Err(_) => Vec::new(),
        };
        for one in kept.into_iter().take(REGISTERED_MAX) {
            let Ok(device) = DeviceId::parse(&one.device) else { continue };
            let registration = Registration {
                device,
                peer: one.peer,
                way: Way::Udp,
                expires_at: Timestamp::from_millis(one.expires_at_ms),
                heard_at: now,
                interval: Duration::from_millis(one.interval_ms),
                is_lost: false,
                introduce_at: now,
                out_of_order: BTreeSet::new(),
                catalogue: None,
            };
            registrations.known.insert(one.id, registration);
        }
        registrations
    }
}

impl Registration {
    /// Until when its next sign of life may come: so many keepalives, but never beyond the registration.
    pub(super) fn deadline(&self, misses: u32) -> Timestamp {
        self.heard_at.plus(self.interval * misses).min(self.expires_at)
    }
}

impl Catalogue {
    pub(super) fn new(number: u64, now: Timestamp) -> Self {
        Self { number, asked_at: now, total: None, entries: BTreeSet::new() }
    }

    /// Takes a page; `true` when it was the last.
    pub(super) fn take(&mut self, total: Option<usize>, entries: impl Iterator<Item = String>) -> bool {
        self.total = total.or(self.total);
        for entry in entries {
            if self.entries.len() < CATALOGUE_MAX {
                self.entries.insert(entry);
            }
        }
        self.total.is_some_and(|total| self.entries.len() >= total.min(CATALOGUE_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "15252500401320000001";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn peer(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], port))
    }

    fn registration(way: Way, now: i64) -> Registration {
        Registration {
            device: DeviceId::parse("cam-1").unwrap(),
            peer: peer(1, 5_060),
            way,
            expires_at: at(now + 3_600),
            heard_at: at(now),
            interval: Duration::from_secs(60),
            is_lost: false,
            introduce_at: at(now),
            out_of_order: BTreeSet::new(),
            catalogue: None,
        }
    }

    fn one(way: Way) -> Registrations {
        let mut registrations = Registrations::default();
        assert!(registrations.register(ID, registration(way, 0)));
        registrations
    }

    #[test]
    fn a_device_speaks_from_the_address_that_it_registered_from_until_it_expires_and_its_port_may_move() {
        let mut known = one(Way::Udp);
        assert_eq!(
            known.speaker(ID, peer(1, 9_999), Way::Udp, at(10)),
            Some((DeviceId::parse("cam-1").unwrap(), false))
        );
        assert_eq!(known.get(ID).unwrap().peer.port(), 9_999);
        assert_eq!(known.speaker(ID, peer(2, 5_060), Way::Udp, at(10)), None);
        assert_eq!(known.speaker(ID, peer(1, 5_060), Way::Tcp(1), at(10)), None);
        assert_eq!(known.speaker("15252500401320000009", peer(1, 5_060), Way::Udp, at(10)), None);
        assert!(known.speaker(ID, peer(1, 5_060), Way::Udp, at(3_600)).is_some());
        assert_eq!(known.speaker(ID, peer(1, 5_060), Way::Udp, at(3_601)), None);
    }

    #[test]
    fn three_missed_keepalives_and_not_fewer_lose_a_device_and_the_next_word_finds_it() {
        let mut known = one(Way::Udp);
        let lost = |news: Vec<News>| news.into_iter().any(|one| matches!(one, News::Lost { .. }));
        known.speaker(ID, peer(1, 5_060), Way::Udp, at(100));
        assert!(!lost(known.sweep(at(280), 3, 9)));
        assert!(lost(known.sweep(at(281), 3, 9)));
        assert!(!lost(known.sweep(at(400), 3, 9)), "it is told once");
        assert_eq!(known.counts(), (0, 1));
        assert_eq!(known.speaker(ID, peer(1, 5_060), Way::Udp, at(500)).map(|heard| heard.1), Some(true));
        assert_eq!(known.counts(), (1, 0));
    }

    #[test]
    fn a_registration_that_is_not_renewed_expires() {
        let mut known = one(Way::Udp);
        assert!(known.sweep(at(3_601), 100, 9).iter().any(|one| matches!(one, News::Expired { .. })));
        assert_eq!(known.counts(), (0, 0));
    }

    #[test]
    fn a_device_is_introduced_when_it_comes_and_before_its_subscriptions_end() {
        let mut known = one(Way::Udp);
        let due = |known: &mut Registrations, now: i64| known.sweep(at(now), 100, 9).len();
        assert_eq!((due(&mut known, 1), due(&mut known, 2)), (1, 0));
        assert!(known.register(ID, registration(Way::Udp, 100)));
        assert_eq!(due(&mut known, 101), 0, "it only renewed its registration");
        assert_eq!(due(&mut known, 3_001), 1);
        let moved = Registration { peer: peer(9, 1), ..registration(Way::Udp, 3_100) };
        known.register(ID, moved);
        assert_eq!(due(&mut known, 3_101), 1);
    }

    #[test]
    fn registrations_survive_a_restart_and_connections_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registered.json");
        let mut known = one(Way::Udp);
        known.register("15252500401320000002", registration(Way::Tcp(4), 0));
        std::fs::write(&path, known.save().unwrap()).unwrap();
        assert_eq!(known.save(), None, "nothing changed since");
        let mut again = Registrations::load(&path, at(1_000));
        assert_eq!(again.counts(), (1, 0));
        assert!(
            !again.sweep(at(1_100), 3, 0).iter().any(|one| matches!(one, News::Lost { .. })),
            "we were away, not it"
        );
        assert!(again.speaker(ID, peer(1, 5_060), Way::Udp, at(1_100)).is_some());
        assert_eq!(known.line_closed(4), ["15252500401320000002"]);
        std::fs::write(&path, b"[{").unwrap();
        assert_eq!(Registrations::load(&path, at(0)).counts(), (0, 0));
    }

    #[test]
    fn a_catalogue_is_whole_when_as_many_different_entries_came_as_it_has() {
        let mut catalogue = Catalogue::new(7, at(0));
        let page = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>().into_iter();
        assert!(!catalogue.take(Some(3), page(&["1", "2"])));
        assert!(!catalogue.take(Some(3), page(&["2"])));
        assert!(catalogue.take(None, page(&["3"])));
        assert!(Catalogue::new(8, at(0)).take(Some(0), page(&[])));
    }
}
