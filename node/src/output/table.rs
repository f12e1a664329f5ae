//! Aligned tables for terminals and pipes alike; wide characters are counted by the library.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement};

/// Rows under headings.
pub(crate) struct Table {
    inner: comfy_table::Table,
}

impl Table {
    /// Starts a table. A heading that begins with `>` is a column of numbers, aligned right.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        inner.set_header(
            headings.iter().map(|heading| heading.trim_start_matches('>').to_uppercase()),
        );
        for (index, heading) in headings.iter().enumerate() {
            let Some(column) = inner.column_mut(index) else { continue };
            column.set_padding((0, 2));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { inner }
    }

    /// Adds a row.
    pub(crate) fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        self.inner.add_row(
            cells
                .into_iter()
                .map(|cell| cell.chars().filter(|letter| is_harmless(*letter)).collect::<String>()),
        );
    }

    /// Returns the table as lines without trailing blanks.
    pub(crate) fn render(&self) -> String {
        let lines: Vec<String> =
            self.inner.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n")
    }
}

/// Control characters and those that turn the writing direction would let a name forge a line.
fn is_harmless(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !turns && (letter == '\n' || !letter.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_wide_characters_count_twice() {
        let mut table = Table::new(&["name", ">rows"]);
        table.row(["比特币".to_owned(), "7".to_owned()]);
        table.row(["ab".to_owned(), "2990".to_owned()]);
        assert_eq!(table.render(), "NAME    ROWS\n比特币     7\nab      2990");
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let mut table = Table::new(&["name"]);
        table.row(["a\u{202e}b\u{1b}[31mc".to_owned()]);
        assert_eq!(table.render(), "NAME\nab[31mc");
    }
}
