//! Which sessions each device has: takeover, quotas, and what a session remembers between connections.
//!
//! In:  an authenticated device and its client id.   Out: a [`Place`], held while the session lives.
//!
//! Invariant: at most one live session per device and client id, and its router link has a name that no other live
//! session has. The name is made of the device's id and a seat number, so that no client can name another's link, and so
//! that the router, which never forgets a name, sees only a few per device.

use super::audience::Listening;
use super::limits;
use super::pace::{Pace, Rate};
use super::refusal::Refusal;
use model::DeviceId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

/// What a session remembers while its client is away.
#[derive(Debug, Default)]
pub struct Memory {
    /// QoS 2 packet ids that were received and not released yet; `true` once the frame is on disk.
    pub unreleased: HashMap<u16, bool>,
    /// Filters that the router holds for the session.
    pub filters: HashSet<String>,
    /// Whether the router remembers the session between connections.
    pub linked: bool,
}

/// How long a session outlives its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Not at all.
    No,
    /// This long.
    For(Duration),
    /// Until the process ends.
    Always,
}

/// All sessions of all devices.
pub struct Seats {
    devices: Mutex<HashMap<DeviceId, DeviceSeats>>,
    rate: Rate,
}

struct DeviceSeats {
    seats: Vec<Seat>,
    filters_ever: HashSet<String>,
    pace: Arc<Pace>,
    /// Made when the device has its first large body: most never do.
    large_bodies: Option<Arc<Semaphore>>,
}

struct Seat {
    client: Arc<str>,
    number: usize,
    state: State,
}

enum State {
    Live { kick: CancellationToken, ended: CancellationToken },
    // On the heap: nearly every seat is live.
    Away(Box<Away>),
}

struct Away {
    since: Instant,
    keep: Keep,
    memory: Memory,
    /// Told when the session goes on, dropped when it is over: a will may wait for it.
    goes_on: Option<oneshot::Sender<()>>,
}

impl Keep {
    /// As a length of time.
    pub fn duration(self) -> Duration {
        match self {
            Self::No => Duration::ZERO,
            Self::For(limit) => limit,
            Self::Always => Duration::MAX,
        }
    }
}

impl Seat {
    fn is_over(&self) -> bool {
        matches!(&self.state, State::Away(away) if matches!(away.keep, Keep::For(limit) if away.since.elapsed() > limit))
    }
}

/// A live session's place. Dropped without [`Place::leave`], the session is forgotten.
pub struct Place {
    seats: Arc<Seats>,
    device: DeviceId,
    client: Arc<str>,
    /// Name of the router link.
    pub link_name: Arc<str>,
    /// Cancelled when another connection takes the session over.
    pub kick: CancellationToken,
    ended: CancellationToken,
    /// How fast the device may speak, in all its sessions together.
    pub pace: Arc<Pace>,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// What the session remembered; the session takes it.
    pub memory: Memory,
    /// The place among those who listen to alerts, of one that does.
    pub(super) listening: Option<Listening>,
    left: Option<Box<Away>>,
}

enum Attempt {
    Seated(Box<Place>),
    Occupied { ended: CancellationToken },
}

impl Seats {
    /// No sessions yet; each device may speak this fast.
    pub fn new(rate: Rate) -> Self {
        Self { devices: Mutex::default(), rate }
    }

    /// Takes the seat of `client`, ending the session that holds it. `clean` starts anew.
    pub async fn enter(self: &Arc<Self>, device: &DeviceId, client: &str, clean: bool) -> Result<Box<Place>, Refusal> {
        let deadline = tokio::time::Instant::now() + limits::TAKEOVER_TIMEOUT;
        loop {
            match self.attempt(device, client, clean)? {
                Attempt::Seated(place) => return Ok(place),
                Attempt::Occupied { ended } => tokio::time::timeout_at(deadline, ended.cancelled())
                    .await
                    .map_err(|_elapsed| Refusal::TooManyConnections)?,
            }
        }
    }

