//! Kenward & Roger (2009): no program at hand prints it but SAS, so it is held to what defines it. It does not depend
//! on the parameters in which a structure is written, and is the adjustment of 1997 where Σ is linear in them. That
//! its bias term is that of REML estimates is simulated beside the code.

use crate::common::tolerances::IDENTITY;
use crate::common::{Comparison, antidepressant, assert_all, fev};
use nalgebra::DMatrix;
use std::sync::Arc;
use trialstats::covariance::{Autoregressive, Covariance, CovarianceFamily, CovarianceStructure, Exchangeable, Heterogeneous, Homogeneous};
use trialstats::inference::InformationKind;
use trialstats::{Df, Fit, Model, Result, Trial};

/// A built-in structure in other parameters: θ_k = exp(η_k) for the variances, θ_k = tanh(η_k) for the correlation,
/// which comes last.
#[derive(Debug)]
struct Transformed<S>(S);

impl<S: CovarianceStructure> Transformed<S> {
    /// θ, dθ/dη and d²θ/dη² of every parameter.
    fn natural(&self, eta: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let last = eta.len() - 1;
        let of = |k: usize| {
            let (e, t) = (eta[k].exp(), eta[k].tanh());
            if k < last { (e, e, e) } else { (t, 1.0 - t * t, -2.0 * t * (1.0 - t * t)) }
        };
        let all: Vec<(f64, f64, f64)> = (0..eta.len()).map(of).collect();
        (all.iter().map(|x| x.0).collect(), all.iter().map(|x| x.1).collect(), all.iter().map(|x| x.2).collect())
    }
}

impl<S: CovarianceStructure> CovarianceStructure for Transformed<S> {
    fn visits(&self) -> usize {
        self.0.visits()
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        self.0.parameter_names(labels).iter().map(|n| format!("transformed {n}")).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let theta = self.0.start(moments);
        let last = theta.len() - 1;
        theta.iter().enumerate().map(|(k, &x)| if k < last { x.ln() } else { x.clamp(-0.9, 0.9).atanh() }).collect()
    }

    fn in_range(&self, eta: &[f64]) -> bool {
        self.0.in_range(&self.natural(eta).0)
    }

    fn sigma(&self, eta: &[f64], sigma: &mut DMatrix<f64>) {
        self.0.sigma(&self.natural(eta).0, sigma);
    }

    fn derivative(&self, eta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let (theta, slope, _) = self.natural(eta);
        self.0.derivative(&theta, k, derivative);
        *derivative *= slope[k];
    }

    fn second_derivative(&self, eta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let (theta, slope, bend) = self.natural(eta);
        if !self.0.second_derivative(&theta, k, l, derivative) {
            derivative.fill(0.0);
        }
        *derivative *= slope[k] * slope[l];
        if k == l {
            let mut first = derivative.clone();
            self.0.derivative(&theta, k, &mut first);
            *derivative += first * bend[k];
        }
        true
    }
}

#[derive(Debug)]
struct TransformedAutoregressive;

impl CovarianceFamily for TransformedAutoregressive {
    fn name(&self) -> String {
        "autoregressive in logarithms".into()
    }

    fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>> {
        Ok(Box::new(Transformed(Homogeneous::new(Autoregressive, times.len()))))
    }
}

#[derive(Debug)]
struct TransformedHeterogeneous;

impl CovarianceFamily for TransformedHeterogeneous {
    fn name(&self) -> String {
        "heterogeneous compound symmetry in logarithms".into()
    }

    fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>> {
        Ok(Box::new(Transformed(Heterogeneous::new(Exchangeable, times.len()))))
    }
}

fn fit(trial: &Trial, formula: &str, covariance: Covariance, df: Df, information: InformationKind) -> Fit {
    let model = Model::formula(formula).expect("a formula").covariance(covariance).df(df).information(information);
    model.fit(trial).expect("a fit")
}

