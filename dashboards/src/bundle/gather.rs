//! From the stores to the files of a bundle.
//!
//! In: a case with its deliveries, and the stores.   Out: the files in the order in which somebody reads them, and what is absent.
//!
//! What `GET /incidents/{id}`, the case sheet and the exports of zones and closures show is written by the code that shows it there. Never:
//! a store changed.

use super::said::{Said, Wanted, said};
use super::{ExportError, Words};
use crate::audit::entry_json;
use crate::closures::calendar_json;
use crate::reports::case::{CaseSheet, PICTURES_MAX};
use crate::reports::picture::Picture;
use crate::snapshots::item_json;
use evidence::bundle::{About, FORMAT, Manifest, PackError, Packer, SigningKey};
use evidence::{EvidenceError, Item, Store, Why};
use journal::wire::{DeliveryJson, IncidentJson, SnapshotJson};
use model::{DeviceId, IncidentId, Offset, TenantId, Timestamp, Zone, ZoneId};
use registry::{AuditQuery, Registry, export_zones};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

const README: &str = include_str!("README.txt");

/// By which office programs know UTF-8.
const UTF8_MARK: &str = "\u{feff}";

/// Entries of the audit in one bundle.
const AUDIT_MAX: usize = 10_000;

/// Where everything is, and for whom.
pub(super) struct Sources<'a> {
    pub tenant: &'a TenantId,
    pub registry: &'a Registry,
    pub evidence: &'a Store,
    pub journal: &'a Path,
    /// Whether what a device showed and said is the exporter's business.
    pub shows: &'a dyn Fn(&DeviceId) -> bool,
    pub by: &'a str,
    pub now: Timestamp,
}

/// A case with what became of telling it.
pub(super) struct Gathered<'a> {
    pub incident: &'a IncidentJson,
    /// Oldest first.
    pub deliveries: Vec<DeliveryJson>,
}

