//! Differences between arms at each visit, and the table that all contrasts share.

use super::joint_adjustment::adjust;
use super::outcome_scale::on_outcome_scale;
use super::row::{baseline, cell_of, evaluate, exclusions, on_scale, reasons, sentence, unobserved};
use super::{Adjustment, Compared, Family};
use crate::design::{Averaging, Columns, Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Result};
use crate::estimates::remarks::on_df;
use crate::estimates::{Df, Estimate, Estimates, Link, OnOutcomeScale};
use crate::level::{check_level, percent};
use crate::options;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};
use std::fmt;
use std::str::FromStr;

/// Which arms are compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ArmComparisons {
    /// Every arm with the trial's reference arm (the default): `treatment - reference`.
    #[default]
    WithReference,
    /// Every arm with the arm of this name.
    With(String),
    /// Every two arms: the later in the trial's order minus the earlier.
    Pairwise,
}

/// `with-reference`, `pairwise`, or `with(ARM)`.
impl fmt::Display for ArmComparisons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArmComparisons::WithReference => f.write_str("with-reference"),
            ArmComparisons::With(arm) => write!(f, "with({arm})"),
            ArmComparisons::Pairwise => f.write_str("pairwise"),
        }
    }
}

impl FromStr for ArmComparisons {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument) {
            ("with-reference", None) => Ok(ArmComparisons::WithReference),
            ("pairwise", None) => Ok(ArmComparisons::Pairwise),
            ("with", Some(arm)) => Ok(ArmComparisons::With(arm.into())),
            _ => Err(Error::unknown("comparison of arms", text, &["with-reference", "pairwise", "with(ARM)"])),
        }
    }
}

options::serde_by_name!(ArmComparisons);

/// How contrasts are made.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ContrastOptions {
    /// Which arms are compared; each with the reference by default.
    pub arms: ArmComparisons,
    /// The visits at which arms are compared; by default all at which the model lets them differ.
    pub visits: Option<Vec<String>>,
    /// How what is not named is averaged; equal weights and covariates at their mean by default.
    pub averaging: Averaging,
    /// Confidence level; 0.95 by default.
    pub level: f64,
    /// Adjustment for multiplicity; none by default.
    pub adjustment: Adjustment,
    /// Which rows are adjusted together; the whole table by default.
    pub family: Family,
}

impl Default for ContrastOptions {
    fn default() -> Self {
        Self {
            arms: ArmComparisons::default(),
            visits: None,
            averaging: Averaging::default(),
            level: 0.95,
            adjustment: Adjustment::default(),
            family: Family::default(),
        }
    }
}

impl ContrastOptions {
    /// With this adjustment for multiplicity.
    pub fn adjustment(mut self, adjustment: Adjustment) -> Self {
        self.adjustment = adjustment;
        self
    }

    /// With these rows adjusted together.
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// With these arms compared.
    pub fn arms(mut self, arms: ArmComparisons) -> Self {
        self.arms = arms;
        self
    }

    /// At these visits only.
    pub fn visits<S: Into<String>>(mut self, visits: impl IntoIterator<Item = S>) -> Self {
        self.visits = Some(visits.into_iter().map(Into::into).collect());
        self
    }

    /// With this confidence level.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// With this averaging.
    pub fn averaging(mut self, averaging: Averaging) -> Self {
        self.averaging = averaging;
        self
    }
}

/// A table of contrasts.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Contrasts {
    /// What the table shows.
    pub title: String,
    /// The outcome.
    pub outcome: String,
    /// One row per contrast.
    pub rows: Vec<Contrast>,
    /// How the means behind them were averaged.
    pub averaging: Averaging,
    /// Confidence level.
    pub level: f64,
    /// Method of the degrees of freedom, where it is one of those known here.
    pub df_method: Option<Df>,
    /// The scale of the estimates.
    pub link: Link,
    /// Adjustment for multiplicity.
    pub adjustment: Adjustment,
    /// Which rows were adjusted together.
    pub family: Family,
    /// How the table was made, but for intervals and adjustment.
    pub(super) notes: Vec<String>,
}

