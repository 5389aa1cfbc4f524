//! Files that are no text, recognised by how they begin.

use crate::error::Error;

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
const PARQUET: &str = "save it as CSV, or read it with `Layout::read_parquet` of the library (feature `parquet`)";

/// Beginnings that tell a format: the bytes and where they are.
const BEGINNINGS: [(usize, &[u8], &str, &str); 26] = [
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of Excel 97 to 2003 (.xls) or another Office document of that time", AS_CSV),
    (0, b"$FL2@(#)", "an SPSS data file (.sav)", FROM_SPSS),
    (0, b"$FL3@(#)", "a compressed SPSS data file (.zsav)", FROM_SPSS),
    (40, b"ASCII SPSS PORT FILE", "a portable SPSS file (.por)", FROM_SPSS),
    (0, b"<stata_dta>", "a Stata data set (.dta)", FROM_STATA),
    (0, b"HEADER RECORD*******LIBRARY HEADER RECORD", "a SAS transport file (.xpt)", FROM_XPORT),
    (0, b"HEADER RECORD*******LIBV8", "a SAS transport file (.xpt, version 8)", FROM_XPORT),
    (12, b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11", "a SAS data set (.sas7bdat)", FROM_SAS),
    (0, b"\x1f\x8b", "compressed with gzip (.gz, or R's .rds and .RData)", UNPACK),
    (0, b"BZh", "compressed with bzip2 (.bz2)", UNPACK),
    (0, b"\xfd7zXZ\x00", "compressed with xz (.xz)", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd (.zst)", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (0, b"%PDF-", "a PDF document", TABLE),
    (0, b"{\\rtf", "an RTF document", TABLE),
    (0, b"PAR1", "a Parquet file", PARQUET),
    (0, b"ARROW1", "an Arrow or Feather file", "save it as CSV"),
    (0, b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
    (4, b"Standard Jet DB", "a database of Microsoft Access (.mdb)", "export the table as CSV"),
    (4, b"Standard ACE DB", "a database of Microsoft Access (.accdb)", "export the table as CSV"),
    (0, b"RDX2\n", "an R data file (.RData)", FROM_R),
    (0, b"RDX3\n", "an R data file (.RData)", FROM_R),
    (0, b"\x89PNG", "a picture (PNG)", TABLE),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", TABLE),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "save the table as CSV"),
];

/// The error for a file that begins like this; none where it may be text with separated values.
pub(super) fn refused(file: &str, beginning: &[u8]) -> Option<Error> {
    let (format, remedy) = recognised(beginning)?;
    Some(Error::FileFormat { file: file.into(), format, remedy })
}

fn recognised(beginning: &[u8]) -> Option<(&'static str, &'static str)> {
    let known = BEGINNINGS.iter().find(|(at, bytes, ..)| beginning.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    if let Some((.., format, remedy)) = known {
        return Some((format, remedy));
    }
    if beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06") {
        return Some(zip(beginning));
    }
    // Stata before version 13: release, byte order, type.
    if let [0x69..=0x73, 1 | 2, 1, 0, ..] = beginning {
        return Some(("a Stata data set (.dta)", FROM_STATA));
    }
    let start: Vec<u8> =
        beginning.iter().copied().skip_while(|b| b.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(b)).take(15).collect();
    let start = start.to_ascii_lowercase();
    match start.as_slice() {
        s if s.starts_with(b"<!doctype html") || s.starts_with(b"<html") => Some(("a web page (HTML)", TABLE)),
        s if s.starts_with(b"<?xml") => Some(("an XML document", TABLE)),
        _ => None,
    }
}

/// What a zip archive holds, by the names of its first files.
fn zip(beginning: &[u8]) -> (&'static str, &'static str) {
    let has = |name: &[u8]| beginning.windows(name.len()).any(|window| window == name);
    match () {
        () if has(b"opendocument.spreadsheet") => ("a spreadsheet of LibreOffice or OpenOffice (.ods)", AS_CSV),
        () if has(b"xl/") => ("an Excel workbook (.xlsx)", AS_CSV),
        () if has(b"word/") || has(b"opendocument.text") => ("a text document (.docx or .odt)", TABLE),
        // Excel may write its list of contents, which says nothing of what they are, before all else.
        () if has(b"[Content_Types].xml") => ("an Office document, such as an Excel workbook (.xlsx)", AS_CSV),
        () => ("a zip archive", UNPACK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_beginning() {
        let named = |beginning: &[u8]| recognised(beginning).map(|(format, _)| format);
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
