//! A writer that is killed in the middle: what it said was taken has to be there.
//!
//! The bench starts itself again as the writer, which tells after each batch how far it is.

use super::fleet::{Fix, Fleet};
use super::ours::{Ours, reading};
use super::victoria::Victoria;
use super::{BEGUN_MS, STEP_S};
use anyhow::{Context, Result};
use model::Offset;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Says that this process is the writer; the folder follows.
pub const WRITER: &str = "write-history";
/// A second of a busy fleet goes in ten such batches.
const BATCH: usize = 200;
const ROWS_EACH: usize = 100_000;
/// Batches that are accepted before the kill, on each side.
const ACCEPTED: usize = 100;

/// The writer: goes on until it is killed.
pub fn write_until_killed(folder: &Path) -> Result<()> {
    let ours = Ours::open(folder, BATCH)?;
    let mut said = std::io::stdout();
    let mut batch: Vec<Fix> = Vec::new();
    for (number, fix) in Fleet::new(BATCH, ROWS_EACH, BEGUN_MS, STEP_S).enumerate() {
        batch.push(fix);
        if batch.len() < BATCH {
            continue;
        }
        let first = number + 2 - BATCH;
        let readings = batch
            .iter()
            .zip(first as u64..)
            .map(|(fix, offset)| reading(ours.name(fix.device), offset, fix))
            .collect::<Result<Vec<_>>>()?;
        ours.history.append(&readings, Offset(number as u64 + 1))?;
        ours.history.seal(4)?;
        writeln!(said, "{}", number + 1)?;
        said.flush()?;
        batch.clear();
    }
    Ok(())
}

/// Kills our writer; how many rows it had said were taken, and how many of those are gone.
pub fn ours(folder: &Path) -> Result<(usize, usize)> {
    let mut writer = Command::new(std::env::current_exe()?)
        .arg(WRITER)
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .context("the writer cannot be started")?;
    let mut accepted = 0_usize;
    let said = BufReader::new(writer.stdout.take().context("no pipe")?);
    for (number, line) in said.lines().enumerate() {
        // What is still in the pipe was said as well, so it is read to its end.
        accepted = line?.parse()?;
        if number == ACCEPTED {
            writer.kill()?;
        }
    }
    writer.wait()?;
    let there = Ours::open(folder, BATCH)?.count(ROWS_EACH)?;
    Ok((accepted, accepted.saturating_sub(there)))
}

/// The same for the peer, at two thousand rows a second: it has to be given time for what it writes now and then.
pub async fn peer(folder: &Path) -> Result<(usize, usize)> {
    let server = Victoria::start(folder, BATCH).await?;
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    let mut batch = Vec::new();
    let mut accepted = 0;
    for fix in Fleet::new(BATCH, ACCEPTED, BEGUN_MS, STEP_S) {
        batch.push(fix);
        if batch.len() == BATCH {
            beat.tick().await;
            server.write(&batch).await?;
            accepted += batch.len();
            batch.clear();
        }
    }
    eprintln!("history: the peer shows {} of {accepted} rows before it is killed", server.count(ACCEPTED).await?);
    server.kill().await?;
    let server = Victoria::start(folder, BATCH).await?;
    // It may answer before it has read all it has.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let there = server.count(ACCEPTED).await?;
    server.stop().await?;
    Ok((accepted, accepted.saturating_sub(there)))
}
