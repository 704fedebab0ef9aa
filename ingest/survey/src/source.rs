//! From what somebody chose to the files of one survey.
//!
//! In: named bytes, perhaps packed.   Out: [`Parts`]: the format and its members.
//! Never: more unpacked than the limit, whatever a zip says about itself; a name used as a path.

use crate::{Encoding, Limits, ReadError};
use std::borrow::Cow;
use std::io::{Cursor, Read};

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 7946, or the older one with a `crs` member.
    GeoJson,
    /// ESRI's, with its attributes in dBASE.
    Shapefile,
    /// Google's, plain or packed as KMZ.
    Kml,
    /// OGC's, on SQLite.
    GeoPackage,
}

impl Format {
    /// As written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GeoJson => "geojson",
            Self::Shapefile => "shapefile",
            Self::Kml => "kml",
            Self::GeoPackage => "geopackage",
        }
    }
}

/// What somebody chose: one file, or the files of a shapefile.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// How to call it in messages.
    pub name: &'a str,
    /// File names with their extensions, and the bytes. A shapefile is `.shp`, `.dbf`, `.prj`, perhaps `.cpg`, or one `.zip`.
    pub files: Vec<(String, Cow<'a, [u8]>)>,
}

impl<'a> Source<'a> {
    /// A single file, by its name.
    pub fn file(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, files: vec![(name.to_owned(), Cow::Borrowed(bytes))] }
    }
}

/// The members of one survey.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) format: Format,
    /// The file that holds the geometry.
    pub(crate) file: String,
    pub(crate) main: Cow<'a, [u8]>,
    pub(crate) dbf: Option<Cow<'a, [u8]>>,
    pub(crate) prj: Option<Cow<'a, [u8]>>,
    pub(crate) cpg: Option<Cow<'a, [u8]>>,
}

const PACKED: [&str; 2] = ["zip", "kmz"];
const MAINS: [(&str, Format); 5] = [
    ("shp", Format::Shapefile),
    ("geojson", Format::GeoJson),
    ("json", Format::GeoJson),
    ("kml", Format::Kml),
    ("gpkg", Format::GeoPackage),
];
/// A survey has five files; other programs put some more beside them.
const MEMBERS_MAX: usize = 256;

/// Unpacks what is packed and finds out what it is.
pub(crate) fn parts<'a>(source: &Source<'a>, limits: Limits) -> Result<Parts<'a>, ReadError> {
    let mut left = limits.bytes;
    let mut files: Vec<(String, Cow<'a, [u8]>)> = Vec::new();
    for (name, bytes) in &source.files {
        if PACKED.contains(&extension(name).as_str()) {
            unpack(name, bytes, &mut left, limits, &mut files)?;
        } else {
            left = left.checked_sub(bytes.len()).ok_or_else(|| too_large(name, limits))?;
            files.push((name.clone(), bytes.clone()));
        }
    }
    let format_of = |name: &str| MAINS.iter().find(|(ext, _)| *ext == extension(name)).map(|(_, format)| *format);
    let mains: Vec<_> = files.iter().filter_map(|(name, _)| Some((name.clone(), format_of(name)?))).collect();
    let [(file, format)] = mains.as_slice() else {
        // In a KMZ the first is the one to read; the others are linked from it.
        let names: Vec<String> = mains.iter().map(|(name, _)| short(name)).collect();
        return Err(if names.is_empty() {
            let shapeless = files.iter().any(|(name, _)| extension(name) == "dbf");
            if shapeless {
                ReadError::MemberMissing { file: short(source.name), member: ".shp" }
            } else {
                ReadError::Format { file: short(source.name) }
            }
        } else {
            ReadError::SeveralLayers { file: short(source.name), layers: names.join(", ") }
        });
    };
    let stem = stem(file);
    let mut take = |ext: &str| {
        let fits = |(name, _): &(String, _)| extension(name) == ext && self::stem(name) == stem;
        // Some programs write `land.shp` beside `LAND.dbf`, or `land.shp.cpg`: the only one there is will be the one.
        let only = || files.iter().filter(|(name, _)| extension(name) == ext).count() == 1;
        let position = files
            .iter()
            .position(fits)
            .or_else(|| only().then(|| files.iter().position(|(name, _)| extension(name) == ext)).flatten());
        position.map(|position| files.swap_remove(position).1)
    };
    let main = take(&extension(file)).ok_or_else(|| ReadError::Format { file: short(file) })?;
    Ok(Parts { format: *format, file: short(file), main, dbf: take("dbf"), prj: take("prj"), cpg: take("cpg") })
}

fn too_large(file: &str, limits: Limits) -> ReadError {
    ReadError::TooLarge { file: short(file), what: "bytes", limit: limits.bytes }
}

/// Adds the members that belong to a survey; everything else in the archive is not even unpacked.
fn unpack(
    name: &str,
    bytes: &[u8],
    left: &mut usize,
    limits: Limits,
    files: &mut Vec<(String, Cow<'_, [u8]>)>,
) -> Result<(), ReadError> {
    let broken = |place: String, error: &dyn std::fmt::Display| ReadError::Broken {
        file: short(name),
        place,
        message: error.to_string(),
    };
    if bytes.len() > limits.bytes {
        return Err(too_large(name, limits));
    }
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken("its directory".to_owned(), &error))?;
    if archive.len() > MEMBERS_MAX {
        return Err(ReadError::TooLarge { file: short(name), what: "members", limit: MEMBERS_MAX });
    }
    for index in 0..archive.len() {
        let at = || format!("member {index}");
        let mut member = archive.by_index(index).map_err(|error| broken(at(), &error))?;
        // Names without the mark for UTF-8 are in whatever the surveyor's Windows speaks.
        let raw = member.name_raw();
        let member_name = std::str::from_utf8(raw).map_or_else(|_| Encoding::GB18030.decode(raw).0, str::to_owned);
        let wanted = ["dbf", "prj", "cpg"].into_iter().chain(MAINS.into_iter().map(|(ext, _)| ext));
        // What a Mac adds: the same names, but other contents.
        let hidden = member_name.starts_with("__MACOSX") || base(&member_name).starts_with("._");
        if !member.is_file() || hidden || !wanted.into_iter().any(|ext| ext == extension(&member_name)) {
            continue;
        }
        let mut unpacked = Vec::new();
        let bound = *left as u64 + 1;
        member.by_ref().take(bound).read_to_end(&mut unpacked).map_err(|error| broken(at(), &error))?;
        *left = left.checked_sub(unpacked.len()).ok_or_else(|| too_large(name, limits))?;
        files.push((member_name, Cow::Owned(unpacked)));
    }
    Ok(())
}

fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

fn extension(name: &str) -> String {
    base(name).rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

fn stem(name: &str) -> String {
    base(name).split_once('.').map_or_else(|| base(name).to_lowercase(), |(stem, _)| stem.to_lowercase())
}

/// A name for a message.
pub(crate) fn short(name: &str) -> String {
    base(name).chars().filter(|c| !c.is_control()).take(80).collect()
}
