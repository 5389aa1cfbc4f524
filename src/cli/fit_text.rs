//! A fit as tables for people.

use super::failure::Failure;
use super::fit::Answer;
use std::fmt::Write as _;
use trialstats::Trial;
use trialstats::error::Interface;
use trialstats::table::{Column, Format, Tabular};

/// All tables of the answer, one under the other.
pub fn render(answer: &Answer) -> Result<String, Failure> {
    let Answer { trial, fit, means, .. } = answer;
    let mut out = String::new();
    let _ = writeln!(out, "{}", heading(trial));
    let _ = writeln!(out, "{fit}");
    if let Some((means, contrasts)) = means {
        let _ = writeln!(out, "{means}\n{contrasts}");
    }
    let _ = writeln!(out, "{}", fit.term_tests()?);
    for group in fit.covariances() {
        let table = FittedCovariance { group: &group.group, visits: fit.design().visit_labels(), sigma: &group.sigma };
        let _ = writeln!(out, "{}", table.to_text());
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
fn heading(trial: &Trial) -> String {
    let randomized: Vec<String> = trial.arms().iter().zip(trial.randomized()).map(|(arm, n)| format!("{arm} {n}")).collect();
    format!("{}: {} patients ({})\n", trial.source(), trial.patients().len(), randomized.join(", "))
}

/// Σ of one group: standard deviations on the diagonal, correlations below.
struct FittedCovariance<'a> {
    group: &'a str,
    visits: &'a [String],
    sigma: &'a nalgebra::DMatrix<f64>,
}

impl Tabular for FittedCovariance<'_> {
    fn title(&self) -> String {
        if self.group == "all" { "Fitted covariance".into() } else { format!("Fitted covariance, {}", self.group) }
    }

    fn columns(&self) -> Vec<Column> {
        let visits = self.visits.len();
        let sd = |a: usize| self.sigma[(a, a)].sqrt();
        let correlation = |a: usize, b: usize| self.sigma[(a, b)] / (sd(a) * sd(b));
        let mut columns = vec![
            Column::text("visit", "visit", self.visits.iter().map(String::as_str)),
            Column::real("sd", "SD", Format::Decimals(3), (0..visits).map(sd)),
        ];
        for b in 0..visits.saturating_sub(1) {
            let below = (0..visits).map(|a| if a > b { correlation(a, b) } else { f64::NAN });
            columns.push(Column::real("correlation", &self.visits[b], Format::Decimals(3), below));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec!["SD of the outcome about its mean at each visit, and the correlations between visits.".into()]
    }
}
