//! Files of other programs: each says cell by cell what the CSV beside it says. tests/references/formats/ has the scripts
//! that wrote them with the writers of Python and R.

use crate::common::repository;
use trialstats::trial::{CovariateKind, FileFormat, OutcomeColumn, Trial};
use trialstats::{Error, Layout};

fn path(name: &str) -> String {
    repository(&format!("tests/references/formats/{name}")).display().to_string()
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("a file of the repository")
}

fn read(layout: &Layout, name: &str) -> Trial {
    layout.read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refused(layout: &Layout, name: &str) -> Error {
    layout.read(path(name)).expect_err(name)
}

/// Everything that a trial holds but labels and the sentences on how it was read. Rust prints the shortest text that is
/// the number, so that equal texts are equal numbers.
fn content(trial: &Trial) -> String {
    let outcomes = trial.outcomes().iter().map(|o| format!("{} {:?}\n", o.name, o.values));
    let variables =
        trial.variables().iter().map(|v| format!("{} {:?} {:?} {:?} {:?}\n", v.name(), v.kind(), v.levels(), v.numbers(), v.codes()));
    let identities = format!("{:?} {:?} {:?} {:?}\n", trial.patients(), trial.arms(), trial.arm_of(), trial.schedule().labels());
    std::iter::once(identities).chain(outcomes).chain(variables).collect()
}

/// The trial of a file, which is the same as that of the CSV.
fn same(layout: &Layout, name: &str, csv: &str) -> Trial {
    let (trial, expected) = (read(layout, name), read(layout, csv));
    assert_eq!(content(&trial), content(&expected), "{name}");
    trial
}

fn says(trial: &Trial, sentence: &str) {
    assert!(trial.inferred().iter().any(|s| s.contains(sentence)), "`{sentence}` is not in {:#?}", trial.inferred());
}

fn dutch() -> Layout {
    let columns = [("T0", "BDI_T0"), ("T1", "BDI_T1"), ("T2", "BDI_T2")];
    let layout = Layout::wide("Patiëntnr", "Conditie").reference_arm("wachtlijst").wide_outcome("bdi", columns);
    layout.baseline_visit("T0").covariate("Geslacht").covariate("Leeftijd").covariate("Intake").missing_code("999")
}

#[test]
fn workbooks_as_people_type_them_say_what_the_csv_says() {
    for (name, format) in [("dutch.xlsx", FileFormat::Xlsx), ("dutch.xls", FileFormat::Xls), ("dutch.ods", FileFormat::Ods)] {
        let trial = same(&dutch(), name, "dutch.csv");
        let file = trial.file().expect("it is a file");
        assert_eq!((file.name.as_str(), file.format, file.sheet.as_deref()), (name, format, Some("Scores")));
        assert_eq!((file.rows, file.columns, file.decimal_mark), (12, 8, Some(trialstats::trial::DecimalMark::Comma)), "{name}");
        assert_eq!((file.sha256.len(), &file.encoding, file.separator), (64, &None, None));
        assert_eq!(trial.covariate("Intake").expect("a column").levels()[0], "2023-01-01");
    }
    says(&read(&dutch(), "dutch.xlsx"), "The sheet is `Scores`, the only one of 2 with data.");
}

#[test]
fn headers_in_two_rows_titles_and_merged_cells_are_understood_and_told() {
    let layout = Layout::wide("id", "arm").sheet("T0-T1");
    let layout = layout.wide_outcome("bdi", [("T0", "BDI T0"), ("T1", "BDI T1")]).wide_outcome("bai", [("T0", "BAI T0"), ("T1", "BAI T1")]);
    let trial = read(&layout, "merged.xlsx");
    assert_eq!(trial.outcome("bdi").expect("there").values[..3], [21.0, 12.5, 25.0]);
    assert!(trial.outcome("bdi").expect("there").values[3].is_nan(), "#N/A is missing");
    assert_eq!(trial.outcome("bai").expect("there").values, [30.0, 20.0, 31.0, 29.0, 28.0, 17.0, 33.0, 35.0]);
    says(&trial, "The header is row 2; what stands above it is not read.");
    says(&trial, "The header has two rows, 2 and 3, whose texts make the names of the columns, such as `BAI T1`.");
    let names = Layout::wide("id", "arm").sheet("T0-T1").columns(path("merged.xlsx")).expect("a header");
    assert_eq!(names, ["id", "arm", "BDI T0", "BDI T1", "BAI T0", "BAI T1"]);
    let long = read(
        &Layout::long("id", "arm", "visit").sheet("long").outcome("score").covariate_as("seen", CovariateKind::FactorByVisit),
        "merged.xlsx",
    );
    assert_eq!(
        (long.patients(), long.outcome("score").expect("there").values.as_slice()),
        (["A", "B"].map(String::from).as_slice(), &[21.0, 12.5, 25.0, 24.0][..])
    );
    assert_eq!(long.covariate("seen").expect("there").levels(), ["FALSE", "TRUE"]);
    says(&long, "The value of merged cells holds for each of them: A2:A3, B2:B3, A4:A5, B4:B5.");
}

#[test]
fn problems_of_a_workbook_name_the_cell() {
    let error = refused(&Layout::long_one_arm("id", "visit").sheet("broken").outcome("score"), "merged.xlsx");
    let Error::Data(problems) = &error else { panic!("{error}") };
    let cells: Vec<Option<&str>> = problems.0.iter().map(|p| p.cell.as_deref()).collect();
    assert_eq!(cells, [Some("C3"), Some("C4")]);
    let text = error.to_string();
    assert!(
        text.contains("merged.xlsx, sheet `broken`, cell C3, patient A, visit 1, column score: `#DIV/0!` is what a spreadsheet"),
        "{text}"
    );
}

#[test]
fn formulas_without_results_are_pointed_at_where_they_are_read() {
    let layout = |outcome: &str| Layout::long_one_arm("id", "visit").outcome(outcome);
    assert_eq!(read(&layout("score"), "formulas.xlsx").outcomes()[0].values, [12.0, 11.0, 9.0, 8.0]);
    let error = refused(&layout("sum"), "formulas.xlsx").to_string();
    assert!(error.contains("cell D2, column sum: the cell has a formula whose result the file does not hold"), "{error}");
    assert!(
        error.contains("(and 3 more like it: cell D3, cell D4, cell D5)") || error.contains("likewise cell D3, cell D4, cell D5"),
        "{error}"
    );
}

#[test]
fn sheets_that_cannot_be_chosen_are_listed() {
    let layout = Layout::long_one_arm("id", "visit").outcome("score");
    let error = refused(&layout, "merged.xlsx");
    assert_eq!(error.code(), "incomplete-request");
    assert!(
        error.to_string().contains("it has 3 sheets: `T0-T1`, `long`, `broken`; say which sheet holds the trial with `Layout::sheet`"),
        "{error}"
    );
    let error = refused(&layout.clone().sheet("lang"), "merged.xlsx");
    assert!(error.code() == "unknown-name" && error.to_string().contains("did you mean `long`?"), "{error}");
    let error = refused(&layout.clone().sheet("long"), "stata.csv");
    assert!(error.code() == "conflicting-settings" && error.to_string().contains("a file without sheets"), "{error}");
    let error = refused(&layout, "protected.xlsx");
    assert!(error.code() == "file-format" && error.to_string().contains("protected by a password; open it with its password"), "{error}");
}

fn spss() -> Layout {
    let visits = ["voormeting", "nameting", "follow-up 6 maanden"];
    let layout = Layout::long("ppn", "arm", "meting").reference_arm("wachtlijst").visits(visits);
    layout.outcome("bdi").covariate("sekse").levels("sekse", ["man", "vrouw"]).covariate("leeftijd").cluster("therapeut")
}

#[test]
fn spss_files_say_what_the_csv_says() {
    let expected = read(&spss(), "spss.csv");
    for (name, format) in [("spss.sav", FileFormat::Sav), ("spss.zsav", FileFormat::Zsav), ("haven.sav", FileFormat::Sav)] {
        // The sexes are codes with labels in the files of Python, and a layout may name either.
        let coded = if name == "haven.sav" { ["man", "vrouw"] } else { ["m", "v"] };
        let trial = read(&spss().levels("sekse", coded), name);
        let _ = &expected;
        assert_eq!(content(&read(&spss(), name)), content(&expected), "{name}");
        assert_eq!(trial.outcome("bdi").expect("there").label, "BDI-II totaal");
        let file = trial.file().expect("it is a file");
        assert_eq!((file.format, file.encoding.as_deref(), file.rows, file.columns), (format, Some("UTF-8"), 30, 9));
    }
    let trial = read(&spss(), "spss.sav");
    assert_eq!(trial.covariate("leeftijd").expect("there").label(), "Leeftijd in jaren");
    assert_eq!(trial.cluster("therapeut").expect("there").levels()[0].len(), 345, "texts of more than 255 bytes are whole");
    let lost = expected.outcome("bdi").expect("there").values.iter().filter(|x| x.is_nan()).count();
    let declared = trial.inferred().iter().find(|s| s.starts_with("In `bdi`, the file declares these as missing")).expect("it is told");
    assert!(declared.contains("`999 = niet ingevuld` (") && declared.contains("`97.5` ("), "{declared}");
    let counts: usize = declared.split('(').skip(1).filter_map(|rest| rest.split(')').next()?.parse::<usize>().ok()).sum();
    assert_eq!(counts, lost, "{declared}");
    // An outcome's own label holds before that of the file.
    let stated = Layout::long("ppn", "arm", "meting").outcome(OutcomeColumn::new("bdi").label("BDI"));
    assert_eq!(read(&stated, "spss.sav").outcomes()[0].label, "BDI");
}

#[test]
fn labelled_values_are_named_by_label_or_by_code_and_ordered_by_code() {
    let layout = Layout::long("ppn", "arm", "meting").outcome("bdi").covariate("opleiding");
    let trial = read(&layout, "spss.sav");
    assert_eq!(trial.arms(), ["wachtlijst", "therapie"], "0 comes before 1, and t before w");
    assert_eq!(trial.covariate("opleiding").expect("there").levels(), ["laag", "midden", "hoog"]);
    says(&trial, "in the order of their codes in the file: `wachtlijst`, `therapie`");
    says(&trial, "`opleiding` is a factor: the file has a label for each of its values.");
    // The stages that labels name tell more than codes that somebody has given.
    assert_eq!(trial.schedule().labels(), ["voormeting", "nameting", "follow-up 6 maanden"]);
    let coded = layout.clone().arms(["1", "0"]).visits(["1", "0", "2"]).baseline_visit("1");
    let coded = read(&coded, "spss.sav");
    assert_eq!((coded.arms()[0].as_str(), coded.schedule().labels()[0]), ("therapie", "voormeting"));
    assert_eq!(coded.schedule().baseline(), Some(0));
    let timed = read(&layout.clone().visits_at([("first", 1.0), ("second", 0.0), ("third", 2.0)]), "spss.sav");
    assert_eq!(timed.outcomes()[0].values[..3], trial.outcomes()[0].values[..3], "codes are times as well");
    let numeric = Layout::long("ppn", "arm", "meting").outcome("bdi").covariate_as("opleiding", CovariateKind::Numeric);
    let schooling = read(&numeric, "spss.sav");
    assert!(schooling.covariate("opleiding").expect("there").numbers().expect("numbers").iter().all(|x| (1.0..=3.0).contains(x)));
    let error = refused(&layout.clone().arms(["wachtlijst", "terapie"]), "spss.sav").to_string();
    assert!(error.contains("`therapie` is not among the arms declared") && error.contains("did you mean `terapie`?"), "{error}");
}

#[test]
fn transport_files_of_both_versions_say_what_the_csv_says() {
    let layout =
        Layout::long("USUBJID", "TRT01P", "AVISIT").reference_arm("Placebo").visit_time("AVISITN").outcome("AVAL").covariate("BASE");
    let layout = layout.covariate("SEX").covariate_as("ADT", CovariateKind::FactorByVisit);
    for name in ["adam5.xpt", "adam8.xpt"] {
        let trial = same(&layout.clone().cluster("SITEID"), name, "adam.csv");
        assert_eq!(trial.outcome("AVAL").expect("there").label, "Analysis Value");
        assert_eq!(trial.covariate("BASE").expect("there").label(), "Baseline Value");
        let file = trial.file().expect("it is a file");
        assert_eq!((file.format, file.sheet.as_deref(), file.rows, file.columns), (FileFormat::Xpt, Some("ADFEV"), 30, 9));
        assert_eq!(content(&read(&layout.clone().cluster("SITEID").sheet("ADFEV"), name)), content(&trial));
        assert_eq!(refused(&layout.clone().sheet("ADSL"), name).code(), "unknown-name");
    }
    let trial = read(&layout.clone().cluster("SiteOfTheInvestigator"), "haven8.xpt");
    assert_eq!(content(&read(&layout, "haven8.xpt")), content(&read(&layout, "adam.csv")));
    assert_eq!(trial.cluster("SiteOfTheInvestigator").expect("a long name").levels(), ["01", "02", "03"]);
}

#[test]
fn stata_files_of_every_release_say_what_the_csv_says() {
    let layout = Layout::long("id", "arm", "week").reference_arm("placebo").outcome("hamd").covariate("age").cluster("centre");
    for (name, letter) in [
        ("stata.dta", 'a'),
        ("stata-v8.dta", 'b'),
        ("stata-v10.dta", 'b'),
        ("stata-v12.dta", 'b'),
        ("stata-v13.dta", 'b'),
        ("stata-v14.dta", 'b'),
    ] {
        let trial = same(&layout, name, "stata.csv");
        assert_eq!(trial.outcome("hamd").expect("there").label, "Hamilton depression score", "{name}");
        let lost = trial.outcome("hamd").expect("there").values.iter().filter(|x| x.is_nan()).count();
        says(&trial, &format!("In `hamd`, the file declares these as missing: `.{letter} = did not attend` ({lost})."));
        assert_eq!(trial.file().map(|f| (f.format, f.rows, f.columns)), Some((FileFormat::Dta, 30, 6)));
    }
}

#[test]
fn sas_data_sets_say_what_the_csv_says() {
    let layout =
        Layout::long("USUBJID", "TRT01P", "AVISIT").reference_arm("Placebo").visit_time("AVISITN").outcome("AVAL").covariate("BASE");
    let layout = layout.covariate("SEX").covariate_as("ADT", CovariateKind::FactorByVisit).cluster("SITEID");
    let trial = same(&layout, "adam.sas7bdat", "adam.csv");
    assert_eq!(trial.outcome("AVAL").expect("there").label, "Analysis Value");
    assert_eq!(trial.file().map(|f| (f.format, f.rows, f.columns)), Some((FileFormat::Sas7bdat, 30, 9)));
}

/// Layouts that read every column of the files of a format.
fn layouts() -> Vec<(&'static str, Layout)> {
    let adam = Layout::long("USUBJID", "TRT01P", "AVISIT").outcome("AVAL").covariate("SEX");
    let stata = Layout::long("id", "arm", "week").outcome("hamd").cluster("centre");
    let merged = Layout::wide("id", "arm").sheet("T0-T1").wide_outcome("bdi", [("T0", "BDI T0"), ("T1", "BDI T1")]);
    vec![
        ("dutch.xlsx", dutch()),
        ("dutch.xls", dutch()),
        ("dutch.ods", dutch()),
        ("merged.xlsx", merged),
        ("spss.sav", spss()),
        ("spss.zsav", spss()),
        ("haven.sav", spss()),
        ("adam5.xpt", adam.clone()),
        ("adam8.xpt", adam.clone()),
        ("haven8.xpt", adam.clone()),
        ("adam.sas7bdat", adam),
        ("stata.dta", stata.clone()),
        ("stata-v8.dta", stata.clone()),
        ("stata-v13.dta", stata),
    ]
}

/// How often each file is damaged.
fn rounds() -> usize {
    std::env::var("TRIALSTATS_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150)
}

/// A generator of numbers that are the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let mut draws = Draws(20_261_130);
    let (mut read, mut refused) = (0, 0);
    for (name, layout) in layouts() {
        let whole = bytes(name);
        for round in 0..rounds() {
            let mut damaged = whole.clone();
            match round % 3 {
                0 => damaged.truncate(draws.below(whole.len())),
                1 => (0..1 + draws.below(4)).for_each(|_| {
                    let (at, bit) = (draws.below(whole.len()), draws.below(8));
                    damaged[at] ^= 1 << bit;
                }),
                // Headers, where lengths and counts stand.
                _ => (0..1 + draws.below(3)).for_each(|_| {
                    let (at, byte) = (draws.below(whole.len().min(700)), draws.below(256));
                    damaged[at] = byte as u8;
                }),
            }
            match layout.read_bytes(name, &damaged) {
                Ok(_) => read += 1,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 300 && read > 100, "{refused} refused, {read} read");
}

#[test]
fn files_cut_short_are_damaged_files() {
    for (name, layout) in layouts() {
        let whole = bytes(name);
        let error = layout.read_bytes(name, &whole[..whole.len() * 2 / 5]).expect_err(name);
        assert!(["damaged-file", "data"].contains(&error.code()), "{name}: {} {error}", error.code());
    }
}

#[test]
fn a_file_is_known_by_its_content_and_its_digest_is_that_of_its_bytes() {
    let whole = bytes("spss.sav");
    let trial = spss().read_bytes("folder/misnamed.csv", &whole).unwrap_or_else(|error| panic!("{error}"));
    let file = trial.file().expect("it is a file");
    assert_eq!((file.name.as_str(), file.format), ("misnamed.csv", FileFormat::Sav));
    let text = bytes("spss.csv");
    let (of_path, of_bytes) = (read(&spss(), "spss.csv"), spss().read_bytes("spss.csv", &text).expect("it is whole"));
    assert_eq!(of_path.file(), of_bytes.file());
    assert_eq!(of_path.file(), spss().read_csv(path("spss.csv")).expect("it is whole").file());
    let written = serde_json::to_string(file).expect("it can be written");
    assert_eq!(&serde_json::from_str::<trialstats::trial::FileFacts>(&written).expect("it was written"), file);
}
