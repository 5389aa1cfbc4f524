//! The algebra behind predictions: one patient, what was observed of them, and the mean squared error of what was not.

use super::predictions::PredictionKind;
use super::view::View;
use crate::design::Applied;
use crate::error::Error;
use nalgebra::{DMatrix, DVector};

/// One patient with the observations that predictions rest on.
pub(super) struct Patient<'a> {
    view: &'a View<'a>,
    kind: PredictionKind,
    group: Result<usize, String>,
    /// Per visit the row of the model matrix in the fitted columns as centred, or why there is none.
    rows: Vec<Result<DVector<f64>, String>>,
    /// Observation weights, 1 where there are none.
    weights: Vec<f64>,
    /// The visits o whose outcomes can be used, and the outcomes.
    used: Vec<usize>,
    outcomes: Vec<f64>,
    given: Option<Given>,
}

/// What the observed visits o say of the others.
struct Given {
    /// Σ_oo⁻¹, of the patient's own weights.
    precision: DMatrix<f64>,
    /// X_o, a column per visit.
    x: DMatrix<f64>,
    /// y_o − X_o β.
    residuals: DVector<f64>,
}

/// A prediction.
pub(super) struct Predicted {
    /// x'β.
    pub fitted: f64,
    /// The prediction itself.
    pub value: f64,
    /// How uncertain it is; nothing for an observed visit, which is its own conditional prediction.
    pub error: Option<PredictionError>,
}

/// The uncertainty of a prediction.
pub(super) struct PredictionError {
    pub se_mean: f64,
    pub df_mean: f64,
    pub se_prediction: f64,
    pub df_prediction: f64,
}

/// Why there is no row, without saying whose: what is counted over patients.
fn reason(error: Error) -> String {
    match error {
        Error::Missing { variable, why, .. } => format!("`{variable}` {why}"),
        other => other.to_string(),
    }
}

impl<'a> Patient<'a> {
    pub fn of(view: &'a View<'a>, applied: &Applied<'_>, patient: usize, kind: PredictionKind) -> Self {
        let visits = view.design.visit_labels().len();
        let group = applied.group(patient).map_err(reason);
        let row = |t: usize| {
            let x = applied.row(patient, t).map_err(reason)?;
            view.centred_weights("this prediction", &x).map_err(reason)
        };
        let rows: Vec<Result<DVector<f64>, String>> = (0..visits).map(row).collect();
        let known = |&t: &usize| rows[t].is_ok() && group.is_ok() && applied.weight(patient, t).is_ok();
        let observed = (0..visits).filter_map(|t| Some((t, applied.outcome(patient, t).ok()??)));
        let (used, outcomes) = observed.filter(|(t, _)| known(t)).unzip();
        let weights = (0..visits).map(|t| applied.weight(patient, t).unwrap_or(1.0)).collect();
        let mut patient = Self { view, kind, group, rows, weights, used, outcomes, given: None };
        if kind == PredictionKind::Conditional && !patient.used.is_empty() {
            patient.given = patient.observed();
        }
        patient
    }

    /// Whether the outcome at a visit was observed and can be used.
    pub fn uses(&self, visit: usize) -> bool {
        self.used.contains(&visit)
    }

    /// The prediction at a visit, or why there is none.
    pub fn predict(&self, visit: usize) -> Result<Predicted, String> {
        let x = self.rows[visit].as_ref().map_err(Clone::clone)?;
        let fitted = x.dot(&self.view.fit.optimum().beta);
        if self.kind == PredictionKind::Conditional
            && let Some(position) = self.used.iter().position(|&t| t == visit)
        {
            return Ok(Predicted { fitted, value: self.outcomes[position], error: None });
        }
        let group = *self.group.as_ref().map_err(Clone::clone)?;
        let own = self.covariance(group, visit, visit);
        let Some(given) = &self.given else {
            if self.kind == PredictionKind::Conditional && !self.used.is_empty() {
                return Err("the covariance of the patient's observed visits is singular".into());
            }
            // Nothing to condition on.
            let error = self.error(group, x, own, &[(visit, 1.0)], None)?;
            return Ok(Predicted { fitted, value: fitted, error: Some(error) });
        };
        let shared = DVector::from_iterator(self.used.len(), self.used.iter().map(|&o| self.covariance(group, visit, o)));
        let a = &given.precision * &shared;
        let c = x - &given.x * &a;
        let combination: Vec<(usize, f64)> = self.used.iter().zip(a.iter()).map(|(&o, a)| (o, -a)).chain([(visit, 1.0)]).collect();
        let error = self.error(group, &c, own - shared.dot(&a), &combination, Some(given))?;
        Ok(Predicted { fitted, value: fitted + a.dot(&given.residuals), error: Some(error) })
    }

