//! Which fields the decoder reads, taken from its own sources: its wire structs are private, as they should be.

use super::schema::PAYLOAD_INDEX;
use crate::readme::read;
use model::Quantity;
use std::collections::BTreeSet;

/// The fields of a struct that the decoder reads, those of the structs inside it behind a dot.
pub(crate) fn read_fields(source: &str, name: &str) -> BTreeSet<String> {
    let start = format!("struct {name} {{\n");
    let body = source.split(&start).nth(1).unwrap_or_else(|| panic!("the decoder has no struct {name} any more"));
    let mut fields = BTreeSet::new();
    let mut renamed = None;
    for line in body.split("\n}").next().unwrap().lines().map(str::trim) {
        if line.starts_with("#[") {
            renamed = line.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
            continue;
        }
        let Some((field, kind)) = line.split_once(": ").filter(|_| !line.starts_with("//")) else { continue };
        let field = renamed.take().unwrap_or(field.trim_start_matches("pub "));
        fields.insert(field.to_owned());
        let inner = kind.trim_start_matches("Option<").trim_end_matches(['>', ',']);
        let below = match inner {
            "Values" => Quantity::all().map(|quantity| quantity.as_str().to_owned()).collect(),
            "Osd" => osd_fields(),
            // One word, not an object.
            "WireDatum" => BTreeSet::new(),
            wire if wire.starts_with("Wire") => read_fields(source, wire),
            _ => BTreeSet::new(),
        };
        fields.extend(below.into_iter().map(|name| format!("{field}.{name}")));
    }
    fields
}

/// The keys of an osd message are read one by one, and stand in a table.
fn osd_fields() -> BTreeSet<String> {
    let source = read("ingest/src/decode/dji/osd.rs");
    let table = source.split("match name {").nth(1).unwrap().split("_ =>").next().unwrap();
    let mut fields: BTreeSet<String> = table.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    fields.insert(PAYLOAD_INDEX.to_owned());
    for (field, inside) in [
        ("battery", "WireBattery"),
        ("position_state", "WirePositionState"),
        ("storage", "WireStorage"),
        (PAYLOAD_INDEX, "WireGimbal"),
    ] {
        assert!(fields.contains(field), "osd has lost {field}");
        fields.extend(read_fields(&source, inside).into_iter().map(|name| format!("{field}.{name}")));
    }
    fields
}
