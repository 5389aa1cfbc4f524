//! Variances without a draw: the estimate is a linear function of the outcomes given the covariance.
//!
//! At visit t the ANCOVA estimate is θ = Σ_i c_i y_it, c = W(W'W)⁻¹l. An imputed value is y_it = m_it'β + b_it'y_i + δ_it
//! with m_it' the row of the strategy's mean less b_it' times the rows of the observed visits, and b_it the regression of
//! the missing on the observed. β̂ = Φ Σ_i X_i'V_i⁻¹y_i is linear too, so that θ̂ = Σ_i g_i'y_i + constant.

use super::ancova::Ancova;
use super::completion::{Class, Cohort, Maps, Patient};
use crate::Fit;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

/// Standard errors of every statistic of [`Solved::statistics`](super::ancova::Solved::statistics).
pub(super) struct ClosedForm<'a> {
    pub(super) cohort: &'a Cohort,
    pub(super) ancova: &'a Ancova,
    pub(super) fit: &'a Fit,
    pub(super) sigmas: Vec<DMatrix<f64>>,
    pub(super) maps: Vec<Maps>,
    /// M: of each patient with missing values the rows m_it, p × T; those of observed visits are zero.
    rows: Vec<Option<DMatrix<f64>>>,
}

impl<'a> ClosedForm<'a> {
    pub fn new(cohort: &'a Cohort, ancova: &'a Ancova, fit: &'a Fit, sigmas: Vec<DMatrix<f64>>) -> Option<Self> {
        let maps = cohort.maps(&sigmas)?;
        let rows = cohort.patients.iter().map(|patient| {
            let (class, maps) = (&cohort.classes[patient.class], &maps[patient.class]);
            (!class.missing.is_empty()).then(|| {
                let mean = patient.rows(maps);
                let mut rows = DMatrix::zeros(cohort.columns, cohort.visits);
                for (k, &t) in class.missing.iter().enumerate() {
                    for (j, value) in rows.column_mut(t).iter_mut().enumerate() {
                        let of_observed = class.observed.iter().enumerate().map(|(o, &at)| maps.regression[(k, o)] * mean[(at, j)]);
                        *value = (mean[(t, j)] - of_observed.sum::<f64>()) * patient.factor[t];
                    }
                }
                rows
            })
        });
        let rows = rows.collect();
        Some(Self { cohort, ancova, fit, sigmas, maps, rows })
    }

    /// Each statistic's weights of the patients at a visit: the columns of an n × (2·arms − 1) matrix.
    pub(super) fn weights(&self) -> Option<DMatrix<f64>> {
        let solved = self.ancova.solved(None)?;
        let means = solved.means();
        let differences = means[1..].iter().map(|l| l - &means[0]);
        let all: Vec<DVector<f64>> = means.iter().cloned().chain(differences).collect();
        let l = DMatrix::from_columns(&all);
        Some(&self.ancova.matrix * solved.gram.solve(&l))
    }

    /// The rows m_it of those whose value at a visit is imputed, with their places.
    fn imputed(&self, visit: usize) -> impl Iterator<Item = (usize, &[f64])> {
        let p = self.cohort.columns;
        self.rows.iter().enumerate().filter_map(move |(i, rows)| {
            let missing = &self.cohort.classes[self.cohort.patients[i].class].missing;
            let rows = rows.as_ref().filter(|_| missing.contains(&visit))?;
            Some((i, &rows.as_slice()[visit * p..(visit + 1) * p]))
        })
    }

    /// Σ_i c_i m_it: how a statistic depends on β.
    pub(super) fn slope(&self, weights: &[f64], visit: usize) -> DVector<f64> {
        let mut slope = DVector::zeros(self.cohort.columns);
        for (i, row) in self.imputed(visit) {
            slope.iter_mut().zip(row).for_each(|(slope, m)| *slope += weights[i] * m);
        }
        slope
    }

    /// Φ over all columns, zero for aliased ones.
    pub(super) fn phi(&self) -> DMatrix<f64> {
        self.fit.model_based_vcov().map(|x| if x.is_nan() { 0.0 } else { x })
    }

    /// Over repetitions of the trial with the same covariates: Σ_i g_i'V_ig_i, and the covariance parameters' share.
    pub fn delta_method(&self) -> Option<Vec<f64>> {
        let (all, phi) = (self.weights()?, self.phi());
        let theta = self.slopes_in_theta(&all)?;
        let covariance = self.fit.covariance_parameters_vcov();
        let kept: Vec<Kept> = self.cohort.classes.iter().map(|class| Kept::of(class, &self.sigmas[class.group])).collect::<Option<_>>()?;
        let statistics = all.ncols();
        let error = |at: usize| {
            let (visit, k) = (at / statistics, at % statistics);
            let weights = &all.as_slice()[k * all.nrows()..(k + 1) * all.nrows()];
            let slope = &theta[at];
            let of_theta = slope.dot(&(covariance * slope));
            (self.of_outcomes(&kept, weights, &(&phi * self.slope(weights, visit)), visit) + of_theta).sqrt()
        };
        // Statistics are summed each by itself, whatever thread does it.
        Some((0..self.cohort.visits * statistics).into_par_iter().map(error).collect())
    }

