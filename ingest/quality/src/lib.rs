//! Whether a station's value can be believed, and what a day of values comes to.
//!
//! In:  what a station measured, in the order in which it happened.   Out: each value with its [`Flags`] ([`Monitor`]), and days
//! summed up ([`Daily`]).   Next: detection, which makes nothing of a flagged value; history, which shows and sums them.
//!
//! Pure, and a function of what came before in the series: whoever reads the series again finds the same flags, so that they are kept
//! nowhere. Never: drops a value or corrects one. What a sensor can show at all is the decoder's business
//! ([`model::Quantity::plausible`]).

mod daily;
mod flags;
mod limits;
mod monitor;

pub use daily::Daily;
pub use flags::{Flag, Flags};
pub use monitor::{Judged, Monitor, Track, WARM_UP};
