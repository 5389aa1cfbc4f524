//! A fit as tables for people.

use super::failure::Failure;
use super::fit::Answer;
use std::fmt::Write as _;
use trialstats::error::Interface;
use trialstats::table::{Column, Format, Tabular, counted, text_without};
use trialstats::{Covariance, Trial};

/// All tables of the answer, one under the other. How the model was fitted stands above them, once.
pub fn render(answer: &Answer) -> Result<String, Failure> {
    let Answer { trial, fit, means, .. } = answer;
    let said = fit.notes();
    let mut out = String::new();
    let _ = writeln!(out, "{}", heading(trial));
    let _ = writeln!(out, "{}", fit.summary(answer.arguments.level)?);
    let mut add = |table: &dyn Tabular| {
        if table.columns().first().is_some_and(|column| !column.is_empty()) {
            let _ = writeln!(out, "{}", text_without(table, &said));
        }
    };
    if let Some(tables) = means {
        add(&tables.means);
        tables.differences.iter().chain(&tables.custom).for_each(|contrasts| add(contrasts));
    }
    answer.subgroups.tables().into_iter().for_each(&mut add);
    add(&fit.term_tests()?);
    let with_effects = !fit.design().random().is_empty();
    if let Some(correlations) = answer.intraclass_correlations() {
        add(&correlations);
    }
    if with_effects && let Ok(observations) = fit.observation_covariance() {
        add(&observations);
    }
    // Independent residuals of one variance are among the variance components.
    let in_components = with_effects && *fit.covariance_structure() == Covariance::Independent;
    for group in fit.covariances().iter().filter(|_| !in_components) {
        add(&FittedCovariance { group: &group.group, visits: fit.design().visit_labels(), sigma: &group.sigma, with_effects });
    }
    for warning in trial.warnings() {
        let _ = writeln!(out, "Warning: {}", warning.clone().worded_for(Interface::CommandLine));
    }
    for note in trial.inferred() {
        let _ = writeln!(out, "Note: {note}");
    }
    Ok(out)
}

/// The file, and who was randomized.
pub fn heading(trial: &Trial) -> String {
    let randomized: Vec<String> = trial.arms().iter().zip(trial.randomized()).map(|(arm, n)| format!("{arm} {n}")).collect();
    format!("{}: {} ({})\n", trial.source(), counted(trial.patients().len(), "patient"), randomized.join(", "))
}

/// Σ of one group: standard deviations on the diagonal, correlations below.
struct FittedCovariance<'a> {
    /// Whether the model has random effects beside it.
    with_effects: bool,
    group: &'a str,
    visits: &'a [String],
    sigma: &'a nalgebra::DMatrix<f64>,
}

impl Tabular for FittedCovariance<'_> {
    fn title(&self) -> String {
        let what = if self.with_effects { "Fitted covariance of the residuals" } else { "Fitted covariance" };
        if self.group == "all" { what.into() } else { format!("{what}, {}", self.group) }
    }

    fn columns(&self) -> Vec<Column> {
        let visits = self.visits.len();
        let sd = |a: usize| self.sigma[(a, a)].sqrt();
        let correlation = |a: usize, b: usize| self.sigma[(a, b)] / (sd(a) * sd(b));
        let mut columns = vec![
            Column::text("visit", "visit", self.visits.iter().map(String::as_str)),
            Column::real("sd", "SD", Format::of_errors((0..visits).map(|t| sd(t) / 100.0)), (0..visits).map(sd)),
        ];
        for b in 0..visits.saturating_sub(1) {
            let below = (0..visits).map(|a| if a > b { correlation(a, b) } else { f64::NAN });
            columns.push(Column::real("correlation", &self.visits[b], Format::Decimals(3), below));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let of = match self.with_effects {
            true => "SD of an observation about what mean and random effects let expect",
            false => "SD of the outcome about its mean",
        };
        vec![format!("{of} at each visit, and the correlations between visits.")]
    }
}