    /// Σ_i g_i'V_ig_i of a statistic at a visit, with Φ times its slope in β.
    fn of_outcomes(&self, kept: &[Kept], weights: &[f64], through_beta: &DVector<f64>, visit: usize) -> f64 {
        let visits = self.cohort.visits;
        let [mut g, mut fitted] = [(); 2].map(|()| vec![0.0; visits]);
        let mut variance = 0.0;
        for (i, patient) in self.cohort.patients.iter().enumerate() {
            let (class, Kept { v, fitted: places, inverse }) = (&self.cohort.classes[patient.class], &kept[patient.class]);
            let size = class.observed.len();
            let g = &mut g[..size];
            g.fill(0.0);
            if patient.in_fit.is_some() {
                for (value, &place) in fitted.iter_mut().zip(places) {
                    let row = patient.own.as_slice().iter().skip(class.observed[place]).step_by(visits);
                    *value = row.zip(through_beta.iter()).map(|(x, b)| x * b).sum();
                }
                for (a, &place) in places.iter().enumerate() {
                    g[place] += (0..places.len()).map(|b| inverse[(a, b)] * fitted[b]).sum::<f64>();
                }
            }
            match class.missing.iter().position(|&t| t == visit) {
                Some(at) => {
                    let weight = weights[i] * patient.factor[visit];
                    g.iter_mut().enumerate().for_each(|(o, g)| *g += weight * self.maps[patient.class].regression[(at, o)]);
                }
                None => {
                    if let Some(at) = class.observed.iter().position(|&t| t == visit) {
                        g[at] += weights[i];
                    }
                }
            }
            variance += (0..size).map(|a| g[a] * (0..size).map(|b| v[(a, b)] * g[b]).sum::<f64>()).sum::<f64>();
        }
        variance
    }

    /// How each statistic depends on the covariance parameters with β held: central differences of the imputed values, which
    /// are linear in what patients of a class have: their sums are made once.
    pub(super) fn slopes_in_theta(&self, weights: &DMatrix<f64>) -> Option<Vec<DVector<f64>>> {
        let theta: Vec<f64> = self.fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
        let statistics = weights.ncols();
        let sums = self.sums(weights);
        let mut slopes = vec![DVector::zeros(theta.len()); statistics * self.cohort.visits];
        for parameter in 0..theta.len() {
            let step = 1e-5 * theta[parameter].abs().max(1e-3);
            let at = |sign: f64| {
                let mut moved = theta.clone();
                moved[parameter] += sign * step;
                self.cohort.maps(&self.fit.covariances_at(&moved))
            };
            let (above, below) = (at(1.0)?, at(-1.0)?);
            for (c, (class, sums)) in self.cohort.classes.iter().zip(&sums).enumerate() {
                for (at, sum) in sums.iter().enumerate() {
                    let (m, k) = (at / statistics, at % statistics);
                    let difference = sum.imputed(class, &above[c], m) - sum.imputed(class, &below[c], m);
                    slopes[class.missing[m] * statistics + k][parameter] += difference / (2.0 * step);
                }
            }
        }
        Some(slopes)
    }

    /// Of each class, for each missing visit and statistic, the sums that imputed values follow from.
    fn sums(&self, weights: &DMatrix<f64>) -> Vec<Vec<ClassSum>> {
        let (statistics, visits) = (weights.ncols(), self.cohort.visits);
        let beta = DVector::from_iterator(self.cohort.columns, self.fit.beta().iter().map(|b| if b.is_nan() { 0.0 } else { *b }));
        let zero = |class: &Class| vec![ClassSum::zero(visits, class.observed.len()); class.missing.len() * statistics];
        let mut sums: Vec<Vec<ClassSum>> = self.cohort.classes.iter().map(zero).collect();
        for (i, patient) in self.cohort.patients.iter().enumerate() {
            let class = &self.cohort.classes[patient.class];
            if class.missing.is_empty() {
                continue;
            }
            let (own, reference) = (&patient.own * &beta, patient.in_reference() * &beta);
            for (at, sum) in sums[patient.class].iter_mut().enumerate() {
                let weight = weights[(i, at % statistics)] * patient.factor[class.missing[at / statistics]];
                sum.own.axpy(weight, &own, 1.0);
                sum.reference.axpy(weight, &reference, 1.0);
                sum.observed.iter_mut().zip(&class.observed).for_each(|(sum, &o)| *sum += weight * patient.outcomes[o]);
            }
        }
        sums
    }

