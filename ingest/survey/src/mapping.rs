//! What the surveyor's attributes and words are called here.
//!
//! In: a small TOML file, and attributes as a file has them.   Out: the same with ours (`id`, `name`, `kind`, `township`,
//! `land_class`, `enforcement_body`, `legal_basis`, `area_mu`, `capacity`) where they can be found.   Next: `registry`, which judges them.
//! Never: a key that is passed over; a word that becomes something else than the mapping or the plan's own language says.

use crate::MappingError;
use model::{Authority, LandClass, ZoneKind};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which attribute is which, and which word means what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// Ours -> the surveyor's.
    attributes: BTreeMap<&'static str, String>,
    /// The surveyor's word -> ours.
    kinds: BTreeMap<String, String>,
    land_classes: BTreeMap<String, String>,
    townships: BTreeMap<String, String>,
    enforcement_bodies: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawMapping {
    attributes: RawAttributes,
    kind: BTreeMap<String, String>,
    land_class: BTreeMap<String, String>,
    township: BTreeMap<String, String>,
    enforcement_body: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawAttributes {
    id: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    township: Option<String>,
    land_class: Option<String>,
    enforcement_body: Option<String>,
    legal_basis: Option<String>,
    area_mu: Option<String>,
    capacity: Option<String>,
}

const KEYS: [&str; 9] =
    ["id", "name", "kind", "township", "land_class", "enforcement_body", "legal_basis", "area_mu", "capacity"];

/// The plan's own words.
const KINDS: [(&str, ZoneKind); 15] = [
    ("禁牧区", ZoneKind::NoGrazing),
    ("禁牧", ZoneKind::NoGrazing),
    ("草畜平衡区", ZoneKind::Balance),
    ("草畜平衡", ZoneKind::Balance),
    ("项目区", ZoneKind::Project),
    ("林草重叠", ZoneKind::Overlap),
    ("林草重叠区", ZoneKind::Overlap),
    ("一地两证", ZoneKind::Overlap),
    ("林地", ZoneKind::Forest),
    ("国有林场", ZoneKind::ForestFarm),
    ("林场", ZoneKind::ForestFarm),
    ("自然保护区", ZoneKind::Reserve),
    ("打草场", ZoneKind::Meadow),
    ("卡口", ZoneKind::Checkpoint),
    ("辖区", ZoneKind::Jurisdiction),
];
const LAND_CLASSES: [(&str, LandClass); 3] =
    [("草地", LandClass::Grassland), ("林地", LandClass::Forest), ("沙地", LandClass::SandyLand)];
const BODIES: [(&str, Authority); 7] = [
    ("苏木乡镇", Authority::Township),
    ("苏木乡镇人民政府", Authority::Township),
    ("旗林草局", Authority::ForestryBureau),
    ("旗林业和草原局", Authority::ForestryBureau),
    ("林草执法中队", Authority::ForestrySquadron),
    ("执法中队", Authority::ForestrySquadron),
    ("保护区管理站", Authority::ReserveStation),
];

impl Mapping {
    /// Reads the text of a mapping file.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let raw: RawMapping = toml::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| MappingError::Text { message: error.to_string().trim_end().to_owned() })?;
        let kinds = ZoneKind::ALL.map(ZoneKind::as_str);
        check("kind", &raw.kind, &kinds)?;
        check("land_class", &raw.land_class, &["grassland", "forest", "sandy-land", "unstated"])?;
        check(
            "enforcement_body",
            &raw.enforcement_body,
            &["township", "forestry_bureau", "forestry_squadron", "reserve_station"],
        )?;
        let RawAttributes { id, name, kind, township, land_class, enforcement_body, legal_basis, area_mu, capacity } =
            raw.attributes;
        let attributes = KEYS.into_iter().zip([
            id,
            name,
            kind,
            township,
            land_class,
            enforcement_body,
            legal_basis,
            area_mu,
            capacity,
        ]);
        Ok(Self {
            attributes: attributes.filter_map(|(key, field)| Some((key, field?))).collect(),
            kinds: raw.kind,
            land_classes: raw.land_class,
            townships: raw.township,
            enforcement_bodies: raw.enforcement_body,
        })
    }

    /// What the mapping takes from which attribute of the file.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.attributes.iter().map(|(key, field)| (*key, field.as_str()))
    }

    /// Adds ours to what the file has; a mapped attribute goes before one that is called as ours by chance.
    pub(crate) fn apply(&self, attributes: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut mapped = attributes.clone();
        for key in KEYS {
            let value = match self.attributes.get(key) {
                Some(field) => find(&attributes, field),
                None => find(&attributes, key),
            };
            match value {
                Some(value) => mapped.insert(key.to_owned(), self.word(key, value)),
                None => mapped.remove(key),
            };
        }
        mapped
    }

    fn word(&self, key: &str, value: &str) -> String {
        let of = |map: &BTreeMap<String, String>| map.get(value).cloned();
        let found = match key {
            "kind" => of(&self.kinds).or_else(|| {
                let kind = KINDS.iter().find(|(word, _)| *word == value);
                kind.map(|(_, kind)| kind.as_str().to_owned())
            }),
            "land_class" => of(&self.land_classes).or_else(|| {
                let class = LAND_CLASSES.iter().find(|(word, _)| *word == value);
                class.map(|(_, class)| class.as_str().to_owned())
            }),
            "township" => of(&self.townships),
            "enforcement_body" => of(&self.enforcement_bodies).or_else(|| {
                let body = BODIES.iter().find(|(word, _)| *word == value);
                body.map(|(_, body)| body.as_str().to_owned())
            }),
            _ => None,
        };
        found.unwrap_or_else(|| value.to_owned())
    }
}

