//! The parameters in which the search runs, and the way back to the natural ones.
//!
//! They are the natural parameters themselves, except that a block that must stay positive semidefinite (the covariance G of random
//! coefficients, a unique variance) is searched through its Cholesky factor G = LL'. A vanishing variance is then an ordinary point of the
//! search.

use crate::covariance::{CovarianceStructure, SemidefiniteBlock, lower, lower_pairs};
use crate::fit::curvature::Curvature;
use crate::fit::kernels::{dot, multiply};
use nalgebra::DMatrix;

/// The share of Σ below which what a parameter adds to it counts as nothing.
const VANISHED: f64 = 1e-12;

/// The map between natural parameters θ and working parameters η.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    /// The semidefinite blocks of a group.
    blocks: Vec<SemidefiniteBlock>,
    per_group: usize,
    /// Room for ∂θ/∂η' and two products; empty where the parameters are the natural ones.
    room: [Vec<f64>; 3],
}

impl Working {
    /// The map for `groups` groups with `per_group` parameters each.
    pub fn of(structure: &dyn CovarianceStructure, per_group: usize, groups: usize) -> Self {
        let blocks = structure.semidefinite_blocks();
        let size = if blocks.is_empty() { 0 } else { (per_group * groups).pow(2) };
        Self { blocks, per_group, room: [(); 3].map(|_| vec![0.0; size]) }
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
        self.set_eta(&mut eta);
        eta
    }

    /// Replaces θ by η.
    pub fn set_eta(&self, theta: &mut [f64]) {
        for block in self.blocks(theta.len()) {
            let l = &mut theta[block.first..];
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
    }

    /// Writes θ of η.
    pub fn to_natural(&self, eta: &[f64], theta: &mut [f64]) {
        theta.copy_from_slice(eta);
        for block in self.blocks(eta.len()) {
            let l = &eta[block.first..];
            for (a, b) in lower_pairs(block.size) {
                theta[block.first + lower(a, b)] = (0..=b).map(|c| l[lower(a, c)] * l[lower(b, c)]).sum();
            }
        }
    }

    /// ∂θ/∂η', square.
    pub fn jacobian(&self, eta: &[f64]) -> DMatrix<f64> {
        let mut j = DMatrix::zeros(eta.len(), eta.len());
        self.set_jacobian(eta, j.as_mut_slice());
        j
    }

    fn set_jacobian(&self, eta: &[f64], j: &mut [f64]) {
        let n = eta.len();
        j.fill(0.0);
        j.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
        for SemidefiniteBlock { first, size } in self.blocks(n) {
            for (a, b) in lower_pairs(size) {
                let row = first + lower(a, b);
                j[row * n + row] = 0.0;
                for c in 0..=b {
                    j[(first + lower(a, c)) * n + row] += eta[first + lower(b, c)];
                    j[(first + lower(b, c)) * n + row] += eta[first + lower(a, c)];
                }
            }
        }
    }

    /// Replaces the derivatives with respect to θ by those with respect to η.
    pub fn transform(&mut self, eta: &[f64], curvature: &mut Curvature) {
        if self.is_natural() {
            return;
        }
        self.information(eta, &mut curvature.hessian);
        for SemidefiniteBlock { first, size } in self.blocks(eta.len()) {
            for (a, b) in lower_pairs(size) {
                // θ_ab = Σ_c L_ac L_bc bends in the pair (L_ac, L_bc).
                for c in 0..=b {
                    let (row, column) = (first + lower(a, c), first + lower(b, c));
                    curvature.hessian[(row, column)] += curvature.gradient[first + lower(a, b)];
                    curvature.hessian[(column, row)] += curvature.gradient[first + lower(a, b)];
                }
            }
        }
        // information() left the Jacobian in the room.
        let [jacobian, product, _] = &mut self.room;
        let product = &mut product[..eta.len()];
        product.iter_mut().zip(jacobian.chunks_exact(eta.len())).for_each(|(x, column)| *x = dot(column, curvature.gradient.as_slice()));
        curvature.gradient.as_mut_slice().copy_from_slice(product);
    }

    /// Replaces an information matrix for θ by that for η.
    pub fn information(&mut self, eta: &[f64], natural: &mut DMatrix<f64>) {
        if self.is_natural() {
            return;
        }
        let n = eta.len();
        let [mut jacobian, mut product, mut transposed] = std::mem::take(&mut self.room);
        self.set_jacobian(eta, &mut jacobian);
        multiply(natural.as_slice(), &jacobian, n, &mut product);
        for (column, own) in transposed.chunks_exact_mut(n).enumerate() {
            own.iter_mut().enumerate().for_each(|(row, x)| *x = jacobian[row * n + column]);
        }
        multiply(&transposed, &product, n, natural.as_mut_slice());
        self.room = [jacobian, product, transposed];
    }

    /// The diagonal elements of the Cholesky factors, as positions among `total` parameters.
    pub fn diagonal(&self, total: usize) -> impl Iterator<Item = usize> {
        self.blocks(total).flat_map(|block| (0..block.size).map(move |a| block.first + lower(a, a)))
    }

    /// The diagonal elements of the Cholesky factors that add nothing to Σ, as positions in θ.
    pub fn vanished(&self, structure: &dyn CovarianceStructure, eta: &[f64]) -> Vec<usize> {
        let mut theta = eta.to_vec();
        self.to_natural(eta, &mut theta);
        let (mut sigma, mut slope) =
            (DMatrix::zeros(structure.visits(), structure.visits()), DMatrix::zeros(structure.visits(), structure.visits()));
        let mut adds_nothing = |&k: &usize| {
            let (group, own) = (k / self.per_group, k % self.per_group);
            let theta = &theta[group * self.per_group..(group + 1) * self.per_group];
            structure.sigma(theta, &mut sigma);
            structure.derivative(theta, own, &mut slope);
            eta[k].powi(2) * slope.amax() < VANISHED * sigma.amax()
        };
        self.diagonal(eta.len()).filter(|k| adds_nothing(k)).collect()
    }
}
