//! GeoTIFF with one band of heights.
//!
//! In: the bytes; strips or tiles, plain, LZW or deflate, whole numbers or floats.   Out: [`Raw`].
//! Never: a turned or sheared picture, several bands, a coordinate system that the file does not name by its EPSG number.

use crate::grid::check_size;
use crate::import::ImportError;
use crate::raw::{Raw, is_void};
use std::io::Cursor;
use survey::Crs;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// The largest grid in four bytes a height, and its pieces.
const DECODED_BYTES_MAX: usize = 512 << 20;
const TAG_BYTES_MAX: usize = 8 << 20;

/// Keys of the directory.
const RASTER_TYPE: u16 = 1025;
const GEOGRAPHIC: u16 = 2048;
const PROJECTED: u16 = 3072;
/// What `RASTER_TYPE` is when the tie point is the middle of a cell, not its corner.
const PIXEL_IS_POINT: u16 = 2;
/// "Described by other keys", which are not read.
const USER_DEFINED: u16 = 32_767;

pub(crate) fn is_tiff(bytes: &[u8]) -> bool {
    [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| bytes.starts_with(*magic))
}

pub(crate) fn read(bytes: &[u8]) -> Result<Raw, ImportError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = DECODED_BYTES_MAX;
    limits.intermediate_buffer_size = DECODED_BYTES_MAX;
    limits.ifd_value_size = TAG_BYTES_MAX;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(broken)?.with_limits(limits);
    let (columns, rows) = decoder.dimensions().map_err(broken)?;
    check_size(columns, rows)?;
    let color = decoder.colortype().map_err(broken)?;
    if !matches!(color, ColorType::Gray(_)) {
        return Err(damaged(format!("its pixels are {color:?}, not one height each")));
    }
    let keys = Keys::read(&mut decoder)?;
    let (corner, step) = placement(&mut decoder, keys.is_point)?;
    let void = decoder.get_tag_ascii_string(Tag::GdalNodata).ok();
    let void = void.and_then(|text| text.trim_matches(['\0', ' ']).parse::<f64>().ok());
    let heights_m = heights(decoder.read_image().map_err(broken)?, void)?;
    Ok(Raw { crs: keys.crs, columns, rows, corner, step, heights_m })
}

type Source<'a> = Decoder<Cursor<&'a [u8]>>;

struct Keys {
    crs: Option<Crs>,
    is_point: bool,
}

impl Keys {
    /// Four numbers of header, then four to a key: its number, where its value is, how many, and the value.
    fn read(decoder: &mut Source<'_>) -> Result<Self, ImportError> {
        let directory = decoder.get_tag_u16_vec(Tag::GeoKeyDirectoryTag).unwrap_or_default();
        let value = |wanted: u16| {
            directory.chunks_exact(4).skip(1).find_map(|key| match key {
                [name, 0, _, value] if *name == wanted => Some(*value),
                _ => None,
            })
        };
        let code = value(PROJECTED).or_else(|| value(GEOGRAPHIC)).filter(|code| *code != USER_DEFINED);
        let crs = code.map(|code| Crs::parse(&format!("EPSG:{code}"))).transpose()?;
        Ok(Self { crs, is_point: value(RASTER_TYPE) == Some(PIXEL_IS_POINT) })
    }
}

/// East and north.
type Pair = (f64, f64);

/// The middle of the first cell, and the steps to the next.
fn placement(decoder: &mut Source<'_>, is_point: bool) -> Result<(Pair, Pair), ImportError> {
    let scale = decoder.get_tag_f64_vec(Tag::ModelPixelScaleTag).unwrap_or_default();
    let tie = decoder.get_tag_f64_vec(Tag::ModelTiepointTag).unwrap_or_default();
    let ([step_x, step_y, ..], [column, row, _, x, y, ..]) = (&scale[..], &tie[..]) else {
        return Err(damaged("it does not say where it lies by a tie point and a scale; export it north up".to_owned()));
    };
    let half = if is_point { 0.0 } else { 0.5 };
    Ok(((x + (half - column) * step_x, y - (half - row) * step_y), (*step_x, *step_y)))
}

fn heights(decoded: DecodingResult, void: Option<f64>) -> Result<Vec<f32>, ImportError> {
    let known = |height: f64| if void == Some(height) || is_void(height) { f32::NAN } else { height as f32 };
    let all = |heights: &mut dyn Iterator<Item = f64>| Ok(heights.map(known).collect());
    match decoded {
        DecodingResult::U8(heights) => all(&mut heights.into_iter().map(f64::from)),
        DecodingResult::U16(heights) => all(&mut heights.into_iter().map(f64::from)),
        DecodingResult::U32(heights) => all(&mut heights.into_iter().map(f64::from)),
        DecodingResult::I16(heights) => all(&mut heights.into_iter().map(f64::from)),
        DecodingResult::I32(heights) => all(&mut heights.into_iter().map(f64::from)),
        DecodingResult::F64(heights) => all(&mut heights.into_iter()),
        DecodingResult::F32(heights) => {
            // Written as a decimal the void need not be the same number in four bytes.
            let void = void.map(|void| void as f32);
            let known = |height: f32| if void == Some(height) { f32::NAN } else { known(f64::from(height)) };
            Ok(heights.into_iter().map(known).collect())
        }
        _ => Err(damaged("its heights are neither whole numbers nor floats of four or eight bytes".to_owned())),
    }
}

fn broken(error: tiff::TiffError) -> ImportError {
    damaged(error.to_string())
}

fn damaged(found: String) -> ImportError {
    ImportError::Damaged { format: "GeoTIFF", found }
}
