//! Whole-platform journeys: the real binary, real sockets, foreign clients. Each reads as a sentence.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a journey that cannot go on has failed"
)]

mod asyncapi;
mod authority;
mod backup;
mod bundle;
mod camera_events;
mod cameras;
mod chaos;
mod configuration;
mod console;
mod coverage;
mod crash;
mod detection;
mod doctor;
mod fleet;
mod foreign;
mod gate;
mod herd;
mod http_in;
mod https;
mod incident;
mod influx;
mod integrator;
mod journal;
mod land;
mod mavlink;
mod metrics;
mod mqtt_alerts;
mod north_fence;
mod observability;
mod oidc;
mod packaging;
mod readme;
mod real_input;
mod secrets;
mod service_manager;
mod silence;
mod station;
mod station_news;
mod survey;
mod telling;
mod terrain;
mod track;
mod upstream;
mod vision;
mod wire;
