//! Files as people have them: decimal commas, other encodings, other spellings of missing, other formats.

use crate::common::FEV;
use proptest::prelude::*;
use trialstats::trial::{DecimalMark, Delimiter, WarningKind};
use trialstats::{Layout, Model, Trial};

fn layout() -> Layout {
    Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("FEV1").covariate("FEV1_BL").covariate("SEX")
}

fn text() -> String {
    std::fs::read_to_string(crate::common::repository(FEV)).expect("the sample data")
}

fn read(layout: &Layout, bytes: &[u8]) -> Trial {
    layout.read_csv_from("trial.csv", bytes).unwrap_or_else(|error| panic!("{error}"))
}

fn log_likelihood(trial: &Trial) -> f64 {
    Model::formula("FEV1 ~ FEV1_BL + SEX + ARMCD * AVISIT").expect("parses").fit(trial).expect("fits").log_likelihood()
}

/// The same rows with semicolons, and decimal commas in the columns at these positions.
fn dutch(commas: &[usize]) -> String {
    let line = |line: &str| {
        let fields = line.split(',').enumerate().map(|(j, f)| if commas.contains(&j) { f.replace('.', ",") } else { f.to_string() });
        fields.collect::<Vec<_>>().join(";") + "\n"
    };
    text().lines().map(line).collect()
}

#[test]
fn decimal_commas_and_semicolons_are_found() {
    let expected = log_likelihood(&read(&layout(), text().as_bytes()));
    for commas in [&[5, 6][..], &[6], &[5, 6, 7, 9]] {
        let found = read(&layout(), dutch(commas).as_bytes());
        assert_eq!(log_likelihood(&found), expected, "{commas:?}");
        assert!(found.inferred().iter().any(|s| s.starts_with("Numbers have a decimal comma in")), "{:?}", found.inferred());
        assert!(found.inferred().contains(&"The fields are separated by semicolons.".to_string()));
    }
    let declared = layout().decimal_mark(DecimalMark::Comma).delimiter(Delimiter::Semicolon).weight("WEIGHT");
    let found = read(&declared, dutch(&[5, 6]).as_bytes());
    assert_eq!(log_likelihood(&found), expected);
    assert!(found.inferred().iter().any(|s| s.contains("decimal point in `WEIGHT`")), "{:?}", found.inferred());
}

#[test]
fn a_comma_that_may_stand_between_thousands_is_asked_about() {
    let text = "id;visit;y\nA;1;1,250\nB;1;2,500\n";
    let layout = Layout::long_one_arm("id", "visit").outcome("y");
    let error = layout.read_csv_from("trial.csv", text.as_bytes()).expect_err("decimals or thousands").to_string();
    assert!(error.contains("may be one of decimals or one between thousands") && error.starts_with("1 problem"), "{error}");
    assert_eq!(read(&layout.clone().decimal_mark(DecimalMark::Comma), text.as_bytes()).outcomes()[0].values, [1.25, 2.5]);
    let error = layout.read_csv_from("trial.csv", "id,visit,y\nA,1,\"1,250.5\"\n".as_bytes()).expect_err("thousands").to_string();
    assert!(error.contains("marks between thousands"), "{error}");
    let error = layout.read_csv_from("trial.csv", "id,visit,y\nA,1,#DIV/0!\n".as_bytes()).expect_err("a formula failed").to_string();
    assert!(error.contains("what a spreadsheet shows where a formula failed"), "{error}");
}

#[test]
fn what_programs_and_people_write_for_missing_is_missing_and_counted() {
    let expected = read(&layout(), text().as_bytes());
    for spelling in ["NaN", "nan", "#N/A", "n/a", "N/A", "null", "NULL", "<NA>", "-", "none"] {
        let rewritten: String = text()
            .lines()
            .map(|l| {
                let mut fields: Vec<&str> = l.split(',').collect();
                if fields[6] == "NA" {
                    fields[6] = spelling
                }
                fields.join(",") + "\n"
            })
            .collect();
        let found = read(&layout(), rewritten.as_bytes());
        let values = |trial: &Trial| format!("{:?}", trial.outcomes()[0].values);
        assert_eq!(values(&found), values(&expected), "{spelling}");
        let told = format!("In `FEV1`, these are read as missing: `{spelling}` (263).");
        assert!(found.inferred().contains(&told), "{told} is not in {:?}", found.inferred());
    }
    // Codes that are stated are all codes there are.
    let stated = layout().missing_codes(["NA", ""]);
    assert!(stated.read_csv_from("trial.csv", text().replacen("NA", "NaN", 1).as_bytes()).is_err());
    // As levels of a factor, what a program writes is missing; what people write may mean something.
    let sexes = "id,visit,y,sex\nA,1,1,f\nB,1,2,NaN\nC,1,2,n/a\n";
    let trial = read(&Layout::long_one_arm("id", "visit").outcome("y").covariate("sex"), sexes.as_bytes());
    assert_eq!(trial.covariate("sex").expect("it is there").levels(), ["f", "n/a"]);
    assert!(trial.warnings().iter().any(|w| w.kind == WarningKind::MissingLevel && w.message.contains("`n/a`")), "{:?}", trial.warnings());
}

