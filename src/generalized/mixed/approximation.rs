//! How many nodes: a number, one (Laplace's approximation), or as many as it takes until nothing moves.

use super::cells::{Cells, Factor};
use super::cholesky::{factorise, inverse};
use super::engine::Engine;
use super::intercept::dot;
use super::kernel::LogLikelihood;
use super::objective::Evaluation;
use super::search::{End, Minimum, NEARLY, NEWTON, Objective, ROUGHLY, finish, minimise};

/// The nodes asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nodes {
    Auto,
    Laplace,
    Number(usize),
}

/// The most that −2 log L may move, and any parameter in units of its standard error, between two numbers of nodes that
/// count as the same.
pub(in crate::generalized) const TOLERANCE: f64 = 1e-6;

/// Numbers of nodes per dimension that are tried one after another.
pub(in crate::generalized) const LADDER: [usize; 11] = [5, 7, 11, 15, 21, 31, 45, 63, 91, 131, 201];

/// The most nodes of all dimensions together that are tried without being asked for.
const MOST: f64 = 4000.0;

/// The most that may be asked for.
pub(crate) const MOST_ASKED: f64 = 1e5;

/// One number of nodes and what it gave.
#[derive(Debug, Clone)]
pub(crate) struct Rung {
    pub nodes: usize,
    pub minus_two_log_likelihood: f64,
    pub psi: Vec<f64>,
}

/// Why there are no estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The search did not end.
    NotConverged,
    /// The standard deviation of an effect grows without end: the position of the parameter among θ.
    InfiniteVariance(usize),
    /// Coefficients grow without end.
    InfiniteCoefficients,
    /// The Hessian is not positive definite: the data do not tell parameters apart.
    Singular,
}

/// The maximum of an approximate likelihood.
#[derive(Debug, Clone)]
pub(crate) struct Approximation {
    /// (β, θ), θ the elements of Λ; those of dimensions that have vanished are zero.
    pub psi: Vec<f64>,
    /// Minus twice the maximum.
    pub minus_two_log_likelihood: f64,
    /// The inverse of the Hessian of −log L in (β, θ); zero where θ is held at zero.
    pub vcov: Vec<f64>,
    /// Which θ are held at zero.
    pub held: Vec<bool>,
    /// Nodes per dimension; 1 for Laplace's approximation.
    pub nodes: usize,
    /// Whether another number of nodes gave the same; `None` where it was not asked.
    pub settled: Option<bool>,
    /// How far −2 log L and parameters (in standard errors) moved at the last change of nodes.
    pub moved: Option<(f64, f64)>,
    pub rungs: Vec<Rung>,
    pub iterations: usize,
    /// √(g'H⁻¹g) at the end.
    pub step: f64,
}

impl Cells {
    /// The dimension of the largest integral, or of the two within one another.
    pub fn dimension(&self) -> usize {
        self.units.iter().map(|u| u.m).max().unwrap_or(0) + self.k_sub
    }

    /// Whether there are numbers of nodes to compare.
    pub fn can_settle(&self) -> bool {
        self.is_nested() && self.all_nodes(LADDER[1]) <= MOST
    }

    /// All nodes of a unit.
    pub fn all_nodes(&self, nodes: usize) -> f64 {
        (nodes as f64).powi(self.dimension() as i32)
    }

    /// −Σ log y! of counts.
    fn constant(&self) -> f64 {
        self.y.iter().map(|&y| self.kernel.constant(y)).sum()
    }

    fn factors(&self) -> impl Iterator<Item = &Factor> {
        self.top.iter().chain(&self.sub)
    }

    /// The root mean square of what multiplies each u, by the position of its factor's first θ.
    fn scale_of(&self, factor: &Factor, row: usize) -> f64 {
        let (z, k, column) = match &self.sub {
            Some(sub) if std::ptr::eq(sub, factor) => (&self.z_sub, self.k_sub, 0),
            _ => (&self.z_top, self.k_top, factor.column),
        };
        let own = z.iter().skip(column + row).step_by(k.max(1)).filter(|z| **z != 0.0);
        let (n, squares) = own.fold((0usize, 0.0), |(n, sum), z| (n + 1, sum + z * z));
        if n == 0 { 1.0 } else { (squares / n as f64).sqrt() }
    }

