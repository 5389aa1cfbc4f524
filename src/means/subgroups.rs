//! Differences between arms within the levels of a factor, and the test that they are the same in all of them.

use super::contrasts::{Wanted, arm_pairs, compared_visits, difference, evaluated};
use super::row::{baseline, cell_of, exclusions, on_scale, sentence, unobserved};
use super::{Compared, Contrast, ContrastOptions};
use crate::design::{Averaging, Columns, Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Result};
use crate::estimates::{Df, Estimates, FTest, Link};
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, by_reason, display_as_table};
use crate::trial::{Labelled, labelled};
use nalgebra::DMatrix;

/// The differences between arms within each level of a factor, and the tests that they do not differ by level.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SubgroupContrasts {
    /// The outcome.
    pub outcome: String,
    /// The factor.
    pub factor: String,
    /// One row per visit, pair of arms and level.
    pub rows: Vec<SubgroupContrast>,
    /// The tests of interaction.
    pub interactions: Interactions,
    /// How the means behind them were averaged.
    pub averaging: Averaging,
    /// Confidence level.
    pub level: f64,
    /// Method of the degrees of freedom, where it is one of those known here.
    pub df_method: Option<Df>,
    /// The scale of the estimates.
    pub link: Link,
    notes: Vec<String>,
}

/// The difference between two arms within a level of a factor.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SubgroupContrast {
    /// The level.
    pub subgroup: String,
    /// The difference. Nothing is adjusted for multiplicity.
    #[serde(flatten)]
    pub contrast: Contrast,
    /// Analysed observations of the arm at the visit in this level.
    pub n: usize,
    /// Those of the arm that it is compared with.
    pub n_versus: usize,
}

/// Tests that the differences between arms are the same in every level of a factor.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Interactions {
    /// The outcome.
    pub outcome: String,
    /// The factor.
    pub factor: String,
    /// One row per visit and pair of arms; where there are several pairs, one for all of them too.
    pub rows: Vec<Interaction>,
}

/// The test that a difference between arms is the same in every level of a factor.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Interaction {
    /// The arms compared; `None` for all pairs together.
    pub compared: Option<Compared>,
    /// The visit.
    #[serde(flatten, serialize_with = "labelled::fields::visit_if_any")]
    pub visit: Option<Labelled>,
    /// The levels among which it is tested: those in which the difference can be estimated.
    pub levels: Vec<String>,
    /// The F test, with degrees of freedom by the method of the estimates.
    pub test: Option<FTest>,
    /// Why there is no test, where there is none.
    pub not_estimable: Option<String>,
}

/// The differences between arms within each level of the factor called `name`.
pub(super) fn between_arms_within(of: &dyn Estimates, name: &str, options: &ContrastOptions) -> Result<SubgroupContrasts> {
    check_level(options.level)?;
    let (columns, account) = (of.columns(), of.account());
    let arm = columns.arm_dimension()?;
    let factor = crossed_with_arm(columns, arm, name)?;
    let grid = ReferenceGrid::new(columns, account, &options.averaging)?;
    let (arms, levels) = (columns.planned(arm), columns.planned(factor));
    let pairs = arm_pairs(&arms, &options.arms)?;
    let (mut rows, mut tests) = (vec![], vec![]);
    for visit in compared_visits(columns, options.visits.as_deref())? {
        let mut all: Vec<SubgroupContrast> = vec![];
        for &(a, b) in &pairs {
            let cell = |of_arm: &Planned, level: &Planned| -> [(Dimension, Planned); 3] {
                [(arm, of_arm.clone()), (Dimension::Visit, visit.clone()), (factor, level.clone())]
            };
            let (Some(of_arm), Some(versus)) = (arms[a].arm(), arms[b].arm()) else { continue };
            let compared = Compared::Arms { arm: of_arm, versus };
            let mut own = vec![];
            for level in &levels {
                let (first, second) = (cell(&arms[a], level), cell(&arms[b], level));
                own.push(within(of, &grid, &compared, level, &visit, [&first, &second], options.level)?);
            }
            tests.push(interaction(of, name, Some(&compared), &visit, &own)?);
            all.extend(own);
        }
        if pairs.len() > 1 {
            tests.push(interaction(of, name, None, &visit, &all)?);
        }
        rows.extend(all);
    }
    let mut notes = of.notes();
    notes.push(format!("Mean model: {}.", columns.mean_model()));
    notes.extend(sentence(&grid.sentence(&[arm, Dimension::Visit, factor])));
    notes.extend(baseline(columns));
    notes.extend(on_scale(of.link()));
    notes.extend(exclusions(account));
    notes.extend(unobserved(columns));
    Ok(SubgroupContrasts {
        outcome: columns.outcome().into(),
        factor: name.into(),
        rows,
        interactions: Interactions { outcome: columns.outcome().into(), factor: name.into(), rows: tests },
        averaging: options.averaging.clone(),
        level: options.level,
        df_method: of.method_of_df(),
        link: of.link(),
        notes,
    })
}

