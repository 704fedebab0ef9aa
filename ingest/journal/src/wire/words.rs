//! Words for people, in Chinese and in English: what a case is made of, as parts of a sentence.
//!
//! In: the nouns of `model`, and sentences of detection.   Out: words.   Never: a word that programs rely on.

use super::notice::{percent, shown};
use model::{
    Authority, FireSign, Flaw, Interval, MarkKind, Matter, Notice, OutageCause, Outcome, Species, SpeciesCount, Stock,
};

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Both {
    /// 中文
    pub zh: String,
    /// English.
    pub en: String,
}

pub(super) fn both(zh: impl Into<String>, en: impl Into<String>) -> Both {
    Both { zh: zh.into(), en: en.into() }
}

/// `34 至 46`, `34 to 46`; one figure where both ends are the same; `至少 12`, `at least 12` where nobody knows how many more.
pub fn interval(amount: Interval) -> Both {
    let low = amount.low;
    match amount.at_most() {
        Some(high) if high == low => both(low.to_string(), low.to_string()),
        Some(high) => both(format!("{low} 至 {high}"), format!("{low} to {high}")),
        None => both(format!("至少 {low}"), format!("at least {low}")),
    }
}

/// Its name, and the word that counts such animals in Chinese.
fn species(species: Species) -> (&'static str, &'static str, &'static str) {
    match species {
        Species::Sheep => ("绵羊", "只", "sheep"),
        Species::Goat => ("山羊", "只", "goats"),
        Species::Cattle => ("牛", "头", "cattle"),
        Species::Horse => ("马", "匹", "horses"),
        Species::Camel => ("骆驼", "峰", "camels"),
        Species::Donkey => ("驴", "头", "donkeys"),
        Species::Mule => ("骡", "头", "mules"),
        Species::Person => ("人", "名", "people"),
        Species::Vehicle => ("车辆", "台", "vehicles"),
        Species::Dog => ("狗", "只", "dogs"),
        Species::Unknown => ("未能辨别种类的牲畜", "头", "animals of unknown kind"),
    }
}

/// `绵羊 34 至 46 只、牛 3 头`.
pub fn animals(counts: &[SpeciesCount]) -> Both {
    let part = |of: &SpeciesCount| {
        let ((zh, measure, en), count) = (species(of.species), interval(of.count));
        both(format!("{zh} {} {measure}", count.zh), format!("{} {en}", count.en))
    };
    let parts: Vec<Both> = counts.iter().map(part).collect();
    list(&parts)
}

/// A notice in a sentence.
pub fn notice(notice: &Notice) -> Both {
    let who = notice.devices.first().map_or("", |device| device.as_str());
    let is_over = notice.until.is_some();
    match &notice.matter {
        Matter::Flaw { flaw, .. } if is_over => {
            let (zh, en) = flaw_name(*flaw);
            both(format!("{who} 恢复正常：{zh}已解除"), format!("{who} is well again: no more {en}"))
        }
        Matter::Flaw { flaw, value } => {
            let (zh, en) = flaw_name(*flaw);
            let measure = value.map(|value| format!(" {} {}", shown(value), flaw.unit())).unwrap_or_default();
            both(format!("{who} 工作异常：{zh}{measure}"), format!("{who} is not well: {en}{measure}"))
        }
        Matter::Outage(cause) => outage(cause, notice.devices_count, is_over),
        Matter::Blind { watched, limit_hours, zones } => blind(notice, (*watched, *limit_hours, *zones), is_over),
        Matter::Threshold { rule, value, limit, .. } if rule == "green_up" => {
            let (value, limit) = (shown(*value), shown(*limit));
            if is_over {
                return both("返青推迟已结束".to_owned(), "the late green-up is over".to_owned());
            }
            both(
                format!("返青推迟：已返青的监测站占 {value} %（应达 {limit} %）"),
                format!("green-up is late: {value} % of the stations have greened (should be {limit} %)"),
            )
        }
        Matter::Threshold { rule, value, limit, unit, .. } => {
            let who = stations(notice);
            let (value, limit) = (shown(*value), shown(*limit));
            let (zh, en) =
                if is_over { ("已恢复", "back within its limit") } else { ("超出限值", "past its limit") };
            let rule_zh = rule_name(rule);
            both(
                format!("{} {rule_zh}{zh}：{value} {unit}（限值 {limit} {unit}）", who.zh),
                format!("{}: {} {en}: {value} {unit} (limit {limit} {unit})", who.en, rule.replace('_', " ")),
            )
        }
        Matter::Passage { species, count, vehicle } => passage(notice, *species, *count, vehicle),
        Matter::Fire { sign, confidence } => {
            let (zh, en) = match sign {
                FireSign::Smoke => ("烟雾", "smoke"),
                FireSign::Heat => ("热点", "heat"),
            };
            if is_over {
                return both(format!("{who} 不再发现{zh}"), format!("{who} sees no more {en}"));
            }
            let sure = percent(*confidence);
            both(format!("{who} 发现{zh}，把握 {}", sure.zh), format!("{who} sees {en}, {} sure", sure.en))
        }
    }
}