    /// For each θ, what it adds to the standard deviation of a linear predictor when it is one.
    pub fn theta_scales(&self) -> Vec<f64> {
        let mut scales = vec![1.0; self.thetas];
        for factor in self.factors() {
            for &(row, _, at) in &factor.elements {
                scales[at] = self.scale_of(factor, row);
            }
        }
        scales
    }

    /// β without random effects, by Newton's method; where the search fails, wherever it got to.
    pub fn without_effects(&self) -> Vec<f64> {
        let p = self.p;
        let mut beta = vec![0.0; p];
        let mut value = f64::INFINITY;
        let mut step = vec![0.0; p];
        for _ in 0..50 {
            let (mut gradient, mut hessian) = (vec![0.0; p], vec![0.0; p * p]);
            let mut sum = LogLikelihood::new();
            for j in 0..self.y.len() {
                let x = &self.x[j * p..(j + 1) * p];
                let (r, w) = self.kernel.add(self.y[j], self.offset[j] + dot(x, &beta), &mut sum);
                for a in 0..p {
                    gradient[a] += r * x[a];
                    let scaled = w * x[a];
                    (0..=a).for_each(|b| hessian[a * p + b] += scaled * x[b]);
                }
            }
            let next = -sum.sum();
            if next > value + 1e-9 * (1.0 + value.abs()) || next.is_nan() {
                // Too far: half of it back.
                (0..p).for_each(|k| {
                    step[k] *= 0.5;
                    beta[k] -= step[k];
                });
                if step.iter().all(|s| s.abs() < 1e-8) {
                    break;
                }
                continue;
            }
            value = next;
            (0..p).for_each(|a| hessian[a * p + a] *= 1.0 + 1e-10);
            if !factorise(&mut hessian, p) {
                break;
            }
            step.copy_from_slice(&gradient);
            super::cholesky::forward(&hessian, p, &mut step);
            super::cholesky::backward(&hessian, p, &mut step);
            let length = dot(&step, &gradient).max(0.0).sqrt();
            (0..p).for_each(|k| beta[k] += step[k]);
            // A place to start from.
            if length < 0.1 || beta.iter().any(|b| !b.is_finite()) {
                break;
            }
        }
        beta
    }

    /// About the standard deviation of an only effect per unit, by moments of residuals r without it: E r_j r_k ≈ w_j w_k
    /// z_j z_k σ² for two observations of a unit. Never zero, where every search would stay; 1 for other effects.
    fn first_sd(&self, beta: &[f64]) -> f64 {
        if !self.is_intercept() {
            return 1.0;
        }
        let (mut above, mut below) = (0.0, 0.0);
        for unit in &self.units {
            let (mut first, mut own, mut second, mut own_second) = (0.0, 0.0, 0.0, 0.0);
            for j in unit.observations.clone() {
                let eta = self.offset[j] + dot(&self.x[j * self.p..(j + 1) * self.p], beta);
                let (r, w) = self.kernel.add(self.y[j], eta, &mut LogLikelihood::new());
                let (a, b) = (r * self.z_top[j], w * self.z_top[j].powi(2));
                first += a;
                own += a * a;
                second += b;
                own_second += b * b;
            }
            above += first * first - own;
            below += second * second - own_second;
        }
        let scale = self.theta_scales().first().copied().unwrap_or(1.0);
        let sd = (above / below).max(0.0).sqrt() * scale;
        // Moments see the variance of a mean, which is less than that of the effects.
        if sd.is_finite() { (1.2 * sd).clamp(0.3, 3.0) } else { 1.0 }
    }

