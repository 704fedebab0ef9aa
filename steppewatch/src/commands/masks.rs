//! `steppewatch masks`: parts of a camera's view in which a boulder scores as a sheep.
//!
//! In: a mask's number and a reason.   Out: what became of it.   Never: a mask that applies itself.

use super::{operator, print, registry};
use crate::config::Config;
use anyhow::Result;
use clap::Subcommand;
use dashboards::mask_json;
use model::MaskArea;
use registry::{MASK_DAYS, MaskEntry, MaskState};
use serde_json::json;

/// What can be done with masks.
#[derive(Subcommand)]
pub enum MasksCommand {
    /// List the masks, newest first.
    List,
    /// Apply a proposed mask from now on.
    Apply {
        /// Its number.
        id: u64,
        /// Why.
        #[arg(long)]
        reason: String,
        /// For how many days.
        #[arg(long, default_value_t = MASK_DAYS)]
        days: u16,
    },
    /// Decline a proposed mask.
    Decline {
        /// Its number.
        id: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End a mask before its time.
    Withdraw {
        /// Its number.
        id: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Carries the command out.
pub fn run(command: MasksCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    let done = match command {
        MasksCommand::List => {
            let masks = registry.masks()?;
            if as_json {
                return print(&json!({"items": masks.iter().map(mask_json).collect::<Vec<_>>()}).to_string());
            }
            masks.iter().try_for_each(|mask| print(&words(mask)))?;
            return if masks.is_empty() { print("没有屏蔽区 there are no masks") } else { Ok(()) };
        }
        MasksCommand::Apply { id, reason, days } => registry.apply_mask(id, days, &reason, &operator())?,
        MasksCommand::Decline { id, reason } => registry.decline_mask(id, &reason, &operator())?,
        MasksCommand::Withdraw { id, reason } => registry.withdraw_mask(id, &reason, &operator())?,
    };
    print(&if as_json { json!(mask_json(&done)).to_string() } else { words(&done) })
}

fn words(mask: &MaskEntry) -> String {
    let state = |state| match state {
        MaskState::Proposed => "待定 proposed",
        MaskState::Applied => "生效 applied",
        MaskState::Declined => "未采纳 declined",
        MaskState::Withdrawn => "已撤销 withdrawn",
    };
    let area = match mask.area {
        MaskArea::Picture { bounding_box: at } => format!("box {:.3} {:.3} {:.3} {:.3}", at.x, at.y, at.w, at.h),
        MaskArea::Head { pan_deg, tilt_deg, zoom } => format!(
            "pan {:.1} to {:.1}, tilt {:.1} to {:.1}, zoom {zoom:.1}",
            pan_deg.0, pan_deg.1, tilt_deg.0, tilt_deg.1
        ),
    };
    let mut text = format!("{} {} {area} ({}, {} times)", mask.id, mask.device, mask.incident, mask.times);
    for version in &mask.versions {
        let until = version.holds.map(|(_, to)| format!(", 至 until {}", to.to_legal())).unwrap_or_default();
        let (at, by) = (version.at.to_legal(), &version.by);
        text.push_str(&format!("\n  {at} {} {by}{until} {}", state(version.state), version.reason));
    }
    text.trim_end().to_owned()
}
