//! What the columns of a trial's file mean: declared once, the same for text, workbooks, files of statistical programs,
//! data frames and Parquet.

mod declared;
mod filters;
pub(super) mod preset;
#[cfg(test)]
pub(crate) mod tests;
mod written;

pub(crate) use declared::DeclaredNames;
pub(super) use filters::Filters;
pub use preset::Preset;

use crate::options::choices;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::columns::{Columns, CovariateColumn, CovariateKind, InstrumentColumns, ItemColumns, LayoutInstrument, OutcomeColumn, per_visit};
use super::{Chunks, ColumnNames, Trial, Visit, reading};
use crate::error::Result;
use crate::instruments::{Instrument, NamedInstrument, Registry};

/// Says which column of a file holds what, and how much of the rest is declared rather than inferred.
///
/// Everything that is not declared is inferred and recorded, one sentence each, in [`Trial::inferred`]:
///
/// | not declared | inferred as |
/// |---|---|
/// | arms | those in the file, sorted; the first is the reference |
/// | visits and their order | by the time column; else by date (`2024-03-01`, `1 March 2024`; `03/01/2024` where day and month can be told apart); else by number where the labels are numbers or differ in one number only (`VIS9`, `VIS10`; `baseline`, `3 months`, `6 months`); else by the stages that they name (`screening`, `pre`, `post`, `follow-up 2`); else by the alphabet, with a [warning](Trial::warnings), and what depends on the order is refused. The order of the rows decides nothing |
/// | visit times | the time column; else the number of labels that are numbers or say a unit of time (`3 months`, `week 8`), `baseline` being 0; of dates, the days from the first |
/// | baseline visit | the first visit if it is called so or is at time 0, else none |
/// | kind of a covariate | numeric where every value is a number (`006` is not: a leading zero marks an identifier), a factor where none is, an error where both occur |
/// | what separates fields | the comma, semicolon, tabulator or vertical bar that gives the header the columns named |
/// | decimal mark | the point; the comma in a column where every number with decimals has one |
/// | levels of a factor | those in the file, sorted: numbers as numbers, everything else by code point; the first is the reference |
///
/// Spaces around a value are ignored. Values equal to a missing code (`NA`, `.` or nothing, unless changed) are
/// missing. So is, unless the codes are [replaced](Layout::missing_codes), what programs write for one (`NaN`, `#N/A`,
/// `null`, `<NA>`), and in a column of numbers what people write (`n/a`, `none`, `-`); each is recorded with its count.
///
/// Text files may be in UTF-8, UTF-16 or, with a warning, Windows-1252. [`Layout::read`] reads workbooks and the files of
/// SPSS, Stata and SAS as well.
///
/// ```
/// use trialstats::trial::Layout;
///
/// let file = "id,group,week,score,age\nA,drug,0,21,40\nA,drug,4,12,40\nB,placebo,0,25,NA\n";
/// let trial = Layout::long("id", "group", "week")
///     .reference_arm("placebo")
///     .outcome("score")
///     .covariate("age")
///     .read_csv_from("example", file.as_bytes())?;
/// assert_eq!(trial.arms(), ["placebo", "drug"]);
/// assert_eq!(trial.schedule().labels(), ["0", "4"]);
/// assert_eq!(trial.outcome("score")?.values[..3], [21.0, 12.0, 25.0]);
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// # In a file
/// A layout is read from and written to TOML and JSON, alone or as the table `[layout]` of a
/// [`Plan`](crate::analysis::Plan). What is said by a name alone may be a table that says more:
///
/// ```toml
/// shape = "long"                       # or "wide"
/// patient = "USUBJID"
/// arm = "ARMCD"                        # left out: a study with a single arm
/// visit = "AVISIT"
/// visit-time = "ADY"
/// visits = ["baseline", { label = "week 4", time = 4 }]
/// baseline-visit = "baseline"
/// arms = ["PBO", "TRT"]                # or reference-arm = "PBO"
/// outcomes = ["FEV1", { name = "bdi", column = "BDITOT", label = "BDI-II", range = [0, 63] }, { name = "status", texts = true }]
/// covariates = ["AGE", { name = "SEX", levels = ["female", "male"] }, { name = "DOSE", kind = "numeric-by-visit" }]
/// weights = ["W"]
/// clusters = ["site", { name = "therapist", kind = "by-visit" }]
/// instruments = ["caps5", { name = "scid5-pd", columns = "{item}_score", options = { disorders = ["avoidant"] } }]
/// missing-codes = ["NA", ".", ""]      # of every column
/// missing-values = [999, -99]          # of outcomes, covariates and items
/// missing-in = { AGE = [0] }
/// delimiter = "semicolon"
/// decimal-mark = "comma"
/// keep-patients = [{ column = "ITTFL", is = "Y" }]
/// keep-rows = [{ column = "ANL01FL", is = "Y" }]
/// drop-visits = ["screening"]
/// visit-order = "AVISITN"               # columns of numbers; the order of visits and of arms
/// arm-order = "TRT01PN"
/// sheet = "scores"                     # of a workbook with several
/// roster = [["P01", "PBO"], ["P02", "TRT"]]
/// ```
///
/// In a wide file an outcome, covariate or cluster has a column for each visit,
/// `{ name = "bdi", columns = { baseline = "BDI_T0", "week 4" = "BDI_T1" } }`, and the items of an instrument are found
/// by a pattern, `{ name = "caps5", columns = "{item}_{visit}", visits = { baseline = "T0", "week 4" = "T1" } }`, or
/// listed one by one. `preset = "adam"` stands for most of the keys ([`Preset`]); `paramcd = "HAMD17"` names the
/// parameter. Instruments are those of a [`Registry`], which is asked when the layout meets data.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) patient: String,
    pub(super) arm: Option<String>,
    pub(super) shape: Shape,
    pub(super) visits: Vec<Visit>,
    pub(super) time_column: Option<String>,
    pub(super) baseline: Option<String>,
    pub(super) arms: Vec<String>,
    pub(super) reference_arm: Option<String>,
    pub(super) outcomes: Vec<OutcomeColumn>,
    pub(super) covariates: Vec<CovariateColumn>,
    pub(super) levels: Vec<(String, Vec<String>)>,
    pub(super) weights: Vec<String>,
    pub(super) clusters: Vec<String>,
    pub(super) clusters_by_visit: Vec<(String, Columns)>,
    pub(super) instruments: Vec<LayoutInstrument>,
    pub(super) roster: Vec<(String, String)>,
    pub(super) missing_codes: Vec<String>,
    pub(super) value_codes: Vec<String>,
    pub(super) column_codes: Vec<(String, String)>,
    /// None where the file tells.
    pub(super) delimiter: Option<Delimiter>,
    pub(super) decimal_mark: Option<DecimalMark>,
    pub(super) filters: Filters,
    /// The columns of numbers by which visits and arms are ordered.
    pub(super) visit_order: Option<String>,
    pub(super) arm_order: Option<String>,
    pub(super) preset: Option<Preset>,
    pub(super) paramcd: Vec<String>,
    /// Whether the preset has met the columns of a file, and what it looks at there beside what is declared.
    pub(super) is_resolved: bool,
    pub(super) looked_at: Vec<String>,
    /// Declared outcomes that columns are made for while the file is read.
    pub(super) outcomes_after: Vec<OutcomeColumn>,
    /// The sheet of a workbook.
    pub(super) sheet: Option<String>,
    /// Whether the file holds some of a trial's patients only.
    pub(super) part: bool,
}

