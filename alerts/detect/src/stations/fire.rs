//! Fires that cameras see: told at once, one for each fire.
//!
//! In: signs of smoke or heat, with who saw them, where and when.   Out: one notice that begins, changes when another camera sees it too
//! or says where it is, and is over once nothing was seen for a while.   Never: a fire that a mask hides, since masks are for what looks like
//! an animal; nor one that is held back until somebody else sees it.

use super::settings::FireSettings;
use model::{DeviceId, FireSign, Matter, Notice, Position, Timestamp, TownshipCode, What};
use std::time::Duration;

/// Fires that are followed at once.
const FIRES_MAX: usize = 256;
/// Cameras that one fire names.
const CAMERAS_MAX: usize = 32;
/// A fire that is over is remembered so long: what comes late belongs to it.
const REMEMBERED: Duration = Duration::from_secs(86_400);

/// Those that burn, and those that did a while ago.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fires {
    pub(crate) known: Vec<Burning>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Burning {
    pub(crate) notice: Notice,
    /// When it was last seen.
    pub(crate) last_sign: Timestamp,
    /// Whether its place is that of the fire; otherwise it is that of the camera.
    pub(crate) is_placed: bool,
}

/// What a camera saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    /// Who.
    pub device: DeviceId,
    /// In whose township it stands.
    pub township: Option<TownshipCode>,
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub sign: FireSign,
    /// How surely, 0 to 1.
    pub confidence: f64,
    /// Where it burns, if the camera's pose says so.
    pub fire: Option<Position>,
    /// Where the camera is.
    pub camera: Option<Position>,
    /// Whether it was told long after it was seen.
    pub late: bool,
}

impl Fires {
    /// Takes in what a camera saw.
    pub fn see(&mut self, seen: Sign, settings: &FireSettings) -> Option<What> {
        if seen.confidence < settings.confidence_min {
            return None;
        }
        if let Some(burning) = self.known.iter_mut().find(|burning| burning.takes(&seen, settings)) {
            return burning.join(seen);
        }
        if self.known.len() >= FIRES_MAX {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, one)| (one.is_burning(), one.last_sign));
            oldest.map(|(place, _)| place).map(|place| self.known.remove(place));
        }
        let notice = Notice {
            matter: Matter::Fire { sign: seen.sign, confidence: seen.confidence },
            devices: vec![seen.device],
            devices_count: 1,
            zone: None,
            township: seen.township,
            position: seen.fire.or(seen.camera),
            since: seen.at,
            until: None,
            late: seen.late,
        };
        self.known.push(Burning { notice: notice.clone(), last_sign: seen.at, is_placed: seen.fire.is_some() });
        Some(What::Begun(notice))
    }

    /// Ends what nobody sees any more, and forgets what has long been over.
    pub fn tick(&mut self, now: Timestamp, settings: &FireSettings) -> Vec<What> {
        self.known.retain(|burning| burning.is_burning() || now.since(burning.last_sign) <= REMEMBERED);
        let quiet = |burning: &&mut Burning| burning.is_burning() && now.since(burning.last_sign) > settings.over_after;
        let ended = self.known.iter_mut().filter(quiet).map(|burning| {
            burning.notice.until = Some(burning.last_sign);
            What::Over(burning.notice.clone())
        });
        ended.collect()
    }
}

impl Burning {
    fn is_burning(&self) -> bool {
        self.notice.until.is_none()
    }

    /// Whether what was seen is a sign of this fire: by one of its cameras or near it, within the time that makes one of two signs. One
    /// camera may see two fires, where it knows of both how far apart they are.
    fn takes(&self, seen: &Sign, settings: &FireSettings) -> bool {
        let begins = self.notice.since.minus(settings.over_after);
        if seen.at < begins || seen.at.since(self.last_sign) > settings.over_after {
            return false;
        }
        let apart_m = self.notice.position.zip(seen.fire.or(seen.camera)).map(|(one, other)| one.distance_m(other));
        let is_near = apart_m.is_some_and(|apart_m| apart_m <= settings.join_m);
        let both_placed = self.is_placed && seen.fire.is_some();
        is_near || self.notice.devices.contains(&seen.device) && !both_placed
    }

