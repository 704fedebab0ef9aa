//! Things by id and by age: a list that is paged newest first while it changes, and never grows without end.
//!
//! In: the newest state of a thing, and the record it came with.   Out: one thing by id, or a page.
//!
//! Invariant: a thing keeps its place (the record that first named it), so a page boundary stays right however often things
//! change. Unfinished and finished things are bounded apart: a flood of one never pushes out the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The list.
#[derive(Debug)]
pub(crate) struct Index<T> {
    by_place: BTreeMap<u64, (Arc<str>, Arc<T>)>,
    place_of: HashMap<Arc<str>, u64>,
    finished: BTreeSet<u64>,
    unfinished_max: usize,
    finished_max: usize,
}

impl<T> Index<T> {
    /// Empty, with its two bounds.
    pub fn new(unfinished_max: usize, finished_max: usize) -> Self {
        Self {
            by_place: BTreeMap::new(),
            place_of: HashMap::new(),
            finished: BTreeSet::new(),
            unfinished_max,
            finished_max,
        }
    }

    /// Puts the newest state of `id`; returns what had to go for it, if something had to.
    pub fn put(&mut self, id: &str, seq: u64, thing: T, finished: bool) -> Option<Arc<T>> {
        let place = match self.place_of.get(id) {
            Some(place) => *place,
            None => {
                self.place_of.insert(Arc::from(id), seq);
                seq
            }
        };
        self.by_place.insert(place, (Arc::from(id), Arc::new(thing)));
        if finished {
            self.finished.insert(place);
        } else {
            self.finished.remove(&place);
        }
        let overdue = if self.finished.len() > self.finished_max {
            self.finished.first().copied()
        } else if self.by_place.len() - self.finished.len() > self.unfinished_max {
            self.by_place.keys().find(|place| !self.finished.contains(place)).copied()
        } else {
            None
        };
        self.remove(overdue?)
    }

    fn remove(&mut self, place: u64) -> Option<Arc<T>> {
        let (id, thing) = self.by_place.remove(&place)?;
        self.place_of.remove(&id);
        self.finished.remove(&place);
        Some(thing)
    }

    /// One thing.
    pub fn get(&self, id: &str) -> Option<Arc<T>> {
        let (_, thing) = self.by_place.get(self.place_of.get(id)?)?;
        Some(Arc::clone(thing))
    }

    /// Everything, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.by_place.values().map(|(_, thing)| &**thing)
    }

    /// Up to `limit` things that `keep` lets through, newest first, with places before `before`; and the place of the last
    /// one if more may follow.
    pub fn page(&self, before: Option<u64>, limit: usize, keep: impl Fn(&T) -> bool) -> (Vec<Arc<T>>, Option<u64>) {
        let mut found = Vec::new();
        let mut last = None;
        for (place, (_, thing)) in self.by_place.range(..before.unwrap_or(u64::MAX)).rev() {
            if !keep(thing) {
                continue;
            }
            if found.len() == limit {
                return (found, last);
            }
            last = Some(*place);
            found.push(Arc::clone(thing));
        }
        (found, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(page: &(Vec<Arc<String>>, Option<u64>)) -> Vec<&str> {
        page.0.iter().map(|name| name.as_str()).collect()
    }

    #[test]
    fn pages_go_on_where_they_stopped_though_things_changed_meanwhile() {
        let mut index = Index::new(10, 10);
        for (seq, id) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
            index.put(id, seq, id.to_owned(), false);
        }
        let first = index.page(None, 2, |_| true);
        assert_eq!((names(&first), first.1), (vec!["d", "c"], Some(3)));
        index.put("a", 9, "a again".to_owned(), false);
        let second = index.page(first.1, 2, |_| true);
        assert_eq!((names(&second), second.1), (vec!["b", "a again"], None));
    }

    #[test]
    fn the_oldest_finished_thing_goes_first_and_unfinished_ones_stay() {
        let mut index = Index::new(2, 1);
        index.put("open", 1, "open".to_owned(), false);
        index.put("done", 2, "done".to_owned(), true);
        assert_eq!(
            index.put("also done", 3, "also done".to_owned(), true).as_deref().map(String::as_str),
            Some("done")
        );
        assert!(index.get("open").is_some() && index.get("done").is_none());
        index.put("open 2", 4, "open 2".to_owned(), false);
        assert_eq!(index.put("open 3", 5, "open 3".to_owned(), false).as_deref().map(String::as_str), Some("open"));
    }
}