/// Whether a row is a patient at a visit, or a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A row per patient and visit; the column of the visit.
    Long(String),
    /// A row per patient.
    Wide,
}

/// What separates the fields of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// The tabulator.
    Tab,
    /// `|`
    Bar,
}

choices! {
    Delimiter, "separator of fields":
    Comma = "comma", [","], "a comma";
    Semicolon = "semicolon", [";"], "a semicolon";
    Tab = "tab", ["\t"], "a tabulator";
    Bar = "bar", ["|", "pipe"], "a vertical bar";
}

/// What separates the decimals of a number in a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// `12.5`
    #[default]
    Point,
    /// `12,5`
    Comma,
}

choices! {
    DecimalMark, "decimal mark":
    Point = "point", ["."], "12.5";
    Comma = "comma", [","], "12,5";
}

impl Layout {
    /// A row per patient and visit. The column `visit` holds labels, or numbers such as months.
    pub fn long(patient: impl Into<String>, arm: impl Into<String>, visit: impl Into<String>) -> Self {
        Self::new(patient.into(), Some(arm.into()), Shape::Long(visit.into()))
    }

    /// A row per patient and visit of a study with a single arm, which is called `all`.
    pub fn long_one_arm(patient: impl Into<String>, visit: impl Into<String>) -> Self {
        Self::new(patient.into(), None, Shape::Long(visit.into()))
    }