#[test]
fn other_encodings_are_read() {
    let expected = log_likelihood(&read(&layout(), text().as_bytes()));
    let utf16 = |big: bool| -> Vec<u8> {
        format!("\u{feff}{}", text()).encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    for bytes in [utf16(false), utf16(true), utf16(false)[2..].to_vec()] {
        let trial = read(&layout(), &bytes);
        assert_eq!(log_likelihood(&trial), expected);
        assert!(trial.inferred().contains(&"The file is in UTF-16.".to_string()));
    }
    let windows: Vec<u8> = text().replace("Female", "Frau (w\u{fc})").chars().map(|c| u8::try_from(u32::from(c)).expect("Latin")).collect();
    let trial = read(&layout(), &windows);
    assert_eq!(log_likelihood(&trial), expected);
    assert_eq!(trial.covariate("SEX").expect("it is there").levels(), ["Frau (wü)", "Male"]);
    assert_eq!(trial.warnings()[0].kind, WarningKind::Encoding);
}

#[test]
fn files_of_other_programs_are_named() {
    let stata = [&[0x73, 2, 1, 0][..], &[0; 200]].concat();
    let sas = [&[0; 12][..], b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11", &[0; 200]].concat();
    let files: [(&[u8], &str); 14] = [
        (b"PK\x03\x04\x14\0\0\0\x08\0!\0[Content_Types].xml xl/workbook.xml", ".xlsx"),
        (b"PK\x03\x04\x14\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0", ".xls"),
        (b"$FL2@(#) SPSS DATA FILE", ".sav"),
        (b"$FL3@(#) SPSS DATA FILE", ".zsav"),
        (b"<stata_dta><header><release>118", ".dta"),
        (&stata, ".dta"),
        (&sas, ".sas7bdat"),
        (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000", ".xpt"),
        (b"\x1f\x8b\x08\0\0\0", "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PAR1\x15\0", "Parquet"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"\x01\x02\0\0\x03\0\xff", "binary"),
    ];
    for (bytes, named) in files {
        let error = layout().read_csv_from("trial", bytes).expect_err("no text");
        assert_eq!(error.code(), "file-format", "{named}: {error}");
        assert!(error.to_string().contains(named) && error.to_string().contains("CSV") || named == "gzip", "{named}: {error}");
        assert_eq!(layout().csv_chunks_from("trial", bytes, 10).map(|_| ()).expect_err("no text").code(), "file-format", "{named}");
    }
}

/// Found by fuzzing: digits that are neither ASCII nor letters once kept the reader of dates from ever ending.
#[test]
fn labels_with_unusual_digits_are_labels() {
    let text = "id,visit,y\nA,1²,1\nA,2½,2\nB,٣,3\n";
    let trial = read(&Layout::long_one_arm("id", "visit").outcome("y"), text.as_bytes());
    assert_eq!(trial.schedule().len(), 3);
}

/// How many inputs to try; a deployment's fuzzing sets `TRIALSTATS_FUZZ_CASES` to many more.
fn cases() -> u32 {
    std::env::var("TRIALSTATS_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}

/// Pieces of which hostile files are made.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"id,arm,visit,y,x\n",
        b"id;arm;visit;y;x\r\n",
        b"sep=;\n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b"\"",
        b"\"\"",
        b"1",
        b"12,5",
        b"1,250",
        b"12.5",
        b"1e400",
        b"-1e-400",
        b"NaN",
        b"#N/A",
        b"n/a",
        b"-",
        b"999",
        b"-9",
        b"A",
        b"drug",
        b"Drug",
        b"Dr\xd1\x83g",
        b"01/02/2024",
        b"2024-02-30",
        b"31.12.99",
        b"Week 2",
        b"week 10",
        b"baseline",
        b"follow-up",
        b"M\xfcller",
        b"\x00",
        b"\x1b[2J",
        b"\xe2\x80\xae",
        b" ",
        b"\xc2\xa0",
        b"P1",
        b"P2",
        b"PK\x03\x04",
        b"$FL2@(#)",
        b"\x1f\x8b",
        b"%PDF-",
        b"#DIV/0!",
        b"\xb2",
        "1²".as_bytes(),
        "٣".as_bytes(),
        b"e\xcc\x81",
        b"\xc3\xa9",
    ];
    prop_oneof![
        8 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        2 => (0..5u8, 0..3u8, 0..4u8, any::<i16>()).prop_map(|(p, a, v, y)| format!("P{p},a{a},v{v},{y},{}\n", i32::from(y) % 7).into_bytes()),
        1 => (0..5u8, 0..3u8, any::<u32>(), -1e6..1e6f64).prop_map(|(p, a, v, y)| format!("P{p};{a};{};{};x\n", v % 20, y.to_string().replace('.', ",")).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// Whatever bytes a file has, reading ends in a trial or in an error whose message is of bearable length.
    #[test]
    fn no_bytes_make_the_reader_panic(pieces in prop::collection::vec(piece(), 0..60), headed in any::<bool>()) {
        let mut bytes = if headed { b"id,arm,visit,y,x\n".to_vec() } else { vec![] };
        bytes.extend(pieces.concat());
        let long = Layout::long("id", "arm", "visit").outcome("y").covariate_as("x", trialstats::trial::CovariateKind::AsFound);
        let wide = Layout::wide("id", "arm").wide_outcome("y", [("1", "visit"), ("2", "y")]).cluster("x");
        for layout in [&long, &wide, &long.clone().decimal_mark(DecimalMark::Comma), &Layout::long_one_arm("id", "visit").visit_time("x").outcome("y")] {
            match layout.read_csv_from("fuzz.csv", &bytes[..]) {
                Ok(trial) => {
                    prop_assert!(!trial.patients().is_empty());
                    let flow = trial.participant_flow("y", &trialstats::trial::AnalysisSet::new());
                    prop_assert!(flow.is_ok());
                }
                Err(error) => {
                    let message = error.to_string();
                    prop_assert!(message.len() < 20_000, "{}", message.len());
                    prop_assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
                }
            }
        }
    }
}
