//! ISAPI of Hikvision: cameras post their events to us, or we ask them for their stream of events.
//!
//! ```text
//! multipart   bytes -> parts        events   parts -> events -> frames       stream   the cameras that we ask
//! ```
//!
//! In:  parts of XML or JSON, and pictures.   Out: [`model::Frame`]s with the format `isapi`, and pictures as the platform's own
//! snapshots, so that whoever looks at pictures sees them. Next: [`crate::decode`]. What cameras post comes in by
//! [`crate::http`], with the same parts.
//!
//! Never: an event that is dropped because nobody understands it; a camera that speaks for another.

pub(crate) mod events;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod multipart;
mod stream;

pub use stream::run;
