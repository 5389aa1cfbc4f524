//! Second-order facts in the natural parameters θ = (σ², G), made in those of the effects as they were fitted, of
//! which θ is a linear function.
//!
//! V is linear in θ, so that what belongs to σ² follows from the rest by Euler's identity: Σ_l θ_l ∂_l f = d f for
//! every f of degree d in θ.

use super::contrasts::Turned;
use super::curvature::Curvature;
use super::point::{Point, Problem};
use nalgebra::{DMatrix, DVector};

/// −2ℓ at some θ, with its derivatives.
pub(super) struct Natural<'a> {
    pub problem: &'a Problem,
    pub turned: &'a Turned,
    /// θ of the effects as they were fitted.
    pub theta: &'a [f64],
    /// At their Λ.
    pub point: &'a Point,
    pub curvature: &'a Curvature,
}

/// −2ℓ at a point and a σ² that need not be its best.
pub(super) fn value(problem: &Problem, point: &Point, sigma: f64) -> f64 {
    let (df, ratio) = (problem.residual_df(), point.squares / sigma);
    // Both parts vanish where σ² is y'P₀y/ν.
    point.value + df * (sigma * df / point.squares).ln() + (ratio - df)
}

impl Natural<'_> {
    /// The Hessian of −2ℓ over θ.
    pub fn hessian(&self) -> DMatrix<f64> {
        let (n, sigma, curvature, ratio) = (self.theta.len() - 1, self.theta[0], self.curvature, self.ratio());
        let element = |x: usize, y: usize| (2.0 * ratio * curvature.bends[x * n + y] - curvature.pairs[x * n + y]) / (sigma * sigma);
        // −2ℓ has the slopes tr(PV_k), of degree −1, less y'PV_kPy, of degree −2.
        let slopes: Vec<f64> = (0..=n).map(|k| 2.0 * self.quadratic(k) - self.trace(k)).collect();
        self.carried(self.bordered(element, &slopes))
    }

    /// Its expectation: tr(P ∂_kV P ∂_lV) for REML, tr(V⁻¹ ∂_kV V⁻¹ ∂_lV) for ML.
    pub fn expected_hessian(&self) -> DMatrix<f64> {
        let (n, sigma, curvature) = (self.theta.len() - 1, self.theta[0], self.curvature);
        let slopes: Vec<f64> = (0..=n).map(|k| self.trace(k)).collect();
        self.carried(self.bordered(|x, y| curvature.pairs[x * n + y] / (sigma * sigma), &slopes))
    }

    /// The gradient of −2ℓ over θ.
    pub fn gradient(&self) -> DVector<f64> {
        let own = DVector::from_fn(self.theta.len(), |k, _| self.trace(k) - self.quadratic(k));
        match self.turned.back() {
            None => own,
            Some(back) => back.transpose() * own,
        }
    }

    /// P_k = ∂(X'V⁻¹X)/∂θ_k = −X'V⁻¹ ∂_kV V⁻¹X.
    pub fn slopes(&self) -> Vec<DMatrix<f64>> {
        let own = self.fitted_slopes();
        let Some(back) = self.turned.back() else { return own };
        let blank = DMatrix::zeros(self.columns(), self.columns());
        (0..own.len()).map(|k| own.iter().enumerate().fold(blank.clone(), |sum, (l, p)| sum + p * back[(l, k)])).collect()
    }

    /// The same over θ of the effects as they were fitted.
    fn fitted_slopes(&self) -> Vec<DMatrix<f64>> {
        let (n, p, m, sigma) = (self.theta.len() - 1, self.columns(), self.problem.width(), self.theta[0]);
        let root = self.root();
        let square = |k: usize| {
            let own = &self.curvature.sums.squares[k * m * m..(k + 1) * m * m];
            let inner = DMatrix::from_fn(p, p, |a, b| own[b * m + a]);
            &root * inner * root.transpose() * (-1.0 / (sigma * sigma))
        };
        let own: Vec<DMatrix<f64>> = (0..n).map(square).collect();
        let gram = &root * root.transpose() / sigma;
        let rest = own.iter().zip(&self.theta[1..]).fold(gram, |sum, (p, theta)| sum + p * *theta);
        std::iter::once(rest / -sigma).chain(own).collect()
    }

    /// Σ_kl ω_kl X'V⁻¹ ∂_kV V⁻¹ ∂_lV V⁻¹X.
    pub fn weighted_q(&self, omega: &DMatrix<f64>) -> DMatrix<f64> {
        let (n, p, sigma) = (self.theta.len() - 1, self.columns(), self.theta[0]);
        let forms = self.forms();
        let slopes = self.fitted_slopes();
        let carried = self.turned.back().map(|back| &back * omega * back.transpose());
        let omega = carried.as_ref().unwrap_or(omega);
        // Q_kl of two elements of G; Q_lk is its transpose.
        let q = |k: usize, l: usize| if k >= l { forms[k * n + l].clone() } else { forms[l * n + k].transpose() };
        let mut sum = DMatrix::zeros(p, p);
        let mut first = vec![];
        for k in 0..n {
            // Σ_l θ_l Q_kl = −P_k.
            let mut rest = -&slopes[k + 1];
            for l in 0..n {
                let own = q(k, l);
                rest -= &own * self.theta[l + 1];
                sum += own * omega[(k + 1, l + 1)];
            }
            rest /= sigma;
            sum += (&rest + rest.transpose()) * omega[(k + 1, 0)];
            first.push(rest);
        }
        let own = first.iter().zip(&self.theta[1..]).fold(-&slopes[0], |sum, (q, theta)| sum - q * *theta) / sigma;
        sum + own * omega[(0, 0)]
    }

    /// X'V⁻¹ ∂_kV V⁻¹ ∂_lV V⁻¹X for the elements k ≥ l of G.
    fn forms(&self) -> Vec<DMatrix<f64>> {
        let (n, p, m, sigma) = (self.theta.len() - 1, self.columns(), self.problem.width(), self.theta[0]);
        let mut curvature: Curvature = self.problem.blank_curvature();
        curvature.forms = vec![0.0; n * n * m * m];
        self.problem.differentiate(self.point, &mut curvature, &self.problem.head_elements());
        let root = self.root();
        let one = |cell: usize| {
            let own = &curvature.forms[cell * m * m..(cell + 1) * m * m];
            &root * DMatrix::from_fn(p, p, |a, b| own[a * m + b]) * root.transpose() / sigma.powi(3)
        };
        (0..n * n).map(one).collect()
    }

    /// The number p of columns.
    fn columns(&self) -> usize {
        self.problem.data.columns
    }

    /// y'Py, which is ν where σ² is at its best.
    fn ratio(&self) -> f64 {
        self.point.squares / self.theta[0]
    }

    /// tr(PV_k), for ML tr(V⁻¹V_k); of σ² first.
    fn trace(&self, k: usize) -> f64 {
        let sigma = self.theta[0];
        let own = |k: usize| self.curvature.traces[k - 1] / sigma;
        match k {
            0 => (self.problem.residual_df() - (1..self.theta.len()).map(|l| self.theta[l] * own(l)).sum::<f64>()) / sigma,
            k => own(k),
        }
    }

    /// y'PV_kPy.
    fn quadratic(&self, k: usize) -> f64 {
        let (sigma, ratio) = (self.theta[0], self.ratio());
        let own = |k: usize| ratio * self.curvature.quadratic[k - 1] / sigma;
        match k {
            0 => (ratio - (1..self.theta.len()).map(|l| self.theta[l] * own(l)).sum::<f64>()) / sigma,
            k => own(k),
        }
    }

    /// A Hessian over θ of the design from that over θ of the effects as they were fitted.
    fn carried(&self, hessian: DMatrix<f64>) -> DMatrix<f64> {
        match self.turned.back() {
            None => hessian,
            Some(back) => back.transpose() * hessian * back,
        }
    }

    /// A matrix over θ from its elements for G, given the sums Σ_l θ_l m_kl of its rows.
    fn bordered(&self, element: impl Fn(usize, usize) -> f64, sums: &[f64]) -> DMatrix<f64> {
        let n = self.theta.len() - 1;
        let mut matrix = DMatrix::zeros(n + 1, n + 1);
        for x in 0..n {
            (0..n).for_each(|y| matrix[(x + 1, y + 1)] = element(x, y));
        }
        for k in (0..=n).rev() {
            let rest = sums[k] - (1..=n).map(|l| self.theta[l] * matrix[(k, l)]).sum::<f64>();
            matrix[(k, 0)] = rest / self.theta[0];
            matrix[(0, k)] = matrix[(k, 0)];
        }
        matrix
    }

    /// The lower Cholesky factor of X'V₀⁻¹X.
    fn root(&self) -> DMatrix<f64> {
        let (p, m) = (self.columns(), self.problem.width());
        DMatrix::from_fn(p, p, |i, j| self.point.root[j * m + i])
    }
}