    fn join(&mut self, seen: Sign) -> Option<What> {
        self.last_sign = self.last_sign.max(seen.at);
        let is_known = self.notice.devices.contains(&seen.device);
        let says_where = !self.is_placed && seen.fire.is_some();
        if let Matter::Fire { confidence, .. } = &mut self.notice.matter {
            *confidence = confidence.max(seen.confidence);
        }
        if says_where {
            (self.notice.position, self.is_placed) = (seen.fire, true);
        }
        if !is_known && self.notice.devices.len() < CAMERAS_MAX {
            self.notice.devices.push(seen.device);
            self.notice.devices_count = self.notice.devices_count.saturating_add(1);
        }
        // What is seen now wakes people although what began it came late.
        let is_news_now = self.notice.late && !seen.late;
        self.notice.late &= seen.late;
        let tells = self.is_burning() && (!is_known || says_where || is_news_now);
        tells.then(|| What::Changed(self.notice.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_775_000_000_000 + minute * 60_000)
    }

    fn sign(camera: &str, minute: i64, fire: Option<(f64, f64)>) -> Sign {
        Sign {
            device: DeviceId::parse(camera).unwrap(),
            township: None,
            at: at(minute),
            sign: FireSign::Smoke,
            confidence: 0.8,
            fire: fire.map(|(lat, lon)| Position::parse(lat, lon).unwrap()),
            camera: Position::parse(43.30, 117.50).ok(),
            late: false,
        }
    }

    const HERE: Option<(f64, f64)> = Some((43.33, 117.50));
    const FAR: Option<(f64, f64)> = Some((43.40, 117.50));

    fn words(found: impl IntoIterator<Item = What>) -> Vec<String> {
        crate::testing::words(&found.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn one_fire_is_told_at_once_once_again_by_another_camera_and_once_when_it_is_over() {
        let (mut fires, settings) = (Fires::default(), FireSettings::default());
        assert_eq!(words(fires.see(sign("cam-1", 0, HERE), &settings)), ["begun smoke"]);
        assert_eq!(words(fires.see(sign("cam-1", 5, HERE), &settings)), [""; 0]);
        let Some(What::Changed(notice)) = fires.see(sign("cam-2", 6, Some((43.335, 117.505))), &settings) else {
            panic!("another camera confirms")
        };
        assert_eq!((notice.devices_count, notice.since), (2, at(0)));
        assert_eq!(words(fires.see(sign("cam-2", 20, HERE), &settings)), [""; 0]);
        assert_eq!(words(fires.tick(at(50), &settings)), [""; 0], "seen half an hour ago");
        let over = fires.tick(at(51), &settings);
        assert!(
            matches!(over.as_slice(), [What::Over(notice)] if notice.until == Some(at(20)) && notice.id() == "smoke-cam-1-1775000000000")
        );
        assert_eq!(words(fires.tick(at(52), &settings)), [""; 0]);
        assert_eq!(words(fires.see(sign("cam-1", 90, HERE), &settings)), ["begun smoke"], "an hour later is another");
    }

    #[test]
    fn two_places_are_two_fires_even_for_one_camera_and_no_place_is_no_reason_to_be_silent() {
        let (mut fires, settings) = (Fires::default(), FireSettings::default());
        assert_eq!(words(fires.see(sign("cam-1", 0, HERE), &settings)), ["begun smoke"]);
        assert_eq!(words(fires.see(sign("cam-1", 1, FAR), &settings)), ["begun smoke"]);
        let (mut fires, unplaced) = (Fires::default(), sign("cam-1", 0, None));
        let Some(What::Begun(notice)) = fires.see(unplaced, &settings) else { panic!("it is told") };
        assert_eq!(notice.position, Position::parse(43.30, 117.50).ok(), "where the camera is");
        assert_eq!(words(fires.see(sign("cam-1", 1, HERE), &settings)), ["changed smoke"], "now it is known where");
        assert_eq!(words(fires.see(Sign { confidence: 0.2, ..sign("cam-9", 2, FAR) }, &settings)), [""; 0]);
    }

    #[test]
    fn what_comes_late_is_marked_and_belongs_to_the_fire_that_it_was() {
        let (mut fires, settings) = (Fires::default(), FireSettings::default());
        fires.see(sign("cam-1", 0, HERE), &settings);
        assert_eq!(fires.tick(at(31), &settings).len(), 1);
        let late = Sign { late: true, ..sign("cam-2", 3, HERE) };
        assert_eq!(words(fires.see(late.clone(), &settings)), [""; 0], "of a fire that is over");
        let Some(What::Begun(notice)) = fires.see(Sign { at: at(-600), ..late }, &settings) else { panic!("another") };
        assert!(notice.late);
        assert_eq!(words(fires.see(sign("cam-3", -590, HERE), &settings)), ["changed smoke"]);
        for camera in 0..600 {
            fires.see(sign(&format!("c-{camera}"), 100 * camera, HERE), &settings);
        }
        assert!(fires.known.len() <= FIRES_MAX);
    }
}
