//! Why a case is a case, as a paragraph.
//!
//! In: the case. Out: the same in Chinese and in English, short enough to be read in a text message.

use super::incident::ReasoningJson;
use model::{Case, DeviceId, Interval};

/// Names so many devices; a herd with thirty collars would otherwise drown the sentence. All of them are in `devices`.
const DEVICES_NAMED_MAX: usize = 3;

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

/// How many, in both languages.
fn units(units: Interval) -> (String, String) {
    let low = units.low;
    match units.at_most() {
        Some(high) => (format!("约 {low} 至 {high} "), format!("about {low} to {high}")),
        None => (format!("至少 {low} "), format!("at least {low}")),
    }
}

/// Why this is a case, in words that an officer can check against the land.
pub(super) fn of(case: &Case) -> ReasoningJson {
    let names = case.zones.iter().map(|zone| zone.name.as_str()).collect::<Vec<_>>().join("、");
    let (devices_zh, devices_en) = devices(&case.devices);
    let (units_zh, units_en) = units(case.sheep_units);
    // Sure is nobody: what rounds to certainty is told as almost that.
    let percent = (case.probability * 100.0).round().clamp(1.0, 99.0);
    let accuracy = case.accuracy_m.round();
    let count = case.sightings_count;
    let (rule_zh, rule_en) = halves(if case.closure.rule.is_empty() { "-" } else { &case.closure.rule });
    let law = &case.closure.legal_basis;
    let late_zh = if case.late { "数据迟到，仅立案，不作紧急处置。" } else { "" };
    let late_en = if case.late { " The data came late: this is a case, not an emergency." } else { "" };
    ReasoningJson {
        zh: format!(
            "{devices_zh}共 {count} 次观测到畜群位于「{names}」内（定位误差约 {accuracy} 米，位于区内的概率 {percent}%），\
             {units_zh}个羊单位。该区当前适用「{rule_zh}」（{law}）。数量与罚款均为估算，须由执法人员核实。{late_zh}"
        ),
        en: format!(
            "{devices_en} saw the herd {count} times inside \"{names}\" (position good to about {accuracy} m, {percent} % sure that it is \
             inside), {units_en} sheep units. \"{rule_en}\" ({law}) holds there now. Numbers and fine are estimates \
             that an officer must verify.{late_en}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ids: &[&str], zh: &str, en: &str) {
        let ids: Vec<_> = ids.iter().map(|id| DeviceId::parse(id).unwrap()).collect();
        assert_eq!(devices(&ids), (zh.to_owned(), en.to_owned()));
    }

    #[test]
    fn a_few_devices_are_named_and_many_are_counted() {
        check(&["cam-1", "cam-2"], "cam-1、cam-2 ", "cam-1, cam-2");
        check(&["c-1", "c-2", "c-3", "c-4", "c-5"], "c-1、c-2、c-3 等 5 台设备", "c-1, c-2, c-3 and 2 more");
    }

    #[test]
    fn what_has_no_upper_end_is_told_as_at_least() {
        let told = |interval| units(interval);
        assert_eq!(told(Interval { low: 30, high: 40 }), ("约 30 至 40 ".to_owned(), "about 30 to 40".to_owned()));
        assert_eq!(told(Interval::at_least(6)), ("至少 6 ".to_owned(), "at least 6".to_owned()));
    }

    #[test]
    fn a_rule_in_two_languages_is_told_to_each_reader_in_their_own() {
        assert_eq!(halves("自然保护区禁牧 nature reserve"), ("自然保护区禁牧", "nature reserve"));
        for whole in ["自然保护区禁牧", "nature reserve", "A区禁牧", "-"] {
            assert_eq!(halves(whole), (whole, whole));
        }
    }
}
