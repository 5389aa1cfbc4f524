//! Merged cells: the value of the first holds for all.

use calamine::Dimensions;

use super::super::declared::Code;
use super::cells::Table;

impl Table {
    /// Keeps what is merged, as far as there are cells: a damaged file may merge whole sheets.
    pub fn merged(&mut self, merged: Vec<Dimensions>) {
        let width = self.width();
        self.merged = merged.into_iter().filter(|m| m.start.0 <= m.end.0 && m.start.1 <= m.end.1 && m.start.1 < width).collect();
        self.merged.sort_unstable();
        self.merged.iter_mut().for_each(|m| m.end.1 = m.end.1.min(width - 1));
    }

    /// Whether a row has a cell that goes over several columns.
    pub fn is_merged_across(&self, row: u32) -> bool {
        self.merged.iter().any(|m| (m.start.0..=m.end.0).contains(&row) && m.start.1 < m.end.1)
    }

    /// Gives every cell of what is merged below `header` the value of its first; the ranges for which that was done.
    pub fn fill_merged(&mut self, header: u32) -> Vec<String> {
        let mut filled = vec![];
        for merged in self.merged.iter().filter(|m| m.start.0 > header) {
            let Some(value) = self.rows.get(&merged.start.0).and_then(|row| row.get(&merged.start.1)).cloned() else { continue };
            let rows: Vec<u32> = self.rows.range(merged.start.0..=merged.end.0).map(|(row, _)| *row).collect();
            if (rows.len(), merged.start.1) == (1, merged.end.1) {
                continue;
            }
            for row in rows {
                let cells = self.rows.entry(row).or_default();
                (merged.start.1..=merged.end.1).for_each(|column| {
                    cells.entry(column).or_insert_with(|| value.clone());
                });
            }
            let [first, last] = [merged.start, merged.end].map(|(row, column)| format!("{}{}", letters(column), row + 1));
            filled.push(format!("{first}:{last}"));
        }
        filled
    }

    /// The text of a row's cell, that of the merged cell to which it belongs included.
    pub fn header_text(&self, row: u32, column: u32) -> String {
        let own = |row: u32, column: u32| self.rows.get(&row).and_then(|cells| cells.get(&column));
        let of = self.merged.iter().find(|m| m.contains(row, column)).map_or((row, column), |m| m.start);
        own(row, column).or_else(|| own(of.0, of.1)).map(words).unwrap_or_default()
    }
}

/// What a cell of a header says.
fn words(code: &Code) -> String {
    match code {
        Code::Number(x) => x.to_string(),
        Code::Text(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// The letters of a column, `A` for 0.
pub(super) fn letters(column: u32) -> String {
    let mut letters = vec![];
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        // One of 26.
        letters.insert(0, char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_the_program() {
        assert_eq!([0, 25, 26, 51, 701, 702, 16_383].map(letters), ["A", "Z", "AA", "AZ", "ZZ", "AAA", "XFD"]);
    }
}
