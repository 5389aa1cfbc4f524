//! Writing a report and what belongs to it into a folder: all of it, or nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::document::Document;
use crate::analysis::DocumentKind;
use crate::error::{Error, Result};
use crate::table::Tabular as _;
use crate::table::layout::{WIDTH, paragraph};
use rayon::prelude::*;

const HTML: &str = "report.html";
const JSON: &str = "report.json";
const NOTES: &str = "tables/README.txt";
const MANIFEST: &str = "manifest.json";
const DOCX: &str = "report.docx";
const RTF: &str = "report.rtf";
const ARD: [&str; 2] = ["ard.csv", "ard.json"];
const ARS: &str = "ars.json";
const PLAN: &str = "plan.toml";

/// The files of a report in its folder itself.
const OWN: [&str; 8] = [HTML, JSON, DOCX, RTF, ARD[0], ARD[1], ARS, PLAN];

/// Where a report was written.
#[non_exhaustive]
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
    /// What was asked for beside these: Word, RTF, pictures, results for programs.
    pub documents: Vec<PathBuf>,
    /// The list of all these files.
    pub manifest: PathBuf,
}

/// The files of a report, as `manifest.json` lists them: relative paths with `/`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Manifest {
    schema: String,
    files: Vec<String>,
}

impl Document {
    /// Writes `report.html`, `report.json`, `tables/*.csv` with a `README.txt` of their notes, `figures/*.svg` and
    /// `manifest.json`, which lists them, and `plan.toml` where the report has a plan, into `folder`, which is made if needed.
    ///
    /// # Errors
    /// Those of [`write_as`](Self::write_as).
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<Written> {
        self.write_as(folder, &[])
    }

    /// Writes what [`write_to`](Self::write_to) does, and the report in other forms beside it: [`DocumentKind`] names
    /// their files.
    ///
    /// Everything is written beside the earlier files first and then put in their place, so that an error leaves an earlier
    /// report as it was. Files that the manifest of the earlier report lists and the new report does not have are removed;
    /// other files are left alone. A symbolic link in the place of a file is replaced, and what it leads to is not touched.
    ///
    /// # Errors
    /// [`Error::File`] names the file that could not be written, or the folder that is a symbolic link.
    pub fn write_as(&self, folder: impl AsRef<Path>, kinds: &[DocumentKind]) -> Result<Written> {
        let folder = folder.as_ref();
        make_folder(folder)?;
        let earlier = earlier_files(folder);
        let staged = Staged::inside(folder)?;
        let (mut tables, mut figures) = (vec![], vec![]);
        for t in self.tables() {
            let (name, mut csv) = (table_path(&t.name), vec![]);
            t.write_csv(&mut csv).map_err(failed("cannot write", &folder.join(&name)))?;
            staged.write(&name, &csv)?;
            tables.push(name);
        }
        for f in self.figures() {
            let name = figure_path(&f.name, "svg");
            staged.write(&name, f.figure.svg.as_bytes())?;
            figures.push(name);
        }
        staged.write(NOTES, self.tables_explained().as_bytes())?;
        staged.write(JSON, format!("{:#}\n", self.to_json()).as_bytes())?;
        staged.write(HTML, self.to_html().as_bytes())?;
        let documents = self.stage_documents(&staged, kinds)?;
        let all = tables.iter().chain(&figures).chain(&documents).map(String::as_str).chain([NOTES, JSON, HTML]);
        let files: Vec<String> = all.map(String::from).collect();
        let manifest = Manifest { schema: crate::schema::MANIFEST.into(), files: files.clone() };
        staged.write(MANIFEST, format!("{:#}\n", serde_json::json!(manifest)).as_bytes())?;
        staged.put_in_place(files.iter().map(String::as_str).chain([MANIFEST]))?;
        remove_stale(folder, &earlier, &files);
        let at = |names: Vec<String>| names.iter().map(|name| folder.join(name)).collect();
        Ok(Written {
            html: folder.join(HTML),
            json: folder.join(JSON),
            tables: at(tables),
            notes: folder.join(NOTES),
            figures: at(figures),
            documents: at(documents),
            manifest: folder.join(MANIFEST),
        })
    }

    /// Writes the plan, where there is one, and the report in these forms, each once.
    fn stage_documents(&self, staged: &Staged<'_>, kinds: &[DocumentKind]) -> Result<Vec<String>> {
        let mut written = vec![];
        let mut write = |name: &str, content: &[u8]| -> Result<()> {
            written.push(name.to_string());
            staged.write(name, content)
        };
        if kinds.iter().any(|kind| matches!(kind, DocumentKind::Docx | DocumentKind::Rtf | DocumentKind::Png)) {
            // Pixels are what takes time; each figure keeps its own for the next document.
            self.figures().collect::<Vec<_>>().par_iter().for_each(|f| {
                f.figure.to_png();
            });
        }
        if let Some(plan) = &self.plan {
            write(PLAN, plan.as_bytes())?;
        }
        for kind in kinds.iter().collect::<BTreeSet<_>>() {
            match kind {
                DocumentKind::Html => {}
                DocumentKind::Docx => write(DOCX, &self.to_docx())?,
                DocumentKind::Rtf => write(RTF, self.to_rtf().as_bytes())?,
                DocumentKind::Png => self.figures().try_for_each(|f| write(&figure_path(&f.name, "png"), f.figure.to_png()))?,
                DocumentKind::Pdf => self.figures().try_for_each(|f| write(&figure_path(&f.name, "pdf"), &f.figure.to_pdf()))?,
                DocumentKind::Ard => {
                    write(ARD[0], &self.to_ard_csv())?;
                    write(ARD[1], format!("{:#}\n", self.to_ard_json()).as_bytes())?;
                }
                DocumentKind::Ars => write(ARS, format!("{:#}\n", self.to_ars()).as_bytes())?,
            }
        }
        Ok(written)
    }

