//! As much of JSON Schema as the AsyncAPI document uses. A word of it that is not understood here fails the test, so that
//! nothing in the document goes unchecked.

use serde_json::{Map, Value, json};

/// Stands for the key of a camera in an osd message, which is a pattern.
pub(crate) const PAYLOAD_INDEX: &str = "81-0-0";
const PAYLOAD_INDEX_PATTERN: &str = "^[0-9]+-[0-9]+-[0-9]+$";
const NAME_PATTERN: &str = "^[A-Za-z0-9._-]{0,64}$";

/// A document's schemas.
pub(crate) struct Schemas<'d>(&'d Value);

impl<'d> Schemas<'d> {
    pub(crate) fn of(document: &'d Value) -> Self {
        Self(document)
    }

    fn follow<'s>(&'s self, schema: &'s Value) -> &'s Map<String, Value> {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let schema = reference.map_or(schema, |reference| self.0.pointer(reference.trim_start_matches('#')).unwrap());
        schema.as_object().unwrap()
    }

    /// Every field with its path and schema, objects before what is in them.
    pub(crate) fn fields(&self, schema: &Value) -> Vec<(Vec<String>, Value)> {
        let mut fields = Vec::new();
        let schema = self.follow(schema);
        let objects = ["properties", "patternProperties"].into_iter().filter_map(|word| schema.get(word)?.as_object());
        for (name, field) in objects.flatten() {
            let name = if name == PAYLOAD_INDEX_PATTERN { PAYLOAD_INDEX } else { name };
            fields.push((vec![name.to_owned()], Value::Object(self.follow(field).clone())));
            for (mut path, below) in self.fields(field) {
                path.insert(0, name.to_owned());
                fields.push((path, below));
            }
        }
        fields
    }

    /// Whether the value fits the schema.
    pub(crate) fn allow(&self, schema: &Value, value: &Value) -> bool {
        self.follow(schema).iter().all(|(word, bound)| match word.as_str() {
            "description" | "x-unit" => true,
            "type" => match bound {
                Value::Array(kinds) => kinds.iter().any(|kind| is_a(kind, value)),
                kind => is_a(kind, value),
            },
            "minimum" => value.as_f64().is_none_or(|number| number >= bound.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= bound.as_f64().unwrap()),
            "exclusiveMaximum" => value.as_f64().is_none_or(|number| number < bound.as_f64().unwrap()),
            "enum" => bound.as_array().unwrap().contains(value),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= bound.as_u64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| fits(bound, text)),
            "format" => value.as_str().is_none_or(|text| has_format(bound, text)),
            "required" => value.as_object().is_none_or(|fields| names(bound).all(|name| fields.contains_key(name))),
            "items" => value.as_array().is_none_or(|items| items.iter().all(|item| self.allow(bound, item))),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= bound.as_u64().unwrap()),
            "minProperties" => value.as_object().is_none_or(|fields| fields.len() as u64 >= bound.as_u64().unwrap()),
            "anyOf" => bound.as_array().unwrap().iter().any(|branch| self.allow(branch, value)),
            "dependencies" => bound.as_object().unwrap().iter().all(|(name, needed)| {
                value.get(name).is_none() || names(needed).all(|needed| value.get(needed).is_some())
            }),
            "properties" => bound
                .as_object()
                .unwrap()
                .iter()
                .all(|(name, field)| value.get(name).is_none_or(|value| self.allow(field, value))),
            "patternProperties" => {
                let fields = value.as_object().into_iter().flatten();
                fields.filter(|(name, _)| is_payload_index(name)).all(|(_, value)| {
                    bound.as_object().unwrap().iter().all(|(pattern, field)| {
                        assert_eq!(pattern, PAYLOAD_INDEX_PATTERN);
                        self.allow(field, value)
                    })
                })
            }
            other => panic!("the document's schemas use `{other}`, which this test does not understand"),
        })
    }

    /// An example as it is with only one of the alternatives of `anyOf` that it shows, and with none of them.
    pub(crate) fn with_one_alternative_or_none(&self, schema: &Value, example: &Value) -> Vec<Value> {
        let alternatives = self.follow(schema).get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let branches: Vec<&Value> = alternatives.filter(|branch| branch.get("required").is_some()).collect();
        if branches.is_empty() {
            return Vec::new();
        }
        let needs = |branch: &Value| -> Vec<String> { names(&branch["required"]).map(str::to_owned).collect() };
        let keep_only = |kept: &[String]| {
            let fields = example.as_object().unwrap().iter();
            let stays =
                |name: &String| kept.contains(name) || !branches.iter().any(|other| needs(other).contains(name));
            let fields = fields.filter(|(name, _)| stays(name)).map(|(name, value)| (name.clone(), value.clone()));
            Value::Object(fields.collect())
        };
        let shown = branches.iter().filter(|branch| self.allow(branch, example));
        shown.map(|branch| keep_only(&needs(branch))).chain([keep_only(&[])]).collect()
    }
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap())
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("the document's schemas use the type `{other}`, which this test does not understand"),
    }
}