    fn start(&self) -> Vec<f64> {
        let beta = self.without_effects();
        let sd = self.first_sd(&beta);
        let scales = self.theta_scales();
        let mut theta = vec![0.0; self.thetas];
        let dimensions = self.factors().map(|f| f.elements.iter().filter(|(a, b, _)| a == b).count()).sum::<usize>().max(1) as f64;
        for factor in self.factors() {
            for &(row, column, at) in &factor.elements {
                if row == column {
                    theta[at] = sd / scales[at] / dimensions.sqrt();
                }
            }
        }
        // Coefficients given the effects are larger than those of the population (Zeger, Liang & Albert 1988).
        let larger = match self.kernel {
            super::kernel::Kernel::Binary => (1.0 + 0.346 * sd * sd).sqrt(),
            super::kernel::Kernel::Count => 1.0,
        };
        beta.iter().map(|b| if b.is_finite() { b * larger } else { 0.0 }).chain(theta).collect()
    }

    /// The same without the dimensions of effects that have vanished.
    fn without(&self, held: &[bool]) -> Self {
        let mut restricted = self.clone();
        let mut names = vec![usize::MAX; self.thetas];
        let mut next = 0;
        for (at, held) in held.iter().enumerate() {
            if !held {
                names[at] = next;
                next += 1;
            }
        }
        restricted.thetas = next;
        for factor in restricted.top.iter_mut().chain(&mut restricted.sub) {
            factor.elements.retain(|e| !held[e.2]);
            factor.elements.iter_mut().for_each(|e| e.2 = names[e.2]);
        }
        restricted
    }

    /// θ with the same ΛΛ', columns whose dimension has vanished being zero, and which elements those are: columns whose
    /// pivot is below a ten-thousandth of the linear predictor's unit.
    fn canonical(&self, theta: &[f64]) -> (Vec<f64>, Vec<bool>) {
        let scales = self.theta_scales();
        let (mut canonical, mut held) = (theta.to_vec(), vec![false; theta.len()]);
        for factor in self.factors() {
            let k = factor.k;
            let at = |row: usize, column: usize| factor.elements.iter().find(|e| (e.0, e.1) == (row, column)).map(|e| e.2);
            let lambda = |row: usize, column: usize| at(row, column).map_or(0.0, |e| theta[e]);
            let mut g = vec![0.0; k * k];
            for a in 0..k {
                for b in 0..=a {
                    g[a * k + b] = (0..=b).map(|c| lambda(a, c) * lambda(b, c)).sum();
                }
            }
            let mut root = vec![0.0; k * k];
            for column in 0..k {
                let taken: f64 = (0..column).map(|c| root[column * k + c] * root[column * k + c]).sum();
                let pivot = (g[column * k + column] - taken).max(0.0).sqrt();
                let vanished = at(column, column).is_some_and(|e| pivot * scales[e] < 1e-4);
                for row in column..k {
                    let Some(e) = at(row, column) else { continue };
                    if vanished {
                        held[e] = true;
                        canonical[e] = 0.0;
                    } else {
                        let inner: f64 = (0..column).map(|c| root[row * k + c] * root[column * k + c]).sum();
                        root[row * k + column] = if row == column { pivot } else { (g[row * k + column] - inner) / pivot };
                        canonical[e] = root[row * k + column];
                    }
                }
            }
        }
        (canonical, held)
    }

    /// Whether a point is beyond what data could tell from infinity.
    fn diverged(&self, psi: &[f64], scales: &[f64]) -> Option<Unfit> {
        if let Some(at) = (0..self.thetas).find(|&e| psi[self.p + e].is_nan() || psi[self.p + e].abs() * scales[e] > 200.0) {
            return Some(Unfit::InfiniteVariance(at));
        }
        let largest = (0..self.y.len()).map(|j| dot(&self.x[j * self.p..(j + 1) * self.p], &psi[..self.p]).abs()).fold(0.0, f64::max);
        (largest.is_nan() || largest > 2000.0).then_some(Unfit::InfiniteCoefficients)
    }

