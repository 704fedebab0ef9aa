//! Devices that speak neither MQTT nor HTTP: pollers that ask, listeners that take in, and put what they hear into the journal.
//!
//! In:  the configuration's stations and listeners.   Out: frames in the journal, as the gate makes them for devices that
//! speak MQTT. Never decodes: what a register means is [`crate::decode`]'s business.

mod backoff;
pub mod mavlink;
pub mod modbus;
