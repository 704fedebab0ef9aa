//! XML of devices: bytes in whatever charset -> a tree of names, attributes and texts.
//!
//! In:  a message's body.   Out: [`Document`], or what is wrong with it. Says nothing of what elements mean: [`super::manscdp`],
//! [`super::isapi`] and [`super::onvif`] do.
//!
//! Namespaces are not looked at: devices get them wrong, and the local names of these protocols do not clash. Real devices declare
//! GB2312 and write UTF-8, or the other way round: the bytes decide. Never more than [`ELEMENTS_MAX`] elements, [`DEPTH_MAX`]
//! levels or [`TEXT_MAX`] bytes of one text; no entity but XML's own, so nothing that grows.

use encoding_rs::GB18030;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::ops::Range;

/// A page of a catalogue has a few hundred; a recorder that sends all 256 channels at once some eight thousand.
const ELEMENTS_MAX: usize = 32_768;
/// SOAP around a notification is ten levels deep, an alarm's parameters four.
const DEPTH_MAX: usize = 32;
/// Longer than any name or description of the standards.
const TEXT_MAX: usize = 4_096;
/// Longer than any element's name.
const NAME_BYTES_MAX: usize = 64;
/// More than any element of these protocols has.
const ATTRIBUTES_MAX: usize = 64;

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    /// Without its namespace.
    pub name: String,
    /// Likewise, in order.
    pub attributes: Vec<(String, String)>,
    /// Its own text, trimmed.
    pub text: String,
    pub children: Vec<Element>,
    /// Where it stands in [`Document::text`].
    span: Range<usize>,
}

impl Element {
    /// An empty one that stands nowhere.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element at a path below this one, for example `Info/AlarmType`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| element.child(name))
    }

    /// The text there, unless it is empty.
    pub(crate) fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).map(|element| element.text.as_str()).filter(|text| !text.is_empty())
    }

    /// An attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// This element and everything in it, in the order in which it is written.
    pub(crate) fn all(&self) -> Vec<&Self> {
        fn gather<'a>(element: &'a Element, found: &mut Vec<&'a Element>) {
            found.push(element);
            element.children.iter().for_each(|child| gather(child, found));
        }
        let mut found = Vec::new();
        gather(self, &mut found);
        found
    }
}

/// A whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    text: Cow<'a, str>,
    /// Its one element.
    pub root: Element,
}

impl Document<'_> {
    /// An element as it was written (in UTF-8).
    pub(crate) fn written(&self, element: &Element) -> &str {
        self.text.get(element.span.clone()).unwrap_or_default()
    }
}

/// Reads a document.
pub(crate) fn read(body: &[u8]) -> Result<Document<'_>, String> {
    let text = text_of(body);
    let root = tree(&text)?;
    Ok(Document { text, root })
}

fn tree(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    // Device firmware forgets to escape; what cannot be closed by name is still a message that says something.
    reader.config_mut().allow_dangling_amp = true;
    let mut reading = Reading::default();
    loop {
        let begin = position(&reader);
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(element) => reading.open(&element, begin)?,
            Event::Empty(element) => {
                reading.open(&element, begin)?;
                reading.close(position(&reader));
            }
            Event::End(_) => reading.close(position(&reader)),
            Event::Text(text) => reading.text(&text)?,
            Event::CData(text) => reading.text(&text)?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned);
                reading.text(&character.or(known).unwrap_or_default())?;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    reading.root.ok_or_else(|| "it is cut off".to_owned())
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// The text of a body: UTF-8 if the bytes are that, else GB 18030, which contains GB2312 and GBK.
pub(crate) fn text_of(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => GB18030.decode_without_bom_handling(body).0,
    }
}

#[derive(Default)]
struct Reading {
    /// Open elements, the root first.
    open: Vec<Element>,
    count: usize,
    root: Option<Element>,
}

impl Reading {
    fn open(&mut self, element: &BytesStart<'_>, begin: usize) -> Result<(), String> {
        let name = element.local_name().as_ref().to_owned();
        if self.root.is_some() {
            return Err("it goes on after its end".to_owned());
        }
        if self.open.len() >= DEPTH_MAX || name.len() > NAME_BYTES_MAX {
            return Err("it is nested too deeply, or a name is too long".to_owned());
        }
        self.count += 1;
        if self.count > ELEMENTS_MAX {
            return Err("it has too many elements".to_owned());
        }
        let attributes = attributes(element)?;
        self.open.push(Element { name, attributes, span: begin..begin, ..Element::default() });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        let Some(element) = self.open.last_mut() else {
            // Some firmware counts the NUL behind its text.
            let is_blank = text.chars().all(|c| c.is_whitespace() || c == '\0');
            return if is_blank { Ok(()) } else { Err("there is text outside its element".to_owned()) };
        };
        if element.text.len() + text.len() > TEXT_MAX {
            return Err("a text is too long".to_owned());
        }
        element.text.push_str(text);
        Ok(())
    }

    fn close(&mut self, end: usize) {
        let Some(mut element) = self.open.pop() else { return };
        element.text = element.text.trim().to_owned();
        element.span.end = end;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    // What is no attribute is skipped: firmware writes stray quotes.
    for attribute in element.attributes().flatten().take(ATTRIBUTES_MAX) {
        if attribute.value.len() > TEXT_MAX {
            return Err("a text is too long".to_owned());
        }
        let value = quick_xml::escape::unescape(&attribute.value).unwrap_or_else(|_| attribute.value.clone());
        found.push((attribute.key.local_name().as_ref().to_owned(), value.trim().to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_path_and_in_their_order_and_shown_as_they_were_written() {
        let xml = "<?xml version=\"1.0\"?><a:r xmlns:a=\"x\"><b k=\" 1&amp;2 \">t<c/>u</b><b>v</b></a:r>";
        let document = read(xml.as_bytes()).unwrap();
        let root = &document.root;
        assert_eq!((root.name.as_str(), root.text_at("b")), ("r", Some("tu")));
        assert_eq!(root.child("b").unwrap().attribute("k"), Some("1&2"));
        assert_eq!(root.all().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["r", "b", "c", "b"]);
        assert_eq!(document.written(root.at("b/c").unwrap()), "<c/>");
        assert_eq!(document.written(&root.children[1]), "<b>v</b>");
        assert_eq!((root.at("b/d"), root.text_at("b/c")), (None, None));
    }

    #[test]
    fn an_entity_of_ones_own_is_nothing_and_cannot_grow() {
        let bomb = "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><r>&b;&lt;&#x41;</r>";
        assert_eq!(read(bomb.as_bytes()).unwrap().root.text, "<A");
        let outside = "<!DOCTYPE r [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><r>&f;</r>";
        assert_eq!(read(outside.as_bytes()).unwrap().root.text, "");
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let deep = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
        assert!(read(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert!(read(deep(DEPTH_MAX + 1).as_bytes()).is_err());
        let wide = |count: usize| format!("<r>{}</r>", "<a/>".repeat(count - 1));
        assert!(read(wide(ELEMENTS_MAX).as_bytes()).is_ok());
        assert!(read(wide(ELEMENTS_MAX + 1).as_bytes()).is_err());
        let long = |bytes: usize| format!("<r>{}</r>", "x".repeat(bytes));
        assert!(read(long(TEXT_MAX).as_bytes()).is_ok());
        for bad in [&long(TEXT_MAX + 1), "<a", "<a></b>", "<a/><b/>", "<a/>x", "x", ""] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
