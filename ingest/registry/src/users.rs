//! People who may look and act: their passwords and their roles.
//!
//! In: [`NewUser`] from an administrator, a name and a password from a login.   Out: [`User`], or nobody.
//! Never: a stored, logged or audited password; an answer that comes sooner because a name does not exist.

use crate::secrets::random_bytes;
use crate::{Registry, RegistryError};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use model::TownshipCode;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use std::sync::PoisonError;

/// A banner has some hundred officers.
pub const MAX_USERS: u64 = 10_000;
/// Nobody types more, and hashing time grows with it.
const MAX_PASSWORD_BYTES: usize = 1_024;
const MIN_PASSWORD_CHARS: usize = 8;
const ADMIN: &str = "admin";

/// What a person may do; a person can have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Handles cases.
    Operator,
    /// Closes and reopens them, sees the reports.
    Supervisor,
    /// Publishes zones and rules.
    ZoneEditor,
    /// Registers devices, subscribers and users.
    Administrator,
    /// Reads the audit.
    Auditor,
}

impl Role {
    /// Every role, in the contract's order.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Operator, Self::Supervisor, Self::ZoneEditor, Self::Administrator, Self::Auditor];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Supervisor => "supervisor",
            Self::ZoneEditor => "zone_editor",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    /// `None` for a word that is no role.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A person as the console knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whom to log in as.
    pub username: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Where they may; empty: everywhere.
    pub townships: Vec<TownshipCode>,
    /// Whether they may not log in.
    pub disabled: bool,
    /// Whether a password alone does not let them in.
    pub second_factor: bool,
}

/// A person to register.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub username: String,
    /// 8 characters to 1,024 bytes.
    pub password: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// Where they may; empty: everywhere.
    pub townships: Vec<TownshipCode>,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { username, password: _, roles, townships } = self;
        let mut shown = f.debug_struct("NewUser");
        shown.field("username", username).field("roles", roles).field("townships", townships).finish_non_exhaustive()
    }
}

impl Registry {
    /// Registers a person.
    pub fn add_user(&self, new: NewUser, by: &str) -> Result<User, RegistryError> {
        check(&new)?;
        let hash = self.hash_password(&new.password)?;
        let roles = sorted(new.roles);
        let NewUser { username, townships, .. } = new;
        let user = User { username, roles, townships, disabled: false, second_factor: false };
        self.write(by, |change| {
            if stored_hash(change.transaction, &user.username)?.is_some() {
                return Err(RegistryError::Exists { what: "user", name: user.username.clone() });
            }
            insert(change, &user, &hash)
        })?;
        Ok(user)
    }

    /// Everybody, by name.
    pub fn users(&self) -> Result<Vec<User>, RegistryError> {
        self.read(|connection| {
            let mut query = connection.prepare(&format!("{SELECT} ORDER BY username"))?;
            query.query_and_then([], user)?.collect()
        })
    }

    /// Somebody by name.
    pub fn user(&self, username: &str) -> Result<Option<User>, RegistryError> {
        self.read(|connection| find(connection, username))
    }

    /// Makes the user `admin`, with every role, if there is none; the password that was made up is the answer, once. With a
    /// `password`, `admin` has that one afterwards, whatever it was before.
    pub fn ensure_admin(&self, password: Option<&str>) -> Result<Option<String>, RegistryError> {
        if let Some(password) = password {
            if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
                return Err(password_refused());
            }
            if password.chars().count() < MIN_PASSWORD_CHARS {
                tracing::warn!("the administrator's password has fewer than {MIN_PASSWORD_CHARS} characters");
            }
        }
        let stored = self.read(|connection| stored_hash(connection, ADMIN))?;
        let made_up = match (password, &stored) {
            (None, Some(_)) => return Ok(None),
            (Some(password), Some(hash)) if self.verify_password(password, hash)? => return Ok(None),
            (Some(_), _) => None,
            (None, None) => Some(readable_password()?),
        };
        let hash = self.hash_password(password.or(made_up.as_deref()).unwrap_or_default())?;
        self.write("steppewatch", |change| {
            // Looked at again inside the write lock: another process may have been first.
            let is_there = stored_hash(change.transaction, ADMIN)?.is_some();
            match (is_there, password) {
                (true, None) => Ok(None),
                (true, Some(_)) => {
                    change
                        .transaction
                        .execute("UPDATE user SET password = ?2 WHERE username = ?1", [ADMIN, hash.as_str()])?;
                    change.audit(format!("user.set_password {ADMIN}"), None, None)?;
                    Ok(None)
                }
                (false, _) => {
                    let admin = User {
                        username: ADMIN.to_owned(),
                        roles: Role::ALL.to_vec(),
                        townships: Vec::new(),
                        disabled: false,
                        second_factor: false,
                    };
                    insert(change, &admin, &hash)?;
                    Ok(made_up)
                }
            }
        })
    }

    /// Whose name and password these are; `None` when either is wrong, after the same work. Takes tens of milliseconds of a core: call it in
    /// `spawn_blocking`. Whether they may log in is [`Registry::log_in`]'s.
    pub fn check_password(&self, username: &str, password: &str) -> Result<Option<User>, RegistryError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(None);
        }
        let found = self.read(|connection| {
            let hash = stored_hash(connection, username)?;
            Ok(find(connection, username)?.zip(hash))
        })?;
        let Some((user, hash)) = found else {
            self.hash_password(password)?;
            return Ok(None);
        };
        Ok(self.verify_password(password, &hash)?.then_some(user))
    }

    pub(crate) fn hash_password(&self, password: &str) -> Result<String, RegistryError> {
        let salt = SaltString::encode_b64(&random_bytes::<16>()?).map_err(hash_error)?;
        let _one_at_a_time = self.inner.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(argon2().hash_password(password.as_bytes(), &salt).map_err(hash_error)?.to_string())
    }

    fn verify_password(&self, password: &str, hash: &str) -> Result<bool, RegistryError> {
        let hash = PasswordHash::new(hash).map_err(hash_error)?;
        let _one_at_a_time = self.inner.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        match argon2().verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::Password) => Ok(false),
            Err(error) => Err(hash_error(error)),
        }
    }
}

