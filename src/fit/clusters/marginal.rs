//! What inference on the mean needs of a model with effects of clusters, once at the optimum.
//!
//! With S = diag(0, M̃), M̃ = (Z'WZ + G̃⁻¹)⁻¹, the effects' columns of V⁻¹Z and V⁻¹X are W\[X Z\]E_V and W\[X Z\]F,
//! E_V = I_z − SK_z and F = I_x − SK_x. Hence
//!
//! ```text
//! X'V⁻¹∂_kΣV⁻¹X = −F'P_kF             X'V⁻¹Z = K_z-part of F,   Z'V⁻¹Z = K_z'E_V
//! Q_kl = F'{Q_kl(W) − P_k S P_l}F     Q_kg = −F'P_kE_V ∂_gG̃ Z'V⁻¹X     Q_gh = X'V⁻¹Z ∂_gG̃ Z'V⁻¹Z ∂_hG̃ Z'V⁻¹X
//! ```

use super::{Clusters, EffectsPoint, WithEffects};
use crate::fit::Engine;
use crate::fit::blocks::Blocks;
use crate::fit::found::{Derived, SecondOrder};
use crate::fit::likelihood::Likelihood;
use crate::fit::marginal::Effects;
use crate::fit::problem::Estimation;
use crate::fit::slopes::Slopes;
use nalgebra::DMatrix;

/// Second-order facts of the marginal model y ~ N(Xβ, V).
#[derive(Debug, Clone)]
pub(crate) struct Marginal {
    clusters: Clusters,
    /// S, n × n.
    s: DMatrix<f64>,
    /// F, n × p.
    f: DMatrix<f64>,
    /// E_V, n × q.
    e: DMatrix<f64>,
    /// Z'V⁻¹X, q × p.
    zx: DMatrix<f64>,
    /// Z'V⁻¹Z, q × q.
    zz: DMatrix<f64>,
    /// P_k of the columns \[X Z\] for the parameters of Σ, n × n.
    whole: Vec<DMatrix<f64>>,
}

impl Marginal {
    /// At a point, given the slopes there.
    pub fn of(problem: &WithEffects, point: &EffectsPoint, slopes: &Slopes) -> Self {
        let clusters = &problem.clusters;
        let (p, n) = (clusters.fixed, point.k.nrows());
        let s = known_mean(point, p);
        let mut f = &s * point.k.columns(0, p);
        f.neg_mut();
        (0..p).for_each(|c| f[(c, c)] += 1.0);
        let e = clusters.remainder(&s, &point.k);
        let zx = point.k.rows(p, n - p) * &f;
        let zz = clusters.project(&point.k, &e);
        let whole = (0..slopes.len()).map(|k| slopes.p(k).clone_owned()).collect();
        Self { clusters: clusters.clone(), s, f, e, zx, zz, whole }
    }

    /// P_k = ∂(X'V⁻¹X)/∂θ_k of every parameter, p × p.
    pub fn slopes(&self) -> Vec<DMatrix<f64>> {
        let of_sigma = self.whole.iter().map(|p| self.of_mean(p));
        let of_clusters = self.pairs().map(|(term, pair)| {
            let moved = self.clusters.derivative_times(&self.clusters.terms[term], pair, &self.zx);
            -self.zx.tr_mul(&moved)
        });
        of_sigma.chain(of_clusters).collect()
    }

    /// F'MF: what a form in the columns \[X Z\] is for the mean.
    pub fn of_mean(&self, whole: &DMatrix<f64>) -> DMatrix<f64> {
        self.f.transpose() * (whole * &self.f)
    }

    /// Σ_kl ω_kl Q_kl, `weighted` being Σ_kl ω_kl \[X Z\]'W∂_kΣW∂_lΣW\[X Z\].
    pub fn weighted_q(&self, omega: &DMatrix<f64>, weighted: DMatrix<f64>) -> DMatrix<f64> {
        let mut sum = weighted;
        let first = self.whole.len();
        for (k, p_k) in self.whole.iter().enumerate() {
            let mut others = DMatrix::zeros(p_k.nrows(), p_k.ncols());
            self.whole.iter().enumerate().for_each(|(l, p_l)| others += p_l * omega[(k, l)]);
            sum -= p_k * &self.s * others;
        }
        let mut q = self.of_mean(&sum);
        let pairs: Vec<(usize, (usize, usize))> = self.pairs().collect();
        // ∂_gG̃ Z'V⁻¹X.
        let moved: Vec<DMatrix<f64>> =
            pairs.iter().map(|&(term, pair)| self.clusters.derivative_times(&self.clusters.terms[term], pair, &self.zx)).collect();
        for (k, p_k) in self.whole.iter().enumerate() {
            let mut others = DMatrix::zeros(self.zx.nrows(), self.zx.ncols());
            moved.iter().enumerate().for_each(|(g, m)| others += m * omega[(k, first + g)]);
            let crossed = -(p_k * &self.f).tr_mul(&self.e) * others;
            q += &crossed + crossed.transpose();
        }
        for (g, m) in moved.iter().enumerate() {
            let mut others = DMatrix::zeros(m.nrows(), m.ncols());
            moved.iter().enumerate().for_each(|(h, n)| others += n * omega[(first + g, first + h)]);
            q += m.tr_mul(&(&self.zz * others));
        }
        q
    }

