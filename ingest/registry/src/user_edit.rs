//! What becomes of people after they were registered: other roles, another password, shut out.
//!
//! In: an administrator's changes, or a person's own new password.   Out: [`User`] as they are then.
//! Never: a registry that nobody can administer any more.

use crate::audit::Change;
use crate::users::{check_password_form, check_scope, known, lists, shown, sorted};
use crate::{Registry, RegistryError, Role, User};
use model::TownshipCode;
use rusqlite::params;

/// What is to be other; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserEdit {
    /// What they may do.
    pub roles: Option<Vec<Role>>,
    /// Where they may; empty: everywhere.
    pub townships: Option<Vec<TownshipCode>>,
    /// Whether they may not log in.
    pub disabled: Option<bool>,
}

impl Registry {
    /// Changes what somebody may. The last administrator for everywhere stays one.
    pub fn edit_user(&self, username: &str, edit: UserEdit, by: &str) -> Result<User, RegistryError> {
        self.write(by, |change| {
            let before = known(change.transaction, username)?;
            let after = User {
                roles: edit.roles.map_or_else(|| before.roles.clone(), sorted),
                townships: edit.townships.unwrap_or_else(|| before.townships.clone()),
                disabled: edit.disabled.unwrap_or(before.disabled),
                ..before.clone()
            };
            check_scope(&after.roles, &after.townships)?;
            if after == before {
                return Ok(after);
            }
            let (roles, townships) = lists(&after.roles, &after.townships);
            change.transaction.execute(
                "UPDATE user SET roles = ?2, townships = ?3, disabled = ?4 WHERE username = ?1",
                params![username, roles, townships, after.disabled],
            )?;
            if !somebody_administers(change)? {
                return Err(RegistryError::LastAdministrator { username: username.to_owned() });
            }
            change.audit(format!("user.edit {username}"), Some(shown(&before)), Some(shown(&after)))?;
            Ok(after)
        })
    }

    /// Gives somebody another password. Who may is the caller's to ask.
    pub fn set_password(&self, username: &str, password: &str, by: &str) -> Result<(), RegistryError> {
        check_password_form(password)?;
        let hash = self.hash_password(password)?;
        self.write(by, |change| {
            known(change.transaction, username)?;
            change.transaction.execute("UPDATE user SET password = ?2 WHERE username = ?1", [username, &hash])?;
            change.audit(format!("user.set_password {username}"), None, None)
        })
    }
}

/// Everything, that is: everywhere.
fn somebody_administers(change: &Change<'_>) -> Result<bool, RegistryError> {
    let there_is = "SELECT EXISTS (SELECT 1 FROM user
        WHERE disabled = 0 AND townships = '[]' AND instr(roles, '\"administrator\"') > 0)";
    Ok(change.transaction.query_row(there_is, [], |row| row.get(0))?)
}
