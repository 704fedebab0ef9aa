//! How many requests a device has going on.

use super::limits::REQUESTS_PER_DEVICE;
use super::refusal::Refusal;
use model::DeviceId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

/// Who has something going on; only of authenticated devices, so no larger than the server's connections.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<DeviceId, usize>>);

/// One request; gives its place back when it is dropped.
pub struct Turn {
    turns: Arc<Turns>,
    device: DeviceId,
}

impl Turns {
    /// Takes a place, if the device has one left.
    pub fn take(self: &Arc<Self>, device: &DeviceId) -> Result<Turn, Refusal> {
        let mut going = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = going.entry(device.clone()).or_default();
        if *count >= REQUESTS_PER_DEVICE {
            return Err(Refusal::TooMany { limit: REQUESTS_PER_DEVICE });
        }
        *count += 1;
        Ok(Turn { turns: Arc::clone(self), device: device.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut going = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = going.entry(self.device.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_eight_requests_at_a_time_and_leaves_nothing_behind() {
        let turns = Arc::new(Turns::default());
        let (one, two) = (DeviceId::parse("camera-1").unwrap(), DeviceId::parse("camera-2").unwrap());
        let mut taken: Vec<Turn> = (0..8).map(|_| turns.take(&one).unwrap()).collect();
        assert!(matches!(turns.take(&one), Err(Refusal::TooMany { limit: 8 })));
        taken.push(turns.take(&two).unwrap());
        taken.remove(0);
        taken.push(turns.take(&one).unwrap());
        drop(taken);
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
