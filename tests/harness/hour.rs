//! Plays the simulator's hour of a whole fleet through the platform's own decoder and engine, in memory, and judges what was told.
//!
//! In:  an [`Hour`].   Out: [`Verdict`]: every state change that was told and that the truth does not explain, every truth that was not
//! told in time, and counts by kind.   Never: knows how detection decides; the truth and its bounds are the simulator's.

use anyhow::{Context, Result};
use detect::{Engine, Settings, World};
use firmware_sim::hour::{About, Arrived, Change, FROM_MS, Hour, SECONDS, Truth};
use ingest::decode::{Decoder, Said, sign_of_life};
use model::{
    Body, Channel, Device, DeviceId, DeviceKind, Entry, Frame, Maintenance, MaintenanceScope, Matter, Notice, Offset,
    Reading, ReadingKind, ReceivedAt, Timestamp, TownshipCode, Transport, What,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// A change that was told.
#[derive(Debug, Clone)]
pub struct Told {
    /// When, seconds since the beginning.
    pub at: u64,
    /// What.
    pub what: What,
}

/// Plays it; what was told of devices, in order.
pub fn play(hour: &Hour) -> Result<Vec<Told>> {
    let mut platform = Platform::new(hour)?;
    let mut said = hour.said.iter().peekable();
    let mut changes = hour.changes.iter().peekable();
    for second in 0..SECONDS {
        while let Some(next) = said.next_if(|next| next.at_ms < second * 1_000) {
            platform.hear(next)?;
        }
        if (hour.down.0..hour.down.1).contains(&second) {
            continue;
        }
        while let Some((_, change)) = changes.next_if(|(at, _)| *at <= second) {
            platform.change(change, second)?;
        }
        platform.tick(second);
        if hour.restarts.contains(&second) || second == hour.down.1 {
            platform.restart()?;
        }
    }
    Ok(platform.told)
}

struct Platform {
    engine: Engine,
    decoder: Decoder,
    devices: BTreeMap<DeviceId, Device>,
    work: Vec<Maintenance>,
    offset: u64,
    told: Vec<Told>,
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(FROM_MS).plus(Duration::from_secs(second))
}

impl Platform {
    fn new(hour: &Hour) -> Result<Self> {
        let devices = hour.devices.iter().map(|device| {
            let via = device.via.as_deref().map(DeviceId::parse).transpose()?;
            let kind = DeviceKind::parse(device.kind).context("no kind of device")?;
            let id = DeviceId::parse(&device.id)?;
            let known = Device {
                site: device.site.clone(),
                township: Some(TownshipCode::parse(&device.township)?),
                via,
                cadence: Duration::from_secs(device.cadence_s),
                ..Device::new(id.clone(), kind)
            };
            Ok((id, known))
        });
        let devices = devices.collect::<Result<BTreeMap<_, _>>>()?;
        let world = World::without_zones(devices.clone(), vec![]);
        let engine = Engine::new(Settings::default(), Arc::new(world));
        let (decoder, work, told) = (Decoder::default(), Vec::new(), Vec::new());
        Ok(Self { engine, decoder, devices, work, offset: 0, told })
    }

    fn change(&mut self, change: &Change, second: u64) -> Result<()> {
        match change {
            Change::Work { site, until } => self.work.push(Maintenance {
                id: self.work.len() as u64,
                scope: MaintenanceScope::Site(site.clone()),
                from: at(second),
                until: at(*until),
                reason: "work on the mast".to_owned(),
                by: "admin".to_owned(),
            }),
            Change::Disable(device) => {
                let known = self.devices.get_mut(&DeviceId::parse(device)?).context("no such device")?;
                known.disabled = true;
            }
        }
        let world = World::without_zones(self.devices.clone(), vec![]);
        let world = world.with_maintenance(&Arc::new(self.work.clone()));
        let found = self.engine.set_world(Arc::new(world), Offset(self.offset));
        self.keep(found, second);
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        let saved = self.engine.save();
        self.engine = Engine::restore(Settings::default(), Arc::clone(self.engine.world()), &saved)?;
        Ok(())
    }

    fn hear(&mut self, arrived: &Arrived) -> Result<()> {
        let channel = match arrived.kind.as_str() {
            "osd" => Channel::DjiOsd,
            native => {
                let kind = ReadingKind::of_native_topic(native).context("no native kind")?;
                Channel::Native { kind, detail: Arc::from("") }
            }
        };
        self.offset += 1;
        let device = DeviceId::parse(&arrived.device)?;
        let received_at = ReceivedAt(Timestamp::from_millis(FROM_MS).plus(Duration::from_millis(arrived.at_ms)));
        let (speaker, payload) = (device.clone(), arrived.payload.clone());
        let frame = Frame { speaker, device, channel, transport: Transport::Mqtt, payload, received_at };
        let entry = Entry { offset: Offset(self.offset), frame };
        let reading = match self.decoder.take(&entry) {
            Said::News(reading) => Some(reading),
            Said::Nonsense(reject) => Some(sign_of_life(&entry, &reject).with_context(|| reject.to_string())?),
            Said::Again | Said::Unused => None,
        };
        if let Some(reading) = reading {
            let found = self.engine.observe(&reading);
            self.keep(found, arrived.at_ms / 1_000);
        }
        Ok(())
    }

    fn tick(&mut self, second: u64) {
        self.offset += 1;
        let found = self.engine.observe(&Reading {
            device: DeviceId::platform(),
            offset: Offset(self.offset),
            received_at: ReceivedAt(at(second)),
            device_time: None,
            seq: None,
            body: Body::Clock,
        });
        self.keep(found, second);
    }

    fn keep(&mut self, found: Vec<model::Finding>, second: u64) {
        let of_devices = found.into_iter().map(|finding| finding.what).filter(|what| subject(what).is_some());
        self.told.extend(of_devices.map(|what| Told { at: second, what }));
    }
}

/// A state change of a device or of several: what it is about, and whether it begins, changes or ends.
fn subject(what: &What) -> Option<(String, &'static str)> {
    let of = |notice: &Notice| match &notice.matter {
        Matter::Outage(cause) => Some(format!("outage {cause}")),
        Matter::Flaw { flaw, .. } => Some(format!("{} {}", flaw.as_str(), notice.devices.first()?)),
        _ => None,
    };
    match what {
        What::Silent { device, .. } => Some((format!("silence {device}"), "begun")),
        What::Back { device, .. } => Some((format!("silence {device}"), "over")),
        What::Begun(notice) => Some((of(notice)?, "begun")),
        What::Changed(notice) => Some((of(notice)?, "changed")),
        What::Over(notice) => Some((of(notice)?, "over")),
        _ => None,
    }
}

fn name(truth: &Truth) -> String {
    match &truth.about {
        About::Silence(device) => format!("silence {device}"),
        About::Outage { kind, name, .. } => format!("outage {kind}-{name}"),
        About::Flaw { device, flaw } => format!("{flaw} {device}"),
    }
}

/// What the truth says of what was told.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What the truth does not explain.
    pub unexplained: Vec<String>,
    /// What was true and not told in time.
    pub missing: Vec<String>,
    /// Kind of change -> told, and explained.
    pub counts: BTreeMap<String, (u32, u32)>,
}

