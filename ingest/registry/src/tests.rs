//! The registry's behaviour, a sentence each; here what the files below share.

mod bitemporal;
mod claims;
mod closures;
mod devices;
mod fleet;
mod households;
mod masks;
mod people;
mod proposals;
mod sharing;
mod subscribers;
mod zones;

use crate::{NewDevice, Registry};
use model::{Clock, DeviceId, DeviceKind, Timestamp};
use std::path::PathBuf;
use survey::{Datum, ReadOptions, Source, Survey};

/// A registry in a folder of its own, and the clock it goes by.
pub(super) struct Fixture {
    pub(super) registry: Registry,
    pub(super) clock: Clock,
    pub(super) path: PathBuf,
    _folder: tempfile::TempDir,
}

pub(super) fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.sqlite");
    let clock = Clock::manual(at("2026-04-01T00:00:00+08:00"));
    Fixture { registry: Registry::open(&path, clock.clone()).unwrap(), clock, path, _folder: folder }
}

impl Fixture {
    /// Another process's handle.
    pub(super) fn another(&self) -> Registry {
        Registry::open(&self.path, self.clock.clone()).unwrap()
    }
}

/// GeoJSON as a surveyor's file, with nothing told about it.
pub(super) fn survey_of(text: &str) -> Survey {
    survey_in(text, None)
}

/// The same, its degrees in this datum.
pub(super) fn survey_in(text: &str, datum: Option<Datum>) -> Survey {
    let options = ReadOptions { datum, ..ReadOptions::default() };
    survey::read(&Source::file("zones.geojson", text.as_bytes()), &options).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

pub(super) fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

pub(super) fn camera(name: &str) -> NewDevice {
    NewDevice::new(id(name), DeviceKind::Camera)
}

#[track_caller]
pub(super) fn check_message(message: &impl std::fmt::Display, words: &[&str]) {
    let message = message.to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}
