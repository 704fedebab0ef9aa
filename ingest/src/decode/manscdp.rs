//! MANSCDP, the XML inside the messages of GB/T 28181: bytes in whatever charset -> paths and texts.
//!
//! In:  a message's body.   Out: [`Manscdp`], or why it is none. Says nothing of what the fields mean ([`super::gb28181`]), so
//! that the listener can ask whom a message is about without knowing more.
//!
//! Bounds, charsets and entities are [`xml`]'s.

use super::fields::short;
use super::xml::{self, Element};
use model::Reject;

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
        let root = xml::read(body).map_err(|fault| malformed(&fault))?.root;
        let mut fields = Vec::new();
        // Some firmware writes the first fields as attributes of the root.
        let first = |(key, _): &&(String, String)| matches!(key.as_str(), "CmdType" | "SN" | "DeviceID");
        fields.extend(root.attributes.iter().filter(first).cloned());
        root.children.iter().for_each(|child| gather(child, "", &mut fields));
        Ok(Self { root: root.name, fields })
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

fn malformed(what: &str) -> Reject {
    Reject::Malformed(short(&format!("MANSCDP: {what}")))
}

/// An element's text behind those of its children, each by its path.
fn gather(element: &Element, above: &str, fields: &mut Vec<(String, String)>) {
    let path = if above.is_empty() { element.name.clone() } else { format!("{above}/{}", element.name) };
    element.children.iter().for_each(|child| gather(child, &path, fields));
    if !element.text.is_empty() {
        fields.push((path, element.text.clone()));
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
        let (bytes, _, _) = encoding_rs::GB18030.encode("<Notify><Text>䶮&amp;&#x7f8a; A&B</Text></Notify>");
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
    }
}
