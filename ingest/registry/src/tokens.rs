//! Tokens of the API: how a program comes in as somebody, with some of their roles, until a day.
//!
//! In: who it is for, which roles, how long; a token that a program shows.   Out: the [`Secret`], once; [`TokenHolder`], or nobody.
//! Never: a stored token (only its keyed hash); more than the person may at that moment; one without an end.

use crate::secrets::{Secret, token_hash};
use crate::users::{known, lists, shown, sorted};
use crate::{Registry, RegistryError, Role, User};
use model::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Tokens held at once, dead ones included.
pub const MAX_TOKENS: u64 = 1_000;
/// A token that outlives its purpose is a door that nobody watches.
const LIFE: RangeInclusive<Duration> = Duration::from_secs(3_600)..=Duration::from_secs(366 * 86_400);
/// Characters of a name; it is part of who the audit says made a change.
const NAME_CHARS: RangeInclusive<usize> = 1..=32;
/// Stands between a person and a token of theirs; no username holds it.
pub(crate) const MARK: char = '#';

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for: 1 to 32 characters.
    pub name: String,
    /// As whom it comes in.
    pub username: String,
    /// Which of their roles it has.
    pub roles: Vec<Role>,
    /// How long: 1 hour to 366 days.
    pub life: Duration,
}

/// A token as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u64,
    /// What it is for.
    pub name: String,
    /// As whom it comes in.
    pub username: String,
    /// Which of their roles it has.
    pub roles: Vec<Role>,
    /// From when it is refused.
    pub expires_at: Timestamp,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whether somebody took it back.
    pub revoked: bool,
}

/// Who comes in with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// The person, with the roles that the token has and they still have.
    pub user: User,
    /// What the audit calls a change made with it: `bao#export`.
    pub by: String,
}

impl Registry {
    /// Makes a token; it is not shown again.
    pub fn add_token(&self, new: NewToken, by: &str) -> Result<(Secret, Token), RegistryError> {
        let is_plain = |name: &str| !name.contains(MARK) && !name.chars().any(char::is_control);
        if !NAME_CHARS.contains(&new.name.chars().count()) || !is_plain(&new.name) {
            return Err(RegistryError::invalid("name", &new.name, "use 1 to 32 characters without #"));
        }
        if !LIFE.contains(&new.life) {
            return Err(RegistryError::invalid("expires", &format!("{:?}", new.life), "use 1h to 366d"));
        }
        let secret = Secret::api_token()?;
        let hash = token_hash(&self.inner.key, secret.as_str());
        let token = self.write(by, |change| {
            let owner = known(change.transaction, &new.username)?;
            let roles = sorted(new.roles);
            if roles.is_empty() || roles.iter().any(|role| !owner.roles.contains(role)) {
                let asked = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
                let has = owner.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
                return Err(RegistryError::invalid("roles", &asked, format!("use some of {has}, which `{}` has", new.username)));
            }
            let count: i64 = change.transaction.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
            if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_TOKENS {
                return Err(RegistryError::Limit { what: "tokens", limit: MAX_TOKENS });
            }
            let expires_at = change.now.plus(new.life);
            change.transaction.execute(
                "INSERT INTO token (name, username, hash, roles, expires_at_ms, made_at_ms, revoked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
                params![
                    new.name,
                    new.username,
                    hash.as_slice(),
                    lists(&roles, &[]).0,
                    expires_at.as_millis(),
                    change.now.as_millis()
                ],
            )?;
            let id = u64::try_from(change.transaction.last_insert_rowid()).unwrap_or(0);
            let token = Token {
                id,
                name: new.name,
                username: new.username,
                roles,
                expires_at,
                made_at: change.now,
                revoked: false,
            };
            let scope = User { roles: token.roles.clone(), ..owner };
            let after = json!({ "username": token.username, "scope": shown(&scope), "expires_at": expires_at.to_rfc3339() });
            change.audit(format!("token.add {id} {}", token.name), None, Some(after))?;
            Ok(token)
        })?;
        Ok((secret, token))
    }

    /// Every token, oldest first.
    pub fn tokens(&self) -> Result<Vec<Token>, RegistryError> {
        self.read(|connection| {
            let mut query = connection.prepare(&format!("{SELECT} ORDER BY id"))?;
            query.query_and_then([], token)?.collect()
        })
    }

    /// Takes a token back: nobody comes in with it any more.
    pub fn revoke_token(&self, id: u64, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let number = i64::try_from(id).unwrap_or(i64::MAX);
            let known: Option<(String, bool)> = change
                .transaction
                .query_row("SELECT name, revoked FROM token WHERE id = ?1", [number], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            match known {
                None => Err(RegistryError::NotFound { what: "token", name: id.to_string() }),
                Some((_, true)) => Ok(()),
                Some((name, false)) => {
                    change.transaction.execute("UPDATE token SET revoked = 1 WHERE id = ?1", [number])?;
                    change.audit(format!("token.revoke {id} {name}"), None, None)
                }
            }
        })
    }

    /// Who comes in with this token now; `None` when it is none, is over, or its person may nothing of it any more.
    pub fn token_holder(&self, shown: &str) -> Result<Option<TokenHolder>, RegistryError> {
        let (hash, now) = (token_hash(&self.inner.key, shown), self.inner.clock.now());
        self.read(|connection| {
            let Some(token) = find(connection, hash)?.filter(|token| !token.revoked && token.expires_at > now) else {
                return Ok(None);
            };
            let user = known(connection, &token.username)?;
            let roles: Vec<Role> = user.roles.iter().copied().filter(|role| token.roles.contains(role)).collect();
            if user.disabled || roles.is_empty() {
                return Ok(None);
            }
            let by = format!("{}{MARK}{}", user.username, token.name);
            Ok(Some(TokenHolder { user: User { roles, ..user }, by }))
        })
    }
}

const SELECT: &str = "SELECT id, name, username, roles, expires_at_ms, made_at_ms, revoked FROM token";

fn find(connection: &Connection, hash: [u8; 32]) -> Result<Option<Token>, RegistryError> {
    let mut query = connection.prepare_cached(&format!("{SELECT} WHERE hash = ?1"))?;
    query.query_and_then([hash.as_slice()], token)?.next().transpose()
}

fn token(row: &Row<'_>) -> Result<Token, RegistryError> {
    let name: String = row.get(1)?;
    let words: Vec<String> =
        serde_json::from_str(&row.get::<_, String>(3)?).map_err(|_| RegistryError::corrupt("token", name.as_str()))?;
    let roles: Option<Vec<Role>> = words.iter().map(|word| Role::parse(word)).collect();
    Ok(Token {
        id: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
        username: row.get(2)?,
        roles: roles.ok_or_else(|| RegistryError::corrupt("token", name.as_str()))?,
        expires_at: Timestamp::from_millis(row.get(4)?),
        made_at: Timestamp::from_millis(row.get(5)?),
        revoked: row.get(6)?,
        name,
    })
}
