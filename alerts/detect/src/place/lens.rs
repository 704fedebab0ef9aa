//! From a place in the picture to a direction before the lens.
//!
//! In: a field of view, and a point as shares of the picture.   Out: the tangents of the angles to the right and downwards.
//! Lengths are in widths of the picture, so that no number of pixels has to be known.

/// Width to height of a picture where the device did not say.
const ASPECT_RATIO: f64 = 16.0 / 9.0;
/// Wider than this a picture has no flat plane that it could be projected on.
const FIELD_OF_VIEW_MAX_DEG: f64 = 179.0;
/// Rounds of Newton's method; five give all digits for lenses that people build.
const ROUNDS: usize = 12;

/// A camera's lens: a pinhole whose picture bulges by `k1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lens {
    focal_widths: f64,
    aspect: f64,
    k1: f64,
}

impl Lens {
    /// By its horizontal field of view at zoom 1, and the zoom (at least 1). Without distortion.
    pub fn new(hfov_deg: f64, zoom: f64) -> Self {
        let half = (hfov_deg.min(FIELD_OF_VIEW_MAX_DEG) / 2.0).to_radians().tan();
        Self { focal_widths: 0.5 * zoom.max(1.0) / half, aspect: ASPECT_RATIO, k1: 0.0 }
    }

    /// The same with the first radial coefficient of its calibration (negative: a barrel), as OpenCV counts it.
    #[must_use]
    pub fn with_distortion(self, k1: f64) -> Self {
        Self { k1, ..self }
    }

    /// The focal length in widths of the picture.
    pub fn focal_widths(self) -> f64 {
        self.focal_widths
    }

    /// Width to height of its picture.
    pub fn aspect(self) -> f64 {
        self.aspect
    }

    /// The tangents of the angles to the right and downwards of a point of the picture, 0 to 1 from its upper left.
    pub fn ray(self, u: f64, v: f64) -> (f64, f64) {
        let right = (u - 0.5) / self.focal_widths;
        let down = (v - 0.5) / self.aspect / self.focal_widths;
        let share = self.straightened(right.hypot(down));
        (right * share, down * share)
    }

    /// By how much a point at this distance from the middle is farther out than it shows: solves `r (1 + k1 r^2) = shown`.
    fn straightened(self, shown: f64) -> f64 {
        if self.k1 == 0.0 || shown < 1e-12 {
            return 1.0;
        }
        let mut r = shown;
        for _ in 0..ROUNDS {
            let slope = 1.0 + 3.0 * self.k1 * r * r;
            // Past this a barrel folds back onto itself, and no point of the world shows there.
            if slope < 0.1 {
                return 1.0;
            }
            r -= (r * (1.0 + self.k1 * r * r) - shown) / slope;
        }
        if r.is_finite() { r / shown } else { 1.0 }
    }
}
