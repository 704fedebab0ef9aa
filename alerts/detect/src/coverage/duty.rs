//! Who has to be out how often, and whether they were.
//!
//! In: duties, and when each was done.   Out: [`DutyState`]s.   Never: a period of a time zone with summer time; weeks begin on
//! Monday, and all periods are legal ones of Asia/Shanghai.

use model::{DutyState, LegalDate, MonthDay, Timestamp, TownshipCode};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months, the first from January.
    Quarter,
}

impl Every {
    /// As written in the configuration and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
        }
    }

    /// `None` for another word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Week, Self::Month, Self::Quarter].into_iter().find(|every| every.as_str() == word)
    }

    /// When the period that holds an instant begins, and when the next one does.
    pub fn period(self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match self {
            Self::Week => week(at),
            Self::Month => months(at, 1),
            Self::Quarter => months(at, 3),
        }
    }
}

const DAY_MS: i64 = 86_400_000;

fn week(at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let today = LegalDate::of(at)?.begins_at()?.as_millis();
    // The first of January 1970 in Beijing was a Thursday, three days after a Monday; all days have 24 hours.
    let first = Timestamp::parse_legal("1970-01-01")?.as_millis() - 3 * DAY_MS;
    let begin = today - (today - first).rem_euclid(7 * DAY_MS);
    Some((Timestamp::from_millis(begin), Timestamp::from_millis(begin + 7 * DAY_MS)))
}

fn months(at: Timestamp, count: i8) -> Option<(Timestamp, Timestamp)> {
    let today = LegalDate::of(at)?;
    let month = today.month_day().month;
    let first = month - (month - 1) % count;
    let begin = |year: i16, month: i8| LegalDate::of_year(year, MonthDay { month, day: 1 })?.begins_at();
    let next = first + count;
    let end = if next > 12 { begin(today.year().checked_add(1)?, next - 12)? } else { begin(today.year(), next)? };
    Some((begin(today.year(), first)?, end))
}

/// A duty to be out.
#[derive(Debug, Clone, PartialEq)]
pub struct Duty {
    /// Its name among programs.
    pub name: String,
    /// As officers call it, in Chinese and in English.
    pub names: (String, String),
    /// In each of these ...
    pub every: Every,
    /// ... so often ...
    pub times: u32,
    /// ... in each township, or else once for the whole banner.
    pub each_township: bool,
    /// A patrol counts where it swept at least this part of the township, 0 to 1.
    pub share: f64,
}

/// The duties of the plan (T 6, 9).
pub fn defaults() -> Vec<Duty> {
    let duty = |name: &str, zh: &str, en: &str, every, times, each_township| Duty {
        name: name.into(),
        names: (zh.into(), en.into()),
        every,
        times,
        each_township,
        share: 0.01,
    };
    vec![
        duty("village_chief", "村级林长", "village forest chiefs", Every::Week, 1, true),
        duty("township_chief", "乡级林长", "township forest chief", Every::Month, 1, true),
        duty("township_deputy", "乡级副林长", "township deputy chiefs", Every::Month, 2, true),
        duty("banner_chief", "旗级林长", "banner forest chief", Every::Quarter, 1, false),
        duty("banner_deputy", "旗级副林长", "banner deputy chiefs", Every::Quarter, 3, false),
        duty("inspection_team", "巡查组", "inspection teams", Every::Week, 2, true),
    ]
}

/// How a duty stands in one place, by when it was done there. What was before the platform `began` is nobody's omission.
pub fn state(
    duty: &Duty,
    township: Option<&TownshipCode>,
    done_at: &[Timestamp],
    began: Timestamp,
    now: Timestamp,
) -> Option<DutyState> {
    let (begin, end) = duty.every.period(now)?;
    let (before, _) = duty.every.period(Timestamp::from_millis(begin.as_millis() - 1))?;
    let within = |from: Timestamp, to: Timestamp| done_at.iter().filter(|at| from <= **at && **at < to).count();
    let done = u32::try_from(within(begin, end)).unwrap_or(u32::MAX);
    let had_missed = began <= before && (within(before, begin) as u64) < u64::from(duty.times);
    let is_done = done >= duty.times;
    let due = if is_done { duty.every.period(end)?.1 } else { end };
    Some(DutyState {
        duty: duty.name.clone(),
        names: duty.names.clone(),
        township: township.cloned(),
        times: duty.times,
        done,
        every: duty.every.as_str(),
        last_done: done_at.iter().copied().filter(|at| *at <= now).max(),
        due,
        overdue: had_missed && !is_done,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn legal(text: &str) -> Timestamp {
        Timestamp::parse_legal(text).unwrap()
    }

    #[test]
    fn legal_weeks_months_and_quarters_begin_at_midnight_in_beijing() {
        for (every, inside, begin, end) in [
            // 2026-11-26 is a Thursday.
            (Every::Week, "2026-11-26T12:00:00+08:00", "2026-11-23", "2026-11-30"),
            (Every::Week, "2026-11-23T00:00:00+08:00", "2026-11-23", "2026-11-30"),
            (Every::Week, "2026-11-29T23:59:59+08:00", "2026-11-23", "2026-11-30"),
            (Every::Week, "2026-11-22T16:00:00Z", "2026-11-23", "2026-11-30"),
            (Every::Week, "2027-01-01T08:00:00+08:00", "2026-12-28", "2027-01-04"),
            // Half an hour before midnight in Beijing, in the days when Europe has summer time and when it has not.
            (Every::Month, "2026-03-31T15:30:00Z", "2026-03-01", "2026-04-01"),
            (Every::Month, "2026-10-31T16:00:00Z", "2026-11-01", "2026-12-01"),
            (Every::Month, "2026-12-31T23:59:59+08:00", "2026-12-01", "2027-01-01"),
            (Every::Quarter, "2026-05-15T00:00:00+08:00", "2026-04-01", "2026-07-01"),
            (Every::Quarter, "2026-12-31T00:00:00+08:00", "2026-10-01", "2027-01-01"),
        ] {
            assert_eq!(every.period(at(inside)), Some((legal(begin), legal(end))), "{every:?} {inside}");
        }
    }

    #[test]
    fn a_duty_is_due_at_the_end_of_its_period_and_overdue_once_one_passed_without_it() {
        let duty = defaults().into_iter().find(|duty| duty.name == "inspection_team").unwrap();
        let now = at("2026-11-26T12:00:00+08:00");
        let of = |done: &[&str], began: &str| {
            let done: Vec<_> = done.iter().map(|text| at(text)).collect();
            let state = state(&duty, None, &done, legal(began), now).unwrap();
            (state.done, state.due, state.overdue)
        };
        assert_eq!(of(&[], "2026-11-24"), (0, legal("2026-11-30"), false), "nobody could have");
        assert_eq!(of(&[], "2026-11-16"), (0, legal("2026-11-30"), true));
        let before = ["2026-11-17T09:00:00+08:00", "2026-11-20T09:00:00+08:00"];
        assert_eq!(of(&before, "2026-11-01"), (0, legal("2026-11-30"), false));
        assert_eq!(of(&before[..1], "2026-11-01"), (0, legal("2026-11-30"), true), "once is not twice");
        let now_too = ["2026-11-23T00:00:00+08:00", "2026-11-26T11:00:00+08:00"];
        assert_eq!(of(&now_too, "2026-11-01"), (2, legal("2026-12-07"), false), "made up for");
    }
}
