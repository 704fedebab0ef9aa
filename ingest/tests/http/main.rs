//! HTTP in from outside: real sockets, a real SQLite journal, a real registry.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod cameras;
#[cfg(test)]
mod house;
#[cfg(test)]
mod messages;
#[cfg(test)]
#[path = "../moody/mod.rs"]
mod moody;
#[cfg(test)]
mod provision;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod snapshots;
