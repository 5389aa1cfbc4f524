//! The likelihood patient by patient, straight from its definition and from nothing that the fit computed but θ.

use super::generate::Case;
use nalgebra::{DMatrix, DVector};
use trialstats::covariance::{Boundary, CovarianceStructure};
use trialstats::{Estimation, Fit};

/// One patient: the visits that were made, rows of the model matrix and outcomes, the weights, and the group.
struct Patient {
    visits: Vec<usize>,
    x: DMatrix<f64>,
    y: DVector<f64>,
    weights: Vec<f64>,
    group: usize,
}

/// −2 log-likelihood of a case as a function of θ.
pub struct Dense {
    patients: Vec<Patient>,
    structure: Box<dyn CovarianceStructure>,
    groups: usize,
    observations: usize,
    columns: usize,
    estimation: Estimation,
}

impl Dense {
    /// For the columns that `fit` did not find aliased. `order` tells which patient of the case is which of the trial.
    pub fn new(case: &Case, fit: &Fit) -> Self {
        let design = fit.design();
        let kept: Vec<usize> = (0..fit.beta().len()).filter(|&c| !fit.beta()[c].is_nan()).collect();
        let labels: Vec<String> = (0..case.times.len()).map(|k| format!("v{}", k + 1)).collect();
        let scheduled: Vec<usize> =
            design.visit_labels().iter().map(|label| labels.iter().position(|l| l == label).expect("a visit of the schedule")).collect();
        let times: Vec<Option<f64>> = scheduled.iter().map(|&k| Some(case.times[k])).collect();
        let group_of = |i: usize| match design.groups().len() {
            1 => 0,
            _ => design.groups().iter().position(|g| *g == format!("arm{}", case.arm_of[i])).expect("a group is an arm"),
        };
        let observed: Vec<f64> = case.y.iter().copied().filter(|y| !y.is_nan()).collect();
        // Before anything else, and exactly: a large offset leaves no digits for what is computed with it.
        let mean = observed.iter().sum::<f64>() / observed.len() as f64;
        let mut by_patient: std::collections::BTreeMap<usize, Vec<(usize, Vec<f64>)>> = Default::default();
        for (patient, visit, row) in design.model_matrix() {
            by_patient.entry(patient).or_default().push((visit, row));
        }
        let patients: Vec<Patient> = by_patient
            .into_iter()
            .map(|(analysed, rows)| {
                let i = design.patients()[analysed];
                let visits: Vec<usize> = rows.iter().map(|(visit, _)| *visit).collect();
                let cell = |visit: usize| i * case.times.len() + scheduled[visit];
                Patient {
                    x: DMatrix::from_fn(rows.len(), kept.len(), |r, c| rows[r].1[kept[c]]),
                    y: DVector::from_iterator(rows.len(), visits.iter().map(|&v| case.y[cell(v)] - mean)),
                    weights: visits.iter().map(|&v| case.weights.as_ref().map_or(1.0, |w| w[cell(v)])).collect(),
                    group: group_of(i),
                    visits,
                }
            })
            .collect();
        let mut dense = Self {
            structure: case.covariance.bind_in(&scheduled, &times, None).expect("bound before"),
            groups: design.groups().len(),
            observations: patients.iter().map(|p| p.visits.len()).sum(),
            columns: kept.len(),
            estimation: case.estimation,
            patients,
        };
        dense.centre_columns();
        let theta: Vec<f64> = fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
        (0..4).for_each(|_| dense.centre_outcome(&theta));
        dense
    }

    /// Measures a covariate from its mean where a column of ones and zeros stands for the same observations.
    /// Determinants stay as they are.
    fn centre_columns(&mut self) {
        let all = |c: usize| -> Vec<f64> { self.patients.iter().flat_map(|p| p.x.column(c).iter().copied().collect::<Vec<_>>()).collect() };
        let columns: Vec<Vec<f64>> = (0..self.columns).map(all).collect();
        let is_binary = |c: &Vec<f64>| c.iter().all(|&x| x == 0.0 || x == 1.0);
        for c in (0..self.columns).filter(|&c| !is_binary(&columns[c])) {
            let same = |ones: &&Vec<f64>| is_binary(ones) && ones.iter().zip(&columns[c]).all(|(one, x)| (*one == 0.0) == (*x == 0.0));
            let Some(ones) = columns.iter().position(|ones| same(&ones)) else { continue };
            let mean = columns[c].iter().sum::<f64>() / columns[ones].iter().sum::<f64>();
            for patient in &mut self.patients {
                (0..patient.visits.len()).for_each(|r| patient.x[(r, c)] -= mean * patient.x[(r, ones)]);
            }
        }
    }

    /// Takes the fitted mean off the outcome: generalised least squares starts over from there, and keeps the digits
    /// of small residuals.
    fn centre_outcome(&mut self, theta: &[f64]) {
        let Some((x, y, _)) = self.whitened(theta) else { return };
        let lengths = DVector::from_iterator(self.columns, x.column_iter().map(|c| c.norm()));
        let scaled = DMatrix::from_fn(x.nrows(), x.ncols(), |r, c| x[(r, c)] / lengths[c]);
        let Some(normal) = (scaled.transpose() * &scaled).cholesky() else { return };
        let beta = normal.solve(&(scaled.transpose() * y)).component_div(&lengths);
        self.patients.iter_mut().for_each(|p| p.y -= &p.x * &beta);
    }

