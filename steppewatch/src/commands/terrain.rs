//! `steppewatch terrain`: the relief by which sightings are placed.

use super::{Misuse, print};
use crate::config::Config;
use crate::relief;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use survey::Crs;
use terrain::{FILE_BYTES_MAX, Heights, ImportOptions, Tile};

/// What can be done with elevation models.
#[derive(Subcommand)]
pub enum TerrainCommand {
    /// Take in an elevation model (GeoTIFF or ESRI ASCII grid); the service uses it from its next start on.
    Import(ImportArgs),
    /// Show what is there.
    List,
    /// Remove one.
    Remove {
        /// Its name, as `terrain list` shows it.
        name: String,
    },
}

/// What is to be taken in, and how it is to be read.
#[derive(Args)]
pub struct ImportArgs {
    /// The elevation model.
    file: PathBuf,
    /// What its heights are measured from: `orthometric` (the sea; SRTM, Copernicus, national models) or `ellipsoidal`.
    #[arg(long, default_value = "orthometric", value_parser = ["orthometric", "ellipsoidal"])]
    heights: String,
    /// How far the geoid lies above the ellipsoid here, in metres (negative below), for a model of orthometric heights. Without
    /// it a drone's satellite height is not held against this model.
    #[arg(long, value_name = "METRES", allow_negative_numbers = true)]
    undulation: Option<f64>,
    /// Its coordinate system, if the file does not say it: EPSG:4490, EPSG:4326, EPSG:4527, EPSG:4548 ...
    #[arg(long, value_name = "EPSG")]
    crs: Option<String>,
    /// What it shall be called; the file's name by default. One of the same name is replaced.
    #[arg(long)]
    name: Option<String>,
}

/// Carries the command out.
pub fn run(command: TerrainCommand, config: &Config, as_json: bool) -> Result<()> {
    match command {
        TerrainCommand::Import(args) => import(&args, config, as_json),
        TerrainCommand::List => list(config, as_json),
        TerrainCommand::Remove { name } => {
            let known = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if !known || !relief::remove(&config.data, &name)? {
                let complaint = format!("there is no elevation model `{name}`; `steppewatch terrain list` shows them");
                return Err(Misuse(complaint).into());
            }
            print(&if as_json {
                json!({"removed": name}).to_string()
            } else {
                format!("{name} 已删除，重启服务后生效 is removed; restart the service to do without it")
            })
        }
    }
}

fn import(args: &ImportArgs, config: &Config, as_json: bool) -> Result<()> {
    let options = options(args)?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.file));
    let unreadable = || Misuse(format!("{} cannot be read; name an elevation model", args.file.display()));
    let size = std::fs::metadata(&args.file).with_context(unreadable)?.len();
    if size > FILE_BYTES_MAX as u64 {
        let complaint = format!("{} has {size} bytes; at most {FILE_BYTES_MAX} are read, cut it", args.file.display());
        return Err(Misuse(complaint).into());
    }
    let bytes = std::fs::read(&args.file).with_context(unreadable)?;
    let tile = terrain::import(&name, &bytes, &options)
        .map_err(|error| Misuse(format!("{}: {error}", args.file.display())))?;
    let replaced = relief::keep(&config.data, &tile)?;
    if as_json {
        return print(&with(tile_json(&tile), "replaced", replaced.into()).to_string());
    }
    print(&line(&tile))?;
    if replaced {
        print("  替换了同名的高程模型 in place of the one of that name")?;
    }
    if matches!(tile.heights(), Heights::Orthometric { undulation_m: None }) {
        print(
            "  未给出大地水准面差距 undulation not stated: a drone's own satellite height is not used with it (--undulation)",
        )?;
    }
    print("  重启服务后生效 restart the service to use it")
}

fn options(args: &ImportArgs) -> Result<ImportOptions, Misuse> {
    let heights = match (args.heights.as_str(), args.undulation) {
        ("ellipsoidal", None) => Heights::Ellipsoidal,
        ("ellipsoidal", Some(_)) => {
            return Err(Misuse("--undulation belongs to orthometric heights; leave one of the two out".into()));
        }
        (_, Some(undulation)) if !(-120.0..=100.0).contains(&undulation) => {
            return Err(Misuse(format!(
                "--undulation is {undulation}; the geoid lies between -120 and 100 m everywhere"
            )));
        }
        (_, undulation_m) => Heights::Orthometric { undulation_m },
    };
    let crs = args.crs.as_deref().map(|name| Crs::parse(name).map_err(|error| Misuse(format!("--crs: {error}"))));
    Ok(ImportOptions { heights, crs: crs.transpose()? })
}

/// Of the file's name whatever a tile's name may hold.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = stem.chars().map(plain).take(64).collect();
    if name.is_empty() { "terrain".to_owned() } else { name }
}

fn list(config: &Config, as_json: bool) -> Result<()> {
    let tiles = relief::tiles(&config.data)?;
    if as_json {
        let tiles = tiles.iter().map(|(file, tile)| match tile {
            Ok(tile) => tile_json(tile),
            Err(error) => json!({"file": file.display().to_string(), "error": format!("{error:#}")}),
        });
        return print(&Value::Array(tiles.collect()).to_string());
    }
    if tiles.is_empty() {
        return print("没有高程模型，地面按水平计算 no elevation model: all land is taken for level");
    }
    tiles.iter().try_for_each(|(_, tile)| match tile {
        Ok(tile) => print(&line(tile)),
        Err(error) => print(&format!("{error:#}")),
    })
}

fn line(tile: &Tile) -> String {
    let ((south, west), (north, east)) = tile.bounds_deg();
    let ((columns, rows), (lowest, highest)) = (tile.size(), tile.range_m());
    format!(
        "{}  {south:.4}..{north:.4} N {west:.4}..{east:.4} E  {columns} x {rows} cells of {:.0} m, {:.1} % known  {lowest:.0}..{highest:.0} m  {}",
        tile.name(),
        tile.cell_m(),
        tile.known_share() * 100.0,
        tile.heights(),
    )
}

fn tile_json(tile: &Tile) -> Value {
    let ((south, west), (north, east)) = tile.bounds_deg();
    let ((columns, rows), (lowest, highest)) = (tile.size(), tile.range_m());
    let (heights, undulation_m) = match tile.heights() {
        Heights::Ellipsoidal => ("ellipsoidal", None),
        Heights::Orthometric { undulation_m } => ("orthometric", undulation_m),
    };
    json!({
        "name": tile.name(), "south": south, "west": west, "north": north, "east": east, "columns": columns, "rows": rows,
        "cell_m": tile.cell_m(), "known_share": tile.known_share(), "lowest_m": lowest, "highest_m": highest,
        "heights": heights, "undulation_m": undulation_m,
    })
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
    object
}
