//! Gate, protocols, record, decode: from a device's bytes to a reading.
//!
//! In:  what devices say over MQTT ([`gate`]) or HTTP ([`http`]), what vehicles send over UDP
//! and what stations answer when asked ([`protocol`]).
//! Out: the journal's entries ([`record`] for whoever waits for an acknowledgement), and [`model::Readings`] ([`decode`]).
//! Next: `history`, `alerts` and `dashboards::live`. [`vision`] has pictures looked at and adds what is seen. [`second_hand`] adds the time, so that "nothing came" is an entry too.
//!
//! Never: decides what a reading means, or acknowledges what is not on disk.

mod credentials;
pub mod decode;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod gate;
pub mod http;
pub mod metrics;
mod network;
pub mod protocol;
pub mod record;
pub mod second_hand;
mod seldom;
mod throttle;
pub mod vision;