/// The dimension of a factor whose levels may have differences between arms of their own.
fn crossed_with_arm(columns: &Columns, arm: Dimension, name: &str) -> Result<Dimension> {
    let factor = columns.dimension(name)?;
    if factor == arm || factor == Dimension::Visit {
        return Err(Error::wrong_variable(
            format!("subgroups by `{name}`"),
            "subgroups are levels of another factor than the arm and the visit",
            "name a factor of the mean model",
        ));
    }
    let names = [columns.dimension_name(arm), columns.dimension_name(factor)];
    if columns.mean_model().terms().iter().any(|term| names.iter().all(|name| term.contains(name))) {
        return Ok(factor);
    }
    Err(Error::not_defined(
        format!("differences between arms within levels of `{name}`"),
        "the mean model has no interaction of the arm with it, so that they are the same in each level by assumption",
        format!("add the interaction, such as `{} * {name}`, with the visit where the model has it", names[0]),
    ))
}

/// One difference within one level; `cells` are those of its two means.
fn within(
    of: &dyn Estimates,
    grid: &ReferenceGrid,
    compared: &Compared,
    level: &Planned,
    visit: &Planned,
    cells: [&[(Dimension, Planned); 3]; 2],
    confidence: f64,
) -> Result<SubgroupContrast> {
    let row = |cell: &[(Dimension, Planned); 3]| cell_of(grid, &cell.iter().map(|(d, planned)| (*d, planned)).collect::<Vec<_>>());
    let count = |cell: &[(Dimension, Planned); 3]| {
        let observed: Option<Vec<(Dimension, usize)>> = cell.iter().map(|(d, planned)| Some((*d, planned.level.clone().ok()?))).collect();
        observed.map_or(0, |cell| of.account().count(&cell))
    };
    let wanted = Wanted {
        compared: compared.clone(),
        visit: visit.visit(),
        l: difference(row(cells[0]), row(cells[1])),
        minus: 0.0,
        is_difference: true,
    };
    let (n, n_versus) = (count(cells[0]), count(cells[1]));
    let mut contrast = evaluated(of, wanted, confidence)?;
    contrast.estimate.label = format!("{}: {}", level.label, contrast.estimate.label);
    // Who is missing says more than which column of the model matrix is.
    let empty = cells.iter().zip([n, n_versus]).find(|(_, n)| *n == 0);
    if let (Some(_), Some((cell, _))) = (&contrast.not_estimable, empty) {
        let (arm, level) = (&cell[0].1.label, &level.label);
        contrast.not_estimable = Some(match cell.iter().find_map(|(_, planned)| planned.level.clone().err()) {
            Some(unseen) => unseen,
            None => format!("nobody in arm {arm} with level {level} has an analysed observation at {}", visit.label),
        });
    }
    Ok(SubgroupContrast { subgroup: level.label.clone(), contrast, n, n_versus })
}

/// The test that differences are the same in every level in which they can be estimated.
fn interaction(
    of: &dyn Estimates,
    factor: &str,
    compared: Option<&Compared>,
    visit: &Planned,
    rows: &[SubgroupContrast],
) -> Result<Interaction> {
    let known: Vec<&SubgroupContrast> = rows.iter().filter(|r| r.contrast.not_estimable.is_none()).collect();
    let mut levels: Vec<String> = vec![];
    let mut hypotheses: Vec<Vec<f64>> = vec![];
    for row in &known {
        if !levels.contains(&row.subgroup) {
            levels.push(row.subgroup.clone());
        }
        // Each level against the first of the same arms.
        let first = known.iter().find(|other| other.contrast.compared == row.contrast.compared);
        if let Some(first) = first.filter(|first| first.subgroup != row.subgroup) {
            hypotheses.push(row.contrast.coefficients.iter().zip(&first.contrast.coefficients).map(|(x, y)| x - y).collect());
        }
    }
    let label = match compared {
        Some(compared) => format!("{factor} by {compared} at {}", visit.label),
        None => format!("{factor} by arm at {}", visit.label),
    };
    let found = |test, not_estimable| Interaction {
        compared: compared.cloned(),
        visit: visit.visit(),
        levels: levels.clone(),
        test,
        not_estimable,
    };
    if hypotheses.is_empty() {
        let only = match levels.as_slice() {
            [] => "the difference can be estimated in no level".into(),
            [one] => format!("the difference can be estimated in {one} alone"),
            _ => "no difference can be estimated in two levels".to_string(),
        };
        return Ok(found(None, Some(only)));
    }
    // Where the arms have one mean by assumption, as before treatment, nothing is left to test.
    hypotheses.retain(|row| row.iter().any(|weight| *weight != 0.0));
    if hypotheses.is_empty() {
        return Ok(found(None, Some("the difference is the same in each level by assumption".into())));
    }
    let l = DMatrix::from_fn(hypotheses.len(), hypotheses[0].len(), |r, c| hypotheses[r][c]);
    match of.f_test(&label, &l) {
        Ok(test) => Ok(found(Some(test), None)),
        Err(Error::NotEstimable { why, .. }) => Ok(found(None, Some(why))),
        Err(other) => Err(other),
    }
}

