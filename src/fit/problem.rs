//! A model's likelihood as a function of the covariance parameters: value, gradient and curvature, all from the moments.
//!
//! Notation: Σ the covariance on the visit grid, W = Σ\[P,P\]⁻¹ for a pattern P, Φ = (Σ_i X_i'WX_i)⁻¹, R_P = Σ_i e_i e_i', H_P = Σ_i X_i Φ X_i',
//! A_P = R_P + H_P (R_P alone for maximum likelihood). With −2ℓ written out (Harville 1977, JASA 72:320–338; the constant without log|X'X|
//! as SAS PROC MIXED has it),
//!
//! ```text
//! −2ℓ        = Σ_P {n log|Σ_PP| + tr(W R_P)} + log|X'WX| + (N − p) log 2π
//! ∂_k(−2ℓ)   = Σ_P tr(G_P ∂_kΣ),          G_P = nW − W A_P W
//! ∂_kl(−2ℓ)  = Σ_P {tr(∂_kΣ W ∂_lΣ (2 W A_P W − nW)) + tr(G_P ∂_klΣ)} − 2 a_k'Φ a_l − tr(Φ P_k Φ P_l)
//! P_k = −X'W∂_kΣWX,   a_k = X'W∂_kΣW r
//! ```

pub(crate) use super::kernels::multiply as multiply_into;
use super::kernels::{cholesky, inverse_from_cholesky, multiply, trace_product};
use super::moments::{Moments, PatternMoments, Rows};
use crate::covariance::CovarianceStructure;
use nalgebra::{DMatrix, DVector};

/// Restricted or full maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Estimation {
    /// Restricted maximum likelihood (the default): variances are unbiased in balanced data.
    #[default]
    Reml,
    /// Maximum likelihood: for comparing mean models by their likelihood.
    Ml,
}

/// The likelihood problem of one model and its data.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub moments: Moments,
    pub rows: Rows,
    /// Number of (active) columns p.
    pub columns: usize,
    pub groups: usize,
    pub estimation: Estimation,
    /// The part of −2ℓ that does not depend on θ.
    constant: f64,
}

/// Everything known at one θ: the solution for β and, per pattern, W and A_P.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// All groups' parameters, group by group.
    pub theta: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// β − β₀.
    pub beta: DVector<f64>,
    /// Φ.
    pub phi: DMatrix<f64>,
    /// W of each pattern, m × m.
    pub w: Vec<Vec<f64>>,
    /// R_P of each pattern, m × m.
    pub r: Vec<Vec<f64>>,
}

/// First and second derivatives of −2ℓ, and the expected (Fisher) form of the second for the covariance alone.
pub(crate) struct Curvature {
    pub gradient: DVector<f64>,
    pub hessian: DMatrix<f64>,
    pub fisher: DMatrix<f64>,
}

/// How much of the second derivative is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terms {
    /// Without the terms through P_k and a_k, which are smaller by p/N.
    Leading,
    /// All of them.
    Exact,
}

/// A derivative of Σ as its non-zero elements (row, column, value).
pub(crate) type Sparse = Vec<(usize, usize, f64)>;

impl Problem {
    pub fn new(moments: Moments, rows: Rows, columns: usize, groups: usize, estimation: Estimation) -> Self {
        let n = moments.observations() as f64;
        let p = match estimation {
            Estimation::Reml => columns as f64,
            Estimation::Ml => 0.0,
        };
        let log_weights: f64 = moments.patterns.iter().map(|p| p.log_weights).sum();
        let constant = (n - p) * (2.0 * std::f64::consts::PI).ln() - log_weights;
        Self { moments, rows, columns, groups, estimation, constant }
    }

    pub fn patterns(&self) -> &[PatternMoments] {
        &self.moments.patterns
    }