impl Verdict {
    /// A table for people, then the first of what is wrong.
    pub fn table(&self) -> String {
        let mut text = format!("{:<28}{:>8}{:>11}\n", "change", "told", "explained");
        for (kind, (told, explained)) in &self.counts {
            writeln!(text, "{kind:<28}{told:>8}{explained:>11}").ok();
        }
        writeln!(text, "unexplained {}, missing {}", self.unexplained.len(), self.missing.len()).ok();
        for (word, list) in [("unexplained", &self.unexplained), ("missing", &self.missing)] {
            for one in list.iter().take(12) {
                writeln!(text, "{word}: {one}").ok();
            }
        }
        text
    }
}

/// How a truth was told so far.
#[derive(Default)]
struct Account {
    begun: Vec<u64>,
    over: Vec<u64>,
}

/// Holds what was told against the truth.
pub fn judge(hour: &Hour, told: &[Told]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    let truths: BTreeMap<String, &Truth> = hour.truth.iter().map(|truth| (name(truth), truth)).collect();
    for Told { at, what } in told {
        let Some((subject, change)) = subject(what) else { continue };
        let kind = format!("{} {change}", subject.split(' ').next().unwrap_or_default());
        let account = accounts.entry(subject.clone()).or_default();
        let why = match truths.get(&subject) {
            None => Some("nothing of the kind was the matter"),
            Some(truth) => account.take(truth, *at, change, what),
        };
        let count = verdict.counts.entry(kind).or_default();
        count.0 += 1;
        match why {
            None => count.1 += 1,
            Some(why) => verdict.unexplained.push(format!("{subject} {change} at {at} s: {why}: {what:?}")),
        }
    }
    let nothing = Account::default();
    for (name, truth) in truths {
        let account = accounts.get(&name).unwrap_or(&nothing);
        verdict.missing.extend(account.missing(truth).map(|why| format!("{name} from {} s: {why}", truth.from)));
    }
    verdict
}

impl Account {
    /// Takes a change into the account; why the truth does not explain it, if so.
    fn take(&mut self, truth: &Truth, at: u64, change: &str, what: &What) -> Option<&'static str> {
        match change {
            "begun" => {
                self.begun.push(at);
                let ended_long_ago = truth.to.is_some_and(|to| at > to + 120);
                let strangers = match (what, &truth.about) {
                    (What::Begun(notice), About::Outage { members, .. }) => {
                        notice.devices.iter().any(|id| !members.iter().any(|member| **member == *id.as_str()))
                    }
                    _ => false,
                };
                match () {
                    () if at < truth.from => Some("before it was so"),
                    () if ended_long_ago => Some("after it was over"),
                    () if self.begun.len() > truth.times as usize => Some("told once more than it was so"),
                    () if self.begun.len() > self.over.len() + 1 => Some("it was going on already"),
                    () if strangers => Some("it names devices that are well"),
                    () => None,
                }
            }
            "over" => {
                self.over.push(at);
                match truth.to {
                    _ if self.over.len() > self.begun.len() => Some("it was not told to have begun"),
                    Some(_) if truth.times > 1 => None,
                    Some(to) if at >= to => None,
                    _ => Some("it is still so"),
                }
            }
            _ if self.begun.len() > self.over.len() => None,
            _ => Some("it does not go on"),
        }
    }

    fn missing(&self, truth: &Truth) -> Option<String> {
        let is_late = |times: &[u64], by: u64| by < SECONDS && times.first().is_none_or(|first| *first > by);
        let late = |what: &str, times: &[u64], by: u64| match times.first() {
            Some(first) => format!("{what} at {first} s, due by {by} s"),
            None => format!("not {what}, due by {by} s"),
        };
        if is_late(&self.begun, truth.told_by) {
            return Some(late("told", &self.begun, truth.told_by));
        }
        let over_by = truth.over_by?;
        if is_late(&self.over, over_by) {
            return Some(late("over", &self.over, over_by));
        }
        let goes_on = truth.to.is_some() && self.begun.len() != self.over.len() && over_by < SECONDS;
        goes_on.then(|| "it goes on although it is over".to_owned())
    }
}