fn compare(c: &mut Comparison, ours: &Fit, theirs: &Fit, tolerance: f64) {
    for (ours, theirs) in ours.coefficients().rows.iter().zip(&theirs.coefficients().rows) {
        c.relative(&format!("{} SE", ours.label), ours.se, theirs.se, tolerance);
        c.relative(&format!("{} df", ours.label), ours.df, theirs.df, tolerance);
    }
    let vcov = (ours.vcov() - theirs.vcov()).abs().max();
    c.within("covariance of the coefficients", vcov, 0.0, tolerance * theirs.vcov().abs().max());
}

const FEV: &str = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";

#[test]
fn it_does_not_depend_on_the_parameters_of_the_structure() {
    let trial = fev();
    let pairs = [
        (Covariance::Autoregressive, Covariance::Custom(Arc::new(TransformedAutoregressive))),
        (Covariance::HeterogeneousCompoundSymmetry, Covariance::Custom(Arc::new(TransformedHeterogeneous))),
    ];
    assert_all(pairs.into_iter().flat_map(|(natural, transformed)| {
        let trial = &trial;
        [InformationKind::Observed, InformationKind::Expected].map(|information| {
            let mut c = Comparison::of(format!("{natural}, {information} information"));
            let both = |df| [&natural, &transformed].map(|s| fit(trial, FEV, s.clone(), df, information));
            let [ours, theirs] = both(Df::KenwardRoger2);
            compare(&mut c, &ours, &theirs, IDENTITY);
            // The test could fail: the adjustment of 1997 does depend on them.
            let [ours, theirs] = both(Df::KenwardRoger).map(|fit| fit.coefficients().rows);
            let moved = ours.iter().zip(&theirs).map(|(a, b)| (a.se / b.se - 1.0).abs()).fold(0.0, f64::max);
            c.same("1997 moves", moved > 1e-5, true);
            c
        })
    }));
}

#[test]
fn it_is_the_adjustment_of_1997_where_the_covariance_is_linear_in_its_parameters() {
    let (fev, antidepressant) = (fev(), antidepressant());
    let change = "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT";
    let cases = [
        (&fev, FEV, Covariance::Unstructured),
        (&antidepressant, change, Covariance::Unstructured),
        (&antidepressant, change, Covariance::CompoundSymmetry),
        (&antidepressant, change, Covariance::RandomInterceptSlope),
    ];
    assert_all(cases.into_iter().map(|(trial, formula, covariance)| {
        let mut c = Comparison::of(format!("{covariance} of {formula}"));
        let [ours, full, linear] = [Df::KenwardRoger2, Df::KenwardRoger, Df::KenwardRogerLinear]
            .map(|df| fit(trial, formula, covariance.clone(), df, InformationKind::Observed));
        compare(&mut c, &ours, &full, IDENTITY);
        compare(&mut c, &ours, &linear, IDENTITY);
        c
    }));
}

/// Compound symmetry is linear in (covariance, residual variance) and bent in (variance, correlation): in both, 2009
/// is what 1997 is in the first.
#[test]
fn compound_symmetry_written_with_a_correlation_is_that_written_with_a_covariance() {
    #[derive(Debug)]
    struct ByCorrelation;
    impl CovarianceFamily for ByCorrelation {
        fn name(&self) -> String {
            "compound symmetry by correlation".into()
        }
        fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>> {
            Ok(Box::new(Homogeneous::new(Exchangeable, times.len())))
        }
    }
    let trial = fev();
    let by_correlation = Covariance::Custom(Arc::new(ByCorrelation));
    let mut c = Comparison::of("compound symmetry");
    let ours = fit(&trial, FEV, by_correlation, Df::KenwardRoger2, InformationKind::Observed);
    let theirs = fit(&trial, FEV, Covariance::CompoundSymmetry, Df::KenwardRogerLinear, InformationKind::Observed);
    compare(&mut c, &ours, &theirs, IDENTITY);
    assert_all([c]);
}

#[test]
fn maximum_likelihood_is_refused() {
    let model = Model::formula(FEV).expect("a formula").df(Df::KenwardRoger2).estimation(trialstats::Estimation::Ml);
    assert_eq!(model.fit(&fev()).expect_err("not defined").code(), "conflicting-settings");
}
