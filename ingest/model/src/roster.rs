use crate::Timestamp;

/// Who is on duty when: a duty table (值班表).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// As people call it.
    pub name: String,
    /// In order of their begin.
    pub shifts: Vec<Shift>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The subscriber's id.
    pub subscriber: String,
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub until: Timestamp,
}

impl Roster {
    fn names(&self, subscriber: &str) -> bool {
        self.shifts.iter().any(|shift| shift.subscriber == subscriber)
    }

    /// The ids of those who are on duty, in the table's order.
    pub fn on_duty(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let holds = move |shift: &&Shift| shift.from <= now && now < shift.until;
        self.shifts.iter().filter(holds).map(|shift| shift.subscriber.as_str())
    }
}

/// Whether somebody is told now: who stands in no roster always; who stands in one during their shifts, and also when nobody of it has
/// one. A table that ran out must not silence anybody.
pub fn is_on_duty(rosters: &[Roster], subscriber: &str, now: Timestamp) -> bool {
    let mut of_theirs = rosters.iter().filter(|roster| roster.names(subscriber)).peekable();
    let is_in_none = of_theirs.peek().is_none();
    is_in_none
        || of_theirs.any(|roster| {
            let mut on_duty = roster.on_duty(now).peekable();
            on_duty.peek().is_none() || on_duty.any(|id| id == subscriber)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_on_duty_is_not_told_unless_nobody_is() {
        let at = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let shift = |who: &str, from, until| Shift { subscriber: who.into(), from: at(from), until: at(until) };
        let rosters = [Roster { name: "值班".into(), shifts: vec![shift("day", 8, 20), shift("night", 20, 32)] }];
        let told = |who, hour| is_on_duty(&rosters, who, at(hour));
        assert_eq!([told("day", 8), told("night", 8), told("day", 20), told("night", 20)], [true, false, false, true]);
        assert!(told("day", 40) && told("night", 40), "the table has run out");
        assert!(told("somebody else", 8));
        assert!(is_on_duty(&[], "day", at(0)));
    }
}