    /// The maximum at the nodes asked for.
    pub fn maximise(&self, nodes: Nodes) -> Result<Approximation, Unfit> {
        let mut at = self.start();
        let scales = self.theta_scales();
        let diverged = |psi: &[f64]| self.diverged(psi, &scales).is_some();
        let ladder: Vec<usize> = match nodes {
            Nodes::Laplace => vec![1],
            Nodes::Number(n) => vec![n],
            Nodes::Auto if !self.can_settle() => vec![1],
            Nodes::Auto => LADDER.iter().copied().filter(|&q| self.all_nodes(q) <= MOST).collect(),
        };
        // The way to the neighbourhood of the maximum is cheapest with few nodes.
        if let [only] = ladder[..]
            && only > LADDER[0]
        {
            at = minimise(&mut Engine::new(self, LADDER[0]), &at, None, ROUGHLY, &diverged).psi;
        }
        let mut rungs: Vec<Rung> = vec![];
        let (mut iterations, mut moved, mut settled) = (0, None, None);
        let mut last: Option<(Minimum, usize)> = None;
        for &q in &ladder {
            let mut engine = Engine::new(self, q);
            let curvature = last.as_ref().map(|(minimum, _)| minimum.at.hessian.as_slice());
            let minimum = minimise(&mut engine, &at, curvature, if ladder.len() == 1 { NEWTON } else { NEARLY }, &diverged);
            iterations += minimum.iterations;
            if minimum.end == End::Diverged {
                return Err(self.diverged(&minimum.psi, &scales).unwrap_or(Unfit::NotConverged));
            }
            let value = 2.0 * minimum.at.value;
            if let Some((before, _)) = &last {
                let change = self.change(before, &minimum);
                settled = Some(change.0 <= TOLERANCE && change.1 <= TOLERANCE);
                moved = Some(change);
            }
            rungs.push(Rung { nodes: q, minus_two_log_likelihood: value - 2.0 * self.constant(), psi: minimum.psi.clone() });
            at.copy_from_slice(&minimum.psi);
            last = Some((minimum, q));
            if settled == Some(true) {
                break;
            }
        }
        let Some((minimum, q)) = last else { return Err(Unfit::NotConverged) };
        let mut found = self.complete(minimum, q, ladder.len() == 1, &scales)?;
        (found.settled, found.moved, found.rungs) = (settled, moved, rungs);
        found.iterations += iterations;
        Ok(found)
    }

    /// How far −2 log L and the parameters, in units of their standard errors, are apart. Signs of the columns of Λ are not told apart.
    fn change(&self, before: &Minimum, after: &Minimum) -> (f64, f64) {
        let value = 2.0 * (before.at.value - after.at.value).abs();
        let d = self.d();
        let se = |k: usize| after.at.hessian[k * d + k].abs().max(1e-300).powf(-0.5);
        let vcov = inverse(&after.at.hessian, d);
        let mut largest = 0.0_f64;
        for k in 0..d {
            let se = vcov.as_ref().map_or(se(k), |v| v[k * d + k].sqrt());
            let (a, b) = (before.psi[k], after.psi[k]);
            let difference = if k < self.p { (a - b).abs() } else { (a.abs() - b.abs()).abs() };
            largest = largest.max(difference / se);
        }
        (value, largest)
    }

