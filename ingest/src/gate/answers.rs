//! What DJI's devices ask of their cloud, and what it says.
//!
//! In:  an event, request or status message of an authenticated device.   Out: the answer and its topic, to be said once the message is on
//! disk.   Never: a licence key in a log.
//!
//! Invariant: pure; the registry is seen only through what it is asked. Facts: DJI Cloud API documentation, "Topic Definition" and
//! "Organization". An event that does not ask for an answer gets none.

use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

/// What the licence check and the binding of DJI's devices need; from DJI's developer site and the operator.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct DjiCloud {
    /// The licence, without which a dock leaves again.
    pub app: Option<DjiApp>,
    /// Under which organisation devices are bound.
    pub organisation_id: String,
    /// Its name, as the remote control shows it.
    pub organisation_name: String,
    /// What an installer types to bind a device; `None`: whatever is typed will do, the device being registered.
    pub binding_code: Option<String>,
    /// From where devices take the time.
    pub ntp_host: String,
}

/// An application as DJI's developer site issues it.
#[derive(Clone, PartialEq, Eq)]
pub struct DjiApp {
    /// Its number.
    pub id: String,
    /// Its key.
    pub key: String,
    /// Its basic licence.
    pub licence: String,
}

impl fmt::Debug for DjiCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjiCloud").field("organisation_id", &self.organisation_id).finish_non_exhaustive()
    }
}

/// Something to say to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Asked {
    tid: Option<String>,
    bid: Option<String>,
    method: Option<String>,
    need_reply: Option<f64>,
    #[serde(default)]
    data: Value,
}

/// All is well.
const DONE: i64 = 0;
/// What a device shows for anything else than [`DONE`]; DJI's own numbers have meanings that do not fit.
const REFUSED: i64 = 1;

impl DjiCloud {
    /// The answer to what a device said, for `topic`. `name_of` tells the id of the device with a serial number for which the
    /// speaker may speak.
    pub(super) fn answer(
        &self,
        topic: &str,
        payload: &[u8],
        now_ms: i64,
        name_of: impl Fn(&str) -> Option<String>,
    ) -> Option<Answer> {
        let asked: Asked = serde_json::from_slice(payload).ok()?;
        let method = asked.method.as_deref()?;
        let data = if topic.ends_with("/events_reply") {
            // Absent is "no": health messages leave it out and want none.
            (asked.need_reply == Some(1.0)).then(|| json!({ "result": DONE }))?
        } else if topic.ends_with("/status_reply") {
            json!({ "result": DONE })
        } else {
            self.request(method, &asked.data, name_of)
        };
        let answer = json!({ "tid": asked.tid, "bid": asked.bid, "timestamp": now_ms, "method": method, "data": data });
        Some(Answer { topic: topic.to_owned(), payload: answer.to_string().into_bytes() })
    }

    fn request(&self, method: &str, data: &Value, name_of: impl Fn(&str) -> Option<String>) -> Value {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |key: &str| data.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        match method {
            "config" => match &self.app {
                // The fields stand in `data` itself: this answer has no `output`.
                Some(app) => json!({
                    "app_id": app.id, "app_key": app.key, "app_license": app.licence,
                    "ntp_server_host": self.ntp_host, "ntp_server_port": 123,
                }),
                None => {
                    tracing::warn!(
                        "a dji device asks for a licence and there is none; write [dji] app_id, app_key_file and app_licence_file"
                    );
                    json!({ "result": REFUSED })
                }
            },
            "airport_bind_status" => {
                let status = |device: &Value| {
                    let serial = text(device, "sn");
                    let name = name_of(&serial);
                    json!({
                        "sn": serial,
                        "is_device_bind_organization": name.is_some(),
                        "organization_id": self.organisation_id,
                        "organization_name": self.organisation_name,
                        "device_callsign": name.unwrap_or_default(),
                    })
                };
                let all: Vec<_> = list("devices").iter().map(status).collect();
                json!({ "result": DONE, "output": { "bind_status": all } })
            }
            "airport_organization_get" if self.opens(&text(data, "device_binding_code")) => {
                json!({ "result": DONE, "output": { "organization_name": self.organisation_name } })
            }
            "airport_organization_bind" => {
                let bound = |device: &Value| {
                    let serial = text(device, "sn");
                    let fits = self.opens(&text(device, "device_binding_code")) && name_of(&serial).is_some();
                    json!({ "sn": serial, "err_code": if fits { DONE } else { REFUSED } })
                };
                let all: Vec<_> = list("bind_devices").iter().map(bound).collect();
                json!({ "result": DONE, "output": { "err_infos": all } })
            }
            // Storage, flight tasks and flight areas are another cloud's business.
            _ => json!({ "result": REFUSED, "output": {} }),
        }
    }

