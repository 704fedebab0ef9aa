//! A minimal JPEG writer: greyscale, every 8x8 block of one shade. Small, valid, and different for every picture.
//!
//! In:  one shade per block.   Out: a baseline JPEG (ITU-T T.81). Only DC coefficients are written, so two tiny Huffman tables
//! suffice: twelve DC categories of four bits each, and one AC symbol, "end of block".

/// Quantiser of the DC coefficient. A block of one shade has a DC of 8 x shade; with 8 as divisor that is the shade itself.
const DC_STEP: u8 = 8;

/// Writes a picture of `columns` x blocks; `shades` row by row, 0 black to 255 white. Missing shades are black.
pub fn encode(columns: u16, rows: u16, shades: &[u8]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8]; // start of image
    segment(&mut file, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let mut quantisers = [DC_STEP; 65];
    if let Some(table_id) = quantisers.first_mut() {
        *table_id = 0;
    }
    segment(&mut file, 0xdb, &quantisers);
    let [height_high, height_low] = rows.saturating_mul(8).to_be_bytes();
    let [width_high, width_low] = columns.saturating_mul(8).to_be_bytes();
    segment(&mut file, 0xc0, &[8, height_high, height_low, width_high, width_low, 1, 1, 0x11, 0]);
    // DC table: codes 0000 to 1011 of four bits for the categories 0 to 11.
    segment(
        &mut file,
        0xc4,
        &[0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    // AC table: the single code 0 for "end of block".
    segment(&mut file, 0xc4, &[0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00]);
    segment(&mut file, 0xda, &[1, 1, 0x00, 0, 63, 0]);
    let mut bits = Bits::default();
    let mut previous = 0_i32;
    let blocks = usize::from(columns) * usize::from(rows);
    for shade in shades.iter().copied().chain(std::iter::repeat(0)).take(blocks) {
        let level = i32::from(shade) - 128;
        bits.difference(level - previous);
        previous = level;
    }
    file.extend(bits.finish());
    file.extend([0xff, 0xd9]); // end of image
    file
}

fn segment(file: &mut Vec<u8>, marker: u8, body: &[u8]) {
    let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(body);
}

/// Bits of the scan, with a zero behind every 0xff as the standard wants.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    held_count: u32,
}

impl Bits {
    fn difference(&mut self, difference: i32) {
        let category = 32 - difference.unsigned_abs().leading_zeros();
        self.put(category, 4);
        // Negative values are written as one less, in as many bits.
        let value = if difference < 0 { difference + (1 << category) - 1 } else { difference };
        self.put(value.unsigned_abs(), category);
        self.put(0, 1); // end of block
    }

    fn put(&mut self, value: u32, count: u32) {
        self.held = (self.held << count) | value;
        self.held_count += count;
        while self.held_count >= 8 {
            self.held_count -= 8;
            let byte = ((self.held >> self.held_count) & 0xff) as u8;
            self.bytes.push(byte);
            if byte == 0xff {
                self.bytes.push(0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let missing = (8 - self.held_count % 8) % 8;
        self.put((1 << missing) - 1, missing);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_begins_and_ends_as_a_jpeg_and_has_no_stray_marker() {
        let shades: Vec<u8> = (0..=255).collect();
        let file = encode(16, 16, &shades);
        assert_eq!((&file[..4], &file[file.len() - 2..]), (&[0xff, 0xd8, 0xff, 0xe0][..], &[0xff, 0xd9][..]));
        let scan = file.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
        let body = &file[scan + 10..file.len() - 2];
        assert!(body.windows(2).all(|pair| pair[0] != 0xff || pair[1] == 0));
    }

    #[test]
    fn other_shades_give_another_picture() {
        assert_ne!(encode(4, 4, &[10; 16]), encode(4, 4, &[11; 16]));
    }
}
