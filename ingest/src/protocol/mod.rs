//! Devices that speak neither MQTT nor HTTP: pollers that ask, and listeners for those that speak their maker's language; and what
//! cameras say of themselves and of what they see.
//!
//! In:  the stations and listeners of the configuration.   Out: frames in the journal, as the gate makes them for devices that
//! speak MQTT. Never decodes: what a register or a field means is [`crate::decode`]'s business.

mod backoff;
mod camera_link;
pub(crate) mod digest;
mod door;
pub(crate) mod health;
pub mod isapi;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use sip::fuzzing;
pub mod gt06;
pub mod hj212;
pub mod mavlink;
pub mod modbus;
pub mod onvif;
pub mod sip;
mod tcp;
#[cfg(test)]
mod testing;

pub use camera_link::{BadUrl, CameraConfig, LinkMetrics, Password, camera_url};
pub use door::DoorParts;
