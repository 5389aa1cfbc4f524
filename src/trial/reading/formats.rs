//! What a file is, recognised by how it begins.

use crate::error::Error;
use crate::trial::FileFormat;

const AS_CSV: &str = "open it in its program and save the sheet as CSV (UTF-8)";
const FROM_SPSS: &str =
    "save it as CSV: in SPSS by File, Save As, in R by `write.csv(haven::read_sav(\"FILE\"), \"trial.csv\", row.names = FALSE)`";
const FROM_STATA: &str =
    "save it as CSV: in Stata by `export delimited`, in R by `write.csv(haven::read_dta(\"FILE\"), \"trial.csv\", row.names = FALSE)`";
const FROM_SAS: &str =
    "save it as CSV: in SAS by PROC EXPORT, in R by `write.csv(haven::read_sas(\"FILE\"), \"trial.csv\", row.names = FALSE)`";
const FROM_XPORT: &str =
    "save it as CSV: in SAS by PROC EXPORT, in R by `write.csv(haven::read_xpt(\"FILE\"), \"trial.csv\", row.names = FALSE)`";
const FROM_R: &str = "save the data frame as CSV, in R by `write.csv(data, \"trial.csv\", row.names = FALSE)`";
const UNPACK: &str = "unpack it first";
const TABLE: &str = "get the table behind it as CSV";
const PARQUET: &str = "save it as CSV, or use a build with the feature `parquet`";
const BY_READ: &str = "read it with `Layout::read`, which knows this format, or save it as CSV";

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recognised {
    /// What it is called, with its article.
    pub called: &'static str,
    /// The reader that there may be.
    pub format: Option<FileFormat>,
    /// What to do where there is none.
    remedy: &'static str,
}

/// Beginnings that tell a format: where, the bytes, what it is called, what to do without a reader, and the reader.
type Beginning = (usize, &'static [u8], &'static str, &'static str, Option<FileFormat>);

const BEGINNINGS: [Beginning; 25] = [
    (0, b"$FL2@(#)", "an SPSS data file (.sav)", FROM_SPSS, Some(FileFormat::Sav)),
    (0, b"$FL3@(#)", "a compressed SPSS data file (.zsav)", FROM_SPSS, Some(FileFormat::Zsav)),
    (40, b"ASCII SPSS PORT FILE", "a portable SPSS file (.por)", FROM_SPSS, None),
    (0, b"<stata_dta>", "a Stata data set (.dta)", FROM_STATA, Some(FileFormat::Dta)),
    (0, b"HEADER RECORD*******LIBRARY HEADER RECORD", "a SAS transport file (.xpt)", FROM_XPORT, Some(FileFormat::Xpt)),
    (0, b"HEADER RECORD*******LIBV8", "a SAS transport file (.xpt, version 8)", FROM_XPORT, Some(FileFormat::Xpt)),
    (
        12,
        b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11",
        "a SAS data set (.sas7bdat)",
        FROM_SAS,
        Some(FileFormat::Sas7bdat),
    ),
    (0, b"\x1f\x8b", "compressed with gzip (.gz, or R's .rds and .RData)", UNPACK, None),
    (0, b"BZh", "compressed with bzip2 (.bz2)", UNPACK, None),
    (0, b"\xfd7zXZ\x00", "compressed with xz (.xz)", UNPACK, None),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd (.zst)", UNPACK, None),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK, None),
    (0, b"Rar!\x1a\x07", "a RAR archive", UNPACK, None),
    (0, b"%PDF-", "a PDF document", TABLE, None),
    (0, b"{\\rtf", "an RTF document", TABLE, None),
    (0, b"PAR1", "a Parquet file", PARQUET, Some(FileFormat::Parquet)),
    (0, b"ARROW1", "an Arrow or Feather file", "save it as CSV", None),
    (0, b"SQLite format 3\0", "an SQLite database", "export the table as CSV", None),
    (4, b"Standard Jet DB", "a database of Microsoft Access (.mdb)", "export the table as CSV", None),
    (4, b"Standard ACE DB", "a database of Microsoft Access (.accdb)", "export the table as CSV", None),
    (0, b"RDX2\n", "an R data file (.RData)", FROM_R, None),
    (0, b"RDX3\n", "an R data file (.RData)", FROM_R, None),
    (0, b"\x89PNG", "a picture (PNG)", TABLE, None),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", TABLE, None),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "save the table as CSV", None),
];

impl Recognised {
    const fn new(called: &'static str, remedy: &'static str, format: Option<FileFormat>) -> Self {
        Self { called, format, remedy }
    }

    /// Whether this build reads the format.
    pub fn is_read(&self) -> bool {
        match self.format {
            None => false,
            Some(FileFormat::Parquet) => cfg!(feature = "parquet"),
            Some(_) => cfg!(feature = "formats"),
        }
    }

    /// The error for a file of this kind where a text was asked for, or where nothing reads it.
    pub fn refused(&self, file: &str) -> Error {
        let remedy = if self.is_read() { BY_READ } else { self.remedy };
        Error::FileFormat { file: file.into(), format: self.called, remedy }
    }
}

/// The error for a file that begins like this; none where it may be text with separated values.
pub(super) fn refused(file: &str, beginning: &[u8]) -> Option<Error> {
    recognised(beginning).map(|known| known.refused(file))
}

/// What a file is; none where it may be text with separated values. The beginning tells nearly all formats; archives are
/// told by the names in them, which may stand at the end.
pub(super) fn recognised(bytes: &[u8]) -> Option<Recognised> {
    let known = BEGINNINGS.iter().find(|(at, beginning, ..)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(beginning)));
    if let Some((.., called, remedy, format)) = known {
        return Some(Recognised::new(called, remedy, *format));
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Some(zip(bytes));
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(compound(bytes));
    }
    // Stata before version 13: release, byte order, type.
    if let [0x66..=0x73, 1 | 2, 1, 0, ..] = bytes {
        return Some(Recognised::new("a Stata data set (.dta)", FROM_STATA, Some(FileFormat::Dta)));
    }
    let start: Vec<u8> = bytes.iter().copied().skip_while(|b| b.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(b)).take(15).collect();
    let start = start.to_ascii_lowercase();
    match start.as_slice() {
        s if s.starts_with(b"<!doctype html") || s.starts_with(b"<html") => Some(Recognised::new("a web page (HTML)", TABLE, None)),
        s if s.starts_with(b"<?xml") => Some(Recognised::new("an XML document", TABLE, None)),
        _ => None,
    }
}

