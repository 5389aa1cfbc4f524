//! Draws from the posterior of β and unstructured covariances, by Gibbs sampling with data augmentation.
//!
//! A step is: β given Σ and the observed outcomes, which are normal about the generalised least-squares estimate; the
//! missing outcomes of the analysed patients given both; Σ of each group given everything, which is inverse Wishart (Schafer
//! 1997, *Analysis of Incomplete Multivariate Data*, section 5.4). Missing outcomes are those of the model, missing at
//! random: no strategy enters.

use super::completion::Cohort;
use super::draws::CovariancePrior;
use super::posterior::Parameters;
use crate::Fit;
use crate::simulate::random::Stream;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// The data of the sampler: analysed patients, the fitted columns.
pub(super) struct Gibbs {
    visits: usize,
    kept: Vec<usize>,
    columns: usize,
    patterns: Vec<Pattern>,
    groups: Vec<Group>,
}

/// Patients of a group who were observed at the same visits.
struct Pattern {
    group: usize,
    observed: Vec<usize>,
    missing: Vec<usize>,
    patients: Vec<Patient>,
    /// Σ_i x_it x_is' for observed t ≤ s, both ways round where they differ.
    xx: Vec<DMatrix<f64>>,
    /// Σ_i x_it y_is for all observed t, s.
    xy: Vec<DVector<f64>>,
}

struct Patient {
    /// p × T, a column per visit.
    x: DMatrix<f64>,
    y: Vec<f64>,
}

/// The prior of a group's covariance, and where chains begin.
struct Group {
    patients: usize,
    df: f64,
    scale: DMatrix<f64>,
    estimate: DMatrix<f64>,
}

/// A state of the chain.
pub(super) struct State {
    beta: DVector<f64>,
    sigmas: Vec<DMatrix<f64>>,
}

impl Gibbs {
    pub fn of(fit: &Fit, cohort: &Cohort, prior: CovariancePrior) -> Self {
        let visits = cohort.visits;
        let kept: Vec<usize> = (0..cohort.columns).filter(|&c| !fit.beta()[c].is_nan()).collect();
        let rows = &fit.design().rows;
        let mut patterns: Vec<Pattern> = vec![];
        for patient in &cohort.patients {
            let Some(at) = patient.in_fit else { continue };
            let group = rows.group_of()[at];
            let y = rows.outcomes()[at * visits..(at + 1) * visits].to_vec();
            let (observed, missing): (Vec<usize>, Vec<usize>) = (0..visits).partition(|&t| !y[t].is_nan());
            let x = DMatrix::from_fn(kept.len(), visits, |j, t| patient.own[(t, kept[j])]);
            let patient = Patient { x, y };
            match patterns.iter_mut().find(|p| p.group == group && p.observed == observed) {
                Some(pattern) => pattern.patients.push(patient),
                None => patterns.push(Pattern { group, observed, missing, patients: vec![patient], xx: vec![], xy: vec![] }),
            }
        }
        patterns.iter_mut().for_each(|pattern| pattern.sum(kept.len()));
        let group = |(g, estimate): (usize, DMatrix<f64>)| {
            let patients = patterns.iter().filter(|p| p.group == g).map(|p| p.patients.len()).sum();
            let (df, scale) = match prior {
                // The mean of an inverse Wishart is its scale over df − T − 1.
                CovariancePrior::WeaklyInformative => ((visits + 2) as f64, estimate.clone()),
                CovariancePrior::Jeffreys => (0.0, DMatrix::zeros(visits, visits)),
            };
            Group { patients, df, scale, estimate }
        };
        let groups = fit.covariances().iter().map(|g| g.sigma.clone()).enumerate().map(group).collect();
        Self { visits, kept, columns: cohort.columns, patterns, groups }
    }

    /// Whether the posterior of every covariance is proper: a prior that is, or more patients than visits and the columns that
    /// a visit has.
    pub fn is_proper(&self) -> bool {
        let needed = self.visits + self.kept.len().div_ceil(self.visits);
        self.groups.iter().all(|group| group.df > 0.0 || group.patients >= needed)
    }

