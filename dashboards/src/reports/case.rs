//! One case on paper: facts, law, reasoning, what was done, who was told, and the pictures that prove most.
//!
//! In: a case as the API shows it, its deliveries, and pictures with a caption.   Out: a [`Document`], and its tables for a spreadsheet.
//!
//! The console prints the same by a browser; this one goes into the evidence bundle, where there is none.

use super::picture::Picture;
use super::table::{Cell, Column, Document, Table};
use super::{brief, legal, pdf, sheet};
use journal::wire::{DeliveryJson, HouseholdJson, IncidentJson, IntervalJson, ReportJson, TimelineJson};

/// Pictures on paper: what fits two pages.
pub(crate) const PICTURES_MAX: usize = 6;

/// A case with what became of telling it.
pub(crate) struct CaseSheet<'a> {
    /// As `GET /incidents/{id}` shows it.
    pub incident: &'a IncidentJson,
    /// Oldest first.
    pub deliveries: &'a [DeliveryJson],
    /// When the sheet is made, and by whom.
    pub made: (String, &'a str),
}

impl CaseSheet<'_> {
    /// As a PDF, with the pictures behind the tables.
    pub fn pdf(&self, pictures: Vec<Picture>) -> Vec<u8> {
        let incident = self.incident;
        let title = if incident.drill { "禁牧监测案件单（演练）" } else { "禁牧监测案件单" };
        let mut remarks = vec![
            format!("编号：{}　状态：{}", incident.id, brief::status(&incident.status)),
            format!("制表：{}，{}（北京时间）", self.made.1, legal(&self.made.0)),
            format!("法律依据：{}", incident.legal_basis),
            format!("判定理由：{}", incident.reasoning.zh),
        ];
        if incident.late {
            remarks.push("补报：数据到达较晚，事件是事后形成的。".to_owned());
        }
        remarks.push("数量、羊单位和罚款为估算，须由执法人员核实。".to_owned());
        remarks.push("执法人员：____________　当事人：____________　日期：____________".to_owned());
        let tables = vec![self.facts(), self.timeline(), self.reports(), self.deliveries()];
        pdf::pdf(&Document { title: title.to_owned(), remarks, tables, pictures, is_wide: false })
    }

    /// What happened when, for a spreadsheet.
    pub fn timeline_csv(&self) -> String {
        csv(self.timeline())
    }

    /// Who was told when, and what they answered, for a spreadsheet.
    pub fn deliveries_csv(&self) -> String {
        csv(self.deliveries())
    }

    fn facts(&self) -> Table {
        let incident = self.incident;
        let zone = |zone: &journal::wire::ZoneRefJson| format!("{}（{}，第 {} 版）", zone.name, zone.id, zone.version);
        let households = incident.household.iter().chain(&incident.other_households).map(household);
        let households = households.collect::<Vec<_>>().join("；");
        let place = &incident.position;
        let rule = [closure(&incident.closure.level), incident.closure.rule.as_str()].join(" · ");
        let rows = [
            ("区域", incident.zones.iter().map(zone).collect::<Vec<_>>().join("；")),
            ("苏木乡镇代码", incident.township.clone().unwrap_or_else(|| "—".to_owned())),
            ("执法主体", authority(&incident.authority).to_owned()),
            ("首次发现", legal(&incident.first_seen)),
            ("最近发现", legal(&incident.last_seen)),
            ("离开", incident.ended_at.as_deref().map_or_else(|| "—".to_owned(), legal)),
            ("位置（WGS84）", format!("{:.6}, {:.6}，误差 {:.0} 米", place.lat, place.lon, incident.accuracy_m)),
            ("在区内的把握", format!("{:.1} %", incident.probability * 100.0)),
            ("牲畜（估算）", brief::species(incident)),
            ("羊单位（估算）", brief::interval(incident.sheep_units)),
            ("罚款，元（估算）", fine(incident)),
            ("牧户", if households.is_empty() { "未识别到牧户".to_owned() } else { households }),
            ("封闭规则", rule),
            ("设备", incident.devices.join("、")),
            ("处理结果", incident.outcome.as_deref().map_or("未定", brief::outcome).to_owned()),
        ];
        let rows = rows.into_iter().map(|(what, text)| vec![Cell::from(what), text.into()]).collect();
        table("基本情况", &[("项目", 1.0), ("内容", 4.0)], rows)
    }

    fn timeline(&self) -> Table {
        let row = |TimelineJson { at, what, by, text }: &TimelineJson| {
            let text = match (what.as_str(), text.as_deref()) {
                (_, None) => Cell::Nothing,
                ("resolved", Some(word)) => brief::outcome(word).into(),
                ("opened", Some(text)) => text.split("; ").map(reason).collect::<Vec<_>>().join("；").into(),
                (_, Some(text)) => text.into(),
            };
            vec![legal(at).into(), event(what).into(), by.as_deref().map_or(Cell::Nothing, Cell::from), text]
        };
        let rows = self.incident.timeline.iter().map(row).collect();
        table("处置过程", &[("时间（北京）", 1.6), ("事项", 1.4), ("人员", 1.0), ("内容", 3.0)], rows)
    }

    fn reports(&self) -> Table {
        let row = |ReportJson { duty, body, state, .. }: &ReportJson| {
            let body = if body.is_empty() { Cell::Nothing } else { authority(body).into() };
            vec![self::duty(duty).into(), body, self::state(state).into()]
        };
        let rows = self.incident.reports.iter().map(row).collect();
        table("双报告", &[("职责", 1.0), ("单位", 2.0), ("状态", 1.0)], rows)
    }

    fn deliveries(&self) -> Table {
        let row = |delivery: &DeliveryJson| {
            vec![
                legal(&delivery.at).into(),
                delivery.subscriber_name.as_str().into(),
                delivery.channel.as_str().into(),
                delivery.duty.as_deref().map_or(Cell::Nothing, |word| duty(word).into()),
                state(&delivery.state).into(),
                Cell::count(u64::from(delivery.attempts)),
                delivery.answer.as_str().into(),
            ]
        };
        let rows = self.deliveries.iter().map(row).collect();
        let columns = [
            ("时间（北京）", 1.6),
            ("接收方", 1.6),
            ("方式", 0.8),
            ("职责", 1.1),
            ("状态", 0.8),
            ("次数", 0.5),
            ("回执", 2.2),
        ];
        table("推送", &columns, rows)
    }
}

