//! How long a text message is, as the networks count.
//!
//! In: a text.   Out: characters and parts; the text cut to a number of characters.   Source: 3GPP TS 23.038 (the 7-bit alphabet) and
//! TS 23.040 (parts): 160 or 70 characters in one part, 153 or 67 in each of several.

/// How a message is written on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// The 7-bit alphabet of GSM: Latin letters, digits and some signs.
    Gsm7,
    /// 16 bits a character: whatever holds Chinese.
    Ucs2,
}

/// Length of a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsLength {
    /// How it is written.
    pub coding: Coding,
    /// Units of that writing: septets, or 16-bit units.
    pub units: usize,
    /// Parts that are paid for.
    pub parts: usize,
}

const GSM7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// These take two septets.
const GSM7_EXTENDED: &str = "^{}\\[~]|€\u{c}";

impl SmsLength {
    /// Counts a text.
    pub fn of(text: &str) -> Self {
        let septets = text.chars().try_fold(0, |sum, c| match c {
            c if GSM7.contains(c) => Some(sum + 1),
            c if GSM7_EXTENDED.contains(c) => Some(sum + 2),
            _ => None,
        });
        let (coding, units, single, each) = match septets {
            Some(units) => (Coding::Gsm7, units, 160, 153),
            None => (Coding::Ucs2, text.encode_utf16().count(), 70, 67),
        };
        let parts = if units <= single { 1 } else { units.div_ceil(each) };
        Self { coding, units, parts }
    }
}

/// The text, cut to so many parts with `…` at its end where it is longer. Nothing that is said is cut in the middle of a character.
pub fn shorten(text: &str, parts: usize) -> String {
    shorten_before(text, "", parts)
}

/// The same with something after it that is not cut.
pub fn shorten_before(text: &str, after: &str, parts: usize) -> String {
    let whole = format!("{text}{after}");
    if SmsLength::of(&whole).parts <= parts {
        return whole;
    }
    // `…` is no letter of GSM: what is cut counts 16 bits a character.
    let most = if parts <= 1 { 70 } else { parts * 67 };
    let mut units = 1 + after.encode_utf16().count();
    let kept = text.chars().take_while(|c| {
        units += c.len_utf16();
        units <= most
    });
    let mut cut: String = kept.collect();
    cut.push('…');
    cut + after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_counts_seventy_then_sixty_seven_a_part_and_latin_a_hundred_and_sixty() {
        let of = |text: &str| {
            let SmsLength { coding, units, parts } = SmsLength::of(text);
            (coding, units, parts)
        };
        assert_eq!(of(&"草".repeat(70)), (Coding::Ucs2, 70, 1));
        assert_eq!(of(&"草".repeat(71)), (Coding::Ucs2, 71, 2));
        assert_eq!(of(&"草".repeat(134)), (Coding::Ucs2, 134, 2));
        assert_eq!(of(&"草".repeat(135)), (Coding::Ucs2, 135, 3));
        assert_eq!(of(&"a".repeat(160)), (Coding::Gsm7, 160, 1));
        assert_eq!(of(&"a".repeat(161)), (Coding::Gsm7, 161, 2));
        assert_eq!(of(&"[".repeat(81)), (Coding::Gsm7, 162, 2), "a bracket takes two");
        assert_eq!(of("𠮷"), (Coding::Ucs2, 2, 1), "beyond the plane: two units");
    }

    #[test]
    fn what_is_too_long_is_cut_to_whole_characters_and_says_so() {
        assert_eq!(shorten("短", 1), "短");
        for parts in 1..4 {
            for text in ["草".repeat(500), "𠮷".repeat(300), "a".repeat(900)] {
                let cut = shorten(&text, parts);
                assert!(SmsLength::of(&cut).parts == parts && cut.ends_with('…'), "{parts} {cut}");
                let cut = shorten_before(&text, " https://a.example/b", parts);
                assert!(SmsLength::of(&cut).parts == parts && cut.ends_with("… https://a.example/b"), "{parts} {cut}");
            }
        }
    }
}
