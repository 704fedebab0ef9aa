//! What is remembered of stations and fires, as bytes.

use super::{BadState, From, Read, Saved};
use crate::stations::days::{Day, Days, Sum};
use crate::stations::{Burning, Fires, GreenRule, Greened, Past, Season, Standing, Station, Stations, Told};
use model::{FireSign, LegalDate, Matter, Notice, Quantity, Timestamp};
use quality::{Monitor, Track};

fields! {
    Stations { stations, townships, fires, green_up, looked_at, closed }
    Station { monitor, past, days, season, rained_at }
    Monitor { tracks }
    Track { value, at, is_sound, same_since, same_count, sound }
    Past { standing, notice }
    Told { standing, notice }
    Standing { past_since, told_since }
    Days { days }
    Day { date, sums }
    Sum { count, sum }
    Season { year, ndvi, past, greened }
    Greened { on, by, confidence }
    Fires { known }
    Burning { notice, last_sign, is_placed }
    Notice { matter, devices, devices_count, zone, township, position, since, until, late }
}

words! {
    GreenRule: GreenRule::ALL, GreenRule::as_str;
    FireSign: FireSign::ALL, FireSign::as_str;
    Quantity: Quantity::all(), Quantity::as_str;
}

impl Saved for LegalDate {
    fn put(&self, into: &mut Vec<u8>) {
        self.begins_at().unwrap_or_default().put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Self::of(Timestamp::get(from)?).ok_or(BadState)
    }
}

/// Of the matters only those that this part tells.
impl Saved for Matter {
    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Self::Threshold { rule, quantity, value, limit, unit, is_grave } => {
                1_u8.put(into);
                (rule.clone(), quantity.clone(), unit.clone()).put(into);
                (*value, *limit, *is_grave).put(into);
            }
            Self::Fire { sign, confidence } => {
                2_u8.put(into);
                (*sign, *confidence).put(into);
            }
            Self::Flaw { .. } | Self::Outage(_) | Self::Blind { .. } | Self::Passage { .. } => 0_u8.put(into),
        }
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        match u8::get(from)? {
            1 => {
                let (rule, quantity, unit) = Saved::get(from)?;
                let (value, limit, is_grave) = Saved::get(from)?;
                Ok(Self::Threshold { rule, quantity, value, limit, unit, is_grave })
            }
            2 => {
                let (sign, confidence) = Saved::get(from)?;
                Ok(Self::Fire { sign, confidence })
            }
            _ => Err(BadState),
        }
    }
}
