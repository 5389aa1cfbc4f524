//! What is asked of a trial beside the mixed model: imputation, estimating equations, logistic mixed models, planning.
//!
//! Each case ends in a number, which a peer must have too.

use super::{ANTIDEPRESSANT, antidepressant, imrs_gst, imrs_gst_clustered, model, on_threads, repository, simulated};
use trialstats::generalized::{AlphaConvention, Gee, Glmm, Quadrature, WorkingCorrelation};
use trialstats::imputation::{CompletedAnalysis, Delta, DrawMethod, Draws, Imputations, ReferenceBased, Strategy, Tipping, Variance};
use trialstats::inference::Refitter;
use trialstats::means::{ContrastOptions, Means as _};
use trialstats::simulate::random::Stream;
use trialstats::study::{ArmTruth, ClusterTruth, Compared, Correlation, Procedure, StudyFile, TrialTruth, replicate};
use trialstats::trial::{Outcome, Schedule};
use trialstats::{Df, Estimates, Fit, Model, Result, Trial};

pub const SEED: u64 = 20_261_130;
/// Replicates of the parametric bootstrap that are timed together.
pub const BOOTSTRAPPED: usize = 100;
/// Trials of a planned study that are timed together.
pub const STUDIED: u64 = 50;
const TIPPED: usize = 16;

/// A case: what it is, how many repeats of what its name says are in one run, and the run.
pub struct Method {
    pub name: &'static str,
    pub what: &'static str,
    pub repeats: f64,
    pub run: Box<dyn FnMut() -> f64 + Send>,
}

/// The names of all cases, in order.
pub const NAMES: [&str; 13] = [
    "closed-form",
    "closed-form-many",
    "jackknife",
    "bayesian",
    "tipping",
    "tipping-draws",
    "gee",
    "gee-many",
    "glmm-laplace",
    "glmm-15",
    "clustered-bootstrap",
    "power",
    "simr",
];

/// A case by name, its data made and its model fitted where that is not what is timed.
pub fn method(name: &str) -> Method {
    let case = |what, repeats, run: Box<dyn FnMut() -> f64 + Send>| {
        let name = NAMES.into_iter().find(|known| *known == name).expect("a case");
        Method { name, what, repeats, run }
    };
    match name {
        "closed-form" => case(
            "antidepressant: jump to reference given the fit, delta-method errors, all visits",
            1.0,
            of_imputation(antidepressant(), ANTIDEPRESSANT, &j2r("PLACEBO", "BASVAL").variance(Variance::DeltaMethod)),
        ),
        "closed-form-many" => case(
            "10⁵ patients × 5 visits: jump to reference given the fit, information-anchored errors",
            1.0,
            of_imputation(
                simulated(100_000, 5),
                "y ~ severity + arm * visit",
                &j2r("control", "severity").variance(Variance::InformationAnchored),
            ),
        ),
        "jackknife" => case(
            "antidepressant: jump to reference, conditional means, jackknife",
            1.0,
            of_imputation(antidepressant(), ANTIDEPRESSANT, &j2r("PLACEBO", "BASVAL")),
        ),
        "bayesian" => case("antidepressant: jump to reference, 500 draws, ANCOVA at each visit, pooled", 1.0, bayesian()),
        "tipping" => case("antidepressant: tipping point over 16 deltas, closed form", 1.0, tipping()),
        "tipping-draws" => case("antidepressant: 16 deltas, each of 5,000 draws analysed and pooled, two threads", 1.0, tipping_by_draws()),
        "gee" => case("imrs_gst: remission at four visits, logit, exchangeable", 1.0, equations(remission())),
        "gee-many" => case("10⁵ patients × 5 visits: logit, exchangeable", 1.0, equations(binary(100_000, 5))),
        "glmm-laplace" => case("200 patients × 4 visits: logistic random intercept, Laplace", 1.0, mixed(Quadrature::Laplace)),
        "glmm-15" => case("the same by 15 nodes", 1.0, mixed(Quadrature::Nodes(15))),
        "clustered-bootstrap" => {
            case("imrs_gst with groups, therapists and patients: simulated and fitted again", BOOTSTRAPPED as f64, bootstrap())
        }
        "simr" => case("two arms of ten groups of six patients: a trial simulated and tested", STUDIED as f64, simr()),
        "power" => case("a trial of the plan imrs_gst_power, simulated and analysed", STUDIED as f64, study()),
        _ => panic!("there is no case `{name}`"),
    }
}

fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// The last estimate of a table of results.
fn ok<T>(found: Result<T>) -> T {
    found.unwrap_or_else(|error| panic!("{error}"))
}

/// Jump to reference with a covariate in the ANCOVA.
pub fn j2r(reference: &str, covariate: &str) -> ReferenceBased {
    ReferenceBased::new(Strategy::JumpToReference).reference(reference).covariates([covariate])
}

fn of_imputation(trial: Trial, formula: &str, plan: &ReferenceBased) -> Box<dyn FnMut() -> f64 + Send> {
    let (fit, plan) = (ok(model(formula).fit(&trial)), plan.clone());
    Box::new(move || ok(fit.reference_based(&trial, &plan)).differences().last().expect("visits").estimate)
}

/// The fit, the trial and the strategy of the drawn cases.
fn drawn(draws: &Draws) -> impl Fn() -> Imputations<'static> + Send + use<> {
    let trial = leaked(antidepressant());
    let fit: &'static Fit = leaked(ok(model(ANTIDEPRESSANT).fit(trial)));
    let (plan, draws) = (j2r("PLACEBO", "BASVAL"), draws.clone().seed(SEED));
    move || ok(fit.imputations(trial, &plan, &draws))
}

fn pooled(imputations: &Imputations<'_>) -> f64 {
    let pooled = ok(imputations.estimates(&CompletedAnalysis::ancova(["BASVAL"])));
    ok(pooled.arm_contrasts(&ContrastOptions::default())).rows.last().expect("visits").estimate.estimate
}

fn bayesian() -> Box<dyn FnMut() -> f64 + Send> {
    let draw = drawn(&Draws::new(DrawMethod::Bayesian).number(500));
    Box::new(move || pooled(&draw()))
}

fn tipping() -> Box<dyn FnMut() -> f64 + Send> {
    let (trial, plan) = (antidepressant(), ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]));
    let fit = ok(model(ANTIDEPRESSANT).fit(&trial));
    let grid = Tipping::new("DRUG", "PLACEBO", "7").arm_shifts((0..TIPPED).map(|k| 0.5 * k as f64));
    Box::new(move || ok(fit.tipping(&trial, &plan, &grid)).rows.last().expect("shifts").estimate)
}

fn tipping_by_draws() -> Box<dyn FnMut() -> f64 + Send> {
    let draw = drawn(&Draws::new(DrawMethod::Bayesian).number(5000));
    Box::new(move || {
        on_threads(2, || {
            let imputations = draw();
            let at = |k: usize| {
                let delta = Delta::by_visit([0.5 * k as f64; 4]).lag_weights([1.0, 0.0, 0.0, 0.0]).in_arms(["DRUG"]);
                pooled(&ok(imputations.shifted(delta)))
            };
            (0..TIPPED).map(at).fold(f64::NAN, |_, last| last)
        })
    })
}

/// CAPS-5 below 23 at the visits after the baseline.
fn remission() -> Trial {
    let trial = imrs_gst();
    let y = &trial.outcomes()[0];
    let below = y.values.iter().map(|y| if y.is_nan() { f64::NAN } else { f64::from(u8::from(*y < 23.0)) }).collect();
    ok(trial.with_outcome(&y.name, below))
}

/// Two arms, whether each patient responded at each visit, with an effect of the patient; the same every time.
pub fn binary(patients: usize, visits: usize) -> Trial {
    let labels: Vec<String> = (0..visits).map(|t| format!("v{t}")).collect();
    let mut values = vec![];
    for i in 0..patients {
        let mut stream = Stream::new(SEED, 5, i as u64);
        let own = 1.5 * stream.normal();
        values.extend((0..visits).map(|t| {
            let logit = -1.0 + (0.2 + 0.2 * (i % 2) as f64) * t as f64 + own;
            f64::from(u8::from(stream.happens(1.0 / (1.0 + (-logit).exp()))))
        }));
    }
    ok(Trial::builder("simulated")
        .patients((0..patients).map(|i| format!("p{i}")))
        .arms(["control", "treatment"], (0..patients).map(|i| i % 2).collect())
        .schedule(Schedule::of_labels(labels))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values })
        .build())
}

