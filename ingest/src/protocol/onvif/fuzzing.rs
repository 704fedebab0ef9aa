//! What `fuzz/` calls of ONVIF: an answer of a camera, taken apart as the session does it.
//!
//! In:  any bytes.   Out: frames as they would come into the journal.   Never: a part of what serves.

use super::events::Said;
use super::soap;
use crate::protocol::health::Health;
use model::{DeviceId, Frame, Timestamp};

/// An answer to `PullMessages`.
pub(crate) fn frames(input: &[u8]) -> Vec<Frame> {
    let now = Timestamp::from_millis(1_795_313_700_000);
    let Ok(device) = DeviceId::parse("cam-1") else { return Vec::new() };
    let said = Said { device: &device, now, skew_ms: i64::try_from(input.len()).unwrap_or_default() };
    let mut health = Health::new(now);
    let Ok(document) = soap::read(input) else { return vec![said.life(&mut health)] };
    match soap::answer(&document, "PullMessagesResponse") {
        Ok(answer) => said.frames(&document, answer, &mut health),
        Err(failure) => {
            assert!(failure.to_string().len() < 1_024, "{failure}");
            Vec::new()
        }
    }
}
