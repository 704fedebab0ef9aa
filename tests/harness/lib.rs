//! What the journeys stand on: the real binary in a folder of its own, devices, operators, receivers.
//!
//! In: what a journey wants to happen. Out: what came of it, waited for, never slept for. Everything goes through the outer
//! interface: command line, MQTT, HTTP, WebSocket, webhooks. Only [`detection`] and [`hour`] run the decoder and the engine themselves, since
//! they play hours and days in seconds.

mod api;
pub mod detection;
mod device;
pub mod hour;
mod platform;
mod shared;

pub use api::{Operator, http_client};
pub use device::Device;
pub use platform::{PASSWORD, Platform};
pub use shared::{output, shared_data};

/// Longest that a journey waits for anything. Far above what is normal on a busy machine of two cores; reaching it is a failure.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
