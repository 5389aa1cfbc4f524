//! Hypotheses across outcomes and visits, decided at one familywise level.

use super::{Analysis, OutcomeResult};
use crate::error::Result;
use crate::estimates::Estimate;
use crate::level::percent;
use crate::means::{ArmComparisons, Compared, ContrastOptions};
use crate::multiplicity::Procedure;
use crate::table::{Column, Format, Tabular, display_as_table};

/// The hypotheses of a plan's [`Multiplicity`](super::Multiplicity), with what its procedure decided.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct MultiplicityResult {
    /// The procedure.
    pub procedure: Procedure,
    /// The familywise level of the two-sided tests.
    pub alpha: f64,
    /// Confidence level of the intervals, which are not adjusted.
    pub level: f64,
    /// The hypotheses, in the order of the plan.
    pub rows: Vec<HypothesisRow>,
}

/// A hypothesis and what was decided on it.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct HypothesisRow {
    /// Its name.
    pub name: String,
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub outcome_label: String,
    /// The visit.
    pub visit: String,
    /// The arms compared.
    #[serde(flatten)]
    pub compared: Compared,
    /// The difference, with the p-value that nothing is adjusted in.
    pub estimate: Estimate,
    /// Lower confidence limit, not adjusted.
    pub lower: f64,
    /// Upper confidence limit, not adjusted.
    pub upper: f64,
    /// The share of the level at the start; of a fixed sequence 1 for the first and 0 for the others.
    pub weight: f64,
    /// The adjusted p-value: the hypothesis is rejected where it is at most the familywise level.
    pub p_adjusted: f64,
    /// Whether it is rejected.
    pub rejected: bool,
    /// Its place in the order of rejection, counted from 1.
    pub order: Option<usize>,
    /// Why the data do not determine the difference, where they do not; the hypothesis cannot be rejected then.
    pub not_estimable: Option<String>,
}

/// The hypotheses of the plan, decided; nothing where it names none.
pub(super) fn decided(analysis: &Analysis<'_>, outcomes: &[OutcomeResult]) -> Result<Option<MultiplicityResult>> {
    let plan = &analysis.plan;
    let Some(planned) = &plan.multiplicity else { return Ok(None) };
    let mut rows = vec![];
    for (k, hypothesis) in planned.hypotheses.iter().enumerate() {
        let (name, visit) = (hypothesis.outcome_in(plan), hypothesis.visit_in(plan));
        let (arm, versus) = hypothesis.arms_in(analysis.trial)?;
        // Plans are checked: the outcome is one of theirs, the arms are those of the trial.
        let Some(outcome) = outcomes.iter().find(|o| o.name == name) else { continue };
        let options = ContrastOptions::default().level(plan.level).visits([visit]).arms(ArmComparisons::With(versus.into()));
        let table = outcome.fit.arm_contrasts(&options)?;
        let Some(contrast) = table.between(arm, versus, visit) else { continue };
        let weight = match planned.procedure {
            Procedure::FixedSequence => f64::from(u8::from(k == 0)),
            _ => planned.weights()?[k],
        };
        rows.push(HypothesisRow {
            name: hypothesis.name.clone(),
            outcome: outcome.name.clone(),
            outcome_label: outcome.label.clone(),
            visit: visit.into(),
            compared: contrast.compared.clone(),
            estimate: contrast.estimate.clone(),
            lower: contrast.lower,
            upper: contrast.upper,
            weight,
            p_adjusted: f64::NAN,
            rejected: false,
            order: None,
            not_estimable: contrast.not_estimable.clone(),
        });
    }
    let alpha = planned.level(plan.level);
    let found = planned.decide(&rows.iter().map(|row| row.estimate.p).collect::<Vec<_>>(), alpha)?;
    for (row, (adjusted, order)) in rows.iter_mut().zip(found.adjusted.into_iter().zip(found.order)) {
        (row.p_adjusted, row.rejected, row.order) = (adjusted, order.is_some(), order);
    }
    Ok(Some(MultiplicityResult { procedure: planned.procedure, alpha, level: plan.level, rows }))
}

impl MultiplicityResult {
    /// The row of a hypothesis.
    pub fn get(&self, name: &str) -> Option<&HypothesisRow> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The names of the rejected hypotheses, in the order in which they were rejected.
    pub fn rejected(&self) -> Vec<&str> {
        let mut rejected: Vec<&HypothesisRow> = self.rows.iter().filter(|row| row.rejected).collect();
        rejected.sort_by_key(|row| row.order);
        rejected.into_iter().map(|row| row.name.as_str()).collect()
    }
}

impl Tabular for MultiplicityResult {
    fn title(&self) -> String {
        format!("Hypotheses tested at a familywise level of {}", self.alpha)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let number = |name: &'static str, heading: &str, get: fn(&HypothesisRow) -> f64| {
            Column::by_error(name, heading, rows().map(get), rows().map(|r| r.estimate.se))
        };
        let probability = |name: &'static str, heading: &str, get: fn(&HypothesisRow) -> f64| {
            Column::real(name, heading, Format::PValue, rows().map(get))
        };
        vec![
            Column::text("hypothesis", "Hypothesis", rows().map(|r| r.name.as_str())),
            Column::text("outcome", "Outcome", rows().map(|r| r.outcome_label.as_str())),
            Column::text("visit", "Visit", rows().map(|r| r.visit.as_str())),
            Column::text("contrast", "Contrast", rows().map(|r| r.compared.to_string())),
            number("estimate", "Difference", |r| r.estimate.estimate),
            number("lower", &format!("Lower {}", percent(self.level)), |r| r.lower),
            number("upper", &format!("Upper {}", percent(self.level)), |r| r.upper),
            Column::real("weight", "Weight", Format::Decimals(3), rows().map(|r| r.weight)),
            probability("p", "p", |r| r.estimate.p),
            probability("p_adjusted", "Adjusted p", |r| r.p_adjusted),
            Column::text("decision", "Decision", rows().map(|r| if r.rejected { "rejected" } else { "not rejected" })),
            Column::text("order", "Order", rows().map(|r| r.order.map_or(String::new(), |order| order.to_string()))),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            format!(
                "Two-sided tests by {}; a hypothesis is rejected where its adjusted p-value is at most {}.",
                self.procedure.words(),
                self.alpha
            ),
            format!("{} confidence intervals, not adjusted for multiplicity.", percent(self.level)),
        ];
        if self.procedure == Procedure::Hochberg {
            notes.push("Hochberg's procedure keeps the level where the tests are independent or positively dependent.".into());
        }
        notes.extend(self.rows.iter().filter_map(|row| Some(format!("{} cannot be tested: {}.", row.name, row.not_estimable.as_ref()?))));
        notes
    }
}

display_as_table!(MultiplicityResult);
