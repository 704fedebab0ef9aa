//! JPEG bytes -> pixels.
//!
//! In: what a camera sent.   Out: red, green and blue of each pixel, or why not. The size is looked at before anything is decoded,
//! so that a small file cannot ask for much memory.

use model::Unseen;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pixels that are decoded at most: a camera of 24 megapixels, 72 MB of memory a worker, and twice as much again while a progressive one is read.
pub const PIXELS_MAX: usize = 24_000_000;
/// A side longer than this is no camera's.
const SIDE_MAX: usize = 16_384;
/// A progressive picture has ten or so; each is a walk over all pixels.
const SCANS_MAX: usize = 64;

/// Pixels, row by row from the top, three bytes each.
#[derive(Debug)]
pub struct Picture {
    /// Pixels in a row; never 0.
    pub width: usize,
    /// Rows; never 0.
    pub height: usize,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Red, green, blue; beyond the edge the nearest pixel of the edge.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y.min(self.height - 1) * self.width + x.min(self.width - 1)) * 3;
        match self.rgb.get(at..at + 3) {
            Some(&[red, green, blue]) => [red, green, blue],
            _ => [0; 3],
        }
    }
}

/// The whole picture.
pub fn decode(jpeg: &[u8]) -> Result<Picture, Unseen> {
    let bad = |error: &dyn std::fmt::Display| Unseen::NotDecodable(error.to_string().chars().take(200).collect());
    let options = DecoderOptions::default()
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(|error| bad(&error))?;
    let info = decoder.info().ok_or_else(|| bad(&"it has no size"))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    if width == 0 || height == 0 {
        return Err(bad(&"it has no size"));
    }
    if width * height > PIXELS_MAX {
        return Err(Unseen::TooLarge { width, height, most: PIXELS_MAX });
    }
    let rgb = decoder.decode().map_err(|error| bad(&error))?;
    if rgb.len() != width * height * 3 {
        return Err(bad(&"its colours are none that we know"));
    }
    Ok(Picture { width, height, rgb })
}
