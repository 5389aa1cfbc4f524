//! Multiple imputation: against closed forms, exact posteriors and the analyses that it must equal.

use crate::common::{ANTIDEPRESSANT, repository};
use trialstats::imputation::{
    CompletedAnalysis, CovariancePrior, Delta, DrawMethod, Draws, Imputations, ImputedTable, Quantity, ReferenceBased, ResampledInterval,
    Strategy, Variance,
};
use trialstats::means::{ContrastOptions, Means};
use trialstats::responders::{Definition, Rule};
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::{Covariance, Df, Error, Estimates, Fit, Layout, Model, Trial};

const FORMULA: &str = "CHANGE ~ THERAPY * VISIT + BASVAL * VISIT";

fn antidepressant() -> Trial {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").arms(["DRUG", "PLACEBO"]).outcome("CHANGE").covariate("BASVAL");
    layout.read_csv(repository(ANTIDEPRESSANT)).expect("the sample")
}

fn fitted(trial: &Trial) -> Fit {
    Model::formula(FORMULA).and_then(|m| m.fit(trial)).expect("a fit")
}

fn j2r() -> ReferenceBased {
    ReferenceBased::new(Strategy::JumpToReference).reference("PLACEBO").covariates(["BASVAL"])
}

fn drawn<'a>(fit: &'a Fit, trial: &'a Trial, plan: &ReferenceBased, draws: &Draws) -> Imputations<'a> {
    fit.imputations(trial, plan, draws).unwrap_or_else(|error| panic!("{error}"))
}

fn table(imputations: &Imputations<'_>) -> ImputedTable {
    imputations.table(&CompletedAnalysis::ancova(["BASVAL"]), 0.95).unwrap_or_else(|error| panic!("{error}"))
}

/// Every patient observed at every visit.
fn complete() -> Trial {
    Gaussian::new(["v1", "v2", "v3"]).arm("a", 30, [5.0, 4.0, 3.5]).arm("b", 30, [5.0, 3.0, 2.0]).trial(3, 0).expect("a trial")
}

/// The draws of the Bayesian method are about the conditional means, and their standard error is the closed form of Rubin's
/// rules, but that Σ is drawn too.
#[test]
fn bayesian_draws_meet_the_closed_form() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    for strategy in [Strategy::Mar, Strategy::JumpToReference, Strategy::CopyReference, Strategy::CopyIncrements] {
        let plan = ReferenceBased::new(strategy).reference("PLACEBO").covariates(["BASVAL"]);
        let closed = fit.reference_based(&trial, &plan.clone().variance(Variance::InformationAnchored)).expect("a table");
        let imputations = drawn(&fit, &trial, &plan, &Draws::new(DrawMethod::Bayesian).number(1000).seed(11));
        let sampler = imputations.sampler().expect("a sampler");
        assert!(sampler.worst_r_hat < 1.02 && sampler.smallest_effective_size > 500.0, "{sampler:?}");
        for (here, there) in table(&imputations).rows.iter().zip(&closed.rows) {
            let (label, visit) = (here.label(), &here.visit.label);
            assert!(
                (here.estimate - there.estimate).abs() < 3.5 * here.monte_carlo_error,
                "{strategy} {label} {visit}: {here:?} {there:?}"
            );
            assert!((here.se / there.se - 1.0).abs() < 0.05, "{strategy} {label} {visit}: {} {}", here.se, there.se);
            assert!(here.df > 30.0 && here.df < 172.0, "{here:?}");
        }
    }
}

/// Bootstrap samples whose own estimates impute the trial say nearly what draws from the posterior say.
#[test]
fn approximately_bayesian_draws_are_close_to_bayesian_ones() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let imputations = drawn(&fit, &trial, &j2r(), &Draws::new(DrawMethod::ApproximateBayesian).number(600).seed(3));
    let closed = fit.reference_based(&trial, &j2r().variance(Variance::InformationAnchored)).expect("a table");
    for (here, there) in table(&imputations).differences().zip(closed.differences()) {
        assert!((here.estimate - there.estimate).abs() < 4.0 * here.monte_carlo_error + 0.03, "{here:?} {there:?}");
        assert!((here.se / there.se - 1.0).abs() < 0.08, "{} {}", here.se, there.se);
    }
}

