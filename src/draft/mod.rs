//! A plan drafted from a file: what its columns seem to mean, each guess with its reason.
//!
//! A draft is where somebody begins who has a file and no plan. Nothing in it is a decision: [`Draft::to_toml`] writes a
//! plan whose comments say why each column was taken for what, and `CHECK` stands where the file cannot tell.
//!
//! | guessed | from |
//! |---|---|
//! | separator, encoding, decimal mark | the text itself, as whenever a file is read |
//! | patient | a name such as `patient`, `id`, `USUBJID`, and values that are many |
//! | long or wide | whether a patient has several rows |
//! | visit | a name such as `visit`, `week`, `AVISIT`, and one row for each patient at each |
//! | wide columns | names that differ in a visit alone: `bdi_T0`, `bdi_T1`; `T0_bdi`, `T1_bdi` |
//! | arm | a name such as `arm`, `treatment`, `TRT01P`, and two to six values that no patient changes |
//! | reference arm | a name such as `placebo`, `control`, `TAU`, `waiting list` |
//! | baseline visit | a name such as `baseline`, `T0`, `pre`, or the time 0 |
//! | instruments | columns with the names of an instrument's items |
//! | outcomes | numbers that change from visit to visit |
//! | covariates, clusters | what no patient changes; therapists, groups and the like by name |
//! | `preset = "adam"` | columns `USUBJID`, `PARAMCD`, `AVISIT`, and `AVAL` or `CHG` |
//! | codes of missing values | 99, 999, −9 and the like, where they lie far from all other numbers of their column |

mod adam;
mod codes;
mod families;
mod identifiers;
mod names;
mod text;
mod variables;

use crate::error::{Error, Result};
use crate::trial::{Look, look};
use adam::Adam;
use codes::MissingCode;
use families::Family;
use identifiers::{Arm, Visits};
use std::path::Path;
use variables::{Found, Variables};

/// What the columns of a file seem to mean.
///
/// ```
/// use trialstats::analysis::{Plan, Silent};
/// use trialstats::draft::Draft;
///
/// let file = "data-samples/imrs_gst/imrs_gst.csv";
/// let text = Draft::of(file)?.to_toml();
/// assert!(text.contains("instruments = [\"caps5\", \"scid5-pd\"]"));
/// // A draft is a plan, and runs.
/// let plan = Plan::from_toml(&text)?;
/// let result = plan.run(&plan.read(file)?, &Silent)?;
/// assert_eq!(result.trial.arms, ["ImRs", "ImRs+GST"]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug)]
pub struct Draft {
    look: Look,
    /// The sheet that was looked at, where one was named.
    sheet: Option<String>,
    guessed: Guessed,
}

/// What the columns were taken for.
#[derive(Debug)]
enum Guessed {
    /// An ADaM basic data structure, whose preset knows nearly everything.
    Adam(Adam),
    /// Columns of any names.
    Columns(Box<Guesses>),
}

/// What columns of any names were taken for.
#[derive(Debug)]
struct Guesses {
    patient: Guess<String>,
    shape: Shape,
    arm: Option<Arm>,
    variables: Variables,
    codes: Vec<MissingCode>,
}

/// What was guessed, and why.
#[derive(Debug, Clone, PartialEq)]
struct Guess<T> {
    value: T,
    why: String,
}

/// What a row is.
#[derive(Debug)]
enum Shape {
    /// A patient at a visit.
    Long(Visits),
    /// A patient: columns belong together in families.
    Wide { visits: Vec<families::VisitCode>, families: Vec<Family> },
}

impl Draft {
    /// Looks at a file and guesses.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::FileFormat`] and [`Error::Data`] for a file that cannot be read;
    /// [`Error::Refused`](Error) where it has no column that could be the patient or no rows.
    pub fn of(path: impl AsRef<Path>) -> Result<Self> {
        Self::of_look(look(path.as_ref(), None)?)
    }

    /// Looks at a sheet of a workbook, or a data set of a transport file.
    ///
    /// # Errors
    /// As [`Draft::of`]; [`Error::Unknown`] for a sheet that there is not.
    pub fn of_sheet(path: impl AsRef<Path>, sheet: &str) -> Result<Self> {
        Ok(Self { sheet: Some(sheet.into()), ..Self::of_look(look(path.as_ref(), Some(sheet))?)? })
    }

    fn of_look(look: Look) -> Result<Self> {
        if look.rows == 0 || look.columns.is_empty() {
            return Err(nothing_to_guess(&look, "the file has no row of data"));
        }
        let guessed = match Adam::of(&look) {
            Some(adam) => Guessed::Adam(adam),
            None => Guessed::Columns(Box::new(Guesses::of(&look)?)),
        };
        Ok(Self { look, sheet: None, guessed })
    }

    /// The draft as a plan in TOML, with a comment for each guess.
    pub fn to_toml(&self) -> String {
        text::plan(self)
    }
}

impl Guesses {
    fn of(look: &Look) -> Result<Self> {
        let patient = identifiers::patient(look).ok_or_else(|| {
            nothing_to_guess(look, "no column has a value for each patient: one of them must say which rows belong to whom")
        })?;
        let rows_of = identifiers::rows_by_patient(look, &patient.value);
        let several = rows_of.iter().filter(|rows| rows.len() > 1).count();
        let arm = identifiers::arm(look, &patient.value, &rows_of);
        let mut taken = vec![patient.value.clone()];
        taken.extend(arm.iter().map(|arm| arm.column.value.clone()));
        // A few patients who are there twice are a mistake that the reader of the trial will tell.
        let (shape, variables) = if several * 10 > rows_of.len() {
            let visits = identifiers::visits(look, &patient.value, &rows_of, &taken)
                .ok_or_else(|| nothing_to_guess(look, "patients have several rows, and no column tells these apart as visits would"))?;
            taken.push(visits.column.value.clone());
            taken.extend(visits.time.iter().map(|time| time.value.clone()));
            let variables = variables::of_long(look, &rows_of, &taken);
            (Shape::Long(visits), variables)
        } else {
            let (visits, families) = families::of(look, &taken);
            let variables = variables::of_wide(look, &rows_of, &taken, &visits, &families);
            (Shape::Wide { visits, families }, variables)
        };
        let codes = codes::missing(look, &variables.numeric_columns());
        Ok(Self { patient, shape, arm, variables, codes })
    }

    /// The outcomes, the one taken for the primary first.
    fn outcomes(&self) -> impl Iterator<Item = &Found> {
        self.variables.outcomes.iter()
    }
}

fn nothing_to_guess(look: &Look, why: &str) -> Error {
    let names: Vec<String> = look.columns.iter().map(|c| format!("`{}`", crate::error::shown(&c.name))).collect();
    let columns = if names.is_empty() { "there are no columns".into() } else { format!("its columns are {}", names.join(", ")) };
    Error::incomplete(format!("drafting a plan for {}", look.source), format!("{why}; {columns}"), "write the plan's [layout] by hand")
}
