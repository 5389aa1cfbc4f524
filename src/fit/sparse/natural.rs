//! Second-order facts in the natural parameters θ = (σ², G).
//!
//! V is linear in θ, so that what belongs to σ² follows from the rest by Euler's identity: Σ_l θ_l ∂_l f = d f for every f of degree d in θ.

use super::SparseFit;
use super::curvature::Curvature;
use crate::fit::Estimation;
use nalgebra::DMatrix;

impl SparseFit {
    /// The Hessian of −2ℓ over θ.
    pub fn hessian(&self) -> DMatrix<f64> {
        let (n, df, sigma, curvature) = (self.theta.len() - 1, self.problem.residual_df(), self.theta[0], self.curvature());
        let element = |x: usize, y: usize| (2.0 * df * curvature.bends[x * n + y] - curvature.pairs[x * n + y]) / (sigma * sigma);
        // −2ℓ has the slopes tr(PV_k), of degree −1, less y'PV_kPy, of degree −2.
        let slopes: Vec<f64> = (0..=n).map(|k| 2.0 * self.quadratic(k) - self.trace(k)).collect();
        self.bordered(element, &slopes)
    }

    /// Its expectation: tr(P ∂_kV P ∂_lV) for REML, tr(V⁻¹ ∂_kV V⁻¹ ∂_lV) for ML.
    pub fn expected_hessian(&self) -> DMatrix<f64> {
        let (n, sigma, curvature) = (self.theta.len() - 1, self.theta[0], self.curvature());
        let slopes: Vec<f64> = (0..=n).map(|k| self.trace(k)).collect();
        self.bordered(|x, y| curvature.pairs[x * n + y] / (sigma * sigma), &slopes)
    }

    /// The gradient of −2ℓ over θ: zero, but where a variance vanished.
    pub fn gradient(&self) -> Vec<f64> {
        (0..self.theta.len()).map(|k| self.trace(k) - self.quadratic(k)).collect()
    }

    /// P_k = ∂(X'V⁻¹X)/∂θ_k = −X'V⁻¹ ∂_kV V⁻¹X.
    pub fn slopes(&self) -> Vec<DMatrix<f64>> {
        let (n, p, m, sigma) = (self.theta.len() - 1, self.beta.len(), self.beta.len() + 1, self.theta[0]);
        let root = self.root();
        let square = |k: usize| {
            let own = &self.curvature().sums.squares[k * m * m..(k + 1) * m * m];
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
        let (n, p, sigma) = (self.theta.len() - 1, self.beta.len(), self.theta[0]);
        let forms = self.forms();
        let slopes = self.slopes();
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
        let (n, p, m, sigma) = (self.theta.len() - 1, self.beta.len(), self.beta.len() + 1, self.theta[0]);
        let mut curvature: Curvature = self.problem.blank_curvature();
        curvature.forms = vec![0.0; n * n * m * m];
        self.problem.differentiate(&self.point, &mut curvature, &self.problem.head_elements());
        let root = self.root();
        let one = |cell: usize| {
            let own = &curvature.forms[cell * m * m..(cell + 1) * m * m];
            &root * DMatrix::from_fn(p, p, |a, b| own[a * m + b]) * root.transpose() / sigma.powi(3)
        };
        (0..n * n).map(one).collect()
    }

    /// tr(PV_k), for ML tr(V⁻¹V_k); of σ² first.
    fn trace(&self, k: usize) -> f64 {
        let sigma = self.theta[0];
        let own = |k: usize| self.curvature().traces[k - 1] / sigma;
        match k {
            0 => (self.problem.residual_df() - (1..self.theta.len()).map(|l| self.theta[l] * own(l)).sum::<f64>()) / sigma,
            k => own(k),
        }
    }

    /// y'PV_kPy.
    fn quadratic(&self, k: usize) -> f64 {
        let (sigma, df) = (self.theta[0], self.problem.residual_df());
        let own = |k: usize| df * self.curvature().quadratic[k - 1] / sigma;
        match k {
            0 => (df - (1..self.theta.len()).map(|l| self.theta[l] * own(l)).sum::<f64>()) / sigma,
            k => own(k),
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
        let (p, m) = (self.beta.len(), self.beta.len() + 1);
        DMatrix::from_fn(p, p, |i, j| self.point.root[j * m + i])
    }

    /// ∂θ/∂η over the working parameters η = (σ², the lower triangular factors of G), in which what vanished is a point like any other.
    pub fn jacobian(&self) -> DMatrix<f64> {
        let n = self.theta.len() - 1;
        let mut own = vec![0.0; n * n];
        self.problem.parameters.set_jacobian(&self.factors(), &mut own);
        DMatrix::from_fn(n + 1, n + 1, |x, y| match (x, y) {
            (0, 0) => 1.0,
            (0, _) | (_, 0) => 0.0,
            (x, y) => own[(x - 1) * n + y - 1],
        })
    }

    /// A Hessian of −2ℓ over η from that over θ, and from the gradient over θ: zero for an expected Hessian.
    pub fn working_hessian(&self, hessian: &DMatrix<f64>, gradient: &[f64]) -> DMatrix<f64> {
        let (n, jacobian) = (self.theta.len() - 1, self.jacobian());
        let mut bend = vec![0.0; n * n];
        self.problem.parameters.add_bend(&gradient[1..], &mut bend);
        let mut working = jacobian.transpose() * hessian * jacobian;
        for x in 0..n {
            (0..n).for_each(|y| working[(x + 1, y + 1)] += bend[x * n + y]);
        }
        working
    }

    /// θ at η + h, to check derivatives with.
    #[cfg(test)]
    pub fn moved(&self, h: &[f64]) -> Vec<f64> {
        let factors: Vec<f64> = self.factors().iter().zip(&h[1..]).map(|(factor, h)| factor + h).collect();
        let mut theta = vec![0.0; factors.len()];
        self.problem.parameters.set_psi(&factors, &mut theta);
        theta.insert(0, self.theta[0] + h[0]);
        theta
    }

    /// The factors of G.
    fn factors(&self) -> Vec<f64> {
        let root = self.theta[0].sqrt();
        self.point.lambda.iter().map(|lambda| root * lambda).collect()
    }

    /// Whether the likelihood is the restricted one.
    pub fn estimation(&self) -> Estimation {
        self.problem.estimation
    }
}
