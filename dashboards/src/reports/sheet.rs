//! A report as a spreadsheet: CSV for programs, XLSX for offices.
//!
//! In: a [`Document`].   Out: bytes.

use super::table::{Cell, Document, Table};
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

/// With the mark by which office programs know UTF-8. A cell that a spreadsheet would take for a formula is kept a text.
pub(crate) fn csv(document: &Document) -> String {
    let mut text = String::from("\u{feff}");
    for (number, table) in document.tables.iter().enumerate() {
        if number > 0 {
            text.push_str("\r\n");
        }
        if document.tables.len() > 1 {
            line(&mut text, std::iter::once(table.title.clone()));
        }
        line(&mut text, table.columns.iter().map(|column| column.head.to_owned()));
        for row in &table.rows {
            line(&mut text, row.iter().map(plain));
        }
    }
    text
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@']) => format!("'{text}"),
        Cell::Nothing => String::new(),
        cell => cell.shown(),
    }
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
}

/// One sheet for each table.
pub(crate) fn xlsx(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    for table in &document.tables {
        let sheet = book.add_worksheet();
        // A sheet's name has at most 31 letters and none of these.
        let name: String = table.title.chars().filter(|letter| !"[]:*?/\\'".contains(*letter)).take(31).collect();
        sheet.set_name(name)?;
        fill(sheet, document, table)?;
    }
    book.save_to_buffer()
}

fn fill(sheet: &mut Worksheet, document: &Document, table: &Table) -> Result<(), XlsxError> {
    let title = Format::new().set_bold().set_font_size(14);
    let head = Format::new().set_bold().set_border_bottom(FormatBorder::Thin).set_text_wrap();
    let head = head.set_align(FormatAlign::Top).set_background_color("#EDF0EC");
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.write_with_format(0, 0, &document.title, &title)?;
    let mut row = 1;
    for remark in &document.remarks {
        sheet.write(row, 0, remark)?;
        row += 1;
    }
    row += 1;
    for (at, column) in (0_u16..).zip(&table.columns) {
        sheet.write_with_format(row, at, column.head, &head)?;
        sheet.set_column_width(at, f64::from(column.weight) * 8.0)?;
    }
    sheet.set_freeze_panes(row + 1, 1)?;
    for cells in &table.rows {
        row += 1;
        for (at, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Text(text) => sheet.write_with_format(row, at, text, &wrapped)?,
                Cell::Number(number) => sheet.write_with_format(row, at, *number, &wrapped)?,
                Cell::Nothing => sheet,
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::table::Column;

    #[test]
    fn a_csv_quotes_what_needs_it_and_keeps_formulas_texts() {
        let columns = ["甲", "乙"].map(|head| Column { head, weight: 1.0 }).into();
        let rows = vec![vec![Cell::from("a,\"b\""), Cell::Number(2.5)], vec![Cell::from("=1+1"), Cell::Nothing]];
        let table = Table { title: "表".into(), columns, rows };
        let document = Document {
            title: "报".into(),
            remarks: Vec::new(),
            tables: vec![table],
            pictures: Vec::new(),
            is_wide: false,
        };
        assert_eq!(csv(&document), "\u{feff}甲,乙\r\n\"a,\"\"b\"\"\",2.5\r\n'=1+1,\r\n");
        assert!(xlsx(&document).unwrap().starts_with(b"PK"));
    }
}