    /// Rubin's total variance as the number of draws goes to infinity: the expected ANCOVA variance of an imputed data set,
    /// and the variance between them, which comes from the posterior N(β̂, Φ) and the conditional variances.
    pub fn information_anchored(&self) -> Option<Vec<f64>> {
        let solved = self.ancova.solved(None)?;
        let (all, phi) = (self.weights()?, self.phi());
        let (n, q, t) = (self.ancova.matrix.nrows(), self.ancova.width(), self.cohort.visits);
        let completed = self.cohort.completed(self.fit.beta(), &self.maps);
        let means = solved.means();
        let ls: Vec<DVector<f64>> = means.iter().cloned().chain(means[1..].iter().map(|l| l - &means[0])).collect();
        // (W'W)⁻¹ once; leverages are forms of it.
        let inverse = solved.gram.inverse();
        let leverage = |w: &[f64]| (0..q).map(|a| w[a] * (0..q).map(|b| inverse[(a, b)] * w[b]).sum::<f64>()).sum::<f64>();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut errors = vec![];
        for visit in 0..t {
            let coefficients = solved.coefficients(&completed, visit, t);
            let own: Vec<f64> = (0..n).map(|i| self.conditional(i, visit)).collect();
            // tr(M (KΦK' + diag v)): what imputation adds to the residual sum of squares, M being I − W(W'W)⁻¹W' and K the
            // rows m_it, zero where the value was observed.
            let (mut crossed, mut added, mut squares) = (DMatrix::<f64>::zeros(q, self.cohort.columns), 0.0, 0.0);
            for (i, w) in self.ancova.rows().enumerate() {
                squares += (completed[i * t + visit] - dot(w, coefficients.as_slice())).powi(2);
                if own[i] > 0.0 {
                    added += own[i] * (1.0 - leverage(w));
                }
            }
            let rows: Vec<&[f64]> = self.ancova.rows().collect();
            for (i, row) in self.imputed(visit) {
                for (j, m) in row.iter().enumerate() {
                    rows[i].iter().enumerate().for_each(|(a, w)| crossed[(a, j)] += w * m);
                }
                added += (0..row.len()).map(|a| row[a] * dot(&phi.as_slice()[a * row.len()..(a + 1) * row.len()], row)).sum::<f64>();
            }
            added -= (crossed.transpose() * (&inverse * &crossed) * &phi).trace();
            let sigma2 = (squares + added) / (n - q) as f64;
            for (k, l) in ls.iter().enumerate() {
                let weights = &all.as_slice()[k * n..(k + 1) * n];
                let within = sigma2 * l.dot(&(&inverse * l));
                let slope = self.slope(weights, visit);
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

/// What patients of a class have in common.
pub(super) struct Kept {
    /// V of the visits that are kept.
    v: DMatrix<f64>,
    /// Those of them that inform the fit, as places among the kept.
    pub(super) fitted: Vec<usize>,
    /// V⁻¹ of these.
    pub(super) inverse: DMatrix<f64>,
}

impl Kept {
    pub(super) fn of(class: &Class, sigma: &DMatrix<f64>) -> Option<Self> {
        let o = &class.observed;
        let v = DMatrix::from_fn(o.len(), o.len(), |a, b| sigma[(o[a], o[b])]);
        let fitted: Vec<usize> = (0..o.len()).filter(|a| class.informing.contains(&o[*a])).collect();
        let of_fit = DMatrix::from_fn(fitted.len(), fitted.len(), |a, b| v[(fitted[a], fitted[b])]);
        let inverse = if fitted.is_empty() { of_fit } else { of_fit.cholesky()?.inverse() };
        Some(Self { v, fitted, inverse })
    }
}

/// Sums over the patients of a class, weighed by a statistic and by what imputed values at a visit are multiplied by: of their
/// means in both arms, and of their observed outcomes.
#[derive(Clone)]
struct ClassSum {
    own: DVector<f64>,
    reference: DVector<f64>,
    observed: DVector<f64>,
}

impl ClassSum {
    fn zero(visits: usize, observed: usize) -> Self {
        Self { own: DVector::zeros(visits), reference: DVector::zeros(visits), observed: DVector::zeros(observed) }
    }

    /// The weighed sum of imputed values at the `m`th missing visit, but for what delta adds.
    fn imputed(&self, class: &Class, maps: &Maps, m: usize) -> f64 {
        let mean = |t: usize| maps.own.row(t).tr_dot(&self.own) + maps.reference.row(t).tr_dot(&self.reference);
        let moved = |(j, &o): (usize, &usize)| maps.regression[(m, j)] * (self.observed[j] - mean(o));
        mean(class.missing[m]) + class.observed.iter().enumerate().map(moved).sum::<f64>()
    }
}
