//! What binds a login at the provider to the browser that began it.
//!
//! In: the instant.   Out: a [`Ticket`]: what the browser keeps in a cookie, and state, nonce and PKCE verifier, which follow from it.
//!
//! Nothing is remembered here: the three are keyed hashes of the cookie, under a key of this process. So beginning logins without end
//! takes no memory and pushes nobody else's out, and nobody but us knows the state that belongs to a cookie. A restart ends all tickets.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use rand::TryRngCore;
use rand::rngs::OsRng;
use std::time::Duration;

/// How long somebody may take to log in at the provider.
pub(super) const TICKET_MAX: Duration = Duration::from_secs(600);

/// Makes tickets and knows them again.
pub(super) struct Tickets {
    key: [u8; 32],
}

/// One login that began here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// For the browser's cookie.
    pub cookie: String,
    /// Comes back with the provider's answer.
    pub state: String,
    /// Stands in the provider's token.
    pub nonce: String,
    /// Shown to the provider with the code, PKCE.
    pub verifier: String,
}

impl Tickets {
    pub(super) fn new() -> Result<Self, rand::rand_core::OsError> {
        Ok(Self { key: random()? })
    }

    pub(super) fn issue(&self, now: Timestamp) -> Result<Ticket, rand::rand_core::OsError> {
        let cookie = format!("{}.{}", now.as_millis(), URL_SAFE_NO_PAD.encode(random::<32>()?));
        Ok(self.of(cookie))
    }

    /// The ticket of a cookie that came back with this state; `None` if it is too old, or was never one of ours.
    pub(super) fn redeem(&self, cookie: &str, state: &str, now: Timestamp) -> Option<Ticket> {
        let issued = Timestamp::from_millis(cookie.split_once('.')?.0.parse().ok()?);
        let ticket = self.of(cookie.to_owned());
        let is_fresh = issued <= now && now.since(issued) <= TICKET_MAX;
        // Hashes compare in constant time.
        (is_fresh && blake3::hash(state.as_bytes()) == blake3::hash(ticket.state.as_bytes())).then_some(ticket)
    }

    fn of(&self, cookie: String) -> Ticket {
        let derived = |what: &[u8]| {
            let mut hasher = blake3::Hasher::new_keyed(&self.key);
            hasher.update(what).update(&[0]).update(cookie.as_bytes());
            URL_SAFE_NO_PAD.encode(hasher.finalize().as_bytes())
        };
        let (state, nonce, verifier) = (derived(b"state"), derived(b"nonce"), derived(b"verifier"));
        Ticket { cookie, state, nonce, verifier }
    }
}

fn random<const N: usize>() -> Result<[u8; N], rand::rand_core::OsError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_ten_minutes_with_its_own_state_and_nothing_else() {
        let tickets = Tickets::new().unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let (ticket, other) = (tickets.issue(now).unwrap(), tickets.issue(now).unwrap());
        let (late, too_late) = (now.plus(TICKET_MAX), now.plus(TICKET_MAX + Duration::from_millis(1)));
        assert_eq!(tickets.redeem(&ticket.cookie, &ticket.state, late).as_ref(), Some(&ticket));
        assert_eq!(tickets.redeem(&ticket.cookie, &ticket.state, too_late), None);
        assert_eq!(tickets.redeem(&ticket.cookie, &other.state, now), None, "another browser's answer");
        assert_eq!(tickets.redeem(&ticket.cookie, "", now), None);
        let younger = ticket.cookie.replace("1000000.", "1600000.");
        assert_eq!(tickets.redeem(&younger, &ticket.state, too_late), None, "a cookie's time cannot be changed");
        assert_eq!(Tickets::new().unwrap().redeem(&ticket.cookie, &ticket.state, now), None, "after a restart");
        for wrong in ["", ".", "x.y", "1000000"] {
            assert_eq!(tickets.redeem(wrong, &ticket.state, now), None, "{wrong}");
        }
    }

    #[test]
    fn what_follows_from_a_ticket_differs_and_is_long_enough() {
        let ticket = Tickets::new().unwrap().issue(Timestamp::default()).unwrap();
        let all = [&ticket.state, &ticket.nonce, &ticket.verifier];
        // RFC 7636 asks for 43 signs of a verifier.
        assert!(all.iter().all(|one| one.len() == 43) && all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }
}