/// `红山卡口：蒙D·A1234 运往 150425200，绵羊 40 只`.
fn passage(notice: &Notice, of: Species, count: Option<u32>, vehicle: &str) -> Both {
    let post = match (&notice.zone, notice.devices.first()) {
        (Some(zone), _) => zone.name.as_str(),
        (None, device) => device.map_or("", |device| device.as_str()),
    };
    let ((zh, measure, en), bound) = (species(of), notice.township.as_ref().map_or("", |code| code.as_str()));
    let (many_zh, many_en) = match count {
        Some(count) => (format!("{zh} {count} {measure}"), format!("{count} {en}")),
        None => (zh.to_owned(), en.to_owned()),
    };
    let carrier = if vehicle.is_empty() { String::new() } else { format!("{vehicle} ") };
    both(format!("{post}：{carrier}运往 {bound}，{many_zh}"), format!("{post}: {carrier}bound for {bound}, {many_en}"))
}

/// Whose values a threshold is about: one station's, or those of a township together.
fn stations(notice: &Notice) -> Both {
    match (&notice.township, notice.devices_count, notice.devices.first()) {
        (_, 1, Some(device)) => both(device.to_string(), device.to_string()),
        (Some(township), count, _) => {
            both(format!("苏木乡镇 {township}（{count} 个监测站）"), format!("township {township} ({count} stations)"))
        }
        (None, count, _) => both(format!("{count} 个监测站"), format!("{count} stations")),
    }
}

fn outage(cause: &OutageCause, count: u32, is_over: bool) -> Both {
    let of = match cause {
        OutageCause::Fleet => both("全部设备", "the whole fleet"),
        OutageCause::Township(code) => both(format!("{code} 辖区"), format!("township {code}")),
        OutageCause::Site(name) => both(format!("站点 {name}"), format!("site {name}")),
        OutageCause::Gateway(device) => both(format!("网关 {device}"), format!("gateway {device}")),
    };
    if is_over {
        both(format!("{}通信恢复", of.zh), format!("{} is back", of.en))
    } else {
        both(format!("{}通信中断，{count} 台设备失联", of.zh), format!("{} is cut off: {count} devices silent", of.en))
    }
}

fn blind(notice: &Notice, (watched, limit_hours, zones): (f64, f64, u32), is_over: bool) -> Both {
    let (part, hours) = (percent(watched), shown(limit_hours));
    let of = match (&notice.zone, &notice.township) {
        (Some(zone), _) => both(zone.name.as_str(), zone.name.as_str()),
        (None, Some(township)) => {
            both(format!("{township} 辖区 {zones} 片封闭区"), format!("{zones} closed zones of township {township}"))
        }
        (None, None) => both(format!("{zones} 片封闭区"), format!("{zones} closed zones")),
    };
    if is_over && limit_hours == 0.0 {
        return both(format!("{} 已不再封闭，不计盲区", of.zh), format!("{} is closed no longer", of.en));
    }
    match (is_over, notice.zone.is_some()) {
        (true, true) => {
            both(format!("{} 恢复监视（{}）", of.zh, part.zh), format!("{} is watched again ({})", of.en, part.en))
        }
        (true, false) => both(format!("{}均已恢复监视", of.zh), format!("all {} are watched again", of.en)),
        (false, true) => both(
            format!("{} 已超过 {hours} 小时无人监视：此间只看到 {} 的面积", of.zh, part.zh),
            format!("{} was not watched for {hours} h: {} of it was seen", of.en, part.en),
        ),
        (false, false) => both(
            format!("{}已超过 {hours} 小时无人监视：此间只看到 {} 的面积", of.zh, part.zh),
            format!("{} were not watched for {hours} h: {} of them was seen", of.en, part.en),
        ),
    }
}

/// Its name in both languages.
fn flaw_name(flaw: Flaw) -> (&'static str, &'static str) {
    match flaw {
        Flaw::Fault => ("设备自报故障", "it reports a fault"),
        Flaw::FrozenPicture => ("画面停滞", "the same picture again and again"),
        Flaw::WrongPose => ("朝向与指令不符", "it does not look where it was told to"),
        Flaw::Clock => ("时钟偏差", "its clock is wrong"),
        Flaw::Battery => ("电量不足", "its charge will not last"),
        Flaw::Storage => ("存储空间不足", "hardly any storage left"),
        Flaw::Lens => ("镜头受遮挡或画面不清", "something before the lens"),
    }
}

