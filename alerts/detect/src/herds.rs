//! The herds that are followed, and which of them are near a place.
//!
//! In:  herds as they are found, move and are forgotten.   Out: the few that a sighting may belong to.   Never: a decision, that is
//! [`crate::herd`]'s.
//!
//! Of a thousand herds nearly all are far from any one sighting. Their places stand together in memory, so that looking for the near
//! ones takes a glance at each and not a walk through all that is known of it.

use crate::herd::Herd;
use model::{DeviceId, Position};
use std::collections::HashMap;

/// One degree of latitude is at least this long on the ellipsoid, metres.
const DEGREE_MIN_M: f64 = 110_500.0;

/// All herds, by number. A number is good until a herd is taken out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Herds {
    list: Vec<Herd>,
    /// The number of the herd that each collar walks with.
    of_collars: HashMap<DeviceId, usize>,
    /// Of each herd in `list` its latitude and longitude, degrees; not a number while it has none.
    places: Vec<(f64, f64)>,
}

impl From<Vec<Herd>> for Herds {
    fn from(list: Vec<Herd>) -> Self {
        let mut herds = Self { list, ..Self::default() };
        herds.index();
        herds
    }
}

impl Herds {
    /// All of them, by number.
    pub fn list(&self) -> &[Herd] {
        &self.list
    }

    /// All of them, to be judged anew; where they are stays as it is.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Herd> {
        self.list.iter_mut()
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The number of the herd that a collar walks with.
    pub fn of_collar(&self, collar: &DeviceId) -> Option<usize> {
        self.of_collars.get(collar).copied()
    }

    /// A collar walks with this herd from now on, and with no other.
    pub fn walks_with(&mut self, collar: &DeviceId, number: usize) {
        let left = self.of_collars.insert(collar.clone(), number).filter(|left| *left != number);
        if let Some(herd) = left.and_then(|left| self.list.get_mut(left)) {
            herd.collars.remove(collar);
            herd.stays.values_mut().for_each(|stay| stay.without(collar));
        }
    }

    /// The herd of a number.
    pub fn get(&self, number: usize) -> Option<&Herd> {
        self.list.get(number)
    }

    /// Changes a herd; it may be elsewhere after that.
    pub fn change<T>(&mut self, number: usize, change: impl FnOnce(&mut Herd) -> T) -> Option<T> {
        let herd = self.list.get_mut(number)?;
        let changed = change(herd);
        if let Some(known) = self.places.get_mut(number) {
            *known = place(herd);
        }
        Some(changed)
    }

    /// Follows one more; its number.
    pub fn push(&mut self, herd: Herd) -> usize {
        self.places.push(place(&herd));
        self.list.push(herd);
        self.list.len() - 1
    }

    /// Forgets a herd; those after it move up.
    pub fn remove(&mut self, number: usize) {
        if number < self.list.len() {
            self.list.remove(number);
            self.index();
        }
    }

    /// Forgets those that are not kept.
    pub fn retain_mut(&mut self, keep: impl FnMut(&mut Herd) -> bool) {
        let before = self.list.len();
        self.list.retain_mut(keep);
        if self.list.len() < before {
            self.index();
        }
    }

    fn index(&mut self) {
        self.places = self.list.iter().map(place).collect();
        let collars = self
            .list
            .iter()
            .enumerate()
            .flat_map(|(number, herd)| herd.collars.iter().map(move |collar| (collar, number)));
        self.of_collars = collars.map(|(collar, number)| (collar.clone(), number)).collect();
    }

    /// The herds within a distance of a position, and perhaps a few more.
    pub fn near(&self, position: Position, reach_m: f64) -> impl Iterator<Item = (usize, &Herd)> {
        let (lat, lon) = (position.lat_deg(), position.lon_deg());
        let lat_reach = reach_m / DEGREE_MIN_M;
        let lon_reach = lat_reach / lat.to_radians().cos().max(0.01);
        let is_near =
            move |place: &(f64, f64)| (place.0 - lat).abs() <= lat_reach && (place.1 - lon).abs() <= lon_reach;
        let near = self.places.iter().enumerate().filter(move |(_, place)| is_near(place));
        near.filter_map(|(number, _)| Some((number, self.list.get(number)?)))
    }
}

fn place(herd: &Herd) -> (f64, f64) {
    herd.centre.map_or((f64::NAN, f64::NAN), |(centre, _)| (centre.lat_deg(), centre.lon_deg()))
}
