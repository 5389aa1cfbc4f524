//! What inference on the mean needs of a model with effects of clusters, once at the optimum.
//!
//! With S = diag(0, M̃), M̃ = (Z'WZ + G̃⁻¹)⁻¹, the effects' columns of V⁻¹Z and V⁻¹X are W\[X Z\]E_V and W\[X Z\]F,
//! E_V = I_z − SK_z and F = I_x − SK_x. Hence
//!
//! ```text
//! X'V⁻¹∂_kΣV⁻¹X = −F'P_kF             X'V⁻¹Z = K_z-part of F,   Z'V⁻¹Z = K_z'E_V
//! Q_kl = F'{Q_kl(W) − P_k S P_l}F     Q_kg = −F'P_kE_V ∂_gG̃ Z'V⁻¹X     Q_gh = X'V⁻¹Z ∂_gG̃ Z'V⁻¹Z ∂_hG̃ Z'V⁻¹X
//! ```

use super::Clusters;
use crate::fit::curvature::Derivatives;
use crate::fit::kernels::multiply;
use crate::fit::problem::{Estimation, Point, Problem};
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
    /// At a point, given the slopes there; `None` for a problem without clusters.
    pub fn of(problem: &Problem, point: &Point, slopes: &Slopes) -> Option<Self> {
        let (clusters, own) = (problem.clusters.as_ref()?, point.clusters.as_ref()?);
        let (p, n) = (clusters.fixed, own.k.nrows());
        let s = known_mean(point, p);
        let mut f = &s * own.k.columns(0, p);
        f.neg_mut();
        (0..p).for_each(|c| f[(c, c)] += 1.0);
        let e = clusters.remainder(&s, &own.k);
        let zx = own.k.rows(p, n - p) * &f;
        let zz = clusters.project(&own.k, &e);
        let whole = (0..slopes.len()).map(|k| slopes.p(k).clone_owned()).collect();
        Some(Self { clusters: clusters.clone(), s, f, e, zx, zz, whole })
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

impl Problem {
    /// The expected second derivatives of −2ℓ, tr(P∂_kV P∂_lV) for REML and tr(V⁻¹∂_kV V⁻¹∂_lV) for maximum likelihood.
    pub fn expected_with_clusters(&self, point: &Point, derivatives: &[Derivatives], slopes: &Slopes) -> Option<DMatrix<f64>> {
        let (clusters, own) = (self.clusters.as_ref()?, point.clusters.as_ref()?);
        let s = match self.estimation {
            Estimation::Reml => point.phi.clone(),
            Estimation::Ml => known_mean(point, clusters.fixed),
        };
        let first = slopes.len();
        let mut expected = self.fisher(point, derivatives);
        let within = 2.0 * self.traces(&point.w, &self.leverages_between_weights(point, &s), derivatives);
        let products: Vec<DMatrix<f64>> = (0..first).map(|k| &s * slopes.p(k)).collect();
        let e = clusters.remainder(&s, &own.k);
        let a = clusters.project(&own.k, &e);
        for k in 0..first {
            let transposed = products[k].transpose();
            for l in 0..first {
                expected[(k, l)] = expected[(k, l)] - within[(k, l)] + transposed.dot(&products[l]);
            }
            let moved = slopes.p(k) * &e;
            for (g, value) in clusters.gradients(|i, j| e.column(i).dot(&moved.column(j))).into_iter().enumerate() {
                expected[(k, first + g)] = -value;
                expected[(first + g, k)] = -value;
            }
        }
        let traces = clusters.traces(&a, &a);
        expected.view_mut((first, first), (clusters.parameters, clusters.parameters)).copy_from(&traces);
        Some(0.5 * (&expected + expected.transpose()))
    }

    /// W H_P W of every pattern, H_P = Σ_i X_iSX_i'.
    pub fn leverages_between_weights(&self, point: &Point, s: &DMatrix<f64>) -> crate::fit::blocks::Blocks {
        let mut leverages = self.leverages(s);
        let mut left = vec![0.0; self.visits().pow(2)];
        for (index, pattern) in self.patterns().iter().enumerate() {
            let (m, w) = (pattern.visits.len(), point.w.get(index));
            multiply(w, leverages.get(index), m, &mut left[..m * m]);
            multiply(&left[..m * m], w, m, leverages.get_mut(index));
        }
        leverages
    }
}

/// S = diag(0, M̃), from Φ: M̃ = Φ_zz − Φ_zx Φ_xx⁻¹ Φ_xz.
fn known_mean(point: &Point, p: usize) -> DMatrix<f64> {
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
