//! Whom a device's message is about: itself, a channel of it, or all of them.
//!
//! In:  the message, who sent it, the registry.   Out: devices of the registry, each with the 20 digits under which the message
//! knows it; or, as an error, what an operator reads of a message about somebody who is not registered there.
//!
//! Pure. A device speaks for itself under every number that the registry has of it (its alarm input has one of its own), and for
//! the devices behind it. A keepalive is a sign of life of all of these, but for channels that were said to be out of order.

use crate::decode::manscdp::Manscdp;
use model::{Device, DeviceId};
use registry::View;
use std::collections::BTreeSet;

/// Channels of one recorder that are told of; the largest have 256.
const CHANNELS_MAX: usize = 512;

const SYSTEM: &str = "gb28181";

/// Whom a frame is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub device: DeviceId,
    /// As the message knows it.
    pub known_as: String,
}

/// The subjects of a message that `speaker` sent as `id`; of one that cannot be read it is the speaker.
pub(super) fn of(
    message: Option<&Manscdp>,
    view: &View,
    speaker: &DeviceId,
    id: &str,
    out_of_order: &BTreeSet<String>,
) -> Result<Vec<Subject>, String> {
    let itself = Subject { device: speaker.clone(), known_as: id.to_owned() };
    let Some(message) = message else { return Ok(vec![itself]) };
    let command = message.command().unwrap_or_default();
    let mut subjects = vec![itself];
    let mut add = |device: &Device, known_as: &str| {
        if subjects.len() < CHANNELS_MAX && subjects.iter().all(|one| one.device != device.id) {
            subjects.push(Subject { device: device.id.clone(), known_as: known_as.to_owned() });
        }
    };
    match command.to_ascii_lowercase().as_str() {
        "keepalive" => {
            for device in view.devices.values().filter(|device| is_behind(device, speaker)) {
                let number = number_of(device).filter(|number| !out_of_order.contains(*number));
                number.into_iter().for_each(|number| add(device, number));
            }
            Ok(subjects)
        }
        "catalog" => {
            for item in message.items() {
                let device = view.by_external(SYSTEM, item.id).filter(|device| is_behind(device, speaker));
                device.into_iter().for_each(|device| add(device, item.id));
            }
            Ok(subjects)
        }
        _ => match message.device_id().filter(|named| *named != id) {
            None => Ok(subjects),
            Some(named) => match view.by_external(SYSTEM, named) {
                Some(device) if device.id == *speaker || is_behind(device, speaker) => {
                    Ok(vec![Subject { device: device.id.clone(), known_as: named.to_owned() }])
                }
                _ => {
                    let named: String = named.chars().take(20).collect();
                    Err(format!("gb28181 {command} of {named}, which is not registered behind {speaker}"))
                }
            },
        },
    }
}

fn is_behind(device: &Device, speaker: &DeviceId) -> bool {
    device.via.as_ref() == Some(speaker) && !device.disabled
}

/// The first of its numbers, or its id where that is one.
fn number_of(device: &Device) -> Option<&str> {
    let stated = device.external.iter().find(|name| name.system == SYSTEM).map(|name| name.id.as_str());
    let own = Some(device.id.as_str()).filter(|id| id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_digit()));
    stated.or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ClosureCalendar, DeviceKind, External};
    use std::collections::BTreeMap;

    const RECORDER: &str = "15252500401180000001";
    const GATE: &str = "15252500401320000011";
    const POND: &str = "15252500401320000012";
    const INPUT: &str = "15252500401340000001";

    fn device(id: &str, via: Option<&str>, numbers: &[&str]) -> Device {
        Device {
            via: via.map(|via| DeviceId::parse(via).unwrap()),
            external: numbers.iter().map(|id| External { system: SYSTEM.into(), id: (*id).into() }).collect(),
            ..Device::new(DeviceId::parse(id).unwrap(), DeviceKind::Camera)
        }
    }

    fn about(xml: &str, out_of_order: &[&str]) -> Result<Vec<(String, String)>, String> {
        let devices = [
            device("nvr", None, &[RECORDER, INPUT]),
            device("gate", Some("nvr"), &[GATE]),
            device(POND, Some("nvr"), &[]),
            device("other", None, &["15252500401320000099"]),
        ];
        let devices: BTreeMap<_, _> = devices.into_iter().map(|device| (device.id.clone(), device)).collect();
        let view = View::new(1, devices, Vec::new(), Vec::new(), ClosureCalendar::default());
        let message = Manscdp::read(xml.as_bytes()).ok();
        let silent = out_of_order.iter().map(|id| (*id).to_owned()).collect();
        let found = of(message.as_ref(), &view, &DeviceId::parse("nvr").unwrap(), RECORDER, &silent)?;
        Ok(found.into_iter().map(|one| (one.device.to_string(), one.known_as)).collect())
    }

    fn pairs(list: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn a_keepalive_is_a_sign_of_life_of_all_channels_that_are_in_order() {
        let keepalive = "<Notify><CmdType>Keepalive</CmdType></Notify>";
        assert_eq!(about(keepalive, &[]), pairs(&[("nvr", RECORDER), (POND, POND), ("gate", GATE)]));
        assert_eq!(about(keepalive, &[GATE]), pairs(&[("nvr", RECORDER), (POND, POND)]));
    }

    #[test]
    fn a_catalogue_is_about_its_sender_and_the_channels_that_are_registered() {
        let catalogue = format!(
            "<Response><CmdType>Catalog</CmdType><DeviceList><Item><DeviceID>{GATE}</DeviceID></Item>\
             <Item><DeviceID>15252500401320000099</DeviceID></Item><Item><DeviceID>1</DeviceID></Item></DeviceList></Response>"
        );
        assert_eq!(about(&catalogue, &[]), pairs(&[("nvr", RECORDER), ("gate", GATE)]));
    }

    #[test]
    fn an_alarm_is_about_whom_it_names_and_about_nobody_elses_device() {
        let alarm = |id: &str| format!("<Notify><CmdType>Alarm</CmdType><DeviceID>{id}</DeviceID></Notify>");
        assert_eq!(about(&alarm(GATE), &[]), pairs(&[("gate", GATE)]));
        assert_eq!(about(&alarm(INPUT), &[]), pairs(&[("nvr", INPUT)]));
        assert_eq!(about("<Notify><CmdType>MobilePosition</CmdType></Notify>", &[]), pairs(&[("nvr", RECORDER)]));
        assert_eq!(
            about(&alarm("15252500401320000099"), &[]),
            Err("gb28181 Alarm of 15252500401320000099, which is not registered behind nvr".to_owned())
        );
        assert_eq!(about("no xml", &[]), pairs(&[("nvr", RECORDER)]));
    }
}