    /// Whether the device may still use a filter that the router has not seen from it.
    pub fn may_use_filter(&self, device: &DeviceId, filter: &str) -> bool {
        let mut devices = self.lock();
        let Some(entry) = devices.get_mut(device) else { return false };
        if entry.filters_ever.contains(filter) {
            return true;
        }
        let room = entry.filters_ever.len() < limits::FILTERS_PER_DEVICE;
        if room {
            entry.filters_ever.insert(filter.to_owned());
        }
        room
    }

    /// The device's own share of the memory for large bodies, in KiB; `None` for a device without a session.
    pub fn large_bodies(&self, device: &DeviceId) -> Option<Arc<Semaphore>> {
        let mut devices = self.lock();
        let share = &mut devices.get_mut(device)?.large_bodies;
        Some(Arc::clone(share.get_or_insert_with(|| Arc::new(Semaphore::new(limits::LARGE_BODIES_OF_A_DEVICE_KIB)))))
    }

    fn attempt(self: &Arc<Self>, device: &DeviceId, client: &str, clean: bool) -> Result<Attempt, Refusal> {
        let mut devices = self.lock();
        let entry = devices.entry(device.clone()).or_insert_with(|| DeviceSeats {
            // Most devices have one client.
            seats: Vec::with_capacity(1),
            filters_ever: HashSet::new(),
            pace: Arc::new(Pace::new(self.rate)),
            large_bodies: None,
        });
        let (seats, pace) = (&mut entry.seats, &entry.pace);
        seats.retain(|seat| !seat.is_over());
        if let Some(seat) = seats.iter().find(|seat| &*seat.client == client)
            && let State::Live { kick, ended } = &seat.state
        {
            kick.cancel();
            return Ok(Attempt::Occupied { ended: ended.clone() });
        }
        let former = seats.iter().position(|seat| &*seat.client == client).map(|index| seats.swap_remove(index));
        if former.is_none() && seats.len() >= limits::SEATS_PER_DEVICE {
            let longest_away = seats
                .iter()
                .enumerate()
                .filter_map(|(index, seat)| match &seat.state {
                    State::Away(away) => Some((away.since, index)),
                    State::Live { .. } => None,
                })
                .min();
            let (_, index) = longest_away.ok_or(Refusal::Quota)?;
            seats.swap_remove(index);
        }
        let number = match &former {
            Some(seat) => seat.number,
            None => (0..).find(|number| seats.iter().all(|seat| seat.number != *number)).unwrap_or_default(),
        };
        let memory = match former {
            Some(Seat { state: State::Away(away), .. }) if !clean => {
                // Nobody waits where there is no will.
                away.goes_on.map(|waiting| waiting.send(()).ok());
                Some(away.memory)
            }
            _ => None,
        };
        let (kick, ended) = (CancellationToken::new(), CancellationToken::new());
        let client: Arc<str> = Arc::from(client);
        let state = State::Live { kick: kick.clone(), ended: ended.clone() };
        seats.push(Seat { client: Arc::clone(&client), number, state });
        Ok(Attempt::Seated(Box::new(Place {
            seats: Arc::clone(self),
            device: device.clone(),
            client,
            link_name: Arc::from(format!("{device}:{number}")),
            kick,
            ended,
            pace: Arc::clone(pace),
            resumed: memory.is_some(),
            memory: memory.unwrap_or_default(),
            listening: None,
            left: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, DeviceSeats>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The client's id, for logs.
    pub fn client(&self) -> Arc<str> {
        Arc::clone(&self.client)
    }

    /// Ends the session; with `keep` it can be resumed and then knows `memory`, and `goes_on` is told. Call when the router
    /// link is closed.
    pub fn leave(mut self, keep: Keep, memory: Memory, goes_on: Option<oneshot::Sender<()>>) {
        self.left = Some(Box::new(Away { since: Instant::now(), keep, memory, goes_on }));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut devices = self.seats.lock();
        if let Some(entry) = devices.get_mut(&self.device)
            && let Some(index) = entry.seats.iter().position(|seat| seat.client == self.client)
        {
            let seat = entry.seats.swap_remove(index);
            if let Some(away) = self.left.take()
                && away.keep != Keep::No
            {
                entry.seats.push(Seat { state: State::Away(away), ..seat });
            }
        }
        drop(devices);
        // Whoever waits for the end may need it.
        drop(self.listening.take());
        self.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    #[tokio::test]
    async fn a_second_connection_waits_until_the_first_session_has_ended() {
        let seats = Arc::new(Seats::new(limits::DEVICE_RATE));
        let first = seats.enter(&device("camera-1"), "c", true).await.unwrap();
        let (seats_too, kick) = (Arc::clone(&seats), first.kick.clone());
        let second = tokio::spawn(async move { seats_too.enter(&device("camera-1"), "c", true).await });
        kick.cancelled().await;
        assert!(!second.is_finished());
        first.leave(Keep::No, Memory::default(), None);
        assert_eq!(second.await.unwrap().unwrap().link_name.as_ref(), "camera-1:0");
    }

    #[tokio::test]
    async fn two_devices_with_one_client_id_do_not_disturb_each_other() {
        let seats = Arc::new(Seats::new(limits::DEVICE_RATE));
        let first = seats.enter(&device("camera-1"), "c", true).await.unwrap();
        let second = seats.enter(&device("camera-2"), "c", true).await.unwrap();
        assert!(!first.kick.is_cancelled());
        assert_ne!(first.link_name, second.link_name);
    }

    #[tokio::test]
    async fn a_kept_session_is_resumed_with_its_memory_unless_the_client_starts_anew() {
        let seats = Arc::new(Seats::new(limits::DEVICE_RATE));
        let camera = device("camera-1");
        for (clean, resumed) in [(false, false), (false, true), (true, false)] {
            let place = seats.enter(&camera, "c", clean).await.unwrap();
            assert_eq!((place.resumed, place.memory.unreleased.contains_key(&7)), (resumed, resumed));
            place.leave(Keep::Always, Memory { unreleased: HashMap::from([(7, true)]), ..Memory::default() }, None);
        }
        let place = seats.enter(&camera, "c", false).await.unwrap();
        place.leave(Keep::For(Duration::ZERO), Memory::default(), None);
        assert!(!seats.enter(&camera, "c", false).await.unwrap().resumed);
    }

    #[tokio::test]
    async fn a_device_beyond_its_quota_loses_its_longest_absent_session_but_never_a_live_one() {
        let seats = Arc::new(Seats::new(limits::DEVICE_RATE));
        let camera = device("camera-1");
        seats.enter(&camera, "away", false).await.unwrap().leave(Keep::Always, Memory::default(), None);
        let mut live = Vec::new();
        for number in 0..limits::SEATS_PER_DEVICE {
            live.push(seats.enter(&camera, &number.to_string(), true).await.unwrap());
        }
        let names: HashSet<_> = live.iter().map(|place| place.link_name.clone()).collect();
        assert_eq!(names.len(), live.len());
        assert_eq!(seats.enter(&camera, "one more", true).await.err(), Some(Refusal::Quota));
    }

    #[tokio::test]
    async fn a_device_may_use_only_so_many_filters() {
        let seats = Arc::new(Seats::new(limits::DEVICE_RATE));
        let camera = device("camera-1");
        let _place = seats.enter(&camera, "c", true).await.unwrap();
        for number in 0..limits::FILTERS_PER_DEVICE {
            assert!(seats.may_use_filter(&camera, &number.to_string()));
        }
        assert!(seats.may_use_filter(&camera, "0"));
        assert!(!seats.may_use_filter(&camera, "one more"));
    }
}
