//! The summary of a fit: what `println!("{fit}")` shows.

use super::criteria::ParameterCount;
use super::{Coefficients, Fit, MomentsFit};
use crate::error::Result;
use crate::fit::Estimation;
use crate::table::layout::{WIDTH, paragraph, text};
use crate::table::{Column, Format, Tabular as _, counted};
use std::fmt;

/// What users of R and SAS look for after a fit: the model, how it was fitted, the data, the coefficients, the
/// covariance parameters or variance components, fit statistics, convergence, and everything that a reader has to know.
///
/// ```
/// # use trialstats::{Model, simulate::Gaussian};
/// # fn main() -> trialstats::Result<()> {
/// # let trial = Gaussian::new(["before", "after"]).arm("a", 40, [5.0, 5.0]).arm("b", 40, [5.0, 4.0]).trial(1, 0)?;
/// let fit = Model::formula("y ~ arm * visit")?.fit(&trial)?;
/// println!("{fit}");
/// # assert!(fit.to_string().contains("Covariance parameters"));
/// # Ok(())
/// # }
/// ```
impl fmt::Display for MomentsFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary_of(&self.coefficients()))
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl MomentsFit {
    /// The summary that is printed, with confidence limits of the coefficients at another level than 95%.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1).
    pub fn summary(&self, level: f64) -> Result<String> {
        Ok(self.summary_of(&self.coefficients().at_level(level)?))
    }

    fn summary_of(&self, coefficients: &Coefficients) -> String {
        // How the model was fitted stands at the head, and is not said again below.
        let opening = self.opening();
        let notes = coefficients
            .notes
            .iter()
            .filter(|note| !opening.contains(note))
            .cloned()
            .chain(self.account.exclusions().observations_sentence());
        let warnings = self.account.warnings().iter().map(|warning| format!("Warning: {warning}."));
        let sections = [
            self.head(),
            text(&coefficients.title(), &coefficients.columns(), &[], WIDTH),
            self.components(),
            self.parameters(),
            self.statistics(),
            notes.chain(warnings).map(|note| paragraph(&note, WIDTH)).collect(),
        ];
        sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The model, how it was fitted, and to how many.
    fn head(&self) -> String {
        let columns = self.columns();
        let random = columns.options.random.iter().map(|effects| format!(" + {effects}")).collect::<String>();
        let title = format!("{}{random}", columns.mean_model());
        let rule = "─".repeat(title.chars().count().min(WIDTH));
        let lines = self.opening().into_iter().chain([self.data_sentence()]).chain(self.levels_sentence());
        format!("{}{rule}\n{}", paragraph(&title, WIDTH), lines.map(|line| paragraph(&line, WIDTH)).collect::<String>())
    }

    /// The visits, and who was randomized and is not analysed.
    fn data_sentence(&self) -> String {
        let exclusions = self.account.exclusions();
        let left_out: Vec<String> = exclusions.patient_clauses().into_iter().map(|clause| format!("; {clause}")).collect();
        format!("Visits: {}. Patients randomized: {}{}.", self.columns.visit_labels().join(", "), exclusions.randomized, left_out.concat())
    }

    /// How many levels each factor of random effects has.
    fn levels_sentence(&self) -> Option<String> {
        let mut factors: Vec<(&str, usize)> = vec![];
        for term in self.random() {
            if !factors.iter().any(|(name, _)| *name == term.factor()) {
                factors.push((term.factor(), term.levels().len()));
            }
        }
        let levels: Vec<String> = factors.iter().map(|(name, n)| format!("{name}, {n}")).collect();
        (!levels.is_empty()).then(|| format!("Levels of random effects: {}.", levels.join("; ")))
    }

    /// Variances of the random effects and of the residuals, where there are random effects.
    fn components(&self) -> String {
        if self.random().is_empty() {
            return String::new();
        }
        let components = self.variance_components();
        text(&components.title(), &components.columns(), &[], WIDTH)
    }

    /// The parameters of the covariance of a patient's visits; nothing where the variance components have said it.
    fn parameters(&self) -> String {
        let own = self.first_of_effects();
        if own == self.covariances().len() && !self.random().is_empty() {
            return String::new();
        }
        let parameters = || self.optimum().parameter_names.iter().zip(&self.optimum().theta).take(own);
        let columns = [
            Column::text("parameter", "parameter", parameters().map(|(name, _)| name.as_str())),
            Column::significant("estimate", "estimate", 4, parameters().map(|(_, theta)| *theta)),
        ];
        text("Covariance parameters", &columns, &[], WIDTH)
    }

    /// Likelihood, information criteria and how the search ended.
    fn statistics(&self) -> String {
        let criteria = self.information_criteria(ParameterCount::Covariance);
        let restricted = match self.estimation() {
            Estimation::Reml => "−2 restricted log-likelihood",
            Estimation::Ml => "−2 log-likelihood",
        };
        let value = |name, heading, x| Column::real(name, heading, Format::Decimals(2), [x]);
        let columns = [
            value("deviance", restricted, -2.0 * self.log_likelihood()),
            value("aic", "AIC", criteria.aic),
            value("aicc", "AICC", criteria.aicc),
            value("bic", "BIC", criteria.bic),
        ];
        let convergence = self.convergence();
        let notes = [
            format!("Converged after {}.", counted(convergence.iterations, "iteration")),
            format!("The criteria count the {}; BIC takes patients as n.", counted(self.optimum().theta.len(), "covariance parameter")),
        ];
        text("Fit statistics", &columns, &notes, WIDTH)
    }
}
