//! Why a case is a case, as a paragraph that an officer can check against the land.
//!
//! In: the case and what people did about it. Out: the same in Chinese and in English: who saw what and where, why it is one
//! herd, whose animals are known, how sure it is, which law holds, what followed. Pure; times are those of a clock in Beijing.

use super::incident::ReasoningJson;
use super::words::{self, Both, both};
use model::{Authority, Case, DeviceId, Incident, IncidentStatus, Involved, Outcome, TimelineItem};

/// Names so many devices; a herd with thirty collars would otherwise drown the sentence. All of them are in `devices`.
const DEVICES_NAMED_MAX: usize = 3;
/// Likewise of the animals of a household.
const MARKS_NAMED_MAX: usize = 2;
/// What people did last; the timeline has all of it.
const FOLLOWED_MAX: usize = 5;

/// The paragraph.
pub(super) fn of(incident: &Incident) -> ReasoningJson {
    let case = &incident.case;
    let mut parts = vec![seen(case), grounds(case)];
    parts.extend(joined(case));
    parts.extend(whose(incident));
    parts.push(law(case));
    parts.push(followed(incident));
    parts.push(both(
        "数量与罚款均为估算，须由执法人员核实。",
        "Numbers and fine are estimates that an officer must verify.",
    ));
    if case.late {
        parts.push(both("数据迟到，仅立案，不作紧急处置。", "The data came late: this is a case, not an emergency."));
    }
    let en: Vec<String> = parts.iter().map(|part| part.en.clone()).collect();
    ReasoningJson { zh: parts.into_iter().map(|part| part.zh).collect(), en: en.join(" ") }
}

/// Who saw it, in Chinese and in English.
fn devices(all: &[DeviceId]) -> (String, String) {
    let named: Vec<&str> = all.iter().take(DEVICES_NAMED_MAX).map(|device| device.as_str()).collect();
    let more = all.len().saturating_sub(named.len());
    if more == 0 {
        return (format!("{} ", named.join("、")), named.join(", "));
    }
    (format!("{} 等 {} 台设备", named.join("、"), all.len()), format!("{} and {more} more", named.join(", ")))
}

/// A rule is named in Chinese and, after a space, in English; one that is not stays whole for both readers.
fn halves(rule: &str) -> (&str, &str) {
    let english = rule.find(|letter: char| letter.is_ascii_alphabetic()).and_then(|at| rule.split_at_checked(at));
    match english {
        Some((chinese, english)) if chinese.ends_with(' ') => (chinese.trim_end(), english),
        _ => (rule, rule),
    }
}

/// Who saw what, where, and how surely.
fn seen(case: &Case) -> Both {
    let (from, to) = (case.first_seen.to_legal(), case.last_seen.to_legal());
    let (devices_zh, devices_en) = devices(&case.devices);
    let (animals, units) = (words::animals(&case.species), words::interval(case.sheep_units));
    let zone = |name: &str, version: u32| {
        both(format!("「{name}」（第 {version} 版）"), format!("\"{name}\" (version {version})"))
    };
    let zones: Vec<Both> = case.zones.iter().map(|one| zone(&one.name, one.version)).collect();
    let zones = words::list(&zones);
    // Sure is nobody: what rounds to certainty is told as almost that.
    let percent = (case.probability * 100.0).round().clamp(1.0, 99.0);
    let (accuracy, count) = (case.accuracy_m.round(), case.sightings_count);
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    both(
        format!(
            "{from} 至 {to}，{devices_zh}共 {count} 次观测到{}（折合 {} 个羊单位）位于{}内，定位误差约 {accuracy} 米，位于区内的概率 {percent}%。",
            animals.zh, units.zh, zones.zh
        ),
        format!(
            "From {from} to {to} (Beijing time) {devices_en} saw {} ({} sheep units) {times} inside {}; the position is good to about \
             {accuracy} m, and it is {percent} % sure that it is inside.",
            animals.en, units.en, zones.en
        ),
    )
}

/// By which rule of evidence.
fn grounds(case: &Case) -> Both {
    let rule = words::rule_of_evidence(&case.evidence);
    both(format!("立案依据：{}。", rule.zh), format!("The case was opened because of this: {}.", rule.en))
}

/// Why the sightings are of one herd; one alone needs no reason.
fn joined(case: &Case) -> Option<Both> {
    if case.sightings_count < 2 {
        return None;
    }
    let apart = case.apart_m.ceil().max(1.0);
    Some(both(
        format!("各次观测归为同一畜群：时间相接，最近十分钟内的位置距畜群中心不超过 {apart} 米，牲畜走得到。"),
        format!(
            "The sightings are taken for one herd: they follow each other, and those of the last ten minutes lie within {apart} m of its \
             middle, which animals can walk."
        ),
    ))
}

/// Whose animals were recognised.
fn whose(incident: &Incident) -> Vec<Both> {
    let known = incident.households.iter().map(|involved| of_household(incident, involved));
    let named = |mark| incident.households.iter().any(|involved| involved.animals.contains(mark));
    let unnamed = incident.case.exhibits.animals.iter().filter(|mark| !named(mark)).count();
    let rest = (unnamed > 0).then(|| {
        both(
            format!("另有 {unnamed} 头可识别个体未登记到户。"),
            format!("Registered to no household: {} that could be told apart.", counted(unnamed)),
        )
    });
    known.chain(rest).collect()
}

