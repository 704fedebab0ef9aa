//! A ledger of households and their animals, as a table.
//!
//! In: a CSV file's bytes, UTF-8 or GBK.   Out: [`HouseholdRow`]s, or every row that is wrong with its line.
//! Never: half of a file; a phone number in a message.

use crate::households::{MAX_ANIMALS, MAX_HOUSEHOLDS};
use crate::table::{self, Column, Line, TableError, short};
use model::{AnimalId, AnimalMark, Household, HouseholdId, MarkKind, Stock, TownshipCode};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

const MAX_NAME_CHARS: usize = 100;
const COLUMNS: [Column; 8] = [
    ("household", "牧户编号"),
    ("name", "户名"),
    ("township", "苏木乡镇"),
    ("stock", "来源"),
    ("phone", "电话"),
    ("ear_tag", "耳标"),
    ("collar", "项圈"),
    ("face_id", "牛脸"),
];

/// One household of a file, with all its animals.
#[derive(Clone, PartialEq, Eq)]
pub struct HouseholdRow {
    /// Who they are.
    pub household: Household,
    /// How to reach them; sealed. `None` keeps what is known.
    pub phone: Option<String>,
    /// Their animals, each once.
    pub animals: Vec<AnimalMark>,
}

/// Without the phone.
impl fmt::Debug for HouseholdRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HouseholdRow").field("household", &self.household).finish_non_exhaustive()
    }
}

/// Reads a file. Each line is one animal with one or more marks; what is known of its household stands in the
/// household's first line and may be left out in the others. A household may stand there without an animal.
pub fn household_rows(bytes: &[u8]) -> Result<Vec<HouseholdRow>, TableError> {
    let mut table = Table::default();
    table::read(bytes, &COLUMNS, &["household"], |line| table.take(line))?;
    Ok(table.rows.into_values().collect())
}

fn marks(line: &Line<'_>) -> Result<Vec<AnimalMark>, String> {
    let mark = |kind: MarkKind| Ok(line.parsed(kind.as_str(), AnimalId::parse)?.map(|id| AnimalMark { kind, id }));
    MarkKind::ALL.into_iter().filter_map(|kind| mark(kind).transpose()).collect()
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<HouseholdId, HouseholdRow>,
    /// Whose each mark is, and on which line that stood.
    marks: HashMap<AnimalMark, (HouseholdId, u64)>,
}

impl Table {
    fn take(&mut self, line: &Line<'_>) -> Result<(), String> {
        let id = line.parsed("household", HouseholdId::parse)?.ok_or("household is missing; write its number")?;
        let marks = marks(line)?;
        self.household(&id, line)?;
        for mark in marks {
            if let Some((other, at)) = self.marks.get(&mark) {
                let what = if *other == id { "stands there already".to_owned() } else { format!("is `{other}`'s") };
                return Err(format!(
                    "{} `{}` {what} by line {at}; an animal has one line",
                    mark.kind.as_str(),
                    mark.id
                ));
            }
            if self.marks.len() >= MAX_ANIMALS as usize {
                return Err(format!("more than {MAX_ANIMALS} animals; import a part"));
            }
            self.marks.insert(mark.clone(), (id.clone(), line.number));
            if let Some(row) = self.rows.get_mut(&id) {
                row.animals.push(mark);
            }
        }
        Ok(())
    }