    /// A start away from the estimates: covariances drawn about them with a quarter of the patients' weight.
    pub fn start(&self, stream: &mut Stream) -> Option<State> {
        let draw = |group: &Group| {
            let df = (0.25 * group.patients as f64).max((self.visits + 2) as f64);
            inverse_wishart(df, &(&group.estimate * (df - self.visits as f64 - 1.0)), stream)
        };
        let sigmas = self.groups.iter().map(draw).collect::<Option<Vec<_>>>()?;
        Some(State { beta: DVector::zeros(self.kept.len()), sigmas })
    }

    /// One step.
    pub fn step(&self, state: &mut State, stream: &mut Stream) -> Option<()> {
        state.beta = self.beta(&state.sigmas, stream)?;
        let sums = self.sums(state, stream)?;
        for ((group, sum), sigma) in self.groups.iter().zip(sums).zip(&mut state.sigmas) {
            *sigma = inverse_wishart(group.df + group.patients as f64, &(&group.scale + sum), stream)?;
        }
        Some(())
    }

    /// β ~ N(Â, (X'V⁻¹X)⁻¹).
    fn beta(&self, sigmas: &[DMatrix<f64>], stream: &mut Stream) -> Option<DVector<f64>> {
        let p = self.kept.len();
        let (mut information, mut right) = (DMatrix::zeros(p, p), DVector::zeros(p));
        for pattern in &self.patterns {
            let o = &pattern.observed;
            let inverse = part(&sigmas[pattern.group], o, o).cholesky()?.inverse();
            let mut at = 0;
            for a in 0..o.len() {
                for b in a..o.len() {
                    information.zip_apply(&pattern.xx[at], |sum, x| *sum += inverse[(a, b)] * x);
                    at += 1;
                }
                for b in 0..o.len() {
                    right.axpy(inverse[(a, b)], &pattern.xy[a * o.len() + b], 1.0);
                }
            }
        }
        let factor = information.cholesky()?;
        let mut beta = factor.solve(&right);
        let deviates = DVector::from_vec(stream.normals(p));
        beta += factor.l().tr_solve_lower_triangular(&deviates)?;
        Some(beta)
    }

    /// Σ_i e_i e_i' of each group, missing residuals drawn.
    fn sums(&self, state: &State, stream: &mut Stream) -> Option<Vec<DMatrix<f64>>> {
        let t = self.visits;
        let mut sums = vec![DMatrix::zeros(t, t); self.groups.len()];
        let mut e = DVector::zeros(t);
        for pattern in &self.patterns {
            let (o, m) = (&pattern.observed, &pattern.missing);
            let sigma = &state.sigmas[pattern.group];
            let missing = if m.is_empty() { None } else { Some(Regression::of(sigma, o, m)?) };
            for patient in &pattern.patients {
                for &visit in o {
                    e[visit] = patient.y[visit] - patient.x.column(visit).dot(&state.beta);
                }
                if let Some(regression) = &missing {
                    regression.draw(&mut e, o, m, stream);
                }
                sums[pattern.group].syger(1.0, &e, &e, 1.0);
            }
        }
        sums.iter_mut().for_each(DMatrix::fill_upper_triangle_with_lower_triangle);
        Some(sums)
    }

    /// The state as parameters of the model.
    pub fn parameters(&self, state: &State) -> Parameters {
        let mut beta = vec![f64::NAN; self.columns];
        self.kept.iter().zip(state.beta.iter()).for_each(|(&column, b)| beta[column] = *b);
        Parameters { beta, sigmas: state.sigmas.clone(), sample: None }
    }
}

impl Pattern {
    fn sum(&mut self, p: usize) {
        let o = &self.observed;
        for (a, &t) in o.iter().enumerate() {
            for &s in &o[a..] {
                let mut sum = DMatrix::zeros(p, p);
                for patient in &self.patients {
                    sum.ger(1.0, &patient.x.column(t), &patient.x.column(s), 1.0);
                }
                self.xx.push(if s == t { sum } else { &sum + sum.transpose() });
            }
        }
        for &t in o {
            for &s in o {
                let mut sum = DVector::zeros(p);
                for patient in &self.patients {
                    sum.axpy(patient.y[s], &patient.x.column(t), 1.0);
                }
                self.xy.push(sum);
            }
        }
    }
}

