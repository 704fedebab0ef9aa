//! An elevation model as its file has it.

use survey::Crs;

/// Heights on the grid of the file; what is not finite has none.
#[derive(Debug)]
pub(crate) struct Raw {
    /// What its numbers mean, if the file says so.
    pub(crate) crs: Option<Crs>,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    /// Middle of the north-western cell, in the coordinates of the file: east, north.
    pub(crate) corner: (f64, f64),
    /// To the next column eastwards and to the next row southwards, both positive.
    pub(crate) step: (f64, f64),
    /// Row by row from the north.
    pub(crate) heights_m: Vec<f32>,
}

/// What programs write for "no height" without saying that they do.
pub(crate) fn is_void(height: f64) -> bool {
    const LOWEST_LAND_M: f64 = -1_000.0;
    !height.is_finite() || matches!(height, -32_768.0 | -32_767.0 | -9_999.0) || height < 10.0 * LOWEST_LAND_M
}
