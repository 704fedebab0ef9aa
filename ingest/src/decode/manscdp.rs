//! MANSCDP, the XML inside the messages of GB/T 28181: bytes in whatever charset -> paths and texts.
//!
//! In:  a message's body.   Out: [`Manscdp`], or why it is none. Says nothing of what the fields mean ([`super::gb28181`]), so
//! that the listener can ask whom a message is about without knowing more.
//!
//! Real devices declare GB2312 and write UTF-8, or the other way round: the bytes decide. Never more than [`FIELDS_MAX`] fields,
//! [`DEPTH_MAX`] levels or [`TEXT_MAX`] bytes of one text; no entity but XML's own.

use super::fields::short;
use encoding_rs::GB18030;
use model::Reject;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// A page of a catalogue has a few hundred; a recorder that sends all 256 channels at once some eight thousand.
const FIELDS_MAX: usize = 16_384;
/// Alarm parameters are four levels deep.
const DEPTH_MAX: usize = 12;
/// Longer than any name or description of the standard.
const TEXT_MAX: usize = 4_096;

/// A message: its kind, and every element that holds text by its path below the root, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Manscdp {
    /// `Notify`, `Response`, `Query` or `Control`.
    pub root: String,
    fields: Vec<(String, String)>,
}

impl Manscdp {
    /// Reads a body.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Reject> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Reject::Empty);
        }
        let text = text_of(body);
        let mut reader = Reader::from_str(&text);
        // Device firmware forgets to escape; what cannot be closed by name is still a message that says something.
        reader.config_mut().allow_dangling_amp = true;
        let mut reading = Reading::default();
        loop {
            match reader.read_event().map_err(|error| malformed(&error.to_string()))? {
                Event::Start(element) => reading.open(&element)?,
                Event::Empty(element) => {
                    reading.open(&element)?;
                    reading.close()?;
                }
                Event::End(_) => reading.close()?,
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
        reading.end()
    }

    /// The first text at a path below the root, for example `Info/AlarmType`.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.fields.iter().find(|(at, _)| at == path).map(|(_, text)| text.as_str())
    }

    /// Every text at a path.
    pub(crate) fn all<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(at, _)| at == path).map(|(_, text)| text.as_str())
    }

    /// The command that names the kind of message.
    pub(crate) fn command(&self) -> Option<&str> {
        self.get("CmdType")
    }

    /// The sender's number of the message.
    pub(crate) fn number(&self) -> Option<u64> {
        self.get("SN").and_then(|number| number.parse().ok())
    }

    /// Whom it is about.
    pub(crate) fn device_id(&self) -> Option<&str> {
        self.get("DeviceID")
    }

    /// The items of a catalogue: each one's id, and its `Status` and `Event` where it states them.
    pub(crate) fn items(&self) -> Vec<Item<'_>> {
        let mut items: Vec<Item<'_>> = Vec::new();
        for (path, text) in &self.fields {
            match path.as_str() {
                // Every item begins with its id.
                "DeviceList/Item/DeviceID" => items.push(Item { id: text, status: None, event: None }),
                "DeviceList/Item/Status" => {
                    items.last_mut().into_iter().for_each(|item| item.status = Some(text));
                }
                "DeviceList/Item/Event" => {
                    items.last_mut().into_iter().for_each(|item| item.event = Some(text));
                }
                _ => {}
            }
        }
        items
    }
}

/// One entry of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    /// Its 20 digits (fewer for regions).
    pub id: &'a str,
    status: Option<&'a str>,
    event: Option<&'a str>,
}

impl Item<'_> {
    /// Whether it works, if the entry says so.
    pub(crate) fn works(&self) -> Option<bool> {
        let word = self.event.or(self.status)?.to_ascii_uppercase();
        match word.as_str() {
            "ON" | "OK" | "ADD" | "UPDATE" | "ONLINE" => Some(true),
            "OFF" | "OFFLINE" | "VLOST" | "DEFECT" | "DEL" => Some(false),
            _ => None,
        }
    }
}

/// The text of a body: UTF-8 if the bytes are that, else GB 18030, which contains GB2312 and GBK.
fn text_of(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => GB18030.decode_without_bom_handling(body).0,
    }
}

fn malformed(what: &str) -> Reject {
    Reject::Malformed(short(&format!("MANSCDP: {what}")))
}

#[derive(Default)]
struct Reading {
    root: String,
    /// Names of the open elements, the root included.
    open: Vec<String>,
    /// Text of the innermost open element so far.
    text: String,
    done: Vec<(String, String)>,
    closed: bool,
}

