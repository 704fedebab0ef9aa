//! The section `[mavlink]`: where vehicles are listened to, and whose word counts.

use super::section::{ConfigError, Section};
use ingest::protocol::mavlink::{MavlinkConfig, SigningKey, System};
use model::{Networks, Species};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) fn mavlink(mut section: Section) -> Result<MavlinkConfig, ConfigError> {
    let networks = networks(&mut section)?.map_or_else(|| Networks::parse(["127.0.0.0/8", "::1/128"]), Ok);
    let networks = networks.map_err(|error| section.invalid("networks", "", &error.to_string()))?;
    let mut systems = BTreeMap::new();
    for table in section.sections("system")? {
        let (id, system) = system(table)?;
        if systems.insert(id, system).is_some() {
            return Err(section.invalid(
                "system",
                &id.to_string(),
                "it is there twice; write one [[mavlink.system]] for each id",
            ));
        }
    }
    let config = MavlinkConfig {
        listen: section.address("listen", "127.0.0.1:14550")?,
        networks,
        systems,
        track_interval: section.duration("track_interval", "1s")?,
    };
    section.finish()?;
    Ok(config)
}

fn system(mut section: Section) -> Result<(u8, System), ConfigError> {
    let id = section.number("id", 0, 0..=255)?;
    let Some(id) = u8::try_from(id).ok().filter(|id| *id > 0) else {
        return Err(section.missing("id", "the vehicle's system id, 1 to 255"));
    };
    let key = match section.optional_text("key_file")? {
        None => None,
        Some(file) => Some(key(&section, file)?),
    };
    let tracks = section.optional_text("tracks")?;
    let species = |word: &String| {
        Species::parse(word).ok_or_else(|| {
            section.invalid("tracks", word, "it is no species; write sheep, cattle, horse or another of the contract")
        })
    };
    let tracks = tracks.as_ref().map(species).transpose()?;
    let system = System { networks: networks(&mut section)?, key, tracks };
    section.finish()?;
    Ok((id, system))
}

fn key(section: &Section, file: String) -> Result<SigningKey, ConfigError> {
    let path = PathBuf::from(&file);
    let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::File {
        key: section.key("key_file"),
        path,
        source,
    })?;
    SigningKey::parse(&text).map_err(|error| section.invalid("key_file", &file, &error.to_string()))
}

/// `None` where nothing is written.
fn networks(section: &mut Section) -> Result<Option<Networks>, ConfigError> {
    let written = section.texts("networks")?;
    if written.is_empty() {
        return Ok(None);
    }
    let parsed = Networks::parse(written.iter().map(String::as_str));
    parsed
        .map(Some)
        .map_err(|error| section.invalid("networks", &written.join(", "), &format!("{error}, for example 10.8.0.0/24")))
}
