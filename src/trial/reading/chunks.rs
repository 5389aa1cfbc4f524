//! A file in chunks of whole patients: for files that are larger than memory.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use super::findings::{Findings, Place};
use super::profile::Profile;
use super::sheet::{Cell, Cells, Sheet, SheetColumn};
use super::{assemble, layout_check, wanted};
use crate::error::{Error, Message, Result, Setting, says};
use crate::trial::Trial;
use crate::trial::layout::Layout;

/// Rows in the order of a file, a block at a time; `None` at its end.
pub(super) trait Blocks: Send {
    fn next(&mut self, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Option<Sheet>>;
}

/// A part of a file that ends with a patient's last row, not yet looked at.
#[derive(Debug)]
pub struct Chunk {
    sheet: Sheet,
    findings: Findings,
}

/// A file as chunks of whole patients, each of about as many rows as was asked for: an iterator of [`Chunk`]s, which
/// [`Layout::part_of`] knows how to read.
///
/// The rows of a patient have to stand together. A patient who comes up again later is an error; to notice it, 16
/// bytes of every patient are kept.
pub struct Chunks<'a> {
    layout: Cow<'a, Layout>,
    blocks: Box<dyn Blocks + 'a>,
    /// Rows whose patient may go on.
    rest: Option<Sheet>,
    rest_findings: Findings,
    ready: VecDeque<Result<Chunk>>,
    seen: Fingerprints,
    ended: bool,
}

impl Chunk {
    /// The trial of these patients, with every check that a trial makes.
    ///
    /// # Errors
    /// [`Error::Data`] with every problem of the chunk, each with its line or row in the whole file.
    pub fn trial(self, layout: &Layout) -> Result<Trial> {
        let layout = &*layout.ready()?;
        assemble(layout, self.sheet, &wanted(layout), self.findings)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.sheet.rows
    }
}

impl<'a> Chunks<'a> {
    pub(super) fn new(layout: Cow<'a, Layout>, blocks: Box<dyn Blocks + 'a>) -> Result<Self> {
        layout_check::check(&layout, &wanted(&layout))?;
        if !layout.part {
            return Err(Error::incomplete(
                "reading in chunks",
                "arms, visits and levels would be inferred from each chunk by itself",
                Message::from("declare them: read with ").setting(Setting::PartOf),
            ));
        }
        if !layout.roster.is_empty() {
            return Err(Error::conflict(
                "reading in chunks with patients declared as randomized",
                "a chunk holds some of them only",
                "give those without a visit a row of their own in the file, with the visit left empty",
            ));
        }
        Ok(Self {
            layout,
            blocks,
            rest: None,
            rest_findings: Findings::default(),
            ready: VecDeque::new(),
            seen: Fingerprints::default(),
            ended: false,
        })
    }

    /// Reads one more block, and cuts what is there after the last patient that is complete.
    fn advance(&mut self) -> Result<()> {
        let wanted: HashSet<&str> = wanted(&self.layout).into_iter().collect();
        let mut findings = std::mem::take(&mut self.rest_findings);
        let block = self.blocks.next(&wanted, &mut findings)?;
        self.ended = block.is_none();
        let sheet = match (self.rest.take(), block) {
            (None, None) => return Ok(()),
            (None, Some(sheet)) | (Some(sheet), None) => sheet,
            (Some(rest), Some(block)) => rest.followed_by(block)?,
        };
        let cut = if self.ended { sheet.rows } else { last_patient(&sheet, &self.layout.patient) };
        if cut == 0 && !self.ended {
            (self.rest, self.rest_findings) = (Some(sheet), findings);
            return Ok(());
        }
        let (complete, rest) = sheet.split_at(cut);
        self.check_patients(&complete, &mut findings);
        self.rest = (rest.rows > 0).then_some(rest);
        self.ready.push_back(Ok(Chunk { sheet: complete, findings }));
        Ok(())
    }

