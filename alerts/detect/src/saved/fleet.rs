//! What is saved of devices: how they stand, outages, flaws.
//!
//! In and out: as [`super`].

use super::{BadState, From, Read, Saved, nothing};
use crate::fleet::flaws::{Battery, Charge, Clock, Flaws, Going, Head, Lens, Picture};
use crate::fleet::{Alone, Fleet, Heard, Member, Outage, Standing, standing_of_old};
use crate::lag::Lag;
use model::{Flaw, OutageCause};

fields! {
    Fleet { devices, outages since 5 or nothing, ended since 5 or nothing, ticked since 5 or nothing }
    Heard {
        last, counted_from, standing since 5 or silent_since, returned_at since 5 or nothing, told_of,
        lag since 4 or nothing, is_watched since 4 or watched, flaws since 5 or nothing
    }
    Alone { last_seen, told_at, steady_from }
    Outage { since, members, back, mostly_back_since, told, before }
    Member { deadline, is_back }
    Flaws { going_on, ended, told_of, clock, picture, head, battery, lens }
    Going { since, sound_since }
    Clock { ahead, behind_since, right }
    Picture { hash, since, same, new }
    Head { off, off_since, on }
    Battery { charges, low_since }
    Charge { at, percent }
    Lens { bad, bad_since, good, usual, learnt }
    Lag { since, least_ms, before_ms }
}
words! {
    Flaw: Flaw::ALL, Flaw::as_str;
}

/// Version 3 looked at every device.
fn watched(_: &mut From<'_>) -> Read<bool> {
    Ok(true)
}

/// Versions 3 and 4 knew only silences that were told alone.
fn silent_since(from: &mut From<'_>) -> Read<Standing> {
    Saved::get(from).map(standing_of_old)
}

impl Saved for Standing {
    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Self::Heard => 0_u8.put(into),
            Self::Held { deadline, until } => {
                1_u8.put(into);
                (*deadline, *until).put(into);
            }
            Self::Alone(alone) => {
                2_u8.put(into);
                alone.put(into);
            }
            Self::Member(cause) => {
                3_u8.put(into);
                cause.put(into);
            }
        }
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Ok(match u8::get(from)? {
            0 => Self::Heard,
            1 => Self::Held { deadline: Saved::get(from)?, until: Saved::get(from)? },
            2 => Self::Alone(Saved::get(from)?),
            3 => Self::Member(Saved::get(from)?),
            _ => return Err(BadState),
        })
    }
}

impl Saved for OutageCause {
    fn put(&self, into: &mut Vec<u8>) {
        (self.kind().to_owned(), self.name().to_owned()).put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Self::parse(&String::get(from)?, &String::get(from)?).ok_or(BadState)
    }
}
