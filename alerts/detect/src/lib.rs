//! Decides what a reading means: a herd where it may not be, a device gone silent or not well.
//!
//! In:  [`model::Reading`], in journal order.   Out: [`model::Finding`].   Next: `alerts::raise`.
//!
//! Invariant: pure. No tokio, no clock, no I/O, no randomness; "now" is `reading.received_at`, and the journal holds a
//! second hand so that "nothing came" is an entry too. The same entries and the same [`World`] always give the same
//! findings, so a replay of the journal is a test, and the state is a snapshot plus a cursor ([`Engine::save`]).
//!
//! The way of a sighting: [`place`] says where on the ground it was, [`fixes`] sets aside what no animal can do,
//! [`herd`] joins it to a herd and keeps what was seen of it, [`presence`] weighs whether the herd stands in a zone,
//! [`case`] makes one case of a herd in a closed zone. [`fleet`] watches the devices themselves, [`stations`] what they measure
//! and what cameras take for fires.

mod aside;
pub mod case;
pub mod closure;
mod correct;
pub mod count;
pub mod coverage;
mod engine;
mod exhibits;
pub mod fixes;
pub mod fleet;
pub mod geofence;
pub mod herd;
mod herds;
mod joint;
mod lag;
pub mod masks;
pub mod overload;
mod past;
pub mod place;
pub mod presence;
mod saved;
mod settings;
pub mod stations;
mod unseen;
mod world;

pub use aside::Asides;
pub use engine::Engine;
pub use saved::BadState;
pub use settings::{BySource, Settings};
pub use world::World;

#[cfg(test)]
mod decision_tests;
#[cfg(test)]
mod testing;
