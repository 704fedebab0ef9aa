//! XML as it is written: elements and text, escaped.
//!
//! In: names of elements, which are ours, and texts, which may be anybody's.   Out: well-formed XML 1.0.   Never: a character that
//! XML 1.0 does not have, whoever typed it.

use quick_xml::escape::escape;

/// A document that grows.
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// An element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.0.push_str(&format!("<{name}>{}</{name}>\n", escape(clean(text))));
    }

    /// An element with elements in it; `attributes` as written.
    pub(super) fn within(&mut self, name: &str, attributes: &str, inside: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<{name}{attributes}>\n"));
        inside(self);
        self.0.push_str(&format!("</{name}>\n"));
    }

    /// `eventCode`, `parameter` and `geocode` all look like this.
    pub(super) fn pair(&mut self, name: &str, value_name: &str, value: &str) {
        self.within(name, "", |xml| {
            xml.text("valueName", value_name);
            xml.text("value", value);
        });
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Without what XML 1.0 has no way to write.
fn clean(text: &str) -> String {
    let is_char = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    text.chars().filter(is_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_somebody_typed_stands_in_the_text_and_nowhere_else() {
        let mut xml = Xml::new();
        xml.within("a", " b=\"c\"", |xml| xml.text("t", "</t><x>&\"'\u{0}\u{8}\u{1f}\u{fffe}草\n"));
        let text = xml.finish();
        assert!(text.ends_with("<a b=\"c\">\n<t>&lt;/t&gt;&lt;x&gt;&amp;&quot;&apos;草\n</t>\n</a>\n"), "{text}");
    }
}
