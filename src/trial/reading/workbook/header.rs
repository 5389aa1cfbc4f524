//! Which row of a sheet names the columns, and the rows below it.

use std::collections::HashSet;

use super::super::declared::{Code, Declared};
use super::super::findings::{Findings, Place};
use super::super::profile::Profile;
use super::super::sheet::{Cells, Sheet, SheetColumn};
use super::cells::Table;
use super::merged::letters;
use crate::error::{says, shown};
use crate::trial::FileFacts;

/// So many rows are looked at for the header.
const LOOKED_AT: usize = 20;

/// The names of the columns, and the last row of the header.
struct Header {
    names: Vec<String>,
    /// The first row of the header, and the last.
    rows: (u32, u32),
}

/// The columns `wanted` of a table.
pub(super) fn sheet(source: &str, mut table: Table, wanted: &HashSet<&str>, mut file: FileFacts, findings: &mut Findings) -> Sheet {
    let Some(header) = header(&table, wanted) else { return Sheet { source: source.into(), file: Some(file), ..Sheet::default() } };
    tell(&table, &header, findings);
    let filled = table.fill_merged(header.rows.1);
    if !filled.is_empty() {
        findings.inferred(format!("The value of merged cells holds for each of them: {}.", filled.join(", ")));
    }
    let below: Vec<u32> = table.rows.range(header.rows.1 + 1..).map(|(row, _)| *row).collect();
    let mut seen = HashSet::new();
    let read = (0..header.names.len()).filter(|&j| wanted.contains(header.names[j].as_str()) && seen.insert(&header.names[j]));
    let columns = read.map(|j| column(&table, &below, j as u32, &header.names[j])).collect();
    (file.rows, file.columns) = (below.len(), header.names.iter().filter(|name| !name.is_empty()).count());
    let sheet = Sheet {
        source: source.into(),
        names: header.names,
        columns,
        rows: below.len(),
        lines: Some(below.iter().map(|row| u64::from(*row) + 1).collect()),
        is_workbook: true,
        file: Some(file),
        ..Sheet::default()
    };
    for (row, column) in &table.unstored {
        let read = sheet.columns.iter().find(|c| c.declared.letters == letters(*column));
        if let (Some(read), Ok(row)) = (read, below.binary_search(row)) {
            let message = says!("the cell has a formula whose result the file does not hold; open it in its program and save it there");
            findings.problem(&sheet, Place::row(row).column(&read.name), message);
        }
    }
    sheet
}

fn column(table: &Table, rows: &[u32], column: u32, name: &str) -> SheetColumn {
    let cells = rows.iter().map(|row| table.rows[row].get(&column).cloned().unwrap_or(Code::Text(String::new())));
    let declared = Declared { letters: letters(column), ..Declared::default() };
    SheetColumn { name: name.into(), cells: Cells::mixed(cells), profile: Profile::default(), declared }
}

/// The header: of the first rows the one with most of the columns `wanted`, alone or with the row above it where that has
/// merged cells; in doubt the first one with more than a title.
fn header(table: &Table, wanted: &HashSet<&str>) -> Option<Header> {
    let rows: Vec<u32> = table.rows.keys().copied().take(LOOKED_AT).collect();
    let width = table.width();
    let is_title = |row: u32| width > 1 && table.rows[&row].len() < 2;
    let alone = rows.iter().map(|&row| Header { names: (0..width).map(|c| name(&[table.own_text(row, c)])).collect(), rows: (row, row) });
    let merged = |pair: &&[u32]| table.is_merged_across(pair[0]) && !is_title(pair[0]);
    let pairs = rows.windows(2).filter(merged).map(|pair| {
        let names = (0..width).map(|c| name(&[table.header_text(pair[0], c), table.own_text(pair[1], c)])).collect();
        Header { names, rows: (pair[0], pair[1]) }
    });
    let mut candidates: Vec<Header> = pairs.chain(alone.filter(|h| !is_title(h.rows.0))).collect();
    candidates.sort_by_key(|header| header.rows.0);
    let found = |header: &Header| wanted.iter().filter(|w| header.names.iter().any(|name| name == **w)).count();
    let named = |header: &Header| header.names.iter().filter(|name| !name.is_empty()).count();
    let best = candidates.iter().map(found).max()?;
    match best {
        // Nothing is wanted, or nothing is there: as the sheet looks.
        0 => candidates.into_iter().next(),
        // Of equals, `max_by_key` takes the last.
        _ => candidates.into_iter().rev().max_by_key(|header| (found(header), named(header))),
    }
}

impl Table {
    fn own_text(&self, row: u32, column: u32) -> String {
        match self.rows.get(&row).and_then(|cells| cells.get(&column)) {
            Some(_) => self.header_text(row, column),
            None => String::new(),
        }
    }
}

/// One name of the parts that are not empty and not the same again.
fn name(parts: &[String]) -> String {
    let mut words: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    words.dedup();
    words.join(" ")
}

/// Says where the header is, unless it is the first row alone.
fn tell(table: &Table, header: &Header, findings: &mut Findings) {
    let (first, last) = header.rows;
    let above = table.rows.range(..first).count();
    if above > 0 {
        findings.inferred(format!("The header is row {}; what stands above it is not read.", first + 1));
    }
    if first < last {
        let example = header.names.iter().rev().find(|n| n.contains(' ')).map(|n| format!(", such as `{}`", shown(n))).unwrap_or_default();
        findings.inferred(format!(
            "The header has two rows, {} and {}, whose texts make the names of the columns{example}.",
            first + 1,
            last + 1
        ));
    }
}