/// Argon2id with the crate's parameters (19 MiB, two passes), which are OWASP's minimum; each hash states its own.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash_error(error: argon2::password_hash::Error) -> RegistryError {
    RegistryError::Secret(error.to_string())
}

fn password_refused() -> RegistryError {
    RegistryError::invalid("password", "(not shown)", "use 8 characters to 1024 bytes")
}

/// Five groups of four from an alphabet without look-alikes: 100 bits that can be read out over the telephone.
fn readable_password() -> Result<String, RegistryError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut password = String::new();
    for (index, byte) in random_bytes::<20>()?.into_iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            password.push('-');
        }
        password.extend(ALPHABET.get(usize::from(byte % 32)).copied().map(char::from));
    }
    Ok(password)
}

pub(crate) fn check_password_form(password: &str) -> Result<(), RegistryError> {
    let fits = password.chars().count() >= MIN_PASSWORD_CHARS && password.len() <= MAX_PASSWORD_BYTES;
    if fits { Ok(()) } else { Err(password_refused()) }
}

/// Each once, in the contract's order.
pub(crate) fn sorted(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

pub(crate) fn check_scope(roles: &[Role], townships: &[TownshipCode]) -> Result<(), RegistryError> {
    if roles.is_empty() {
        let remedy = "give at least one of viewer, operator, supervisor, zone_editor, administrator, auditor";
        return Err(RegistryError::invalid("roles", "[]", remedy));
    }
    if townships.len() > 1_000 {
        return Err(RegistryError::invalid("townships", &townships.len().to_string(), "name at most 1000, or none"));
    }
    Ok(())
}

fn check(new: &NewUser) -> Result<(), RegistryError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(1..=64).contains(&new.username.len()) || !new.username.chars().all(allowed) {
        return Err(RegistryError::invalid("username", &new.username, "use 1 to 64 of A-Z a-z 0-9 . _ -"));
    }
    check_password_form(&new.password)?;
    check_scope(&new.roles, &new.townships)
}

const SELECT: &str = "SELECT username, roles, townships, disabled, factor IS NOT NULL FROM user";

/// Somebody by name.
pub(crate) fn find(connection: &Connection, username: &str) -> Result<Option<User>, RegistryError> {
    let mut query = connection.prepare_cached(&format!("{SELECT} WHERE username = ?1"))?;
    query.query_and_then([username], user)?.next().transpose()
}

/// Somebody who has to be there.
pub(crate) fn known(connection: &Connection, username: &str) -> Result<User, RegistryError> {
    let missing = || RegistryError::NotFound { what: "user", name: username.chars().take(64).collect() };
    find(connection, username)?.ok_or_else(missing)
}

/// What the audit says of somebody.
pub(crate) fn shown(user: &User) -> serde_json::Value {
    let roles: Vec<_> = user.roles.iter().map(|role| role.as_str()).collect();
    let townships: Vec<_> = user.townships.iter().map(TownshipCode::as_str).collect();
    json!({ "roles": roles, "townships": townships, "disabled": user.disabled })
}

fn stored_hash(connection: &Connection, username: &str) -> Result<Option<String>, RegistryError> {
    let mut query = connection.prepare("SELECT password FROM user WHERE username = ?1")?;
    Ok(query.query_row([username], |row| row.get(0)).optional()?)
}

fn insert(change: &crate::audit::Change<'_>, user: &User, hash: &str) -> Result<(), RegistryError> {
    let count: i64 = change.transaction.query_row("SELECT count(*) FROM user", [], |row| row.get(0))?;
    if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_USERS {
        return Err(RegistryError::Limit { what: "users", limit: MAX_USERS });
    }
    let (roles, townships) = lists(&user.roles, &user.townships);
    change.transaction.execute(
        "INSERT INTO user (username, password, roles, townships, since_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![user.username, hash, roles, townships, change.now.as_millis()],
    )?;
    change.audit(format!("user.add {}", user.username), None, Some(shown(user)))
}

/// As the table has them.
pub(crate) fn lists(roles: &[Role], townships: &[TownshipCode]) -> (String, String) {
    let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    let townships: Vec<_> = townships.iter().map(TownshipCode::as_str).collect();
    (json!(roles).to_string(), json!(townships).to_string())
}

fn user(row: &Row<'_>) -> Result<User, RegistryError> {
    let username: String = row.get(0)?;
    let corrupt = || RegistryError::corrupt("user", username.as_str());
    let list = |index: usize| -> Result<Vec<String>, RegistryError> {
        serde_json::from_str(&row.get::<_, String>(index)?).map_err(|_| corrupt())
    };
    let roles: Option<_> = list(1)?.iter().map(|word| Role::parse(word)).collect();
    let townships: Result<_, _> = list(2)?.iter().map(|code| TownshipCode::parse(code)).collect();
    let (roles, townships) = (roles.ok_or_else(corrupt)?, townships.map_err(|_| corrupt())?);
    Ok(User { username, roles, townships, disabled: row.get(3)?, second_factor: row.get(4)? })
}