    /// Hessian and vanished dimensions at a minimum; `settled` where its search went to the end.
    fn complete(&self, minimum: Minimum, nodes: usize, settled: bool, scales: &[f64]) -> Result<Approximation, Unfit> {
        let d = self.d();
        let mut iterations = 0;
        let mut held = vec![false; self.thetas];
        let (mut psi, mut minimum) = (minimum.psi.clone(), minimum);
        // Dimensions may vanish one after another.
        let (minimum, free) = loop {
            let (theta, vanished) = self.canonical(&psi[self.p..]);
            held.iter_mut().zip(&vanished).for_each(|(held, vanished)| *held |= vanished);
            let free: Vec<usize> = (0..d).filter(|&k| k < self.p || !held[k - self.p]).collect();
            let start: Vec<f64> = free.iter().map(|&k| if k < self.p { psi[k] } else { theta[k - self.p] }).collect();
            let restricted = self.without(&held);
            let restricted_scales = restricted.theta_scales();
            let diverged = |psi: &[f64]| restricted.diverged(psi, &restricted_scales).is_some();
            let mut engine = Engine::new(&restricted, nodes);
            // A Hessian of these parameters is known where none has just gone.
            let curvature = (minimum.end == End::Found && free.len() == minimum.psi.len()).then(|| minimum.at.hessian.clone());
            // Where the last search went to the end, and nothing has gone, there is nothing to do.
            if !(settled && minimum.end == End::Found && free.len() == minimum.psi.len()) {
                minimum = minimise(&mut engine, &start, curvature.as_deref(), NEWTON, &diverged);
                iterations += minimum.iterations;
            }
            finish(&mut engine, &mut minimum);
            if minimum.end == End::Diverged {
                return Err(restricted.diverged(&minimum.psi, &restricted_scales).unwrap_or(Unfit::NotConverged));
            }
            psi.fill(0.0);
            free.iter().zip(&minimum.psi).for_each(|(&k, value)| psi[k] = *value);
            let more = self.canonical(&psi[self.p..]).1;
            if more.iter().zip(&held).all(|(more, held)| !more || *held) {
                break (minimum, free);
            }
        };
        if minimum.end != End::Found {
            return Err(Unfit::NotConverged);
        }
        let free_d = free.len();
        let Some(inverse) = inverse(&minimum.at.hessian, free_d) else { return Err(Unfit::Singular) };
        let wide = |k: usize| {
            let squares: f64 = (0..self.y.len()).map(|j| self.x[j * self.p + k].powi(2)).sum();
            inverse[k * free_d + k].sqrt() * (squares / self.y.len() as f64).sqrt() > 1000.0
        };
        if (0..self.p).any(wide) {
            return Err(Unfit::InfiniteCoefficients);
        }
        let mut vcov = vec![0.0; d * d];
        for (a, &to) in free.iter().enumerate() {
            for (b, &other) in free.iter().enumerate() {
                vcov[to * d + other] = inverse[a * free_d + b];
            }
        }
        if let Some(unfit) = self.diverged(&psi, scales) {
            return Err(unfit);
        }
        // Signs of columns: diagonals of Λ are positive.
        let flips = self.flips(&psi[self.p..]);
        for (e, flip) in flips.iter().enumerate() {
            if *flip {
                let k = self.p + e;
                psi[k] = -psi[k];
                for other in 0..d {
                    vcov[k * d + other] = -vcov[k * d + other];
                    vcov[other * d + k] = -vcov[other * d + k];
                }
            }
        }
        let mut at = Evaluation::with_scores(d, self.units.len());
        Engine::new(self, nodes).evaluate(&psi, &mut at);
        let step: f64 =
            (0..d).flat_map(|a| (0..d).map(move |b| (a, b))).map(|(a, b)| at.gradient[a] * vcov[a * d + b] * at.gradient[b]).sum();
        Ok(Approximation {
            minus_two_log_likelihood: 2.0 * (minimum.at.value - self.constant()),
            psi,
            vcov,
            held,
            nodes,
            settled: None,
            moved: None,
            rungs: vec![],
            iterations,
            step: step.abs().sqrt(),
        })
    }

    /// Minus the gradients of the units' log-likelihoods at ψ: units × d.
    pub fn scores(&self, psi: &[f64], nodes: usize) -> Vec<f64> {
        let mut at = Evaluation::with_scores(self.d(), self.units.len());
        Engine::new(self, nodes).evaluate(psi, &mut at);
        at.scores.unwrap_or_default()
    }

    /// The elements of Λ in columns whose diagonal is negative.
    fn flips(&self, theta: &[f64]) -> Vec<bool> {
        let mut flips = vec![false; theta.len()];
        for factor in self.factors() {
            for &(_, column, at) in &factor.elements {
                flips[at] = factor.elements.iter().any(|e| e.0 == column && e.1 == column && theta[e.2] < 0.0);
            }
        }
        flips
    }
}