/// Conditional means without each patient in turn are the same analysis by either road, to rounding.
#[test]
fn the_jackknife_is_that_of_conditional_means() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let imputations = drawn(&fit, &trial, &j2r(), &Draws::new(DrawMethod::ConditionalMeanJackknife));
    assert_eq!(imputations.len(), trial.patients().len() + 1);
    let (here, there) = (table(&imputations), fit.reference_based(&trial, &j2r()).expect("a table"));
    for (here, there) in here.rows.iter().zip(&there.rows) {
        assert!((here.estimate - there.estimate).abs() < 1e-11 && (here.se - there.se).abs() < 1e-11, "{here:?} {there:?}");
        assert_eq!((here.df, here.monte_carlo_error), (f64::INFINITY, 0.0));
    }
    // As estimates of coefficients, differences have the same numbers; means are at the mean covariates of everyone.
    let pooled = imputations.estimates(&CompletedAnalysis::ancova(["BASVAL"])).expect("estimates");
    let contrasts = pooled.arm_contrasts(&ContrastOptions::default()).expect("contrasts");
    for (here, there) in contrasts.rows.iter().zip(there.differences()) {
        assert_eq!(here.label(), there.label());
        assert!((here.estimate.estimate - there.estimate).abs() < 1e-9 && (here.estimate.se - there.se).abs() < 1e-9, "{here:?} {there:?}");
    }
}

/// Both ways of resampling estimate the variance over repetitions of the trial that the jackknife does.
#[test]
fn bootstraps_agree_with_the_jackknife() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let jackknife = fit.reference_based(&trial, &j2r()).expect("a table");
    let bootstrap = Draws::new(DrawMethod::ConditionalMeanBootstrap).number(600).seed(5);
    let conditional = table(&drawn(&fit, &trial, &j2r(), &bootstrap));
    let percentile = table(&drawn(&fit, &trial, &j2r(), &bootstrap.clone().interval(ResampledInterval::Percentile)));
    let von_hippel = table(&drawn(&fit, &trial, &j2r(), &Draws::new(DrawMethod::BootstrappedImputation).number(300).per_sample(2).seed(5)));
    for (k, there) in jackknife.differences().enumerate() {
        let of = |table: &ImputedTable| table.differences().nth(k).cloned().expect("a row");
        let (c, p, v) = (of(&conditional), of(&percentile), of(&von_hippel));
        assert_eq!((c.estimate, c.se), (p.estimate, p.se));
        assert!((c.estimate - there.estimate).abs() < 1e-11);
        assert!((c.se - there.se).abs() < 4.0 * c.monte_carlo_error_of_se + 0.03 * there.se, "{c:?} {there:?}");
        assert!((p.lower - c.lower).abs() < 0.3 * c.se && (p.upper - c.upper).abs() < 0.3 * c.se && p.lower != c.lower);
        assert!((v.estimate - there.estimate).abs() < 4.0 * v.monte_carlo_error + 0.05, "{v:?} {there:?}");
        assert!((v.se - there.se).abs() < 4.0 * v.monte_carlo_error_of_se + 0.03 * there.se, "{v:?} {there:?}");
    }
}

/// With nothing missing every data set is the trial: the analysis is that of the data, with the degrees of freedom that Barnard
/// and Rubin leave of the complete ones.
#[test]
fn complete_data_are_analysed_as_they_are() {
    let trial = complete();
    let formula = "y ~ arm * visit";
    let fit = Model::formula(formula).and_then(|m| m.fit(&trial)).expect("a fit");
    let imputations = drawn(&fit, &trial, &ReferenceBased::new(Strategy::JumpToReference), &Draws::new(DrawMethod::Bayesian).number(10));
    let model = Model::formula(formula).expect("a formula").df(Df::KenwardRoger);
    let direct = model.fit(&trial).expect("a fit");
    let pooled = imputations.estimates(&CompletedAnalysis::model(model)).expect("estimates");
    let (here, there) =
        (pooled.arm_contrasts(&Default::default()).expect("rows"), direct.arm_contrasts(&Default::default()).expect("rows"));
    assert_eq!(here.rows.len(), 3);
    for (here, there) in here.rows.iter().zip(&there.rows) {
        let (here, there) = (&here.estimate, &there.estimate);
        assert!((here.estimate - there.estimate).abs() < 1e-9 && (here.se - there.se).abs() < 1e-9, "{here:?} {there:?}");
        assert!((here.df - there.df * (there.df + 1.0) / (there.df + 3.0)).abs() < 1e-6, "{} {}", here.df, there.df);
    }
    // The t test of two means at each visit after baseline.
    let pooled = imputations.estimates(&CompletedAnalysis::ancova([""; 0])).expect("estimates");
    let outcome = trial.outcome("y").expect("y");
    for (t, row) in pooled.arm_contrasts(&Default::default()).expect("rows").rows.iter().enumerate() {
        let of =
            |arm: usize| (0..60).filter(|&i| trial.arm_of()[i] == arm).filter_map(|i| trial.value(outcome, i, t + 1)).collect::<Vec<f64>>();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let squares = |v: &[f64]| v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>();
        let (a, b) = (of(0), of(1));
        let se = ((squares(&a) + squares(&b)) / 58.0 * (2.0 / 30.0)).sqrt();
        assert!((row.estimate.estimate - (mean(&b) - mean(&a))).abs() < 1e-12 && (row.estimate.se - se).abs() < 1e-12);
        assert!((row.estimate.df - 58.0 * 59.0 / 61.0).abs() < 1e-9);
    }
}

