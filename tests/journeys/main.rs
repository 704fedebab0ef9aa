//! Whole-platform journeys: the real binary, real sockets, foreign clients. Each reads as a sentence.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a journey that cannot go on has failed")]

mod configuration;
mod console;
mod doctor;
mod herd;
mod integrator;
mod journal;
mod metrics;
mod readme;
