//! What CAP calls things: how our kinds, severities and certainties are said in the words that the standard has.
//!
//! In: an alert.   Out: one of CAP's words, or a word for people in both languages.   Pure.

use journal::wire::words::Both;
use model::{Alert, AlertKind, Incident, IncidentStatus, Matter, Outcome, Severity, Subject};

fn both(zh: &str, en: &str) -> Both {
    Both { zh: zh.to_owned(), en: en.to_owned() }
}

/// Whether what it is about is over: the herd left, the case was closed, the fire is seen no more.
pub(crate) fn is_over(alert: &Alert) -> bool {
    match &alert.subject {
        Subject::Incident(incident) => {
            incident.case.ended_at.is_some() || incident.status == IncidentStatus::Resolved || is_void(alert)
        }
        Subject::Device { .. } => alert.kind == AlertKind::DeviceBack,
        Subject::Zone(_) => alert.kind == AlertKind::ZoneOverloadEnded,
        Subject::Notice(notice) => notice.until.is_some(),
    }
}

/// Whether it never was: taken back by later data, or found to be nothing by a person.
pub(super) fn is_void(alert: &Alert) -> bool {
    let is_nothing = |incident: &Incident| {
        matches!(incident.outcome, Some(Outcome::FalsePositive | Outcome::Unfounded))
            || alert.kind == AlertKind::IncidentWithdrawn
    };
    matches!(&alert.subject, Subject::Incident(incident) if is_nothing(incident))
}

/// An update or a cancellation needs something that it updates or cancels.
pub(super) fn msg_type(alert: &Alert, has_earlier: bool) -> &'static str {
    match (has_earlier, is_void(alert)) {
        (false, _) => "Alert",
        (true, true) => "Cancel",
        (true, false) => "Update",
    }
}

pub(super) fn category(alert: &Alert) -> &'static str {
    match &alert.subject {
        Subject::Incident(_) | Subject::Zone(_) => "Env",
        Subject::Device { .. } => "Infra",
        Subject::Notice(notice) => match &notice.matter {
            Matter::Fire { .. } => "Fire",
            Matter::Flaw { .. } | Matter::Outage(_) | Matter::Blind { .. } => "Infra",
            Matter::Passage { .. } => "Transport",
            Matter::Threshold { rule, .. } => match rule.as_str() {
                "fire_danger" => "Fire",
                "drought" | "green_up" => "Env",
                _ => "Met",
            },
        },
    }
}

/// What happened, as officers call it. A case is a suspicion until an officer has seen it.
pub(crate) fn event(alert: &Alert) -> Both {
    match alert.kind {
        AlertKind::IncidentOpened => both("涉嫌违规放牧", "Suspected unlawful grazing"),
        AlertKind::IncidentUpdated => both("涉嫌违规放牧（续报）", "Suspected unlawful grazing, update"),
        AlertKind::IncidentEscalated => {
            both("涉嫌违规放牧（无人签收）", "Suspected unlawful grazing, not acknowledged")
        }
        AlertKind::IncidentClosed => both("涉嫌违规放牧（终报）", "Suspected unlawful grazing, over"),
        AlertKind::IncidentWithdrawn => both("涉嫌违规放牧（撤销）", "Suspected unlawful grazing, withdrawn"),
        AlertKind::DeviceSilent => both("监测设备失联", "Monitoring device silent"),
        AlertKind::DeviceBack => both("监测设备恢复", "Monitoring device back"),
        AlertKind::ZoneOverload => both("草畜平衡区疑似超载", "Suspected overload of a balance zone"),
        AlertKind::ZoneOverloadEnded => both("草畜平衡区超载解除", "Overload of a balance zone over"),
        AlertKind::DeviceFaulty => both("监测设备异常", "Monitoring device not well"),
        AlertKind::DeviceSound => both("监测设备恢复正常", "Monitoring device well again"),
        AlertKind::FleetOutage => both("监测通信中断", "Monitoring outage"),
        AlertKind::FleetOutageOver => both("监测通信恢复", "Monitoring outage over"),
        AlertKind::ZoneBlind => both("封闭区无人监视", "Closed zone not watched"),
        AlertKind::ZoneWatched => both("封闭区恢复监视", "Closed zone watched again"),
        AlertKind::StationThreshold => both("监测站超限", "Station past a limit"),
        AlertKind::StationThresholdOver => both("监测站恢复", "Station back within its limit"),
        AlertKind::FireSeen => both("疑似草原火情", "Suspected grassland fire"),
        AlertKind::FireOver => both("疑似草原火情消失", "Suspected grassland fire no longer seen"),
        AlertKind::CheckpointPassage => both("牲畜通过卡口", "Livestock passed a checkpoint"),
        AlertKind::HalfReported => both("双报告未完成", "Dual report not complete"),
    }
}

