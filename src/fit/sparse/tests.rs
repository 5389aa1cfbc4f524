//! The engine against dense matrices written out: V⁻¹, P and every derivative explicit.

use super::SparseFit;
use crate::design::{Columns, Design, DesignColumn, DesignOptions, EffectCovariance, Entry, MeanModel, RandomTerm, Rows};
use crate::fit::marginal::MarginalModel;
use crate::fit::{Confounded, Estimation, Failure};
use crate::trial::{Outcome, Schedule, Trial, Visit};
use nalgebra::{DMatrix, DVector};

/// Uniform numbers in (0, 1), the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

/// A design with these rows, one observation a "patient".
fn design(x: &DMatrix<f64>, y: &[f64], weights: Option<Vec<f64>>, random: Vec<RandomTerm>) -> Design {
    let trial = Trial::builder("made for this test")
        .patients(["1", "2"])
        .arms(["a", "b"], vec![0, 1])
        .schedule(Schedule::new(vec![Visit { label: "once".into(), time: None }]))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: vec![0.0, 1.0] })
        .build()
        .expect("fits together");
    let blank = Design::build(&trial, &MeanModel::parse("y ~ 1").expect("parses"), &DesignOptions::default()).expect("has rows");
    let p = x.ncols();
    let columns = Columns {
        values: p,
        list: (0..p).map(|c| DesignColumn { name: format!("x{c}"), term: 0 }).collect(),
        entries: vec![(0..p).map(|c| Entry { column: c, value: c, weight: 1.0 }).collect()],
        ..(*blank.columns).clone()
    };
    let rows = Rows {
        patients: (0..y.len()).collect(),
        width: p,
        z: x.transpose().as_slice().to_vec(),
        y: y.to_vec(),
        weights,
        random,
        ..(*blank.rows).clone()
    };
    Design { columns: columns.into(), rows: rows.into(), account: blank.account }
}

/// A term: the level of every row, and what multiplies its effects.
fn term(factor: &str, structure: EffectCovariance, level_of: Vec<Option<usize>>, z: &[&[f64]]) -> RandomTerm {
    let levels = level_of.iter().flatten().max().map_or(0, |l| l + 1);
    let rows = (0..level_of.len()).flat_map(|row| {
        let inside = if level_of[row].is_some() { 1.0 } else { 0.0 };
        z.iter().map(move |z| inside * z[row])
    });
    RandomTerm {
        factor: factor.into(),
        of_patients: false,
        levels: (0..levels).map(|l| l.to_string()).collect(),
        effects: (0..z.len()).map(|a| format!("e{a}")).collect(),
        structure,
        z: rows.collect(),
        level_of: level_of.into_iter().map(|l| l.map(|l| l as u32)).collect(),
    }
}

pub(super) fn fit(design: &Design, estimation: Estimation) -> Result<SparseFit, Failure> {
    let kept: Vec<usize> = (0..design.columns.len()).collect();
    SparseFit::new(design, &kept, estimation)
}

/// Everything written out.
struct Dense {
    x: DMatrix<f64>,
    y: DVector<f64>,
    /// ∂V/∂θ_k.
    slopes: Vec<DMatrix<f64>>,
    estimation: Estimation,
}

impl Dense {
    fn of(design: &Design, estimation: Estimation) -> Self {
        let n = design.rows.y.len();
        let weights = DVector::from_vec(design.rows.weights.clone().unwrap_or(vec![1.0; n]));
        let mut slopes = vec![DMatrix::from_diagonal(&weights.map(|w| 1.0 / w))];
        for term in &design.rows.random {
            for a in 0..term.size() {
                for b in 0..=a {
                    if term.structure == EffectCovariance::Independent && a != b {
                        continue;
                    }
                    slopes.push(DMatrix::from_fn(n, n, |i, j| {
                        let (zi, zj) = (&term.z[i * term.size()..], &term.z[j * term.size()..]);
                        let inside = term.level_of[i].is_some() && term.level_of[i] == term.level_of[j];
                        let value = if a == b { zi[a] * zj[a] } else { zi[a] * zj[b] + zi[b] * zj[a] };
                        if inside { value } else { 0.0 }
                    }));
                }
            }
        }
        let x = DMatrix::from_row_slice(n, design.columns.len(), &design.rows.z);
        Self { x, y: DVector::from_column_slice(&design.rows.y), slopes, estimation }
    }

    fn v(&self, theta: &[f64]) -> DMatrix<f64> {
        self.slopes.iter().zip(theta).fold(DMatrix::zeros(self.y.len(), self.y.len()), |sum, (s, t)| sum + s * *t)
    }

