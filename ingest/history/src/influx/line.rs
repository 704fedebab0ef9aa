//! One point as one line of line protocol.
//!
//! In: names and values of any kind, hostile ones included. Out: a line that every parser reads as exactly one point, or
//! nothing if there is no field to write.
//!
//! The format has no escape for a line break or a control character, and a backslash at the end of a name would escape the
//! delimiter after it. So in names and tags these become `_`, in string fields a space; nothing of what is left can begin a
//! second line, tag or field. Numbers that the format cannot hold (NaN, infinities, integers beyond `i64`) are left out
//! rather than bent.

use model::Timestamp;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum FieldValue<'a> {
    Float(f64),
    Unsigned(u64),
    Text(&'a str),
}

/// A line in the making.
#[derive(Debug, Clone)]
pub(super) struct Line {
    head: String,
    fields: String,
}

impl Line {
    pub(super) fn new(measurement: &str) -> Self {
        let mut head = String::new();
        // A line that begins with # is a comment.
        let (first, rest) = measurement.strip_prefix('#').map_or(("", measurement), |rest| ("_", rest));
        head.push_str(first);
        push_name(&mut head, rest, &[',', ' ']);
        Self { head, fields: String::new() }
    }

    /// A tag with an empty name or value is left out: the format has none.
    pub(super) fn tag(mut self, name: &str, value: &str) -> Self {
        if !name.is_empty() && !value.is_empty() {
            self.head.push(',');
            push_name(&mut self.head, name, &[',', '=', ' ']);
            self.head.push('=');
            push_name(&mut self.head, value, &[',', '=', ' ']);
        }
        self
    }

    pub(super) fn field(mut self, name: &str, value: FieldValue<'_>) -> Self {
        let Some(value) = written(value).filter(|_| !name.is_empty()) else { return self };
        if !self.fields.is_empty() {
            self.fields.push(',');
        }
        push_name(&mut self.fields, name, &[',', '=', ' ']);
        self.fields.push('=');
        self.fields.push_str(&value);
        self
    }

    /// A float field if there is one.
    pub(super) fn float(self, name: &str, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.field(name, FieldValue::Float(value)),
            None => self,
        }
    }

    /// The line without a line break; `None` if it has no measurement or no field.
    pub(super) fn finish(self, ts: Timestamp) -> Option<String> {
        let Self { head, fields } = self;
        let writable = !fields.is_empty() && !head.is_empty() && !head.starts_with(',');
        writable.then(|| format!("{head} {fields} {}", ts.as_millis()))
    }
}

fn push_name(out: &mut String, name: &str, delimiters: &[char]) {
    for c in name.chars() {
        if c.is_control() || c == '\\' {
            out.push('_');
            continue;
        }
        if delimiters.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
}

fn written(value: FieldValue<'_>) -> Option<String> {
    match value {
        // The debug form, since `1e300` is shorter than 301 digits; parsers take both.
        FieldValue::Float(value) => value.is_finite().then(|| format!("{value:?}")),
        // A signed integer: servers before 2 do not know unsigned ones.
        FieldValue::Unsigned(value) => i64::try_from(value).ok().map(|value| format!("{value}i")),
        FieldValue::Text(text) => Some(quoted(text)),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out.push('"');
    out
}