    /// Reports patients who have had rows before this chunk.
    fn check_patients(&mut self, sheet: &Sheet, findings: &mut Findings) {
        let Some(column) = sheet.column(&self.layout.patient) else { return };
        let begins = |row: &usize| *row == 0 || column.cells.get(*row) != column.cells.get(*row - 1);
        let own: Vec<(u128, usize)> = (0..sheet.rows).filter(begins).map(|row| (fingerprint(column.cells.get(row)), row)).collect();
        let mut here = Fingerprints::with_capacity_and_hasher(own.len(), BuildHasherDefault::default());
        for (patient, row) in own {
            if self.seen.contains(&patient) && here.insert(patient) {
                let name = match column.cells.get(row) {
                    Cell::Text(text) => text.to_string(),
                    Cell::Number(x) => x.to_string(),
                };
                // Rows without a patient are reported when the chunk is read.
                if !name.is_empty() && name != "NaN" {
                    let message =
                        says!("the patient has rows earlier in the file, away from these; sort the file by patient to read it in chunks");
                    findings.problem(sheet, Place::row(row).patient(&name).column(&self.layout.patient), message);
                }
            } else {
                here.insert(patient);
            }
        }
        self.seen.extend(here);
    }
}

impl Iterator for Chunks<'_> {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            if let Err(error) = self.advance() {
                self.ended = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front()
    }
}

impl std::fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunks").field("layout", &self.layout).field("patients", &self.seen.len()).finish_non_exhaustive()
    }
}

/// The first row of the last patient.
fn last_patient(sheet: &Sheet, patient: &str) -> usize {
    let Some(column) = sheet.column(patient) else { return sheet.rows };
    let last = column.cells.get(sheet.rows.saturating_sub(1));
    (0..sheet.rows).rev().take_while(|&row| column.cells.get(row) == last).last().unwrap_or(0)
}

/// Fingerprints of patients, which are hashes already.
type Fingerprints = HashSet<u128, BuildHasherDefault<AsItIs>>;

/// The last 64 bits of a fingerprint.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// 128 bits of a patient's identifier: that two of 10⁹ patients share them has a probability of 1e-21.
fn fingerprint(cell: Cell<'_>) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        match cell {
            Cell::Text(text) => text.hash(&mut hasher),
            Cell::Number(x) => x.to_bits().hash(&mut hasher),
        }
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}

impl Sheet {
    /// The first rows, and the others.
    fn split_at(mut self, row: usize) -> (Sheet, Sheet) {
        let columns = self
            .columns
            .iter_mut()
            .map(|c| SheetColumn {
                name: c.name.clone(),
                cells: c.cells.split_off(row),
                profile: Profile::default(),
                declared: c.declared.clone(),
            })
            .collect();
        let rest = Sheet {
            source: self.source.clone(),
            names: self.names.clone(),
            columns,
            lines: self.lines.as_mut().map(|lines| lines.split_off(row)),
            first_row: self.first_row + row,
            rows: self.rows - row,
            are_rows: self.are_rows,
            is_workbook: self.is_workbook,
            file: None,
        };
        self.rows = row;
        (self, rest)
    }

    /// These rows with those of a later block behind them.
    fn followed_by(mut self, block: Sheet) -> Result<Sheet> {
        self.rows += block.rows;
        if let (Some(lines), Some(more)) = (&mut self.lines, block.lines) {
            lines.extend(more);
        }
        for (column, more) in self.columns.iter_mut().zip(block.columns) {
            if column.name != more.name || !column.cells.extend(more.cells) {
                return Err(Error::damaged(
                    format!("reading {}", self.source),
                    format!("column `{}` is of another name or type in one batch than in the one before", more.name),
                    "give all batches the same columns",
                ));
            }
        }
        Ok(self)
    }
}

impl Cells {
    /// Takes the cells from `row` on away.
    fn split_off(&mut self, row: usize) -> Cells {
        match self {
            Cells::Numbers(numbers) => Cells::Numbers(numbers.split_off(row)),
            Cells::Mixed { numbers, texts } => Cells::Mixed { numbers: numbers.split_off(row), texts: texts.split_off(row) },
            Cells::Text { buffer, ends } => {
                let start = if row == 0 { 0 } else { ends[row - 1] };
                let later = ends.split_off(row).into_iter().map(|end| end - start).collect();
                Cells::Text { buffer: buffer.split_off(start), ends: later }
            }
        }
    }

    /// Appends cells of the same type; whether they are.
    fn extend(&mut self, more: Cells) -> bool {
        match (self, more) {
            (Cells::Numbers(numbers), Cells::Numbers(more)) => numbers.extend(more),
            (Cells::Text { buffer, ends }, Cells::Text { buffer: text, ends: more }) => {
                let start = buffer.len();
                buffer.push_str(&text);
                ends.extend(more.into_iter().map(|end| start + end));
            }
            (Cells::Mixed { numbers, texts }, Cells::Mixed { numbers: more, texts: further }) => {
                numbers.extend(more);
                texts.extend(further);
            }
            _ => return false,
        }
        true
    }
}
