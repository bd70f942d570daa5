//! Columns that line up.

use super::style::{one_line, Meaning, FAINT, PLAIN};
use std::io::{self, Write};

/// How the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A table that is written when all its rows are known.
pub struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<(String, Meaning)>>,
}

impl Table {
    /// Columns with their headings.
    pub fn new(columns: &[(&'static str, Side)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = (String, Meaning)>) {
        self.rows.push(cells.into_iter().map(|(text, meaning)| (one_line(&text), meaning)).collect());
    }

    /// Writes it, each line behind the indent.
    pub fn write(self, out: &mut dyn Write, indent: &str) -> io::Result<()> {
        let heading = self.columns.iter().map(|(name, _)| (name.to_string(), FAINT)).collect();
        let rows: Vec<Vec<(String, Meaning)>> = std::iter::once(heading).chain(self.rows).collect();
        let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| width(text)).max();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| width(column).unwrap_or_default()).collect();
        for row in &rows {
            let mut line = indent.to_string();
            for (place, ((text, meaning), (_, side))) in row.iter().zip(&self.columns).enumerate() {
                let gap = " ".repeat(widths.get(place).copied().unwrap_or_default().saturating_sub(self::width(text)));
                let space = if place == 0 { "" } else { "  " };
                let painted = if text.is_empty() { PLAIN.paint(text) } else { meaning.paint(text) };
                line.push_str(&match side {
                    Side::Left => format!("{space}{painted}{gap}"),
                    Side::Right => format!("{space}{gap}{painted}"),
                });
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// How many places of a terminal a text takes, roughly: wide letters count as one.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_spaces_at_their_end() {
        let mut table = Table::new(&[("KIND", Side::Left), ("FILES", Side::Right), ("NOTE", Side::Left)]);
        table.row([("calls".into(), PLAIN), ("12".into(), PLAIN), (String::new(), PLAIN)]);
        table.row([("ops".into(), PLAIN), ("3".into(), PLAIN), ("grows".into(), PLAIN)]);
        let mut out = Vec::new();
        table.write(&mut out, "  ").unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        assert_eq!(text, "  KIND   FILES  NOTE\n  calls     12\n  ops        3  grows\n");
    }
}