    fn value(&self, theta: &[f64]) -> f64 {
        let (n, p) = (self.y.len() as f64, self.x.ncols() as f64);
        let factor = self.v(theta).cholesky().expect("positive definite");
        let gram = (self.x.transpose() * factor.solve(&self.x)).cholesky().expect("positive definite");
        let beta = gram.solve(&(self.x.transpose() * factor.solve(&self.y)));
        let rest = &self.y - &self.x * beta;
        let log = |l: DMatrix<f64>| 2.0 * l.diagonal().iter().map(|x| x.ln()).sum::<f64>();
        let fixed = if self.estimation == Estimation::Reml { log(gram.l()) } else { 0.0 };
        let count = if self.estimation == Estimation::Reml { n - p } else { n };
        log(factor.l()) + rest.dot(&factor.solve(&rest)) + fixed + count * (2.0 * std::f64::consts::PI).ln()
    }
}

/// Everything at one θ, with V⁻¹ written out.
struct Written {
    phi: DMatrix<f64>,
    beta: DVector<f64>,
    /// Of −2ℓ.
    gradient: DVector<f64>,
    observed: DMatrix<f64>,
    expected: DMatrix<f64>,
    /// V⁻¹X.
    wx: DMatrix<f64>,
    inverse: DMatrix<f64>,
    p: DMatrix<f64>,
}

impl Dense {
    fn at(&self, theta: &[f64]) -> Written {
        let inverse = self.v(theta).cholesky().expect("positive definite").inverse();
        let wx = &inverse * &self.x;
        let phi = (self.x.transpose() * &wx).cholesky().expect("positive definite").inverse();
        let beta = &phi * wx.transpose() * &self.y;
        let p = &inverse - &wx * &phi * wx.transpose();
        let q = if self.estimation == Estimation::Reml { &p } else { &inverse };
        let (py, k) = (&p * &self.y, theta.len());
        let moved: Vec<DMatrix<f64>> = self.slopes.iter().map(|s| q * s).collect();
        let expected = DMatrix::from_fn(k, k, |a, b| moved[a].transpose().dot(&moved[b]));
        let observed = DMatrix::from_fn(k, k, |a, b| 2.0 * py.dot(&(&self.slopes[a] * &p * &self.slopes[b] * &py)) - expected[(a, b)]);
        let gradient = DVector::from_fn(k, |a, _| moved[a].trace() - py.dot(&(&self.slopes[a] * &py)));
        Written { phi, beta, gradient, observed, expected, wx, inverse, p }
    }
}

fn relative(found: f64, expected: f64, scale: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(scale).max(1e-300)
}

fn same(found: &DMatrix<f64>, expected: &DMatrix<f64>, what: &str, tolerance: f64) {
    let scale = |k: usize| expected[(k, k)].abs().sqrt();
    for i in 0..expected.nrows() {
        for j in 0..expected.ncols() {
            let unit = if expected.is_square() { scale(i) * scale(j) } else { expected.abs().max() };
            let error = (found[(i, j)] - expected[(i, j)]).abs() / unit.max(1e-9 * expected.abs().max());
            assert!(error < tolerance, "{what} at {i}, {j}: {} and {} ({error:e})", found[(i, j)], expected[(i, j)]);
        }
    }
}

/// Every number of a fit against the same written out, and the optimum against differences.
fn check(name: &str, design: &Design) {
    for estimation in [Estimation::Reml, Estimation::Ml] {
        let name = format!("{name}, {estimation:?}");
        let fit = fit(design, estimation).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert!(fit.convergence.iterations < 20, "{name}: {:?}", fit.convergence);
        let dense = Dense::of(design, estimation);
        assert!(relative(fit.value, dense.value(&fit.theta), 1.0) < 1e-11, "{name}: {} and {}", fit.value, dense.value(&fit.theta));
        let Written { phi, beta, gradient, observed, expected, wx, inverse, p } = dense.at(&fit.theta);
        same(&fit.phi, &phi, &format!("{name}: phi"), 1e-9);
        (0..beta.len()).for_each(|c| assert!(relative(fit.beta[c], beta[c], phi[(c, c)].sqrt()) < 1e-9, "{name}: beta {c}"));
        let (py, k) = (&p * &dense.y, fit.theta.len());
        assert_eq!(k, dense.slopes.len());
        same(&fit.natural().expected_hessian(), &expected, &format!("{name}: expected Hessian"), 1e-8);
        let found = fit.natural().hessian();
        for a in 0..k {
            for b in 0..k {
                let unit = (expected[(a, a)] * expected[(b, b)]).sqrt();
                assert!((found[(a, b)] - observed[(a, b)]).abs() < 1e-8 * unit, "{name}: Hessian {found} and {observed}");
            }
        }
        // The gradient, in standard errors: zero unless a variance is.
        for a in 0..k {
            let (gradient, unit) = (gradient[a], expected[(a, a)].sqrt());
            assert!(
                (fit.natural().gradient()[a] - gradient).abs() < 1e-8 * unit,
                "{name}: gradient {a}: {} and {gradient}",
                fit.natural().gradient()[a]
            );
            assert!(gradient.abs() < 1e-8 * unit || !fit.convergence.boundary.is_empty(), "{name}: slope {gradient} of {a}");
        }
        let slopes: Vec<DMatrix<f64>> = dense.slopes.iter().map(|s| -(wx.transpose() * s * &wx)).collect();
        fit.natural().slopes().iter().zip(&slopes).for_each(|(found, expected)| {
            let scale = slopes.iter().map(|s| s.abs().max()).fold(0.0, f64::max);
            assert!((found - expected).abs().max() < 1e-9 * scale, "{name}: P_k {found} and {expected}");
        });
        let omega = DMatrix::from_fn(k, k, |a, b| 1.0 / (1.0 + a as f64 + b as f64));
        let mut weighted = DMatrix::zeros(phi.nrows(), phi.nrows());
        for a in 0..k {
            for b in 0..k {
                weighted += wx.transpose() * &dense.slopes[a] * &inverse * &dense.slopes[b] * &wx * omega[(a, b)];
            }
        }
        same(&fit.natural().weighted_q(&omega), &weighted, &format!("{name}: Q"), 1e-8);
        check_effects(&name, design, &fit, &p, &py);
        check_minimum(&name, design, &dense, &fit);
        check_elsewhere(&name, design, &dense, &fit);
    }
}

