//! The server as a browser or a program meets it: real sockets, a real alert log, nothing of the inside.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail as loudly as the tests themselves"
)]

mod acknowledging;
mod acting;
mod bundles;
mod documented;
mod fleet;
mod households;
mod live;
mod logging_in;
mod looking;
mod patrols;
mod people;
mod programs;
mod reporting;
mod second_person;
mod sms_back;
mod snapshots;
mod support;
mod telling;
mod tracks;
