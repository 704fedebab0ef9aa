use crate::{GeoPoint, Timestamp, TownshipCode, ZoneId, area_mu};

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
    /// Every body.
    pub const ALL: [Self; 4] = [Self::Township, Self::ForestryBureau, Self::ForestrySquadron, Self::ReserveStation];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Township => "township",
            Self::ForestryBureau => "forestry_bureau",
            Self::ForestrySquadron => "forestry_squadron",
            Self::ReserveStation => "reserve_station",
        }
    }

    /// `None` for a word that is no body.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|body| body.as_str() == word)
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
    /// Every class that is stated.
    pub const STATED: [Self; 3] = [Self::Grassland, Self::Forest, Self::SandyLand];

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
        Self::STATED.into_iter().find(|class| class.as_str() == word).unwrap_or(Self::Unstated)
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
#[derive(Debug, Clone, PartialEq)]
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
    /// Who enforces, where it is not who the law names for such land.
    pub enforcement_body: Option<Authority>,
    /// The document that made it a zone; may be empty.
    pub legal_basis: String,
    /// Its area in mu as the document states it.
    pub area_mu: Option<f64>,
    /// How many sheep units it carries, as the document states it.
    pub capacity_sheep_units: Option<u32>,
    /// Grows with every published change.
    pub version: u32,
    /// The law's date: from when this version holds.
    pub in_force_from: Timestamp,
    /// Until when it holds (exclusive); `None`: until another version replaces it.
    pub in_force_to: Option<Timestamp>,
    /// When it was published to us.
    pub known_from: Timestamp,
    /// Why it was published; empty for versions of before reasons were asked for.
    pub reason: String,
    /// Who published it; empty likewise.
    pub published_by: String,
    /// Its pieces.
    pub polygons: Vec<Polygon>,
}

impl Zone {
    /// Who enforces here: whom the zone names, or else whom the law names for such land (K 二(一)6, R 35, T 14).
    pub fn authority(&self) -> Authority {
        let by_law = match (self.kind, self.land_class) {
            (ZoneKind::Reserve, _) => Authority::ReserveStation,
            // A township's grassland inside a state forest farm stays the township's; the farm assists.
            (ZoneKind::ForestFarm, LandClass::Grassland) => Authority::Township,
            (ZoneKind::ForestFarm, _) => Authority::ForestrySquadron,
            (ZoneKind::Forest, _) => Authority::ForestryBureau,
            // One land with two titles is grazed as grassland; the last two only say where something is.
            (ZoneKind::Overlap | ZoneKind::Checkpoint | ZoneKind::Jurisdiction, _) => Authority::Township,
            (_, LandClass::Forest) => Authority::ForestryBureau,
            _ => Authority::Township,
        };
        self.enforcement_body.unwrap_or(by_law)
    }

    /// Its area in mu as its border encloses it.
    pub fn computed_area_mu(&self) -> f64 {
        area_mu(&self.polygons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(kind: ZoneKind, land_class: LandClass) -> Zone {
        let corner = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
        let (west, south, side) = (1_170_000_000, 430_000_000, 1_000_000);
        let exterior = vec![
            corner(west, south),
            corner(west + side, south),
            corner(west + side, south + side),
            corner(west, south + side),
        ];
        Zone {
            id: ZoneId::parse("a").unwrap(),
            name: "a".into(),
            kind,
            land_class,
            township: None,
            enforcement_body: None,
            legal_basis: String::new(),
            area_mu: None,
            capacity_sheep_units: None,
            version: 1,
            in_force_from: Timestamp::from_millis(10),
            in_force_to: Some(Timestamp::from_millis(20)),
            known_from: Timestamp::from_millis(5),
            reason: String::new(),
            published_by: String::new(),
            polygons: vec![Polygon { exterior, holes: vec![] }],
        }
    }

    #[test]
    fn the_table_of_the_plan_says_who_enforces_unless_the_zone_does() {
        use Authority::{ForestryBureau, ForestrySquadron, ReserveStation, Township};
        for (kind, land_class, body) in [
            (ZoneKind::NoGrazing, LandClass::Grassland, Township),
            (ZoneKind::NoGrazing, LandClass::Forest, ForestryBureau),
            (ZoneKind::Balance, LandClass::Unstated, Township),
            (ZoneKind::Project, LandClass::SandyLand, Township),
            (ZoneKind::Overlap, LandClass::Forest, Township),
            (ZoneKind::Forest, LandClass::Unstated, ForestryBureau),
            (ZoneKind::ForestFarm, LandClass::Forest, ForestrySquadron),
            (ZoneKind::ForestFarm, LandClass::Grassland, Township),
            (ZoneKind::Reserve, LandClass::Forest, ReserveStation),
            (ZoneKind::Jurisdiction, LandClass::Forest, Township),
        ] {
            assert_eq!(zone(kind, land_class).authority(), body, "{kind:?} {land_class:?}");
        }
        let raised = Zone { enforcement_body: Some(ForestrySquadron), ..zone(ZoneKind::Project, LandClass::Grassland) };
        assert_eq!(raised.authority(), ForestrySquadron);
        for body in Authority::ALL {
            assert_eq!(Authority::parse(body.as_str()), Some(body));
        }
    }

    #[test]
    fn an_area_is_that_of_the_ellipsoid_within_a_ten_thousandth() {
        let mut square = zone(ZoneKind::Balance, LandClass::Grassland);
        // As PROJ's geodesics have it, along the parallels.
        let want_mu = 135_770.08;
        assert!((square.computed_area_mu() / want_mu - 1.0).abs() < 1e-4, "{}", square.computed_area_mu());
        let hole = square.polygons[0].exterior.clone();
        square.polygons[0].holes.push(hole);
        assert!(square.computed_area_mu().abs() < 1e-6);
    }
}