    /// The problem at θ, `None` where Σ or X'WX is not positive definite.
    pub fn at(&self, structure: &dyn CovarianceStructure, theta: &[f64]) -> Option<Point> {
        let per_group = theta.len() / self.groups;
        let t = self.moments.visits;
        let mut sigmas = Vec::with_capacity(self.groups);
        for theta in theta.chunks_exact(per_group) {
            if !structure.in_range(theta) || theta.iter().any(|x| !x.is_finite()) {
                return None;
            }
            let mut sigma = DMatrix::zeros(t, t);
            structure.sigma(theta, &mut sigma);
            cholesky(&mut sigma.as_slice().to_vec(), t)?;
            sigmas.push(sigma);
        }
        let (mut w, mut value) = (Vec::with_capacity(self.patterns().len()), self.constant);
        for pattern in self.patterns() {
            let (inverse, log_determinant) = pattern_inverse(&sigmas[pattern.group], &pattern.visits)?;
            value += pattern.patients as f64 * log_determinant;
            w.push(inverse);
        }
        let (beta, phi, log_determinant) = self.solve(&w)?;
        if self.estimation == Estimation::Reml {
            value += log_determinant;
        }
        let r = self.residual_squares(&beta);
        value += w.iter().zip(&r).map(|(w, r)| trace_product(w, r)).sum::<f64>();
        value.is_finite().then(|| Point { theta: theta.to_vec(), value, beta, phi, w, r })
    }

    /// Generalised least squares with the given weights: β − β₀, Φ and log|X'WX|.
    pub fn solve(&self, w: &[Vec<f64>]) -> Option<(DVector<f64>, DMatrix<f64>, f64)> {
        let mut gram = self.gram(w);
        let p = self.columns;
        // Scaled to unit diagonal, so that columns in different units lose nothing to each other.
        let scale: Vec<f64> = (0..p).map(|c| 1.0 / gram[(c, c)].sqrt()).collect();
        for c in 0..p {
            for d in 0..p {
                gram[(d, c)] *= scale[c] * scale[d];
            }
        }
        let mut phi = DMatrix::zeros(p, p);
        let log_determinant = cholesky(gram.as_mut_slice(), p)? - 2.0 * scale.iter().map(|s| s.ln()).sum::<f64>();
        inverse_from_cholesky(gram.as_slice(), p, phi.as_mut_slice());
        for c in 0..p {
            for d in 0..p {
                phi[(d, c)] *= scale[c] * scale[d];
            }
        }
        let beta = &phi * self.cross(w);
        Some((beta, phi, log_determinant))
    }

    /// Σ_i X_i' Ω X_i for a symmetric Ω per pattern, p × p.
    pub fn gram(&self, omega: &[Vec<f64>]) -> DMatrix<f64> {
        let (q, t) = (self.moments.values, self.moments.visits);
        // K_st = Σ_P Ω_st M_zz for s ≥ t; both K_st and K as a whole are symmetric.
        let mut k = vec![0.0; t * t * q * q];
        let mut present = vec![false; t * t];
        for (pattern, omega) in self.patterns().iter().zip(omega) {
            let m = pattern.visits.len();
            for (j, &visit_j) in pattern.visits.iter().enumerate() {
                for (i, &visit_i) in pattern.visits.iter().enumerate().skip(j) {
                    let (cell, weight) = (visit_j * t + visit_i, omega[j * m + i]);
                    present[cell] = true;
                    let block = &mut k[cell * q * q..(cell + 1) * q * q];
                    block.iter_mut().zip(&pattern.zz).for_each(|(k, zz)| *k += weight * zz);
                }
            }
        }
        let mut gram = DMatrix::zeros(self.columns, self.columns);
        for b in 0..t {
            for a in b..t {
                if !present[b * t + a] {
                    continue;
                }
                let block = &k[(b * t + a) * q * q..(b * t + a + 1) * q * q];
                for d in &self.rows[b] {
                    for c in &self.rows[a] {
                        let x = c.weight * d.weight * block[d.value * q + c.value];
                        gram[(c.column, d.column)] += x;
                        if a != b {
                            gram[(d.column, c.column)] += x;
                        }
                    }
                }
            }
        }
        gram
    }