    /// What the CSV files cannot say themselves: title and notes of each, after the report's title and banner and how its
    /// models were fitted.
    fn tables_explained(&self) -> String {
        let head = [Some(&self.title), self.banner.as_ref(), Some(&self.produced_by)];
        let head: String = head.into_iter().flatten().chain(&self.models).map(|line| paragraph(line, WIDTH)).collect();
        let entry = |t: &super::document::TableBlock| {
            let notes: String = t.notes.iter().map(|n| paragraph(n, WIDTH)).collect();
            format!("\n{}\n{}{notes}", file_name(&t.name), paragraph(&t.title, WIDTH))
        };
        head + &self.tables().map(entry).collect::<String>()
    }
}

/// New files in a folder of their own beside those that they will replace; what is still there at the end is removed.
struct Staged<'a> {
    folder: &'a Path,
    stage: PathBuf,
}

impl<'a> Staged<'a> {
    fn inside(folder: &'a Path) -> Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let stage = folder.join(format!(".trialstats-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
        // Fails where there is such a folder or link already.
        fs::create_dir(&stage).map_err(failed("cannot make folder", &stage))?;
        let staged = Self { folder, stage };
        for part in ["tables", "figures"] {
            let part = staged.stage.join(part);
            fs::create_dir(&part).map_err(failed("cannot make folder", &part))?;
        }
        Ok(staged)
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        use std::io::Write as _;
        let written = fs::File::create_new(self.stage.join(name)).and_then(|mut file| {
            file.write_all(content)?;
            // On the disk before it takes the place of another.
            file.sync_all()
        });
        written.map_err(failed("cannot write", &self.folder.join(name)))
    }

    /// Moves the files to where they belong, in this order.
    fn put_in_place<'b>(&self, files: impl Iterator<Item = &'b str> + Clone) -> Result<()> {
        for part in ["tables", "figures"] {
            make_folder(&self.folder.join(part))?;
        }
        // What no file can take the place of is found before the first is moved.
        for name in files.clone() {
            let place = self.folder.join(name);
            if fs::symlink_metadata(&place).is_ok_and(|there| there.is_dir()) {
                return Err(failed("cannot write", &place)(io::Error::other("a folder of this name is in its place")));
            }
        }
        for name in files {
            fs::rename(self.stage.join(name), self.folder.join(name)).map_err(failed("cannot write", &self.folder.join(name)))?;
        }
        Ok(())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // There is nobody to tell; the folder is hidden and does no harm.
        let _ = fs::remove_dir_all(&self.stage);
    }
}

/// Makes a folder, or finds it there; a symbolic link in its place is refused.
fn make_folder(folder: &Path) -> Result<()> {
    if fs::symlink_metadata(folder).is_ok_and(|there| there.is_symlink()) {
        let why = io::Error::other("it is a symbolic link, and a report is not written through one; name the folder that it leads to");
        return Err(failed("cannot write into", folder)(why));
    }
    fs::create_dir_all(folder).map_err(failed("cannot make folder", folder))
}

/// The files that the report now in the folder lists; none where it lists nothing that could be read.
fn earlier_files(folder: &Path) -> Vec<String> {
    let manifest = folder.join(MANIFEST);
    if !fs::symlink_metadata(&manifest).is_ok_and(|there| there.is_file()) {
        return vec![];
    }
    let read = fs::read_to_string(manifest).ok().and_then(|text| serde_json::from_str::<Manifest>(&text).ok());
    read.filter(|manifest| manifest.schema == crate::schema::MANIFEST).map(|manifest| manifest.files).unwrap_or_default()
}

/// Removes the files of the earlier report that the new one does not have. That one of them cannot be removed is no reason
/// to call the new report a failure.
fn remove_stale(folder: &Path, earlier: &[String], files: &[String]) {
    let kept: BTreeSet<&String> = files.iter().collect();
    for name in earlier.iter().filter(|name| !kept.contains(name) && is_own(name)) {
        let _ = fs::remove_file(folder.join(name));
    }
}

/// Whether a report writes files of this name: a manifest could say anything.
fn is_own(name: &str) -> bool {
    let parts: Vec<Component<'_>> = Path::new(name).components().collect();
    match parts.as_slice() {
        [Component::Normal(folder), Component::Normal(file)] => {
            let (folder, file) = (folder.to_string_lossy(), file.to_string_lossy());
            folder == "tables" && (file.ends_with(".csv") || name == NOTES)
                || folder == "figures" && [".svg", ".png", ".pdf"].iter().any(|ending| file.ends_with(ending))
        }
        _ => OWN.contains(&name),
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
pub(super) fn figure_path(name: &str, ending: &str) -> String {
    format!("figures/{}.{ending}", safe(name))
}

/// `name` with everything but letters, digits, `-` and `_` replaced, so that it stays a file in its folder.
pub(super) fn safe(name: &str) -> String {
    // File systems allow 255 bytes.
    const MOST: usize = 180;
    let mut safe = String::new();
    for c in name.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' }) {
        if safe.len() + c.len_utf8() > MOST {
            break;
        }
        safe.push(c);
    }
    safe
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.display().to_string();
    move |source| Error::File { action, path: path.clone(), source }
}
