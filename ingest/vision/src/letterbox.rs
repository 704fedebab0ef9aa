//! The part of a picture that is looked at, as large as the model wants it, and the way back.
//!
//! In: a picture, a region and the model's side.   Out: the model's input; and a place in it as a part of the whole picture.
//!
//! Proportions are kept and the rest is filled with grey 114, as the detectors were trained: YOLOX with the picture in the upper left
//! corner, YOLOv8 with it in the middle.

use crate::jpeg::Picture;
use crate::layout::Layout;
use model::BoundingBox;

/// What the models were trained to see beside a picture.
const GREY: f32 = 114.0;

/// How a part of a picture lies in the model's square.
#[derive(Debug, Clone, Copy)]
pub struct Letterbox {
    /// Of the square, pixels.
    side: usize,
    /// The part, in the picture's pixels: left, top, width, height.
    part: [f64; 4],
    /// Picture pixels -> square pixels.
    scale: f64,
    /// Where the part begins in the square.
    pad: [usize; 2],
    /// How large it is there; at least 1.
    size: [usize; 2],
    /// Of the whole picture.
    whole: [f64; 2],
}

impl Letterbox {
    /// The region, or all of the picture.
    pub fn new(picture: &Picture, region: Option<BoundingBox>, side: usize, centred: bool) -> Self {
        let whole = [picture.width as f64, picture.height as f64];
        let part = match region {
            None => [0.0, 0.0, whole[0], whole[1]],
            // At least a pixel, whatever was configured.
            Some(of) => [of.x * whole[0], of.y * whole[1], (of.w * whole[0]).max(1.0), (of.h * whole[1]).max(1.0)],
        };
        let scale = (side as f64 / part[2]).min(side as f64 / part[3]);
        let size = [part[2], part[3]].map(|long| ((long * scale) as usize).clamp(1, side));
        let pad = if centred { size.map(|long| (side - long) / 2) } else { [0, 0] };
        Self { side, part, scale, pad, size, whole }
    }

    /// The square as the model reads it: three planes of rows, in the layout's colours and range.
    pub fn input(&self, picture: &Picture, layout: Layout) -> Vec<f32> {
        let plane = self.side * self.side;
        let (order, unit) = (layout.colours(), layout.unit());
        let mut input = vec![GREY * unit; 3 * plane];
        for row in 0..self.size[1] {
            let y = self.source(row, 1);
            for column in 0..self.size[0] {
                let colours = between(picture, self.source(column, 0), y);
                let at = (row + self.pad[1]) * self.side + column + self.pad[0];
                for (number, colour) in order.into_iter().enumerate() {
                    if let (Some(to), Some(from)) = (input.get_mut(number * plane + at), colours.get(colour)) {
                        *to = from * unit;
                    }
                }
            }
        }
        input
    }

    /// Which place of the picture is shown in the middle of a pixel of the square.
    fn source(&self, pixel: usize, axis: usize) -> f64 {
        let (first, long) = if axis == 0 { (self.part[0], self.part[2]) } else { (self.part[1], self.part[3]) };
        first + ((pixel as f64 + 0.5) / self.scale - 0.5).clamp(0.0, long - 1.0)
    }

    /// Corners in the square -> a part of the whole picture; `None` where nothing of it lies within.
    pub fn back(&self, [x1, y1, x2, y2]: [f64; 4]) -> Option<BoundingBox> {
        let place = |at: f64, axis: usize| {
            let (pad, first, whole) = match axis {
                0 => (self.pad[0], self.part[0], self.whole[0]),
                _ => (self.pad[1], self.part[1], self.whole[1]),
            };
            (((at - pad as f64) / self.scale + first) / whole).clamp(0.0, 1.0)
        };
        let (x, y) = (place(x1, 0), place(y1, 1));
        // Not-a-number has no size either.
        let (w, h) = ((place(x2, 0) - x).min(1.0 - x), (place(y2, 1) - y).min(1.0 - y));
        (w > 1e-6 && h > 1e-6).then_some(BoundingBox { x, y, w, h })
    }
}

/// Colours between pixels, by their distance to the four around.
fn between(picture: &Picture, x: f64, y: f64) -> [f32; 3] {
    let (left, top) = (x as usize, y as usize);
    let (right, down) = ((x - left as f64) as f32, (y - top as f64) as f32);
    let corner = |dx, dy| picture.pixel(left + dx, top + dy).map(f32::from);
    let mix = |a: [f32; 3], b: [f32; 3], share: f32| {
        let [a0, a1, a2] = a;
        let [b0, b1, b2] = b;
        [a0 + (b0 - a0) * share, a1 + (b1 - a1) * share, a2 + (b2 - a2) * share]
    };
    mix(mix(corner(0, 0), corner(1, 0), right), mix(corner(0, 1), corner(1, 1), right), down)
}
