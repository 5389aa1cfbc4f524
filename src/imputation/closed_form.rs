//! Variances without a draw: the estimate is a linear function of the outcomes given the covariance.
//!
//! At visit t the ANCOVA estimate is θ = Σ_i c_i y_it, c = W(W'W)⁻¹l. An imputed value is y_it = m_it'β + b_it'y_i + δ_it
//! with m_it' the row of the strategy's mean less b_it' times the rows of the observed visits, and b_it the regression of
//! the missing on the observed. β̂ = Φ Σ_i X_i'V_i⁻¹y_i is linear too, so that θ̂ = Σ_i g_i'y_i + constant.

use super::ancova::Ancova;
use super::completion::{Cohort, Maps, Patient};
use crate::Fit;
use nalgebra::{DMatrix, DVector};

/// Standard errors of every statistic of [`Solved::statistics`](super::ancova::Solved::statistics).
pub(super) struct ClosedForm<'a> {
    cohort: &'a Cohort,
    ancova: &'a Ancova,
    fit: &'a Fit,
    sigmas: Vec<DMatrix<f64>>,
    maps: Vec<Maps>,
    /// M: of each patient the rows m_it, T × p; rows of observed visits are zero.
    rows: Vec<DMatrix<f64>>,
}

impl<'a> ClosedForm<'a> {
    pub fn new(cohort: &'a Cohort, ancova: &'a Ancova, fit: &'a Fit, sigmas: Vec<DMatrix<f64>>) -> Option<Self> {
        let maps = cohort.maps(&sigmas)?;
        let rows = cohort.patients.iter().map(|patient| {
            let (class, maps) = (&cohort.classes[patient.class], &maps[patient.class]);
            let mean = patient.rows(maps);
            let mut rows = DMatrix::zeros(cohort.visits, cohort.columns);
            for (k, &t) in class.missing.iter().enumerate() {
                let mut row = mean.row(t).into_owned();
                for (j, &o) in class.observed.iter().enumerate() {
                    row -= maps.regression[(k, j)] * mean.row(o);
                }
                rows.set_row(t, &(row * patient.factor[t]));
            }
            rows
        });
        let rows = rows.collect();
        Some(Self { cohort, ancova, fit, sigmas, maps, rows })
    }

    /// Each statistic's weights of the patients at a visit: the columns of an n × (2·arms − 1) matrix.
    fn weights(&self) -> Option<DMatrix<f64>> {
        let solved = self.ancova.solved(None)?;
        let means = solved.means();
        let differences = means[1..].iter().map(|l| l - &means[0]);
        let all: Vec<DVector<f64>> = means.iter().cloned().chain(differences).collect();
        let l = DMatrix::from_columns(&all);
        Some(&self.ancova.matrix * solved.gram.solve(&l))
    }

    /// Σ_i c_i m_it: how a statistic depends on β.
    fn slope(&self, weights: &DVector<f64>, visit: usize) -> DVector<f64> {
        let mut slope = DVector::zeros(self.cohort.columns);
        for (i, rows) in self.rows.iter().enumerate() {
            slope.axpy(weights[i], &rows.row(visit).transpose(), 1.0);
        }
        slope
    }

    /// Φ over all columns, zero for aliased ones.
    fn phi(&self) -> DMatrix<f64> {
        self.fit.model_based_vcov().map(|x| if x.is_nan() { 0.0 } else { x })
    }

    /// Over repetitions of the trial with the same covariates: Σ_i g_i'V_ig_i, and the covariance parameters' share.
    pub fn delta_method(&self) -> Option<Vec<f64>> {
        let (all, phi) = (self.weights()?, self.phi());
        let theta = self.slopes_in_theta(&all)?;
        let covariance = self.fit.covariance_parameters_vcov();
        let mut errors = vec![];
        for visit in 0..self.cohort.visits {
            for k in 0..all.ncols() {
                let weights = all.column(k).into_owned();
                let through_beta = &phi * self.slope(&weights, visit);
                let mut variance = 0.0;
                for (i, patient) in self.cohort.patients.iter().enumerate() {
                    let class = &self.cohort.classes[patient.class];
                    let o = &class.observed;
                    if o.is_empty() {
                        continue;
                    }
                    let sigma = &self.sigmas[class.group];
                    let v = DMatrix::from_fn(o.len(), o.len(), |a, b| sigma[(o[a], o[b])]);
                    let mut g = DVector::zeros(o.len());
                    let fitted: Vec<usize> = (0..o.len()).filter(|a| class.informing.contains(&o[*a])).collect();
                    if patient.in_fit.is_some() && !fitted.is_empty() {
                        let x = DMatrix::from_fn(fitted.len(), self.cohort.columns, |a, j| patient.own[(o[fitted[a]], j)]);
                        let of_fit = DMatrix::from_fn(fitted.len(), fitted.len(), |a, b| v[(fitted[a], fitted[b])]);
                        let through = of_fit.cholesky()?.solve(&(x * &through_beta));
                        fitted.iter().zip(through.iter()).for_each(|(&a, value)| g[a] += value);
                    }
                    match class.missing.iter().position(|&t| t == visit) {
                        Some(at) => g += weights[i] * patient.factor[visit] * self.maps[patient.class].regression.row(at).transpose(),
                        None => {
                            if let Some(at) = o.iter().position(|&t| t == visit) {
                                g[at] += weights[i];
                            }
                        }
                    }
                    variance += g.dot(&(v * &g));
                }
                let slope = &theta[visit * all.ncols() + k];
                variance += slope.dot(&(covariance * slope));
                errors.push(variance.sqrt());
            }
        }
        Some(errors)
    }