    fn opens(&self, code: &str) -> bool {
        self.binding_code.as_ref().is_none_or(|wanted| wanted == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> DjiCloud {
        DjiCloud {
            app: Some(DjiApp { id: "123".into(), key: "k".into(), licence: "l".into() }),
            organisation_id: "hexigten".into(),
            organisation_name: "草原站".into(),
            binding_code: Some("2026".into()),
            ntp_host: "ntp.example".into(),
        }
    }

    /// The dock may speak for itself and for its drone.
    fn name_of(serial: &str) -> Option<String> {
        [("DOCK1", "dock"), ("DRONE1", "drone")].iter().find(|(sn, _)| *sn == serial).map(|(_, id)| (*id).to_owned())
    }

    #[track_caller]
    fn answer(topic: &str, asked: Value) -> Option<Value> {
        let answer = cloud().answer(topic, asked.to_string().as_bytes(), 9, name_of)?;
        assert_eq!(answer.topic, topic);
        Some(serde_json::from_slice(&answer.payload).unwrap())
    }

    fn asked(method: &str, data: Value) -> Value {
        json!({ "tid": "t", "bid": "b", "timestamp": 1, "method": method, "data": data })
    }

    #[track_caller]
    fn output(method: &str, data: Value) -> Value {
        answer("thing/product/DOCK1/requests_reply", asked(method, data)).unwrap()["data"].clone()
    }

    #[test]
    fn an_event_is_answered_with_its_own_numbers_if_it_asks_for_it() {
        let topic = "thing/product/DOCK1/events_reply";
        let mut event = asked("file_upload_callback", json!({}));
        assert_eq!(answer(topic, event.clone()), None);
        event["need_reply"] = 1.into();
        let want = json!({ "tid": "t", "bid": "b", "timestamp": 9, "method": "file_upload_callback", "data": { "result": 0 } });
        assert_eq!(answer(topic, event.clone()), Some(want));
        event["need_reply"] = 0.into();
        assert_eq!(answer(topic, event), None);
        assert_eq!(cloud().answer(topic, b"{", 9, name_of), None);
    }

    #[test]
    fn a_dock_gets_its_licence_and_learns_that_it_and_its_drone_are_bound() {
        let licence = output("config", json!({ "config_type": "json", "config_scope": "product" }));
        assert_eq!((&licence["app_id"], &licence["ntp_server_host"]), (&"123".into(), &"ntp.example".into()));
        let bound = output("airport_bind_status", json!({ "devices": [{ "sn": "DRONE1" }, { "sn": "OTHER" }] }));
        let status = &bound["output"]["bind_status"];
        assert_eq!(
            (&status[0]["is_device_bind_organization"], &status[0]["device_callsign"]),
            (&true.into(), &"drone".into())
        );
        assert_eq!(status[1]["is_device_bind_organization"], false);
    }

    #[test]
    fn only_the_right_code_binds_and_only_what_is_registered() {
        let get =
            |code: &str| output("airport_organization_get", json!({ "device_binding_code": code }))["result"].clone();
        assert_eq!((get("2026"), get("1")), (0.into(), 1.into()));
        let devices = json!([
            { "sn": "DOCK1", "device_binding_code": "2026" },
            { "sn": "DOCK1", "device_binding_code": "1" },
            { "sn": "OTHER", "device_binding_code": "2026" },
        ]);
        let errors =
            output("airport_organization_bind", json!({ "bind_devices": devices }))["output"]["err_infos"].clone();
        assert_eq!(
            errors.as_array().unwrap().iter().map(|e| e["err_code"].as_i64().unwrap()).collect::<Vec<_>>(),
            [0, 1, 1]
        );
    }

    #[test]
    fn a_topology_and_a_request_that_nobody_serves_are_answered_too() {
        let topo = answer("sys/product/DOCK1/status_reply", asked("update_topo", json!({ "sub_devices": [] })));
        assert_eq!(topo.unwrap()["data"]["result"], 0);
        assert_eq!(output("flighttask_resource_get", json!({ "flight_id": "f" }))["result"], 1);
    }

    #[test]
    fn a_licence_is_not_shown() {
        assert_eq!(format!("{:?}", cloud()), r#"DjiCloud { organisation_id: "hexigten", .. }"#);
    }
}
