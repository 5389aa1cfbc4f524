//! A file of any format: recognised by its content, then read.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

#[cfg(any(feature = "formats", feature = "parquet"))]
use super::digest::sha256;
use super::findings::Findings;
use super::formats::{self, Recognised};
use super::sheet::Sheet;
use super::{assemble, csv, layout_check, unreadable, wanted, with_preset};
use crate::error::{Error, Message, Result, Setting};
#[cfg(any(feature = "formats", feature = "parquet"))]
use crate::trial::FileFormat;
use crate::trial::Trial;
use crate::trial::layout::Layout;

/// How much of a file is looked at before it is read.
const BEGINNING: u64 = 1 << 16;

/// Where the bytes of a file are.
#[derive(Debug, Clone, Copy)]
pub(in crate::trial) enum Input<'a> {
    /// On the disk.
    Path(&'a Path),
    /// In memory, with the name of the file.
    Bytes(&'a str, &'a [u8]),
}

/// A trial from a file.
pub(in crate::trial) fn read(layout: &Layout, input: Input<'_>) -> Result<Trial> {
    let ready = layout.ready()?;
    let (layout, decided) = with_preset(&ready, || columns(&ready, input))?;
    let layout = &*layout;
    let wanted = wanted(layout);
    layout_check::check(layout, &wanted)?;
    let mut findings = Findings::default();
    decided.into_iter().for_each(|sentence| findings.inferred(sentence));
    let sheet = input.sheet(layout, &wanted.iter().copied().collect(), &mut findings)?;
    assemble(layout, sheet, &wanted, findings)
}

/// The names of the columns of a file.
pub(in crate::trial) fn columns(layout: &Layout, input: Input<'_>) -> Result<Vec<String>> {
    let layout = &*layout.ready()?;
    let wanted = wanted(layout).into_iter().collect();
    // The header of a text is read without the rest.
    match input {
        Input::Path(path) if formats::recognised(&beginning(&path.display().to_string(), path)?).is_none() => {
            let source = path.display().to_string();
            csv::header(&source, opened(&source, path)?, layout.delimiter, &wanted)
        }
        _ => Ok(input.sheet(layout, &wanted, &mut Findings::default())?.names),
    }
}

impl Input<'_> {
    fn sheet(self, layout: &Layout, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Sheet> {
        let path;
        let source = match self {
            Input::Bytes(name, _) => name,
            Input::Path(file) => {
                path = file.display().to_string();
                &path
            }
        };
        let beginning = match self {
            Input::Bytes(_, bytes) => bytes.iter().take(BEGINNING as usize).copied().collect(),
            Input::Path(file) => beginning(source, file)?,
        };
        if formats::recognised(&beginning).is_none() {
            text_has_no_sheets(layout, source)?;
            return match self {
                Input::Bytes(_, bytes) => csv::read(source, bytes, layout.delimiter, wanted, findings),
                // Not into memory: a text may be larger than that.
                Input::Path(file) => csv::read(source, opened(source, file)?, layout.delimiter, wanted, findings),
            };
        }
        let read;
        let bytes = match self {
            Input::Bytes(_, bytes) => bytes,
            Input::Path(file) => {
                read = std::fs::read(file).map_err(|error| unreadable(source, error))?;
                &read
            }
        };
        match formats::recognised(bytes) {
            Some(known) => binary(layout, source, bytes, known, wanted, findings),
            None => csv::read(source, Cursor::new(bytes), layout.delimiter, wanted, findings),
        }
    }
}

fn opened(source: &str, path: &Path) -> Result<File> {
    File::open(path).map_err(|error| unreadable(source, error))
}

fn beginning(source: &str, path: &Path) -> Result<Vec<u8>> {
    let mut beginning = vec![];
    opened(source, path)?.take(BEGINNING).read_to_end(&mut beginning).map_err(|error| unreadable(source, error))?;
    Ok(beginning)
}

fn text_has_no_sheets(layout: &Layout, source: &str) -> Result<()> {
    match &layout.sheet {
        Some(sheet) => Err(no_sheets(source, sheet)),
        None => Ok(()),
    }
}

fn no_sheets(source: &str, sheet: &str) -> Error {
    let remedy = Message::from("leave out ").setting(Setting::Sheet).then(", or name the workbook that has it");
    Error::conflict(format!("the sheet `{sheet}`"), format!("{source} is a file without sheets"), remedy)
}

#[cfg(any(feature = "formats", feature = "parquet"))]
fn binary(
    layout: &Layout,
    source: &str,
    bytes: &[u8],
    known: Recognised,
    wanted: &HashSet<&str>,
    findings: &mut Findings,
) -> Result<Sheet> {
    let Some(format) = known.format.filter(|_| known.is_read()) else { return Err(known.refused(source)) };
    let has_sheets = matches!(format, FileFormat::Xlsx | FileFormat::Xlsb | FileFormat::Xls | FileFormat::Ods | FileFormat::Xpt);
    let named = layout.sheet.as_deref();
    if let (Some(sheet), false) = (named, has_sheets) {
        return Err(no_sheets(source, sheet));
    }
    let mut sheet = match format {
        #[cfg(feature = "formats")]
        FileFormat::Xlsx | FileFormat::Xlsb | FileFormat::Xls | FileFormat::Ods => {
            super::workbook::read(source, bytes, format, named, wanted, findings)
        }
        #[cfg(feature = "formats")]
        FileFormat::Sav | FileFormat::Zsav => super::sav::read(source, bytes, format, wanted),
        #[cfg(feature = "formats")]
        FileFormat::Dta => super::stata::read(source, bytes, wanted),
        #[cfg(feature = "formats")]
        FileFormat::Sas7bdat => super::sas7bdat::read(source, bytes, wanted),
        #[cfg(feature = "formats")]
        FileFormat::Xpt => super::xport::read(source, bytes, named, wanted),
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => super::frame::of_bytes(source, bytes, wanted, findings),
        _ => Err(known.refused(source)),
    }?;
    if let Some(file) = &mut sheet.file {
        file.sha256 = sha256(bytes);
    }
    Ok(sheet)
}

#[cfg(not(any(feature = "formats", feature = "parquet")))]
fn binary(_: &Layout, source: &str, _: &[u8], known: Recognised, _: &HashSet<&str>, _: &mut Findings) -> Result<Sheet> {
    Err(known.refused(source))
}
