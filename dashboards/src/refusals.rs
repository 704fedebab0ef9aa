//! The words by which a refusal is known: its kind, which every one has, and the code of those that people meet at work.
//!
//! In: nothing.   Out: stable words for programs and pages.   A test holds that the console's list of them
//! (`web/src/refusals.json`) is this one; a test of the console holds that it has words for each.   Never: a word that changes its meaning.

/// Declares words that are the same on the wire for good.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $title:literal;)+) => {
        /// Which kind of problem, as in `urn:steppewatch:problem:not-found`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$doc])* $name,)+
        }

        impl Kind {
            /// All there are.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),+];

            /// As on the wire.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The same for people, in English.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

kinds! {
    /// 400.
    BadRequest = "bad-request", "the request cannot be understood";
    /// 401.
    NotLoggedIn = "not-logged-in", "not logged in";
    /// 401: the password is right.
    CodeNeeded = "code-needed", "a code is needed";
    /// 403.
    Forbidden = "forbidden", "not allowed";
    /// 403.
    Csrf = "csrf", "request could be forged";
    /// 404.
    NotFound = "not-found", "there is no such thing";
    /// 409.
    Conflict = "conflict", "does not fit the present state";
    /// 429.
    TooManyRequests = "too-many-requests", "too many attempts";
    /// 503.
    Unavailable = "unavailable", "not available now";
    /// 500.
    Internal = "internal", "the platform failed";
    /// 405.
    MethodNotAllowed = "method-not-allowed", "method not allowed here";
    /// 413.
    TooLarge = "too-large", "the body is too large";
    /// 415.
    MediaType = "media-type", "the body's type is not understood";
    /// 426.
    UpgradeRequired = "upgrade-required", "this address speaks WebSocket";
    /// Any other status.
    Refused = "refused", "the request was refused";
}

/// Declares codes with the names of their values.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal [$($param:literal),*],)+) => {
        /// Which refusal exactly.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// All there are.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),+];

            /// As on the wire.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What its values are called, in the order in which they are given.
            pub(crate) fn params(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($param),*],)+ }
            }
        }
    };
}

codes! {
    /// Username or password is wrong.
    WrongPassword = "wrong-password" [],
    /// Whoever sits at an open session did not give its password.
    PresentPasswordWrong = "present-password-wrong" [],
    /// The authenticator's code is wrong or was used.
    WrongFactor = "wrong-code" [],
    /// Too many wrong passwords.
    Throttled = "throttled" ["seconds"],
    /// None of the roles that this takes; their names, parted by commas.
    RoleNeeded = "role-needed" ["roles"],
    /// The account is for some townships only; their codes, parted by commas.
    OtherTownships = "other-townships" ["townships"],
    /// A program's token cannot do it.
    PasswordNeeded = "password-needed" [],
    /// The case is closed.
    IncidentResolved = "incident-resolved" ["incident"],
    /// Only a closed case is opened again.
    IncidentNotResolved = "incident-not-resolved" ["incident", "status"],
    /// There is no such case, or not for this user.
    NoIncident = "no-incident" ["incident"],
    /// The receiver took it already.
    DeliveryTaken = "delivery-taken" ["delivery"],
    /// Some features of a file are refused, so none is published.
    ZonesRefused = "zones-refused" ["refused", "features"],
    /// A surveyor's file cannot be read.
    FileUnreadable = "file-unreadable" [],
    /// Why it changes has to be said.
    ReasonMissing = "reason-missing" [],
    /// Larger than the address takes.
    TooLarge = "too-large" [],
    /// Whoever proposed it cannot approve it.
    SecondPersonNeeded = "second-person-needed" ["proposal"],
    /// Decided already, or what it stands on has changed.
    ProposalStale = "proposal-stale" ["proposal"],
    /// The mask is in another state.
    MaskState = "mask-state" ["mask"],
    /// The device is in another state.
    DeviceState = "device-state" ["device"],
    /// Nobody would be left who administers everything.
    LastAdministrator = "last-administrator" ["username"],
    /// The name is taken.
    Exists = "exists" ["what", "name"],
    /// Nothing of that name is known.
    NotRegistered = "not-registered" ["what", "name"],
    /// The name in another system belongs to another device.
    IdentityTaken = "identity-taken" ["system", "id", "device"],
    /// A stated bound is reached.
    Full = "full" ["what", "limit"],
    /// The bytes of a dead letter are gone.
    LetterGone = "letter-gone" ["letter"],
    /// A dead letter still cannot be understood.
    LetterUnclear = "letter-unclear" ["letter"],
    /// A dead letter without a time of its own would count as said today.
    LetterTimeless = "letter-timeless" ["letter"],
    /// Another process holds the registry.
    Busy = "busy" [],
    /// The view of the cases is being built.
    StartingUp = "starting-up" [],
    /// As many live pages are open as there may be.
    LiveFull = "live-full" [],
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value, json};

    const CONSOLES: &str = include_str!("../web/src/refusals.json");

    #[test]
    fn the_console_knows_every_word_there_is_and_no_other() {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let codes: Map<String, Value> =
            Code::ALL.iter().map(|code| (code.as_str().to_owned(), code.params().into())).collect();
        let ours = json!({ "kinds": kinds, "codes": codes });
        let theirs: Value = serde_json::from_str(CONSOLES).unwrap();
        assert_eq!(theirs, ours, "write into web/src/refusals.json: {ours:#}");
    }
}