    /// How each statistic depends on the covariance parameters with β held: central differences of the imputed values.
    fn slopes_in_theta(&self, weights: &DMatrix<f64>) -> Option<Vec<DVector<f64>>> {
        let theta: Vec<f64> = self.fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
        let statistics = weights.ncols() * self.cohort.visits;
        let mut slopes = vec![DVector::zeros(theta.len()); statistics];
        for parameter in 0..theta.len() {
            let step = 1e-5 * theta[parameter].abs().max(1e-3);
            let at = |sign: f64| {
                let mut moved = theta.clone();
                moved[parameter] += sign * step;
                let maps = self.cohort.maps(&self.fit.covariances_at(&moved))?;
                Some(self.cohort.completed(self.fit.beta(), &maps))
            };
            let (above, below) = (at(1.0)?, at(-1.0)?);
            let t = self.cohort.visits;
            for visit in 0..t {
                for k in 0..weights.ncols() {
                    let slope: f64 = (0..self.cohort.patients.len())
                        .map(|i| weights[(i, k)] * (above[i * t + visit] - below[i * t + visit]) / (2.0 * step))
                        .sum();
                    slopes[visit * weights.ncols() + k][parameter] = slope;
                }
            }
        }
        Some(slopes)
    }

    /// Rubin's total variance as the number of draws goes to infinity: the expected ANCOVA variance of an imputed data set,
    /// and the variance between them, which comes from the posterior N(β̂, Φ) and the conditional variances.
    pub fn information_anchored(&self) -> Option<Vec<f64>> {
        let solved = self.ancova.solved(None)?;
        let (all, phi) = (self.weights()?, self.phi());
        let w = &self.ancova.matrix;
        let (n, q, t) = (w.nrows(), w.ncols(), self.cohort.visits);
        let completed = self.cohort.completed(self.fit.beta(), &self.maps);
        let means = solved.means();
        let ls: Vec<DVector<f64>> = means.iter().cloned().chain(means[1..].iter().map(|l| l - &means[0])).collect();
        // (W'W)⁻¹ once; leverages are rows of it.
        let inverse = solved.gram.inverse();
        let mut errors = vec![];
        for visit in 0..t {
            let y = DVector::from_iterator(n, (0..n).map(|i| completed[i * t + visit]));
            let residual = &y - w * solved.coefficients(&completed, visit, t);
            let own: Vec<f64> = (0..n).map(|i| self.conditional(i, visit)).collect();
            let rows = DMatrix::from_fn(n, self.cohort.columns, |i, j| self.rows[i][(visit, j)]);
            let projected = &rows - w * (&inverse * (w.transpose() * &rows));
            // tr(M (KΦK' + diag v)): what imputation adds to the residual sum of squares.
            let added = (rows.transpose() * projected * &phi).trace()
                + (0..n).map(|i| own[i] * (1.0 - (w.row(i) * &inverse * w.row(i).transpose())[(0, 0)])).sum::<f64>();
            let sigma2 = (residual.norm_squared() + added) / (n - q) as f64;
            for (k, l) in ls.iter().enumerate() {
                let weights = all.column(k).into_owned();
                let within = sigma2 * l.dot(&(&inverse * l));
                let slope = self.slope(&weights, visit);
                let between = slope.dot(&(&phi * &slope)) + (0..n).map(|i| weights[i] * weights[i] * own[i]).sum::<f64>();
                errors.push((within + between).sqrt());
            }
        }
        Some(errors)
    }

    /// The conditional variance of a patient's value at a visit, 0 where it was observed.
    fn conditional(&self, patient: usize, visit: usize) -> f64 {
        let Patient { class, factor, .. } = &self.cohort.patients[patient];
        let at = self.cohort.classes[*class].missing.iter().position(|&t| t == visit);
        at.map_or(0.0, |at| factor[visit].powi(2) * self.maps[*class].conditional[(at, at)])
    }
}
