//! The table of foreign formats: which decoder reads a [`model::Channel::Foreign`].
//!
//! In: a format's name and the frame.   Out: a `Statement`, or a [`Reject`].
//!
//! A new payload format is a file with a decoder and a line in [`TABLE`]; `docs/protocols/new-format.md` shows one. Who may
//! say it, and on which topic or socket, is decided where it comes in (`gate::topics`, `protocol`), never here. Names are in
//! the journal: never change one, only add.

use super::fields::short;
use super::{Statement, mavlink};
use model::{Frame, Reject};

/// Reads one frame. Pure: the same frame always gives the same statement.
type Decoder = fn(&Frame) -> Result<Statement, Reject>;

/// A message about somebody whom nobody registered; the frame is its sender's, and the detail is that name.
pub const UNREGISTERED: &str = "unregistered";

/// Packets of a MAVLink vehicle; the detail is what its camera tracks.
pub const MAVLINK: &str = "mavlink";

/// Every format, by name.
const TABLE: &[(&str, Decoder)] = &[(UNREGISTERED, unregistered), (MAVLINK, mavlink::decode)];

/// What a frame of this format says.
pub(super) fn decode(format: &str, frame: &Frame) -> Result<Statement, Reject> {
    match TABLE.iter().find(|(name, _)| *name == format) {
        Some((_, decoder)) => decoder(frame),
        None => Err(Reject::UnknownMessage(short(format))),
    }
}

/// What the channel says beside the format.
pub(super) fn detail(frame: &Frame) -> &str {
    match &frame.channel {
        model::Channel::Foreign { detail, .. } => detail,
        _ => "",
    }
}

fn unregistered(frame: &Frame) -> Result<Statement, Reject> {
    Err(Reject::Unregistered(short(detail(frame))))
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn a_format_stands_in_the_table_once() {
        let mut names: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
