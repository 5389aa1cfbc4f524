//! The parameters in which the search runs, and the way back to the natural ones.
//!
//! They are the natural parameters themselves, except that a block that must stay positive semidefinite (the
//! covariance G of random coefficients) is searched through its Cholesky factor G = LL', and a parameter that may be
//! zero (a unique variance) through its root. A vanishing variance is then an ordinary point of the search.

use crate::covariance::{Boundary, CovarianceStructure, lower, lower_pairs};
use crate::fit::clusters::Clusters;
use crate::fit::curvature::Curvature;
use crate::fit::kernels::{dot, multiply};
use crate::fit::sigmas::Sigmas;
use nalgebra::DMatrix;

/// The share of Σ below which what a parameter adds to it counts as nothing.
const VANISHED: f64 = 1e-12;

/// The same for a parameter that is searched as it is: it falls to zero by ever smaller steps, until the likelihood
/// no longer gains.
const DIED_OUT: f64 = 1e-9;

/// The map between natural parameters θ and working parameters η.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    /// The boundaries of a group.
    boundaries: Vec<Boundary>,
    per_group: usize,
    groups: usize,
    /// The boundaries of the parameters behind those of the groups, as positions in θ.
    others: Vec<Boundary>,
    /// What multiplies an effect of clusters in the mean square, for each of those parameters.
    squares: Vec<f64>,
    /// Room for ∂θ/∂η' and two products; empty where the parameters are the natural ones.
    room: [Vec<f64>; 3],
}

impl Working {
    /// The map for the parameters of Σ.
    pub fn of(sigmas: &Sigmas) -> Self {
        let boundaries = sigmas.structure().boundaries();
        let size = if boundaries.is_empty() { 0 } else { sigmas.parameters().pow(2) };
        let room = [(); 3].map(|_| vec![0.0; size]);
        Self { boundaries, per_group: sigmas.per_group, groups: sigmas.groups, others: vec![], squares: vec![], room }
    }

    /// The same with those of the effects of clusters behind them.
    pub fn with_effects(self, clusters: &Clusters) -> Self {
        if clusters.is_empty() {
            return self;
        }
        let first = self.per_group * self.groups;
        Self {
            others: clusters.boundaries().into_iter().map(|b| b.moved(first)).collect(),
            squares: clusters.squares(),
            room: [(); 3].map(|_| vec![0.0; (first + clusters.parameters).pow(2)]),
            ..self
        }
    }

    pub fn is_natural(&self) -> bool {
        self.boundaries.is_empty() && self.others.is_empty()
    }

    /// Every boundary.
    fn boundaries(&self) -> impl Iterator<Item = Boundary> {
        let of_group = move |group| self.boundaries.iter().map(move |b| b.moved(group * self.per_group));
        (0..self.groups).flat_map(of_group).chain(self.others.iter().copied())
    }

    /// η of θ; what must be semidefinite or not negative must be so in θ.
    pub fn at_natural(&self, theta: &[f64]) -> Vec<f64> {
        let mut eta = theta.to_vec();
        self.set_eta(&mut eta);
        eta
    }

    /// Replaces θ by η.
    pub fn set_eta(&self, theta: &mut [f64]) {
        for boundary in self.boundaries() {
            match boundary {
                Boundary::Semidefinite { first, size } => factor(&mut theta[first..], size),
                Boundary::Root { parameter, power } => theta[parameter] = theta[parameter].max(0.0).powf(1.0 / power),
                Boundary::Vanishing { .. } => {}
            }
        }
    }