/// The distribution of missing residuals given observed ones.
struct Regression {
    slopes: DMatrix<f64>,
    rest: Cholesky<f64, Dyn>,
}

impl Regression {
    fn of(sigma: &DMatrix<f64>, o: &[usize], m: &[usize]) -> Option<Self> {
        let between = part(sigma, m, o);
        let slopes =
            if o.is_empty() { DMatrix::zeros(m.len(), 0) } else { part(sigma, o, o).cholesky()?.solve(&between.transpose()).transpose() };
        let rest = (part(sigma, m, m) - &slopes * between.transpose()).cholesky()?;
        Some(Self { slopes, rest })
    }

    fn draw(&self, e: &mut DVector<f64>, o: &[usize], m: &[usize], stream: &mut Stream) {
        let deviates = stream.normals(m.len());
        let l = self.rest.l_dirty();
        for (k, &visit) in m.iter().enumerate() {
            let mean: f64 = o.iter().enumerate().map(|(j, &at)| self.slopes[(k, j)] * e[at]).sum();
            e[visit] = mean + (0..=k).map(|j| l[(k, j)] * deviates[j]).sum::<f64>();
        }
    }
}

fn part(sigma: &DMatrix<f64>, rows: &[usize], columns: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(rows.len(), columns.len(), |i, j| sigma[(rows[i], columns[j])])
}

/// Σ with Σ⁻¹ ~ Wishart(df, S⁻¹), by Bartlett's decomposition: with S = LL' and A lower triangular, A_ii² ~ χ²(df − i) and
/// standard normal below the diagonal, Σ = L(AA')⁻¹L' with the order of the visits reversed in A.
pub(super) fn inverse_wishart(df: f64, scale: &DMatrix<f64>, stream: &mut Stream) -> Option<DMatrix<f64>> {
    let t = scale.nrows();
    let mut a = DMatrix::zeros(t, t);
    for i in 0..t {
        for j in 0..i {
            a[(i, j)] = stream.normal();
        }
        a[(i, i)] = stream.chi_squared(df - i as f64).sqrt();
    }
    let l = scale.clone().cholesky()?.l();
    // W = L⁻ᵀ A A' L⁻¹ is Wishart, and its inverse is (L A⁻ᵀ)(L A⁻ᵀ)'.
    let root = a.solve_lower_triangular(&l.transpose())?.transpose();
    Some(&root * root.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E Σ = S/(ν − T − 1), Var Σ_ii = 2S_ii²/((ν − T − 1)²(ν − T − 3)).
    #[test]
    fn inverse_wishart_deviates_have_their_mean_and_variance() {
        let scale = DMatrix::from_row_slice(3, 3, &[40.0, 20.0, 10.0, 20.0, 50.0, 15.0, 10.0, 15.0, 60.0]);
        let (df, n) = (14.0, 100_000);
        let mut stream = Stream::new(5, 0, 0);
        let all: Vec<DMatrix<f64>> = (0..n).filter_map(|_| inverse_wishart(df, &scale, &mut stream)).collect();
        assert_eq!(all.len(), n);
        for (i, j) in [(0, 0), (1, 1), (2, 2), (0, 1), (2, 0)] {
            let values = all.iter().map(|sigma| sigma[(i, j)]);
            let mean = values.clone().sum::<f64>() / n as f64;
            let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
            assert!((mean - scale[(i, j)] / 10.0).abs() < 4.0 * (variance / n as f64).sqrt(), "{i} {j}: {mean}");
            if i == j {
                let expected = 2.0 * scale[(i, i)].powi(2) / (100.0 * 8.0);
                assert!((variance / expected - 1.0).abs() < 0.05, "{i}: {variance} {expected}");
            }
        }
    }
}
