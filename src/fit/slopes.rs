//! How X'WX and X'Wr move with the covariance parameters, and what that adds to the curvature of the likelihood.

use super::kernels::multiply;
use super::problem::Estimation;
use nalgebra::{DMatrix, DMatrixView};

/// P_k = −X'W∂_kΣWX = ∂(X'WX)/∂θ_k and a_k = X'W∂_kΣWr of every parameter.
#[derive(Debug, Clone)]
pub(crate) struct Slopes {
    p: Vec<f64>,
    a: Vec<f64>,
    columns: usize,
}

impl Slopes {
    /// Zeros.
    pub fn blank(parameters: usize, columns: usize) -> Self {
        Self { p: vec![0.0; parameters * columns * columns], a: vec![0.0; parameters * columns], columns }
    }

    /// The number of parameters.
    pub fn len(&self) -> usize {
        self.a.len() / self.columns
    }

    /// P_k, p × p.
    pub fn p(&self, k: usize) -> DMatrixView<'_, f64> {
        let size = self.columns * self.columns;
        DMatrixView::from_slice(&self.p[k * size..(k + 1) * size], self.columns, self.columns)
    }

    pub(super) fn of_mut(&mut self, k: usize) -> (&mut [f64], &mut [f64]) {
        let (c, size) = (self.columns, self.columns * self.columns);
        (&mut self.p[k * size..(k + 1) * size], &mut self.a[k * c..(k + 1) * c])
    }

    /// What the whole Hessian has beyond its leading part: −2 a_k'Φa_l − tr(ΦP_kΦP_l), without the second for maximum likelihood.
    pub fn correction(&self, phi: &DMatrix<f64>, estimation: Estimation) -> DMatrix<f64> {
        let (k, c) = (self.len(), self.columns);
        let phi_a = phi * DMatrixView::from_slice(&self.a, c, k);
        let mut correction = DMatrixView::from_slice(&self.a, c, k).transpose() * phi_a;
        correction *= -2.0;
        if estimation == Estimation::Reml {
            let size = c * c;
            let mut phi_p = vec![0.0; self.p.len()];
            for (p, product) in self.p.chunks_exact(size).zip(phi_p.chunks_exact_mut(size)) {
                multiply(phi.as_slice(), p, c, product);
            }
            for (l, of_l) in phi_p.chunks_exact(size).enumerate() {
                let transposed = DMatrixView::from_slice(of_l, c, c).transpose();
                for (k, of_k) in phi_p.chunks_exact(size).enumerate().take(l + 1) {
                    let trace = super::kernels::dot(transposed.as_slice(), of_k);
                    correction[(k, l)] -= trace;
                    if k != l {
                        correction[(l, k)] -= trace;
                    }
                }
            }
        }
        correction
    }
}