    /// X and y with rows of unit variance, and the log-determinant of the covariance.
    fn whitened(&self, theta: &[f64]) -> Option<(DMatrix<f64>, DVector<f64>, f64)> {
        let per_group = theta.len() / self.groups;
        let sigmas: Vec<DMatrix<f64>> = theta.chunks_exact(per_group).map(|own| self.sigma(own)).collect::<Option<_>>()?;
        let (n, p) = (self.observations, self.columns);
        let (mut x, mut y) = (DMatrix::zeros(n, p), DVector::zeros(n));
        let (mut first, mut value) = (0, 0.0);
        for patient in &self.patients {
            let m = patient.visits.len();
            let (sigma, w) = (&sigmas[patient.group], &patient.weights);
            let v = DMatrix::from_fn(m, m, |a, b| sigma[(patient.visits[a], patient.visits[b])] / (w[a] * w[b]).sqrt());
            let l = v.cholesky()?.unpack();
            value += 2.0 * l.diagonal().iter().map(|d| d.ln()).sum::<f64>();
            x.rows_mut(first, m).copy_from(&l.solve_lower_triangular(&patient.x)?);
            y.rows_mut(first, m).copy_from(&l.solve_lower_triangular(&patient.y)?);
            first += m;
        }
        Some((x, y, value))
    }

    /// −2ℓ, or nothing where θ is out of range or Σ is not positive definite.
    pub fn value(&self, theta: &[f64]) -> Option<f64> {
        let (mut x, y, mut value) = self.whitened(theta)?;
        let (n, p) = (self.observations, self.columns);
        // Columns of one length: those of a covariate may be a million times longer than the others.
        let lengths: Vec<f64> = x.column_iter().map(|c| c.norm()).collect();
        x.column_iter_mut().zip(&lengths).for_each(|(mut column, length)| column /= *length);
        // Householder's method with columns pivoted and rows in order of their size does not let long rows spoil
        // short ones.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| x.row(b).amax().total_cmp(&x.row(a).amax()));
        let (x, y) = (x.select_rows(&order), y.select_rows(&order));
        let qr = x.col_piv_qr();
        let q = qr.q();
        let residual = &y - &q * (q.transpose() * &y);
        value += residual.norm_squared();
        let reml = self.estimation == Estimation::Reml;
        if reml {
            value += 2.0 * qr.r().diagonal().iter().zip(&lengths).map(|(r, length)| (r.abs() * length).ln()).sum::<f64>();
        }
        let counted = if reml { n - p } else { n };
        Some(value + counted as f64 * (2.0 * std::f64::consts::PI).ln())
    }

    /// Σ of a group where it is one.
    fn sigma(&self, theta: &[f64]) -> Option<DMatrix<f64>> {
        if !self.structure.in_range(theta) || !self.is_semidefinite(theta) {
            return None;
        }
        let mut sigma = DMatrix::zeros(self.structure.visits(), self.structure.visits());
        self.structure.sigma(theta, &mut sigma);
        sigma.clone().cholesky().map(|_| sigma)
    }

    /// Whether the blocks that the model takes for covariances are such.
    fn is_semidefinite(&self, theta: &[f64]) -> bool {
        self.structure.boundaries().into_iter().all(|boundary| match boundary {
            Boundary::Semidefinite { first, size } => {
                let element = |a: usize, b: usize| theta[first + a.max(b) * (a.max(b) + 1) / 2 + a.min(b)];
                let g = DMatrix::from_fn(size, size, element);
                (0..size).all(|a| g[(a, a)] >= 0.0) && g.symmetric_eigenvalues().min() >= -1e-12 * g.trace()
            }
            Boundary::Root { parameter, .. } | Boundary::Vanishing { parameter } => theta[parameter] >= 0.0,
        })
    }

    /// The smallest eigenvalue among the correlation matrices of the groups: what rounding is multiplied by the
    /// inverse of.
    pub fn smallest_eigenvalue(&self, theta: &[f64]) -> f64 {
        let of = |own: &[f64]| {
            self.sigma(own).map_or(0.0, |s| {
                DMatrix::from_fn(s.nrows(), s.ncols(), |a, b| s[(a, b)] / (s[(a, a)] * s[(b, b)]).sqrt()).symmetric_eigenvalues().min()
            })
        };
        theta.chunks_exact(theta.len() / self.groups).map(of).fold(f64::INFINITY, f64::min)
    }

    /// The largest variance over the smallest, weights counted.
    pub fn ratio_of_variances(&self, theta: &[f64]) -> f64 {
        let per_group = theta.len() / self.groups;
        let of = |p: &Patient| {
            let sigma = self.sigma(&theta[p.group * per_group..(p.group + 1) * per_group]);
            let own = |r: usize| sigma.as_ref().map_or(f64::NAN, |s| s[(p.visits[r], p.visits[r])] / p.weights[r]);
            (0..p.visits.len()).map(own).collect::<Vec<f64>>()
        };
        let variances: Vec<f64> = self.patients.iter().flat_map(of).collect();
        variances.iter().fold(0.0_f64, |a, &b| a.max(b)) / variances.iter().fold(f64::INFINITY, |a, &b| a.min(b))
    }

    pub fn observations(&self) -> usize {
        self.observations
    }
}
