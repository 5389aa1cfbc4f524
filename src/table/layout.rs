//! Tables as text on a terminal.

use std::fmt::Write as _;

use super::{Column, Values};

/// The width a table keeps to unless stated otherwise, in characters.
pub const WIDTH: usize = 100;

/// The narrowest a column of labels is made by breaking its cells.
const LABEL: usize = 24;

/// Between columns.
const GAP: usize = 2;

/// A column as it stands on the page: heading and cells broken into lines.
struct Set {
    heading: Vec<String>,
    cells: Vec<Vec<String>>,
    width: usize,
    label: bool,
}

impl Set {
    fn of(column: &Column, limit: usize) -> Self {
        let label = matches!(column.values, Values::Text(_));
        let whole = aligned(column, (0..column.len()).map(|r| column.formatted(r)).collect());
        let room = if label { limit } else { usize::MAX };
        let cells: Vec<Vec<String>> = whole.iter().map(|c| if label { wrapped(c, room) } else { vec![c.clone()] }).collect();
        let body = cells.iter().flatten().map(|l| length(l)).max().unwrap_or(0);
        let longest_word = column.heading.split_whitespace().map(length).max().unwrap_or(0);
        let heading = wrapped(&column.heading, body.max(longest_word).max(heading_room(&column.heading)));
        let width = heading.iter().map(|l| length(l)).max().unwrap_or(0).max(body);
        Self { heading, cells, width, label }
    }

    fn padded(&self, text: &str) -> String {
        let space = " ".repeat(self.width.saturating_sub(length(text)));
        if self.label { format!("{text}{space}") } else { format!("{space}{text}") }
    }
}

/// Cells with blanks behind them where numbers have different decimals, so that their points stand under one another.
fn aligned(column: &Column, cells: Vec<String>) -> Vec<String> {
    if !matches!(column.values, Values::Each(..)) {
        return cells;
    }
    // The point, and what follows it.
    let behind = |cell: &String| cell.find('.').map_or(0, |point| cell.len() - point);
    let most = cells.iter().map(behind).max().unwrap_or(0);
    cells.iter().map(|cell| if cell.is_empty() { String::new() } else { format!("{cell}{}", " ".repeat(most - behind(cell))) }).collect()
}

/// A heading breaks into three lines at most.
fn heading_room(heading: &str) -> usize {
    length(heading).div_ceil(3).min(12)
}

/// The table as text; see [`super::Tabular::to_text_within`].
pub(crate) fn text(title: &str, columns: &[Column], notes: &[String], width: usize) -> String {
    let sets = fitted(columns, width);
    let stub = stub(&sets, width);
    let mut out = paragraph(title, width);
    for (k, block) in blocks(&sets, stub, width).iter().enumerate() {
        if k > 0 {
            out.push('\n');
        }
        write_block(&mut out, block);
    }
    notes.iter().for_each(|note| out.push_str(&paragraph(note, width)));
    out
}

/// The columns, labels broken into lines where the whole is too wide otherwise.
fn fitted(columns: &[Column], width: usize) -> Vec<Set> {
    let all = |limit: usize| -> Vec<Set> { columns.iter().map(|c| Set::of(c, limit)).collect() };
    let widest = columns.iter().flat_map(|c| (0..c.len()).map(|r| length(&c.formatted(r)))).max().unwrap_or(0);
    let mut limit = widest.min(width);
    let mut sets = all(limit.max(1));
    while total(sets.iter()) > width && limit > LABEL {
        limit -= 1;
        sets = all(limit);
    }
    sets
}

fn total<'a>(sets: impl Iterator<Item = &'a Set>) -> usize {
    sets.map(|s| s.width + GAP).sum::<usize>().saturating_sub(GAP)
}

/// How many of the first columns are labels that every further group of columns repeats: at most two, over at most
/// half the width.
fn stub(sets: &[Set], width: usize) -> usize {
    let labels = sets.iter().take_while(|s| s.label).count().min(2).min(sets.len().saturating_sub(1));
    (0..=labels).rev().find(|&k| total(sets[..k].iter()) <= width / 2).unwrap_or(0)
}

/// The columns in groups that fit, each led by the first `stub` columns.
fn blocks(sets: &[Set], stub: usize, width: usize) -> Vec<Vec<&Set>> {
    let start = || -> Vec<&Set> { sets[..stub].iter().collect() };
    let mut found = vec![start()];
    for set in &sets[stub..] {
        let last = found.len() - 1;
        let with = total(found[last].iter().copied().chain([set]));
        if with > width && found[last].len() > stub {
            found.push(start());
        }
        if let Some(block) = found.last_mut() {
            block.push(set);
        }
    }
    found
}

fn write_block(out: &mut String, block: &[&Set]) {
    let rule = "─".repeat(total(block.iter().copied()));
    let deep = block.iter().map(|s| s.heading.len()).max().unwrap_or(0);
    for line in 0..deep {
        // Headings stand on the rule beneath them.
        let of = |s: &Set| (line + s.heading.len()).checked_sub(deep).and_then(|l| s.heading.get(l)).cloned().unwrap_or_default();
        write_line(out, block, of);
    }
    let _ = writeln!(out, "{rule}");
    for row in 0..block.first().map_or(0, |s| s.cells.len()) {
        for line in 0..block.iter().map(|s| s.cells[row].len()).max().unwrap_or(0).max(1) {
            write_line(out, block, |s| s.cells[row].get(line).cloned().unwrap_or_default());
        }
    }
    let _ = writeln!(out, "{rule}");
}

fn write_line(out: &mut String, block: &[&Set], text: impl Fn(&Set) -> String) {
    let cells: Vec<String> = block.iter().map(|s| s.padded(&text(s))).collect();
    let _ = writeln!(out, "{}", cells.join(&" ".repeat(GAP)).trim_end());
}

/// `text` in lines of at most `width` characters, each ended.
pub(crate) fn paragraph(text: &str, width: usize) -> String {
    wrapped(text, width).iter().map(|l| format!("{l}\n")).collect()
}

/// `text` broken at spaces into lines of at most `width` characters; a longer word keeps a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Format};
    use super::*;

    fn columns() -> Vec<Column> {
        let mut columns = vec![
            Column::text("arm", "Arm", ["Imagery rescripting", "Imagery rescripting with group schema therapy"]),
            Column::count("n", "Patients observed", [66, 64]),
        ];
        columns.extend((1..=12).map(|_| Column::real("mean", "Adjusted mean at visit", Format::Decimals(2), [40.125, -3.5])));
        columns
    }

    #[test]
    fn no_line_is_wider_than_asked_and_no_cell_is_lost() {
        let text = text("A title", &columns(), &["A note long enough to need more than the one line that it is given here.".into()], 60);
        assert!(text.lines().all(|l| length(l) <= 60), "{text}");
        assert_eq!(text.matches("40.12").count(), 12);
        assert!(text.contains("\nImagery rescripting with"), "{text}");
    }

    #[test]
    fn a_narrow_table_keeps_its_lines() {
        let columns = [Column::text("arm", "Arm", ["A", "B"]), Column::count("n", "n", [1, 2])];
        assert_eq!(text("T", &columns, &[], 80), "T\nArm  n\n──────\nA    1\nB    2\n──────\n");
    }

    #[test]
    fn a_table_without_rows_or_columns_prints() {
        assert!(text("T", &[], &[], 80).starts_with("T\n"));
        assert!(text("T", &[Column::count("n", "n", [])], &["note".into()], 80).ends_with("note\n"));
    }
}