/// With complete data and the same columns at every visit the posterior is known: Σ is inverse Wishart with ν₀ + n − q degrees
/// of freedom about the prior's scale and the residual products.
#[test]
fn the_gibbs_sampler_has_the_posterior_of_complete_data() {
    let trial = complete();
    let fit = Model::formula("y ~ arm * visit").and_then(|m| m.fit(&trial)).expect("a fit");
    // REML of complete data: residual products over n − q.
    let (reml, n, q, t) = (&fit.covariances()[0].sigma, 60.0, 2.0, 3.0);
    for (prior, df, scale) in [(CovariancePrior::WeaklyInformative, t + 2.0, 1.0), (CovariancePrior::Jeffreys, 0.0, 0.0)] {
        let draws = Draws::new(DrawMethod::Bayesian).number(2000).seed(2).prior(prior);
        let imputations = drawn(&fit, &trial, &ReferenceBased::new(Strategy::Mar), &draws);
        let posterior = imputations.parameters().collect::<Vec<_>>();
        let (nu, products) = (df + n - q, scale + n - q);
        for i in 0..3 {
            for j in 0..=i {
                let values: Vec<f64> = posterior.iter().map(|draw| draw.covariances[0][(i, j)]).collect();
                let mean = values.iter().sum::<f64>() / 2000.0;
                let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
                let expected = reml[(i, j)] * products / (nu - t - 1.0);
                assert!((mean - expected).abs() < 4.0 * sd / 2000.0_f64.sqrt(), "{prior} {i} {j}: {mean} {expected}");
                let (s, k) = (reml * products, nu - t);
                let variance = ((k + 1.0) * s[(i, j)].powi(2) + (k - 1.0) * s[(i, i)] * s[(j, j)]) / (k * (k - 1.0).powi(2) * (k - 3.0));
                assert!((sd / variance.sqrt() - 1.0).abs() < 0.09, "{prior} {i} {j}: {sd} {}", variance.sqrt());
            }
        }
        // β is t about the estimate: its variance is Φ with the posterior mean of Σ in place of Σ̂.
        for c in 0..fit.beta().len() {
            let values: Vec<f64> = posterior.iter().map(|draw| draw.coefficients[c]).collect();
            let mean = values.iter().sum::<f64>() / 2000.0;
            let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2000.0;
            assert!((mean - fit.beta()[c]).abs() < 4.0 * (variance / 2000.0).sqrt(), "{c}: {mean} {}", fit.beta()[c]);
            let expected = fit.vcov()[(c, c)] * products / (nu - t - 1.0);
            assert!((variance / expected - 1.0).abs() < 0.16, "{c}: {variance} {expected}");
        }
    }
}

