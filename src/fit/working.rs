//! The parameters in which the search runs, and the way back to the natural ones.
//!
//! They are the natural parameters themselves, except that a block that must stay positive semidefinite (the covariance G of random
//! coefficients) is searched through its Cholesky factor G = LL'. A vanishing variance is then an ordinary point of the search.

use crate::covariance::{CovarianceStructure, lower, lower_pairs};
use crate::fit::curvature::Curvature;
use nalgebra::DMatrix;

/// The map between natural parameters θ and working parameters η.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Working {
    /// The size r of the semidefinite block.
    block: usize,
    per_group: usize,
}

impl Working {
    pub fn of(structure: &dyn CovarianceStructure, per_group: usize) -> Self {
        Self { block: structure.semidefinite_block(), per_group }
    }

    pub fn is_natural(self) -> bool {
        self.block == 0
    }

    /// η of θ; the block of θ must be positive semidefinite.
    pub fn at_natural(self, theta: &[f64]) -> Vec<f64> {
        let mut eta = theta.to_vec();
        for group in eta.chunks_exact_mut(self.per_group) {
            for (a, b) in lower_pairs(self.block) {
                let inner: f64 = (0..b).map(|c| group[lower(a, c)] * group[lower(b, c)]).sum();
                let rest = group[lower(a, b)] - inner;
                group[lower(a, b)] = if a == b {
                    rest.max(0.0).sqrt()
                } else if group[lower(b, b)] > 0.0 {
                    rest / group[lower(b, b)]
                } else {
                    0.0
                };
            }
        }
        eta
    }

    /// θ of η.
    pub fn to_natural(self, eta: &[f64]) -> Vec<f64> {
        let mut theta = eta.to_vec();
        for (theta, eta) in theta.chunks_exact_mut(self.per_group).zip(eta.chunks_exact(self.per_group)) {
            for (a, b) in lower_pairs(self.block) {
                theta[lower(a, b)] = (0..=b).map(|c| eta[lower(a, c)] * eta[lower(b, c)]).sum();
            }
        }
        theta
    }

    /// ∂θ/∂η', square.
    pub fn jacobian(self, eta: &[f64]) -> DMatrix<f64> {
        let mut j = DMatrix::identity(eta.len(), eta.len());
        for (group, eta) in eta.chunks_exact(self.per_group).enumerate() {
            let first = group * self.per_group;
            for (a, b) in lower_pairs(self.block) {
                let row = first + lower(a, b);
                j[(row, row)] = 0.0;
                for c in 0..=b {
                    j[(row, first + lower(a, c))] += eta[lower(b, c)];
                    j[(row, first + lower(b, c))] += eta[lower(a, c)];
                }
            }
        }
        j
    }

    /// The derivatives with respect to η, given those with respect to θ.
    pub fn transform(self, eta: &[f64], natural: Curvature) -> Curvature {
        if self.is_natural() {
            return natural;
        }
        let j = self.jacobian(eta);
        let mut hessian = j.transpose() * &natural.hessian * &j;
        for group in 0..eta.len() / self.per_group {
            let first = group * self.per_group;
            for (a, b) in lower_pairs(self.block) {
                // θ_ab = Σ_c L_ac L_bc bends in the pair (L_ac, L_bc).
                for c in 0..=b {
                    let (row, column) = (first + lower(a, c), first + lower(b, c));
                    hessian[(row, column)] += natural.gradient[first + lower(a, b)];
                    hessian[(column, row)] += natural.gradient[first + lower(a, b)];
                }
            }
        }
        Curvature { gradient: j.transpose() * natural.gradient, hessian }
    }

    /// An information matrix for η, given that for θ.
    pub fn information(self, eta: &[f64], natural: &DMatrix<f64>) -> DMatrix<f64> {
        if self.is_natural() {
            return natural.clone();
        }
        let j = self.jacobian(eta);
        j.transpose() * natural * j
    }

    /// The diagonal elements of the Cholesky factors, as positions among `total` parameters.
    pub fn diagonal(self, total: usize) -> Vec<usize> {
        (0..total / self.per_group).flat_map(|group| (0..self.block).map(move |a| group * self.per_group + lower(a, a))).collect()
    }

    /// The variances of the block that are zero, as positions in θ.
    pub fn vanished(self, eta: &[f64]) -> Vec<usize> {
        let mut vanished = vec![];
        for (group, eta) in eta.chunks_exact(self.per_group).enumerate() {
            let typical = eta[..lower(self.block, 0)].iter().map(|x| x.abs()).fold(eta[eta.len() - 1].max(0.0).sqrt(), f64::max);
            for a in 0..self.block {
                if eta[lower(a, a)].abs() < 1e-6 * typical {
                    vanished.push(group * self.per_group + lower(a, a));
                }
            }
        }
        vanished
    }
}
