//! Layouts that are known by name.

use super::{Layout, Shape};
use crate::options::choices;

/// A layout that many files have in common and that therefore need not be spelt out.
///
/// `adam` is the Basic Data Structure of CDISC's Analysis Data Model, a row per patient, parameter and analysis visit.
/// What it takes from a file depends on the columns that are there; whatever was decided is recorded in
/// [`Trial::inferred`](crate::trial::Trial::inferred), and what was left out in
/// [`Trial::left_out`](crate::trial::Trial::left_out).
///
/// | column | taken as |
/// |---|---|
/// | `USUBJID`, else `SUBJID` | patient |
/// | `TRT01P`, else `TRTP` | arm, in the order of `TRT01PN` or `TRTPN` |
/// | `AVISIT` | visit, in the order of `AVISITN`; rows without are left out |
/// | `PARAMCD` | the parameter: rows of those named by `paramcd` are read |
/// | `AVAL`, `CHG` | outcomes of these names; with several parameters `HAMD17` and `HAMD17_CHG`, labelled by `PARAM` |
/// | `BASE` | covariate; with several parameters `HAMD17_BASE` |
/// | `ABLFL` | rows where it is `Y`, and those of the same or an earlier visit, are left out where the file has `BASE` or `CHG`; otherwise they are the baseline visit. A stated `baseline-visit` is kept |
/// | `ANL01FL` | rows where it is `Y` are read |
/// | `ITTFL`, else `FASFL` | patients of whom it is `Y` are read |
/// | `DTYPE` | rows that have one, such as `LOCF`, are read, with a [warning](crate::trial::WarningKind::DerivedValues) and their number |
///
/// What the layout states itself takes precedence.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// The Basic Data Structure of ADaM.
    Adam,
}

choices! {
    Preset, "preset of a layout":
    Adam = "adam", ["adam-bds", "bds"], "ADaM BDS: a row per patient, parameter and analysis visit";
}

/// What the columns of an ADaM file are called.
pub(in crate::trial) const PATIENT: &str = "USUBJID";
pub(in crate::trial) const VISIT: &str = "AVISIT";

impl Layout {
    /// An ADaM file in the Basic Data Structure; see [`Preset`].
    ///
    /// ```
    /// use trialstats::Layout;
    ///
    /// let file = "USUBJID,TRT01P,TRT01PN,PARAMCD,AVISIT,AVISITN,AVAL,CHG,BASE,ABLFL,ITTFL\n\
    ///     1,Drug,2,HAMD,Baseline,0,20,,20,Y,Y\n1,Drug,2,HAMD,Week 4,4,12,-8,20,,Y\n\
    ///     2,Placebo,1,HAMD,Baseline,0,22,,22,Y,Y\n2,Placebo,1,HAMD,Week 4,4,21,-1,22,,Y\n";
    /// let trial = Layout::adam().paramcd(["HAMD"]).read_csv_from("example", file.as_bytes())?;
    /// assert_eq!(trial.arms(), ["Placebo", "Drug"]);
    /// assert_eq!(trial.outcome("CHG")?.values, [-8.0, -1.0]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn adam() -> Self {
        Self { preset: Some(Preset::Adam), ..Self::new(PATIENT.into(), None, Shape::Long(VISIT.into())) }
    }

    /// The parameters of an ADaM file that are read, by `PARAMCD`; the only one that there is unless stated.
    pub fn paramcd<S: Into<String>>(mut self, codes: impl IntoIterator<Item = S>) -> Self {
        self.paramcd = codes.into_iter().map(Into::into).collect();
        self
    }

    /// The column of numbers by which visits are ordered, one number per visit. They are no times.
    pub fn visit_order(mut self, column: impl Into<String>) -> Self {
        self.visit_order = Some(column.into());
        self
    }

    /// The column of numbers by which arms are ordered, one number per arm; the first is the reference.
    pub fn arm_order(mut self, column: impl Into<String>) -> Self {
        self.arm_order = Some(column.into());
        self
    }

    /// The preset, where the layout has one.
    pub fn preset(&self) -> Option<Preset> {
        self.preset
    }

    /// The covariate that holds the baseline value of an outcome by the preset, whether or not the file has it.
    pub(crate) fn baseline_of(&self, outcome: &str) -> Option<String> {
        self.preset?;
        match self.paramcd.as_slice() {
            [] | [_] => ["AVAL", "CHG"].contains(&outcome).then(|| "BASE".into()),
            several => {
                let code = outcome.strip_suffix("_CHG").unwrap_or(outcome);
                several.iter().any(|known| known == code).then(|| format!("{code}_BASE"))
            }
        }
    }
}
