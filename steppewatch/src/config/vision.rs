//! The section `[vision]`: which model looks at pictures, how hard it may work, and how each kind of camera is looked at.
//!
//! Terms are inherited: a device's from its kind, a kind's from the section.

use super::section::{ConfigError, Section};
use ingest::vision::{Terms, VisionConfig};
use model::{BoundingBox, DeviceId, Look};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vision::Layout;

/// What `[vision]` says.
#[derive(Debug, Clone)]
pub struct Vision {
    /// The model's file; `None` where pictures are only measured.
    pub model: Option<PathBuf>,
    /// Whether cameras' pictures are measured, so that something before a lens is noticed.
    pub lens: bool,
    /// How it writes what it found.
    pub layout: Layout,
    /// How pictures are looked at.
    pub config: VisionConfig,
}

/// Of which kind a device is that differs.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Camera,
    Drone,
}

pub(super) fn vision(mut section: Section) -> Result<Vision, ConfigError> {
    let model = section.optional_text("model")?.filter(|text| !text.trim().is_empty()).map(PathBuf::from);
    // The lens alone needs no model, but must be asked for: a [vision] that has lost its model is a mistake.
    let lens = section.flag("lens", model.is_some())?;
    if model.is_none() && !lens {
        section.required("model", "the file of an ONNX model, or leave out [vision]")?;
    }
    let layout = section.parsed("kind", "yolox", |kind| {
        Layout::parse(kind).ok_or_else(|| "use yolox or yolov8, whichever way the model writes".to_owned())
    })?;
    let usual = Terms {
        look: Arc::new(Look { threshold: 0.5, region: None, masks: Vec::new() }),
        interval: Duration::from_secs(2),
        steepest_deg: 45.0,
        fit: true,
    };
    let usual = terms(&mut section, &usual)?;
    let fixed = kind(section.section("camera")?, &usual)?;
    let drone = kind(section.section("drone")?, &usual)?;
    let mut devices = BTreeMap::new();
    for table in section.sections("device")? {
        let (id, terms) = device(table, &fixed, &drone)?;
        if devices.insert(id.clone(), terms).is_some() {
            let reason = "it is there twice; write one [[vision.device]] for each device";
            return Err(section.invalid("device", id.as_str(), reason));
        }
    }
    let config = VisionConfig {
        workers: at_least_one(section.number("workers", 1, 1..=64)?),
        share_percent: u32::try_from(section.number("share_percent", 50, 1..=100)?).unwrap_or(50),
        waiting: at_least_one(section.number("waiting", 4, 1..=1_000)?),
        fixed,
        drone,
        devices,
    };
    section.finish()?;
    Ok(Vision { model, lens, layout, config })
}

fn kind(mut section: Section, usual: &Terms) -> Result<Terms, ConfigError> {
    let terms = terms(&mut section, usual)?;
    section.finish()?;
    Ok(terms)
}

fn device(mut section: Section, fixed: &Terms, drone: &Terms) -> Result<(DeviceId, Terms), ConfigError> {
    let id = section.required("id", "the camera's id in the registry")?;
    let id = DeviceId::parse(&id).map_err(|error| section.invalid("id", &id, &error.to_string()))?;
    let kind = section.parsed("kind", "camera", |kind| match kind {
        "camera" => Ok(Kind::Camera),
        "drone" => Ok(Kind::Drone),
        _ => Err("use camera or drone, whose terms it has where it does not differ".to_owned()),
    })?;
    let terms = terms(&mut section, if kind == Kind::Drone { drone } else { fixed })?;
    section.finish()?;
    Ok((id, terms))
}

fn terms(section: &mut Section, from: &Terms) -> Result<Terms, ConfigError> {
    let percent = |number: f64| (number * 100.0).round() as u64;
    let threshold = section.number("threshold_percent", percent(from.look.threshold), 5..=95)? as f64 / 100.0;
    let region = match section.optional_text("region")? {
        None => from.look.region,
        Some(text) => Some(part(&text).map_err(|reason| section.invalid("region", &text, &reason))?),
    };
    let written = section.texts("masks")?;
    let mut masks = Vec::new();
    for text in &written {
        masks.push(part(text).map_err(|reason| section.invalid("masks", text, &reason))?);
    }
    if masks.is_empty() {
        masks.clone_from(&from.look.masks);
    }
    Ok(Terms {
        look: Arc::new(Look { threshold, region, masks }),
        interval: section.duration("interval", &format!("{}ms", from.interval.as_millis()))?,
        steepest_deg: section.number("steepest_deg", from.steepest_deg as u64, 0..=90)? as f64,
        fit: section.flag("fit", from.fit)?,
    })
}

/// `0.1 0.4 0.5 0.6`: left, top, width and height.
fn part(text: &str) -> Result<BoundingBox, String> {
    let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
    let of = match numbers.as_deref() {
        Ok([x, y, w, h]) => BoundingBox { x: *x, y: *y, w: *w, h: *h },
        _ => return Err(PART.to_owned()),
    };
    let inside = of.x >= 0.0 && of.y >= 0.0 && of.w > 0.0 && of.h > 0.0 && of.x + of.w <= 1.0 && of.y + of.h <= 1.0;
    if inside { Ok(of) } else { Err(PART.to_owned()) }
}

const PART: &str = "write left, top, width and height as parts of the picture from 0 to 1, for example \"0 0.4 1 0.6\" for its lower part";

fn at_least_one(number: u64) -> NonZeroUsize {
    usize::try_from(number).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN)
}
