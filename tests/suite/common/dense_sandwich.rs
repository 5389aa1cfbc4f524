//! A cluster-robust covariance by matrices of all observations, N × N, as its papers define it.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use trialstats::{Fit, Vcov};

/// The whole of a sandwich.
pub struct Dense {
    x: DMatrix<f64>,
    /// Φ.
    pub phi: DMatrix<f64>,
    /// The observations of each cluster.
    clusters: Vec<Vec<usize>>,
    /// V_i^−½ A_i V_i^−½ X_i Φ, cluster below cluster.
    weighted: DMatrix<f64>,
    /// The covariance of the residuals under the working model.
    residual_covariance: DMatrix<f64>,
    residuals: DVector<f64>,
}

/// The covariance of all observations where patients are independent.
pub fn of_independent_patients(fit: &Fit) -> DMatrix<f64> {
    let matrix = fit.design().model_matrix();
    let sigma = &fit.covariances()[0].sigma;
    DMatrix::from_fn(matrix.len(), matrix.len(), |a, b| if matrix[a].0 == matrix[b].0 { sigma[(matrix[a].1, matrix[b].1)] } else { 0.0 })
}

impl Dense {
    /// `v` is the covariance of all observations; `cluster_of` the cluster of each analysed patient.
    pub fn of(fit: &Fit, vcov: Vcov, v: &DMatrix<f64>, cluster_of: &[usize]) -> Self {
        let kept: Vec<usize> = (0..fit.beta().len()).filter(|&c| !fit.beta()[c].is_nan()).collect();
        let matrix = fit.design().model_matrix();
        let n = matrix.len();
        let x = DMatrix::from_fn(n, kept.len(), |r, c| matrix[r].2[kept[c]]);
        let mut clusters = vec![vec![]; cluster_of.iter().max().expect("patients") + 1];
        matrix.iter().enumerate().for_each(|(row, of)| clusters[cluster_of[of.0]].push(row));
        let w = v.clone().try_inverse().expect("a covariance");
        let phi = (x.transpose() * &w * &x).try_inverse().expect("full rank");
        let residual_covariance = v - &x * &phi * x.transpose();
        let mut weighted = DMatrix::zeros(n, kept.len());
        for rows in &clusters {
            let own = |m: &DMatrix<f64>| m.select_rows(rows).select_columns(rows);
            let root = power(&own(v), |l| l.powf(-0.5));
            let rest = &root * own(&residual_covariance) * &root;
            let a = power(&rest, |l| match vcov {
                Vcov::Cr0 => 1.0,
                _ if l < 1e-9 => 0.0,
                Vcov::Cr2 => l.powf(-0.5),
                _ => 1.0 / l,
            });
            let adjusted = &root * a * &root * x.select_rows(rows) * &phi;
            rows.iter().enumerate().for_each(|(k, &row)| weighted.set_row(row, &adjusted.row(k)));
        }
        let response: Vec<f64> = fit.residuals().rows.iter().map(|r| r.response).collect();
        Self { x, phi, clusters, weighted, residual_covariance, residuals: DVector::from_vec(response) }
    }

    /// Σ_i of what `of` makes of the residuals' covariance in a cluster: the observed e_i e_i', or the expected.
    fn covariance(&self, of: impl Fn(usize, usize) -> f64) -> DMatrix<f64> {
        let p = self.x.ncols();
        self.clusters.iter().fold(DMatrix::zeros(p, p), |sum, rows| {
            let q = self.weighted.select_rows(rows);
            sum + q.transpose() * DMatrix::from_fn(rows.len(), rows.len(), |a, b| of(rows[a], rows[b])) * q
        })
    }

    pub fn observed(&self) -> DMatrix<f64> {
        self.covariance(|a, b| self.residuals[a] * self.residuals[b])
    }

    pub fn expected(&self) -> DMatrix<f64> {
        self.covariance(|a, b| self.residual_covariance[(a, b)])
    }

    /// (tr P)² / tr P² with P, clusters × clusters.
    pub fn df(&self, l: &DVector<f64>) -> f64 {
        let mut q = DMatrix::zeros(self.x.nrows(), self.clusters.len());
        let own = &self.weighted * l;
        for (i, rows) in self.clusters.iter().enumerate() {
            rows.iter().for_each(|&row| q[(row, i)] = own[row]);
        }
        let p = q.transpose() * &self.residual_covariance * q;
        p.trace().powi(2) / p.dot(&p)
    }
}

/// A symmetric matrix with its eigenvalues replaced.
fn power(m: &DMatrix<f64>, of: impl Fn(f64) -> f64) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(m.clone());
    &eigen.eigenvectors * DMatrix::from_diagonal(&eigen.eigenvalues.map(of)) * eigen.eigenvectors.transpose()
}
