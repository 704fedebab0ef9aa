//! Whole-platform journeys over real sockets.
