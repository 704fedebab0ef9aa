//! A report as PDF, A4.
//!
//! In: a [`Document`].   Out: bytes.
//!
//! No font is embedded: `STSong-Light` with the predefined encoding `UniGB-UTF16-H` (ISO 32000-1, 9.7.5.2) is what every reader of Chinese documents
//! has or replaces by its own, and a page has a few kilobytes instead of megabytes. What this font has no sign for is written as `?`.

mod pictures;

use super::picture::Picture;
use super::table::{Cell, Column, Document, Table};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

const A4: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 42.0;
const FONT: Name<'static> = Name(b"F1");
const SMALL: f32 = 8.5;
const TEXT: f32 = 9.0;
const TITLE: f32 = 16.0;
const HEAD: f32 = 11.0;
/// Of the size of the letters.
const LEADING: f32 = 1.5;
const PADDING: f32 = 3.0;
/// Lines of one cell; a longer text ends in an ellipsis.
const CELL_LINES: usize = 6;

/// Widths of the signs from space to tilde, thousandths: of Adobe's STSong-Light, which readers keep whatever font they take.
const ASCII_WIDTHS: [u16; 95] = [
    207, 270, 342, 467, 462, 797, 710, 239, 374, 374, 423, 605, 238, 375, 238, 334, 462, 462, 462, 462, 462, 462, 462,
    462, 462, 462, 238, 238, 605, 605, 605, 344, 748, 684, 560, 695, 739, 563, 511, 729, 793, 318, 312, 666, 526, 896,
    758, 772, 544, 772, 628, 465, 607, 753, 711, 972, 647, 620, 607, 374, 333, 374, 606, 500, 239, 417, 503, 427, 529,
    415, 264, 444, 518, 241, 230, 495, 228, 793, 527, 524, 524, 504, 338, 336, 277, 517, 450, 652, 466, 452, 407, 370,
    258, 370, 605,
];

fn width(letter: char) -> f32 {
    let ascii = u32::from(letter).checked_sub(32).and_then(|at| ASCII_WIDTHS.get(at as usize));
    ascii.map_or(1.0, |width| f32::from(*width) / 1_000.0)
}

fn length(text: &str, size: f32) -> f32 {
    text.chars().map(width).sum::<f32>() * size
}

/// What the font has: without signs outside the first plane, and controls as spaces.
fn writable(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            letter if letter.is_control() => ' ',
            letter if u32::from(letter) > 0xffff => '?',
            // The encoding knows the wider dash only.
            '–' => '-',
            letter => letter,
        })
        .collect()
}

/// Breaks between any two Chinese signs, and between words otherwise.
fn wrapped(text: &str, size: f32, room: f32, lines_max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces(&writable(text)) {
        let is_too_long = |line: &str| length(line, size) + length(piece.trim_end(), size) > room;
        if lines.last().is_some_and(|line| !line.is_empty() && is_too_long(line)) {
            lines.push(String::new());
        }
        for letter in piece.chars() {
            // A word longer than the cell breaks where it has to.
            if lines.last().is_some_and(|line| !line.is_empty() && length(line, size) + width(letter) * size > room) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
            }
        }
    }
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(line) = lines.last_mut() {
            line.pop();
            line.push('…');
        }
    }
    lines
}

/// Words with the space behind them, and single Chinese signs with the punctuation that may not begin a line, or end one.
fn pieces(text: &str) -> Vec<String> {
    const NEVER_FIRST: &str = "，。、；：！？）》」”’%";
    const NEVER_LAST: &str = "（《「“‘";
    let mut pieces: Vec<String> = Vec::new();
    let mut joins = false;
    for letter in text.chars() {
        let is_word = letter.is_ascii() && letter != ' ';
        match pieces.last_mut() {
            Some(piece) if piece.ends_with(|last| NEVER_LAST.contains(last)) => piece.push(letter),
            Some(piece) if NEVER_FIRST.contains(letter) || letter == ' ' || (is_word && joins) => piece.push(letter),
            _ => pieces.push(letter.to_string()),
        }
        joins = is_word;
    }
    pieces
}

