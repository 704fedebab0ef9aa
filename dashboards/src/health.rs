//! How a device is doing, as people see it: four different looks for stale, silent, broken and never seen.
//!
//! In: the registry's device and who works on it, what was last heard, what the alert log said of its silence and its flaws, and "now".
//! Out: [`Condition`], and the reasons for it ([`reasons`]).
//!
//! Never: decides that a silence is told to anybody; detection does, and its word (the alert log) is taken over the arithmetic.

use crate::app::App;
use crate::live::Heard;
use journal::wire::{NoticeJson, ReasoningJson};
use model::{Device, Health, HeartbeatStatus, Maintenance, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A silence that the alert log told and has not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Silence {
    /// When the device last spoke before it.
    pub last_seen: Timestamp,
    /// When it was told.
    pub told_at: Timestamp,
}

/// A device's health and the times that explain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    /// In one word.
    pub health: Health,
    /// When it last spoke.
    pub last_seen: Option<Timestamp>,
    /// When it must have spoken again.
    pub deadline: Option<Timestamp>,
}

/// What others than the device itself say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Word {
    /// The silence that was told.
    pub silence: Option<Silence>,
    /// Whether a flaw goes on.
    pub is_flawed: bool,
    /// Whether somebody works on it.
    pub is_worked_on: bool,
}

/// Judges one device at `now`.
pub(crate) fn condition(device: &Device, heard: &Heard, word: Word, now: Timestamp) -> Condition {
    let silence = word.silence;
    let last_seen = heard.last_seen.max(silence.map(|silence| silence.last_seen));
    let deadline = last_seen.map(|seen| seen.plus(device.patience()));
    // Heard after the silence was told: it is back, though the alert that says so is still on its way.
    let told_silent = silence.is_some_and(|silence| heard.last_seen.is_none_or(|seen| seen <= silence.told_at));
    let health = match (last_seen, deadline) {
        _ if device.disabled => Health::Disabled,
        _ if word.is_worked_on => Health::Maintenance,
        (Some(_), _) if told_silent => Health::Silent,
        (Some(_), Some(deadline)) if now > deadline => Health::Silent,
        (Some(_), _) if heard.status == Some(HeartbeatStatus::Fault) || word.is_flawed => Health::Faulty,
        (Some(seen), _) if now.since(seen) > device.late_after() => Health::Late,
        (Some(_), _) => Health::Online,
        (None, _) => Health::NeverSeen,
    };
    Condition { health, last_seen, deadline }
}

/// Judges one device of the registry now.
pub(crate) fn of(app: &App, device: &Device, heard: &Heard) -> Condition {
    let now = app.now();
    let registry = app.registry_view();
    let word = Word {
        silence: app.view.silence(&device.id),
        is_flawed: app.view.is_flawed(&device.id),
        is_worked_on: work(&registry.maintenance, device, now).is_some(),
    };
    condition(device, heard, word, now)
}

fn work<'a>(maintenance: &'a [Maintenance], device: &Device, now: Timestamp) -> Option<&'a Maintenance> {
    maintenance.iter().find(|work| work.holds(now) && work.concerns(device))
}

/// Why a device is not simply online.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = DeviceReason)]
pub(crate) struct Reason {
    /// A flaw, `silent`, `late`, `outage` or `maintenance`.
    pub code: String,
    /// Since when, RFC 3339.
    #[schema(required, format = DateTime)]
    pub since: Option<String>,
    /// By how much, as it was when it was told, where that can be measured.
    #[schema(required)]
    pub value: Option<f64>,
    /// Unit of it.
    pub unit: String,
    /// The same in a sentence.
    pub text: ReasoningJson,
}

/// All that is known against a device: the work on it, its silence or the outage it is part of, and its flaws.
pub(crate) fn reasons(app: &App, device: &Device, condition: Condition) -> Vec<Reason> {
    let registry = app.registry_view();
    let work = work(&registry.maintenance, device, app.now()).map(of_work);
    let silence = match condition.health {
        Health::Silent => match app.view.outage(&device.id) {
            Some(outage) => Some(of_notice("outage", &outage)),
            None => Some(unheard("silent", condition.last_seen, ("已失联", "is silent"), device)),
        },
        Health::Late => Some(unheard("late", condition.last_seen, ("迟报", "is late"), device)),
        _ => None,
    };
    let flaws = app.view.flaws(&device.id);
    let flaws = flaws.iter().map(|flaw: &Arc<NoticeJson>| of_notice(&flaw.code, flaw));
    work.into_iter().chain(silence).chain(flaws).collect()
}