pub(super) fn response(alert: &Alert) -> &'static str {
    match alert.severity {
        _ if is_over(alert) => "AllClear",
        Severity::Urgent => "Execute",
        Severity::Warning => "Assess",
        Severity::Notice => "Monitor",
    }
}

/// Data that came late says nothing about how soon somebody has to act.
pub(super) fn urgency(alert: &Alert) -> &'static str {
    match alert.severity {
        _ if is_over(alert) => "Past",
        _ if is_late(alert) => "Unknown",
        Severity::Urgent => "Immediate",
        Severity::Warning => "Expected",
        Severity::Notice => "Future",
    }
}

pub(crate) fn is_late(alert: &Alert) -> bool {
    match &alert.subject {
        Subject::Incident(incident) => incident.case.late,
        Subject::Notice(notice) => notice.late,
        Subject::Device { .. } | Subject::Zone(_) => false,
    }
}

pub(super) fn severity(alert: &Alert) -> &'static str {
    let is_fire = matches!(&alert.subject, Subject::Notice(notice) if notice.matter.kind() == "fire");
    match (is_fire, alert.severity) {
        _ if is_over(alert) => "Minor",
        (true, _) => "Severe",
        (false, Severity::Urgent) => "Moderate",
        (false, Severity::Warning | Severity::Notice) => "Minor",
    }
}

/// A camera's opinion is none of ours to call an observation; what a device's silence is, is observed.
pub(super) fn certainty(alert: &Alert) -> &'static str {
    let likely = |probability: f64| if probability > 0.5 { "Likely" } else { "Possible" };
    match &alert.subject {
        _ if is_void(alert) => "Unlikely",
        Subject::Incident(incident) if incident.case.probability >= 0.95 => "Observed",
        Subject::Incident(incident) => likely(incident.case.probability),
        Subject::Zone(_) => "Likely",
        Subject::Device { .. } => "Observed",
        Subject::Notice(notice) => match notice.matter {
            Matter::Fire { confidence, .. } => likely(confidence),
            _ => "Observed",
        },
    }
}

/// What to do about it; nothing where there is nothing to do.
pub(super) fn instruction(alert: &Alert) -> Option<Both> {
    let said = match &alert.subject {
        _ if is_over(alert) => return None,
        Subject::Incident(_) => both(
            "请就近派员现场核查、驱离并依法取证。数量与罚款均为估算，须由执法人员核实。",
            "Send somebody nearby to check, to drive the herd out and to record it as the law asks. Numbers and fine are estimates that an officer must verify.",
        ),
        Subject::Zone(_) => both(
            "请现场清点核实；仅为迹象，不作为认定依据。",
            "Count on the ground; this is an indication and no finding.",
        ),
        Subject::Device { .. } => both("请检查设备供电与通信。", "Look at the device's power and link."),
        Subject::Notice(notice) => match &notice.matter {
            Matter::Fire { .. } => both(
                "请立即调度就近人员核实火情，并按森林草原防灭火预案处置。",
                "Send somebody nearby at once to verify the fire, and act by the fire plan.",
            ),
            Matter::Flaw { .. } | Matter::Outage(_) => {
                both("请检查设备供电与通信。", "Look at the devices' power and link.")
            }
            Matter::Blind { .. } => both("请安排巡护或无人机补充监视。", "Send a patrol or a drone to watch it."),
            Matter::Threshold { .. } | Matter::Passage { .. } => {
                both("请关注并视情处置。", "Watch it, and act where needed.")
            }
        },
    };
    Some(said)
}
