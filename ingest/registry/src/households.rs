//! Households and the animals by which they are known.
//!
//! In: rows of a ledger ([`HouseholdRow`]).   Out: [`Households`] in the view, from which a case learns whose animals it is about.
//! Never: a phone number in the view, in the audit or in a list; who reads one is named in the audit.

use crate::audit::Change;
use crate::household_file::HouseholdRow;
use crate::load::Part;
use crate::{Registry, RegistryError};
use model::{AnimalId, AnimalMark, Household, HouseholdId, Households, MarkKind, Stock, TownshipCode};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

/// Several banners' ledgers.
pub const MAX_HOUSEHOLDS: u64 = 50_000;
/// Keeps the view within some tens of megabytes.
pub const MAX_ANIMALS: u64 = 500_000;

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HouseholdImport {
    /// Households of the file that were not known.
    pub new: u64,
    /// Households of which something else was known.
    pub changed: u64,
    /// Households of which the same was known.
    pub same: u64,
    /// Animals that were nobody's before.
    pub animals_new: u64,
    /// Animals that were another household's: sold, or written down wrongly once.
    pub animals_moved: u64,
}

impl Registry {
    /// Takes in a ledger, all of it or nothing. What is not in it stays as it is.
    pub fn import_households(&self, rows: &[HouseholdRow], by: &str) -> Result<HouseholdImport, RegistryError> {
        self.write(by, |change| {
            let mut done = HouseholdImport::default();
            for row in rows {
                put(change, row, &mut done)?;
            }
            for (table, what, limit) in
                [("household", "households", MAX_HOUSEHOLDS), ("animal", "animals of households", MAX_ANIMALS)]
            {
                let count: i64 =
                    change.transaction.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
                if u64::try_from(count).unwrap_or(u64::MAX) > limit {
                    return Err(RegistryError::Limit { what, limit });
                }
            }
            let after = json!({
                "new": done.new, "changed": done.changed, "same": done.same,
                "animals_new": done.animals_new, "animals_moved": done.animals_moved,
            });
            change.touch(Part::Households)?;
            change.audit("household.import".to_owned(), None, Some(after))?;
            Ok(done)
        })
    }

    /// Forgets a household, its animals and how to reach it. Cases of the past keep its name.
    pub fn remove_household(&self, id: &HouseholdId, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let before = find(change.transaction, id)?.ok_or_else(|| unknown(id))?;
            for statement in [
                "DELETE FROM animal WHERE household = ?1",
                "DELETE FROM household_phone WHERE household = ?1",
                "DELETE FROM household WHERE id = ?1",
            ] {
                change.transaction.execute(statement, [id.as_str()])?;
            }
            change.touch(Part::Households)?;
            change.audit(format!("household.remove {id}"), Some(shown(&before)), None)
        })
    }

    /// How to reach a household, if it is known. That somebody looked is written down.
    pub fn household_phone(&self, id: &HouseholdId, by: &str) -> Result<Option<String>, RegistryError> {
        self.write(by, |change| {
            find(change.transaction, id)?.ok_or_else(|| unknown(id))?;
            change.audit(format!("household.phone {id}"), None, None)?;
            let phone = "SELECT phone FROM household_phone WHERE household = ?1";
            Ok(change.transaction.query_row(phone, [id.as_str()], |row| row.get(0)).optional()?)
        })
    }
}

fn unknown(id: &HouseholdId) -> RegistryError {
    RegistryError::NotFound { what: "household", name: id.to_string() }
}

fn put(change: &Change<'_>, row: &HouseholdRow, done: &mut HouseholdImport) -> Result<(), RegistryError> {
    let HouseholdRow { household, phone, animals } = row;
    let id = household.id.as_str();
    match find(change.transaction, &household.id)? {
        None => done.new += 1,
        Some(known) if known == *household => done.same += 1,
        Some(_) => done.changed += 1,
    }
    let township = household.township.as_ref().map(TownshipCode::as_str);
    change
        .transaction
        .prepare_cached(
            "INSERT INTO household (id, name, township, stock, since_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, township = excluded.township, stock = excluded.stock",
        )?
        .execute(params![id, household.name, township, household.stock.as_str(), change.now.as_millis()])?;
    if let Some(phone) = phone {
        change
            .transaction
            .prepare_cached(
                "INSERT INTO household_phone (household, phone) VALUES (?1, ?2)
                 ON CONFLICT (household) DO UPDATE SET phone = excluded.phone",
            )?
            .execute(params![id, phone])?;
    }
    for mark in animals {
        let (kind, mark) = (mark.kind.as_str(), mark.id.as_str());
        let owner: Option<String> = change
            .transaction
            .prepare_cached("SELECT household FROM animal WHERE kind = ?1 AND id = ?2")?
            .query_row([kind, mark], |row| row.get(0))
            .optional()?;
        match owner.as_deref() {
            None => done.animals_new += 1,
            Some(owner) if owner != id => done.animals_moved += 1,
            Some(_) => continue,
        }
        change
            .transaction
            .prepare_cached(
                "INSERT INTO animal (kind, id, household) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, id) DO UPDATE SET household = excluded.household",
            )?
            .execute([kind, mark, id])?;
    }
    Ok(())
}

fn shown(household: &Household) -> Value {
    let township = household.township.as_ref().map(TownshipCode::as_str);
    json!({ "name": household.name, "township": township, "stock": household.stock.as_str() })
}

fn find(connection: &Connection, id: &HouseholdId) -> Result<Option<Household>, RegistryError> {
    let query = format!("SELECT {COLUMNS} FROM household WHERE id = ?1");
    connection.prepare_cached(&query)?.query_row([id.as_str()], |row| Ok(household(row))).optional()?.transpose()
}

const COLUMNS: &str = "id, name, township, stock";

fn household(row: &rusqlite::Row<'_>) -> Result<Household, RegistryError> {
    let (id, township, stock): (String, Option<String>, String) = (row.get(0)?, row.get(2)?, row.get(3)?);
    let corrupt = || RegistryError::corrupt("household", id.as_str());
    Ok(Household {
        name: row.get(1)?,
        township: township.as_deref().map(TownshipCode::parse).transpose().map_err(|_| corrupt())?,
        stock: Stock::parse(&stock).ok_or_else(corrupt)?,
        id: HouseholdId::parse(&id).map_err(|_| corrupt())?,
    })
}

/// Everybody, and whose each animal is.
pub(crate) fn load(connection: &Connection) -> Result<Households, RegistryError> {
    let mut query = connection.prepare(&format!("SELECT {COLUMNS} FROM household"))?;
    let households: Vec<_> = query.query_and_then([], household)?.collect::<Result<_, _>>()?;
    let mut query = connection.prepare("SELECT kind, id, household FROM animal")?;
    let animals: Vec<_> = query.query_and_then([], animal)?.collect::<Result<_, RegistryError>>()?;
    Ok(Households::new(households, animals))
}

fn animal(row: &rusqlite::Row<'_>) -> Result<(AnimalMark, HouseholdId), RegistryError> {
    let (kind, id, household): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let corrupt = || RegistryError::corrupt("animal", id.as_str());
    let mark = AnimalMark {
        kind: MarkKind::parse(&kind).ok_or_else(corrupt)?,
        id: AnimalId::parse(&id).map_err(|_| corrupt())?,
    };
    Ok((mark, HouseholdId::parse(&household).map_err(|_| corrupt())?))
}
