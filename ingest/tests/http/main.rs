//! HTTP in from outside: real sockets, a real SQLite journal, a real registry.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod house;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod provision;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod snapshots;
