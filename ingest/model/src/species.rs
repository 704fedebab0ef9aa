/// What was seen. Vehicles and dogs are not livestock but are worth telling apart from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Species {
    /// 绵羊
    Sheep,
    /// 山羊
    Goat,
    /// 牛
    Cattle,
    /// 马
    Horse,
    /// 骆驼
    Camel,
    /// 驴
    Donkey,
    /// 骡
    Mule,
    /// 人
    Person,
    /// 车辆
    Vehicle,
    /// 狗
    Dog,
    /// Livestock that the device could not name.
    Unknown,
}

impl Species {
    /// Every species, in the order of the contract.
    pub const ALL: [Self; 11] = [
        Self::Sheep,
        Self::Goat,
        Self::Cattle,
        Self::Horse,
        Self::Camel,
        Self::Donkey,
        Self::Mule,
        Self::Person,
        Self::Vehicle,
        Self::Dog,
        Self::Unknown,
    ];

    /// As written in payloads and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sheep => "sheep",
            Self::Goat => "goat",
            Self::Cattle => "cattle",
            Self::Horse => "horse",
            Self::Camel => "camel",
            Self::Donkey => "donkey",
            Self::Mule => "mule",
            Self::Person => "person",
            Self::Vehicle => "vehicle",
            Self::Dog => "dog",
            Self::Unknown => "unknown",
        }
    }

    /// `None` for a word that is no species.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|species| species.as_str() == word)
    }

    /// Whether it grazes. An unknown animal is taken for livestock: an officer looks, nobody is fined unseen.
    pub fn grazes(self) -> bool {
        !matches!(self, Self::Person | Self::Vehicle | Self::Dog)
    }

    /// Sheep units of one adult (K 二(二)1: sheep and goat 1, cattle 5, horse 6, camel 7, donkey 3, mule 5). `None` for what
    /// does not graze; an unknown animal counts as the smallest, 1, at the low end (see [`Species::sheep_units_high`]).
    pub fn sheep_units_low(self) -> Option<u32> {
        match self {
            Self::Sheep | Self::Goat | Self::Unknown => Some(1),
            Self::Cattle | Self::Mule => Some(5),
            Self::Horse => Some(6),
            Self::Camel => Some(7),
            Self::Donkey => Some(3),
            Self::Person | Self::Vehicle | Self::Dog => None,
        }
    }

    /// The same at the high end: an unknown animal may be a camel.
    pub fn sheep_units_high(self) -> Option<u32> {
        if self == Self::Unknown { Some(7) } else { self.sheep_units_low() }
    }
}

/// A count or a sum that is not known exactly: both ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval {
    /// At least.
    pub low: u64,
    /// At most; [`Interval::OPEN`] where nothing says how many at most.
    pub high: u64,
}

impl Interval {
    /// The upper end that is not known. As a number it is larger than any count, so sums and products of it stay it if they saturate.
    pub const OPEN: u64 = u64::MAX;

    /// So many, and nobody knows how many more.
    pub fn at_least(low: u64) -> Self {
        Self { low, high: Self::OPEN }
    }

    /// At most, if that is known.
    pub fn at_most(self) -> Option<u64> {
        (self.high != Self::OPEN).then_some(self.high)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { low: self.low.saturating_add(other.low), high: self.high.saturating_add(other.high) }
    }
}
