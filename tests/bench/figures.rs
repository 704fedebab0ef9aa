//! What a bench prints.

use serde_json::json;

/// A figure, and the peer's on the same load.
pub struct Figure<'a> {
    pub bench: &'a str,
    pub metric: &'a str,
    pub value: f64,
    pub unit: &'a str,
    pub set: &'a str,
    /// Name and figure of the peer.
    pub peer: Option<(&'a str, f64)>,
}

impl Figure<'_> {
    /// One line of JSON.
    pub fn print(&self) {
        let (peer, peer_value) = self.peer.unzip();
        let line = json!({
            "bench": self.bench, "metric": self.metric, "value": round(self.value), "unit": self.unit, "set": self.set,
            "peer": peer, "peer_value": peer_value.map(round), "ratio": peer_value.filter(|peer| *peer != 0.0).map(|peer| round(self.value / peer)),
        });
        println!("{line}");
    }
}

/// To four digits: more would only look exact.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}

/// The value below which `share` of the samples lie; sorts them.
pub fn quantile(samples: &mut [u32], share: f64) -> f64 {
    samples.sort_unstable();
    let place = (samples.len() as f64 * share).ceil() as usize;
    samples.get(place.saturating_sub(1)).copied().map_or(f64::NAN, f64::from)
}

/// Private memory of a process in bytes: what it alone holds, without the kernel's socket buffers.
pub fn private_bytes(pid: u32) -> anyhow::Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = rollup
        .lines()
        .filter(|line| line.starts_with("Private_Dirty:") || line.starts_with("Private_Clean:"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    Ok(kib.sum::<u64>() * 1_024)
}

/// Seconds of processor time that a process has used.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the command's closing bracket: state is the first field, user and system time the twelfth and thirteenth.
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    // In hundredths of a second on every Linux there is.
    (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / 100.0
}

/// Seconds of processor time that ended children of this process have used.
pub fn children_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // As in [`cpu_seconds`]; the children's are the two fields after.
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    fields.get(13..15).map_or(f64::NAN, |times| times.iter().sum::<f64>() / 100.0)
}