impl SubgroupContrasts {
    /// The difference of `arm` and `versus` within a level at a visit.
    pub fn between(&self, subgroup: &str, arm: &str, versus: &str, visit: &str) -> Option<&SubgroupContrast> {
        let compares = |c: &Compared| matches!(c, Compared::Arms { arm: a, versus: b } if a == arm && b == versus);
        self.rows.iter().find(|r| r.subgroup == subgroup && r.contrast.visit.as_deref() == Some(visit) && compares(&r.contrast.compared))
    }
}

impl Tabular for SubgroupContrasts {
    fn title(&self) -> String {
        format!("Differences between arms in {} within levels of {}", self.outcome, self.factor)
    }

    fn columns(&self) -> Vec<Column> {
        let errors = Format::of_errors(self.rows.iter().map(|r| r.contrast.estimate.se));
        let number = |name: &'static str, heading: &str, format, get: fn(&Contrast) -> f64| {
            Column::real(name, heading, format, self.rows.iter().map(|r| get(&r.contrast)))
        };
        vec![
            Column::text("subgroup", &self.factor, self.rows.iter().map(|r| r.subgroup.as_str())),
            Column::text("contrast", "Contrast", self.rows.iter().map(|r| r.contrast.label())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.contrast.visit.as_deref().unwrap_or(""))),
            Column::count("n", "n", self.rows.iter().map(|r| r.n)),
            Column::count("n_versus", "n, versus", self.rows.iter().map(|r| r.n_versus)),
            number("estimate", self.link.estimate_heading("Estimate"), errors, |c| c.estimate.estimate),
            number("se", "SE", errors, |c| c.estimate.se),
            number("df", "df", Format::Df, |c| c.estimate.df),
            number("lower", &format!("Lower {}", percent(self.level)), errors, |c| c.lower),
            number("upper", &format!("Upper {}", percent(self.level)), errors, |c| c.upper),
            number("t", "t", Format::Decimals(2), |c| c.estimate.t),
            number("p", "p", Format::Probability, |c| c.estimate.p),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let unknown = self.rows.iter().filter_map(|r| Some((r.contrast.estimate.label.clone(), r.contrast.not_estimable.as_deref()?)));
        let remark = |(reason, rows): (&str, Vec<String>)| format!("Not estimable: {} ({reason}).", rows.join("; "));
        let mut notes = self.notes.clone();
        notes.push(format!("{} confidence intervals. Not adjusted for multiplicity.", percent(self.level)));
        notes.push("n: analysed observations at the visit.".into());
        notes.extend(by_reason(unknown).into_iter().map(remark));
        notes
    }
}

impl Tabular for Interactions {
    fn title(&self) -> String {
        format!("Whether differences between arms in {} differ by {}", self.outcome, self.factor)
    }

    fn columns(&self) -> Vec<Column> {
        let number = |name: &'static str, heading: &str, format, get: fn(&FTest) -> f64| {
            Column::real(name, heading, format, self.rows.iter().map(|r| r.test.as_ref().map_or(f64::NAN, get)))
        };
        vec![
            Column::text(
                "contrast",
                "Contrast",
                self.rows.iter().map(|r| r.compared.as_ref().map_or_else(|| "all arms".to_string(), Compared::to_string)),
            ),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_deref().unwrap_or(""))),
            number("num_df", "df", Format::Decimals(0), |t| t.num_df),
            number("denom_df", "Denominator df", Format::Df, |t| t.denom_df),
            number("f", "F", Format::Decimals(2), |t| t.f),
            number("p", "p", Format::Probability, |t| t.p),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let unknown = self.rows.iter().filter_map(|r| {
            let contrast = r.compared.as_ref().map_or_else(|| "all arms".to_string(), Compared::to_string);
            Some((contrast, r.not_estimable.as_deref()?))
        });
        let remark = |(reason, rows): (&str, Vec<String>)| format!("No test of {}: {reason}.", rows.join("; "));
        by_reason(unknown).into_iter().map(remark).collect()
    }
}

display_as_table!(SubgroupContrasts);
display_as_table!(Interactions);
