//! What we say to devices: queries, subscriptions, controls, as requests of SIP with MANSCDP inside.
//!
//! In:  whom to, and what about.   Out: a [`Message`] without the headers that depend on the way. Nothing of a device's own text
//! stands in these but ids of digits, so they need no charset and no escaping.

use super::message::Message;

/// How long a subscription is asked for.
pub(super) const SUBSCRIBED_S: u64 = 3_600;

const MANSCDP: &str = "Application/MANSCDP+xml";

fn xml(inner: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n{inner}\r\n")
}

fn message(uri: &str, body: &str) -> Message {
    Message::request("MESSAGE", uri).with_body(MANSCDP, xml(body))
}

/// "What channels do you have?"
pub(super) fn catalogue(uri: &str, id: &str, number: u64) -> Message {
    message(uri, &format!("<Query><CmdType>Catalog</CmdType><SN>{number}</SN><DeviceID>{id}</DeviceID></Query>"))
}

/// "We have your alarm": the answer in business, after the one in SIP.
pub(super) fn alarm_heard(uri: &str, id: &str, number: u64) -> Message {
    message(
        uri,
        &format!(
            "<Response><CmdType>Alarm</CmdType><SN>{number}</SN><DeviceID>{id}</DeviceID><Result>OK</Result></Response>"
        ),
    )
}

/// "Sound again": after a device's own alarm its input is mute until it hears this.
pub(super) fn reset_alarm(uri: &str, id: &str, number: u64) -> Message {
    message(
        uri,
        &format!(
            "<Control><CmdType>DeviceControl</CmdType><SN>{number}</SN><DeviceID>{id}</DeviceID><AlarmCmd>ResetAlarm</AlarmCmd></Control>"
        ),
    )
}

fn subscribe(uri: &str, body: &str) -> Message {
    Message::request("SUBSCRIBE", uri)
        .with("Event", "presence")
        .with("Expires", SUBSCRIBED_S.to_string())
        .with_body(MANSCDP, xml(body))
}

/// "Tell us of alarms."
pub(super) fn subscribe_alarms(uri: &str, id: &str, number: u64) -> Message {
    let body = format!(
        "<Query><CmdType>Alarm</CmdType><SN>{number}</SN><DeviceID>{id}</DeviceID><StartAlarmPriority>0</StartAlarmPriority>\
         <EndAlarmPriority>0</EndAlarmPriority><AlarmMethod>0</AlarmMethod></Query>"
    );
    subscribe(uri, &body)
}

/// "Tell us where you are, so often."
pub(super) fn subscribe_position(uri: &str, id: &str, number: u64, interval_s: u64) -> Message {
    let body = format!(
        "<Query><CmdType>MobilePosition</CmdType><SN>{number}</SN><DeviceID>{id}</DeviceID><Interval>{interval_s}</Interval></Query>"
    );
    subscribe(uri, &body)
}