fn of_notice(code: &str, notice: &NoticeJson) -> Reason {
    Reason {
        code: code.to_owned(),
        since: Some(notice.since.clone()),
        value: notice.value,
        unit: notice.unit.clone(),
        text: notice.text.clone(),
    }
}

fn of_work(work: &Maintenance) -> Reason {
    let (until, reason, by) = (work.until.to_rfc3339(), &work.reason, &work.by);
    Reason {
        code: "maintenance".to_owned(),
        since: Some(work.from.to_rfc3339()),
        value: None,
        unit: String::new(),
        text: ReasoningJson {
            zh: format!("检修中，至 {until}：{reason}（{by}）"),
            en: format!("worked on until {until}: {reason} ({by})"),
        },
    }
}

fn unheard(code: &str, last_seen: Option<Timestamp>, (zh, en): (&str, &str), device: &Device) -> Reason {
    let id = &device.id;
    Reason {
        code: code.to_owned(),
        since: last_seen.map(Timestamp::to_rfc3339),
        value: None,
        unit: String::new(),
        text: ReasoningJson { zh: format!("{id} {zh}"), en: format!("{id} {en}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{DeviceId, DeviceKind};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn camera() -> Device {
        Device::new(DeviceId::parse("camera-1").unwrap(), DeviceKind::Camera)
    }

    fn heard(seconds: i64) -> Heard {
        Heard { last_seen: Some(at(seconds)), ..Heard::default() }
    }

    #[track_caller]
    fn check(heard: &Heard, silence: Option<Silence>, now_s: i64, want: Health) {
        let word = Word { silence, ..Word::default() };
        assert_eq!(condition(&camera(), heard, word, at(now_s)).health, want);
    }

    #[test]
    fn a_device_grows_late_and_then_silent_as_time_passes() {
        check(&Heard::default(), None, 1_000, Health::NeverSeen);
        check(&heard(0), None, 90, Health::Online);
        check(&heard(0), None, 91, Health::Late);
        check(&heard(0), None, 185, Health::Late);
        check(&heard(0), None, 186, Health::Silent);
    }

    #[test]
    fn the_alert_logs_word_on_a_silence_holds_until_the_device_speaks() {
        let silence = Some(Silence { last_seen: at(10), told_at: at(20) });
        check(&heard(10), silence, 30, Health::Silent);
        check(&Heard::default(), silence, 30, Health::Silent);
        check(&heard(21), silence, 30, Health::Online);
    }

    #[test]
    fn a_fault_shows_while_it_speaks_and_a_disabled_device_is_just_that() {
        let broken = Heard { status: Some(HeartbeatStatus::Fault), ..heard(0) };
        check(&broken, None, 30, Health::Faulty);
        check(&broken, None, 1_000, Health::Silent);
        let disabled = Device { disabled: true, ..camera() };
        assert_eq!(condition(&disabled, &broken, Word::default(), at(30)).health, Health::Disabled);
    }

    #[test]
    fn the_deadline_is_three_cadences_and_the_way_after_the_last_word() {
        assert_eq!(condition(&camera(), &heard(5), Word::default(), at(6)).deadline, Some(at(190)));
    }

    #[test]
    fn a_flaw_that_goes_on_is_faulty_while_it_speaks_and_work_on_it_comes_before_all_but_being_shut_out() {
        let of = |word, now_s| condition(&camera(), &heard(0), word, at(now_s)).health;
        let flawed = Word { is_flawed: true, ..Word::default() };
        assert_eq!(
            [of(flawed, 30), of(flawed, 120), of(flawed, 1_000)],
            [Health::Faulty, Health::Faulty, Health::Silent]
        );
        assert_eq!(of(Word { is_worked_on: true, ..flawed }, 1_000), Health::Maintenance);
        let disabled = Device { disabled: true, ..camera() };
        let worked_on = Word { is_worked_on: true, ..Word::default() };
        assert_eq!(condition(&disabled, &heard(0), worked_on, at(1)).health, Health::Disabled);
    }
}