/// θ near the optimum and farther from it, with every G positive semidefinite.
fn around(design: &Design, fit: &SparseFit, tries: usize) -> Vec<Vec<f64>> {
    let errors = fit.natural().expected_hessian().diagonal().map(|d| (2.0 / d).sqrt());
    let mut numbers = Numbers(1);
    let mut near = |trial: usize| {
        let mut theta = fit.theta.clone();
        let size = [1e-3, 1e-2, 0.3][trial % 3];
        theta.iter_mut().enumerate().for_each(|(k, theta)| *theta += size * errors[k] * (2.0 * numbers.next() - 1.0));
        theta
    };
    let inside = |theta: &Vec<f64>| covariances(design, theta).iter().all(|g| g.clone().symmetric_eigen().eigenvalues.min() >= 0.0);
    let found: Vec<Vec<f64>> = (0..tries).map(&mut near).filter(inside).collect();
    assert!(found.len() > 2);
    found
}

/// −2ℓ away from the optimum, with σ² that is not the best for its G: value, β, Φ and derivatives.
fn check_elsewhere(name: &str, design: &Design, dense: &Dense, fit: &SparseFit) {
    for theta in around(design, fit, 40 * fit.theta.len()).iter().rev().take(5) {
        let (written, there) = (dense.at(theta), fit.at(theta).expect("inside the range"));
        let (value, curvature) = fit.curvature_at(theta).expect("inside the range");
        assert_eq!(value, there.value);
        assert!(relative(value, dense.value(theta), 1.0) < 1e-11, "{name}: {value} and {} at {theta:?}", dense.value(theta));
        same(&there.phi, &written.phi, &format!("{name}: phi elsewhere"), 1e-9);
        (0..written.beta.len())
            .for_each(|c| assert!(relative(there.beta[c], written.beta[c], written.phi[(c, c)].sqrt()) < 1e-9, "{name}: beta {c}"));
        for a in 0..theta.len() {
            let unit = written.expected[(a, a)].sqrt();
            let (found, expected) = (curvature.gradient[a], written.gradient[a]);
            assert!((found - expected).abs() < 1e-8 * unit.max(expected.abs()), "{name}: slope {a} is {found}, not {expected}");
            for b in 0..theta.len() {
                let unit = unit * written.expected[(b, b)].sqrt();
                let (found, expected) = (curvature.hessian[(a, b)], written.observed[(a, b)]);
                assert!((found - expected).abs() < 1e-8 * unit, "{name}: bend {a}, {b} is {found}, not {expected}");
            }
        }
    }
    let mut outside = fit.theta.clone();
    outside[0] = -outside[0];
    assert!(fit.at(&outside).is_none(), "{name}: a negative variance");
}

/// û = GZ'Py and G − GZ'PZG, level by level.
fn check_effects(name: &str, design: &Design, fit: &SparseFit, p: &DMatrix<f64>, py: &DVector<f64>) {
    for ((index, term), g) in design.rows.random.iter().enumerate().zip(covariances(design, &fit.theta)) {
        let k = term.size();
        let found = fit.effects_of(index);
        for level in 0..term.levels.len() {
            let z =
                DMatrix::from_fn(py.len(), k, |row, a| if term.level_of[row] == Some(level as u32) { term.z[row * k + a] } else { 0.0 });
            let u = &g * z.transpose() * py;
            let covariance = &g - &g * z.transpose() * p * &z * &g;
            for a in 0..k {
                let error = relative(found.estimates[level * k + a], u[a], g[(a, a)].sqrt());
                assert!(
                    error < 1e-8,
                    "{name}: effect {a} of level {level} of term {index}: {} and {}",
                    found.estimates[level * k + a],
                    u[a]
                );
            }
            assert!((&found.covariances[level] - covariance).abs().max() <= 1e-9 * g.abs().max(), "{name}: covariance of level {level}");
        }
    }
}

