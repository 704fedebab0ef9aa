//! Gate, protocols, record, decode: from a device's bytes to a reading.

pub mod decode;
pub mod gate;
pub mod metrics;
pub mod protocol;
pub mod record;
pub mod second_hand;
