//! ESRI's ASCII grid.
//!
//! In: text with a header of names and numbers, and the heights row by row from the north.   Out: [`Raw`].

use crate::grid::check_size;
use crate::import::ImportError;
use crate::raw::{Raw, is_void};

/// What a header begins with.
const NAMES: [&str; 6] = ["ncols", "nrows", "xllcorner", "xllcenter", "cellsize", "nodata_value"];
/// Names of the header; more is no header.
const HEADER_MAX: usize = 16;

#[derive(Default)]
struct Header {
    columns: Option<f64>,
    rows: Option<f64>,
    west: Option<f64>,
    south: Option<f64>,
    /// Whether west and south are the edge of the corner cell, not its middle.
    west_is_edge: bool,
    south_is_edge: bool,
    step_x: Option<f64>,
    step_y: Option<f64>,
    void: Option<f64>,
}

pub(crate) fn read(bytes: &[u8]) -> Result<Raw, ImportError> {
    let text = str::from_utf8(bytes).map_err(|_| ImportError::Format)?.trim_start_matches('\u{feff}');
    let mut words = text.split_ascii_whitespace().peekable();
    let mut header = Header::default();
    let is_name = |word: &&str| NAMES.iter().any(|name| word.eq_ignore_ascii_case(name));
    words.peek().filter(|word| is_name(word)).ok_or(ImportError::Format)?;
    for _ in 0..HEADER_MAX {
        let Some(name) = words.next_if(|word| word.starts_with(|letter: char| letter.is_ascii_alphabetic())) else {
            break;
        };
        let number = words.next().and_then(|word| word.parse::<f64>().ok());
        header.take(name, number.ok_or_else(|| damaged(format!("`{}` has no number", shown(name))))?)?;
    }
    let missing = |name: &'static str| move || damaged(format!("`{name}` is missing"));
    let (columns, rows) = (count("ncols", header.columns)?, count("nrows", header.rows)?);
    let cells = check_size(columns, rows)?;
    let step_x = header.step_x.ok_or_else(missing("cellsize"))?;
    let step_y = header.step_y.ok_or_else(missing("cellsize"))?;
    let west = header.west.ok_or_else(missing("xllcorner"))? + if header.west_is_edge { step_x / 2.0 } else { 0.0 };
    let south = header.south.ok_or_else(missing("yllcorner"))? + if header.south_is_edge { step_y / 2.0 } else { 0.0 };
    let mut heights_m = Vec::with_capacity(usize::try_from(cells).unwrap_or_default().min(bytes.len() / 2 + 1));
    for word in words {
        let height: f64 = word.parse().map_err(|_| damaged(format!("`{}` is no height", shown(word))))?;
        if heights_m.len() as u64 == cells {
            return Err(damaged(format!("there are more heights than {columns} x {rows}")));
        }
        heights_m.push(if header.void == Some(height) || is_void(height) { f32::NAN } else { height as f32 });
    }
    if (heights_m.len() as u64) < cells {
        return Err(damaged(format!("it ends after {} of {cells} heights", heights_m.len())));
    }
    let north = south + step_y * f64::from(rows - 1);
    Ok(Raw { crs: None, columns, rows, corner: (west, north), step: (step_x, step_y), heights_m })
}

impl Header {
    fn take(&mut self, name: &str, number: f64) -> Result<(), ImportError> {
        match name.to_ascii_lowercase().as_str() {
            "ncols" => self.columns = Some(number),
            "nrows" => self.rows = Some(number),
            "xllcorner" => (self.west, self.west_is_edge) = (Some(number), true),
            "yllcorner" => (self.south, self.south_is_edge) = (Some(number), true),
            "xllcenter" => (self.west, self.west_is_edge) = (Some(number), false),
            "yllcenter" => (self.south, self.south_is_edge) = (Some(number), false),
            "cellsize" => (self.step_x, self.step_y) = (Some(number), Some(number)),
            "dx" => self.step_x = Some(number),
            "dy" => self.step_y = Some(number),
            "nodata_value" => self.void = Some(number),
            _ => return Err(damaged(format!("`{}` is no name of its header", shown(name)))),
        }
        Ok(())
    }
}

fn count(name: &'static str, number: Option<f64>) -> Result<u32, ImportError> {
    let number = number.ok_or_else(|| damaged(format!("`{name}` is missing")))?;
    if (1.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0 {
        Ok(number as u32)
    } else {
        Err(damaged(format!("`{name}` is {number}")))
    }
}

fn damaged(found: String) -> ImportError {
    ImportError::Damaged { format: "ASCII grid", found }
}

fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}