/// What a zip archive holds, by the names of its files.
fn zip(bytes: &[u8]) -> Recognised {
    let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    match () {
        () if has(b"opendocument.spreadsheet") => {
            Recognised::new("a spreadsheet of LibreOffice or OpenOffice (.ods)", AS_CSV, Some(FileFormat::Ods))
        }
        () if has(b"xl/workbook.bin") => Recognised::new("a binary Excel workbook (.xlsb)", AS_CSV, Some(FileFormat::Xlsb)),
        () if has(b"xl/") => Recognised::new("an Excel workbook (.xlsx)", AS_CSV, Some(FileFormat::Xlsx)),
        () if has(b"word/") || has(b"opendocument.text") => Recognised::new("a text document (.docx or .odt)", TABLE, None),
        // Excel may write its list of contents, which says nothing of what they are, before all else.
        () if has(b"[Content_Types].xml") => {
            Recognised::new("an Office document, such as an Excel workbook (.xlsx)", AS_CSV, Some(FileFormat::Xlsx))
        }
        () => Recognised::new("a zip archive", UNPACK, None),
    }
}

/// What a document of Office 97 to 2003 is, by the names of its streams; protected workbooks of any age are such.
fn compound(bytes: &[u8]) -> Recognised {
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wide.len()).any(|window| window == wide)
    };
    match () {
        () if has("EncryptedPackage") => Recognised::new(PROTECTED, WITHOUT_PASSWORD, None),
        () if has("WordDocument") => Recognised::new("a text document of Word 97 to 2003 (.doc)", TABLE, None),
        () => {
            Recognised::new("a workbook of Excel 97 to 2003 (.xls) or another Office document of that time", AS_CSV, Some(FileFormat::Xls))
        }
    }
}

/// What is said of a workbook that needs a password.
pub(super) const PROTECTED: &str = "a workbook protected by a password";
/// What to do about it.
pub(super) const WITHOUT_PASSWORD: &str = "open it with its password, save a copy without one, and read that";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_beginning() {
        let named = |beginning: &[u8]| recognised(beginning).map(|known| known.called);
        assert_eq!(named(b"$FL2@(#) SPSS DATA FILE"), Some("an SPSS data file (.sav)"));
        assert_eq!(named(b"PK\x03\x04\x14\0\x06\0\x08\0..xl/workbook.xml"), Some("an Excel workbook (.xlsx)"));
        assert_eq!(
            named(b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
            Some("a spreadsheet of LibreOffice or OpenOffice (.ods)")
        );
        assert_eq!(named(b"\x72\x02\x01\x00"), Some("a Stata data set (.dta)"));
        assert_eq!(named(b"\xef\xbb\xbf\n <HTML><body>"), Some("a web page (HTML)"));
        for text in [&b"id,arm,visit\n"[..], b"", b"PK,id\n", b"BZ,id\n", b"\xef\xbb\xbfid;arm\n", b"patient\tarm\n"] {
            assert_eq!(named(text), None, "{text:?}");
        }
    }
}