/// The covariance of a term's effects in θ.
fn covariances(design: &Design, theta: &[f64]) -> Vec<DMatrix<f64>> {
    let mut first = 1;
    let mut own = |term: &RandomTerm| {
        let (k, independent) = (term.size(), term.structure == EffectCovariance::Independent);
        let g = DMatrix::from_fn(k, k, |a, b| match (independent, a == b) {
            (true, true) => theta[first + a],
            (true, false) => 0.0,
            (false, _) => theta[first + a.max(b) * (a.max(b) + 1) / 2 + a.min(b)],
        });
        first += if independent { k } else { k * (k + 1) / 2 };
        g
    };
    design.rows.random.iter().map(&mut own).collect()
}

/// −2ℓ does not fall in any direction that leaves every G positive semidefinite.
fn check_minimum(name: &str, design: &Design, dense: &Dense, fit: &SparseFit) {
    for theta in around(design, fit, 40 * fit.theta.len()) {
        let value = dense.value(&theta);
        assert!(value > fit.value - 1e-10 * fit.value.abs(), "{name}: −2ℓ falls by {:e} towards {theta:?}", fit.value - value);
    }
}

/// Patients in groups, seen by raters at irregular times, some rows with no group or rater.
struct Study {
    x: DMatrix<f64>,
    y: Vec<f64>,
    time: Vec<f64>,
    one: Vec<f64>,
    patient: Vec<Option<usize>>,
    group: Vec<Option<usize>>,
    rater: Vec<Option<usize>>,
}

fn study(seed: u64, share: [f64; 4]) -> Study {
    let mut numbers = Numbers(seed);
    let (mut rows, mut y, mut time) = (vec![], vec![], vec![]);
    let (mut patient, mut group, mut rater) = (vec![], vec![], vec![]);
    let groups: Vec<f64> = (0..5).map(|_| numbers.normal()).collect();
    let raters: Vec<(f64, f64)> = (0..4).map(|_| (numbers.normal(), numbers.normal())).collect();
    for own in 0..18 {
        let (base, slope) = (numbers.normal(), numbers.normal());
        let in_group = (own % 6 < 5).then_some(own % 6);
        for _ in 0..2 + numbers.below(4) {
            let t = 3.0 * numbers.next();
            let by = numbers.below(5);
            let from_rater = if by < 4 { raters[by].0 + 0.5 * t * raters[by].1 } else { 0.0 };
            let arm = f64::from(own % 2 == 0);
            let mean = 50.0 + 3.0 * t - 2.0 * arm * t;
            let random = share[0] * base + share[1] * slope * t + share[2] * in_group.map_or(0.0, |g| groups[g]) + share[3] * from_rater;
            rows.extend([1.0, t, arm * t]);
            y.push(mean + random + numbers.normal());
            time.push(t);
            patient.push(Some(own));
            group.push(in_group);
            rater.push((by < 4).then_some(by));
        }
    }
    let n = y.len();
    Study { x: DMatrix::from_row_slice(n, 3, &rows), y, one: vec![1.0; n], time, patient, group, rater }
}

const CORRELATED: EffectCovariance = EffectCovariance::Correlated;
const INDEPENDENT: EffectCovariance = EffectCovariance::Independent;

#[test]
fn one_factor() {
    let s = study(3, [2.0, 1.5, 0.0, 0.0]);
    let intercept = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    check("intercept", &design(&s.x, &s.y, None, vec![intercept]));
    let slope = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    check("slope", &design(&s.x, &s.y, None, vec![slope.clone()]));
    let weights = s.time.iter().map(|t| 0.5 + t).collect();
    check("weighted", &design(&s.x, &s.y, Some(weights), vec![slope]));
    let apart = term("patient", INDEPENDENT, s.patient.clone(), &[&s.one, &s.time]);
    check("independent", &design(&s.x, &s.y, None, vec![apart]));
    let some = term("group", CORRELATED, s.group.clone(), &[&s.one]);
    check("partial", &design(&s.x, &s.y, None, vec![some]));
}

/// A fit moved to other outcomes against a fit of them, and moved back.
fn check_repeated(name: &str, design: &Design, estimation: Estimation) {
    let kept: Vec<usize> = (0..design.columns.len()).collect();
    let own = fit(design, estimation).expect("can be fitted");
    let mut repeated = super::refit::Repeated::new(&own, design, &kept).expect("can be repeated");
    let bent = |(at, y): (usize, &f64)| 7.0 + 0.8 * y + 0.01 * y * y + ((at * 7919) % 13) as f64 * 0.2;
    for (y, moved) in [(design.rows.y.iter().enumerate().map(bent).collect(), true), (design.rows.y.clone(), false)] {
        repeated.fit_to(&y).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let mut other = design.clone();
        std::sync::Arc::make_mut(&mut other.rows).y = y;
        let expected = fit(&other, estimation).expect("can be fitted");
        let found = repeated.fit(&design.rows.random);
        assert!(relative(found.value, expected.value, 1.0) < 1e-12, "{name}: {} and {}", found.value, expected.value);
        assert_eq!((found.value - own.value).abs() > 1.0, moved, "{name}");
        for c in 0..kept.len() {
            let unit = expected.phi[(c, c)].sqrt();
            assert!((found.beta[c] - expected.beta[c]).abs() < 1e-8 * unit, "{name}: {} and {}", found.beta, expected.beta);
        }
        same(&found.phi, &expected.phi, &format!("{name}: phi"), 1e-8);
        let scale = expected.theta.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        for (a, b) in found.theta.iter().zip(&expected.theta) {
            assert!((a - b).abs() < 1e-7 * scale, "{name}: {:?} and {:?}", found.theta, expected.theta);
        }
    }
}