/// A difference of marginal means, or another linear combination of them.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Contrast {
    /// What is compared; prints as e.g. `TRT - PBO`.
    #[serde(flatten)]
    pub compared: Compared,
    /// The visit, where the contrast is at one.
    #[serde(flatten, serialize_with = "labelled::fields::visit_if_any")]
    pub visit: Option<Labelled>,
    /// The estimate; its numbers are NaN where there is none.
    pub estimate: Estimate,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// p-value adjusted for multiplicity; the plain one where nothing is adjusted.
    pub p_adjusted: f64,
    /// The ratio that the difference stands for, where the scale of the model is a logarithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<OnOutcomeScale>,
    /// Why the data do not determine it, where they do not.
    pub not_estimable: Option<String>,
    /// Its coefficients, one per column of the model matrix; empty where a cell gives no weights.
    #[serde(skip)]
    pub coefficients: Vec<f64>,
}

/// A contrast before it is evaluated.
pub(super) struct Wanted {
    pub compared: Compared,
    pub visit: Option<Labelled>,
    /// Its coefficients, or why there are none.
    pub l: Result<Vec<f64>, String>,
    /// A known number to be taken from the estimate.
    pub minus: f64,
    /// Whether its weights on the cells sum to zero, so that it is a difference of means.
    pub is_difference: bool,
}

/// The differences between arms at each visit.
pub(super) fn between_arms(of: &dyn Estimates, options: &ContrastOptions) -> Result<Contrasts> {
    let (columns, account) = (of.columns(), of.account());
    let arm = columns.arm_dimension()?;
    let grid = ReferenceGrid::new(columns, account, &options.averaging)?;
    let arms = columns.planned(arm);
    let pairs = arm_pairs(&arms, &options.arms)?;
    let mut wanted = vec![];
    for visit in compared_visits(columns, options.visits.as_deref())? {
        for &(a, b) in &pairs {
            let row = |of: &Planned| cell_of(&grid, &[(arm, of), (Dimension::Visit, &visit)]);
            if let (Some(arm), Some(versus)) = (arms[a].arm(), arms[b].arm()) {
                wanted.push(Wanted {
                    compared: Compared::Arms { arm, versus },
                    visit: visit.visit(),
                    l: difference(row(&arms[a]), row(&arms[b])),
                    minus: 0.0,
                    is_difference: true,
                });
            }
        }
    }
    let title = format!("Differences between arms in {} at each visit", columns.outcome());
    let table = table_of(of, title, wanted, &grid, &[arm, Dimension::Visit], options)?;
    Ok(match unobserved_reference(&arms, &options.arms) {
        Some(reference) => {
            table.with_note(format!("No arm can be compared with {reference}; pairwise comparisons have the differences among the others."))
        }
        None => table,
    })
}

/// Evaluates contrasts into a table; `named` are the dimensions that their cells name.
pub(super) fn table_of(
    of: &dyn Estimates,
    title: String,
    wanted: Vec<Wanted>,
    grid: &ReferenceGrid,
    named: &[Dimension],
    options: &ContrastOptions,
) -> Result<Contrasts> {
    check_level(options.level)?;
    let (columns, link) = (of.columns(), of.link());
    let mut rows = wanted.into_iter().map(|w| evaluated(of, w, options.level)).collect::<Result<Vec<_>>>()?;
    adjust(of, &mut rows, options)?;
    let mut notes = of.notes();
    notes.extend(sentence(&grid.sentence(named)));
    notes.extend(baseline(columns));
    notes.extend(on_scale(link));
    notes.extend(exclusions(of.account()));
    notes.extend(unobserved(columns));
    notes.extend(reasons(columns, rows.iter().map(|r| (r.estimate.label.as_str(), r.not_estimable.as_ref()))));
    notes.extend(on_df(rows.iter().map(|r| (r.estimate.label.as_str(), r.estimate.df)), of.account().n_observations()));
    Ok(Contrasts {
        title: grid.titled(title, rows.iter().map(|r| r.coefficients.as_slice())),
        outcome: columns.outcome().into(),
        rows,
        averaging: options.averaging.clone(),
        level: options.level,
        df_method: of.method_of_df(),
        link,
        adjustment: options.adjustment,
        family: options.family,
        notes,
    })
}

