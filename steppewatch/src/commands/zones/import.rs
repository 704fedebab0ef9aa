//! `steppewatch zones import`: from a surveyor's file to versions of zones, or to what they would be.
//!
//! In:  a file, with the files that belong to it.   Out: a line for each feature; of a dry run also the incidents of the last days
//! that the new land would have gained and lost.   Never: half a file.

use crate::commands::{Misuse, imported_from, journal, legal_time, operator, print, replay};
use crate::config::Config;
use crate::replay::{Difference, Stretch, difference_json, with_zones};
use anyhow::{Context, Result};
use clap::Args;
use dashboards::proposal_json;
use model::{Clock, ZoneKind};
use registry::{ImportOptions, ImportReport, Proposal, Registry, drafts};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use survey::{Crs, Encoding, Mapping, ReadOptions, Source, Survey};

/// What belongs to a `.shp`.
const SHAPEFILE_MEMBERS: [&str; 3] = ["dbf", "prj", "cpg"];

/// How a file is to be read, and what becomes of it.
#[derive(Args)]
pub struct ImportArgs {
    /// .shp (its .dbf, .prj and .cpg beside it), .zip, .geojson, .kml, .kmz or .gpkg.
    file: PathBuf,
    /// The kind of every zone in the file, whatever the features say.
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// From when the versions hold: a legal date or RFC 3339; without it from now.
    #[arg(long)]
    in_force: Option<String>,
    /// From when they do not hold any more; without it until others replace them.
    #[arg(long)]
    in_force_to: Option<String>,
    /// Why the zones change; it is kept with each version. Without it: imported from FILE.
    #[arg(long)]
    reason: Option<String>,
    /// Say what would happen and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many days a dry run judges again under the new land; 0 for none.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(0..=366))]
    days: u16,
}

/// What the file does not say itself.
#[derive(Args, Default)]
pub struct ReadingArgs {
    /// The coordinate system, instead of the file's: EPSG:4490, EPSG:4527 ...
    #[arg(long)]
    crs: Option<String>,
    /// What degrees mean, instead of what the file says: wgs84, cgcs2000, gcj02 or bd09.
    #[arg(long)]
    datum: Option<String>,
    /// The encoding of a shapefile's text, instead of what the file says: GBK, UTF-8 ...
    #[arg(long)]
    encoding: Option<String>,
    /// A TOML file that says what the surveyor's attributes and words are called here.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Borders of two features that lie this near to each other, in metres, are joined; 0 leaves them.
    #[arg(long, value_name = "METRES")]
    snap: Option<f64>,
}

/// Carries the command out.
pub fn run(args: &ImportArgs, registry: &Registry, config: &Config, as_json: bool) -> Result<()> {
    let survey = survey(&args.file, &args.reading)?;
    let (options, by) = (options(args)?, operator());
    let reason = args.reason.clone().unwrap_or_else(|| imported_from(&args.file));
    if config.second_person && !args.dry_run {
        let (proposal, report) = registry.propose_zones(&survey, options, &by, &reason)?;
        return show(&survey, &report, Some(&proposal), None, as_json);
    }
    let report = registry.import_zones(&survey, options, &by, &reason)?;
    let difference = if args.dry_run { last_days(&survey, options, args.days, registry, config)? } else { None };
    show(&survey, &report, None, difference.as_ref(), as_json)
}

/// Reads a surveyor's file, with what lies beside it.
pub fn survey(file: &Path, args: &ReadingArgs) -> Result<Survey> {
    let options = reading(args)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files = vec![(name.clone(), Cow::Owned(bytes(file, options.limits.bytes)?))];
    if extension(file) == "shp" {
        for beside in members(file)? {
            let name = beside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.push((name, Cow::Owned(bytes(&beside, options.limits.bytes)?)));
        }
    }
    Ok(survey::read(&Source { name: &name, files }, &options).map_err(|error| Misuse(error.to_string()))?)
}