/// Writes the whole bundle.
pub(super) fn pack<W: Write + Seek>(
    sources: &Sources<'_>,
    case: &Gathered<'_>,
    key: &SigningKey,
    writer: W,
) -> Result<(W, Manifest), ExportError> {
    let about = About {
        tenant: sources.tenant.to_string(),
        incident: case.incident.id.clone(),
        exported_at: sources.now.to_rfc3339(),
        exported_by: sources.by.to_owned(),
        software: concat!("steppewatch ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let mut packer = Packer::new(writer, about, key);
    let mut pictures = Pictures::of(sources, case.incident)?;
    let sheet = CaseSheet {
        incident: case.incident,
        deliveries: &case.deliveries,
        made: (sources.now.to_rfc3339(), sources.by),
    };
    packer.add("README.txt", "说明 what is in it and how to check it", readme(sources, case).as_bytes())?;
    packer.add("case-sheet.pdf", "案件单 the case on paper", &sheet.pdf(pictures.on_paper(sources, case.incident)?))?;
    packer.add("incident.json", "事件 the case", &pretty("the case", case.incident)?)?;
    packer.add("timeline.csv", "处置过程 what happened when", sheet.timeline_csv().as_bytes())?;
    if case.deliveries.is_empty() {
        packer.absent("deliveries.json", "没有推送 nobody was told of it");
    } else {
        packer.add("deliveries.csv", "推送 who was told", sheet.deliveries_csv().as_bytes())?;
        packer.add("deliveries.json", "推送 who was told", &pretty("the deliveries", &case.deliveries)?)?;
    }
    law(&mut packer, sources, case.incident)?;
    audit(&mut packer, sources, case)?;
    pictures.add(&mut packer, sources, case.incident)?;
    messages(&mut packer, sources, case.incident, &pictures)?;
    Ok(packer.finish()?)
}

fn readme(sources: &Sources<'_>, case: &Gathered<'_>) -> String {
    let text = README.replace("{incident}", &case.incident.id).replace("{tenant}", sources.tenant.as_str());
    // Office machines show a text file with their own line ends.
    format!("{UTF8_MARK}{}", text.replace("{format}", FORMAT).replace('\n', "\r\n"))
}

/// The zones in the versions that held, and why they were closed.
fn law<W: Write + Seek>(
    packer: &mut Packer<'_, W>,
    sources: &Sources<'_>,
    incident: &IncidentJson,
) -> Result<(), ExportError> {
    let mut zones: Vec<Arc<Zone>> = Vec::new();
    for named in &incident.zones {
        let versions = match ZoneId::parse(&named.id) {
            Ok(id) => sources.registry.zone_versions(&id)?,
            Err(_) => Vec::new(),
        };
        match versions.into_iter().find(|version| version.zone.version == named.version) {
            Some(version) => zones.push(Arc::new(version.zone)),
            None => packer.absent(
                format!("zones.geojson: {} {}", named.id, named.version),
                "登记册中没有该版本 the registry has no such version",
            ),
        }
    }
    if !zones.is_empty() {
        let text = export_zones(&zones, survey::Format::GeoJson).map_err(|error| failed("the zones", error))?;
        packer.add("zones.geojson", "当时有效的区域边界 the zones in the versions that held", &text)?;
    }
    let opened = incident.timeline.first().and_then(|line| Timestamp::parse_rfc3339(&line.at));
    let known = opened.or_else(|| Timestamp::parse_rfc3339(&incident.first_seen)).unwrap_or(sources.now);
    let calendar = calendar_json(&sources.registry.calendar_as_of(known)?, &[]);
    let mut calendar = serde_json::to_value(calendar).map_err(|error| failed("the law", error))?;
    // What waits for a second person is no law.
    calendar.as_object_mut().map(|fields| fields.remove("proposals"));
    let closures = json!({ "decided": incident.closure, "known_at": known.to_rfc3339(), "calendar": calendar });
    Ok(packer.add(
        "closures.json",
        "封闭规则和法律依据 closures and their legal basis",
        &pretty("the law", &closures)?,
    )?)
}

/// What people did about the case and its deliveries, the oldest first. The addresses of the house's own machines stay in the house.
fn audit<W: Write + Seek>(
    packer: &mut Packer<'_, W>,
    sources: &Sources<'_>,
    case: &Gathered<'_>,
) -> Result<(), ExportError> {
    let mut ids: BTreeSet<&str> = case.deliveries.iter().map(|delivery| delivery.id.as_str()).collect();
    ids.insert(&case.incident.id);
    let mut found = Vec::new();
    for part in [case.incident.id.as_str(), "delivery.retry "] {
        let query = AuditQuery { what: Some(part.to_owned()), ..AuditQuery::default() };
        let newest = sources.registry.find_in_audit(&query, AUDIT_MAX)?;
        if newest.len() == AUDIT_MAX {
            packer.absent("audit.json", format!("只含最近 {AUDIT_MAX} 条 the newest {AUDIT_MAX} entries only"));
        }
        found.extend(newest);
    }
    found.retain(|entry| entry.what.split_once(' ').is_some_and(|(_, id)| ids.contains(id)));
    found.sort_by_key(|entry| entry.seq);
    if found.is_empty() {
        packer.absent("audit.json", "审计中没有相关条目 nobody has done anything about it yet");
        return Ok(());
    }
    let shown = found.iter().map(|entry| {
        let mut json = serde_json::to_value(entry_json(entry)).map_err(|error| failed("the audit", error))?;
        json.as_object_mut().map(|fields| fields.remove("address"));
        Ok(json)
    });
    let shown = shown.collect::<Result<Vec<Value>, ExportError>>()?;
    Ok(packer.add("audit.json", "审计条目 who did what", &pretty("the audit", &shown)?)?)
}

/// The pictures that are kept for a case and that the exporter may see.
struct Pictures {
    kept: Vec<Item>,
    absent: Vec<Words>,
}

impl Pictures {
    fn of(sources: &Sources<'_>, incident: &IncidentJson) -> Result<Self, ExportError> {
        let kept = match IncidentId::parse(&incident.id) {
            Ok(id) => sources.evidence.of_incident(&id)?,
            Err(_) => Vec::new(),
        };
        let mut absent = Vec::new();
        for named in &incident.evidence {
            if !kept.iter().any(|item| is_of(item, named)) {
                let why = "未存档：图像未到、日志已过保存期或存储已满 not kept: it never came, the journal had let go of it, or there was no room";
                absent.push((format!("{} {}", named.device, named.snapshot_id), why.to_owned()));
            }
        }
        let (kept, withheld): (Vec<_>, Vec<_>) = kept.into_iter().partition(|item| (sources.shows)(&item.device));
        for item in withheld {
            let why = "相机属于其他苏木乡镇，导出人无权查看 its camera is of another township than the exporter's";
            absent.push((format!("{} {}", item.device, item.snapshot), why.to_owned()));
        }
        Ok(Self { kept, absent })
    }

    /// The pictures with their list. One whose file was changed on the disk is none any more, and that is said.
    fn add<W: Write + Seek>(
        &mut self,
        packer: &mut Packer<'_, W>,
        sources: &Sources<'_>,
        incident: &IncidentJson,
    ) -> Result<(), ExportError> {
        let (mut list, mut there) = (Vec::new(), BTreeSet::new());
        for item in &self.kept {
            let path = format!("pictures/{}.jpg", item.hash);
            let what = || format!("{} {}", item.device, item.snapshot);
            if there.insert(item.hash.clone()) {
                let why = match content(sources.evidence, &item.hash)? {
                    None => Some("存档文件缺失或已被改动 its file is gone or was changed on the disk"),
                    Some(jpeg) => match packer.add(&path, "图像原件 a picture as its camera sent it", &jpeg) {
                        Ok(()) => None,
                        Err(PackError::Full { .. }) => Some("证据包已满 the bundle has no room for it"),
                        Err(error) => return Err(error.into()),
                    },
                };
                if let Some(why) = why {
                    there.remove(&item.hash);
                    self.absent.push((what(), why.to_owned()));
                    continue;
                }
            }
            let mut json =
                serde_json::to_value(item_json(item, sources.now)).map_err(|error| failed("the pictures", error))?;
            if let Some(fields) = json.as_object_mut() {
                fields.remove("age_s");
                fields.insert("file".to_owned(), path.into());
                fields.insert("boxes".to_owned(), json!(boxes(item, incident)));
            }
            list.push(json);
        }
        if !list.is_empty() {
            packer.add("pictures.json", "图像清单 what is seen in each picture", &pretty("the pictures", &list)?)?;
        }
        for (what, why) in std::mem::take(&mut self.absent) {
            packer.absent(what, why);
        }
        Ok(())
    }

    /// Those that fit on the sheet, the newest ones with frames first of all, in the order of time.
    fn on_paper(&self, sources: &Sources<'_>, incident: &IncidentJson) -> Result<Vec<Picture>, ExportError> {
        let mut chosen: Vec<&Item> = self.kept.iter().collect();
        chosen.sort_by_key(|item| {
            (item.why == Why::Before, boxes(item, incident).is_empty(), std::cmp::Reverse(item.taken_at))
        });
        chosen.truncate(PICTURES_MAX);
        chosen.sort_by_key(|item| item.taken_at);
        let mut shown = Vec::new();
        for item in chosen {
            let Some(jpeg) = content(sources.evidence, &item.hash)? else { continue };
            let before = if item.why == Why::Before { "　此前一张" } else { "" };
            let caption = format!("{}　{}　{}{before}", item.taken_at.to_legal(), item.device, item.snapshot);
            shown.extend(Picture::new(jpeg, boxes(item, incident), caption));
        }
        Ok(shown)
    }
}

/// `None` for a file that is gone or does not have the content of its name.
fn content(store: &Store, hash: &str) -> Result<Option<Vec<u8>>, EvidenceError> {
    match store.content(hash) {
        Err(error @ (EvidenceError::Altered { .. } | EvidenceError::Folder { .. })) => {
            tracing::warn!(%error, "a picture is left out of an evidence bundle");
            Ok(None)
        }
        content => content,
    }
}

fn is_of(item: &Item, named: &SnapshotJson) -> bool {
    item.device.as_str() == named.device && item.snapshot.as_str() == named.snapshot_id
}

fn boxes(item: &Item, incident: &IncidentJson) -> Vec<[f64; 4]> {
    let named = incident.evidence.iter().find(|named| is_of(item, named));
    named.map(|named| named.boxes.clone()).unwrap_or_default()
}

/// What the devices said.
fn messages<W: Write + Seek>(
    packer: &mut Packer<'_, W>,
    sources: &Sources<'_>,
    incident: &IncidentJson,
    pictures: &Pictures,
) -> Result<(), ExportError> {
    let devices = incident.devices.iter().filter_map(|name| DeviceId::parse(name).ok());
    let (devices, withheld): (BTreeSet<_>, BTreeSet<_>) = devices.partition(|device| (sources.shows)(device));
    for device in withheld {
        let why = "设备属于其他苏木乡镇，导出人无权查看 it is of another township than the exporter's";
        packer.absent(format!("journal.jsonl: {device}"), why);
    }
    let time = |text: &str| Timestamp::parse_rfc3339(text).unwrap_or_default();
    let of_tracks = incident.tracks.iter().flat_map(|track| track.entries.map(Offset));
    let known: Vec<Offset> = of_tracks.chain(pictures.kept.iter().map(|item| item.offset)).collect();
    let wanted = Wanted {
        devices,
        span: (time(&incident.first_seen), time(incident.ended_at.as_deref().unwrap_or(&incident.last_seen))),
        known: known.iter().min().copied().zip(known.iter().max().copied()),
    };
    let Said { lines, about, absent } = said(sources.journal, &wanted);
    if !about.is_null() {
        packer.add(
            "journal.json",
            "原始上报的范围 which stretch of the journal it is",
            &pretty("the journal", &about)?,
        )?;
    }
    if !lines.is_empty() {
        packer.add("journal.jsonl", "原始上报 what the devices said", &lines)?;
    }
    if incident.late {
        let why =
            "补报事件：较晚到达的上报可能不全 a case of late data: messages that came later may not be among these";
        packer.absent("journal.jsonl", why);
    }
    for (what, why) in absent {
        packer.absent(what, why);
    }
    Ok(())
}

fn pretty(what: &'static str, value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, ExportError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| failed(what, error))?;
    text.push(b'\n');
    Ok(text)
}

fn failed(what: &'static str, error: impl std::fmt::Display) -> ExportError {
    ExportError::Write { what, why: error.to_string() }
}
