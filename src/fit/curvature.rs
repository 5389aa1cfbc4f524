//! Gradient and curvature of the likelihood.
//!
//! With A_P = R_P + H_P (R_P alone for maximum likelihood), H_P = Σ_i X_i Φ X_i',
//!
//! ```text
//! ∂_k(−2ℓ)  = Σ_P tr(G_P ∂_kΣ),      G_P = nW − W A_P W
//! ∂_kl(−2ℓ) = Σ_P {tr(∂_kΣ W ∂_lΣ (2 W A_P W − nW)) + tr(G_P ∂_klΣ)} − 2 a_k'Φ a_l − tr(Φ P_k Φ P_l)
//! P_k = −X'W∂_kΣWX,   a_k = X'W∂_kΣW r
//! ```

use super::blocks::Blocks;
use super::kernels::multiply;
use super::problem::{Estimation, Point, Problem};
use crate::covariance::CovarianceStructure;
use nalgebra::{DMatrix, DVector};

/// First and second derivatives of −2ℓ.
pub(crate) struct Curvature {
    pub gradient: DVector<f64>,
    pub hessian: DMatrix<f64>,
}

/// The derivatives through the mean model of one parameter.
pub(crate) struct Slope {
    /// P_k = −X'W∂_kΣWX = ∂(X'WX)/∂θ_k.
    pub p: DMatrix<f64>,
    /// a_k = X'W∂_kΣW r.
    pub a: DVector<f64>,
}

/// ∂_kΣ of all parameters of one group as their non-zero elements (row, column, value), both triangles.
pub(crate) type Derivatives = Vec<Vec<(usize, usize, f64)>>;

impl Problem {
    /// ∂Σ at θ, group by group.
    pub fn derivatives(&self, structure: &dyn CovarianceStructure, theta: &[f64]) -> Vec<Derivatives> {
        let t = self.moments.visits;
        let mut dense = DMatrix::zeros(t, t);
        let mut of_group = |theta: &[f64]| {
            let mut of_parameter = |k| {
                structure.derivative(theta, k, &mut dense);
                let cells = (0..t).flat_map(|b| (0..t).map(move |a| (a, b)));
                cells.filter(|&cell| dense[cell] != 0.0).map(|(a, b)| (a, b, dense[(a, b)])).collect()
            };
            (0..theta.len()).map(&mut of_parameter).collect()
        };
        theta.chunks_exact(theta.len() / self.groups).map(&mut of_group).collect()
    }

    /// Gradient and Hessian of −2ℓ in the natural parameters, the Hessian without the terms through P_k and a_k, which are smaller by p/N.
    pub fn leading_curvature(&self, structure: &dyn CovarianceStructure, point: &Point, derivatives: &[Derivatives]) -> Curvature {
        let (total, t) = (point.theta.len(), self.moments.visits);
        let per_group = total / self.groups;
        let mut hessian = DMatrix::zeros(total, total);
        let mut g = vec![DMatrix::zeros(t, t); self.groups];
        let leverages = (self.estimation == Estimation::Reml).then(|| self.leverages(&point.phi));
        let mut scratch = Scratch::new(t);
        for (index, pattern) in self.patterns().iter().enumerate() {
            let (m, n, w) = (pattern.visits.len(), pattern.patients as f64, point.w.get(index));
            let Scratch { a, left, both, restricted, .. } = &mut scratch;
            let (a, left, both) = (&mut a[..m * m], &mut left[..m * m], &mut both[..m * m]);
            a.copy_from_slice(point.r.get(index));
            if let Some(leverages) = &leverages {
                a.iter_mut().zip(leverages.get(index)).for_each(|(a, h)| *a += h);
            }
            multiply(w, a, m, left);
            multiply(left, w, m, both);
            let g = &mut g[pattern.group];
            for (j, &b) in pattern.visits.iter().enumerate() {
                for (i, &a) in pattern.visits.iter().enumerate() {
                    g[(a, b)] += n * w[j * m + i] - both[j * m + i];
                }
            }
            both.iter_mut().zip(w).for_each(|(e, w)| *e = 2.0 * *e - n * w);
            restrict(&derivatives[pattern.group], &pattern.visits, restricted);
            add_traces(restricted, both, w, 1.0, pattern.group * per_group, left, &mut hessian);
        }
        let gradient = self.add_bends(structure, point, derivatives, &g, &mut hessian);
        hessian.fill_lower_triangle_with_upper_triangle();
        Curvature { gradient, hessian }
    }

    /// Gradient and Hessian of −2ℓ in the natural parameters, whole, and the slopes that it took.
    pub fn exact_curvature(
        &self,
        structure: &dyn CovarianceStructure,
        point: &Point,
        derivatives: &[Derivatives],
    ) -> (Curvature, Vec<Slope>) {
        let mut curvature = self.leading_curvature(structure, point, derivatives);
        let slopes = self.slopes(point, derivatives);
        let phi_p: Vec<DMatrix<f64>> = slopes.iter().map(|s| &point.phi * &s.p).collect();
        let phi_a: Vec<DVector<f64>> = slopes.iter().map(|s| &point.phi * &s.a).collect();
        for k in 0..slopes.len() {
            let transposed = phi_p[k].transpose();
            for l in k..slopes.len() {
                let mut term = 2.0 * slopes[k].a.dot(&phi_a[l]);
                if self.estimation == Estimation::Reml {
                    term += transposed.dot(&phi_p[l]);
                }
                curvature.hessian[(k, l)] -= term;
                if k != l {
                    curvature.hessian[(l, k)] -= term;
                }
            }
        }
        (curvature, slopes)
    }

