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

use super::expected_information::expected_hessian;
use super::information::{Information, pseudo_inverse};
use crate::fit::blocks::Blocks;
use crate::fit::kernels::multiply;
use crate::fit::optimum::Fitted;
use crate::fit::traces::restrict;
use nalgebra::{DMatrix, DVector};

/// Σ_kl ω_kl R_kl − 2 Σ_k b_k P_k, given C in W C W of every pattern. `information` is in the natural parameters.
pub(crate) fn curvature_gram(fitted: &Fitted, information: &Information, wcw: &Blocks) -> DMatrix<f64> {
    let r = fitted.problem.gram(wcw);
    let bias = bias(fitted, information, wcw, &r);
    information.p.iter().zip(bias.iter()).fold(r, |sum, (p, b)| sum - p * (2.0 * b))
}

/// b, the bias of the parameters to the order 1/n.
fn bias(fitted: &Fitted, information: &Information, wcw: &Blocks, r: &DMatrix<f64>) -> DVector<f64> {
    let phi = &fitted.point.phi;
    let per_group = fitted.parameters_per_group();
    let leverages = fitted.problem.leverages(phi);
    let mut c = DVector::zeros(information.p.len());
    let (mut restricted, mut inner, mut product) = (vec![], vec![], vec![]);
    for (index, pattern) in fitted.problem.patterns().iter().enumerate() {
        let (m, n) = (pattern.visits.len(), pattern.patients);
        // tr(P∂_kΣPC) is tr(∂_kΣ (nWCW − 2 WCW H W)) and what the mean model adds.
        let own = wcw.get(index);
        inner.resize(m * m, 0.0);
        product.resize(m * m, 0.0);
        multiply(own, leverages.get(index), m, &mut inner);
        multiply(&inner, fitted.point.w.get(index), m, &mut product);
        restrict(&information.derivatives[pattern.cell], &pattern.visits, &mut restricted);
        for (k, derivative) in restricted.iter().enumerate() {
            c[pattern.group * per_group + k] +=
                derivative.iter().map(|&(a, b, v)| v * (n * own[b * m + a] - 2.0 * product[b * m + a])).sum::<f64>();
        }
    }
    // P_k has a minus before X'W∂_kΣWX, and r stands for X'WCWX.
    let phi_r = phi * r * phi;
    for (c, p) in c.iter_mut().zip(&information.p) {
        *c -= phi_r.dot(p);
    }
    let g = expected_hessian(fitted, &information.derivatives, &information.p);
    -0.5 * pseudo_inverse(&g) * c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::Covariance;
    use crate::design::{Design, DesignOptions, MeanModel};
    use crate::fit::Estimation;
    use crate::inference::InformationKind;
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
            let fitted = Fitted::new(&design, structure, Estimation::Reml).expect("a fit");
            let information = Information::of(&fitted, InformationKind::Observed);
            let wcw = information.weighted_r(&fitted).expect("not linear");
            expected += bias(&fitted, &information, &wcw, &fitted.problem.gram(&wcw)) / REPLICATES as f64;
            (0..2).for_each(|k| deviations[k].push(fitted.point.theta[k] - truth[k]));
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