fn fits(pattern: &Value, text: &str) -> bool {
    assert_eq!(pattern, NAME_PATTERN);
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// A day, a time and a zone.
fn has_format(format: &Value, text: &str) -> bool {
    assert_eq!(format, "date-time");
    text.split_once('T').is_some_and(|(_, time)| time.ends_with('Z') || time.contains(['+', '-']))
}

fn is_payload_index(name: &str) -> bool {
    name.split('-').count() == 3 && name.split('-').all(|part| part.parse::<u32>().is_ok())
}

/// A JSON pointer.
pub(crate) fn pointer(path: &[String]) -> String {
    path.iter().map(|name| format!("/{name}")).collect()
}

/// The example with that field left out.
pub(crate) fn without(example: &Value, path: &[String]) -> Value {
    let mut payload = example.clone();
    let (name, parent) = path.split_last().unwrap();
    payload.pointer_mut(&pointer(parent)).and_then(Value::as_object_mut).unwrap().remove(name);
    payload
}

/// What is worth a try for a field: every type, every word, and the bounds from both sides.
pub(crate) fn values(schema: &Value) -> Vec<Value> {
    let Some(kind) = schema.get("type") else { return Vec::new() };
    let mut values = vec![Value::Null, json!(true), json!("12"), json!(17), json!(1.5), json!([1, 2, 3, 4]), json!({})];
    let is_whole = kind.to_string().contains("integer");
    for (bound, outward) in [("minimum", -1.0), ("maximum", 1.0)] {
        let Some(bound) = schema.get(bound) else { continue };
        values.extend([bound.clone(), beyond(bound, outward, is_whole)]);
    }
    values.extend(schema.get("exclusiveMaximum").cloned());
    if let Some(most) = schema.get("maxItems").and_then(Value::as_u64) {
        let items = |count: u64| (0..count).map(|number| json!({"ear_tag": number})).collect::<Vec<_>>();
        values.extend([json!([]), json!(items(most)), json!(items(most + 1)), json!([{}]), json!([["156"]])]);
    }
    for word in schema.get("enum").and_then(Value::as_array).into_iter().flatten() {
        values.push(word.clone());
    }
    for length in
        [schema.get("maxLength").and_then(Value::as_u64), schema.get("pattern").map(|_| 64)].into_iter().flatten()
    {
        let longest = "x".repeat(usize::try_from(length).unwrap());
        values.extend([json!(""), json!(longest), json!(longest + "x"), json!(-3), json!("a b")]);
    }
    if schema.get("format").is_some() {
        values.extend([json!("2025-04-01T08:30:00Z"), json!("2025-04-01T08:30:00.5+08:00")]);
        values.extend([json!("2025-04-01T08:30:00"), json!("2025-04-01")]);
    }
    values
}

/// The next number that is surely another one after it went through JSON: readers may be wrong in the last bit.
fn beyond(bound: &Value, outward: f64, is_whole: bool) -> Value {
    match bound.as_i64() {
        Some(whole) if is_whole => json!(if outward < 0.0 { whole - 1 } else { whole + 1 }),
        _ => {
            let bound = bound.as_f64().unwrap();
            json!(bound + outward * 1e-9 * bound.abs().max(1.0))
        }
    }
}