/// Any other structure: with compound symmetry of complete data the two eigenvalues of Σ have independent posteriors under a
/// flat prior on variance and covariance, each inverse gamma: λ₁ = σ² + (T − 1)c about the sums over patients, λ₂ = σ² − c about
/// what varies within. A flat prior on (σ², c) is flat on (λ₁, λ₂), and an inverse gamma with shape a and scale b has the mean
/// b/(a − 1).
#[test]
fn the_sampler_of_structures_has_the_posterior_of_compound_symmetry() {
    let trial = complete();
    let model = Model::formula("y ~ arm * visit").expect("a formula").covariance(Covariance::CompoundSymmetry);
    let fit = model.fit(&trial).expect("a fit");
    let imputations = drawn(&fit, &trial, &ReferenceBased::new(Strategy::Mar), &Draws::new(DrawMethod::Bayesian).number(2000).seed(4));
    let sampler = imputations.sampler().expect("a sampler");
    assert!(sampler.acceptance.is_some_and(|share| share > 0.5), "{sampler:?}");
    assert!(sampler.worst_r_hat < 1.02, "{sampler:?}");
    let sigma = &fit.covariances()[0].sigma;
    let (first, second) = (sigma[(0, 0)] + 2.0 * sigma[(0, 1)], sigma[(0, 0)] - sigma[(0, 1)]);
    // REML: λ̂₁ has 58 degrees of freedom, λ̂₂ has 116.
    let posterior = imputations.parameters().collect::<Vec<_>>();
    for (estimate, df, of) in [(first, 58.0, [1.0, 2.0]), (second, 116.0, [1.0, -1.0])] {
        let values: Vec<f64> = posterior.iter().map(|d| of[0] * d.covariances[0][(0, 0)] + of[1] * d.covariances[0][(0, 1)]).collect();
        let mean = values.iter().sum::<f64>() / 2000.0;
        let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
        // Density λ^(−df/2) exp(−df·λ̂/(2λ)): shape df/2 − 1, scale df·λ̂/2.
        let expected = 0.5 * df * estimate / (0.5 * df - 2.0);
        let error = sd / sampler.smallest_effective_size.sqrt();
        assert!((mean - expected).abs() < 4.0 * error, "{df}: {mean} {expected} {error}");
        let spread = expected / (0.5 * df - 3.0).sqrt();
        assert!((sd / spread - 1.0).abs() < 0.12, "{df}: {sd} {spread}");
    }
}

/// The mixed model of data that it has imputed as missing at random is the mixed model, in the limit of many draws.
#[test]
fn the_mixed_model_after_its_own_imputation_is_the_mixed_model() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let imputations = drawn(&fit, &trial, &ReferenceBased::new(Strategy::Mar), &Draws::new(DrawMethod::Bayesian).number(500).seed(8));
    let pooled = imputations.estimates(&CompletedAnalysis::model(Model::formula(FORMULA).expect("a formula"))).expect("estimates");
    let direct = fit.arm_contrasts(&Default::default()).expect("rows");
    for (here, there) in pooled.arm_contrasts(&Default::default()).expect("rows").rows.iter().zip(&direct.rows) {
        let row = pooled.quantity("", &here.coefficients, 0.95).expect("a row");
        assert!((row.estimate - there.estimate.estimate).abs() < 3.5 * row.monte_carlo_error + 1e-9, "{row:?} {there:?}");
        assert!((row.se / there.estimate.se - 1.0).abs() < 0.05, "{row:?} {there:?}");
    }
    let table = imputations.table(&CompletedAnalysis::model(Model::formula(FORMULA).expect("a formula")), 0.95).expect("a table");
    assert_eq!(table.rows.len(), 12);
    assert!(table.differences().all(|row| row.monte_carlo_error > 0.0 && row.df.is_finite()));
    // Effect sizes follow from estimates.
    let test = pooled.arm_by_visit_test().expect("a test");
    assert!(test.f > 0.0 && test.denom_df > 20.0);
}