fn equations(trial: Trial) -> Box<dyn FnMut() -> f64 + Send> {
    let outcome = trial.outcomes()[0].name.clone();
    let after: Vec<String> = trial.schedule().labels().into_iter().map(String::from).filter(|label| label != "baseline").collect();
    // As geepack has α, so that both arrive at the same number.
    let gee = ok(Gee::formula(&format!("{outcome} ~ arm * visit")))
        .correlation(WorkingCorrelation::Exchangeable)
        .convention(AlphaConvention::Geepack)
        .visits(after);
    Box::new(move || ok(gee.fit(&trial)).beta().iter().map(|b| b.abs()).sum())
}

fn mixed(quadrature: Quadrature) -> Box<dyn FnMut() -> f64 + Send> {
    let trial = binary(200, 4);
    let mixed = ok(Glmm::formula("y ~ arm * visit + (1 | patient)")).quadrature(quadrature);
    Box::new(move || -0.5 * ok(mixed.clone().fit(&trial)).minus_two_log_likelihood())
}

fn bootstrap() -> Box<dyn FnMut() -> f64 + Send> {
    let trial = imrs_gst_clustered();
    let fit: &'static Fit = leaked(ok(model(super::CLUSTERED_LEVELS).fit(&trial)));
    let mut refitter: Refitter<'static> = ok(fit.refitter());
    Box::new(move || {
        let simulations = ok(fit.simulate(BOOTSTRAPPED, SEED));
        simulations.replicates.iter().filter(|y| refitter.with_outcomes(y).is_ok()).count() as f64
    })
}

fn study() -> Box<dyn FnMut() -> f64 + Send> {
    let file = ok(StudyFile::open(repository("examples/plans/imrs_gst_power.toml")));
    let (drawer, procedures, seed) = (ok(file.truth.drawer()), ok(file.procedures()), file.seed());
    Box::new(move || ok(replicate(&drawer, &procedures, seed, 0..STUDIED)).characteristics().rows[0].successes.share)
}

/// What simr is asked: an effect of 0.6 standard deviations between arms of ten groups, with an intraclass correlation of 0.1. How many
/// trials have an answer.
fn simr() -> Box<dyn FnMut() -> f64 + Send> {
    let truth = TrialTruth::new(["before", "after"], [1.0, 1.0], Correlation::Exchangeable(0.3))
        .arm(ArmTruth::new("a", 60, [0.0, 0.0]))
        .arm(ArmTruth::with_effect("b", 60, 0.6))
        .cluster(ClusterTruth::groups("group", "a", 6, 0.1))
        .cluster(ClusterTruth::groups("group", "b", 6, 0.1));
    let model = model("y ~ arm + (1 | group)").visits(["after"]).df(Df::Satterthwaite);
    let procedure = [Procedure::new("t test", model).contrast(Compared::new("b", "a", "after"))];
    let drawer = ok(truth.drawer());
    Box::new(move || ok(replicate(&drawer, &procedure, SEED, 0..STUDIED)).characteristics().rows[0].answered() as f64)
}

/// What one evaluation of a hot path costs, for counting instructions: the case run once already.
pub fn warm(name: &str) -> Method {
    let mut method = method(name);
    (method.run)();
    method
}

/// What repeats a fit with random effects of clusters, used once already, and the outcomes of twenty refits, simulated from the fit.
pub fn clustered_refits(formula: &str, trial: &Trial) -> (Refitter<'static>, Vec<Vec<f64>>) {
    let fit: &'static Fit = leaked(ok(Model::formula(formula).and_then(|model| model.fit(trial))));
    let mut refitter = ok(fit.refitter());
    let replicates = ok(fit.simulate(20, 7)).replicates;
    ok(refitter.with_outcomes(&replicates[0]));
    (refitter, replicates)
}