    fn household(&mut self, id: &HouseholdId, line: &Line<'_>) -> Result<(), String> {
        let name = line.field("name");
        let township = line.parsed("township", TownshipCode::parse)?;
        let stock = line.field("stock").map(|word| {
            Stock::parse(word)
                .ok_or_else(|| format!("stock `{}` is none; use local (本地) or outside (外场)", short(word)))
        });
        let (stock, phone) = (stock.transpose()?, line.field("phone"));
        if phone
            .is_some_and(|phone| phone.len() > 32 || !phone.bytes().all(|b| b.is_ascii_digit() || b"+- ".contains(&b)))
        {
            return Err("phone is none; use digits, at most 32, with + - and spaces".to_owned());
        }
        if name.is_some_and(|name| name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control)) {
            return Err(format!(
                "name is too long or holds what cannot be shown; use 1 to {MAX_NAME_CHARS} characters"
            ));
        }
        if let Some(known) = self.rows.get(id) {
            let same = name.is_none_or(|name| name == known.household.name)
                && township.as_ref().is_none_or(|code| known.household.township.as_ref() == Some(code))
                && stock.is_none_or(|stock| stock == known.household.stock)
                && phone.is_none_or(|phone| known.phone.as_deref() == Some(phone));
            let why = format!(
                "household `{id}` is told otherwise than in its first line; leave these fields out or mend them"
            );
            return if same { Ok(()) } else { Err(why) };
        }
        if self.rows.len() >= MAX_HOUSEHOLDS as usize {
            return Err(format!("more than {MAX_HOUSEHOLDS} households; import a part"));
        }
        let household = Household {
            id: id.clone(),
            name: name.ok_or_else(|| format!("name is missing in the first line of household `{id}`"))?.to_owned(),
            township,
            stock: stock.ok_or_else(|| {
                format!("stock is missing in the first line of household `{id}`; write local (本地) or outside (外场)")
            })?,
        };
        self.rows.insert(id.clone(), HouseholdRow { household, phone: phone.map(str::to_owned), animals: Vec::new() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{MAX_FAULTS, MAX_FILE_BYTES};
    use encoding_rs::GB18030;

    const HEADER: &str = "household,name,township,stock,phone,ear_tag,collar,face_id\n";

    fn read(lines: &str) -> Result<Vec<HouseholdRow>, TableError> {
        household_rows(format!("{HEADER}{lines}").as_bytes())
    }

    #[track_caller]
    fn check(lines: &str, wants: &[(u64, &str)]) {
        let Err(TableError::Rows(faults)) = read(lines) else { panic!("{lines} is taken") };
        let told: Vec<_> = faults.iter().map(|fault| (fault.line, fault.why.as_str())).collect();
        assert_eq!(told.len(), wants.len(), "{told:?}");
        for ((line, why), (want_line, want)) in told.iter().zip(wants) {
            assert!(line == want_line && why.contains(want), "line {line}: {why}");
        }
    }

    #[test]
    fn a_household_stands_once_and_its_animals_a_line_each() {
        let rows = read(
            "h-1,其其格,150425200,本地,0476-1234567,156000000000001,,face-1\nh-1,,,,,156000000000002,collar-7,\n\
             h-2,\"王, 老\",,outside,,,,\n",
        )
        .unwrap();
        let marks = |row: &HouseholdRow| {
            row.animals.iter().map(|mark| format!("{} {}", mark.kind.as_str(), mark.id)).collect::<Vec<_>>()
        };
        let told: Vec<_> =
            rows.iter().map(|row| (row.household.name.as_str(), row.household.stock, marks(row))).collect();
        let of_the_first = ["ear_tag 156000000000001", "face_id face-1", "ear_tag 156000000000002", "collar collar-7"];
        assert_eq!(
            told,
            [("其其格", Stock::Local, of_the_first.map(str::to_owned).to_vec()), ("王, 老", Stock::Outside, vec![]),]
        );
        assert!(!format!("{rows:?}").contains("1234567"), "a phone is shown to nobody");
    }

    #[test]
    fn a_table_saved_as_gbk_is_read_as_well() {
        let text = format!("{HEADER}h-1,达日罕乌拉苏木其其格,,外场,,,,\n");
        let rows = household_rows(&GB18030.encode(&text).0).unwrap();
        assert_eq!(rows, household_rows(format!("\u{feff}{text}").as_bytes()).unwrap());
        assert_eq!(rows[0].household.name, "达日罕乌拉苏木其其格");
    }

    #[test]
    fn every_wrong_line_is_told_with_its_number_and_nothing_is_taken() {
        check(
            "h-1,其其格,,local,,1,,\nh 2,王,,local,,,,\nh-3,,,local,,,,\nh-4,李,,mine,,,,\nh-5,赵,,local,,1,,\n\
             h-1,别人,,,,2,,\nh-6,孙,,local,call me,3,,\nh-7,钱,,local,,4,,,,,9\n",
            &[
                (3, "holds ` `"),
                (4, "name is missing in the first line of household `h-3`"),
                (5, "stock `mine` is none"),
                (6, "ear_tag `1` is `h-1`'s by line 2"),
                (7, "told otherwise than in its first line"),
                (8, "phone is none"),
                (9, "11 fields, but the header names 8"),
            ],
        );
        let many: String = (0..500).map(|_| "h,x,,mine,,,,\n").collect();
        let error = read(&many).unwrap_err();
        assert!(matches!(&error, TableError::Rows(faults) if faults.len() == MAX_FAULTS));
        assert!(error.to_string().starts_with("at least 100 lines are wrong: line 2: stock `mine`"), "{error}");
    }

    #[test]
    fn a_header_names_the_columns_in_any_order_and_no_others() {
        let rows = household_rows("stock,household,name,face_id\nlocal,h-1,王,f-1\n".as_bytes()).unwrap();
        assert_eq!(rows[0].animals[0].kind, MarkKind::Face);
        for (header, why) in [
            ("name,stock", "`household` is missing"),
            ("household,colour", "`colour`"),
            ("household,household", "twice"),
        ] {
            let error = household_rows(format!("{header}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(
            household_rows(&vec![b'x'; MAX_FILE_BYTES + 1]),
            Err(TableError::TooLong { bytes: MAX_FILE_BYTES + 1 })
        );
    }
}