/// Whether it is the few sums over which other outcomes are searched.
fn is_repeated_over_few_sums(design: &Design, estimation: Estimation) -> bool {
    let kept: Vec<usize> = (0..design.columns.len()).collect();
    let own = fit(design, estimation).expect("can be fitted");
    let mut repeated = super::refit::Repeated::new(&own, design, &kept).expect("can be repeated");
    let y: Vec<f64> = design.rows.y.iter().enumerate().map(|(at, y)| 0.9 * y + ((at * 7919) % 13) as f64 * 0.2).collect();
    repeated.fit_to(&y).expect("can be fitted");
    repeated.by_condensed
}

#[test]
fn condensed_sums() {
    let s = study(3, [2.0, 0.0, 1.0, 0.7]);
    let [patient, group, rater] = [("patient", &s.patient), ("group", &s.group), ("rater", &s.rater)]
        .map(|(name, level_of)| term(name, CORRELATED, level_of.clone(), &[&s.one]));
    for estimation in [Estimation::Reml, Estimation::Ml] {
        for (name, random) in [
            ("patients", vec![patient.clone()]),
            ("groups", vec![group.clone()]),
            ("nested", vec![group.clone(), patient.clone()]),
            ("crossed", vec![rater.clone(), patient.clone()]),
            ("nested and crossed", vec![group.clone(), patient.clone(), rater.clone()]),
        ] {
            let design = design(&s.x, &s.y, None, random);
            super::condensed::tests::check_condensed(name, &design, estimation);
            check_repeated(name, &design, estimation);
            assert!(is_repeated_over_few_sums(&design, estimation), "{name}");
        }
    }
}

/// Every kind of sum: levels with and without a tail, few and many of a shape, of one effect and of two, weighted.
#[test]
fn other_outcomes_in_the_same_sums() {
    let s = study(3, [2.0, 1.5, 1.0, 0.7]);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let slope = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one]);
    let rater = term("rater", CORRELATED, s.rater.clone(), &[&s.one, &s.time]);
    let weights: Vec<f64> = s.time.iter().map(|t| 0.5 + t).collect();
    // Sixty levels of one shape.
    let n = 240;
    let day = |row: usize| (row % 4) as f64;
    let uneven = |row: usize| ((row * 7919 % 101) as f64).sin();
    let x = DMatrix::from_fn(n, 3, |row, c| [1.0, day(row), day(row) * f64::from(row / 4 % 2 == 0)][c]);
    let y: Vec<f64> = (0..n).map(|row| 10.0 + uneven(row / 4) * (2.0 + day(row)) + 3.0 * uneven(row + 11)).collect();
    let (one, days): (Vec<f64>, Vec<f64>) = (vec![1.0; n], (0..n).map(day).collect());
    let alike = term("patient", CORRELATED, (0..n).map(|row| Some(row / 4)).collect(), &[&one, &days]);
    for estimation in [Estimation::Reml, Estimation::Ml] {
        for (name, random, weights) in [
            ("intercept", vec![patient.clone()], None),
            ("weighted slope", vec![slope.clone()], Some(weights.clone())),
            ("group", vec![group.clone()], None),
            ("nested and crossed", vec![group.clone(), patient.clone(), rater.clone()], None),
            ("weighted, crossed", vec![slope.clone(), rater.clone()], Some(weights.clone())),
        ] {
            check_repeated(name, &design(&s.x, &s.y, weights, random), estimation);
        }
        check_repeated("many alike", &design(&x, &y, None, vec![alike.clone()]), estimation);
    }
}

#[test]
fn nested_factors() {
    let s = study(5, [1.0, 0.0, 3.0, 0.0]);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one]);
    check("nested", &design(&s.x, &s.y, None, vec![patient.clone(), group.clone()]));
    check("nested, the other way round", &design(&s.x, &s.y, None, vec![group, patient]));
    let s = study(8, [2.0, 2.0, 4.0, 0.0]);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one, &s.time]);
    let weights = s.time.iter().map(|t| 0.5 + t).collect();
    check("nested slopes", &design(&s.x, &s.y, Some(weights), vec![patient, group]));
}

