//! Kenward & Roger (2009), Computational Statistics & Data Analysis 53:2583–2595 (SAS `ddfm=kr2`): the adjustment for
//! structures that are not linear in their parameters, with the bias of the estimated parameters that Kenward & Roger
//! (1997) left out.
//!
//! The 1997 adjustment takes E(Φ̂) − Φ for ½ Σ_kl ω_kl ∂_klΦ, as if E(θ̂) were θ. REML estimates are biased by (Cox &
//! Snell 1968, JRSS B 30:248–275, in which the third-order terms cancel for a Gaussian likelihood)
//!
//! ```text
//! b = −½ G⁻¹ c,   G_kl = tr(P ∂_kΣ P ∂_lΣ),   c_k = tr(P ∂_kΣ P C),   C = Σ_kl ω_kl ∂_klΣ
//! ```
//!
//! with P = W − WXΦX'W, and the missing term is Σ_k b_k ∂_kΦ = −Φ(Σ_k b_k P_k)Φ. In the adjusted covariance Σ_kl ω_kl
//! R_kl = X'WCWX thereby becomes X'WCWX − 2 Σ_k b_k P_k = X'W(C + 2 Σ_k b_k ∂_kΣ)WX: of the curvature C of Σ(θ) only
//! the part that no change of θ could bring about, which is why the result does not depend on the parameterisation.
//! It is the adjustment of 1997 where Σ is linear in θ.
//!
//! G is the expected information, as derived, whichever information ω comes from: with another metric the projection
//! would not be one, and the invariance lost. Scale and degrees of freedom are those of 1997.

use super::blocks::Blocks;
use super::found::{Derived, SecondOrder};
use super::kernels::multiply;
use super::problem::{Point, Problem};
use super::scaled_cholesky::pseudo_inverse;
use super::traces::restrict;
use nalgebra::{DMatrix, DVector};

/// Σ_kl ω_kl R_kl − 2 Σ_k b_k P_k, given C in W C W of every pattern.
pub(super) fn curvature_gram(problem: &Problem, point: &Point, own: &Derived<Problem>, wcw: &Blocks) -> DMatrix<f64> {
    let r = problem.gram(wcw);
    let bias = bias(problem, point, own, wcw, &r);
    (0..own.slopes.len()).fold(r, |sum, k| sum - own.slopes.p(k) * (2.0 * bias[k]))
}

/// b, the bias of the parameters to the order 1/n.
fn bias(problem: &Problem, point: &Point, own: &Derived<Problem>, wcw: &Blocks, r: &DMatrix<f64>) -> DVector<f64> {
    let (phi, per_group) = (&point.phi, problem.sigmas.per_group);
    let leverages = problem.leverages(phi);
    let mut c = DVector::zeros(own.slopes.len());
    let (mut restricted, mut inner, mut product) = (vec![], vec![], vec![]);
    for (index, pattern) in problem.patterns.iter().enumerate() {
        let (m, n) = (pattern.size(), pattern.patients);
        // tr(P∂_kΣPC) is tr(∂_kΣ (nWCW − 2 WCW H W)) and what the mean model adds.
        let weights = wcw.get(index);
        inner.resize(m * m, 0.0);
        product.resize(m * m, 0.0);
        multiply(weights, leverages.get(index), m, &mut inner);
        multiply(&inner, point.w.get(index), m, &mut product);
        restrict(&own.derivatives[pattern.cell], &pattern.visits, &mut restricted);
        for (k, derivative) in restricted.iter().enumerate() {
            c[pattern.group * per_group + k] +=
                derivative.iter().map(|&(a, b, v)| v * (n * weights[b * m + a] - 2.0 * product[b * m + a])).sum::<f64>();
        }
    }
    // P_k has a minus before X'W∂_kΣWX, and r stands for X'WCWX.
    let phi_r = phi * r * phi;
    for (k, c) in c.iter_mut().enumerate() {
        *c -= phi_r.dot(&own.slopes.p(k));
    }
    -0.5 * pseudo_inverse(&problem.expected_hessian(point, own)) * c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::Covariance;
    use crate::design::{Design, DesignOptions, MeanModel};
    use crate::fit::Estimation;
    use crate::fit::likelihood::Differentiable;
    use crate::fit::optimum::searched;
    use crate::simulate::Gaussian;

    /// REML estimates of an autoregressive covariance are biased by what the expansion says.
    #[test]
    fn the_bias_is_that_of_simulated_estimates() {
        const REPLICATES: u64 = 4000;
        let mean = MeanModel::parse("y ~ arm * visit").expect("a formula");
        let truth: [f64; 2] = [16.0, 0.7];
        let generator = Gaussian::new(["1", "2", "3", "4", "5"])
            .arm("a", 10, vec![0.0; 5])
            .arm("b", 10, vec![0.0; 5])
            .autoregressive(truth[0].sqrt(), truth[1]);
        let mut deviations = [vec![], vec![]];
        let mut expected = DVector::<f64>::zeros(2);
        for replicate in 0..REPLICATES {
            let trial = generator.trial(1, replicate).expect("a trial");
            let design = Design::build(&trial, &mean, &DesignOptions::default()).expect("a design");
            let structure = Covariance::Autoregressive.bind(&design.columns.visit_times).expect("needs nothing");
            let (problem, point) = searched(&design, structure.into(), Estimation::Reml).expect("a fit");
            let derivatives = problem.sigmas.derivatives(&point.theta);
            let (curvature, slopes) = problem.exact_curvature(&point, &derivatives);
            let omega = 2.0 * pseudo_inverse(&curvature.hessian);
            let own = Derived { derivatives, curvature, slopes, shared: () };
            let wcw = problem.weights_of_r(&point, &omega).expect("not linear");
            expected += bias(&problem, &point, &own, &wcw, &problem.gram(&wcw)) / REPLICATES as f64;
            (0..2).for_each(|k| deviations[k].push(point.theta[k] - truth[k]));
        }
        let n = REPLICATES as f64;
        let [variance, correlation] = deviations.map(|d| {
            let mean = d.iter().sum::<f64>() / n;
            (mean, (d.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * n)).sqrt())
        });
        assert!((variance.0 - expected[0]).abs() < 3.0 * variance.1, "{variance:?} where {} is expected", expected[0]);
        assert!((correlation.0 - expected[1]).abs() < 3.0 * correlation.1, "{correlation:?} where {} is expected", expected[1]);
        assert!(expected[1] < -7.0 * correlation.1, "the simulation could not tell the bias {} from none", expected[1]);
    }
}
