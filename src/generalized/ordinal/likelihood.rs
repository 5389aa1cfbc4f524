//! The likelihood of cumulative logits, with exact derivatives.
//!
//! With cut-points 0 = c₁ < c₂ < … < c_q for q + 1 categories and η = x'β, P(Y ≤ k) = F(c_k − η), F(z) = 1/(1 + e⁻ᶻ): the
//! intercept of x'β is minus the first threshold. Between two cut-points h above and l below η, the probability of a
//! category is F(h) (1 − F(l)) (1 − e^(l − h)), which has its digits at both ends.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// What a cumulative logit model is fitted to: an orthonormal basis of the columns, and the category of each observation.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// X = QR.
    pub q: DMatrix<f64>,
    pub r: DMatrix<f64>,
    /// The category of each observation, counted from 0.
    pub y: Vec<usize>,
    pub offset: Vec<f64>,
    /// Empty where every observation counts once.
    pub weights: Vec<f64>,
    /// How many cut-points there are: one fewer than categories.
    pub cuts: usize,
}

/// The parameters: θ = Rβ, and the cut-points from the second on.
pub(super) type Parameters = DVector<f64>;

/// −ℓ'' and ℓ' at a point.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub value: f64,
    pub score: DVector<f64>,
    pub information: DMatrix<f64>,
}

/// The logarithm of an observation's probability, and its derivatives in the cut-points above and below less η.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between {
    pub value: f64,
    /// In h, l.
    pub slope: [f64; 2],
    /// −d²/dh², −d²/dl², −d²/dhdl.
    pub curvature: [f64; 3],
}