/// Patients at the same visits in groups of seven and of one, every fourth of them without the second visit; `covariate`
/// is one that no two patients share.
fn alike(covariate: bool) -> Study {
    let mut numbers = Numbers(17);
    let (mut rows, mut y, mut time) = (vec![], vec![], vec![]);
    let (mut patient, mut group, mut rater) = (vec![], vec![], vec![]);
    for own in 0..29 {
        let of = own / 7;
        let (of_group, of_patient, slope, x) = ((of as f64 * 2.4).sin() * 3.0, 2.0 * numbers.normal(), numbers.normal(), numbers.normal());
        for visit in (0..4).filter(|visit| own % 4 != 3 || *visit != 1) {
            let (t, arm) = (visit as f64, f64::from(of % 2 == 0));
            rows.extend([1.0, t, if covariate { x * (1.0 + t) } else { arm * t }]);
            y.push(30.0 - t + arm * t + of_group + of_patient + slope * t + 2.0 * numbers.normal());
            time.push(t);
            patient.push(Some(own));
            group.push(Some(of));
            rater.push(Some(own % 3));
        }
    }
    let n = y.len();
    Study { x: DMatrix::from_row_slice(n, 3, &rows), y, one: vec![1.0; n], time, patient, group, rater }
}

/// How many levels enter the sums, of how many.
fn merged(design: &Design) -> (usize, usize) {
    let SparseFit { problem, .. } = fit(design, Estimation::Reml).expect("has an optimum");
    assert_eq!(problem.data.linked.counts.iter().sum::<f64>(), problem.data.levels.len() as f64);
    (problem.data.linked.len(), problem.data.levels.len())
}

/// Patients of a group at the same visits enter as few rows of sums; other outcomes and predicted effects as well.
#[test]
fn levels_that_are_alike() {
    let s = alike(false);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one]);
    let nested = design(&s.x, &s.y, None, vec![patient.clone(), group.clone()]);
    // Four groups of two patterns, the fewer of whom are two or one, and a group of one.
    let (few, all) = merged(&nested);
    assert!(few <= 17 && all == 29, "{few} of {all}");
    check("alike", &nested);
    check_repeated("alike", &nested, Estimation::Reml);
    let by_visit: Vec<f64> = s.time.iter().map(|t| 1.0 + t).collect();
    let weighted = design(&s.x, &s.y, Some(by_visit), vec![group.clone(), patient.clone()]);
    assert_eq!(merged(&weighted), (few, all));
    check("alike and weighted", &weighted);
    let slope = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    let slopes = design(&s.x, &s.y, None, vec![slope, term("group", INDEPENDENT, s.group.clone(), &[&s.one, &s.time])]);
    assert!(merged(&slopes).0 < all);
    check("slopes alike", &slopes);
    check_repeated("slopes alike", &slopes, Estimation::Ml);
    // Of a group, a third each shares a rater.
    let rater = term("rater", CORRELATED, s.rater.clone(), &[&s.one]);
    check("crossed", &design(&s.x, &s.y, None, vec![patient, group, rater]));
}

/// Less is shared where a covariate differs, and nothing where weights do.
#[test]
fn levels_that_are_not_alike() {
    let (plain, s) = (alike(false), alike(true));
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one, &s.time]);
    let terms = vec![patient, group];
    let own = design(&s.x, &s.y, None, terms.clone());
    let (few, more) = (merged(&design(&plain.x, &plain.y, None, terms.clone())).0, merged(&own).0);
    assert!(few < more && more < 29, "{few} and {more}");
    check("covariate", &own);
    check_repeated("covariate", &own, Estimation::Reml);
    let weights = (0..s.y.len()).map(|row| 1.0 + (row * 7 % 11) as f64).collect();
    let own = design(&plain.x, &plain.y, Some(weights), terms);
    assert_eq!(merged(&own), (29, 29));
    check("weights", &own);
}

/// Without effects nothing is inverted; the derivatives are the limit of those of small effects.
#[test]
fn derivatives_without_effects() {
    let s = study(7, [3.0, 2.0, 3.0, 4.0]);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    let rater = term("rater", CORRELATED, s.rater.clone(), &[&s.one, &s.time]);
    let design = design(&s.x, &s.y, None, vec![patient, rater]);
    for estimation in [Estimation::Reml, Estimation::Ml] {
        let SparseFit { problem, .. } = fit(&design, estimation).expect("has an optimum");
        let at = |size: f64| {
            let mut lambda = vec![0.0; problem.parameters.len()];
            problem.parameters.diagonal().for_each(|k| lambda[k] = size);
            let (mut point, mut curvature) = (problem.blank(), problem.blank_curvature());
            assert!(problem.evaluate(&lambda, &mut point));
            problem.differentiate(&point, &mut curvature, &problem.head_elements());
            (point.value, curvature)
        };
        let ((value, zero), (near, small)) = (at(0.0), at(1e-5));
        assert!((value - near).abs() < 1e-7 * value.abs());
        let parts = [(zero.traces, small.traces), (zero.quadratic, small.quadratic), (zero.pairs, small.pairs), (zero.bends, small.bends)];
        for (zero, small) in parts {
            let scale = zero.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            zero.iter().zip(&small).for_each(|(a, b)| assert!((a - b).abs() < 1e-6 * scale, "{zero:?} and {small:?}"));
        }
    }
}

