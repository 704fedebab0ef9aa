//! The devices, with their own encoders, faults and ground truth.
//!
//! In:  a seed.   Out: what cameras, drones, stations and collars of a made-up banner say, over real sockets, and beside it the
//! truth. The way through: [`scenario`] (what there is) -> [`world`] (what moves) -> [`devices`] (what is said about it) ->
//! [`faults`] (what becomes of that) -> [`fleet`] (over MQTT). [`modbus_station`], [`mavlink`], [`foreign`], [`receiver`] and [`platform`] stand beside it.
//!
//! Never: depends on a crate of the platform. It has encoders and geometry of its own, so that simulator and decoder cannot
//! share a fault.

pub mod clock;
pub mod devices;
pub mod faults;
pub mod fleet;
pub mod foreign;
pub mod ground;
pub mod hour;
pub mod isapi;
pub mod load;
pub mod mavlink;
pub mod modbus_station;
pub mod onvif;
pub mod platform;
pub mod receiver;
pub mod rng;
pub mod scenario;
pub mod score;
pub mod sip_camera;
pub mod trial;
pub mod truth;
pub mod vendor;
pub mod world;

pub use faults::Faults;
pub use fleet::{Credentials, Fleet, FleetConfig, FleetStats};
pub use scenario::{Scenario, SimDevice};
