//! A picture in a report: the camera's own JPEG, with what was seen in it framed.
//!
//! In: a JPEG, whatever it holds.   Out: [`Picture`], if its head says how large it is.   Never: a picture decoded or encoded anew; a PDF holds
//! the camera's bytes.

/// A picture that a page can show.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    /// As the camera sent it.
    pub jpeg: Vec<u8>,
    /// Width and height, pixels.
    pub size: (u16, u16),
    /// Grey, and not of three colours.
    pub is_grey: bool,
    /// Left edge, upper edge, width, height of each, as parts of the picture.
    pub boxes: Vec<[f64; 4]>,
    /// Of when and whose.
    pub caption: String,
}

impl Picture {
    /// `None` for what a page cannot show: no JPEG, a torn one, or one for printers.
    pub fn new(jpeg: Vec<u8>, boxes: Vec<[f64; 4]>, caption: String) -> Option<Self> {
        let (size, components) = head(&jpeg)?;
        let is_grey = match components {
            1 => true,
            3 => false,
            _ => return None,
        };
        (size.0 > 0 && size.1 > 0).then_some(Self { jpeg, size, is_grey, boxes, caption })
    }

    /// How high it is for its width.
    pub fn ratio(&self) -> f32 {
        f32::from(self.size.1) / f32::from(self.size.0)
    }
}

/// Width and height, and of how many colours; from the first frame header (ITU-T T.81, B.2.2).
fn head(jpeg: &[u8]) -> Option<((u16, u16), u8)> {
    let number = |at: usize| Some(u16::from_be_bytes([*jpeg.get(at)?, *jpeg.get(at + 1)?]));
    if number(0)? != 0xffd8 {
        return None;
    }
    let mut at = 2;
    loop {
        let [0xff, marker] = number(at)?.to_be_bytes() else { return None };
        match marker {
            // Fill bytes, and markers without a length.
            0xff => at += 1,
            0x01 | 0xd0..=0xd7 => at += 2,
            0xc0..=0xc2 => return Some(((number(at + 7)?, number(at + 5)?), *jpeg.get(at + 9)?)),
            // The picture begins, or ends, and nothing said how large it is.
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::from(number(at + 2)?).max(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a picture of 640 by 360.
    fn jpeg(components: u8) -> Vec<u8> {
        let comment = [0xff, 0xfe, 0, 4, b'h', b'i'];
        let frame = [0xff, 0xc0, 0, 17, 8, 1, 104, 2, 128, components];
        [&[0xff, 0xd8][..], &comment, &[0xff], &frame, &[0; 9]].concat()
    }

    #[test]
    fn a_pictures_size_stands_behind_whatever_comes_before_it() {
        let picture = Picture::new(jpeg(3), Vec::new(), String::new()).unwrap();
        assert_eq!((picture.size, picture.is_grey), ((640, 360), false));
        assert!(Picture::new(jpeg(1), Vec::new(), String::new()).unwrap().is_grey);
        assert_eq!(Picture::new(jpeg(4), Vec::new(), String::new()), None);
    }

    #[test]
    fn what_is_torn_is_no_picture() {
        let whole = jpeg(3);
        for length in 0..18 {
            assert_eq!(Picture::new(whole[..length].to_vec(), Vec::new(), String::new()), None, "{length}");
        }
        assert_eq!(Picture::new(b"\xFF\xD8\xFF a picture".to_vec(), Vec::new(), String::new()), None);
    }
}