pub(super) fn evaluated(of: &dyn Estimates, wanted: Wanted, level: f64) -> Result<Contrast> {
    let label = match &wanted.visit {
        Some(visit) => format!("{} at {visit}", wanted.compared),
        None => wanted.compared.to_string(),
    };
    let evaluated = evaluate(of, label, wanted.l.as_deref(), level)?;
    let e = evaluated.estimate;
    let estimate = if wanted.minus == 0.0 { e } else { Estimate::new(e.label, e.estimate - wanted.minus, e.se, e.df) };
    let (lower, upper) = (evaluated.interval.0 - wanted.minus, evaluated.interval.1 - wanted.minus);
    Ok(Contrast {
        compared: wanted.compared,
        visit: wanted.visit,
        p_adjusted: estimate.p,
        ratio: of.link().ratio(&estimate, (lower, upper)).filter(|_| wanted.is_difference),
        estimate,
        lower,
        upper,
        not_estimable: evaluated.not_estimable,
        coefficients: wanted.l.unwrap_or_default(),
    })
}

/// The visits at which arms are compared, as the plan has them.
pub(super) fn compared_visits(columns: &Columns, labels: Option<&[String]>) -> Result<Vec<Planned>> {
    let arms_differ = |visit: &Planned| match (&visit.level, columns.constraint) {
        (Ok(t), Some(constraint)) => *t > constraint.baseline,
        _ => true,
    };
    match labels {
        Some(labels) => labels.iter().map(|label| columns.called(Dimension::Visit, label)).collect(),
        None => Ok(columns.planned(Dimension::Visit).into_iter().filter(arms_differ).collect()),
    }
}

/// The pairs of arms compared, as positions among `arms`: first minus second.
pub(crate) fn arm_pairs(arms: &[Planned], comparisons: &ArmComparisons) -> Result<Vec<(usize, usize)>> {
    if arms.len() < 2 {
        return Err(Error::nothing_to_compare("differences between arms", "the trial has one arm", "compare visits instead"));
    }
    pairs(arms, comparisons, "arm")
}

/// The pairs of levels of `factor` that are compared, as positions among them: first minus second.
pub(super) fn pairs(arms: &[Planned], comparisons: &ArmComparisons, factor: &str) -> Result<Vec<(usize, usize)>> {
    if arms.len() < 2 {
        return Err(Error::nothing_to_compare(
            format!("differences between levels of `{factor}`"),
            "it has one level",
            "compare another factor",
        ));
    }
    let with = |reference: usize| (0..arms.len()).filter(|&a| a != reference).map(|a| (a, reference)).collect();
    let called = |name: &String| {
        let known: Vec<&str> = arms.iter().map(|a| a.label.as_str()).collect();
        let kind = if factor == "arm" { "arm" } else { "level" };
        known.iter().position(|a| a == name).ok_or_else(|| Error::unknown(kind, name, &known))
    };
    Ok(match comparisons {
        ArmComparisons::WithReference => with(0),
        ArmComparisons::With(name) => with(called(name)?),
        ArmComparisons::Pairwise => (0..arms.len()).flat_map(|b| (b + 1..arms.len()).map(move |a| (a, b))).collect(),
    })
}