#[test]
fn crossed_factors() {
    let s = study(6, [2.0, 0.0, 0.0, 2.0]);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let rater = term("rater", CORRELATED, s.rater.clone(), &[&s.one]);
    check("crossed", &design(&s.x, &s.y, None, vec![patient, rater]));
    let s = study(7, [3.0, 2.0, 3.0, 4.0]);
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
    let rater = term("rater", CORRELATED, s.rater.clone(), &[&s.one, &s.time]);
    let group = term("group", INDEPENDENT, s.group.clone(), &[&s.one, &s.time]);
    check("crossed slopes", &design(&s.x, &s.y, None, vec![rater.clone(), patient.clone()]));
    check("three factors", &design(&s.x, &s.y, None, vec![rater, group, patient]));
}

/// Two terms of the factor that is eliminated first, and one more.
#[test]
fn two_terms_of_one_factor() {
    let s = study(9, [2.0, 2.0, 3.0, 0.0]);
    let first = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let second = term("patient", CORRELATED, s.patient.clone(), &[&s.time]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one]);
    let apart = design(&s.x, &s.y, None, vec![first, group.clone(), second]);
    check("apart", &apart);
    let together = design(&s.x, &s.y, None, vec![term("patient", INDEPENDENT, s.patient.clone(), &[&s.one, &s.time]), group]);
    let [apart, together] = [apart, together].map(|d| fit(&d, Estimation::Reml).expect("has an optimum"));
    assert!((apart.value - together.value).abs() < 1e-9);
}

/// A variance that vanishes is named, and the rest is the fit without it.
#[test]
fn a_variance_at_zero() {
    let mut s = study(11, [2.0, 0.0, 0.0, 0.0]);
    // Within groups the outcome spreads more than between them.
    for group in 0..5 {
        let rows: Vec<usize> = (0..s.y.len()).filter(|&row| s.group[row] == Some(group)).collect();
        let expected = |row: usize| 50.0 + 3.0 * s.x[(row, 1)] - 2.0 * s.x[(row, 2)];
        let mean = rows.iter().map(|&row| s.y[row] - expected(row)).sum::<f64>() / rows.len() as f64;
        rows.iter().for_each(|&row| s.y[row] -= mean);
    }
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let group = term("group", CORRELATED, s.group.clone(), &[&s.one]);
    let both = design(&s.x, &s.y, None, vec![patient.clone(), group]);
    check("no groups", &both);
    let alone = design(&s.x, &s.y, None, vec![patient]);
    let [both, alone] = [both, alone].map(|d| fit(&d, Estimation::Reml).expect("has an optimum"));
    assert_eq!(both.convergence.boundary, ["variance of e0 by group"]);
    assert_eq!(both.theta[2], 0.0);
    assert!(both.natural().gradient()[2] > 0.0);
    assert!((both.value - alone.value).abs() < 1e-9);
    assert!(alone.convergence.boundary.is_empty());
}

/// The edge of a G with two effects: a correlation of one, and a first variance of zero.
#[test]
fn a_singular_covariance() {
    let mut found = vec![];
    for seed in (20..32).chain([42, 44, 52, 59]) {
        let s = study(seed, [0.3, 0.3, 0.0, 0.5]);
        let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
        let rater = term("rater", CORRELATED, s.rater.clone(), &[&s.one, &s.time]);
        let design = design(&s.x, &s.y, None, vec![patient, rater]);
        check(&format!("seed {seed}"), &design);
        found.extend(fit(&design, Estimation::Reml).expect("has an optimum").convergence.boundary);
    }
    assert!(found.iter().any(|name| name == "a combination of e0, e1 by patient"), "{found:?}");
}

/// Units and an offset of the outcome change nothing but what they should.
#[test]
fn units_do_not_matter() {
    let s = study(7, [3.0, 2.0, 3.0, 4.0]);
    let terms = |time: &[f64]| {
        let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, time]);
        vec![patient, term("rater", CORRELATED, s.rater.clone(), &[&s.one])]
    };
    let plain = fit(&design(&s.x, &s.y, None, terms(&s.time)), Estimation::Reml).expect("has an optimum");
    let y: Vec<f64> = s.y.iter().map(|y| 1e4 * y + 1e9).collect();
    let x = DMatrix::from_fn(s.x.nrows(), 3, |i, j| s.x[(i, j)] * [1.0, 1e6, 1e-6][j]);
    let days: Vec<f64> = s.time.iter().map(|t| 1e3 * t).collect();
    let scaled = fit(&design(&x, &y, None, terms(&days)), Estimation::Reml).expect("has an optimum");
    let units = [1e8, 1e8, 1e5, 1e2, 1e8];
    for (k, unit) in units.iter().enumerate() {
        assert!((scaled.theta[k] / unit / plain.theta[k] - 1.0).abs() < 1e-8, "{k}: {:?} and {:?}", scaled.theta, plain.theta);
    }
    assert!((scaled.beta[1] * 1e2 / plain.beta[1] - 1.0).abs() < 1e-9);
    assert!(scaled.convergence.iterations <= plain.convergence.iterations + 1);
}

