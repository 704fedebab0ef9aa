//! Whole-platform journeys: the real binary, real sockets, foreign clients. Each reads as a sentence.

mod configuration;
mod herd;
mod readme;