/// A response is asked of imputed scores, and of everyone: the pooled shares are between those that take every missing score for
/// met and for not met.
#[test]
fn responses_are_asked_of_imputed_scores() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let imputations = drawn(&fit, &trial, &j2r(), &Draws::new(DrawMethod::Bayesian).number(400).seed(6));
    let definition = Definition::new("improved", Rule::AtMost { outcome: "CHANGE".into(), score: -8.0 });
    let pooled = imputations.estimates(&CompletedAnalysis::response(definition, "7")).expect("estimates");
    let outcome = trial.outcome("CHANGE").expect("the outcome");
    let at = trial.schedule().index_of("7").expect("the visit");
    let shares: Vec<f64> =
        pooled.marginal_means(&["THERAPY"], &Default::default()).expect("means").rows.iter().map(|r| r.estimate.estimate).collect();
    for (arm, share) in shares.iter().enumerate() {
        let patients: Vec<usize> = (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).collect();
        let met = |missing: bool| {
            let counts = patients.iter().filter(|&&i| trial.value(outcome, i, at).map_or(missing, |y| y <= -8.0)).count();
            counts as f64 / patients.len() as f64
        };
        assert!(*share > met(false) && *share < met(true), "{arm}: {share}");
    }
    // A closure says the same to the last bits.
    let table = imputations
        .pool(0.95, |completed| {
            let of = |arm: usize| {
                let own: Vec<usize> = completed.patients().into_iter().filter(|&i| trial.arm_of()[i] == arm).collect();
                let met = own.iter().filter(|&&i| completed.value(i, 3).is_some_and(|y| y <= -8.0)).count() as f64;
                let share = met / own.len() as f64;
                (share, share * (1.0 - share) / own.len() as f64)
            };
            let (first, second) = (of(0), of(1));
            Ok(vec![Quantity::new("difference", second.0 - first.0).variance(first.1 + second.1)])
        })
        .expect("a table");
    let contrast = &pooled.arm_contrasts(&ContrastOptions::default()).expect("rows").rows[0].estimate;
    assert!((table.rows[0].estimate - contrast.estimate).abs() < 1e-12 && (table.rows[0].se - contrast.se).abs() < 1e-12);
    assert!((table.rows[0].df - contrast.df).abs() < 1e-6 * contrast.df);
}

#[test]
fn the_same_bits_for_any_number_of_threads_and_other_bits_for_another_seed() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let run = |threads: usize, method: DrawMethod, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let imputations = drawn(&fit, &trial, &j2r(), &Draws::new(method).number(12).seed(seed));
            let bits: Vec<u64> = table(&imputations).rows.iter().flat_map(|r| [r.estimate.to_bits(), r.se.to_bits()]).collect();
            bits
        })
    };
    for method in
        [DrawMethod::Bayesian, DrawMethod::ApproximateBayesian, DrawMethod::BootstrappedImputation, DrawMethod::ConditionalMeanBootstrap]
    {
        assert_eq!(run(1, method, 1), run(3, method, 1), "{method}");
        assert_ne!(run(1, method, 1), run(1, method, 2), "{method}");
    }
}

/// Delta moves the same draws: by nothing where it is zero, and the estimate by the share of imputed patients where it is one.
#[test]
fn a_delta_moves_the_same_draws() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let plan = ReferenceBased::new(Strategy::Mar).reference("PLACEBO");
    let imputations = drawn(&fit, &trial, &plan, &Draws::new(DrawMethod::Bayesian).number(50));
    let of = |imputations: &Imputations<'_>| imputations.table(&CompletedAnalysis::ancova([""; 0]), 0.95).expect("a table");
    let zero = imputations.shifted(Delta::by_visit([0.0; 4])).expect("a shift");
    let one = imputations.shifted(Delta::by_visit([0.0, 0.0, 0.0, 1.0]).in_arms(["PLACEBO"])).expect("a shift");
    let (plain, zero, one) = (of(&imputations), of(&zero), of(&one));
    assert_eq!(
        plain.rows.iter().map(|r| r.estimate.to_bits()).collect::<Vec<_>>(),
        zero.rows.iter().map(|r| r.estimate.to_bits()).collect::<Vec<_>>()
    );
    let last = |table: &ImputedTable| table.rows.iter().rfind(|r| r.versus.is_none()).cloned().expect("a row");
    let share = last(&plain).imputed as f64 / 88.0;
    assert!((last(&one).estimate - last(&plain).estimate - share).abs() < 1e-12, "{}", last(&one).estimate - last(&plain).estimate);
}