    /// Σ_i X_i' Ω (y_i − X_i β₀) for a symmetric Ω per pattern.
    pub fn cross(&self, omega: &[Vec<f64>]) -> DVector<f64> {
        let q = self.moments.values;
        let mut cross = DVector::zeros(self.columns);
        let mut sum = vec![0.0; q];
        for (pattern, omega) in self.patterns().iter().zip(omega) {
            let m = pattern.visits.len();
            for (i, &visit) in pattern.visits.iter().enumerate() {
                sum.fill(0.0);
                for j in 0..m {
                    let weight = omega[j * m + i];
                    sum.iter_mut().zip(&pattern.zy[j * q..(j + 1) * q]).for_each(|(s, zy)| *s += weight * zy);
                }
                self.rows[visit].iter().for_each(|e| cross[e.column] += e.weight * sum[e.value]);
            }
        }
        cross
    }

    /// The coefficients of z in the fitted value at each visit of a pattern: row t is β'D_t, stored q by visit.
    fn fitted_coefficients(&self, pattern: &PatternMoments, beta: &DVector<f64>) -> Vec<f64> {
        let q = self.moments.values;
        let mut b = vec![0.0; q * pattern.visits.len()];
        for (i, &visit) in pattern.visits.iter().enumerate() {
            self.rows[visit].iter().for_each(|e| b[i * q + e.value] += e.weight * beta[e.column]);
        }
        b
    }

    /// R_P of every pattern at β.
    pub fn residual_squares(&self, beta: &DVector<f64>) -> Vec<Vec<f64>> {
        self.patterns().iter().map(|pattern| self.residual_products(pattern, beta)).collect()
    }

    /// R_P = Σ_i e_i e_i'.
    fn residual_products(&self, pattern: &PatternMoments, beta: &DVector<f64>) -> Vec<f64> {
        let (q, m) = (self.moments.values, pattern.visits.len());
        let b = self.fitted_coefficients(pattern, beta);
        let mut r = self.products(pattern, beta);
        for j in 0..m {
            for i in 0..m {
                let dot = |visit: usize, column: usize| -> f64 {
                    b[visit * q..(visit + 1) * q].iter().zip(&pattern.zy[column * q..(column + 1) * q]).map(|(b, zy)| b * zy).sum()
                };
                r[j * m + i] += pattern.yy[j * m + i] - dot(i, j) - dot(j, i);
            }
        }
        r
    }

    /// Σ_i (X_i v)(X_i v)' over the patients of a pattern, m × m.
    pub fn products(&self, pattern: &PatternMoments, v: &DVector<f64>) -> Vec<f64> {
        let (q, m) = (self.moments.values, pattern.visits.len());
        let b = self.fitted_coefficients(pattern, v);
        let mut zz_b = vec![0.0; q * m];
        for j in 0..m {
            for k in 0..q {
                let factor = b[j * q + k];
                if factor != 0.0 {
                    (0..q).for_each(|i| zz_b[j * q + i] += pattern.zz[k * q + i] * factor);
                }
            }
        }
        let mut product = vec![0.0; m * m];
        for j in 0..m {
            for i in 0..m {
                product[j * m + i] = b[i * q..(i + 1) * q].iter().zip(&zz_b[j * q..(j + 1) * q]).map(|(b, x)| b * x).sum();
            }
        }
        product
    }