    /// The expected second derivatives for the covariance alone: Σ_P n tr(W∂_kΣW∂_lΣ).
    pub fn fisher(&self, point: &Point, derivatives: &[Derivatives]) -> DMatrix<f64> {
        let total = point.theta.len();
        let mut fisher = DMatrix::zeros(total, total);
        let mut scratch = Scratch::new(self.moments.visits);
        for (index, pattern) in self.patterns().iter().enumerate() {
            let (m, n, w) = (pattern.visits.len(), pattern.patients as f64, point.w.get(index));
            restrict(&derivatives[pattern.group], &pattern.visits, &mut scratch.restricted);
            add_traces(&scratch.restricted, w, w, n, pattern.group * (total / self.groups), &mut scratch.left[..m * m], &mut fisher);
        }
        fisher.fill_lower_triangle_with_upper_triangle();
        fisher
    }

    /// P_k and a_k for every parameter.
    fn slopes(&self, point: &Point, derivatives: &[Derivatives]) -> Vec<Slope> {
        let mut omega = Blocks::zeros(self.patterns());
        let mut restricted = vec![];
        let mut slopes = vec![];
        for (group, derivatives) in derivatives.iter().enumerate() {
            for derivative in derivatives {
                omega.clear();
                for (index, pattern) in self.patterns().iter().enumerate().filter(|(_, p)| p.group == group) {
                    restrict(std::slice::from_ref(derivative), &pattern.visits, &mut restricted);
                    let w = point.w.get(index);
                    add_sandwich(w, &restricted[0], w, pattern.visits.len(), omega.get_mut(index));
                }
                let p = -self.gram(&omega);
                let a = self.cross(&omega) + &p * &point.beta;
                slopes.push(Slope { p, a });
            }
        }
        slopes
    }

    /// The gradient from G on the visit grid; adds tr(G ∂_klΣ) to the upper triangle of the Hessian.
    fn add_bends(
        &self,
        structure: &dyn CovarianceStructure,
        point: &Point,
        derivatives: &[Derivatives],
        g: &[DMatrix<f64>],
        hessian: &mut DMatrix<f64>,
    ) -> DVector<f64> {
        let (total, t) = (point.theta.len(), self.moments.visits);
        let per_group = total / self.groups;
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
        gradient
    }
}

/// Room for the matrices of one pattern at a time.
struct Scratch {
    a: Vec<f64>,
    left: Vec<f64>,
    both: Vec<f64>,
    restricted: Derivatives,
}

impl Scratch {
    fn new(visits: usize) -> Self {
        let square = || vec![0.0; visits * visits];
        Self { a: square(), left: square(), both: square(), restricted: vec![] }
    }
}

/// Adds scale · tr(∂_kΣ W ∂_lΣ E) for all k ≤ l to the upper triangle of `sum`, from position `first` on.
fn add_traces(derivatives: &Derivatives, e: &[f64], w: &[f64], scale: f64, first: usize, product: &mut [f64], sum: &mut DMatrix<f64>) {
    let m = w.len().isqrt();
    for (k, dk) in derivatives.iter().enumerate() {
        if dk.is_empty() {
            continue;
        }
        product.fill(0.0);
        add_sandwich(e, dk, w, m, product);
        for (l, dl) in derivatives.iter().enumerate().skip(k) {
            let trace: f64 = dl.iter().map(|&(row, column, v)| v * product[row * m + column]).sum();
            sum[(first + k, first + l)] += scale * trace;
        }
    }
}

/// Adds Left ∂ Right to `sum`, all m × m, Left and Right symmetric.
pub(crate) fn add_sandwich(left: &[f64], derivative: &[(usize, usize, f64)], right: &[f64], m: usize, sum: &mut [f64]) {
    for &(a, b, v) in derivative {
        let column = &left[a * m..(a + 1) * m];
        for (target, &r) in sum.chunks_exact_mut(m).zip(&right[b * m..(b + 1) * m]) {
            let factor = v * r;
            target.iter_mut().zip(column).for_each(|(t, l)| *t += l * factor);
        }
    }
}

/// Writes the elements of derivatives at a pattern's visits, in the pattern's positions, into `restricted`.
pub(crate) fn restrict(derivatives: &[Vec<(usize, usize, f64)>], visits: &[usize], restricted: &mut Derivatives) {
    restricted.resize_with(derivatives.len(), Vec::new);
    for (own, derivative) in restricted.iter_mut().zip(derivatives) {
        own.clear();
        let position = |visit: usize| visits.binary_search(&visit).ok();
        own.extend(derivative.iter().filter_map(|&(a, b, v)| Some((position(a)?, position(b)?, v))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::Covariance;
    use crate::design::{Design, DesignOptions, MeanModel};
    use crate::fit::moments::{Moments, active_rows};
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
        let moments = Moments::of(&design, &design.z, &rows, origin);
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

    fn whole(problem: &Problem, structure: &dyn CovarianceStructure, point: &Point) -> Curvature {
        problem.exact_curvature(structure, point, &problem.derivatives(structure, &point.theta)).0
    }

    fn check(problem: &Problem, structure: &dyn CovarianceStructure, theta: &[f64], case: &str) {
        let at = |theta: &[f64]| problem.at(structure, theta).expect("inside the range");
        let exact = whole(problem, structure, &at(theta));
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
            let gradient = |point: &Point| whole(problem, structure, point).gradient;
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
