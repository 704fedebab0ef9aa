//! What officers call things: the Chinese term of the regulations with the English beside it.
//!
//! In: the nouns of `model`.   Out: words for the terminal.   Never: a word that programs rely on; those print with `--json`.

use model::{Authority, ClosureLevel, LandClass, Timestamp, ZoneKind};

/// The kind of a zone.
pub fn kind(kind: ZoneKind) -> &'static str {
    match kind {
        ZoneKind::NoGrazing => "禁牧区 no-grazing",
        ZoneKind::Balance => "草畜平衡区 balance",
        ZoneKind::Project => "项目区 project",
        ZoneKind::Overlap => "林草重叠区（一地两证） overlap",
        ZoneKind::Forest => "林地 forest",
        ZoneKind::ForestFarm => "国有林场 forest-farm",
        ZoneKind::Reserve => "自然保护区 reserve",
        ZoneKind::Meadow => "打草场 meadow",
        ZoneKind::Checkpoint => "卡口 checkpoint",
        ZoneKind::Jurisdiction => "辖区 jurisdiction",
    }
}

/// The class of land.
pub fn land_class(class: LandClass) -> &'static str {
    match class {
        LandClass::Grassland => "草地 grassland",
        LandClass::Forest => "林地 forest",
        LandClass::SandyLand => "沙地 sandy-land",
        LandClass::Unstated => "地类未注明 land class not stated",
    }
}

/// Who enforces.
pub fn authority(body: Authority) -> &'static str {
    match body {
        Authority::Township => "苏木乡镇人民政府 township government",
        Authority::ForestryBureau => "旗林业和草原局 forestry and grassland bureau",
        Authority::ForestrySquadron => "林草执法中队 forestry enforcement squadron",
        Authority::ReserveStation => "保护区管理站 reserve management station",
    }
}

/// How strictly.
pub fn level(level: ClosureLevel) -> &'static str {
    match level {
        ClosureLevel::None => "未封闭 open",
        ClosureLevel::Warn => "劝阻放牧 grazing is discouraged",
        ClosureLevel::Enforce => "禁止放牧 grazing is banned",
    }
}

/// The end of something in force; `open` says what its being open means.
pub fn until(end: Option<Timestamp>, open: &str) -> String {
    end.map_or_else(|| open.to_owned(), |end| format!("至 until {}", end.to_legal()))
}

/// A document, which may not be stated.
pub fn basis(text: &str) -> &str {
    if text.is_empty() { "未载明 not stated" } else { text }
}
