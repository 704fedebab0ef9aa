//! Which land is watched, and which nobody watches. "No alert" never means "no grazing".
//!
//! In:  the same [`model::Reading`]s as detection, in journal order.   Out: when each piece of land was last looked at, patrols
//! that ended ([`model::Patrol`]), and [`model::Finding`]s about zones that are blind.   Next: `alerts::coverage`.
//!
//! ```text
//! grid.rs      zones -> points, 16 to a cell, and in which zones each lies
//! lookout.rs   where a camera is and looks -> which of the points it sees: lens, range, relief
//! cameras.rs   a fixed camera that speaks watches what its pose sees
//! movers.rs    a drone's and a ranger's way -> what they swept
//! ledger.rs    when each point was last watched, and on which days
//! patrol.rs    a way from start to landing or pause -> one patrol
//! blind.rs     a closed zone that too little was seen of -> one notice, or one for a township
//! route.rs     a planned route beside what was flown
//! duty.rs      who has to be out how often, and whether they were
//! ```
//!
//! Invariant: pure, like detection; "now" is `reading.received_at`. A point's instant only grows, so what is read twice changes
//! nothing, and what comes late counts for its own time. `docs/coverage.md` has the formulae and what is not counted.

mod blind;
mod cameras;
pub mod duty;
mod grid;
mod ledger;
mod lookout;
mod movers;
mod patrol;
pub mod route;
mod settings;
mod watch;

pub use grid::{Grid, Lattice, POINTS, Place};
pub use ledger::{DayMarks, Instants, Ledger, day, seconds};
pub use lookout::{Glass, Lookout};
pub use settings::{KindTerms, Settings, Terms};
pub use watch::{Coverage, Span, join_days};

// For the state as bytes.
pub(crate) use blind::{Blind, BlindZone, Group};
pub(crate) use cameras::{Camera, Cameras};
pub(crate) use movers::{Drone, Movers};
pub(crate) use patrol::{Open, Patrols};
pub(crate) use watch::State;

#[cfg(test)]
mod flight_tests;
#[cfg(test)]
mod lookout_tests;
#[cfg(test)]
mod relief_tests;
#[cfg(test)]
mod watch_tests;