/// What officers call a rule that is shipped; any other is called as the configuration does.
fn rule_name(rule: &str) -> &str {
    match rule {
        "drought" => "旱情",
        "fire_danger" => "火险",
        "frost" => "霜冻",
        "wind" => "大风",
        "snow" => "积雪",
        "cold" => "严寒",
        other => other,
    }
}

/// A list in a sentence.
pub(super) fn list(parts: &[Both]) -> Both {
    let zh = parts.iter().map(|part| part.zh.as_str()).collect::<Vec<_>>().join("、");
    let en: Vec<&str> = parts.iter().map(|part| part.en.as_str()).collect();
    let en = match en.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => en.join(", "),
    };
    Both { zh, en }
}

/// Who enforces.
pub(super) fn authority(body: Authority) -> (&'static str, &'static str) {
    match body {
        Authority::Township => ("苏木乡镇人民政府", "the township government"),
        Authority::ForestryBureau => ("旗林业和草原局", "the banner's forestry and grassland bureau"),
        Authority::ForestrySquadron => ("林草执法中队", "the forestry enforcement squadron"),
        Authority::ReserveStation => ("保护区管理站", "the reserve's management station"),
    }
}

/// How it turned out.
pub(super) fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Violation => ("违规放牧", "unlawful grazing"),
        Outcome::Lawful => ("合法", "lawful"),
        Outcome::FalsePositive => ("误报", "false alarm"),
        Outcome::Unfounded => ("查无实据", "unfounded"),
    }
}

/// By what an animal is known.
pub(super) fn mark(kind: MarkKind) -> (&'static str, &'static str) {
    match kind {
        MarkKind::EarTag => ("耳标", "ear tag"),
        MarkKind::Collar => ("项圈", "collar"),
        MarkKind::Face => ("面部识别", "face"),
    }
}

/// Whose animals.
pub(super) fn stock(stock: Stock) -> (&'static str, &'static str) {
    match stock {
        Stock::Local => ("本地牲畜", "local stock"),
        Stock::Outside => ("外场牲畜", "outside stock"),
    }
}

/// Why a case was opened, as detection says it: parts of a sentence with semicolons between. What is not known here stays as it is.
pub(super) fn rule_of_evidence(text: &str) -> Both {
    let parts = text.split("; ").map(one_rule);
    let zh = parts.collect::<Vec<_>>().join("；");
    both(zh, text)
}

fn one_rule(text: &str) -> String {
    let between =
        |before: &str, middle: &str, after: &str| text.strip_prefix(before)?.strip_suffix(after)?.split_once(middle);
    if let Some((count, minutes)) = between("", " sightings inside within ", " minutes") {
        return format!("{minutes} 分钟内在区内观测到 {count} 次");
    }
    if let Some((collar, minutes)) = between("collar ", " stayed inside for ", " minutes") {
        return format!("项圈 {collar} 在区内停留 {minutes} 分钟");
    }
    if let Some(rule) = together(text) {
        return rule;
    }
    match text {
        "already inside when the closure began" => "封闭开始时已在区内".to_owned(),
        "the zones or closures changed" => "区划或封闭期变更".to_owned(),
        other => other.to_owned(),
    }
}

/// What several sightings say together.
fn together(text: &str) -> Option<String> {
    let (count, rest) = text.split_once(" sightings by ")?;
    let (devices, rest) = rest.split_once(" device")?;
    let (_, rest) = rest.split_once("within ")?;
    let (seconds, rest) = rest.split_once(" s together place the herd inside (P = ")?;
    let probability = rest.strip_suffix(')')?;
    Some(format!("{seconds} 秒内 {devices} 台设备的 {count} 次观测合并判定畜群在区内（概率 {probability}）"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_of_detection_are_told_in_chinese_and_unknown_ones_as_they_are() {
        for (text, zh) in [
            ("3 sightings inside within 5 minutes", "5 分钟内在区内观测到 3 次"),
            ("collar c-7 stayed inside for 3 minutes", "项圈 c-7 在区内停留 3 分钟"),
            (
                "already inside when the closure began; 4 sightings inside within 5 minutes",
                "封闭开始时已在区内；5 分钟内在区内观测到 4 次",
            ),
            (
                "7 sightings by 2 devices within 60 s together place the herd inside (P = 0.83)",
                "60 秒内 2 台设备的 7 次观测合并判定畜群在区内（概率 0.83）",
            ),
            ("a ranger said so", "a ranger said so"),
        ] {
            assert_eq!((rule_of_evidence(text).zh.as_str(), rule_of_evidence(text).en.as_str()), (zh, text));
        }
    }
}