fn table(title: &str, columns: &[(&'static str, f32)], rows: Vec<Vec<Cell>>) -> Table {
    let columns = columns.iter().map(|(head, weight)| Column { head, weight: *weight }).collect();
    Table { title: title.to_owned(), columns, rows }
}

fn csv(table: Table) -> String {
    let (title, tables) = (table.title.clone(), vec![table]);
    sheet::csv(&Document { title, remarks: Vec::new(), tables, pictures: Vec::new(), is_wide: false })
}

fn fine(incident: &IncidentJson) -> String {
    let amount = IntervalJson { low: incident.fine_yuan.low, high: incident.fine_yuan.high };
    if amount.high == Some(0) { "—".to_owned() } else { brief::interval(amount) }
}

fn household(household: &HouseholdJson) -> String {
    let stock = match household.stock.as_str() {
        "local" => "本地牲畜",
        "outside" => "外场牲畜",
        other => other,
    };
    format!("{}（{}，{stock}，识别 {} 头）", household.name, household.id, household.animals.len())
}

/// Why detection opened a case; it says so in English.
fn reason(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        [count, "sightings", "inside", "within", minutes, "minutes"] => {
            format!("{minutes} 分钟内在区内观测到 {count} 次")
        }
        ["collar", device, "stayed", "inside", "for", minutes, "minutes"] => {
            format!("项圈 {device} 在区内停留 {minutes} 分钟")
        }
        ["already", "inside", "when", "the", "closure", "began"] => "封闭开始时已在区内".to_owned(),
        ["the", .., "changed"] => "区域或封闭期有变更".to_owned(),
        _ => text.to_owned(),
    }
}

fn event(word: &str) -> &str {
    match word {
        "opened" => "形成事件",
        "resumed" => "仍在区内",
        "withdrawn" => "系统撤销",
        "grew" => "再次发现",
        "ended" => "牲畜离开",
        "updated" => "有更新",
        "closed" => "事件结束",
        "acknowledged" => "签收",
        "dispatched" => "派遣",
        "resolved" => "办结",
        "reopened" => "重新打开",
        "escalated" => "无人签收，通知下一人",
        "half_reported" => "双报告未完成",
        "comment" => "备注",
        other => other,
    }
}

fn authority(word: &str) -> &str {
    match word {
        "township" => "苏木乡镇人民政府",
        "forestry_bureau" => "旗林业和草原局",
        "forestry_squadron" => "林草执法中队",
        "reserve_station" => "保护区管理站",
        other => other,
    }
}

fn closure(level: &str) -> &str {
    match level {
        "none" => "未封闭",
        "warn" => "劝阻期",
        "enforce" => "禁止放牧",
        other => other,
    }
}

fn duty(word: &str) -> &str {
    match word {
        "local_government" => "属地政府",
        "forestry_authority" => "林草主管部门",
        other => other,
    }
}

fn state(word: &str) -> &str {
    match word {
        "no_receiver" => "无接收单位",
        "pending" => "待发送",
        "delivered" => "已送达",
        "dead" => "已放弃",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_case_was_opened_is_said_in_chinese_and_what_is_not_known_as_it_came() {
        for (text, want) in [
            ("3 sightings inside within 5 minutes", "5 分钟内在区内观测到 3 次"),
            ("collar c-1 stayed inside for 3 minutes", "项圈 c-1 在区内停留 3 分钟"),
            ("already inside when the closure began", "封闭开始时已在区内"),
            ("the zones or closures changed", "区域或封闭期有变更"),
            ("for another reason", "for another reason"),
        ] {
            assert_eq!(reason(text), want);
        }
    }
}
