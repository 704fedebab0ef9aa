//! Which of a zone's versions decides when: of the versions known, the newest whose in-force interval holds the instant. For
//! one instant `as_of` asks the database; here is what that makes of whole intervals.
//!
//! In: the intervals of all versions of one zone, oldest first.   Out: who decides, and what is left to whom.
//! Never: land, names or the database.

use model::Timestamp;

/// Time without a gap; `to` is exclusive, `None` without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Option<Timestamp>,
}

/// A version without what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) version: u32,
    pub(crate) in_force: Period,
    pub(crate) known_from: Timestamp,
    /// It says that there is no zone any more.
    pub(crate) repealed: bool,
}

impl Period {
    /// Whether it holds an instant.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// What is left of it beside `other`: nothing, one piece or two.
    fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let before = Self { from: self.from, to: Some(earlier(self.to, other.from)) };
        let after = other.to.map(|to| Self { from: self.from.max(to), to: self.to });
        [Some(before), after].into_iter().flatten().filter(|piece| piece.to.is_none_or(|to| piece.from < to))
    }

    fn meets(self, other: Self) -> bool {
        self.to.is_none_or(|to| other.from < to) && other.to.is_none_or(|to| self.from < to)
    }
}

fn earlier(end: Option<Timestamp>, than: Timestamp) -> Timestamp {
    end.map_or(than, |end| end.min(than))
}

fn subtract(pieces: &[Period], other: Period) -> Vec<Period> {
    pieces.iter().flat_map(|piece| piece.without(other)).collect()
}

/// When a version decides beside the others, in order, and since when it never does: from when on later ones had taken all of
/// its interval.
pub(crate) fn decided(spans: &[Span], version: u32) -> (Vec<Period>, Option<Timestamp>) {
    let Some(own) = spans.iter().find(|span| span.version == version) else { return (Vec::new(), None) };
    let mut pieces = vec![own.in_force];
    for later in spans.iter().filter(|span| span.version > version) {
        pieces = subtract(&pieces, later.in_force);
        if pieces.is_empty() {
            return (pieces, Some(later.known_from));
        }
    }
    (pieces, None)
}

/// Every version that decides in some part of a period, newest first, and whether some version does in every part of it.
pub(crate) fn deciders(spans: &[Span], period: Period) -> (Vec<&Span>, bool) {
    let (mut rest, mut found) = (vec![period], Vec::new());
    for span in spans.iter().rev() {
        if rest.iter().any(|piece| piece.meets(span.in_force)) {
            found.push(span);
            rest = subtract(&rest, span.in_force);
        }
    }
    (found, rest.is_empty())
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
