//! Correlations between responses at the same visit.

use super::JointFit;
use crate::dist;
use crate::error::Result;
use crate::level::check_level;
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::{DMatrix, DVector};

/// The correlations between the responses of a joint model, visit by visit.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResponseCorrelations {
    /// One row a pair of responses and a visit at which both were measured, group by group where the covariance
    /// differs by group.
    pub rows: Vec<ResponseCorrelation>,
    /// Confidence level.
    pub level: f64,
    /// How the model was fitted.
    notes: Vec<String>,
}

/// The correlation of two responses at a visit.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ResponseCorrelation {
    /// The covariance group; `all` where everyone has the same covariance.
    pub group: String,
    /// The first response.
    pub response: String,
    /// The second response.
    pub with: String,
    /// The visit.
    pub visit: String,
    /// The correlation of the two residuals of a patient.
    pub correlation: f64,
    /// Its standard error; NaN where a covariance parameter is at its boundary.
    pub se: f64,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
}

impl JointFit {
    /// The marginal correlations between responses at each visit that they share, with confidence intervals at a
    /// level such as 0.95.
    ///
    /// r = Σ_ab / √(Σ_aa Σ_bb) is the correlation of what the mean model leaves unexplained, over patients. Its
    /// standard error is by the delta method from the observed information of the covariance parameters; the interval
    /// is tanh(atanh r ± z se/(1 − r²)) (Fisher 1915, Biometrika 10:507–521).
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1).
    pub fn correlations(&self, level: f64) -> Result<ResponseCorrelations> {
        check_level(level)?;
        let gradients = self.covariance_gradients()?;
        let z = dist::normal::quantile(0.5 + 0.5 * level);
        let mut rows = vec![];
        for (g, group) in self.whole.covariances().iter().enumerate() {
            for (a, b) in self.pairs_of_cells() {
                let (correlation, se) = self.correlation(g, a.cell, b.cell, &gradients);
                let half = z * se / (1.0 - correlation * correlation);
                rows.push(ResponseCorrelation {
                    group: group.group.clone(),
                    response: a.response.to_string(),
                    with: b.response.to_string(),
                    visit: a.visit.to_string(),
                    correlation,
                    se,
                    lower: (correlation.atanh() - half).tanh(),
                    upper: (correlation.atanh() + half).tanh(),
                });
            }
        }
        Ok(ResponseCorrelations { rows, level, notes: self.whole.notes() })
    }

    /// Pairs of cells of different responses at the same visit, by visit.
    fn pairs_of_cells(&self) -> Vec<(Cell<'_>, Cell<'_>)> {
        let cells = self.responses.iter().zip(&self.places).enumerate().flat_map(|(r, (fit, place))| {
            let design = fit.design();
            let own = design.columns.visits.iter().zip(design.visit_labels()).zip(place.cells.clone());
            own.map(move |((&scheduled, visit), cell)| Cell { order: (scheduled, r), response: design.outcome(), visit, cell })
        });
        let mut cells: Vec<Cell> = cells.collect();
        cells.sort_by_key(|c| c.order);
        let mut pairs = vec![];
        for same_visit in cells.chunk_by(|a, b| a.order.0 == b.order.0) {
            for (i, a) in same_visit.iter().enumerate() {
                pairs.extend(same_visit[i + 1..].iter().map(|b| (*a, *b)));
            }
        }
        pairs
    }

    /// ∂Σ/∂θ_k for every parameter of every group, group by group.
    fn covariance_gradients(&self) -> Result<Vec<DMatrix<f64>>> {
        let structure = self.whole.covariance_structure().bind(&self.whole.design().columns.visit_times)?;
        let theta: Vec<f64> = self.whole.covariance_parameters().into_iter().map(|(_, value)| value).collect();
        let per_group = theta.len() / self.whole.covariances().len();
        let size = structure.visits();
        let derivative = |theta: &[f64], k: usize| {
            let mut derivative = DMatrix::zeros(size, size);
            structure.derivative(theta, k, &mut derivative);
            derivative
        };
        Ok(theta.chunks_exact(per_group).flat_map(|own| (0..per_group).map(|k| derivative(own, k)).collect::<Vec<_>>()).collect())
    }

    /// The correlation of two cells in a group, and its standard error.
    fn correlation(&self, group: usize, a: usize, b: usize, gradients: &[DMatrix<f64>]) -> (f64, f64) {
        let sigma = &self.whole.covariances()[group].sigma;
        let scale = (sigma[(a, a)] * sigma[(b, b)]).sqrt();
        let r = sigma[(a, b)] / scale;
        if !self.whole.convergence().boundary.is_empty() {
            return (r, f64::NAN);
        }
        let per_group = gradients.len() / self.whole.covariances().len();
        let slope = |k: usize, d: &DMatrix<f64>| match k / per_group == group {
            true => d[(a, b)] / scale - 0.5 * r * (d[(a, a)] / sigma[(a, a)] + d[(b, b)] / sigma[(b, b)]),
            false => 0.0,
        };
        let slopes = DVector::from_iterator(gradients.len(), gradients.iter().enumerate().map(|(k, d)| slope(k, d)));
        (r, (slopes.transpose() * self.whole.covariance_parameters_vcov() * &slopes)[0].sqrt())
    }
}

/// A response at a visit.
#[derive(Debug, Clone, Copy)]
struct Cell<'a> {
    /// Its visit in the schedule, then its response.
    order: (usize, usize),
    response: &'a str,
    visit: &'a str,
    cell: usize,
}

impl ResponseCorrelations {
    /// The correlation of two responses, in the model's order, at a visit; in the first group where there are several.
    pub fn get(&self, response: &str, with: &str, visit: &str) -> Option<&ResponseCorrelation> {
        self.rows.iter().find(|r| r.response == response && r.with == with && r.visit == visit)
    }
}

impl Tabular for ResponseCorrelations {
    fn title(&self) -> String {
        "Correlations between responses at the same visit".into()
    }

    fn columns(&self) -> Vec<Column> {
        let text =
            |name: &'static str, heading: &str, of: fn(&ResponseCorrelation) -> &str| Column::text(name, heading, self.rows.iter().map(of));
        let real = |name: &'static str, heading: &str, of: fn(&ResponseCorrelation) -> f64| {
            Column::real(name, heading, Format::Decimals(2), self.rows.iter().map(of))
        };
        let level = format!("{}%", (1000.0 * self.level).round() / 10.0);
        let mut columns = vec![];
        if self.rows.iter().any(|r| r.group != self.rows[0].group) {
            columns.push(text("group", "Group", |r| &r.group));
        }
        columns.extend([
            text("response", "Response", |r| &r.response),
            text("with", "With", |r| &r.with),
            text("visit", "Visit", |r| &r.visit),
            real("correlation", "r", |r| r.correlation),
            real("se", "SE", |r| r.se),
            real("lower", &format!("Lower {level}"), |r| r.lower),
            real("upper", &format!("Upper {level}"), |r| r.upper),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        let own = "Correlation of the residuals of the same patient; SE by the delta method from the observed information, intervals by Fisher's z.";
        self.notes.iter().cloned().chain([own.to_string()]).collect()
    }
}

display_as_table!(ResponseCorrelations);
