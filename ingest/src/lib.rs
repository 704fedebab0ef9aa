//! Gate, protocols, record, decode: from a device's bytes to a reading.
