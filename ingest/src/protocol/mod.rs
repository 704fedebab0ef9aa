//! Devices that do not come to us: pollers that ask and put the answers into the journal.
//!
//! In:  the station list of the configuration.   Out: frames in the journal, as the gate makes them for devices that
//! push. Never decodes: what a register means is [`crate::decode`]'s business.

mod backoff;
pub mod modbus;
