//! Probabilities of the categories in the population: standardised over the covariates, arm by arm.

use super::OrdinalFit;
use super::fit::below;
use crate::error::Result;
use crate::estimates::{Estimates, estimates_of};
use crate::generalized::{PopulationCell, PopulationEstimate, PopulationMean, PopulationMeasure, PopulationOptions, population_means};
use crate::level::percent;
use crate::options::choices;
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::DMatrix;

/// Which categories a probability is of.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CategoryRange {
    /// One category.
    In,
    /// A category and all below it.
    AtMost,
}

choices! {
    CategoryRange, "range of categories":
    In = "in", ["equal"], "one category";
    AtMost = "at-most", ["cumulative"], "a category and all below it";
}

/// The standardised probability of a category, or of being at most in it, or the difference of two arms.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OrdinalEstimate {
    /// The category.
    pub category: String,
    /// Whether those below it are meant as well.
    pub range: CategoryRange,
    /// The probability or the difference.
    #[serde(flatten)]
    pub estimate: PopulationEstimate,
}

/// The probabilities of ordered categories in a population, with the differences between arms.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct OrdinalMeans {
    /// The outcome.
    pub outcome: String,
    /// Category by category, then cumulative: every arm, then the differences.
    pub rows: Vec<OrdinalEstimate>,
    /// How they were made.
    pub options: PopulationOptions,
    /// How many patients they are averaged over.
    pub patients: usize,
    notes: Vec<String>,
}

impl OrdinalFit {
    /// What share of a population would be in each category, and at most in each, in every arm, with the differences: by
    /// standardisation over the covariates, standard errors by the delta method in coefficients and thresholds.
    ///
    /// # Errors
    /// As [`population_means`](crate::generalized::population_means); Ye's variance is not built.
    pub fn population_means(&self, options: &PopulationOptions) -> Result<OrdinalMeans> {
        let last = self.categories().len() - 1;
        let each = (0..=last).map(|k| (k, CategoryRange::In));
        let cumulative = (0..last).map(|k| (k, CategoryRange::AtMost));
        let mut means = OrdinalMeans {
            outcome: self.columns().outcome().into(),
            rows: vec![],
            options: options.clone(),
            patients: 0,
            notes: self.notes(),
        };
        for (to, range) in each.chain(cumulative) {
            let from = if range == CategoryRange::In { to } else { 0 };
            let of = OfCategories { fit: self, cuts: self.cut_points(), from, to };
            let found = population_means(&of, self.trial(), options)?;
            let notes = found.notes();
            means.patients = found.patients;
            let category = &self.categories()[to];
            let shown = |row: &PopulationEstimate| matches!(row.measure, PopulationMeasure::Mean | PopulationMeasure::Difference);
            let rows = found.rows.into_iter().filter(shown);
            means.rows.extend(rows.map(|estimate| OrdinalEstimate { category: category.clone(), range, estimate }));
            let new: Vec<String> = notes.into_iter().filter(|note| !means.notes.contains(note)).collect();
            means.notes.extend(new);
        }
        Ok(means)
    }
}

impl OrdinalMeans {
    /// The probability of an arm at a visit, by their positions in the trial.
    pub fn probability(&self, range: CategoryRange, category: &str, arm: usize, visit: usize) -> Option<&PopulationEstimate> {
        self.of(range, category, visit).find(|e| e.arm.index == arm && e.versus.is_none())
    }

    /// The difference between an arm and another at a visit, by their positions in the trial.
    pub fn difference(
        &self,
        range: CategoryRange,
        category: &str,
        (arm, versus): (usize, usize),
        visit: usize,
    ) -> Option<&PopulationEstimate> {
        self.of(range, category, visit).find(|e| e.arm.index == arm && e.versus.as_ref().is_some_and(|v| v.index == versus))
    }

    fn of(&self, range: CategoryRange, category: &str, visit: usize) -> impl Iterator<Item = &PopulationEstimate> {
        let is = move |r: &&OrdinalEstimate| r.range == range && r.category == category;
        self.rows.iter().filter(is).map(|r| &r.estimate).filter(move |e| e.visit.as_ref().is_some_and(|v| v.index == visit))
    }
}

/// The probability of a range of categories as the mean of an outcome.
struct OfCategories<'a> {
    fit: &'a OrdinalFit,
    cuts: Vec<f64>,
    from: usize,
    to: usize,
}

impl Estimates for OfCategories<'_> {
    estimates_of!(self => self.fit);
}

impl PopulationMean for OfCategories<'_> {
    fn parameters_vcov(&self) -> &DMatrix<f64> {
        self.fit.parameter_covariance()
    }

    fn population_mean(&self, cell: &PopulationCell, gradient: &mut [f64]) -> f64 {
        let eta = cell.predictor(self.beta());
        let (beta, others) = gradient.split_at_mut(cell.row.len());
        let sd = self.fit.sd();
        let (last, all) = (others.len().saturating_sub(1), self.cuts.len());
        let mut total = if self.to == all { 1.0 } else { 0.0 };
        // P(Y ≤ to) less P(Y < from).
        let upper = (self.to < all).then_some((self.to, 1.0));
        let lower = self.from.checked_sub(1).map(|cut| (cut, -1.0));
        for (cut, sign) in upper.into_iter().chain(lower) {
            let [value, by_cut, by_sd] = below(self.cuts[cut], eta, sd).map(|x| sign * x);
            total += value;
            beta.iter_mut().zip(cell.row).for_each(|(g, x)| *g -= by_cut * x);
            // The first cut-point is zero and no parameter.
            if cut > 0 {
                others[cut - 1] += by_cut;
            }
            if sd.is_some() {
                others[last] += by_sd;
            }
        }
        total
    }
}

impl OrdinalEstimate {
    fn words(&self) -> String {
        match self.range {
            CategoryRange::In => self.category.clone(),
            CategoryRange::AtMost => format!("≤ {}", self.category),
        }
    }
}

impl Tabular for OrdinalMeans {
    fn title(&self) -> String {
        format!("Probabilities of the categories of {} in the population", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let number = |name, heading: &str, get: fn(&PopulationEstimate) -> f64| {
            Column::real(name, heading, Format::Decimals(4), rows().map(|r| get(&r.estimate)))
        };
        vec![
            Column::text("category", "Category", rows().map(OrdinalEstimate::words)),
            Column::text("of", "Arm or comparison", rows().map(|r| r.estimate.what())),
            Column::text("visit", "Visit", rows().map(|r| r.estimate.visit.as_deref().unwrap_or(""))),
            number("estimate", "Probability", |e| e.estimate),
            number("se", "SE", |e| e.se),
            number("lower", &format!("Lower {}", percent(self.options.level)), |e| e.lower),
            number("upper", &format!("Upper {}", percent(self.options.level)), |e| e.upper),
            Column::real("p", "p", Format::Probability, rows().map(|r| r.estimate.p)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(OrdinalMeans);
