//! The MQTT gate from outside: real sockets, a real SQLite journal, a real registry.

#[cfg(test)]
mod clients;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod house;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod malformed;
#[cfg(test)]
#[path = "../moody/mod.rs"]
mod moody;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod quarantine;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod wire;
