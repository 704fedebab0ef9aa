//! Whole-platform journeys: the real binary, real sockets, foreign clients. Each reads as a sentence.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a journey that cannot go on has failed")]

mod asyncapi;
mod configuration;
mod console;
mod gate;
mod herd;
mod integrator;
mod metrics;
mod readme;
mod wire;
