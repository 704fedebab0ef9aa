//! Device ids on their way back from disk.
//!
//! In:  the text we once wrote.   Out: [`DeviceId`]. It never makes up a name: what does not parse is an error.

use model::{BadName, DeviceId};

/// Reads an id back. The platform's own name cannot be parsed, so that no device can register it; we are the ones who
/// wrote it, so here it is known.
pub(crate) fn device_from_text(text: &str) -> Result<DeviceId, BadName> {
    let platform = DeviceId::platform();
    if text == platform.as_str() { Ok(platform) } else { DeviceId::parse(text) }
}