    /// H_P = Σ_i X_i Φ X_i', m × m.
    fn leverage(&self, pattern: &PatternMoments, phi: &DMatrix<f64>) -> Vec<f64> {
        let (q, m) = (self.moments.values, pattern.visits.len());
        let mut h = vec![0.0; m * m];
        for (j, &visit_j) in pattern.visits.iter().enumerate() {
            for (i, &visit_i) in pattern.visits.iter().enumerate().skip(j) {
                let mut sum = 0.0;
                for d in &self.rows[visit_j] {
                    for c in &self.rows[visit_i] {
                        sum += c.weight * d.weight * phi[(c.column, d.column)] * pattern.zz[d.value * q + c.value];
                    }
                }
                h[j * m + i] = sum;
                h[i * m + j] = sum;
            }
        }
        h
    }

    /// Gradient and curvature of −2ℓ in the natural parameters.
    pub fn curvature(&self, structure: &dyn CovarianceStructure, point: &Point, terms: Terms) -> Curvature {
        let per_group = point.theta.len() / self.groups;
        let total = point.theta.len();
        let t = self.moments.visits;
        let derivatives: Vec<Vec<Sparse>> = point.theta.chunks_exact(per_group).map(|theta| sparse_derivatives(structure, theta)).collect();
        let mut hessian = DMatrix::zeros(total, total);
        let mut fisher = DMatrix::zeros(total, total);
        let mut g = vec![DMatrix::zeros(t, t); self.groups];
        for (index, pattern) in self.patterns().iter().enumerate() {
            let (m, n, w) = (pattern.visits.len(), pattern.patients as f64, &point.w[index]);
            let mut a = point.r[index].clone();
            if self.estimation == Estimation::Reml {
                a.iter_mut().zip(self.leverage(pattern, &point.phi)).for_each(|(a, h)| *a += h);
            }
            let (mut wa, mut waw) = (vec![0.0; m * m], vec![0.0; m * m]);
            multiply(w, &a, m, &mut wa);
            multiply(&wa, w, m, &mut waw);
            let outer: Vec<f64> = waw.iter().zip(w).map(|(e, w)| 2.0 * e - n * w).collect();
            for j in 0..m {
                for i in 0..m {
                    g[pattern.group][(pattern.visits[i], pattern.visits[j])] += n * w[j * m + i] - waw[j * m + i];
                }
            }
            let first = pattern.group * per_group;
            let restricted: Vec<Sparse> = derivatives[pattern.group].iter().map(|d| restrict(d, &pattern.visits)).collect();
            for (k, dk) in restricted.iter().enumerate() {
                let (observed, expected) = (sandwiched(&outer, dk, w, m), sandwiched(w, dk, w, m));
                for (l, dl) in restricted.iter().enumerate().skip(k) {
                    hessian[(first + k, first + l)] += trace_sparse(&observed, dl, m);
                    fisher[(first + k, first + l)] += n * trace_sparse(&expected, dl, m);
                }
            }
        }
        let mut gradient = DVector::zeros(total);
        let mut second = DMatrix::zeros(t, t);
        for (group, theta) in point.theta.chunks_exact(per_group).enumerate() {
            let first = group * per_group;
            for k in 0..per_group {
                gradient[first + k] = derivatives[group][k].iter().map(|&(a, b, v)| v * g[group][(a, b)]).sum();
                for l in k..per_group {
                    if structure.second_derivative(theta, k, l, &mut second) {
                        hessian[(first + k, first + l)] += g[group].dot(&second);
                    }
                }
            }
        }
        if terms == Terms::Exact {
            self.subtract_mean_terms(point, &derivatives, &mut hessian);
        }
        hessian.fill_lower_triangle_with_upper_triangle();
        fisher.fill_lower_triangle_with_upper_triangle();
        Curvature { gradient, hessian, fisher }
    }

