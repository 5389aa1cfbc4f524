//! Second-order facts in the natural parameters θ = (σ², G), made in those of the effects as they were fitted, of
//! which θ is a linear function.
//!
//! V is linear in θ, so that what belongs to σ² follows from the rest by Euler's identity: Σ_l θ_l ∂_l f = d f for
//! every f of degree d in θ.

use super::SparseFit;
use super::curvature::Curvature;
use nalgebra::DMatrix;

impl SparseFit {
    /// The Hessian of −2ℓ over θ.
    pub fn hessian(&self) -> DMatrix<f64> {
        let (n, df, sigma, curvature) = (self.fitted.len() - 1, self.problem.residual_df(), self.fitted[0], self.curvature());
        let element = |x: usize, y: usize| (2.0 * df * curvature.bends[x * n + y] - curvature.pairs[x * n + y]) / (sigma * sigma);
        // −2ℓ has the slopes tr(PV_k), of degree −1, less y'PV_kPy, of degree −2.
        let slopes: Vec<f64> = (0..=n).map(|k| 2.0 * self.quadratic(k) - self.trace(k)).collect();
        self.carried(self.bordered(element, &slopes))
    }

    /// Its expectation: tr(P ∂_kV P ∂_lV) for REML, tr(V⁻¹ ∂_kV V⁻¹ ∂_lV) for ML.
    pub fn expected_hessian(&self) -> DMatrix<f64> {
        let (n, sigma, curvature) = (self.fitted.len() - 1, self.fitted[0], self.curvature());
        let slopes: Vec<f64> = (0..=n).map(|k| self.trace(k)).collect();
        self.carried(self.bordered(|x, y| curvature.pairs[x * n + y] / (sigma * sigma), &slopes))
    }

    /// The gradient of −2ℓ over θ: zero, but where a variance vanished.
    pub fn gradient(&self) -> Vec<f64> {
        let own: Vec<f64> = (0..self.fitted.len()).map(|k| self.trace(k) - self.quadratic(k)).collect();
        match self.turned.back() {
            None => own,
            Some(back) => (back.transpose() * nalgebra::DVector::from_vec(own)).as_slice().to_vec(),
        }
    }

    /// P_k = ∂(X'V⁻¹X)/∂θ_k = −X'V⁻¹ ∂_kV V⁻¹X.
    pub fn slopes(&self) -> Vec<DMatrix<f64>> {
        let own = self.fitted_slopes();
        let Some(back) = self.turned.back() else { return own };
        let blank = DMatrix::zeros(self.beta.len(), self.beta.len());
        (0..own.len()).map(|k| own.iter().enumerate().fold(blank.clone(), |sum, (l, p)| sum + p * back[(l, k)])).collect()
    }

    /// The same over θ of the effects as they were fitted.
    fn fitted_slopes(&self) -> Vec<DMatrix<f64>> {
        let (n, p, m, sigma) = (self.fitted.len() - 1, self.beta.len(), self.beta.len() + 1, self.fitted[0]);
        let root = self.root();
        let square = |k: usize| {
            let own = &self.curvature().sums.squares[k * m * m..(k + 1) * m * m];
            let inner = DMatrix::from_fn(p, p, |a, b| own[b * m + a]);
            &root * inner * root.transpose() * (-1.0 / (sigma * sigma))
        };
        let own: Vec<DMatrix<f64>> = (0..n).map(square).collect();
        let gram = &root * root.transpose() / sigma;
        let rest = own.iter().zip(&self.fitted[1..]).fold(gram, |sum, (p, theta)| sum + p * *theta);
        std::iter::once(rest / -sigma).chain(own).collect()
    }

    /// Σ_kl ω_kl X'V⁻¹ ∂_kV V⁻¹ ∂_lV V⁻¹X.
    pub fn weighted_q(&self, omega: &DMatrix<f64>) -> DMatrix<f64> {
        let (n, p, sigma) = (self.fitted.len() - 1, self.beta.len(), self.fitted[0]);
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
                rest -= &own * self.fitted[l + 1];
                sum += own * omega[(k + 1, l + 1)];
            }
            rest /= sigma;
            sum += (&rest + rest.transpose()) * omega[(k + 1, 0)];
            first.push(rest);
        }
        let own = first.iter().zip(&self.fitted[1..]).fold(-&slopes[0], |sum, (q, theta)| sum - q * *theta) / sigma;
        sum + own * omega[(0, 0)]
    }

    /// X'V⁻¹ ∂_kV V⁻¹ ∂_lV V⁻¹X for the elements k ≥ l of G.
    fn forms(&self) -> Vec<DMatrix<f64>> {
        let (n, p, m, sigma) = (self.fitted.len() - 1, self.beta.len(), self.beta.len() + 1, self.fitted[0]);
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
        let sigma = self.fitted[0];
        let own = |k: usize| self.curvature().traces[k - 1] / sigma;
        match k {
            0 => (self.problem.residual_df() - (1..self.fitted.len()).map(|l| self.fitted[l] * own(l)).sum::<f64>()) / sigma,
            k => own(k),
        }
    }

    /// y'PV_kPy.
    fn quadratic(&self, k: usize) -> f64 {
        let (sigma, df) = (self.fitted[0], self.problem.residual_df());
        let own = |k: usize| df * self.curvature().quadratic[k - 1] / sigma;
        match k {
            0 => (df - (1..self.fitted.len()).map(|l| self.fitted[l] * own(l)).sum::<f64>()) / sigma,
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
        let n = self.fitted.len() - 1;
        let mut matrix = DMatrix::zeros(n + 1, n + 1);
        for x in 0..n {
            (0..n).for_each(|y| matrix[(x + 1, y + 1)] = element(x, y));
        }
        for k in (0..=n).rev() {
            let rest = sums[k] - (1..=n).map(|l| self.fitted[l] * matrix[(k, l)]).sum::<f64>();
            matrix[(k, 0)] = rest / self.fitted[0];
            matrix[(0, k)] = matrix[(k, 0)];
        }
        matrix
    }

    /// The lower Cholesky factor of X'V₀⁻¹X.
    fn root(&self) -> DMatrix<f64> {
        let (p, m) = (self.beta.len(), self.beta.len() + 1);
        DMatrix::from_fn(p, p, |i, j| self.point.root[j * m + i])
    }
}
