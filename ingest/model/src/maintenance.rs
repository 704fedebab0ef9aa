use crate::{Device, DeviceId, Timestamp, TownshipCode};

/// A time in which somebody works on devices, so that their silence and their flaws are no news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// Its number; never given twice.
    pub id: u64,
    /// On which devices.
    pub scope: MaintenanceScope,
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub until: Timestamp,
    /// What is done, in the words of who announced it.
    pub reason: String,
    /// Who announced it.
    pub by: String,
}

/// Which devices are worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaintenanceScope {
    /// One, and what it speaks for.
    Device(DeviceId),
    /// What stands on one mast or hangs on one link.
    Site(String),
    /// All of a township.
    Township(TownshipCode),
}

impl MaintenanceScope {
    /// The kind of scope, as written in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Site(_) => "site",
            Self::Township(_) => "township",
        }
    }

    /// Which of the kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Device(device) => device.as_str(),
            Self::Site(name) => name,
            Self::Township(code) => code.as_str(),
        }
    }
}

impl Maintenance {
    /// Whether it is about this device, at whatever time.
    pub fn concerns(&self, device: &Device) -> bool {
        match &self.scope {
            MaintenanceScope::Device(id) => device.id == *id || device.via.as_ref() == Some(id),
            MaintenanceScope::Site(name) => device.site.as_ref() == Some(name),
            MaintenanceScope::Township(code) => device.township.as_ref() == Some(code),
        }
    }

    /// Whether it holds at an instant.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}
