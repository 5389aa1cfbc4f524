//! What a trial was read from.

use super::{DecimalMark, Delimiter};
use crate::options::choices;

/// The format of a file with a trial's data.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Text with separated values.
    Csv,
    /// A workbook of Excel since 2007.
    Xlsx,
    /// A binary workbook of Excel since 2007.
    Xlsb,
    /// A workbook of Excel 97 to 2003.
    Xls,
    /// A spreadsheet of LibreOffice or OpenOffice.
    Ods,
    /// An SPSS data file.
    Sav,
    /// A compressed SPSS data file.
    Zsav,
    /// A Stata data set.
    Dta,
    /// A SAS transport file.
    Xpt,
    /// A SAS data set.
    Sas7bdat,
    /// A Parquet file.
    Parquet,
}

choices! {
    FileFormat, "format of a data file":
    Csv = "csv", [], "text with separated values";
    Xlsx = "xlsx", ["xlsm"], "a workbook of Excel since 2007";
    Xlsb = "xlsb", [], "a binary workbook of Excel since 2007";
    Xls = "xls", [], "a workbook of Excel 97 to 2003";
    Ods = "ods", [], "a spreadsheet of LibreOffice or OpenOffice";
    Sav = "sav", [], "an SPSS data file";
    Zsav = "zsav", [], "a compressed SPSS data file";
    Dta = "dta", [], "a Stata data set, release 102 to 119";
    Xpt = "xpt", ["xport"], "a SAS transport file, version 5 or 8";
    Sas7bdat = "sas7bdat", [], "a SAS data set";
    Parquet = "parquet", [], "a Parquet file";
}

/// What a trial's reader was given, as a report states it: enough to recognise the file again, and to know how it was
/// understood. [`Trial::file`](super::Trial::file) has it.
///
/// ```
/// use trialstats::Layout;
/// use trialstats::trial::{Delimiter, FileFormat};
///
/// let layout = Layout::long_one_arm("id", "visit").outcome("score");
/// let trial = layout.read_bytes("site/trial.csv", b"id;visit;score\nA;1;12\nA;2;9\n")?;
/// let file = trial.file().expect("it was read from a file");
/// assert_eq!((file.name.as_str(), file.format), ("trial.csv", FileFormat::Csv));
/// assert_eq!((file.separator, file.rows, file.columns), (Some(Delimiter::Semicolon), 2, 3));
/// assert!(file.sha256.starts_with("4ad0aec3559b5a51"));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    /// The name of the file without its folder.
    pub name: String,
    /// Its format, as its content tells.
    pub format: FileFormat,
    /// The sheet of a workbook, or the data set of a SAS transport file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding of its texts, such as `UTF-8` or `windows-1252`; none where the format has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What separates the fields of a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<Delimiter>,
    /// The decimal mark of numbers that are written as text: the comma where any column that was read has one; none
    /// where the format stores numbers as such and no text had to be read as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal_mark: Option<DecimalMark>,
    /// Rows of data: the header and empty lines are not counted.
    pub rows: usize,
    /// Columns, read or not.
    pub columns: usize,
    /// SHA-256 of the bytes of the file, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

impl FileFacts {
    /// The facts of a file at `path`, before it has been read.
    pub(super) fn new(path: &str, format: FileFormat) -> Self {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_string();
        Self { name, format, sheet: None, encoding: None, separator: None, decimal_mark: None, rows: 0, columns: 0, sha256: String::new() }
    }
}
