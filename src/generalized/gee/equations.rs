//! The estimating equations at a point: residuals, score, information.
//!
//! In units of the working standard deviations, X̃_i = A_i^{−½} D_i and e_i = A_i^{−½} (y_i − μ_i): U = Σ X̃_i' R_i⁻¹ W_i e_i
//! and H = Σ X̃_i' R_i⁻¹ W_i X̃_i, where A_i = diag(V(μ)/w) and W_i holds the inverse probabilities of being observed, the
//! identity where there are none. φ cancels.

use super::data::Data;
use super::structure::{AlphaConvention, Pairs, WorkingCorrelation};
use crate::estimates::Link;
use crate::generalized::Family;
use nalgebra::{Cholesky, DMatrix, DVector};

/// Why the equations have no value at a point.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Undefined {
    /// The mean of this row leaves its range.
    Mean { row: usize, mean: f64 },
    /// R of some patients is not positive definite.
    NotPositive { alpha: Vec<f64> },
    /// A parameter of the correlation has no products of residuals.
    NotDetermined { parameter: usize },
    /// H is singular.
    Singular,
}

/// R⁻¹ and a factor of it, pattern by pattern.
#[derive(Debug, Clone)]
pub(super) struct Correlations {
    /// Whether R is the identity.
    pub is_identity: bool,
    /// R⁻¹ of each pattern, row by row.
    pub inverses: Vec<Vec<f64>>,
    /// L with L'L = R⁻¹, lower triangular.
    pub factors: Vec<DMatrix<f64>>,
}

impl Correlations {
    pub fn of(data: &Data, structure: WorkingCorrelation, alpha: &[f64]) -> Result<Self, Undefined> {
        let is_identity = alpha.iter().all(|a| *a == 0.0);
        let mut found = Self { is_identity, inverses: vec![], factors: vec![] };
        for visits in &data.patterns {
            let n = visits.len();
            let correlation = |a: usize, b: usize| structure.correlation(alpha, visits[a], visits[b], data.visits);
            let not_positive = || Undefined::NotPositive { alpha: alpha.to_vec() };
            let factor = Cholesky::new(DMatrix::from_fn(n, n, correlation)).ok_or_else(not_positive)?;
            let lower = factor.l();
            // A pivot of rounding size is none.
            if (0..n).any(|k| lower[(k, k)] < SMALLEST_PIVOT) {
                return Err(not_positive());
            }
            let inverse = lower.solve_lower_triangular(&DMatrix::identity(n, n)).ok_or_else(not_positive)?;
            found.inverses.push(factor.inverse().as_slice().to_vec());
            found.factors.push(inverse);
        }
        Ok(found)
    }
}

/// The smallest pivot of a working correlation.
const SMALLEST_PIVOT: f64 = 1e-7;

/// What follows from β row by row.
#[derive(Debug, Clone)]
pub(super) struct Residuals {
    /// e: residuals in units of the working standard deviation.
    pub e: Vec<f64>,
    /// What a row of the model matrix is multiplied by to become that of X̃: √w g⁻¹'(η)/√V(μ).
    pub scale: Vec<f64>,
}

impl Residuals {
    pub fn at(data: &Data, beta: &[f64]) -> Result<Self, Undefined> {
        let n = data.y.len();
        let mut found = Self { e: Vec::with_capacity(n), scale: Vec::with_capacity(n) };
        for row in 0..n {
            let (e, scale) = standardised(data, row, data.predictor(row, beta))?;
            let root = data.root_weight.as_ref().map_or(1.0, |w| w[row]);
            found.e.push(root * e);
            found.scale.push(root * scale);
        }
        Ok(found)
    }

    /// φ: the sum of squares over N, less p by SAS's convention.
    pub fn phi(&self, data: &Data, convention: AlphaConvention) -> f64 {
        let mut sum = 0.0;
        for c in 0..data.clusters() {
            sum += data.count[c] * data.rows(c).map(|row| weight(data, row) * self.e[row] * self.e[row]).sum::<f64>();
        }
        sum / (data.observations() - lost(data, convention))
    }