    /// The terms of the Hessian that come from β being estimated: − 2 a_k'Φ a_l − tr(Φ P_k Φ P_l).
    fn subtract_mean_terms(&self, point: &Point, derivatives: &[Vec<Sparse>], hessian: &mut DMatrix<f64>) {
        let slopes = self.slopes(point, derivatives);
        let phi_p: Vec<DMatrix<f64>> = slopes.iter().map(|s| &point.phi * &s.p).collect();
        let phi_a: Vec<DVector<f64>> = slopes.iter().map(|s| &point.phi * &s.a).collect();
        for k in 0..slopes.len() {
            let transposed = phi_p[k].transpose();
            for l in k..slopes.len() {
                hessian[(k, l)] -= 2.0 * slopes[k].a.dot(&phi_a[l]);
                if self.estimation == Estimation::Reml {
                    hessian[(k, l)] -= transposed.dot(&phi_p[l]);
                }
            }
        }
    }

    /// P_k and a_k for every parameter.
    pub fn slopes(&self, point: &Point, derivatives: &[Vec<Sparse>]) -> Vec<Slope> {
        let mut slopes = vec![];
        for (group, derivatives) in derivatives.iter().enumerate() {
            for derivative in derivatives {
                let omega: Vec<Vec<f64>> = self
                    .patterns()
                    .iter()
                    .zip(&point.w)
                    .map(|(pattern, w)| {
                        let m = pattern.visits.len();
                        if pattern.group == group { sandwiched(w, &restrict(derivative, &pattern.visits), w, m) } else { vec![0.0; m * m] }
                    })
                    .collect();
                let p = -self.gram(&omega);
                let a = self.cross(&omega) + &p * &point.beta;
                slopes.push(Slope { p, a });
            }
        }
        slopes
    }
}

/// The derivatives through the mean model of one parameter.
pub(crate) struct Slope {
    /// P_k = −X'W∂_kΣWX = ∂(X'WX)/∂θ_k.
    pub p: DMatrix<f64>,
    /// a_k = X'W∂_kΣW r.
    pub a: DVector<f64>,
}

/// ∂_kΣ of all parameters of one group.
pub(crate) fn sparse_derivatives(structure: &dyn CovarianceStructure, theta: &[f64]) -> Vec<Sparse> {
    let t = structure.visits();
    let mut dense = DMatrix::zeros(t, t);
    let sparse = |k| {
        structure.derivative(theta, k, &mut dense);
        let cells = (0..t).flat_map(|b| (0..t).map(move |a| (a, b)));
        cells.filter(|&(a, b)| dense[(a, b)] != 0.0).map(|(a, b)| (a, b, dense[(a, b)])).collect()
    };
    (0..theta.len()).map(sparse).collect()
}

/// The elements of a derivative at a pattern's visits, in the pattern's positions.
pub(crate) fn restrict(derivative: &Sparse, visits: &[usize]) -> Sparse {
    let position = |visit: usize| visits.binary_search(&visit).ok();
    derivative.iter().filter_map(|&(a, b, v)| Some((position(a)?, position(b)?, v))).collect()
}

/// Left ∂ Right for a sparse ∂, m × m.
pub(crate) fn sandwiched(left: &[f64], derivative: &Sparse, right: &[f64], m: usize) -> Vec<f64> {
    let mut product = vec![0.0; m * m];
    for &(a, b, v) in derivative {
        for j in 0..m {
            let factor = v * right[j * m + b];
            for i in 0..m {
                product[j * m + i] += left[a * m + i] * factor;
            }
        }
    }
    product
}

/// tr(A ∂) for a sparse symmetric ∂.
pub(crate) fn trace_sparse(a: &[f64], derivative: &Sparse, m: usize) -> f64 {
    derivative.iter().map(|&(row, column, v)| v * a[row * m + column]).sum()
}