impl Reading {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), Reject> {
        let name = element.local_name().as_ref().to_owned();
        if self.closed {
            return Err(malformed("it goes on after its end"));
        }
        if self.open.len() >= DEPTH_MAX || name.len() > 64 {
            return Err(malformed("it is nested too deeply, or a name is too long"));
        }
        if self.open.is_empty() {
            self.root.clone_from(&name);
        }
        self.open.push(name);
        self.text.clear();
        // Some firmware writes the first fields as attributes of the root.
        for attribute in element.attributes().flatten() {
            let key = attribute.key.local_name().as_ref().to_owned();
            let value = attribute.value.trim().to_owned();
            if self.open.len() == 1 && matches!(key.as_str(), "CmdType" | "SN" | "DeviceID") {
                self.push(key, value)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Reject> {
        if self.text.len() + text.len() > TEXT_MAX {
            return Err(malformed("a text is too long"));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Reject> {
        let path = self.open.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join("/");
        let text = std::mem::take(&mut self.text);
        self.open.pop();
        self.closed = self.open.is_empty();
        let text = text.trim();
        if path.is_empty() || text.is_empty() { Ok(()) } else { self.push(path, text.to_owned()) }
    }

    fn push(&mut self, path: String, text: String) -> Result<(), Reject> {
        if self.done.len() >= FIELDS_MAX {
            return Err(malformed("it has too many fields"));
        }
        self.done.push((path, text));
        Ok(())
    }

    fn end(self) -> Result<Manscdp, Reject> {
        if !self.closed {
            return Err(malformed("it is cut off"));
        }
        Ok(Manscdp { root: self.root, fields: self.done })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: &str = "15252500401320000001";

    #[test]
    fn fields_are_found_by_their_path_whether_elements_or_attributes() {
        let plain = Manscdp::read(
            b"<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<Notify><CmdType>Keepalive</CmdType><SN>8217</SN>\
              <DeviceID>15252500401320000001</DeviceID><Status>OK</Status><Info><DeviceID>1</DeviceID><DeviceID>2</DeviceID></Info></Notify>\r\n",
        )
        .unwrap();
        assert_eq!((plain.root.as_str(), plain.command(), plain.number()), ("Notify", Some("Keepalive"), Some(8_217)));
        assert_eq!(plain.device_id(), Some(CAMERA));
        assert_eq!(plain.all("Info/DeviceID").collect::<Vec<_>>(), ["1", "2"]);
        let short = Manscdp::read(
            b"<Notify CmdType=\"Keepalive\" SN=\"43\"><DeviceID>15252500401320000001</DeviceID></Notify>",
        );
        let short = short.unwrap();
        assert_eq!((short.command(), short.number(), short.device_id()), (Some("Keepalive"), Some(43), Some(CAMERA)));
    }

    #[test]
    fn the_bytes_decide_the_charset_and_not_the_declaration() {
        for declared in ["GB2312", "UTF-8", "GB18030"] {
            let xml = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?><Notify><Text>牛羊入侵</Text></Notify>");
            assert_eq!(Manscdp::read(xml.as_bytes()).unwrap().get("Text"), Some("牛羊入侵"), "{declared}");
            let (bytes, _, _) = encoding_rs::GBK.encode(&xml);
            assert_eq!(Manscdp::read(&bytes).unwrap().get("Text"), Some("牛羊入侵"), "{declared}");
        }
        // 䶮 is in GB 18030 as four bytes and not in GB2312.
        let (bytes, _, _) = GB18030.encode("<Notify><Text>䶮&amp;&#x7f8a; A&B</Text></Notify>");
        assert_eq!(Manscdp::read(&bytes).unwrap().get("Text"), Some("䶮&羊 A&B"));
    }

    #[test]
    fn a_catalogue_gives_its_items_with_what_they_say_of_themselves() {
        let catalogue = Manscdp::read(
            b"<Response><CmdType>Catalog</CmdType><DeviceList Num=\"3\"><Item><DeviceID>1</DeviceID><Status>ON</Status></Item>\
              <Item><DeviceID>2</DeviceID><Status>OFF</Status></Item><Item><DeviceID>3</DeviceID><Event>VLOST</Event></Item></DeviceList></Response>",
        )
        .unwrap();
        let items: Vec<_> = catalogue.items().iter().map(|item| (item.id.to_owned(), item.works())).collect();
        assert_eq!(items, [("1".into(), Some(true)), ("2".into(), Some(false)), ("3".into(), Some(false))]);
    }

    #[test]
    fn what_is_no_message_is_refused_with_a_reason() {
        assert_eq!(Manscdp::read(b" \r\n"), Err(Reject::Empty));
        for bad in ["<Notify>", "text", "<a></b>", "<a/><b/>", "\u{0}\u{1}"] {
            assert!(matches!(Manscdp::read(bad.as_bytes()), Err(Reject::Malformed(_))), "{bad}");
        }
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        assert!(matches!(Manscdp::read(deep.as_bytes()), Err(Reject::Malformed(_))));
        let long = format!("<a><b>{}</b></a>", "x".repeat(TEXT_MAX + 1));
        assert!(matches!(Manscdp::read(long.as_bytes()), Err(Reject::Malformed(_))));
    }
}
