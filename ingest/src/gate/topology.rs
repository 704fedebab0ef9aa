//! Which gateway flies which aircraft now, as DJI's docks and remote controls tell it (`update_topo`).
//!
//! In:  what a gateway says of its aircraft.   Out: for whom it may speak beyond the registry's word, until it says otherwise.
//!
//! Never: a claim on anything but a registered drone that names no gateway of its own; `--via` is how an operator settles it. Not kept
//! over a restart: a gateway tells it whenever it connects.

use model::{Device, DeviceId, DeviceKind};
use registry::View;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A remote control has one aircraft, a dock one or two.
const AIRCRAFT_OF_A_GATEWAY_MAX: usize = 8;

/// Aircraft and the gateway that flies each. As many as there are drones in the registry, at most.
#[derive(Debug, Default)]
pub(super) struct Topology(Mutex<BTreeMap<DeviceId, DeviceId>>);

#[derive(Deserialize)]
struct Status {
    method: Option<String>,
    data: Option<Topo>,
}

#[derive(Deserialize)]
struct Topo {
    sub_devices: Option<Vec<SubDevice>>,
}

#[derive(Deserialize)]
struct SubDevice {
    sn: Option<String>,
}

/// Whether any gateway may claim it.
fn is_free(device: &Device) -> bool {
    device.kind == DeviceKind::Drone && device.via.is_none() && !device.disabled
}

impl Topology {
    /// Takes note of what a gateway says on its `status` topic. An empty list means that its aircraft are gone.
    pub(super) fn hear(&self, view: &View, gateway: &DeviceId, payload: &[u8]) {
        let is_gateway = view.device(gateway).is_some_and(|device| device.kind == DeviceKind::Gateway);
        let Ok(Status { method: Some(method), data: Some(Topo { sub_devices: Some(said) }) }) =
            serde_json::from_slice::<Status>(payload)
        else {
            return;
        };
        if !is_gateway || method != "update_topo" {
            return;
        }
        let aircraft = said.iter().filter_map(|sub| view.by_external("dji", sub.sn.as_deref()?));
        let aircraft: Vec<_> = aircraft.filter(|device| is_free(device)).take(AIRCRAFT_OF_A_GATEWAY_MAX).collect();
        let mut flown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flown.retain(|_, by| by != gateway);
        for device in aircraft {
            if let Some(before) = flown.insert(device.id.clone(), gateway.clone()) {
                tracing::info!(aircraft = %device.id, %gateway, %before, "another gateway flies it now");
            }
        }
    }

    /// Whether the gateway flies this device, as far as it may say so.
    pub(super) fn flies(&self, gateway: &DeviceId, device: &Device) -> bool {
        let flown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        is_free(device) && flown.get(&device.id) == Some(gateway)
    }

    /// The aircraft that it flies, if there is exactly one.
    pub(super) fn aircraft(&self, gateway: &DeviceId) -> Option<DeviceId> {
        let flown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = flown.iter().filter(|(_, by)| *by == gateway).map(|(device, _)| device);
        let one = all.next().cloned();
        one.filter(|_| all.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::External;

    fn id(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    fn device(name: &str, kind: DeviceKind, via: Option<&str>) -> Device {
        Device {
            via: via.map(id),
            external: vec![External { system: "dji".into(), id: name.to_uppercase() }],
            ..Device::new(id(name), kind)
        }
    }

    fn view() -> View {
        let all = [
            device("dock-1", DeviceKind::Gateway, None),
            device("dock-2", DeviceKind::Gateway, None),
            device("cam-1", DeviceKind::Camera, None),
            device("drone-1", DeviceKind::Drone, None),
            device("drone-2", DeviceKind::Drone, Some("dock-2")),
        ];
        View::new(1, all.map(|device| (device.id.clone(), device)).into(), Vec::new(), Vec::new(), Vec::new())
    }

    fn topo(serials: &[&str]) -> Vec<u8> {
        let subs: Vec<_> = serials.iter().map(|sn| format!(r#"{{"sn":"{sn}","domain":"0"}}"#)).collect();
        format!(r#"{{"method":"update_topo","data":{{"type":2,"sub_devices":[{}]}}}}"#, subs.join(",")).into_bytes()
    }

    #[test]
    fn a_dock_speaks_for_the_aircraft_that_it_says_it_flies_until_it_says_otherwise() {
        let (view, topology) = (view(), Topology::default());
        let drone = view.device(&id("drone-1")).unwrap();
        assert!(!topology.flies(&id("dock-1"), drone));
        topology.hear(&view, &id("dock-1"), &topo(&["DRONE-1", "NOBODYS"]));
        assert!(topology.flies(&id("dock-1"), drone) && !topology.flies(&id("dock-2"), drone));
        assert_eq!(topology.aircraft(&id("dock-1")), Some(id("drone-1")));
        topology.hear(&view, &id("dock-2"), &topo(&["DRONE-1"]));
        assert!(topology.flies(&id("dock-2"), drone) && !topology.flies(&id("dock-1"), drone));
        topology.hear(&view, &id("dock-2"), &topo(&[]));
        assert!(!topology.flies(&id("dock-2"), drone));
    }

    #[test]
    fn a_claim_holds_for_drones_without_a_gateway_of_their_own_and_from_gateways_only() {
        let (view, topology) = (view(), Topology::default());
        topology.hear(&view, &id("dock-1"), &topo(&["DRONE-2", "CAM-1", "DOCK-2"]));
        for other in ["drone-2", "cam-1", "dock-2"] {
            assert!(!topology.flies(&id("dock-1"), view.device(&id(other)).unwrap()), "{other}");
        }
        topology.hear(&view, &id("cam-1"), &topo(&["DRONE-1"]));
        assert!(!topology.flies(&id("cam-1"), view.device(&id("drone-1")).unwrap()));
        for nonsense in
            [&b""[..], b"[]", br#"{"method":"update_topo"}"#, br#"{"method":"x","data":{"sub_devices":[]}}"#]
        {
            topology.hear(&view, &id("dock-1"), nonsense);
        }
    }
}