    /// The position of the term and the element of G of every parameter.
    fn pairs(&self) -> impl Iterator<Item = (usize, (usize, usize))> {
        self.clusters.terms.iter().enumerate().flat_map(|(term, own)| own.pairs().into_iter().map(move |pair| (term, pair)))
    }
}

impl SecondOrder for WithEffects {
    const ENGINE: Engine = Engine::DenseEffects;

    type Shared = Marginal;

    fn shared(&self, point: &EffectsPoint, slopes: &Slopes) -> Marginal {
        Marginal::of(self, point, slopes)
    }

    fn expected_hessian(&self, point: &EffectsPoint, own: &Derived<Marginal>) -> DMatrix<f64> {
        let (clusters, slopes, first) = (&self.clusters, &own.slopes, own.slopes.len());
        let s = match self.within.estimation {
            Estimation::Reml => point.phi.clone(),
            Estimation::Ml => known_mean(point, clusters.fixed),
        };
        let fisher = self.within.fisher(&point.mean, &own.derivatives);
        let between = self.within.between_weights(&point.mean, self.leverages(&s));
        let within = 2.0 * self.within.traces(&point.mean.w, &between, &own.derivatives);
        let products: Vec<DMatrix<f64>> = (0..first).map(|k| &s * slopes.p(k)).collect();
        let e = clusters.remainder(&s, &point.k);
        let a = clusters.project(&point.k, &e);
        let mut expected = DMatrix::zeros(self.parameters(), self.parameters());
        for k in 0..first {
            let transposed = products[k].transpose();
            for l in 0..first {
                expected[(k, l)] = fisher[(k, l)] - within[(k, l)] + transposed.dot(&products[l]);
            }
            let moved = slopes.p(k) * &e;
            for (g, value) in clusters.gradients(|i, j| e.column(i).dot(&moved.column(j))).into_iter().enumerate() {
                expected[(k, first + g)] = -value;
                expected[(first + g, k)] = -value;
            }
        }
        let traces = clusters.traces(&a, &a);
        expected.view_mut((first, first), (clusters.parameters, clusters.parameters)).copy_from(&traces);
        0.5 * (&expected + expected.transpose())
    }

    fn slopes(&self, own: &Derived<Marginal>) -> Vec<DMatrix<f64>> {
        own.shared.slopes()
    }

    fn weighted_q(&self, point: &EffectsPoint, own: &Derived<Marginal>, omega: &DMatrix<f64>) -> DMatrix<f64> {
        own.shared.weighted_q(omega, self.gram(&self.within.weights_of_q(&point.mean, &own.derivatives, omega)))
    }

    fn weighted_r(&self, point: &EffectsPoint, own: &Derived<Marginal>, omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        self.within.weights_of_r(&point.mean, omega).map(|weights| own.shared.of_mean(&self.gram(&weights)))
    }

    fn intrinsic_r(&self, _point: &EffectsPoint, _own: &Derived<Marginal>, _omega: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        None
    }

    /// The covariance of û − u given β̂ is Φ_zz − Φ_zx Φ_xx⁻¹ Φ_xz.
    fn effects(&self, point: &EffectsPoint, term: usize) -> Effects {
        let (own, p, k) = (&self.clusters.terms[term], self.clusters.fixed, self.clusters.terms[term].size());
        let mean = point.mean.phi.clone().cholesky();
        let mut effects = Effects { size: k, estimates: vec![], covariances: vec![], conditional: vec![] };
        for level in 0..own.levels {
            let first = own.columns(level).start;
            let covariance = point.phi.view((first, first), (k, k)).clone_owned();
            let with_mean = point.phi.view((0, first), (p, k)).clone_owned();
            let of_mean = mean.as_ref().map_or(DMatrix::from_element(k, k, f64::NAN), |factor| with_mean.tr_mul(&factor.solve(&with_mean)));
            effects.estimates.extend(point.coefficients.rows(first, k).iter());
            effects.conditional.push(&covariance - of_mean);
            effects.covariances.push(covariance);
        }
        effects
    }
}

impl WithEffects {
    /// Σ_i \[X Z\]_iS\[X Z\]_i' of every pattern.
    fn leverages(&self, s: &DMatrix<f64>) -> Blocks {
        let mut leverages = Blocks::zeros(&self.within.patterns);
        self.set_leverages(s, &mut leverages, &mut self.workspace().within);
        leverages
    }
}

/// S = diag(0, M̃), from Φ: M̃ = Φ_zz − Φ_zx Φ_xx⁻¹ Φ_xz.
fn known_mean(point: &EffectsPoint, p: usize) -> DMatrix<f64> {
    let phi = &point.phi;
    let q = phi.nrows() - p;
    let mut s = DMatrix::zeros(p + q, p + q);
    let zx = phi.view((p, 0), (q, p)).clone_owned();
    let zz = phi.view((p, p), (q, q)).clone_owned();
    let known = match phi.view((0, 0), (p, p)).clone_owned().cholesky() {
        Some(factor) => zz - &zx * factor.solve(&zx.transpose()),
        None => zz,
    };
    s.view_mut((p, p), (q, q)).copy_from(&(0.5 * (&known + known.transpose())));
    s
}