/// (Σ\[P,P\])⁻¹ and log|Σ\[P,P\]|.
fn pattern_inverse(sigma: &DMatrix<f64>, visits: &[usize]) -> Option<(Vec<f64>, f64)> {
    let m = visits.len();
    let mut factor = vec![0.0; m * m];
    for (j, &b) in visits.iter().enumerate() {
        for (i, &a) in visits.iter().enumerate() {
            factor[j * m + i] = sigma[(a, b)];
        }
    }
    let log_determinant = cholesky(&mut factor, m)?;
    let mut inverse = vec![0.0; m * m];
    inverse_from_cholesky(&factor, m, &mut inverse);
    Some((inverse, log_determinant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::Covariance;
    use crate::design::{Design, DesignOptions, MeanModel};
    use crate::fit::moments::active_rows;
    use crate::trial::{Covariate, CovariateValues, Outcome, Schedule, Trial, Visit};

    /// A small unbalanced trial: 40 patients, 4 visits, gaps of every kind, weights.
    fn trial() -> Trial {
        let mut state = 7_u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut y = vec![];
        let mut weights = vec![];
        for patient in 0..40 {
            let own = 8.0 * uniform();
            for visit in 0..4 {
                let value = 30.0 + own - 2.0 * visit as f64 + 6.0 * uniform() + f64::from(patient % 2) * visit as f64;
                y.push(if uniform() < 0.25 { f64::NAN } else { value });
                weights.push(0.5 + uniform());
            }
        }
        let visits = [0.0, 3.0, 6.0, 12.0].map(|t| Visit { label: format!("month {t}"), time: Some(t) });
        Trial::builder("made for this test")
            .patients((0..40).map(|i| i.to_string()))
            .arms(["a", "b"], (0..40).map(|i| i % 2).collect())
            .schedule(Schedule::new(visits.to_vec()))
            .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: y })
            .covariate(Covariate { name: "w".into(), values: CovariateValues::NumericByVisit(weights) })
            .build()
            .expect("fits together")
    }

    fn problem(options: &DesignOptions, estimation: Estimation) -> (Problem, Vec<Option<f64>>) {
        let mean = MeanModel::parse("y ~ arm * visit").expect("parses");
        let design = Design::build(&trial(), &mean, options).expect("has all variables");
        let kept: Vec<usize> = (0..design.columns.len()).collect();
        let rows = active_rows(&design, &kept);
        let mut origin = vec![0.0; kept.len()];
        origin[0] = 30.0;
        let moments = Moments::of(&design, &rows, origin);
        (Problem::new(moments, rows, kept.len(), design.groups.len(), estimation), design.visit_times.clone())
    }

    fn options() -> [DesignOptions; 3] {
        let plain = DesignOptions::default();
        [plain.clone(), DesignOptions { group: Some("arm".into()), ..plain.clone() }, DesignOptions { weights: Some("w".into()), ..plain }]
    }

    /// Gradient and Hessian against central differences of the value and of the gradient, for every structure, with groups, with weights, under
    /// REML and ML. The differences are good to about 1e-8 of the largest element.
    #[test]
    fn derivatives_are_those_of_the_likelihood() {
        for options in options() {
            for estimation in [Estimation::Reml, Estimation::Ml] {
                let (problem, times) = problem(&options, estimation);
                for (name, _, covariance) in Covariance::NAMED {
                    let structure = covariance.bind(&times).expect("has times");
                    // Well inside the range, where differences are accurate, and away from the optimum, where the gradient is not zero.
                    let near =
                        DMatrix::from_fn(4, 4, |a, b| (6.0 + a as f64) * 0.6_f64.powi(a.abs_diff(b) as i32) + f64::from(a == b) * 2.0);
                    let theta = structure.start(&(0.5 * (&near + near.transpose()))).repeat(problem.groups);
                    check(&problem, &*structure, &theta, &format!("{name}, {estimation:?}, {options:?}"));
                }
            }
        }
    }

    fn check(problem: &Problem, structure: &dyn CovarianceStructure, theta: &[f64], case: &str) {
        let at = |theta: &[f64]| problem.at(structure, theta).expect("inside the range");
        let exact = problem.curvature(structure, &at(theta), Terms::Exact);
        for k in 0..theta.len() {
            let step = 1e-5 * theta[k].abs().max(1e-2);
            let moved = |by: f64| {
                let mut theta = theta.to_vec();
                theta[k] += by;
                at(&theta)
            };
            let (above, below) = (moved(step), moved(-step));
            let slope = (above.value - below.value) / (2.0 * step);
            let scale = exact.gradient.abs().max() + 1e-3 * exact.hessian[(k, k)].abs() * theta[k].abs();
            assert!((slope - exact.gradient[k]).abs() < 1e-6 * scale, "{case}: ∂/∂θ_{k} is {} but moves by {slope}", exact.gradient[k]);
            let gradient = |point: &Point| problem.curvature(structure, point, Terms::Exact).gradient;
            let bend = (gradient(&above) - gradient(&below)) / (2.0 * step);
            for l in 0..theta.len() {
                let scale = (exact.hessian[(k, k)] * exact.hessian[(l, l)]).abs().sqrt() + exact.hessian[(k, l)].abs();
                assert!(
                    (bend[l] - exact.hessian[(k, l)]).abs() < 1e-6 * scale,
                    "{case}: ∂²/∂θ_{k}∂θ_{l} is {} but moves by {}",
                    exact.hessian[(k, l)],
                    bend[l]
                );
            }
        }
    }

    #[test]
    fn the_moments_give_what_the_patients_give() {
        for options in options() {
            let mean = MeanModel::parse("y ~ arm * visit").expect("parses");
            let design = Design::build(&trial(), &mean, &options).expect("has all variables");
            let (problem, times) = problem(&options, Estimation::Reml);
            let structure = Covariance::Unstructured.bind(&times).expect("needs nothing");
            let point = crate::fit::start::start(&problem, &*structure).expect("starts");
            let expected = patient_by_patient(&design, &point, &*structure);
            assert!((point.value - expected).abs() < 1e-10 * expected.abs(), "{} from moments, {expected} patient by patient", point.value);
        }
    }

    /// −2 restricted log-likelihood summed over patients with dense matrices.
    fn patient_by_patient(design: &Design, point: &Point, structure: &dyn CovarianceStructure) -> f64 {
        let (p, q, t) = (design.columns.len(), design.values, design.visits.len());
        let per_group = point.theta.len() / design.groups.len();
        let (mut xwx, mut xwy, mut ywy, mut value, mut n) = (DMatrix::zeros(p, p), DVector::zeros(p), 0.0, 0.0, 0);
        for i in 0..design.patients.len() {
            let seen: Vec<usize> = (0..t).filter(|&v| !design.y[i * t + v].is_nan()).collect();
            let mut sigma = DMatrix::zeros(t, t);
            let group = design.group_of[i];
            structure.sigma(&point.theta[group * per_group..(group + 1) * per_group], &mut sigma);
            let root = |v: usize| design.weights.as_ref().map_or(1.0, |w| w[i * t + v].sqrt());
            let v = DMatrix::from_fn(seen.len(), seen.len(), |a, b| sigma[(seen[a], seen[b])] / (root(seen[a]) * root(seen[b])));
            let mut x = DMatrix::zeros(seen.len(), p);
            for (row, &visit) in seen.iter().enumerate() {
                design.entries[visit].iter().for_each(|e| x[(row, e.column)] = e.weight * design.z[i * q + e.value]);
            }
            let y = DVector::from_iterator(seen.len(), seen.iter().map(|&v| design.y[i * t + v]));
            let w = v.clone().try_inverse().expect("positive definite");
            value += v.determinant().ln();
            n += seen.len();
            xwx += x.transpose() * &w * &x;
            xwy += x.transpose() * &w * &y;
            ywy += (y.transpose() * &w * &y)[0];
        }
        let beta = xwx.clone().cholesky().expect("full rank").solve(&xwy);
        value + ywy - xwy.dot(&beta) + xwx.determinant().ln() + (n - p) as f64 * (2.0 * std::f64::consts::PI).ln()
    }
}