    /// The products of residuals by pair of visits.
    pub fn pairs(&self, data: &Data) -> Pairs {
        let visits = data.visits;
        let mut pairs = Pairs { visits, sums: vec![0.0; visits * visits], numbers: vec![0.0; visits * visits] };
        for c in 0..data.clusters() {
            let rows = data.rows(c);
            for a in rows.clone() {
                let own = data.count[c] * weight(data, a).sqrt() * self.e[a];
                for b in a + 1..rows.end {
                    let at = data.visit[a] * visits + data.visit[b];
                    pairs.sums[at] += own * weight(data, b).sqrt() * self.e[b];
                    pairs.numbers[at] += data.count[c];
                }
            }
        }
        pairs
    }

    /// α by moments.
    pub fn alpha(&self, data: &Data, structure: WorkingCorrelation, convention: AlphaConvention) -> Result<Vec<f64>, Undefined> {
        if structure == WorkingCorrelation::Independence {
            return Ok(vec![]);
        }
        let phi = self.phi(data, convention);
        let found = structure.by_moments(&self.pairs(data), phi, lost(data, convention), convention);
        found.map_err(|parameter| Undefined::NotDetermined { parameter })
    }
}

/// The degrees of freedom that a convention takes off.
fn lost(data: &Data, convention: AlphaConvention) -> f64 {
    match convention {
        AlphaConvention::Sas => data.p as f64,
        AlphaConvention::Geepack => 0.0,
    }
}

/// The weight of an estimating function.
pub(super) fn weight(data: &Data, row: usize) -> f64 {
    data.inverse_probability.as_ref().map_or(1.0, |w| w[row])
}

/// e and the factor of a row of X̃, without prior weights. Under the canonical link of a binary outcome they are e^(−η/2) or
/// −e^(η/2), and 1/(e^(η/2) + e^(−η/2)), which have their digits at both ends.
fn standardised(data: &Data, row: usize, eta: f64) -> Result<(f64, f64), Undefined> {
    let y = data.y[row];
    if data.family == Family::Binomial && data.link == Link::Logit {
        let half = (-0.5 * eta).exp();
        let inverse = 1.0 / half;
        // Also where η is not a number.
        if !(half * inverse > 0.5 && half + inverse < 1e150) {
            return Err(Undefined::Mean { row, mean: data.link.inverse(eta) });
        }
        return Ok((if y == 1.0 { half } else { -inverse }, 1.0 / (half + inverse)));
    }
    let mean = data.link.inverse(eta);
    if !data.family.holds(mean) {
        return Err(Undefined::Mean { row, mean });
    }
    let root = data.family.variance(mean).sqrt();
    Ok(((y - mean) / root, data.link.slope(eta) / root))
}

/// The score and the information.
#[derive(Debug, Clone)]
pub(super) struct Equations {
    pub score: DVector<f64>,
    /// Not symmetric with inverse probabilities that change within patients.
    pub information: DMatrix<f64>,
}

/// U alone.
pub(super) fn score(data: &Data, correlations: &Correlations, residuals: &Residuals) -> DVector<f64> {
    let mut score = DVector::zeros(data.p);
    let mut pulled = vec![0.0; data.largest()];
    for c in 0..data.clusters() {
        pull(data, correlations, residuals, c, &mut pulled);
        for (k, row) in data.rows(c).enumerate() {
            let factor = data.count[c] * residuals.scale[row] * pulled[k];
            score.iter_mut().zip(data.row(row)).for_each(|(u, x)| *u += factor * x);
        }
    }
    score
}

