//! Input that nobody on this project made: collars of real cattle, and every message in a vendor's documentation.
//!
//! In: files beside the repository. Out: what the real binary made of them, held against an independent, simple reading of
//! the same files; and a picture of it for a person to check. Where the files are absent the reason is told and nothing is tested.

mod collars;
mod dji;
mod oracle;
mod picture;
mod tracks;