/// The order of the rows changes nothing.
#[test]
fn order_does_not_matter() {
    let s = study(7, [3.0, 2.0, 3.0, 4.0]);
    let n = s.y.len();
    let at = |row: usize| (row * 37 + 5) % n;
    assert!(!n.is_multiple_of(37));
    let pick = |v: &[f64]| (0..n).map(|row| v[at(row)]).collect::<Vec<f64>>();
    let levels = |v: &[Option<usize>]| (0..n).map(|row| v[at(row)]).collect::<Vec<_>>();
    let terms = |s: &Study| {
        let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one, &s.time]);
        vec![patient, term("rater", CORRELATED, s.rater.clone(), &[&s.one])]
    };
    let moved = Study {
        x: DMatrix::from_fn(n, 3, |i, j| s.x[(at(i), j)]),
        y: pick(&s.y),
        time: pick(&s.time),
        one: s.one.clone(),
        patient: levels(&s.patient),
        group: levels(&s.group),
        rater: levels(&s.rater),
    };
    let [one, two] = [&s, &moved].map(|s| fit(&design(&s.x, &s.y, None, terms(s)), Estimation::Ml).expect("has an optimum"));
    assert!((one.value - two.value).abs() < 1e-10 * one.value.abs());
    one.theta.iter().zip(&two.theta).for_each(|(a, b)| assert!((a / b - 1.0).abs() < 1e-9));
}

fn refused(design: &Design) -> Failure {
    match fit(design, Estimation::Reml) {
        Err(failure) => failure,
        Ok(fit) => panic!("{:?}", fit.theta),
    }
}

#[test]
fn what_cannot_be_estimated_is_named() {
    let s = study(13, [2.0, 0.0, 2.0, 0.0]);
    let n = s.y.len();
    let patient = term("patient", CORRELATED, s.patient.clone(), &[&s.one]);
    let of = |terms: Vec<RandomTerm>| refused(&design(&s.x, &s.y, None, terms));
    let names = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<String>>();

    let each = term("row", CORRELATED, (0..n).map(Some).collect(), &[&s.one]);
    let failure = of(vec![patient.clone(), each]);
    assert_eq!(failure, Failure::EffectsNotIdentified { parameters: names(&["variance of e0 by row"]), confounded: Confounded::Residual });

    let one = term("site", CORRELATED, vec![Some(0); n], &[&s.one]);
    let failure = of(vec![patient.clone(), one]);
    let confounded = Confounded::OneLevel("site".into());
    assert_eq!(failure, Failure::EffectsNotIdentified { parameters: names(&["variance of e0 by site"]), confounded });

    let again = RandomTerm { factor: "again".into(), ..patient.clone() };
    let failure = of(vec![patient.clone(), again]);
    let parameters = names(&["variance of e0 by patient", "variance of e0 by again"]);
    assert_eq!(failure, Failure::EffectsNotIdentified { parameters, confounded: Confounded::EachOther });

    let arm = (0..n).map(|row| Some(usize::from(s.time[row] > 1.0))).collect();
    let x = DMatrix::from_fn(n, 2, |i, j| if j == 0 || s.time[i] > 1.0 { 1.0 } else { 0.0 });
    let failure = refused(&design(&x, &s.y, None, vec![patient.clone(), term("arm", CORRELATED, arm, &[&s.one])]));
    assert_eq!(failure, Failure::EffectsNotIdentified { parameters: names(&["variance of e0 by arm"]), confounded: Confounded::Mean });

    let many = 12_500;
    let level = |by: usize| (0..many).map(|row| Some((row + by) / 2)).collect::<Vec<_>>();
    let one = vec![1.0; many];
    let chain = vec![term("first", CORRELATED, level(0), &[&one]), term("second", CORRELATED, level(1), &[&one])];
    let y: Vec<f64> = (0..many).map(|row| (row * row % 17) as f64).collect();
    let failure = refused(&design(&DMatrix::from_element(many, 1, 1.0), &y, None, chain));
    assert_eq!(failure, Failure::TooManyEffects { factors: names(&["first"]), effects: 6250, most: 6000 });

    let exact: Vec<f64> = (0..n).map(|row| 3.0 + s.x[(row, 1)]).collect();
    assert_eq!(refused(&design(&s.x, &exact, None, vec![patient.clone()])), Failure::NoResidualVariation);

    let constant: Vec<f64> = (0..n).map(|row| s.patient[row].map_or(0.0, |p| (p * p % 7) as f64) + s.x[(row, 1)]).collect();
    let failure = refused(&design(&s.x, &constant, None, vec![patient]));
    assert_eq!(failure, Failure::NoVariationLeft { factors: names(&["patient"]) });
}
