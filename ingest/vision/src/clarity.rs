//! How a picture is, whatever is in it.
//!
//! In: pixels.   Out: brightness, contrast and sharpness ([`Clarity`]).   Never: says what that means; what is usual for a camera is
//! detection's to know.
//!
//! The picture is made smaller first, each square of pixels one number: so the sensor's noise goes, which at night is all the sharpness there is, and a
//! picture costs the same whatever its size. Sharpness is the variance of the Laplacian (Pech-Pacheco and others, 2000), in the usual form with four neighbours.

use crate::jpeg::Picture;
use model::Clarity;

/// Numbers in a row of the smaller picture.
const COLUMNS: usize = 160;

/// Measures it.
pub fn measure(picture: &Picture) -> Clarity {
    let side = picture.width.div_ceil(COLUMNS).max(1);
    let (columns, rows) = ((picture.width / side).max(1), (picture.height / side).max(1));
    let small: Vec<f64> =
        (0..rows * columns).map(|at| brightness(picture, at % columns * side, at / columns * side, side)).collect();
    let (mean, contrast) = mean_and_variance(&small);
    let edges: Vec<f64> = (1..rows.saturating_sub(1))
        .flat_map(|row| (1..columns.saturating_sub(1)).map(move |column| row * columns + column))
        .map(|at| {
            let of = |at: usize| small.get(at).copied().unwrap_or_default();
            of(at - 1) + of(at + 1) + of(at - columns) + of(at + columns) - 4.0 * of(at)
        })
        .collect();
    let (_, sharpness) = mean_and_variance(&edges);
    Clarity { mean, contrast: contrast.sqrt(), sharpness }
}

/// Mean brightness (ITU-R BT.601) of a square.
fn brightness(picture: &Picture, left: usize, top: usize, side: usize) -> f64 {
    let squares = (0..side * side).map(|at| picture.pixel(left + at % side, top + at / side));
    let sum: f64 = squares
        .map(|[red, green, blue]| 0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue))
        .sum();
    sum / (side * side) as f64
}

fn mean_and_variance(of: &[f64]) -> (f64, f64) {
    let count = of.len().max(1) as f64;
    let mean = of.iter().sum::<f64>() / count;
    (mean, of.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(light: impl Fn(usize, usize) -> u8) -> Picture {
        let (width, height) = (640, 360);
        let pixels = (0..width * height).flat_map(|at| [light(at % width, at / width); 3]);
        Picture { width, height, rgb: pixels.collect() }
    }

    #[test]
    fn a_covered_lens_is_flat_a_soft_one_has_no_edges_and_a_clear_one_has_both() {
        let covered = measure(&picture(|_, _| 30));
        assert!(
            covered.contrast < 0.01 && (covered.mean - 30.0).abs() < 0.5 && covered.sharpness < 0.01,
            "{covered:?}"
        );
        let soft = measure(&picture(|x, _| (x * 255 / 640) as u8));
        let clear = measure(&picture(|x, y| if (x / 16 + y / 16) % 2 == 0 { 40 } else { 200 }));
        assert!(soft.contrast > 60.0 && clear.contrast > 60.0, "{soft:?} {clear:?}");
        assert!(clear.sharpness > 100.0 * soft.sharpness.max(1.0), "{soft:?} {clear:?}");
    }

    #[test]
    fn the_noise_of_a_dark_picture_is_no_sharpness() {
        let noise = |x: usize, y: usize| 20 + ((x * 7_919 + y * 104_729) % 5) as u8;
        let dark = measure(&picture(noise));
        assert!(dark.sharpness < 2.0 && dark.contrast < 2.0, "{dark:?}");
    }

    #[test]
    fn a_picture_of_one_pixel_is_measured_too() {
        let one = Picture { width: 1, height: 1, rgb: vec![255; 3] };
        assert!((measure(&one).mean - 255.0).abs() < 0.01);
    }
}
