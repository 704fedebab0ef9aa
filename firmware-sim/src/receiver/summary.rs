//! One readable line about a delivery.
//!
//! In:  the CloudEvent.   Out: for example `incident.opened  达来诺日镇4号禁牧区（演示）: 120-140 sheep, 14400-16800 yuan (estimate),
//! 43.30121 N 117.48002 E`. What is missing is left out; a strange body never fails.

use serde_json::Value;

/// The line.
pub fn summary(event: &Value) -> String {
    let kind = event.get("type").and_then(Value::as_str).unwrap_or("event");
    let mut line = kind.strip_prefix("steppewatch.").unwrap_or(kind).to_owned();
    let Some(data) = event.get("data") else { return line };
    let zones: Vec<&str> =
        items(data.get("zones")).filter_map(|zone| zone.get("name").or(zone.get("id"))?.as_str()).collect();
    if !zones.is_empty() {
        line += &format!("  {}", zones.join(", "));
    }
    let mut parts = Vec::new();
    for entry in items(data.get("species")) {
        if let (Some(name), Some(count)) = (entry.get("species").and_then(Value::as_str), interval(entry.get("count")))
        {
            parts.push(format!("{count} {name}"));
        }
    }
    parts.extend(interval(data.get("sheep_units")).map(|units| format!("{units} sheep units")));
    parts.extend(interval(data.get("fine_yuan")).map(|yuan| format!("{yuan} yuan (estimate)")));
    let degrees = |name: &str| data.get("position").and_then(|place| place.get(name)).and_then(Value::as_f64);
    if let (Some(lat), Some(lon)) = (degrees("lat"), degrees("lon")) {
        parts.push(format!("{lat:.5} N {lon:.5} E"));
    }
    if let Some(device) = data.get("device").and_then(Value::as_str) {
        parts.push(device.to_owned());
    }
    if !parts.is_empty() {
        line += &format!(": {}", parts.join(", "));
    }
    line
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn interval(value: Option<&Value>) -> Option<String> {
    let end = |name: &str| value?.get(name)?.as_f64();
    let (low, high) = (end("low")?, end("high")?);
    Some(if low == high { format!("{low}") } else { format!("{low}-{high}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_incident_is_told_in_one_line() {
        let event = json!({"type": "steppewatch.incident.opened", "data": {
            "zones": [{"id": "zone-04", "name": "4号禁牧区"}],
            "species": [{"species": "sheep", "count": {"low": 120, "high": 140}}],
            "fine_yuan": {"low": 14400, "high": 16800, "estimate": true},
            "position": {"lat": 43.301214, "lon": 117.48}}});
        assert_eq!(
            summary(&event),
            "incident.opened  4号禁牧区: 120-140 sheep, 14400-16800 yuan (estimate), 43.30121 N 117.48000 E"
        );
    }

    #[test]
    fn a_strange_body_still_gives_a_line() {
        assert_eq!(summary(&json!({"type": "other", "data": {"zones": 7}})), "other");
        assert_eq!(summary(&json!([])), "event");
    }
}
