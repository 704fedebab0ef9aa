//! How often somebody may be told: a robot that is spoken to too often is shut for ten minutes, and a phone that never rests is
//! turned off.
//!
//! In: who, and when.   Out: nothing, or how long to wait for their turn.   Never: a message lost for it; it waits in the outbox.

use model::{ChannelKind, Subscriber, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Subscribers remembered; the registry holds no more.
const SUBSCRIBERS_MAX: usize = 10_000;

/// So many at once, and one more after each pause.
#[derive(Debug, Clone, Copy)]
struct Limit {
    burst: u32,
    pause: Duration,
}

/// What their makers state: WeCom and DingTalk 20 a minute and robot, Feishu 100 a minute and 5 a second; a phone gets at most ten an
/// hour after a burst of five.
fn limit(channel: ChannelKind) -> Option<Limit> {
    match channel {
        ChannelKind::Webhook | ChannelKind::Mqtt | ChannelKind::Platform | ChannelKind::FireWarning => None,
        ChannelKind::Wecom | ChannelKind::Dingtalk => Some(Limit { burst: 18, pause: Duration::from_millis(3_400) }),
        ChannelKind::Feishu => Some(Limit { burst: 5, pause: Duration::from_millis(650) }),
        ChannelKind::Sms => Some(Limit { burst: 5, pause: Duration::from_secs(360) }),
    }
}

/// When each subscriber's allowance is whole again.
#[derive(Debug, Default)]
pub(super) struct Pace {
    whole_at: Mutex<HashMap<String, Timestamp>>,
}

impl Pace {
    /// Takes a turn for somebody; `Some` when there is none yet.
    pub(super) fn wait(&self, to: &Subscriber, now: Timestamp) -> Option<Duration> {
        let Limit { burst, pause } = limit(to.channel)?;
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if whole_at.len() >= SUBSCRIBERS_MAX {
            whole_at.retain(|_, at| *at > now);
        }
        let at = whole_at.get(&to.id).copied().unwrap_or(now).max(now);
        let next = at.plus(pause);
        let most = now.plus(pause.saturating_mul(burst));
        if next > most {
            return Some(next.since(most));
        }
        whole_at.insert(to.id.clone(), next);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::tests::subscriber;

    #[test]
    fn a_burst_passes_then_one_for_each_pause_and_each_robot_for_itself() {
        let pace = Pace::default();
        let (one, other) = (subscriber("a", ChannelKind::Wecom), subscriber("b", ChannelKind::Wecom));
        let now = Timestamp::from_millis(1_000_000);
        let passed = (0..100).filter(|_| pace.wait(&one, now).is_none()).count();
        assert_eq!(passed, 18);
        let wait = pace.wait(&one, now).unwrap();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(3_400), "{wait:?}");
        assert_eq!(pace.wait(&one, now.plus(wait)), None, "its turn has come");
        assert_eq!(pace.wait(&other, now), None);
        let minute: usize = (0..60).filter(|s| pace.wait(&other, now.plus(Duration::from_secs(*s))).is_none()).count();
        assert!(minute <= 36, "{minute}");
        let webhook = subscriber("c", ChannelKind::Webhook);
        assert!((0..1_000).all(|_| pace.wait(&webhook, now).is_none()), "programs are not paced");
    }
}
