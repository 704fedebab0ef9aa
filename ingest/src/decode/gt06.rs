//! stub
use super::Statement;
use model::Reject;
pub(super) fn decode(_utc_offset_min: i16, _datum: &str, _payload: &[u8]) -> Result<Statement, Reject> {
    Err(Reject::Empty)
}
