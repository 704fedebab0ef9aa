//! stub
use super::Statement;
use model::Reject;
pub(super) fn decode(_payload: &[u8]) -> Result<Statement, Reject> {
    Err(Reject::Empty)
}
