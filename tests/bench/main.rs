//! Figures that the project promises, each beside a peer on the same load in the same minute.
//!
//! In: the name of a bench, or none for all.   Out: one JSON object a line on standard output; progress on standard error.
//!
//! `make bench BENCH=ingest_durable`. Nothing here is a test: a figure depends on the machine, only its ratio to the peer
//! says something.
#![expect(clippy::indexing_slicing, reason = "a bench that cannot go on has failed")]

mod detection;
mod detection_live;
mod end_to_end;
mod figures;
mod geofence;
mod history;
mod ingest_durable;
mod live_view;
mod mosquitto;
mod mqtt;
mod platform;
mod recovery;
mod replay;
mod zone_files;

use anyhow::{Result, bail};

#[tokio::main]
async fn main() -> Result<()> {
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    // cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [history::WRITER, folder] = wanted.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return history::write_until_killed(std::path::Path::new(folder));
    }
    let benches =
        ["detection", "end_to_end", "geofence", "history", "ingest_durable", "live_view", "recovery", "replay"];
    if let Some(unknown) = wanted.iter().find(|name| !benches.contains(&name.as_str())) {
        bail!("there is no bench `{unknown}`; there are: {}", benches.join(", "));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|other| other == name);
    if is_wanted("detection") {
        detection::run().await?;
    }
    if is_wanted("end_to_end") {
        end_to_end::run().await?;
    }
    if is_wanted("geofence") {
        geofence::run()?;
    }
    if is_wanted("history") {
        history::run().await?;
    }
    if is_wanted("ingest_durable") {
        ingest_durable::run().await?;
    }
    if is_wanted("live_view") {
        live_view::run().await?;
    }
    if is_wanted("recovery") {
        recovery::run().await?;
    }
    // A part of `detection` that is worth running alone.
    if wanted.iter().any(|name| name == "replay") {
        replay::run().await?;
    }
    Ok(())
}