fn of_household(incident: &Incident, Involved { household, animals }: &Involved) -> Both {
    let marks = animals.iter().take(MARKS_NAMED_MAX).map(|mark| {
        let (zh, en) = words::mark(mark.kind);
        both(format!("{zh} {}", mark.id), format!("{en} {}", mark.id))
    });
    let marks: Vec<Both> = marks.collect();
    let (zh, en) = (
        marks.iter().map(|mark| mark.zh.as_str()).collect::<Vec<_>>().join("、"),
        marks.iter().map(|mark| mark.en.as_str()).collect::<Vec<_>>().join(", "),
    );
    let (more_zh, more_en) = if animals.len() > marks.len() { (" 等", " and others") } else { ("", "") };
    let earlier = incident.earlier.iter().filter(|one| one.household == household.id).count();
    let (earlier_zh, earlier_en) = match earlier {
        0 => ("该户本年度此前没有记录".to_owned(), "it has no earlier case this year".to_owned()),
        1 => ("该户本年度此前有 1 起记录".to_owned(), "it has 1 earlier case this year".to_owned()),
        many => (format!("该户本年度此前有 {many} 起记录"), format!("it has {many} earlier cases this year")),
    };
    let ((stock_zh, stock_en), count) = (words::stock(household.stock), animals.len());
    let counted = counted(count);
    both(
        format!(
            "识别出 {count} 头个体（{zh}{more_zh}），属牧户「{}」（{}，{stock_zh}）；{earlier_zh}。",
            household.name, household.id
        ),
        format!(
            "Recognised: {counted} ({en}{more_en}) of household \"{}\" ({}, {stock_en}); {earlier_en}.",
            household.name, household.id
        ),
    )
}

fn counted(count: usize) -> String {
    if count == 1 { "1 animal".to_owned() } else { format!("{count} animals") }
}

/// Which law holds there, who enforces it, and what it may cost.
fn law(case: &Case) -> Both {
    let (rule_zh, rule_en) = halves(if case.closure.rule.is_empty() { "-" } else { &case.closure.rule });
    let law = &case.closure.legal_basis;
    let (body_zh, body_en) = words::authority(case.authority);
    let each = case.closure.fine_yuan_per_sheep_unit;
    let (fine_zh, fine_en) = if each == 0 {
        ("未规定罚款".to_owned(), "no fine is named".to_owned())
    } else {
        let fine = words::interval(super::incident::fine(case));
        (
            format!("按每羊单位 {each} 元估算罚款 {} 元", fine.zh),
            format!("at {each} yuan per sheep unit the fine is estimated at {} yuan", fine.en),
        )
    };
    both(
        format!("该处当前适用「{rule_zh}」（{law}），由{body_zh}执法；{fine_zh}。"),
        format!("\"{rule_en}\" ({law}) holds there, enforced by {body_en}; {fine_en}."),
    )
}

/// What people did, and whether the herd is still there.
fn followed(incident: &Incident) -> Both {
    let mut steps: Vec<Both> = incident.timeline.iter().filter_map(step).collect();
    steps.drain(..steps.len().saturating_sub(FOLLOWED_MAX));
    if steps.is_empty() && incident.status == IncidentStatus::Open {
        return both("目前尚无人签收。", "Nobody has taken it yet.");
    }
    let zh = steps.iter().map(|step| step.zh.as_str()).collect::<Vec<_>>().join("；");
    let en = steps.iter().map(|step| step.en.as_str()).collect::<Vec<_>>().join("; ");
    both(format!("其后：{zh}。"), format!("What followed: {en}."))
}

fn step(item: &TimelineItem) -> Option<Both> {
    let at = item.at.to_legal();
    let by = item.by.as_deref().unwrap_or("-");
    let text = item.text.as_deref().unwrap_or_default();
    let (zh, en) = match item.what.as_str() {
        "acknowledged" => (format!("{by} 签收"), format!("{by} took it")),
        "dispatched" => {
            let to = Authority::parse(text).map(words::authority);
            let (zh, en) = to.unwrap_or((text, text));
            (format!("{by} 派往{zh}"), format!("{by} sent {en}"))
        }
        "resolved" => {
            let (zh, en) = Outcome::parse(text).map(words::outcome).unwrap_or((text, text));
            (format!("{by} 结案：{zh}"), format!("{by} closed it as {en}"))
        }
        "reopened" => (format!("{by} 重新打开"), format!("{by} opened it again")),
        "resumed" => {
            ("迟到数据表明畜群仍在区内".to_owned(), "late data showed that the herd was still inside".to_owned())
        }
        "withdrawn" => (
            "迟到数据表明畜群不在区内，系统撤销".to_owned(),
            "late data showed that it was not inside; the platform took it back".to_owned(),
        ),
        "ended" => ("畜群离开或不再被观测到".to_owned(), "the herd left or was no longer seen".to_owned()),
        _ => return None,
    };
    Some(both(format!("{at} {zh}"), format!("{at} {en}")))
}

#[cfg(test)]
#[path = "reasoning_tests.rs"]
mod tests;
