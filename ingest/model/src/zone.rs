use crate::{GeoPoint, Timestamp, TownshipCode, ZoneId};

/// What a zone is, as the plan names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ZoneKind {
    /// 禁牧区: no grazing all year.
    NoGrazing,
    /// 草畜平衡区: grazing outside closures and within capacity.
    Balance,
    /// 项目区: a project area, as a no-grazing zone.
    Project,
    /// 林草重叠（一地两证）: one land with two titles.
    Overlap,
    /// 林地
    Forest,
    /// 国有林场
    ForestFarm,
    /// 自然保护区
    Reserve,
    /// 打草场: mown, not grazed.
    Meadow,
    /// 卡口
    Checkpoint,
    /// 辖区: only says whose land it is; nothing is closed by it.
    Jurisdiction,
}

impl ZoneKind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 10] = [
        Self::NoGrazing,
        Self::Balance,
        Self::Project,
        Self::Overlap,
        Self::Forest,
        Self::ForestFarm,
        Self::Reserve,
        Self::Meadow,
        Self::Checkpoint,
        Self::Jurisdiction,
    ];

    /// As written in GeoJSON and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoGrazing => "no-grazing",
            Self::Balance => "balance",
            Self::Project => "project",
            Self::Overlap => "overlap",
            Self::Forest => "forest",
            Self::ForestFarm => "forest-farm",
            Self::Reserve => "reserve",
            Self::Meadow => "meadow",
            Self::Checkpoint => "checkpoint",
            Self::Jurisdiction => "jurisdiction",
        }
    }

    /// `None` for a word that is no kind.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Which body enforces here unless the zone says otherwise (K 二(一)6, R 35, T 14).
    pub fn authority(self) -> Authority {
        match self {
            Self::Forest => Authority::ForestryBureau,
            Self::ForestFarm => Authority::ForestrySquadron,
            Self::Reserve => Authority::ReserveStation,
            _ => Authority::Township,
        }
    }
}

/// Who enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authority {
    /// 苏木乡镇人民政府
    Township,
    /// 旗林业和草原局
    ForestryBureau,
    /// 林草执法中队
    ForestrySquadron,
    /// 保护区管理站
    ReserveStation,
}

impl Authority {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Township => "township",
            Self::ForestryBureau => "forestry_bureau",
            Self::ForestrySquadron => "forestry_squadron",
            Self::ReserveStation => "reserve_station",
        }
    }
}

/// 地类
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LandClass {
    /// 草地
    Grassland,
    /// 林地
    Forest,
    /// 沙地
    SandyLand,
    /// Not stated.
    Unstated,
}

impl LandClass {
    /// As written in GeoJSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grassland => "grassland",
            Self::Forest => "forest",
            Self::SandyLand => "sandy-land",
            Self::Unstated => "unstated",
        }
    }

    /// Anything that is not named is [`LandClass::Unstated`].
    pub fn parse(word: &str) -> Self {
        [Self::Grassland, Self::Forest, Self::SandyLand]
            .into_iter()
            .find(|class| class.as_str() == word)
            .unwrap_or(Self::Unstated)
    }
}

/// A closed line of vertices; the first is not repeated at the end.
pub type Ring = Vec<GeoPoint>;

/// One piece of land: an outline without its holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polygon {
    /// The outline.
    pub exterior: Ring,
    /// What is cut out of it.
    pub holes: Vec<Ring>,
}

/// One version of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Shared by all versions.
    pub id: ZoneId,
    /// As officers call it.
    pub name: String,
    /// What it is.
    pub kind: ZoneKind,
    /// 地类
    pub land_class: LandClass,
    /// Whose township it lies in.
    pub township: Option<TownshipCode>,
    /// Grows with every published change.
    pub version: u32,
    /// The law's date: from when this version holds.
    pub in_force_from: Timestamp,
    /// When it was published to us.
    pub known_from: Timestamp,
    /// Its pieces.
    pub polygons: Vec<Polygon>,
}
