//! What may be wrong with a value.
//!
//! In: what the checks found.   Out: [`Flags`], a set that is one byte.   Never: a check.

/// One thing that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// No such value was ever measured in this climate.
    Range,
    /// It cannot have changed that much since the last one that was believed.
    Rate,
    /// It has been exactly the same for longer than such a quantity ever is.
    Stuck,
    /// Nothing came for longer than three cadences before it. It says nothing against the value itself.
    Gap,
    /// Another quantity of the same station contradicts it.
    Cross,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 5] = [Self::Range, Self::Rate, Self::Stuck, Self::Gap, Self::Cross];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Rate => "rate",
            Self::Stuck => "stuck",
            Self::Gap => "gap",
            Self::Cross => "cross",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Range => 1,
            Self::Rate => 2,
            Self::Stuck => 4,
            Self::Gap => 8,
            Self::Cross => 16,
        }
    }
}

/// Everything that may be wrong with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u8);

impl Flags {
    /// The same with one more.
    #[must_use]
    pub fn with(self, flag: Flag) -> Self {
        Self(self.0 | flag.bit())
    }

    /// The same with one more, if it is so.
    #[must_use]
    pub fn with_if(self, flag: Flag, is_so: bool) -> Self {
        if is_so { self.with(flag) } else { self }
    }

    /// Whether it is among them.
    pub fn has(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the value can be believed. A gap before it is about the time before it: stations that speak less often than the registry
    /// says would otherwise never be believed.
    pub fn is_sound(self) -> bool {
        self.0 & !Flag::Gap.bit() == 0
    }

    /// Those that are set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.has(*flag))
    }
}