fn between(high: f64, low: f64) -> Between {
    let gap = high - low;
    // 1/(e^gap − 1): zero where either end is infinite.
    let rest = if gap.is_finite() { 1.0 / gap.exp_m1() } else { 0.0 };
    let turned = rest * (1.0 + rest);
    let log = |x: f64| if x > 0.0 { -(-x).exp().ln_1p() } else { x - x.exp().ln_1p() };
    let inside = if gap.is_finite() { (-(-gap).exp_m1()).ln() } else { 0.0 };
    let (above, below) = (sigmoid(-high), sigmoid(low));
    Between {
        value: log(high) + log(-low) + inside,
        slope: [above + rest, -below - rest],
        curvature: [above * sigmoid(high) + turned, below * sigmoid(-low) + turned, -turned],
    }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

impl Sample {
    pub fn p(&self) -> usize {
        self.r.ncols()
    }

    pub fn weight(&self, i: usize) -> f64 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// The cut-points, infinite at both ends: one more than categories.
    pub fn cut_points(&self, parameters: &Parameters) -> Vec<f64> {
        let finite = (1..self.cuts).map(|k| parameters[self.p() + k - 1]);
        [f64::NEG_INFINITY, 0.0].into_iter().chain(finite).chain([f64::INFINITY]).collect()
    }

    pub fn predictors(&self, parameters: &Parameters) -> DVector<f64> {
        let mut eta = &self.q * parameters.rows(0, self.p());
        eta.iter_mut().zip(&self.offset).for_each(|(eta, offset)| *eta += offset);
        eta
    }

    /// The log-likelihood; minus infinity where cut-points are out of order.
    pub fn value(&self, parameters: &Parameters) -> f64 {
        let cuts = self.cut_points(parameters);
        if cuts.windows(2).any(|pair| pair[0] >= pair[1]) {
            return f64::NEG_INFINITY;
        }
        let eta = self.predictors(parameters);
        let of = |i: usize| self.weight(i) * between(cuts[self.y[i] + 1] - eta[i], cuts[self.y[i]] - eta[i]).value;
        (0..self.y.len()).map(of).sum()
    }

    /// An observation at a linear predictor, given the cut-points.
    pub fn observed(&self, i: usize, cuts: &[f64], eta: f64) -> Between {
        between(cuts[self.y[i] + 1] - eta, cuts[self.y[i]] - eta)
    }

    /// The positions of the parameters that are the cut-points above and below an observation.
    fn ends(&self, i: usize) -> [Option<usize>; 2] {
        [self.y[i] + 1, self.y[i]].map(|cut| (2..=self.cuts).contains(&cut).then(|| self.p() + cut - 2))
    }

    /// Adds the score of an observation whose predictor moves with the parameters like `along`.
    pub fn add_score(&self, i: usize, own: &Between, along: &[f64], to: &mut [f64]) {
        let weight = self.weight(i);
        let slope = weight * (own.slope[0] + own.slope[1]);
        to.iter_mut().zip(along).for_each(|(to, x)| *to -= slope * x);
        self.ends(i).into_iter().zip(own.slope).filter_map(|(at, s)| Some((at?, s))).for_each(|(at, s)| to[at] += weight * s);
    }

    /// Adds its information: −ℓ''.
    pub fn add_information(&self, i: usize, own: &Between, along: &[f64], to: &mut DMatrix<f64>) {
        let weight = self.weight(i);
        let [hh, ll, hl] = own.curvature.map(|c| weight * c);
        let both = hh + ll + 2.0 * hl;
        for (a, x) in along.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            along.iter().enumerate().for_each(|(b, z)| to[(a, b)] += both * x * z);
        }
        let [high, low] = self.ends(i);
        for (at, own) in [(high, hh + hl), (low, ll + hl)] {
            let Some(at) = at else { continue };
            for (a, x) in along.iter().enumerate() {
                to[(a, at)] -= own * x;
                to[(at, a)] -= own * x;
            }
        }
        high.into_iter().for_each(|at| to[(at, at)] += hh);
        low.into_iter().for_each(|at| to[(at, at)] += ll);
        if let (Some(high), Some(low)) = (high, low) {
            to[(high, low)] += hl;
            to[(low, high)] += hl;
        }
    }

    /// How the predictor of an observation moves with `d` parameters: the basis, and nothing else.
    pub fn along(&self, i: usize, d: usize) -> Vec<f64> {
        let mut along = vec![0.0; d];
        (0..self.p()).for_each(|j| along[j] = self.q[(i, j)]);
        along
    }

    /// The scores, observation by observation: N × parameters.
    pub fn scores(&self, parameters: &Parameters) -> DMatrix<f64> {
        let (cuts, eta) = (self.cut_points(parameters), self.predictors(parameters));
        let d = parameters.len();
        let mut scores = DMatrix::zeros(self.y.len(), d);
        for i in 0..self.y.len() {
            let mut own = vec![0.0; d];
            self.add_score(i, &self.observed(i, &cuts, eta[i]), &self.along(i, d), &mut own);
            (0..d).for_each(|k| scores[(i, k)] = own[k]);
        }
        scores
    }

    pub fn at(&self, parameters: &Parameters) -> At {
        let (cuts, eta) = (self.cut_points(parameters), self.predictors(parameters));
        let d = parameters.len();
        let mut found = At { value: 0.0, score: DVector::zeros(d), information: DMatrix::zeros(d, d) };
        for i in 0..self.y.len() {
            let (own, along) = (self.observed(i, &cuts, eta[i]), self.along(i, d));
            found.value += self.weight(i) * own.value;
            self.add_score(i, &own, &along, found.score.as_mut_slice());
            self.add_information(i, &own, &along, &mut found.information);
        }
        found
    }

    /// Every observation with the shares of all, as near to it as the columns allow.
    fn start(&self) -> Parameters {
        let mut counts = vec![0.0; self.cuts + 1];
        self.y.iter().enumerate().for_each(|(i, &y)| counts[y] += self.weight(i));
        let total: f64 = counts.iter().sum();
        let logits: Vec<f64> = counts[..self.cuts]
            .iter()
            .scan(0.0, |sum, count| {
                *sum += count;
                Some((*sum / (total - *sum)).ln())
            })
            .collect();
        let without_offset = |i: usize, _| -logits[0] - self.offset.get(i).copied().unwrap_or(0.0);
        let theta = self.q.tr_mul(&DVector::from_fn(self.y.len(), without_offset));
        let cuts = logits[1..].iter().map(|logit| logit - logits[0]);
        DVector::from_iterator(self.p() + self.cuts - 1, theta.iter().copied().chain(cuts))
    }
}

