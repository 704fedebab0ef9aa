//! Command line of the simulated fleet.
fn main() {}
