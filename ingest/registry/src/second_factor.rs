//! Logging in: a password, and where somebody has one a code of their authenticator (RFC 6238: SHA-1, 6 digits, 30 s).
//!
//! In: name, password and code.   Out: [`Login`].   Never: a code that lets somebody in twice; a secret in the audit.
//!
//! A new secret counts only once a first code has shown that the authenticator has it: nobody locks themselves out by a page closed too soon.

use crate::audit::Change;
use crate::secrets::random_bytes;
use crate::users::known;
use crate::{Registry, RegistryError, User};
use model::Timestamp;
use rusqlite::{OptionalExtension, params};
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Secret as Encoded, TOTP};

const DIGITS: usize = 6;
const STEP_S: u64 = 30;
/// Steps before and after now whose code is taken: clocks differ.
const STEPS_OFF: u64 = 1;

/// What came of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Name or password is wrong, or they may not log in.
    Refused,
    /// The password is right; a code is needed too, and there was none.
    NeedsCode,
    /// The password is right, the code is not, or was used before.
    WrongCode,
    /// They are in.
    In(User),
}

/// A new secret, for somebody's authenticator.
#[derive(Clone, PartialEq, Eq)]
pub struct FactorOffer {
    /// In base 32, to be typed.
    pub secret: String,
    /// The same as `otpauth://` address, for a picture that an authenticator reads.
    pub uri: String,
}

impl Registry {
    /// Who logs in. Takes tens of milliseconds of a core: call it in `spawn_blocking`.
    pub fn log_in(&self, username: &str, password: &str, code: Option<&str>) -> Result<Login, RegistryError> {
        let Some(user) = self.check_password(username, password)?.filter(|user| !user.disabled) else {
            return Ok(Login::Refused);
        };
        match code {
            _ if !user.second_factor => Ok(Login::In(user)),
            None => Ok(Login::NeedsCode),
            Some(code) => {
                let is_right = self.write(username, |change| use_code(change, username, "factor", code))?;
                Ok(if is_right { Login::In(user) } else { Login::WrongCode })
            }
        }
    }

    /// Makes a secret for somebody's authenticator; it counts once [`Registry::confirm_factor`] has heard a code of it.
    pub fn offer_factor(&self, username: &str, tenant: &str) -> Result<FactorOffer, RegistryError> {
        let bytes = random_bytes::<20>()?;
        self.write(username, |change| {
            known(change.transaction, username)?;
            change
                .transaction
                .execute("UPDATE user SET factor_new = ?2 WHERE username = ?1", params![username, bytes.as_slice()])?;
            Ok::<_, RegistryError>(())
        })?;
        let Encoded::Encoded(secret) = Encoded::Raw(bytes.to_vec()).to_encoded() else {
            return Err(RegistryError::Secret("a secret cannot be written in base 32".into()));
        };
        // Names and tenants hold nothing that has to be escaped.
        let uri = format!("otpauth://totp/Steppewatch:{username}@{tenant}?secret={secret}&issuer=Steppewatch");
        Ok(FactorOffer { secret, uri })
    }

    /// Puts the offered secret in force if this is a code of it.
    pub fn confirm_factor(&self, username: &str, code: &str, by: &str) -> Result<bool, RegistryError> {
        self.write(by, |change| {
            if !use_code(change, username, "factor_new", code)? {
                return Ok(false);
            }
            change
                .transaction
                .execute("UPDATE user SET factor = factor_new, factor_new = NULL WHERE username = ?1", [username])?;
            change.audit(format!("user.second_factor {username}"), None, Some(serde_json::json!({ "on": true })))?;
            Ok(true)
        })
    }

    /// Takes somebody's second factor away: they lost the authenticator.
    pub fn remove_factor(&self, username: &str, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            if !known(change.transaction, username)?.second_factor {
                return Ok(());
            }
            change
                .transaction
                .execute("UPDATE user SET factor = NULL, factor_new = NULL WHERE username = ?1", [username])?;
            change.audit(format!("user.second_factor {username}"), None, Some(serde_json::json!({ "on": false })))
        })
    }
}

/// Whether this is a code of now of the secret in `column`, and no step up to it was used; then it is used.
fn use_code(change: &Change<'_>, username: &str, column: &str, code: &str) -> Result<bool, RegistryError> {
    let query = format!("SELECT {column}, factor_step FROM user WHERE username = ?1");
    let stored: Option<(Option<Vec<u8>>, i64)> =
        change.transaction.query_row(&query, [username], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((Some(secret), used)) = stored else { return Ok(false) };
    let Some(step) = step_of(secret, code, change.now)? else { return Ok(false) };
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    if step <= used {
        return Ok(false);
    }
    change.transaction.execute("UPDATE user SET factor_step = ?2 WHERE username = ?1", params![username, step])?;
    Ok(true)
}

fn step_of(secret: Vec<u8>, code: &str, now: Timestamp) -> Result<Option<u64>, RegistryError> {
    let totp = TOTP::new(Algorithm::SHA1, DIGITS, 0, STEP_S, secret)
        .map_err(|error| RegistryError::Secret(error.to_string()))?;
    let now = u64::try_from(now.as_millis()).unwrap_or(0) / 1_000 / STEP_S;
    let said = code.trim();
    let is_it = |step: &u64| bool::from(totp.generate(step * STEP_S).as_bytes().ct_eq(said.as_bytes()));
    Ok((now.saturating_sub(STEPS_OFF)..=now + STEPS_OFF).find(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890".to_vec();
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            let now = Timestamp::from_millis(second * 1_000);
            assert_eq!(step_of(secret.clone(), code, now).unwrap(), Some(second as u64 / STEP_S), "{second}");
            assert_eq!(step_of(secret.clone(), "000000", now).unwrap(), None);
        }
    }

    #[test]
    fn a_code_of_the_step_before_or_after_is_taken_and_no_older_one() {
        let secret = b"12345678901234567890".to_vec();
        for (now, is_taken) in [(29, true), (59, true), (89, true), (120, false)] {
            let found = step_of(secret.clone(), "287082", Timestamp::from_millis(now * 1_000)).unwrap();
            assert_eq!(found.is_some(), is_taken, "{now}");
        }
    }
}