/// The largest likelihood.
#[derive(Debug, Clone)]
pub(super) struct Optimum {
    pub parameters: Parameters,
    pub at: At,
    pub factor: Cholesky<f64, Dyn>,
    pub iterations: usize,
}

pub(super) const MOST_STEPS: usize = 100;
/// Twice what the likelihood could still rise by, at which the last step is taken.
pub(super) const SMALL_DECREMENT: f64 = 1e-14;

/// Newton's method: the log-likelihood is concave (Pratt 1981, JASA 76:103–106). The number of steps where it does not end.
pub(super) fn maximise(sample: &Sample) -> Result<Optimum, usize> {
    let mut parameters = sample.start();
    for iterations in 1..=MOST_STEPS {
        let at = sample.at(&parameters);
        let factor = Cholesky::new(at.information.clone()).ok_or(iterations)?;
        let step = factor.solve(&at.score);
        let decrement = at.score.dot(&step);
        let is_last = decrement <= SMALL_DECREMENT * (1.0 + at.value.abs());
        let mut length = 1.0;
        loop {
            let next = &parameters + &step * length;
            let value = sample.value(&next);
            // Below rounding, the quadratic approximation knows better than the difference of two likelihoods.
            if value >= at.value + 1e-4 * length * decrement || (is_last && value.is_finite()) {
                parameters = next;
                break;
            }
            length *= 0.5;
            if length < 1e-10 {
                return Err(iterations);
            }
        }
        if is_last {
            let at = sample.at(&parameters);
            let factor = Cholesky::new(at.information.clone()).ok_or(iterations)?;
            return Ok(Optimum { parameters, at, factor, iterations });
        }
    }
    Err(MOST_STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_log_likelihood() {
        let x = DMatrix::from_fn(12, 2, |i, j| if j == 0 { 1.0 } else { (i * 5 % 7) as f64 });
        let (q, r) = x.qr().unpack();
        let y = (0..12).map(|i| i * 3 % 4).collect();
        let sample = Sample { q, r, y, offset: (0..12).map(|i| 0.1 * i as f64).collect(), weights: vec![], cuts: 3 };
        let point = DVector::from_vec(vec![0.4, -0.7, 1.1, 2.6]);
        let (at, h) = (sample.at(&point), 1e-5);
        for k in 0..4 {
            let moved = |sign: f64| {
                let mut to = point.clone();
                to[k] += sign * h;
                to
            };
            let slope = (sample.value(&moved(1.0)) - sample.value(&moved(-1.0))) / (2.0 * h);
            assert!((slope - at.score[k]).abs() < 1e-8, "{k}: {slope}, {}", at.score[k]);
            let turn = (sample.at(&moved(1.0)).score - sample.at(&moved(-1.0)).score) / (-2.0 * h);
            assert!((turn - at.information.column(k)).amax() < 1e-8, "{k}");
        }
        assert!((sample.scores(&point).row_sum().transpose() - at.score).amax() < 1e-12);
    }

    #[test]
    fn probabilities_keep_their_digits_far_out() {
        // By mpmath at 40 digits: log(F(h) − F(l)).
        for (high, low, expected) in [(-40.0, -41.0, -40.45867514538708), (0.5, -0.5, -1.4068291137472953), (f64::INFINITY, 50.0, -50.0)] {
            assert!((between(high, low).value - expected).abs() < 1e-13 * expected.abs(), "{high} {low}: {}", between(high, low).value);
        }
    }
}
