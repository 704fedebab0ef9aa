//! The section `[mqtt.frigate]`: how large the pictures are in which Frigate looks.

use super::section::{ConfigError, Section};
use ingest::gate::FrigateDetect;
use std::collections::BTreeMap;

pub(super) fn detect(mut section: Section) -> Result<FrigateDetect, ConfigError> {
    let usual = match section.optional_text("detect")? {
        Some(size) => Some(size_of(&section, &size)?),
        None => None,
    };
    let mut cameras = BTreeMap::new();
    for mut camera in section.sections("camera")? {
        let name = camera.required("name", "the camera's name in Frigate")?;
        let size = camera.required("detect", "width and height of its detect stream, for example 1280x720")?;
        cameras.insert(name, size_of(&camera, &size)?);
        camera.finish()?;
    }
    section.finish()?;
    Ok(FrigateDetect { usual, cameras })
}

fn size_of(section: &Section, size: &str) -> Result<(u16, u16), ConfigError> {
    let side = |side: &str| side.trim().parse::<u16>().ok().filter(|pixels| *pixels > 0);
    let parsed = size.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    parsed.ok_or_else(|| {
        section.invalid(
            "detect",
            size,
            "write width and height of Frigate's detect stream in pixels, for example 1280x720",
        )
    })
}