/// The arm that all others are compared with, where nobody of it has an analysed observation and two others remain.
fn unobserved_reference<'a>(arms: &'a [Planned], comparisons: &ArmComparisons) -> Option<&'a str> {
    let reference = match comparisons {
        ArmComparisons::WithReference => arms.first(),
        ArmComparisons::With(name) => arms.iter().find(|arm| arm.label == *name),
        ArmComparisons::Pairwise => None,
    };
    let others = arms.iter().filter(|arm| arm.level.is_ok()).count();
    reference.filter(|arm| arm.level.is_err() && others > 1).map(|arm| arm.label.as_str())
}

/// a − b, where both exist.
pub(super) fn difference(a: Result<Vec<f64>, String>, b: Result<Vec<f64>, String>) -> Result<Vec<f64>, String> {
    Ok(a?.into_iter().zip(b?).map(|(a, b)| a - b).collect())
}

impl Contrast {
    /// What is compared, in a word: `TRT - PBO`.
    pub fn label(&self) -> String {
        self.compared.to_string()
    }

    fn is_at(&self, visit: Option<&str>) -> bool {
        self.visit.as_deref() == visit
    }
}

impl Contrasts {
    /// The row that prints as `contrast` at a visit; none where two rows print the same.
    pub fn get(&self, contrast: &str, visit: Option<&str>) -> Option<&Contrast> {
        let mut found = self.rows.iter().filter(|r| r.is_at(visit) && r.label() == contrast);
        found.next().filter(|_| found.next().is_none())
    }

    /// The row of `arm` minus `versus` at a visit.
    pub fn between(&self, arm: &str, versus: &str, visit: &str) -> Option<&Contrast> {
        let compares = |c: &Compared| matches!(c, Compared::Arms { arm: a, versus: b } if a == arm && b == versus);
        self.rows.iter().find(|r| r.is_at(Some(visit)) && compares(&r.compared))
    }

    /// The row of an arm's change from baseline at a visit.
    pub fn change(&self, arm: &str, visit: &str) -> Option<&Contrast> {
        let compares = |c: &Compared| matches!(c, Compared::Change { arm: a } if a == arm);
        self.rows.iter().find(|r| r.is_at(Some(visit)) && compares(&r.compared))
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl Tabular for Contrasts {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn columns(&self) -> Vec<Column> {
        let by_error = Format::of_errors(self.rows.iter().map(|r| r.estimate.se));
        let number = |name, heading: &str, get: fn(&Contrast) -> f64| Column::real(name, heading, by_error, self.rows.iter().map(get));
        let mut columns = vec![Column::text("contrast", "Contrast", self.rows.iter().map(Contrast::label))];
        if self.rows.iter().any(|r| r.visit.is_some()) {
            columns.push(Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_deref().unwrap_or(""))));
        }
        columns.extend([
            number("estimate", self.link.estimate_heading("Estimate"), |r| r.estimate.estimate),
            number("se", "SE", |r| r.estimate.se),
            Column::real("df", "df", Format::Df, self.rows.iter().map(|r| r.estimate.df)),
            number("lower", &format!("Lower {}", percent(self.level)), |r| r.lower),
            number("upper", &format!("Upper {}", percent(self.level)), |r| r.upper),
            Column::real("t", "t", Format::Decimals(2), self.rows.iter().map(|r| r.estimate.t)),
            Column::real("p", "p", Format::Probability, self.rows.iter().map(|r| r.estimate.p)),
        ]);
        if self.adjustment != Adjustment::None {
            columns.push(Column::real(
                "p_adjusted",
                &format!("p ({})", self.adjustment.words()),
                Format::Probability,
                self.rows.iter().map(|r| r.p_adjusted),
            ));
        }
        let heading = self.link.ratio_heading().unwrap_or("Ratio");
        columns.extend(on_outcome_scale(heading, self.level, self.rows.iter().map(|r| r.ratio)));
        columns
    }

    fn notes(&self) -> Vec<String> {
        let intervals = format!("{} confidence intervals. {}", percent(self.level), self.adjustment.sentence(self.family));
        self.notes.iter().cloned().chain([intervals]).collect()
    }
}

display_as_table!(Contrasts);