    /// Σ of the patient's observations at two visits.
    fn covariance(&self, group: usize, a: usize, b: usize) -> f64 {
        self.view.covariances[group].sigma[(a, b)] / (self.weights[a] * self.weights[b]).sqrt()
    }

    fn observed(&self) -> Option<Given> {
        let group = *self.group.as_ref().ok()?;
        let m = self.used.len();
        let sigma = DMatrix::from_fn(m, m, |a, b| self.covariance(group, self.used[a], self.used[b]));
        let columns: Vec<DVector<f64>> = self.used.iter().filter_map(|&t| self.rows[t].as_ref().ok().cloned()).collect();
        let x = DMatrix::from_columns(&columns);
        let residuals = DVector::from_column_slice(&self.outcomes) - x.transpose() * &self.view.fit.optimum().beta;
        Some(Given { precision: sigma.cholesky()?.inverse(), x, residuals })
    }

    /// The uncertainty of a prediction whose error is a'ε − c'(β̂ − β), with Var a'ε = `conditional` and a given by
    /// visit.
    fn error(
        &self,
        group: usize,
        c: &DVector<f64>,
        conditional: f64,
        a: &[(usize, f64)],
        given: Option<&Given>,
    ) -> Result<PredictionError, String> {
        let mean = self.view.fit.centred_estimate("this prediction", c.clone()).map_err(|e| e.to_string())?;
        let df_prediction = match self.view.fit.df_method().uses_information() {
            true => self.satterthwaite(group, c, conditional, a, given),
            false => mean.df,
        };
        let se_prediction = (conditional + mean.se.powi(2)).sqrt();
        Ok(PredictionError { se_mean: mean.se, df_mean: mean.df, se_prediction, df_prediction })
    }

    /// 2v²/(g'Ωg) for v = a'Σa + c'Φc. With A = Σ_uo Σ_oo⁻¹ in a = (1, −A) and c = x_u − X_o'A',
    /// ∂_k v = a'∂_kΣ a − c'ΦP_kΦc − 2 a'∂_kΣ_{·o} Σ_oo⁻¹ X_o Φc.
    fn satterthwaite(&self, group: usize, c: &DVector<f64>, conditional: f64, a: &[(usize, f64)], given: Option<&Given>) -> f64 {
        let uncertainty = self.view.fit.uncertainty();
        let phi_c = &self.view.fit.optimum().phi * c;
        let mut left = vec![0.0; self.rows.len()];
        a.iter().for_each(|&(t, weight)| left[t] = weight / self.weights[t].sqrt());
        // a'∂Σ a − 2 a'∂Σ_{·o} b is a'∂Σ (a − 2b).
        let mut right = left.clone();
        if let Some(given) = given {
            let b = &given.precision * (given.x.transpose() * &phi_c);
            self.used.iter().zip(b.iter()).for_each(|(&o, b)| right[o] -= 2.0 * b / self.weights[o].sqrt());
        }
        let (left, right) = (self.view.on_fitted_visits(&left), self.view.on_fitted_visits(&right));
        let gradient = uncertainty.gradient_of_own_variance(group, &left, &right) + uncertainty.variance_gradient(&phi_c);
        let spread = uncertainty.spread(&gradient);
        let v = conditional + c.dot(&phi_c);
        if spread > 0.0 { 2.0 * v * v / spread } else { f64::INFINITY }
    }
}
