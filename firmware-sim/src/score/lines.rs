//! Reads the truth that [`crate::truth`] wrote.
//!
//! In:  JSON lines.   Out: [`Truth`], or the line that is none.

use super::{By, HerdTruth, Sight, Stand, Truth};
use crate::ground::LatLon;
use crate::trial::Group;
use serde_json::Value;
use std::collections::BTreeMap;

/// A line that is no truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1.
    pub number: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of the truth {}; write it with `fleet --truth FILE`", self.number, self.reason)
    }
}

impl std::error::Error for BadLine {}

/// All lines of a file. A last line without an end was being written, and is left out if it cannot be read.
pub fn read_lines(text: &str) -> Result<Truth, BadLine> {
    let mut herds: BTreeMap<String, HerdTruth> = BTreeMap::new();
    let mut seen = Vec::new();
    let unfinished = !text.ends_with('\n');
    let count = text.lines().count();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let bad = |reason: String| BadLine { number: index + 1, reason };
        let value: Value = match serde_json::from_str(line) {
            Ok(value) => value,
            Err(_) if unfinished && index + 1 == count => break,
            Err(error) => return Err(bad(format!("is no JSON ({error})"))),
        };
        take(&value, &mut herds, &mut seen).map_err(|key| bad(format!("has no usable `{key}`")))?;
    }
    for herd in herds.values_mut() {
        herd.path.sort_by_key(|stand| stand.at_ms);
    }
    Ok(Truth { herds: herds.into_values().collect(), seen, clock_error_ms: 0 })
}

fn take(value: &Value, herds: &mut BTreeMap<String, HerdTruth>, seen: &mut Vec<Sight>) -> Result<(), &'static str> {
    let text = |key: &'static str| value.get(key).and_then(Value::as_str).ok_or(key);
    let number = |key: &'static str| value.get(key).and_then(Value::as_f64).ok_or(key);
    let at_ms = value.get("ts").and_then(Value::as_i64).ok_or("ts")?;
    let some_zone = |key: &'static str| value.get(key).and_then(Value::as_array).map(|ids| !ids.is_empty()).ok_or(key);
    let herd = text("herd")?;
    match text("what")? {
        "herd" => {
            let place = LatLon { lat: number("lat")?, lon: number("lon")? };
            let stand = Stand { at_ms, place, closed: some_zone("closed")?, touched: some_zone("touched")? };
            let known = match herds.get_mut(herd) {
                Some(known) => known,
                None => herds.entry(herd.to_owned()).or_insert(HerdTruth {
                    id: herd.to_owned(),
                    sheep_units: Group {
                        species: species(text("species")?),
                        count: number("count")? as u32,
                        young: number("young")? as u32,
                    }
                    .sheep_units(),
                    radius_m: number("radius_m")?,
                    path: Vec::new(),
                }),
            };
            known.path.push(stand);
        }
        what @ ("seen" | "fix") => seen.push(Sight {
            at_ms,
            arrived_ms: Some(at_ms),
            device: text("device")?.to_owned(),
            herd: herd.to_owned(),
            by: if what == "fix" { By::Collar } else { By::Picture },
            inside: some_zone("closed")?,
        }),
        _ => {}
    }
    Ok(())
}

fn species(name: &str) -> &'static str {
    ["sheep", "goat", "cattle", "horse", "camel", "donkey", "mule"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("sheep")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERD: &str = r#"{"what":"herd","ts":1,"herd":"h","species":"cattle","count":10,"young":2,"radius_m":30,"lat":43.3,"lon":117.5,"zones":["z"],"closed":["z"],"touched":["z"]}"#;

    #[test]
    fn herds_and_sights_are_read_and_a_torn_last_line_is_left_out() {
        let seen = r#"{"what":"seen","ts":2,"device":"cam-1","herd":"h","lat":43.3,"lon":117.5,"closed":[]}"#;
        let truth = read_lines(&format!("{HERD}\n{seen}\n{{\"what\":")).unwrap();
        assert_eq!((truth.herds.len(), truth.herds[0].sheep_units), (1, 45.0));
        assert!(truth.herds[0].path[0].closed && !truth.seen[0].inside);
    }

    #[test]
    fn a_bad_line_is_named_with_its_number() {
        let error = read_lines(&format!("{HERD}\nnonsense\n")).unwrap_err();
        assert_eq!(error.number, 2);
        assert_eq!(read_lines("{\"what\":\"herd\",\"ts\":1}\n").unwrap_err().reason, "has no usable `herd`");
    }
}