    /// A row per patient, with a column per visit for everything measured repeatedly.
    pub fn wide(patient: impl Into<String>, arm: impl Into<String>) -> Self {
        Self::new(patient.into(), Some(arm.into()), Shape::Wide)
    }

    /// A row per patient of a study with a single arm, which is called `all`.
    pub fn wide_one_arm(patient: impl Into<String>) -> Self {
        Self::new(patient.into(), None, Shape::Wide)
    }

    fn new(patient: String, arm: Option<String>, shape: Shape) -> Self {
        Self {
            patient,
            arm,
            shape,
            visits: vec![],
            time_column: None,
            baseline: None,
            arms: vec![],
            reference_arm: None,
            outcomes: vec![],
            covariates: vec![],
            levels: vec![],
            weights: vec![],
            clusters: vec![],
            clusters_by_visit: vec![],
            instruments: vec![],
            roster: vec![],
            missing_codes: Self::usual_missing_codes(),
            value_codes: vec![],
            column_codes: vec![],
            delimiter: None,
            decimal_mark: None,
            filters: Filters::default(),
            visit_order: None,
            arm_order: None,
            preset: None,
            paramcd: vec![],
            is_resolved: false,
            looked_at: vec![],
            outcomes_after: vec![],
            sheet: None,
            part: false,
        }
    }

    fn usual_missing_codes() -> Vec<String> {
        ["NA", ".", ""].map(String::from).to_vec()
    }

    /// Whether the spellings of a missing value that programs and people use are recognised: unless the codes have been
    /// replaced, and so all are stated.
    pub(super) fn recognises_missing(&self) -> bool {
        self.missing_codes == Self::usual_missing_codes()
    }

    /// The texts that are declared as missing values in a column.
    pub(super) fn missing_codes_of(&self, column: &str) -> Vec<&str> {
        let own = self.column_codes.iter().filter(|(of, _)| of == column).map(|(_, code)| code);
        self.missing_codes.iter().chain(&self.value_codes).chain(own).map(|code| code.trim()).collect()
    }

    /// What the columns of patient, arm and visit are called.
    pub(super) fn column_names(&self) -> ColumnNames {
        let generic = ColumnNames::default();
        let visit = match &self.shape {
            Shape::Long(visit) => visit.clone(),
            Shape::Wide => generic.visit,
        };
        let arm = self.arm.clone().unwrap_or(generic.arm);
        ColumnNames { patient: self.patient.clone(), arm, visit, time: self.time_column.clone(), unread: vec![] }
    }