/// Pages as they fill.
struct Pages {
    size: (f32, f32),
    done: Vec<Content>,
    page: Content,
    /// How far down the present page is written.
    y: f32,
}

impl Pages {
    fn new(is_wide: bool) -> Self {
        let size = if is_wide { (A4.1, A4.0) } else { A4 };
        Self { size, done: Vec::new(), page: Content::new(), y: size.1 - MARGIN }
    }

    fn width(&self) -> f32 {
        self.size.0 - 2.0 * MARGIN
    }

    fn fits(&self, height: f32) -> bool {
        // Room for the page's number.
        self.y - height > MARGIN + 14.0
    }

    fn turn(&mut self) {
        self.done.push(std::mem::replace(&mut self.page, Content::new()));
        self.y = self.size.1 - MARGIN;
    }

    fn write(&mut self, text: &str, size: f32, x: f32, baseline: f32) {
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        self.page.begin_text().set_font(FONT, size).next_line(x, baseline).show(Str(&utf16)).end_text();
    }

    fn paragraph(&mut self, text: &str, size: f32) {
        for line in wrapped(text, size, self.width(), usize::MAX) {
            if !self.fits(size * LEADING) {
                self.turn();
            }
            self.y -= size * LEADING;
            self.write(&line, size, MARGIN, self.y);
        }
    }

    /// A row of cells; `is_head` shades it.
    fn row(&mut self, cells: &[Vec<String>], widths: &[f32], is_head: bool) {
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1).max(1) as f32;
        let height = lines * SMALL * 1.35 + 2.0 * PADDING;
        let (top, room) = (self.y, self.width());
        self.y -= height;
        if is_head {
            self.page.save_state().set_fill_gray(0.92).rect(MARGIN, self.y, room, height).fill_nonzero();
            self.page.restore_state();
        }
        self.page.save_state().set_line_width(0.4).set_stroke_gray(0.6);
        self.page.move_to(MARGIN, self.y).line_to(MARGIN + room, self.y).stroke().restore_state();
        let mut x = MARGIN;
        for (cell, width) in cells.iter().zip(widths) {
            for (number, line) in cell.iter().enumerate() {
                self.write(line, SMALL, x + PADDING, top - PADDING - SMALL - number as f32 * SMALL * 1.35);
            }
            x += width;
        }
    }

    fn height(cells: &[Vec<String>]) -> f32 {
        cells.iter().map(Vec::len).max().unwrap_or(1).max(1) as f32 * SMALL * 1.35 + 2.0 * PADDING
    }

    fn table(&mut self, table: &Table) {
        let weights: f32 = table.columns.iter().map(|column| column.weight).sum();
        let widths: Vec<f32> = table.columns.iter().map(|column| column.weight / weights * self.width()).collect();
        let cut = |text: &str, width: &f32| wrapped(text, SMALL, width - 2.0 * PADDING, CELL_LINES);
        let heads = table.columns.iter().map(|Column { head, .. }| *head);
        let head: Vec<_> = heads.zip(&widths).map(|(text, width)| cut(text, width)).collect();
        // A title stays with its head and a row.
        if !self.fits(HEAD * 3.0 + Self::height(&head) + 30.0) {
            self.turn();
        }
        self.y -= HEAD;
        self.paragraph(&table.title, HEAD);
        self.y -= PADDING;
        if table.rows.is_empty() {
            return self.paragraph("无", TEXT);
        }
        self.row(&head, &widths, true);
        for row in &table.rows {
            let cells: Vec<_> =
                row.iter().map(Cell::shown).zip(&widths).map(|(text, width)| cut(&text, width)).collect();
            if !self.fits(Self::height(&cells)) {
                self.turn();
                self.row(&head, &widths, true);
            }
            self.row(&cells, &widths, false);
        }
    }
}

