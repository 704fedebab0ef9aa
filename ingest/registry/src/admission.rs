//! Who is let in: shutting a device out, letting it in again, approving a newcomer.
//!
//! In: an operator's word.   Out: the device's state, in the view and at the next check of its secret.
//!
//! A device in quarantine counts as disabled everywhere, so that no consumer of the view can forget it; that it waits for an
//! approval is said beside it. Approving ends the quarantine, and so does shutting it out: then it is a disabled device.

use crate::audit::Change;
use crate::devices::not_found;
use crate::load::Part;
use crate::{Registry, RegistryError};
use model::DeviceId;
use rusqlite::{OptionalExtension, params};
use serde_json::json;

#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    disabled: bool,
    quarantined: bool,
}

impl Registry {
    /// Shuts a device out or lets it in again; no change and no audit entry when it already is so.
    pub fn set_disabled(&self, device: &DeviceId, disabled: bool, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let before = state(change, device)?;
            if before.quarantined && !disabled {
                return Err(wrong_state(device, "awaits its first approval; approve it"));
            }
            let what = if disabled { "device.disable" } else { "device.enable" };
            set_state(change, device, what, before, State { disabled, quarantined: false })
        })
    }

    /// Lets a newcomer in that registered itself.
    pub fn approve(&self, device: &DeviceId, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let before = state(change, device)?;
            if !before.quarantined {
                return Err(wrong_state(device, "does not await approval; if it is disabled, enable it"));
            }
            set_state(change, device, "device.approve", before, State { disabled: false, quarantined: false })
        })
    }
}

/// Keeps a device that was just registered out until it is approved.
pub(crate) fn quarantine(change: &Change<'_>, device: &DeviceId) -> Result<(), RegistryError> {
    let before = state(change, device)?;
    set_state(change, device, "device.quarantine", before, State { disabled: true, quarantined: true })
}

fn wrong_state(device: &DeviceId, state: &'static str) -> RegistryError {
    RegistryError::State { device: device.to_string(), state }
}

fn state(change: &Change<'_>, device: &DeviceId) -> Result<State, RegistryError> {
    let query = "SELECT disabled, quarantined FROM device WHERE id = ?1";
    let found = change
        .transaction
        .query_row(query, [device.as_str()], |row| Ok(State { disabled: row.get(0)?, quarantined: row.get(1)? }))
        .optional()?;
    found.ok_or_else(|| not_found(device))
}

fn set_state(
    change: &Change<'_>,
    device: &DeviceId,
    what: &str,
    before: State,
    after: State,
) -> Result<(), RegistryError> {
    if before == after {
        return Ok(());
    }
    change.touch(Part::Devices)?;
    change.transaction.execute(
        "UPDATE device SET disabled = ?2, quarantined = ?3 WHERE id = ?1",
        params![device.as_str(), after.disabled, after.quarantined],
    )?;
    let shown = |state: State| Some(json!({ "disabled": state.disabled, "quarantined": state.quarantined }));
    change.audit(format!("{what} {device}"), shown(before), shown(after))
}
