//! Collects the attributes of one feature within bounds.
//!
//! In: names and values as a format has them.   Out: a map without empty values.   Never: a value longer than the limit.

use crate::Limits;
use std::collections::BTreeMap;

pub(crate) struct Attributes {
    limits: Limits,
    map: BTreeMap<String, String>,
}

impl Attributes {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, map: BTreeMap::new() }
    }

    /// The first value of a name stays; an empty one counts as absent.
    pub(crate) fn insert(&mut self, name: &str, value: &str) {
        let cut = |text: &str| {
            let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            text.chars().take(self.limits.attribute_chars).collect::<String>()
        };
        let (name, value) = (cut(name), cut(value));
        if !name.is_empty() && !value.is_empty() && self.map.len() < self.limits.attributes {
            self.map.entry(name).or_insert(value);
        }
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, String> {
        self.map
    }
}