/// The whole document.
pub(crate) fn pdf(document: &Document) -> Vec<u8> {
    let mut pages = Pages::new(document.is_wide);
    pages.paragraph(&document.title, TITLE);
    for remark in &document.remarks {
        pages.paragraph(remark, TEXT);
    }
    for table in &document.tables {
        pages.table(table);
    }
    pages.pictures(&document.pictures);
    pages.turn();
    let count = pages.done.len();
    let size = pages.size;
    let mut contents = Vec::new();
    for (number, page) in (1..).zip(std::mem::take(&mut pages.done)) {
        pages.page = page;
        let text = format!("第 {number} 页，共 {count} 页");
        let x = size.0 - MARGIN - length(&text, SMALL);
        pages.write(&text, SMALL, x, MARGIN - 14.0);
        contents.push(std::mem::replace(&mut pages.page, Content::new()));
    }
    assembled(&document.title, size, contents, &document.pictures)
}

fn assembled(title: &str, size: (f32, f32), contents: Vec<Content>, pictures: &[Picture]) -> Vec<u8> {
    let mut next = 0;
    let mut number = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, font, cid_font, descriptor, info) =
        (number(), number(), number(), number(), number(), number());
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(pdf_writer::TextStr(title)).producer(pdf_writer::TextStr("Steppewatch"));
    let pages: Vec<(Ref, Ref, Content)> = contents.into_iter().map(|content| (number(), number(), content)).collect();
    pdf.pages(tree).kids(pages.iter().map(|(page, ..)| *page)).count(i32::try_from(pages.len()).unwrap_or(i32::MAX));
    let shown = pictures::objects(&mut pdf, pictures, number);
    for (page, content, written) in pages {
        let mut object = pdf.page(page);
        object.media_box(Rect::new(0.0, 0.0, size.0, size.1)).parent(tree).contents(content);
        let mut resources = object.resources();
        resources.fonts().pair(FONT, font);
        if !shown.is_empty() {
            resources.x_objects().pairs(shown.iter().map(|(name, picture)| (Name(name.as_bytes()), *picture)));
        }
        resources.finish();
        object.finish();
        pdf.stream(content, &written.finish());
    }
    pdf.type0_font(font)
        .base_font(Name(b"STSong-Light-UniGB-UTF16-H"))
        .encoding_predefined(Name(b"UniGB-UTF16-H"))
        .descendant_font(cid_font);
    let mut cid = pdf.cid_font(cid_font);
    cid.subtype(CidFontType::Type0).base_font(Name(b"STSong-Light"));
    cid.system_info(SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"GB1"), supplement: 5 });
    cid.font_descriptor(descriptor).default_width(1_000.0);
    // In Adobe-GB1 the signs of ASCII are CIDs 1 to 95.
    cid.widths().consecutive(1, ASCII_WIDTHS.map(f32::from));
    cid.finish();
    pdf.font_descriptor(descriptor)
        .name(Name(b"STSong-Light"))
        .flags(FontFlags::SERIF | FontFlags::SYMBOLIC)
        .bbox(Rect::new(-25.0, -254.0, 1_000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_breaks_between_signs_and_never_before_a_comma() {
        assert_eq!(wrapped("禁牧区，封闭", 10.0, 30.0, 9), ["禁牧", "区，封", "闭"].map(str::to_owned).to_vec());
        assert_eq!(wrapped("下限（元）", 10.0, 30.0, 9), ["下限", "（元）"].map(str::to_owned).to_vec());
    }

    #[test]
    fn words_stay_whole_where_they_can_and_long_texts_end_in_an_ellipsis() {
        let lines = wrapped("two words", 10.0, 30.0, 9);
        assert_eq!(lines, ["two ".to_owned(), "words".to_owned()]);
        assert_eq!(wrapped("一二三四五六", 10.0, 20.0, 2), ["一二".to_owned(), "三…".to_owned()]);
    }
}
