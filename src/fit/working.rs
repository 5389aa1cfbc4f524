//! The parameters in which the search runs, and the way back to the natural ones.
//!
//! They are the natural parameters themselves, except that a block that must stay positive semidefinite (the covariance G of random
//! coefficients, a unique variance) is searched through its Cholesky factor G = LL'. A vanishing variance is then an ordinary point of the
//! search.

use crate::covariance::{CovarianceStructure, SemidefiniteBlock, lower, lower_pairs};
use crate::fit::curvature::Curvature;
use nalgebra::DMatrix;

/// The share of Σ below which what a parameter adds to it counts as nothing.
const VANISHED: f64 = 1e-12;

/// The map between natural parameters θ and working parameters η.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    /// The semidefinite blocks of a group.
    blocks: Vec<SemidefiniteBlock>,
    per_group: usize,
}

impl Working {
    pub fn of(structure: &dyn CovarianceStructure, per_group: usize) -> Self {
        Self { blocks: structure.semidefinite_blocks(), per_group }
    }

    pub fn is_natural(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Every block of `total` parameters, by the position of its first one.
    fn blocks(&self, total: usize) -> impl Iterator<Item = SemidefiniteBlock> {
        let groups = total / self.per_group;
        let of_group = move |g| self.blocks.iter().map(move |b| SemidefiniteBlock { first: g * self.per_group + b.first, ..*b });
        (0..groups).flat_map(of_group)
    }

    /// η of θ; the blocks of θ must be positive semidefinite.
    pub fn at_natural(&self, theta: &[f64]) -> Vec<f64> {
        let mut eta = theta.to_vec();
        for block in self.blocks(theta.len()) {
            let l = &mut eta[block.first..];
            for (a, b) in lower_pairs(block.size) {
                let inner: f64 = (0..b).map(|c| l[lower(a, c)] * l[lower(b, c)]).sum();
                let rest = l[lower(a, b)] - inner;
                l[lower(a, b)] = if a == b {
                    rest.max(0.0).sqrt()
                } else if l[lower(b, b)] > 0.0 {
                    rest / l[lower(b, b)]
                } else {
                    0.0
                };
            }
        }
        eta
    }

    /// θ of η.
    pub fn to_natural(&self, eta: &[f64]) -> Vec<f64> {
        let mut theta = eta.to_vec();
        for block in self.blocks(eta.len()) {
            let l = &eta[block.first..];
            for (a, b) in lower_pairs(block.size) {
                theta[block.first + lower(a, b)] = (0..=b).map(|c| l[lower(a, c)] * l[lower(b, c)]).sum();
            }
        }
        theta
    }

    /// ∂θ/∂η', square.
    pub fn jacobian(&self, eta: &[f64]) -> DMatrix<f64> {
        let mut j = DMatrix::identity(eta.len(), eta.len());
        for SemidefiniteBlock { first, size } in self.blocks(eta.len()) {
            for (a, b) in lower_pairs(size) {
                let row = first + lower(a, b);
                j[(row, row)] = 0.0;
                for c in 0..=b {
                    j[(row, first + lower(a, c))] += eta[first + lower(b, c)];
                    j[(row, first + lower(b, c))] += eta[first + lower(a, c)];
                }
            }
        }
        j
    }

    /// The derivatives with respect to η, given those with respect to θ.
    pub fn transform(&self, eta: &[f64], natural: Curvature) -> Curvature {
        if self.is_natural() {
            return natural;
        }
        let j = self.jacobian(eta);
        let mut hessian = j.transpose() * &natural.hessian * &j;
        for SemidefiniteBlock { first, size } in self.blocks(eta.len()) {
            for (a, b) in lower_pairs(size) {
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
    pub fn information(&self, eta: &[f64], natural: &DMatrix<f64>) -> DMatrix<f64> {
        if self.is_natural() {
            return natural.clone();
        }
        let j = self.jacobian(eta);
        j.transpose() * natural * j
    }

    /// The diagonal elements of the Cholesky factors, as positions among `total` parameters.
    pub fn diagonal(&self, total: usize) -> Vec<usize> {
        self.blocks(total).flat_map(|block| (0..block.size).map(move |a| block.first + lower(a, a))).collect()
    }

    /// The diagonal elements of the Cholesky factors that add nothing to Σ, as positions in θ.
    pub fn vanished(&self, structure: &dyn CovarianceStructure, eta: &[f64]) -> Vec<usize> {
        let theta = self.to_natural(eta);
        let (mut sigma, mut slope) =
            (DMatrix::zeros(structure.visits(), structure.visits()), DMatrix::zeros(structure.visits(), structure.visits()));
        let mut adds_nothing = |&k: &usize| {
            let (group, own) = (k / self.per_group, k % self.per_group);
            let theta = &theta[group * self.per_group..(group + 1) * self.per_group];
            structure.sigma(theta, &mut sigma);
            structure.derivative(theta, own, &mut slope);
            eta[k].powi(2) * slope.amax() < VANISHED * sigma.amax()
        };
        self.diagonal(eta.len()).into_iter().filter(|k| adds_nothing(k)).collect()
    }
}