/// R⁻¹We of a cluster.
fn pull(data: &Data, correlations: &Correlations, residuals: &Residuals, cluster: usize, pulled: &mut [f64]) {
    let rows = data.rows(cluster);
    let n = rows.len();
    let e = &residuals.e[rows.clone()];
    let weighted = |b: usize| weight(data, rows.start + b) * e[b];
    if correlations.is_identity {
        (0..n).for_each(|a| pulled[a] = weighted(a));
        return;
    }
    let inverse = &correlations.inverses[data.pattern_of[cluster]];
    for (a, own) in inverse.chunks_exact(n).enumerate() {
        pulled[a] = own.iter().enumerate().map(|(b, r)| r * weighted(b)).sum();
    }
}

/// The contribution of a cluster to the score, U_i.
pub(super) fn contribution(data: &Data, correlations: &Correlations, residuals: &Residuals, cluster: usize) -> DVector<f64> {
    let mut pulled = vec![0.0; data.rows(cluster).len()];
    pull(data, correlations, residuals, cluster, &mut pulled);
    let mut own = DVector::zeros(data.p);
    for (row, pulled) in data.rows(cluster).zip(pulled) {
        let factor = residuals.scale[row] * pulled;
        own.iter_mut().zip(data.row(row)).for_each(|(u, x)| *u += factor * x);
    }
    own
}

/// U and H.
pub(super) fn equations(data: &Data, correlations: &Correlations, residuals: &Residuals) -> Equations {
    let p = data.p;
    let is_symmetric = data.inverse_probability.is_none();
    if correlations.is_identity {
        return of_independent_rows(data, residuals);
    }
    let information = of_clusters(data, correlations, residuals, is_symmetric);
    let entry = |i: usize, j: usize| if is_symmetric && i > j { information[j * p + i] } else { information[i * p + j] };
    Equations { score: score(data, correlations, residuals), information: DMatrix::from_fn(p, p, entry) }
}

/// y += a x.
fn add(y: &mut [f64], a: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// U and H where R is the identity.
fn of_independent_rows(data: &Data, residuals: &Residuals) -> Equations {
    let p = data.p;
    let (mut score, mut information) = (vec![0.0; p], vec![0.0; p * p]);
    for c in 0..data.clusters() {
        for row in data.rows(c) {
            let scaled = data.count[c] * weight(data, row) * residuals.scale[row];
            let (x, factor) = (data.row(row), scaled * residuals.scale[row]);
            add(&mut score, scaled * residuals.e[row], x);
            for i in 0..p {
                if x[i] != 0.0 {
                    add(&mut information[i * p + i..(i + 1) * p], factor * x[i], &x[i..]);
                }
            }
        }
    }
    let entry = |i: usize, j: usize| information[i.min(j) * p + i.max(j)];
    Equations { score: DVector::from_vec(score), information: DMatrix::from_fn(p, p, entry) }
}

/// H: Σ X̃' (R⁻¹ W X̃); on and above the diagonal where it is symmetric.
fn of_clusters(data: &Data, correlations: &Correlations, residuals: &Residuals, is_symmetric: bool) -> Vec<f64> {
    let p = data.p;
    let mut information = vec![0.0; p * p];
    let (mut scaled, mut right) = (vec![0.0; data.largest() * p], vec![0.0; p]);
    for c in 0..data.clusters() {
        let rows = data.rows(c);
        let n = rows.len();
        for (row, own) in rows.clone().zip(scaled.chunks_exact_mut(p)) {
            let factor = residuals.scale[row];
            own.iter_mut().zip(data.row(row)).for_each(|(s, x)| *s = factor * x);
        }
        for (a, inverse) in correlations.inverses[data.pattern_of[c]].chunks_exact(n).enumerate() {
            right.fill(0.0);
            for b in 0..n {
                add(&mut right, inverse[b] * weight(data, rows.start + b), &scaled[b * p..(b + 1) * p]);
            }
            let own = &scaled[a * p..(a + 1) * p];
            for i in 0..p {
                if own[i] != 0.0 {
                    let from = if is_symmetric { i } else { 0 };
                    add(&mut information[i * p + from..(i + 1) * p], data.count[c] * own[i], &right[from..]);
                }
            }
        }
    }
    information
}
