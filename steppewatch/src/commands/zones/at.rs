//! `steppewatch zones at`: who enforces what at a place, by which rule, and since when.
//!
//! In: a place and up to two times.   Out: a paragraph for each zone that holds it.   Never: today's zones for another day.

use crate::commands::{Misuse, legal_time, print, words};
use crate::law::zones_as_of;
use anyhow::Result;
use clap::Args;
use dashboards::{Holding, holding_json};
use model::{ClosureLevel, Position, Timestamp};
use registry::{Datum, Registry};
use serde_json::json;

/// Where and when.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub struct AtArgs {
    /// Latitude, degrees north.
    lat: f64,
    /// Longitude, degrees east.
    lon: f64,
    /// In force when: a legal date or RFC 3339; without it now.
    #[arg(long)]
    time: Option<String>,
    /// As known when; without it now.
    #[arg(long)]
    known: Option<String>,
    /// What the coordinates mean: wgs84, cgcs2000, gcj02 or bd09.
    #[arg(long, default_value = "wgs84")]
    datum: String,
}

/// Carries the command out.
pub fn run(args: &AtArgs, registry: &Registry, now: Timestamp, as_json: bool) -> Result<()> {
    let datum = super::datum(&args.datum)?;
    let position = position(args.lat, args.lon, datum)?;
    let t = legal_time("--time", args.time.as_deref())?.unwrap_or(now);
    let known = legal_time("--known", args.known.as_deref())?.unwrap_or(now);
    let found = zones_as_of(registry, position, t, known)?;
    if as_json {
        return print(
            &json!({
                "t": t.to_rfc3339(),
                "known": known.to_rfc3339(),
                "position": { "lat": position.lat_deg(), "lon": position.lon_deg() },
                "zones": found.iter().map(holding_json).collect::<Vec<_>>(),
            })
            .to_string(),
        );
    }
    print(&format!(
        "北纬 lat {:.7}, 东经 lon {:.7} (WGS84), 北京时间 Beijing time {}",
        position.lat_deg(),
        position.lon_deg(),
        t.to_legal()
    ))?;
    if args.known.is_some() {
        print(&format!("据当时所知 as known at {}", known.to_legal()))?;
    }
    if found.is_empty() {
        return print("不在任何区划内 no zone holds this place at that time");
    }
    found.iter().try_for_each(|holding| print(&paragraph(holding)))
}

fn position(lat: f64, lon: f64, datum: Datum) -> Result<Position, Misuse> {
    // Checked before and after: the shift of a place that is none says nothing.
    Position::parse(lat, lon)
        .and_then(|_| {
            let (lat, lon) = datum.to_wgs84(lat, lon);
            Position::parse(lat, lon)
        })
        .map_err(|error| Misuse(error.to_string()))
}

fn paragraph(holding: &Holding) -> String {
    let (zone, closure) = (&holding.zone, &holding.closure);
    let rule = match closure.level {
        ClosureLevel::None => format!("{}, 当时没有封闭规则 no rule closes it then", words::level(closure.level)),
        level => format!(
            "{}: {}, {}",
            words::level(level),
            closure.rule,
            words::until(closure.until, "没有期限 without an end")
        ),
    };
    let township = zone.township.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
    format!(
        "{} {}\n  类别 kind         {}, {}\n  版本 version      {}, 生效 in force since {}, {}\n  规则 rule         {rule}\n  执法 enforced by  {}{township}\n  \
         依据 legal basis  规则 rule: {}\n                    区划 zone: {}",
        zone.id,
        zone.name,
        words::kind(zone.kind),
        words::land_class(zone.land_class),
        zone.version,
        zone.in_force_from.to_legal(),
        words::until(holding.period.to, "直至另行公布 until it is replaced"),
        words::authority(zone.authority()),
        words::basis(&closure.legal_basis),
        words::basis(&zone.legal_basis),
    )
}

#[cfg(test)]
#[path = "at_tests.rs"]
mod tests;
