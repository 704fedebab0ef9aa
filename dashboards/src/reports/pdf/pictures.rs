//! Pictures on the pages of a PDF: two beside each other, what was seen framed, a caption below.
//!
//! In: pictures.   Out: their places on the pages, and the objects that hold them.   Never: another encoding than the camera's.

use super::{HEAD, LEADING, MARGIN, PADDING, Pages, SMALL, wrapped};
use crate::reports::picture::Picture;
use pdf_writer::{Filter, Finish, Name, Pdf, Ref};

const COLUMNS: usize = 2;
const GAP: f32 = 12.0;
/// Upright pictures are made no higher.
const HEIGHT_MAX: f32 = 260.0;
const CAPTION_LINES: usize = 2;
/// Vermilion, as on the screen.
const FRAME_RGB: (f32, f32, f32) = (0.835, 0.369, 0.0);
const FRAME_WIDTH: f32 = 1.2;

/// What a picture is called on every page.
fn name(number: usize) -> String {
    format!("P{number}")
}

impl Pages {
    pub(super) fn pictures(&mut self, pictures: &[Picture]) {
        if pictures.is_empty() {
            return;
        }
        // The title stays with the first row.
        if !self.fits(HEAD * 3.0 + HEIGHT_MAX) {
            self.turn();
        }
        self.y -= HEAD;
        self.paragraph("图像", HEAD);
        let room = (self.width() - GAP) / COLUMNS as f32;
        let caption_height = CAPTION_LINES as f32 * SMALL * LEADING;
        for (row, pair) in pictures.chunks(COLUMNS).enumerate() {
            let shown = |picture: &Picture| {
                let height = (room * picture.ratio()).min(HEIGHT_MAX);
                (height / picture.ratio(), height)
            };
            let height = pair.iter().map(|picture| shown(picture).1).fold(0.0, f32::max);
            if !self.fits(height + caption_height + GAP) {
                self.turn();
            }
            self.y -= GAP + height;
            for (column, picture) in pair.iter().enumerate() {
                let left = MARGIN + column as f32 * (room + GAP);
                self.picture(&name(row * COLUMNS + column), picture, (left, self.y), shown(picture));
                for (number, line) in wrapped(&picture.caption, SMALL, room, CAPTION_LINES).iter().enumerate() {
                    let baseline = self.y - PADDING - SMALL - number as f32 * SMALL * LEADING;
                    self.write(line, SMALL, left, baseline);
                }
            }
            self.y -= caption_height;
        }
    }

    fn picture(&mut self, name: &str, picture: &Picture, (x, y): (f32, f32), (width, height): (f32, f32)) {
        self.page.save_state().transform([width, 0.0, 0.0, height, x, y]).x_object(Name(name.as_bytes()));
        self.page.restore_state().save_state();
        let (red, green, blue) = FRAME_RGB;
        self.page.set_line_width(FRAME_WIDTH).set_stroke_rgb(red, green, blue);
        for [left, top, wide, high] in picture.boxes.iter().map(|sides| sides.map(|side| side.clamp(0.0, 1.0) as f32)) {
            // A page counts from below, a picture from above.
            self.page.rect(x + left * width, y + (1.0 - top - high) * height, wide * width, high * height).stroke();
        }
        self.page.restore_state();
    }
}

/// Writes the pictures' objects; what pages call them by.
pub(super) fn objects(pdf: &mut Pdf, pictures: &[Picture], mut number: impl FnMut() -> Ref) -> Vec<(String, Ref)> {
    let write = |(at, picture): (usize, &Picture)| {
        let object = number();
        let mut image = pdf.image_xobject(object, &picture.jpeg);
        image.filter(Filter::DctDecode);
        image.bits_per_component(8).width(i32::from(picture.size.0)).height(i32::from(picture.size.1));
        if picture.is_grey {
            image.color_space().device_gray();
        } else {
            image.color_space().device_rgb();
        }
        image.finish();
        (name(at), object)
    };
    pictures.iter().enumerate().map(write).collect()
}