    /// Declares the visits in their order; any other label in the file is a problem.
    pub fn visits<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.visits = labels.into_iter().map(|l| Visit { label: l.into(), time: None }).collect();
        self
    }

    /// Declares the visits in their order, with the time of each. Where the file has numbers in the column of the
    /// visit, they are looked up among the times as well as among the labels.
    pub fn visits_at<S: Into<String>>(mut self, visits: impl IntoIterator<Item = (S, f64)>) -> Self {
        self.visits = visits.into_iter().map(|(l, time)| Visit { label: l.into(), time: Some(time) }).collect();
        self
    }

    /// The column of the visits' planned times: one number per visit, the same for all patients.
    pub fn visit_time(mut self, column: impl Into<String>) -> Self {
        self.time_column = Some(column.into());
        self
    }

    /// Declares the visit before treatment.
    pub fn baseline_visit(mut self, label: impl Into<String>) -> Self {
        self.baseline = Some(label.into());
        self
    }

    /// Declares the arms, the reference first; any other arm in the file is a problem, and so is one without patients.
    pub fn arms<S: Into<String>>(mut self, arms: impl IntoIterator<Item = S>) -> Self {
        self.arms = arms.into_iter().map(Into::into).collect();
        self
    }

    /// Declares the reference arm; the others follow in their order.
    pub fn reference_arm(mut self, arm: impl Into<String>) -> Self {
        self.reference_arm = Some(arm.into());
        self
    }

    /// Adds an outcome: a column's name, or an [`OutcomeColumn`] with label and range.
    pub fn outcome(mut self, outcome: impl Into<OutcomeColumn>) -> Self {
        self.outcomes.push(outcome.into());
        self
    }

    /// Adds an outcome of a wide file: `(visit, column)` for each visit at which it is measured. The visits of the
    /// trial are those named here, in this order, unless [`Layout::visits`] declares them.
    pub fn wide_outcome<V: Into<String>, C: Into<String>>(
        self,
        name: impl Into<String>,
        columns: impl IntoIterator<Item = (V, C)>,
    ) -> Self {
        self.outcome(OutcomeColumn::wide(name, columns))
    }

    /// Adds a covariate with one value per patient, numeric or factor as found. It may be missing in some rows of a
    /// patient, but may not differ between them.
    pub fn covariate(self, column: impl Into<String>) -> Self {
        self.covariate_as(column, CovariateKind::Inferred)
    }

    /// Adds a covariate of a declared kind.
    pub fn covariate_as(mut self, column: impl Into<String>, kind: CovariateKind) -> Self {
        let name = column.into();
        self.add_covariate(CovariateColumn { columns: Columns::One(name.clone()), name, kind });
        self
    }

    /// Whether a covariate is called so.
    pub(crate) fn has_covariate(&self, name: &str) -> bool {
        self.covariates.iter().any(|covariate| covariate.name == name)
    }

    /// Weights are the last of the covariates.
    fn add_covariate(&mut self, covariate: CovariateColumn) {
        self.covariates.insert(self.covariates.len() - self.weights.len(), covariate);
    }

    /// Adds a factor with declared levels, the reference first; any other level in the file is a problem.
    pub fn factor<S: Into<String>>(mut self, column: impl Into<String>, levels: impl IntoIterator<Item = S>) -> Self {
        let column = column.into();
        self.levels.push((column.clone(), levels.into_iter().map(Into::into).collect()));
        self.covariate_as(column, CovariateKind::Factor)
    }

    /// Declares the levels of a factor that is added elsewhere, the reference first.
    pub fn levels<S: Into<String>>(mut self, covariate: impl Into<String>, levels: impl IntoIterator<Item = S>) -> Self {
        self.levels.push((covariate.into(), levels.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds a covariate of a wide file that changes from visit to visit: `(visit, column)` for each visit.
    pub fn wide_covariate<V: Into<String>, C: Into<String>>(
        mut self,
        name: impl Into<String>,
        kind: CovariateKind,
        columns: impl IntoIterator<Item = (V, C)>,
    ) -> Self {
        self.add_covariate(CovariateColumn { name: name.into(), columns: Columns::PerVisit(per_visit(columns)), kind });
        self
    }

    /// Adds a column of observation weights: a numeric covariate by visit that must be positive wherever an outcome
    /// is observed.
    pub fn weight(mut self, column: impl Into<String>) -> Self {
        let name = column.into();
        self.weights.push(name.clone());
        self.covariates.push(CovariateColumn { columns: Columns::One(name.clone()), name, kind: CovariateKind::NumericByVisit });
        self
    }

    /// Adds a cluster that patients may share, such as therapist; empty for a patient in none. It may be missing in
    /// some rows of a patient, but may not differ between them.
    pub fn cluster(mut self, column: impl Into<String>) -> Self {
        self.clusters.push(column.into());
        self
    }

    /// Adds a cluster that may change from visit to visit, such as the therapist of patients who change therapists;
    /// each row says where its visit belongs, and an empty cell belongs nowhere.
    ///
    /// ```
    /// use trialstats::Layout;
    /// let file = "id,week,score,therapist\nA,0,21,Kim\nA,4,12,Lee\nB,0,25,Lee\nB,4,20,\n";
    /// let trial = Layout::long_one_arm("id", "week").outcome("score").cluster_by_visit("therapist").read_csv_from("example", file.as_bytes())?;
    /// let codes = trial.cluster("therapist")?.codes().expect("a factor");
    /// assert_eq!(codes, [Some(0), Some(1), Some(1), None]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn cluster_by_visit(mut self, column: impl Into<String>) -> Self {
        let name = column.into();
        self.clusters_by_visit.push((name.clone(), Columns::One(name)));
        self
    }

    /// Adds a cluster of a wide file that may change from visit to visit: `(visit, column)` for each visit.
    pub fn wide_cluster<V: Into<String>, C: Into<String>>(
        mut self,
        name: impl Into<String>,
        columns: impl IntoIterator<Item = (V, C)>,
    ) -> Self {
        self.clusters_by_visit.push((name.into(), Columns::PerVisit(per_visit(columns))));
        self
    }

    /// Adds an instrument whose items are in columns of their own names. Its scores become outcomes, its diagnoses
    /// those of the trial.
    pub fn instrument(self, instrument: impl Instrument + 'static) -> Self {
        self.instrument_named(instrument, str::to_string)
    }

    /// Adds an instrument whose items are in columns of other names: `column` gives the column of an item.
    pub fn instrument_named(mut self, instrument: impl Instrument + 'static, column: impl Fn(&str) -> String) -> Self {
        let items = instrument.items().iter().map(|item| Columns::One(column(&item.name))).collect();
        self.instruments.push(LayoutInstrument::Given(InstrumentColumns { instrument: Arc::new(instrument), items }));
        self
    }

    /// Adds an instrument of a wide file: `column` gives the column of an item at a visit.
    pub fn wide_instrument<S: AsRef<str>>(
        mut self,
        instrument: impl Instrument + 'static,
        visits: impl IntoIterator<Item = S>,
        column: impl Fn(&str, &str) -> String,
    ) -> Self {
        let visits: Vec<S> = visits.into_iter().collect();
        let of_item = |item: &str| visits.iter().map(|v| (v.as_ref().to_string(), column(v.as_ref(), item))).collect();
        let items = instrument.items().iter().map(|item| Columns::PerVisit(of_item(&item.name))).collect();
        self.instruments.push(LayoutInstrument::Given(InstrumentColumns { instrument: Arc::new(instrument), items }));
        self
    }

    /// Adds an instrument by its name in a [`Registry`], as a layout in a file does. The items are in columns of their
    /// own names. What the name stands for is looked up when data are read: among the instruments of the crate, unless
    /// [`Layout::with_instruments`] has looked elsewhere before.
    ///
    /// ```
    /// use trialstats::Layout;
    /// use trialstats::instruments::NamedInstrument;
    ///
    /// let layout = Layout::long("id", "arm", "visit").named_instrument(NamedInstrument::new("caps5").option("prefix", "CAPS_"));
    /// # let _ = layout;
    /// ```
    pub fn named_instrument(mut self, named: impl Into<NamedInstrument>) -> Self {
        self.instruments.push(LayoutInstrument::Named(named.into(), ItemColumns::Own));
        self
    }

    /// Adds an instrument by its name whose items are in columns of other names: a pattern such as `{item}_score`.
    pub fn named_instrument_in(mut self, named: impl Into<NamedInstrument>, pattern: impl Into<String>) -> Self {
        let columns = ItemColumns::Pattern { pattern: pattern.into(), visits: vec![] };
        self.instruments.push(LayoutInstrument::Named(named.into(), columns));
        self
    }

    /// Adds an instrument of a wide file by its name: a pattern such as `{item}_{visit}`, and for each visit what its
    /// columns call it; `[("baseline", "T0"), ("3 months", "T1")]`.
    pub fn wide_named_instrument<V: Into<String>, C: Into<String>>(
        mut self,
        named: impl Into<NamedInstrument>,
        visits: impl IntoIterator<Item = (V, C)>,
        pattern: impl Into<String>,
    ) -> Self {
        let columns = ItemColumns::Pattern { pattern: pattern.into(), visits: per_visit(visits) };
        self.instruments.push(LayoutInstrument::Named(named.into(), columns));
        self
    }

    /// Looks up every instrument that is referred to by name.
    ///
    /// # Errors
    /// As [`Registry::instrument`]; [`Error::Invalid`](crate::Error::Invalid) for columns that do not fit the
    /// instrument's items.
    pub fn with_instruments(mut self, registry: &Registry) -> Result<Self> {
        let visits: Vec<&str> = self.visits.iter().map(|v| v.label.as_str()).collect();
        let made = self.instruments.iter().map(|i| i.made(registry, &visits).map(LayoutInstrument::Given)).collect::<Result<_>>()?;
        self.instruments = made;
        Ok(self)
    }

    /// The layout with every instrument at hand.
    pub(super) fn ready(&self) -> Result<Cow<'_, Self>> {
        let named = |i: &LayoutInstrument| matches!(i, LayoutInstrument::Named(..));
        match self.instruments.iter().any(named) {
            true => self.clone().with_instruments(&Registry::new()).map(Cow::Owned),
            false => Ok(Cow::Borrowed(self)),
        }
    }

    /// The instruments at hand: all, once the layout is [ready](Layout::ready).
    pub(super) fn instruments(&self) -> impl Iterator<Item = &InstrumentColumns> {
        self.instruments.iter().filter_map(|i| match i {
            LayoutInstrument::Given(given) => Some(given),
            LayoutInstrument::Named(..) => None,
        })
    }

    /// Declares who was randomized to what: `(patient, arm)`. Patients who have no row in the file stay in the trial;
    /// a patient of the file who is not among them is a problem.
    pub fn randomized_patients<P: Into<String>, A: Into<String>>(mut self, patients: impl IntoIterator<Item = (P, A)>) -> Self {
        self.roster = patients.into_iter().map(|(p, a)| (p.into(), a.into())).collect();
        self
    }

    /// Replaces the codes of a missing value, which are `NA`, `.` and nothing. They hold for every column.
    pub fn missing_codes<S: Into<String>>(mut self, codes: impl IntoIterator<Item = S>) -> Self {
        self.missing_codes = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a code, such as `999`, of a missing outcome, covariate or item. It does not hold for patients, arms,
    /// visits and clusters, which may really be called so.
    pub fn missing_code(mut self, code: impl Into<String>) -> Self {
        self.value_codes.push(code.into());
        self
    }

    /// Adds a code of a missing value that holds for one column only.
    pub fn missing_code_in(mut self, column: impl Into<String>, code: impl Into<String>) -> Self {
        self.column_codes.push((column.into(), code.into()));
        self
    }

    /// What separates the fields of a text file. Unless stated, it is what gives the header the columns that the layout
    /// names; the comma in doubt.
    pub fn delimiter(mut self, delimiter: Delimiter) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// What separates the decimals of numbers in a text file. Unless stated, it is the point, and the comma in columns
    /// where every number with decimals has one.
    ///
    /// ```
    /// use trialstats::Layout;
    ///
    /// let file = "id;visit;score\nA;1;12,5\nA;2;9\n";
    /// let trial = Layout::long_one_arm("id", "visit").outcome("score").read_csv_from("example", file.as_bytes())?;
    /// assert_eq!(trial.outcome("score")?.values, [12.5, 9.0]);
    /// assert!(trial.inferred().iter().any(|s| s.contains("decimal comma")));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn decimal_mark(mut self, mark: DecimalMark) -> Self {
        self.decimal_mark = Some(mark);
        self
    }

    /// The sheet of a workbook, or the data set of a SAS transport file, that holds the trial. Needed where more than one
    /// has data.
    pub fn sheet(mut self, name: impl Into<String>) -> Self {
        self.sheet = Some(name.into());
        self
    }

    /// Reads a file of any format that is known, whatever it is called: its content tells.
    ///
    /// | format | what is read beside the cells |
    /// |---|---|
    /// | text with separated values | see [`Layout`] and [`Layout::read_csv`] |
    /// | `.xlsx`, `.xlsb`, `.xls`, `.ods` | the [sheet](Layout::sheet) that is named, else the only one with data. Dates become text as `2024-03-01`, truth values `TRUE` and `FALSE`; a formula counts by its result, and one that failed is a problem; merged cells hold their value for each row and column; a title above the header is passed over; of a header in two rows with merged cells, `BDI` above `T0` is the column `BDI T0` |
    /// | SPSS `.sav`, `.zsav` | labels of variables and values; user-missing values and ranges |
    /// | Stata `.dta`, release 102 to 119 | labels of variables and values; missing values `.a` to `.z` |
    /// | SAS transport `.xpt`, version 5 and 8 | labels of variables; missing values `.A` to `.Z` and `._`; the [data set](Layout::sheet) that is named, else the only one |
    /// | SAS `.sas7bdat` | as of transport files; it holds one data set |
    /// | Parquet, with the feature `parquet` | |
    ///
    /// All but text and Parquet need the feature `formats`, which is on unless default features are turned off.
    ///
    /// What a file of a statistical program says of its columns holds: values that it declares as missing are missing, and
    /// are counted in [`Trial::inferred`]; arms, visits, levels and clusters are called by the labels of their values, in
    /// the order of the values, and a layout may name them by either; labels of variables are those of outcomes and
    /// covariates, unless the layout states others. Outcomes are the values themselves, labelled or not. Numbers that are
    /// formatted as dates become text as `2024-03-01`. [`Trial::file`] says what the file was.
    ///
    /// ```no_run
    /// use trialstats::Layout;
    ///
    /// let trial = Layout::long("id", "arm", "visit").outcome("bdi").read("trial.sav")?;
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::File`] if the file cannot be read, [`crate::Error::FileFormat`] for a format that is not read and
    /// for a workbook with a password; [`crate::Error::Unknown`] for a sheet that is not there; [`crate::Error::Invalid`]
    /// for a damaged file, where several sheets have data and none is named, and where the layout contradicts itself;
    /// [`crate::Error::Data`] with every problem found in it, one per cause.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Trial> {
        reading::read(self, reading::Input::Path(path.as_ref()))
    }

    /// Reads the bytes of a file as [`Layout::read`] does; `name` is what problems and reports call it.
    ///
    /// # Errors
    /// As [`Layout::read`].
    pub fn read_bytes(&self, name: &str, bytes: &[u8]) -> Result<Trial> {
        reading::read(self, reading::Input::Bytes(name, bytes))
    }

    /// The names of the columns of a file, found as by [`Layout::read`].
    ///
    /// # Errors
    /// As there, but for [`crate::Error::Data`].
    pub fn columns(&self, path: impl AsRef<Path>) -> Result<Vec<String>> {
        reading::columns(self, reading::Input::Path(path.as_ref()))
    }

    /// The names of the columns of a file of which these are the bytes, as [`Layout::columns`].
    ///
    /// # Errors
    /// As there.
    pub fn columns_of_bytes(&self, name: &str, bytes: &[u8]) -> Result<Vec<String>> {
        reading::columns(self, reading::Input::Bytes(name, bytes))
    }

    /// Reads a text file with a header line, fields quoted where needed.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the file cannot be read, [`crate::Error::FileFormat`] for whatever is no text
    /// ([`Layout::read`] reads other formats); [`crate::Error::Data`] with every problem found in it, one per cause;
    /// [`crate::Error::Invalid`] if the layout contradicts itself.
    pub fn read_csv(&self, path: impl AsRef<Path>) -> Result<Trial> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|source| reading::unreadable(&name, source))?;
        self.read_csv_from(&name, file)
    }

    /// Reads a text as [`Layout::read_csv`] does; `source` is what problems and reports call it.
    ///
    /// # Errors
    /// As [`Layout::read_csv`].
    pub fn read_csv_from(&self, source: &str, text: impl std::io::Read) -> Result<Trial> {
        reading::csv(self, source, text)
    }

    /// The names of the columns of a text file, read as by [`Layout::read_csv`].
    ///
    /// # Errors
    /// [`crate::Error::File`] and [`crate::Error::FileFormat`] as there.
    pub fn csv_columns(&self, path: impl AsRef<Path>) -> Result<Vec<String>> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|source| reading::unreadable(&name, source))?;
        reading::csv_columns(self, &name, file)
    }

    /// Reads a text file in chunks of about `rows` rows, each a part of a trial with whole patients: for files that
    /// are larger than memory. The layout has to be [part of](Layout::part_of) a protocol, and the rows of each
    /// patient have to stand together. [`FrozenDesign`](crate::design::FrozenDesign) has the way from here to
    /// moments.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the file cannot be opened, [`crate::Error::Invalid`] for a layout that leaves
    /// something to the data.
    pub fn csv_chunks(&self, path: impl AsRef<Path>, rows: usize) -> Result<Chunks<'_>> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|source| reading::unreadable(&name, source))?;
        self.csv_chunks_from(&name, file, rows)
    }

    /// Reads a text as [`Layout::csv_chunks`] does; `source` is what problems and reports call it.
    ///
    /// # Errors
    /// As [`Layout::csv_chunks`].
    pub fn csv_chunks_from<'a>(&'a self, source: &str, text: impl std::io::Read + Send + 'a, rows: usize) -> Result<Chunks<'a>> {
        reading::csv_chunks(self, source, text, rows)
    }

    /// Reads data frames that follow one another, such as the batches of a lazy frame (`LazyFrame::collect_batches`
    /// of polars with the features `lazy` and `new_streaming`), as chunks with whole patients; a patient may begin in
    /// one and end in another.
    ///
    /// # Errors
    /// As [`Layout::csv_chunks`].
    #[cfg(feature = "polars")]
    pub fn dataframe_chunks<'a>(
        &'a self,
        frames: impl Iterator<Item = polars::prelude::PolarsResult<polars::prelude::DataFrame>> + Send + 'a,
    ) -> Result<Chunks<'a>> {
        reading::dataframe_chunks(self, "data frames", frames)
    }

    /// Reads a Parquet file in chunks of about `rows` rows, as [`Layout::csv_chunks`] does a text; of its columns
    /// only those that the layout names.
    ///
    /// # Errors
    /// As [`Layout::csv_chunks`]; [`crate::Error::Invalid`] for a damaged file.
    #[cfg(feature = "parquet")]
    pub fn parquet_chunks(&self, path: impl AsRef<Path>, rows: usize) -> Result<Chunks<'_>> {
        reading::parquet_chunks(self, path.as_ref(), rows)
    }

    /// Reads a data frame: the way for those who have one already. Nulls and NaN are missing, and so are the missing
    /// codes.
    ///
    /// ```
    /// use polars::prelude::{Column, DataFrame, NamedFrom, Series};
    /// use trialstats::{Layout, Model, Tabular};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let column = |name: &str, values: &[f64]| -> Column { Series::new(name.into(), values).into() };
    /// let labels = |name: &str, values: &[&str]| -> Column { Series::new(name.into(), values).into() };
    /// let frame = DataFrame::new_infer_height(vec![
    ///     labels("id", &["a", "a", "b", "b", "c", "c", "d", "d"]),
    ///     column("week", &[0.0, 4.0, 0.0, 4.0, 0.0, 4.0, 0.0, 4.0]),
    ///     column("score", &[24.0, 18.0, 27.0, 15.0, 22.0, 19.0, 30.0, 21.0]),
    /// ])?;
    /// let trial = Layout::long_one_arm("id", "week").outcome("score").read_dataframe(&frame)?;
    /// let fit = Model::formula("score ~ week")?.fit(&trial)?;
    /// assert_eq!(fit.coefficients().to_dataframe()?.height(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Layout::read_csv`]; a column of a type that holds neither text nor numbers is a problem.
    #[cfg(feature = "polars")]
    pub fn read_dataframe(&self, frame: &polars::prelude::DataFrame) -> Result<Trial> {
        reading::dataframe(self, "data frame", frame)
    }

    /// Reads a Parquet file.
    ///
    /// # Errors
    /// As [`Layout::read_dataframe`].
    #[cfg(feature = "parquet")]
    pub fn read_parquet(&self, path: impl AsRef<Path>) -> Result<Trial> {
        reading::parquet(self, path.as_ref())
    }
}
