//! How the text of a shapefile is encoded.
//!
//! In: what the caller, the `.cpg` file or the DBF's language byte says, and the text itself.   Out: an [`Encoding`].
//! Never: an error for bytes that are no text; they are replaced and counted.

use encoding_rs::{BIG5, GB18030, UTF_8, WINDOWS_1252};

/// One that surveyors here use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// Unicode.
    pub const UTF8: Self = Self(UTF_8);
    /// The national standard, of which GBK and GB2312 are parts.
    pub const GB18030: Self = Self(GB18030);

    /// By name, as on the command line or in a `.cpg` file: `gbk`, `GB18030`, `utf-8`, `936`, `65001`; `None` for a name
    /// that is none.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
        let name = name.trim_start_matches("ansi ").trim_start_matches("cp").trim_start_matches("windows-");
        match name {
            "936" | "54936" | "gbk" | "gb2312" | "gb18030" => Some(Self::GB18030),
            "65001" | "utf8" | "utf-8" => Some(Self::UTF8),
            "950" | "big5" => Some(Self(BIG5)),
            "1252" | "88591" | "iso-8859-1" | "iso8859_1" => Some(Self(WINDOWS_1252)),
            other => encoding_rs::Encoding::for_label(other.as_bytes()).map(Self),
        }
    }

    /// By the language driver byte of a DBF's header; 0 and what is unknown say nothing.
    pub(crate) fn of_language(byte: u8) -> Option<Self> {
        match byte {
            0x4d | 0x7a => Some(Self::GB18030),
            0x4f | 0x78 => Some(Self(BIG5)),
            _ => None,
        }
    }

    /// By the bytes: UTF-8 is hardly ever met by chance, and what else is written here is GBK.
    pub(crate) fn detect<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut seen = None;
        for text in texts.filter(|text| !text.is_ascii()) {
            match std::str::from_utf8(text) {
                // A field of fixed width may end within a character.
                Ok(_) => seen = Some(Self::UTF8),
                Err(error) if error.error_len().is_none() && error.valid_up_to() > 3 => seen = Some(Self::UTF8),
                Err(_) => return Some(Self::GB18030),
            }
        }
        seen
    }

    /// The text, and whether something in it had to be replaced. What a fixed width cut off at the end is left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> (String, bool) {
        let (text, replaced) = self.0.decode_without_bom_handling(bytes);
        if !replaced {
            return (text.into_owned(), false);
        }
        let shorter = (1..4).filter_map(|cut| bytes.len().checked_sub(cut)).filter_map(|len| bytes.get(..len));
        for bytes in shorter {
            let (text, replaced) = self.0.decode_without_bom_handling(bytes);
            if !replaced {
                return (text.into_owned(), false);
            }
        }
        (text.into_owned(), true)
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], want: Option<Encoding>) {
        assert_eq!(Encoding::detect([bytes].into_iter()), want);
    }

    #[test]
    fn chinese_names_are_told_apart_by_their_bytes() {
        check("禁牧区".as_bytes(), Some(Encoding::UTF8));
        check(&GB18030.encode("禁牧区").0, Some(Encoding::GB18030));
        check(b"plain", None);
        check(&"草畜平衡区草".as_bytes()[..16], Some(Encoding::UTF8));
    }

    #[test]
    fn a_field_cut_within_a_character_loses_that_character_only() {
        assert_eq!(Encoding::UTF8.decode(&"禁牧区".as_bytes()[..8]), ("禁牧".to_owned(), false));
        assert_eq!(Encoding::GB18030.decode(&GB18030.encode("禁牧区").0[..5]), ("禁牧".to_owned(), false));
        assert!(Encoding::UTF8.decode(&GB18030.encode("禁牧区").0).1);
    }

    #[test]
    fn the_names_that_programs_write_are_known() {
        for name in ["GBK", "936", "GB2312", "gb18030", "ANSI 936", "cp936"] {
            assert_eq!(Encoding::parse(name), Some(Encoding::GB18030), "{name}");
        }
        for name in ["UTF-8", "utf8", "65001", "\u{feff}UTF-8\r\n"] {
            assert_eq!(Encoding::parse(name), Some(Encoding::UTF8), "{name}");
        }
        assert_eq!(Encoding::parse("klingon"), None);
    }
}
