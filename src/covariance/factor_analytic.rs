//! Factor-analytic: a few common factors and what is left at each visit.

use super::{Boundary, CovarianceStructure};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Σ = ΛΛ' + Ψ with θ = (the loadings Λ row by row, Ψ): Λ is T × q with zeros above its diagonal, Ψ diagonal with a
/// unique variance per visit (SAS `FA(q)`) or one for all (SAS `FA1(q)`). Unique variances may vanish (Heywood
/// cases). The sign of a column of Λ is free.
#[derive(Debug, Clone)]
pub struct FactorAnalytic {
    visits: usize,
    factors: usize,
    common: bool,
    /// (visit, factor) of each loading.
    loadings: Vec<(usize, usize)>,
}

impl FactorAnalytic {
    /// `factors` factors and a unique variance per visit; there are never more factors than visits.
    pub fn new(visits: usize, factors: usize) -> Self {
        let factors = factors.clamp(1, visits.max(1));
        let loadings = (0..visits).flat_map(|t| (0..factors.min(t + 1)).map(move |f| (t, f))).collect();
        Self { visits, factors, common: false, loadings }
    }

    /// The same with one unique variance for all visits.
    pub fn with_common_variance(visits: usize, factors: usize) -> Self {
        Self { common: true, ..Self::new(visits, factors) }
    }

    fn lambda(&self, theta: &[f64]) -> DMatrix<f64> {
        let mut lambda = DMatrix::zeros(self.visits, self.factors);
        self.loadings.iter().zip(theta).for_each(|(&cell, &x)| lambda[cell] = x);
        lambda
    }

    fn unique(&self) -> usize {
        if self.common { 1 } else { self.visits }
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.loadings.len() + self.unique()
    }

    /// The loadings that maximise the likelihood of complete data at the given unique variances (Jöreskog 1967,
    /// Psychometrika 32:443–482).
    fn loadings_at(&self, moments: &DMatrix<f64>, psi: &DVector<f64>) -> DMatrix<f64> {
        let scaled = DMatrix::from_fn(self.visits, self.visits, |a, b| moments[(a, b)] / (psi[a] * psi[b]).sqrt());
        let eigen = SymmetricEigen::new(scaled);
        let mut order: Vec<usize> = (0..self.visits).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        // A factor that the moments do not show still needs loadings to begin with.
        let size = |f: usize| (eigen.eigenvalues[order[f]] - 1.0).max(0.05).sqrt();
        DMatrix::from_fn(self.visits, self.factors, |t, f| psi[t].sqrt() * size(f) * eigen.eigenvectors[(t, order[f])])
    }
}

impl CovarianceStructure for FactorAnalytic {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        let loadings = self.loadings.iter().map(|&(t, f)| format!("loading of {} on factor {}", labels[t], f + 1));
        let unique: Vec<String> = match self.common {
            true => vec!["unique variance".into()],
            false => labels.iter().map(|l| format!("unique variance {l}")).collect(),
        };
        loadings.chain(unique).collect()
    }

    /// Unique variances from the squared multiple correlations, loadings from the leading eigenvectors.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let share = 1.0 - 0.5 * self.factors as f64 / self.visits as f64;
        let diagonal = moments.diagonal();
        let alone = moments.clone().cholesky().map(|c| c.inverse().map_diagonal(|p| share / p)).unwrap_or_else(|| 0.5 * &diagonal);
        let psi = alone.zip_map(&diagonal, |psi, v| psi.clamp(0.05 * v, 0.95 * v));
        let psi = if self.common { DVector::from_element(self.visits, psi.mean()) } else { psi };
        let lambda = lower_trapezoid(self.loadings_at(moments, &psi));
        let loadings = self.loadings.iter().map(|&cell| lambda[cell]);
        loadings.chain(psi.iter().copied().take(self.unique())).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta[self.loadings.len()..].iter().all(|&psi| psi >= 0.0)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        let lambda = self.lambda(theta);
        lambda.mul_to(&lambda.transpose(), sigma);
        let psi = &theta[self.loadings.len()..];
        (0..self.visits).for_each(|t| sigma[(t, t)] += psi[if self.common { 0 } else { t }]);
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        derivative.fill(0.0);
        match self.loadings.get(k) {
            Some(&(t, f)) => {
                for (&(other, _), loading) in self.loadings.iter().zip(theta).filter(|((_, factor), _)| *factor == f) {
                    derivative[(t, other)] += loading;
                    derivative[(other, t)] += loading;
                }
            }
            None if self.common => derivative.fill_diagonal(1.0),
            None => derivative[(k - self.loadings.len(), k - self.loadings.len())] = 1.0,
        }
    }

    fn second_derivative(&self, _theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let (Some(&(a, f)), Some(&(b, g))) = (self.loadings.get(k), self.loadings.get(l)) else { return false };
        if f != g {
            return false;
        }
        derivative.fill(0.0);
        derivative[(a, b)] += 1.0;
        derivative[(b, a)] += 1.0;
        true
    }

    fn boundaries(&self) -> Vec<Boundary> {
        (0..self.unique()).map(|k| Boundary::Root { parameter: self.loadings.len() + k, power: 2.0 }).collect()
    }
}

/// The loadings rotated so that nothing stands above their diagonal: ΛQ from the QR decomposition of the first rows.
fn lower_trapezoid(lambda: DMatrix<f64>) -> DMatrix<f64> {
    let q = lambda.ncols();
    let rotation = lambda.rows(0, q).transpose().qr().q();
    lambda * rotation
}