    /// Writes θ of η.
    pub fn to_natural(&self, eta: &[f64], theta: &mut [f64]) {
        theta.copy_from_slice(eta);
        for boundary in self.boundaries() {
            match boundary {
                Boundary::Semidefinite { first, size } => {
                    let l = &eta[first..];
                    for (a, b) in lower_pairs(size) {
                        theta[first + lower(a, b)] = (0..=b).map(|c| l[lower(a, c)] * l[lower(b, c)]).sum();
                    }
                }
                Boundary::Root { parameter, power } => theta[parameter] = eta[parameter].abs().powf(power),
                Boundary::Vanishing { .. } => {}
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
        for boundary in self.boundaries() {
            match boundary {
                Boundary::Semidefinite { first, size } => {
                    for (a, b) in lower_pairs(size) {
                        let row = first + lower(a, b);
                        j[row * n + row] = 0.0;
                        for c in 0..=b {
                            j[(first + lower(a, c)) * n + row] += eta[first + lower(b, c)];
                            j[(first + lower(b, c)) * n + row] += eta[first + lower(a, c)];
                        }
                    }
                }
                Boundary::Root { parameter, power } => {
                    j[parameter * (n + 1)] = power * eta[parameter].abs().powf(power - 1.0) * eta[parameter].signum();
                }
                Boundary::Vanishing { .. } => {}
            }
        }
    }

    /// Replaces the derivatives with respect to θ by those with respect to η.
    pub fn transform(&mut self, eta: &[f64], curvature: &mut Curvature) {
        if self.is_natural() {
            return;
        }
        self.information(eta, &mut curvature.hessian);
        let Curvature { hessian, gradient, .. } = &mut *curvature;
        for boundary in self.boundaries() {
            match boundary {
                Boundary::Semidefinite { first, size } => {
                    for (a, b) in lower_pairs(size) {
                        // θ_ab = Σ_c L_ac L_bc bends in the pair (L_ac, L_bc).
                        for c in 0..=b {
                            let (row, column) = (first + lower(a, c), first + lower(b, c));
                            hessian[(row, column)] += gradient[first + lower(a, b)];
                            hessian[(column, row)] += gradient[first + lower(a, b)];
                        }
                    }
                }
                Boundary::Root { parameter, power } => {
                    let bend = power * (power - 1.0) * eta[parameter].abs().powf(power - 2.0);
                    hessian[(parameter, parameter)] += bend * gradient[parameter];
                }
                Boundary::Vanishing { .. } => {}
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

    /// The working parameters that are roots, as positions: the diagonal elements of Cholesky factors, and single ones.
    pub fn roots(&self) -> impl Iterator<Item = usize> {
        self.boundaries().filter_map(Boundary::block).flat_map(|(first, size)| (0..size).map(move |a| first + lower(a, a)))
    }

    /// The parameters at a boundary, where they add nothing to Σ, as positions in θ.
    pub fn vanished(&self, structure: &dyn CovarianceStructure, eta: &[f64]) -> Vec<usize> {
        let mut theta = eta.to_vec();
        self.to_natural(eta, &mut theta);
        let t = structure.visits();
        let (mut sigma, mut slope) = (DMatrix::zeros(t, t), DMatrix::zeros(t, t));
        let first = self.per_group * self.groups;
        let mut adds_less = |share: f64, k: usize, size: f64| {
            if k >= first {
                structure.sigma(&theta[..self.per_group], &mut sigma);
                return size * self.squares[k - first] < share * sigma.amax();
            }
            let (group, own) = (k / self.per_group, k % self.per_group);
            let theta = &theta[group * self.per_group..(group + 1) * self.per_group];
            structure.sigma(theta, &mut sigma);
            structure.derivative(theta, own, &mut slope);
            size * slope.amax() < share * sigma.amax()
        };
        let mut vanished = vec![];
        for boundary in self.boundaries() {
            match boundary {
                // An element on the diagonal of the factor is the variance of what the coefficients before do not
                // explain.
                Boundary::Semidefinite { first, size } => {
                    let diagonal = (0..size).map(|a| first + lower(a, a));
                    vanished.extend(diagonal.filter(|&k| adds_less(VANISHED, k, eta[k].powi(2))));
                }
                Boundary::Root { parameter, .. } => vanished.extend(Some(parameter).filter(|&k| adds_less(VANISHED, k, theta[k]))),
                Boundary::Vanishing { parameter } => vanished.extend(Some(parameter).filter(|&k| adds_less(DIED_OUT, k, theta[k]))),
            }
        }
        vanished
    }
}

/// Replaces a lower triangle of `size` rows by its Cholesky factor.
fn factor(l: &mut [f64], size: usize) {
    for (a, b) in lower_pairs(size) {
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