fn reading(args: &ReadingArgs) -> Result<ReadOptions> {
    let mapping = args.mapping.as_deref().map(|file| {
        let text = std::fs::read_to_string(file)
            .with_context(|| Misuse(format!("{} cannot be read; name a TOML file", file.display())))?;
        Mapping::parse(&text).map_err(|error| anyhow::Error::new(Misuse(format!("{}: {error}", file.display()))))
    });
    let crs = args.crs.as_deref().map(|name| Crs::parse(name).map_err(|error| Misuse(format!("--crs: {error}"))));
    let encoding = args.encoding.as_deref().map(|name| {
        Encoding::parse(name).ok_or_else(|| Misuse(format!("--encoding is `{name}`; use GBK, GB18030 or UTF-8")))
    });
    let plain = ReadOptions::default();
    Ok(ReadOptions {
        crs: crs.transpose()?,
        datum: args.datum.as_deref().map(super::datum).transpose()?,
        encoding: encoding.transpose()?,
        mapping: mapping.transpose()?.unwrap_or_default(),
        snap_m: args.snap.unwrap_or(plain.snap_m),
        ..plain
    })
}

fn bytes(file: &Path, limit: usize) -> Result<Vec<u8>> {
    let unreadable = || Misuse(format!("{} cannot be read; name a surveyor's file", file.display()));
    let size = std::fs::metadata(file).with_context(unreadable)?.len();
    if size > limit as u64 {
        return Err(Misuse(format!("{} has {size} bytes; at most {limit} are read, split it", file.display())).into());
    }
    std::fs::read(file).with_context(unreadable)
}

fn extension(file: &Path) -> String {
    file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// The files of the same name beside a `.shp`, whatever the case of their extensions.
fn members(shapefile: &Path) -> Result<Vec<PathBuf>> {
    let folder = shapefile.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    let beside = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| {
        path.file_stem() == shapefile.file_stem() && SHAPEFILE_MEMBERS.contains(&extension(path).as_str())
    });
    Ok(beside.collect())
}

fn options(args: &ImportArgs) -> Result<ImportOptions> {
    let kind = args.kind.as_deref().map(|word| {
        ZoneKind::parse(word).ok_or_else(|| {
            let known = ZoneKind::ALL.map(ZoneKind::as_str).join(", ");
            Misuse(format!("--kind is `{word}`, which is none of: {known}"))
        })
    });
    Ok(ImportOptions {
        kind: kind.transpose()?,
        in_force: legal_time("--in-force", args.in_force.as_deref())?,
        in_force_to: legal_time("--in-force-to", args.in_force_to.as_deref())?,
        dry_run: args.dry_run,
    })
}

/// What the last days would have been on the new land; `None` where there is no journal yet, or nobody asked.
fn last_days(
    survey: &Survey,
    options: ImportOptions,
    days: u16,
    registry: &Registry,
    config: &Config,
) -> Result<Option<Difference>> {
    let path = journal::path(config);
    if days == 0 || !path.exists() {
        return Ok(None);
    }
    let proposed = drafts(survey, options)?.into_iter().map(|draft| draft.preview()).collect();
    let stretch = Stretch::last(days, Clock::system().now());
    let view = registry.view().borrow().clone();
    let relief = crate::relief::open(&config.data);
    with_zones(&journal::reader(&path)?, &view, &relief, proposed, stretch, &config.detection, replay::said()).map(Some)
}

fn show(
    survey: &Survey,
    report: &ImportReport,
    proposal: Option<&Proposal>,
    difference: Option<&Difference>,
    as_json: bool,
) -> Result<()> {
    if as_json {
        return print(&report_json(survey, report, proposal, difference).to_string());
    }
    print(&format!("坐标系 coordinate system: {}; 编码 encoding: {}", survey.crs, survey.encoding))?;
    survey.notes.iter().try_for_each(|note| print(&format!("注意 note: {note}")))?;
    print(&report.text())?;
    if let Some(difference) = difference {
        replay::show(difference)?;
    }
    match proposal {
        Some(proposal) => print(&format!(
            "提案 proposal {}, 等待另一人批准 waits for another person: steppewatch zones approve {}",
            proposal.id, proposal.id
        )),
        None if report.dry_run => print("(dry run: nothing was changed)"),
        None => Ok(()),
    }
}

fn report_json(
    survey: &Survey,
    report: &ImportReport,
    proposal: Option<&Proposal>,
    difference: Option<&Difference>,
) -> Value {
    let mut json = json!(dashboards::report_json(report));
    if let Some(fields) = json.as_object_mut() {
        fields.insert("crs".to_owned(), survey.crs.clone().into());
        fields.insert("encoding".to_owned(), survey.encoding.clone().into());
        fields.insert("notes".to_owned(), survey.notes.iter().map(ToString::to_string).collect());
        fields.insert("proposal".to_owned(), json!(proposal.map(proposal_json)));
        fields.insert("incidents".to_owned(), difference.map_or(Value::Null, difference_json));
    }
    json
}