#[test]
fn completed_data_are_the_observed_and_what_is_imputed() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let imputations = drawn(&fit, &trial, &j2r(), &Draws::new(DrawMethod::BootstrappedImputation).number(4).per_sample(3));
    assert_eq!(imputations.len(), 12);
    let outcome = trial.outcome("CHANGE").expect("the outcome");
    let (third, fourth) = (imputations.completed(3).expect("a data set"), imputations.completed(4).expect("a data set"));
    assert_eq!((third.patients(), third.number(), third.is_of_everyone()), (fourth.patients(), 3, false));
    let mut imputed = 0;
    for (place, patient) in third.patients().into_iter().enumerate() {
        for (t, &visit) in third.visits().iter().enumerate() {
            match trial.value(outcome, patient, visit) {
                Some(y) => assert_eq!(third.value(place, t), Some(y)),
                None => {
                    imputed += 1;
                    assert_ne!(third.value(place, t), fourth.value(place, t));
                }
            }
        }
    }
    assert!(imputed > 50);
    let as_trial = third.trial().expect("a trial");
    assert!(as_trial.outcome("CHANGE").expect("the outcome").values.iter().all(|y| y.is_finite()));
    assert_eq!(third.value(0, 4), None);
    assert!(matches!(imputations.completed(12), Err(Error::Invalid { .. })));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let refused = |draws: Draws| fit.imputations(&trial, &j2r(), &draws).map(|_| ()).expect_err("it makes no sense").to_string();
    assert!(refused(Draws::default().number(1)).contains("`number` is 1"));
    let cs = Model::formula(FORMULA).expect("a formula").covariance(Covariance::CompoundSymmetry).fit(&trial).expect("a fit");
    let error =
        cs.imputations(&trial, &j2r(), &Draws::default().prior(CovariancePrior::Jeffreys)).map(|_| ()).expect_err("no prior").to_string();
    assert!(error.contains("jeffreys") && error.contains("unstructured"), "{error}");
    let imputations = drawn(&fit, &trial, &j2r(), &Draws::default().number(3));
    let response = CompletedAnalysis::response(Definition::new("x", Rule::AtMost { outcome: "CHANGE".into(), score: 0.0 }), "9");
    assert!(imputations.estimates(&response).expect_err("no such visit").to_string().contains("`9`"));
    assert!(imputations.estimates(&CompletedAnalysis::ancova(["AGE"])).expect_err("no such covariate").to_string().contains("AGE"));
    assert!(imputations.table(&CompletedAnalysis::ancova(["BASVAL"]), 1.5).is_err());
}

/// Three arms with a reference of their own each, a covariance per arm, arms that a parser would trip over, one visit.
#[test]
fn odd_trials_have_their_answers() {
    let three = Gaussian::new(["v1", "v2"])
        .arm("A - B", 25, [5.0, 4.0])
        .arm("C, D", 25, [5.0, 3.0])
        .arm("E", 25, [5.0, 2.0])
        .dropout(Dropout::CompletelyAtRandom { each_visit: 0.2 })
        .trial(9, 0)
        .expect("a trial");
    let fit = Model::formula("y ~ arm * visit").expect("a formula").covariance_by("arm").fit(&three).expect("a fit");
    let plan = ReferenceBased::new(Strategy::CopyReference).reference_of("E", "C, D").reference_of("C, D", "A - B");
    for method in
        [DrawMethod::Bayesian, DrawMethod::ApproximateBayesian, DrawMethod::BootstrappedImputation, DrawMethod::ConditionalMeanJackknife]
    {
        let imputations = drawn(&fit, &three, &plan, &Draws::new(method).number(40));
        let pooled = imputations.estimates(&CompletedAnalysis::ancova([""; 0])).expect("estimates");
        let contrasts = pooled.arm_contrasts(&ContrastOptions::default()).expect("rows");
        assert_eq!(contrasts.rows.iter().map(|r| r.label()).collect::<Vec<_>>(), ["C, D - A - B", "E - A - B"]);
        assert!(contrasts.rows.iter().all(|r| r.estimate.se > 0.0 && r.estimate.df > 2.0), "{contrasts}");
    }
    let one = Gaussian::new(["before", "after"]).arm("a", 20, [6.0, 5.0]).arm("b", 20, [6.0, 4.0]).trial(2, 0).expect("a trial");
    let values = one.outcome("y").expect("y").values.iter().enumerate().map(|(k, y)| if k % 6 == 1 { f64::NAN } else { *y }).collect();
    let one = one.with_outcome("y", values).expect("a trial");
    let fit = Model::formula("y ~ baseline + arm").and_then(|m| m.visits(["after"]).fit(&one)).expect("a fit");
    let imputations = drawn(&fit, &one, &ReferenceBased::new(Strategy::JumpToReference), &Draws::default().number(30));
    let pooled = imputations.estimates(&CompletedAnalysis::ancova(["baseline"])).expect("estimates");
    assert_eq!(pooled.arm_contrasts(&ContrastOptions::default()).expect("rows").rows.len(), 1);
    assert!(pooled.vcov()[(1, 1)] > 0.0);
}