/// By its name, and else whatever its letters: a shapefile writes them large.
pub(crate) fn find<'a>(attributes: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    let same = |(other, _): &(&String, &String)| other.to_lowercase() == name.to_lowercase();
    attributes.get(name).or_else(|| attributes.iter().find(same).map(|(_, value)| value))
}

fn check(key: &'static str, words: &BTreeMap<String, String>, known: &[&str]) -> Result<(), MappingError> {
    match words.iter().find(|(_, word)| !known.contains(&word.as_str())) {
        Some((from, found)) => {
            Err(MappingError::Word { key, from: from.clone(), found: found.clone(), known: known.join(", ") })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mapping: &str, attributes: &[(&str, &str)], want: &[(&str, &str)]) {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let got = Mapping::parse(mapping).unwrap().apply(map(attributes));
        let want: BTreeMap<String, String> = map(want);
        assert_eq!(got, want);
    }

    #[test]
    fn attributes_are_renamed_and_words_translated() {
        check(
            "[attributes]\nid = \"BSM\"\nname = \"DLMC\"\nkind = \"类型\"\n[kind]\n\"禁牧一区\" = \"no-grazing\"\n",
            &[("BSM", "152"), ("DLMC", "北山"), ("类型", "禁牧一区")],
            &[
                ("BSM", "152"),
                ("DLMC", "北山"),
                ("id", "152"),
                ("kind", "no-grazing"),
                ("name", "北山"),
                ("类型", "禁牧一区"),
            ],
        );
    }

    #[test]
    fn the_plans_own_words_need_no_mapping_and_large_letters_do_not_matter() {
        check(
            "",
            &[("ID", "z1"), ("KIND", "草畜平衡区"), ("LAND_CLASS", "草地")],
            &[
                ("ID", "z1"),
                ("KIND", "草畜平衡区"),
                ("LAND_CLASS", "草地"),
                ("id", "z1"),
                ("kind", "balance"),
                ("land_class", "grassland"),
            ],
        );
    }

    #[test]
    fn keys_and_words_that_do_not_exist_are_refused() {
        for (text, part) in [
            ("[attributes]\nnummer = \"BSM\"", "nummer"),
            ("[kinds]\n", "kinds"),
            ("[kind]\n\"禁牧区\" = \"forbidden\"", "no-grazing, balance"),
            ("[attributes", "mapping"),
        ] {
            let error = Mapping::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
