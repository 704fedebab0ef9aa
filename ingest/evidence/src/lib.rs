//! Pictures that prove something: those that a case names, and of each camera the one before. They outlive the journal's retention.
//!
//! ```text
//! recent.rs   which pictures came lately, where in the journal they are, and where their cameras looked
//! store.rs    a folder of files named by their hash, and what is known of each
//! copied.rs   a copy of that folder, made whole
//! bundle/     all of a case in one file that others open and check without us
//! ```
//!
//! In: readings as they come, and a picture's bytes.   Out: the same bytes for as long as they are kept, found by camera or hash.
//!
//! Never: a picture under another content's hash, a picture of a case that is going on removed for want of room, or more bytes than
//! were allowed.

pub mod bundle;
mod copied;
mod recent;
mod store;

pub use copied::forget_missing;
pub use recent::{Looking, Recent, Taken};
pub use store::{EvidenceError, Item, Kept, Store, Why};
