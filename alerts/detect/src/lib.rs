//! Decides what a reading means. Pure: no clock, no I/O.
