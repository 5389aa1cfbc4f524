//! Writing a report and what belongs to it into a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::document::Document;
use crate::error::{Error, Result};
use crate::table::Tabular as _;
use crate::table::layout::{WIDTH, paragraph};

/// Where a report was written.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Written {
    /// The report itself, one file.
    pub html: PathBuf,
    /// All its numbers.
    pub json: PathBuf,
    /// Its tables, a CSV file each.
    pub tables: Vec<PathBuf>,
    /// What each table shows and how its numbers were made.
    pub notes: PathBuf,
    /// Its figures, an SVG file each.
    pub figures: Vec<PathBuf>,
}

impl Document {
    /// Writes `report.html`, `report.json`, `tables/*.csv` with a `README.txt` of their notes, and `figures/*.svg`
    /// into `folder`, which is made if needed; files of these names are replaced, others left alone.
    ///
    /// # Errors
    /// [`Error::File`] names the file that could not be written.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Written> {
        let folder = folder.as_ref();
        for part in [folder.to_path_buf(), folder.join("tables"), folder.join("figures")] {
            fs::create_dir_all(&part).map_err(failed("cannot make folder", &part))?;
        }
        let html = write(folder.join("report.html"), self.to_html().as_bytes())?;
        let json = write(folder.join("report.json"), format!("{:#}\n", self.to_json()).as_bytes())?;
        let table = |t: &super::document::TableBlock| {
            let (path, mut csv) = (folder.join(table_path(&t.name)), vec![]);
            t.write_csv(&mut csv).map_err(failed("cannot write", &path))?;
            write(path, &csv)
        };
        let tables = self.tables().map(table).collect::<Result<_>>()?;
        let figure = |f: &super::document::FigureBlock| write(folder.join(figure_path(&f.name)), f.figure.svg.as_bytes());
        let figures = self.figures().map(figure).collect::<Result<_>>()?;
        let notes = write(folder.join("tables").join("README.txt"), self.tables_explained().as_bytes())?;
        Ok(Written { html, json, tables, notes, figures })
    }
}

impl Document {
    /// What the CSV files cannot say themselves: title and notes of each, after the report's title and banner.
    fn tables_explained(&self) -> String {
        let head = [Some(&self.title), self.banner.as_ref(), Some(&self.produced_by)];
        let head: String = head.into_iter().flatten().map(|line| paragraph(line, WIDTH)).collect();
        let entry = |t: &super::document::TableBlock| {
            let notes: String = t.notes.iter().map(|n| paragraph(n, WIDTH)).collect();
            format!("\n{}\n{}{notes}", file_name(&t.name), paragraph(&t.title, WIDTH))
        };
        head + &self.tables().map(entry).collect::<String>()
    }
}

fn file_name(table: &str) -> String {
    format!("{}.csv", safe(table))
}

/// Where the table called `name` is written, relative to the report.
pub(super) fn table_path(name: &str) -> String {
    format!("tables/{}", file_name(name))
}

/// Where the figure called `name` is written, relative to the report.
pub(super) fn figure_path(name: &str) -> String {
    format!("figures/{}.svg", safe(name))
}

/// `name` with everything but letters, digits, `-` and `_` replaced, so that it stays a file in its folder.
fn safe(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

fn write(path: PathBuf, content: &[u8]) -> Result<PathBuf> {
    fs::write(&path, content).map_err(failed("cannot write", &path))?;
    Ok(path)
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.display().to_string();
    move |source| Error::File { action, path: path.clone(), source }
}
