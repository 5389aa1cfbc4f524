//! Trials analysed from a frame, against each trial analysed as if it were the only one.

use trialstats::analysis::ImputationPlan;
use trialstats::covariance::Covariance;
use trialstats::effects::EffectOptions;
use trialstats::imputation::{Delta, Intermittent, Strategy, Variance};
use trialstats::means::{Better, Margin};
use trialstats::responders::{Definition, Rule, Unobserved};
use trialstats::study::{
    Answer, ArmTruth, ClusterTruth, Compared, Correlation, Drawer, MissingTruth, Procedure, Question, Source, TrialTruth, replicate,
};
use trialstats::trial::{BaselineFrom, Trial};
use trialstats::{Df, Estimation, Model, Result};

/// Differences in standard errors that two searches for one optimum leave (1e-9 each), and what they are in degrees of freedom.
const TOLERANCE: f64 = 1e-8;

/// The trials of a drawer, about which nothing is known beforehand.
#[derive(Debug)]
pub(super) struct OneByOne(pub Drawer);

impl Source for OneByOne {
    fn draw(&self, seed: u64, replicate: u64) -> Result<Trial> {
        self.0.trial(seed, replicate)
    }
}

fn truth() -> TrialTruth {
    TrialTruth::new(["0", "1", "2", "3"], [8.0, 10.0, 12.0, 13.0], Correlation::Autoregressive(0.7))
        .arm(ArmTruth::new("a", 24, [30.0, 25.0, 22.0, 20.0]))
        .arm(ArmTruth::with_effect("b", 26, -0.5))
        .missing(MissingTruth::left_by_end(0.25).log_odds_per_sd(0.4))
}

fn model(formula: &str) -> Model {
    Model::formula(formula).expect("a formula").df(Df::KenwardRoger)
}

fn contrast(model: Model) -> Procedure {
    Procedure::new("primary", model).contrast(Compared::new("b", "a", "3"))
}

fn last() -> Compared {
    Compared::new("b", "a", "3")
}

/// How two answers differ, in standard errors or relatively, whichever is larger.
pub(super) fn apart(a: &Answer, b: &Answer) -> f64 {
    let scale = if a.se.is_finite() { a.se } else { 1.0 };
    let of = |x: f64, y: f64, unit: f64| if x.is_nan() && y.is_nan() || x == y { 0.0 } else { (x - y).abs() / unit };
    let numbers = [
        of(a.estimate, b.estimate, scale),
        of(a.se, b.se, scale),
        of(a.df, b.df, a.df.abs()),
        of(a.p, b.p, 1.0),
        of(a.interval.0, b.interval.0, scale),
        of(a.interval.1, b.interval.1, scale),
        of(a.between, b.between, 1.0),
    ];
    numbers.into_iter().fold(0.0, |worst, x| if x.is_nan() { f64::INFINITY } else { worst.max(x) })
}

/// Both roads, trial by trial; returns in how many answers any bit differs, which tells that there were two.
fn compared(what: &str, truth: &TrialTruth, procedures: &[Procedure], trials: u64) -> usize {
    let drawer = truth.drawer().expect("a truth");
    let framed = replicate(&drawer, procedures, 11, 0..trials).expect("trials");
    let single = replicate(&OneByOne(drawer), procedures, 11, 0..trials).expect("trials");
    let mut different = 0;
    for (ours, theirs) in framed.trials.iter().zip(&single.trials) {
        assert_eq!((ours.number, ours.left.to_bits()), (theirs.number, theirs.left.to_bits()), "{what}");
        for ((name, a), b) in framed.names.iter().zip(&ours.answers).zip(&theirs.answers) {
            match (a, b) {
                (Ok(a), Ok(b)) => {
                    let worst = apart(a, b);
                    assert!(worst < TOLERANCE, "{what}, trial {}, {name}: {worst:e}\n{a:?}\n{b:?}", ours.number);
                    assert_eq!((a.success, a.boundary, a.fallback), (b.success, b.boundary, b.fallback), "{what}, trial {}", ours.number);
                    different += usize::from(a != b && !(a.estimate.to_bits() == b.estimate.to_bits() && a.se.to_bits() == b.se.to_bits()));
                }
                _ => assert_eq!(a.as_ref().err(), b.as_ref().err(), "{what}, trial {}, {name}", ours.number),
            }
        }
    }
    different
}

/// Every kind of question, over truths and models of every kind that has a frame.
#[test]
fn a_frame_gives_the_answers_of_single_trials() {
    let questions = |model: Model| {
        contrast(model)
            .ask("margin", Question::Margin(last(), Margin::NonInferiority { margin: 4.0, better: Better::Lower }))
            .ask("d", Question::EffectSize(last(), EffectOptions::new()))
            .ask(
                "response",
                Question::Response(
                    last(),
                    Definition::new("fell by 10", Rule::point_drop("y", 10.0)),
                    Unobserved::CountedAsNotMet,
                    BaselineFrom::Visit,
                ),
            )
    };
    let groups = truth().cluster(ClusterTruth::groups("group", "b", 6, 0.1));
    let mut bounds = truth();
    (bounds.bounds, bounds.whole) = (Some((0.0, 45.0)), true);
    let three = truth().arm(ArmTruth::with_effect("c", 22, -0.3));
    let covariates: TrialTruth =
        toml_of("covariates = [{ name = 'age', effect = [1.5] }, { name = 'sex', levels = { f = 0.7, m = 0.3 }, effect = [0, 2] }]");
    let full = "y ~ baseline * visit + arm * visit";
    let cases: Vec<(&str, TrialTruth, Vec<Procedure>)> = vec![
        ("baseline as covariate", truth(), vec![questions(model(full))]),
        (
            "constrained baseline",
            truth(),
            vec![contrast(Model::new(trialstats::design::MeanModel::parse("y ~ arm * visit").expect("a formula").constrained_baseline()))],
        ),
        ("groups of one arm", groups.clone(), vec![questions(model("y ~ baseline * visit + arm * visit + (1 | group)"))]),
        (
            "therapists of both arms",
            truth().cluster(ClusterTruth::shared("therapist", 6, 0.08)),
            vec![contrast(model("y ~ baseline * visit + arm * visit + (1 | therapist)"))],
        ),
        ("bounds and whole numbers", bounds, vec![contrast(model(full))]),
        ("three arms", three, vec![contrast(model(full)).ask("c", Question::Contrast(Compared::new("c", "a", "2")))]),
        ("covariates", covariates, vec![contrast(model("y ~ baseline + age + sex * visit + arm * visit"))]),
        (
            "a covariance by arm",
            truth(),
            vec![contrast(model(full).covariance(Covariance::HeterogeneousToeplitz).covariance_by("arm").df(Df::Satterthwaite))],
        ),
        (
            "maximum likelihood",
            truth(),
            vec![
                contrast(model(full).estimation(Estimation::Ml).df(Df::Satterthwaite)),
                contrast(model(full).covariance(Covariance::Autoregressive)),
            ],
        ),
        ("a list of structures", truth(), vec![contrast(model(full).covariance_else([Covariance::CompoundSymmetry]))]),
        (
            "linear Kenward and Roger",
            truth(),
            vec![contrast(model(full).covariance(Covariance::Autoregressive).df(Df::KenwardRogerLinear))],
        ),
    ];
    for (what, truth, procedures) in cases {
        assert!(compared(what, &truth, &procedures, 6) > 0, "{what}: no frame was used");
    }
}

/// Trials in which nobody is missing and nothing but the outcome differs are refitted, by whichever engine: with and without
/// effects of clusters, and where a variance vanishes in some of them.
#[test]
fn complete_trials_are_refitted_to_the_answers_of_single_trials() {
    let mut complete = truth();
    complete.missing = MissingTruth::default();
    let groups = complete.clone().cluster(ClusterTruth::groups("group", "a", 6, 0.1)).cluster(ClusterTruth::groups("group", "b", 6, 0.1));
    let satterthwaite = |formula: &str| model(formula).df(Df::Satterthwaite);
    let constrained = Model::new(trialstats::design::MeanModel::parse("y ~ arm * visit").expect("a formula").constrained_baseline());
    let cases = [
        ("a visit", groups.clone(), satterthwaite("y ~ arm + (1 | group)").visits(["3"])),
        ("patients", complete.clone(), model("y ~ arm * visit + (1 | patient)")),
        ("patients in groups", groups.clone(), satterthwaite("y ~ arm * visit + (1 | group) + (1 | patient)")),
        ("groups above visits", groups.clone(), model("y ~ arm * visit + (1 | group)")),
        ("visits", complete.clone(), model("y ~ arm * visit")),
        ("constrained baseline", complete, constrained),
        ("maximum likelihood", groups, satterthwaite("y ~ arm * visit + (1 | patient)").estimation(Estimation::Ml)),
    ];
    for (what, truth, model) in cases {
        assert!(compared(what, &truth, &[contrast(model)], 12) > 0, "{what}: nothing was refitted");
    }
}

/// Random effects with independent residuals, where patients are missing or covariates differ.
#[test]
fn random_effects_of_trials_with_dropout_are_those_of_single_trials() {
    let groups = truth().cluster(ClusterTruth::groups("group", "b", 6, 0.1));
    for formula in ["y ~ baseline + arm * visit + (1 | patient)", "y ~ baseline + arm * visit + (1 | group) + (1 | patient)"] {
        compared(formula, &groups, &[contrast(model(formula))], 6);
    }
}

/// Imputation from sums, over strategies, variances, deltas, kinds of missing values, arms, covariates and models; by the jackknife the
/// trials are single ones.
#[test]
fn imputation_from_sums_gives_the_answers_of_single_trials() {
    let imputed = |strategy: Strategy, variance: Variance| ImputationPlan::new(strategy).covariates(["baseline"]).variance(variance);
    let ask = |model: Model, plan: ImputationPlan| vec![Procedure::new("imputed", model).ask("it", Question::Imputed(last(), plan))];
    let full = || model("y ~ baseline * visit + arm * visit");
    let mut gaps = truth();
    gaps.missing.missed = 0.1;
    let strategies = [
        Strategy::Mar,
        Strategy::JumpToReference,
        Strategy::CopyReference,
        Strategy::CopyIncrements,
        Strategy::LastMeanCarriedForward,
        Strategy::Causal { kept: 0.5, fading: 0.8 },
    ];
    let lagged = Delta::by_visit([1.0, -2.0, 3.0]).lag_weights([1.0, 0.5, 0.25]);
    let deltas = [
        None,
        Some(Delta::by_visit([1.0, 2.0, 4.0])),
        Some(lagged.in_arms(["b"]).intermittent(Intermittent::Shifted)),
        Some(Delta::factors([1.1, 1.2, 1.3]).in_arms(["a"]).intermittent(Intermittent::Shifted)),
        Some(Delta::factors([0.9, 1.2, 1.1]).lag_weights([1.0, 1.0])),
    ];
    let mut leaving = gaps.clone();
    leaving.missing.left_by_end = Some(0.4);
    for strategy in strategies {
        for variance in [Variance::DeltaMethod, Variance::InformationAnchored] {
            let plans = deltas.iter().map(|delta| delta.iter().cloned().fold(imputed(strategy, variance), ImputationPlan::delta));
            let procedure = plans.enumerate().fold(Procedure::new("imputed", full()), |procedure, (k, plan)| {
                procedure.ask(format!("delta {k}"), Question::Imputed(last(), plan))
            });
            let what = format!("{strategy}, {variance}");
            // Every answer is from sums: one that is not has the bits of the single trial.
            assert_eq!(compared(&what, &leaving, &[procedure], 3), 3 * deltas.len(), "{what}: not from sums");
        }
    }
    let anchored = || imputed(Strategy::JumpToReference, Variance::InformationAnchored);
    let j2r = || imputed(Strategy::JumpToReference, Variance::DeltaMethod);
    let three = gaps.clone().arm(ArmTruth::with_effect("c", 22, -0.3));
    let covariates =
        toml_of("covariates = [{ name = 'age', effect = [1.5] }, { name = 'sex', levels = { f = 0.7, m = 0.3 }, effect = [0, 2] }]");
    let constrained = Model::new(trialstats::design::MeanModel::parse("y ~ arm * visit").expect("a formula").constrained_baseline());
    let cases = [
        ("three arms", three.clone(), ask(full(), j2r())),
        ("another reference", three, ask(full(), j2r().reference("c"))),
        (
            "covariates",
            covariates.clone(),
            ask(model("y ~ baseline * visit + age + sex * visit + arm * visit"), j2r().covariates(["baseline", "age", "sex"])),
        ),
        ("means alone", covariates, ask(full(), ImputationPlan::new(Strategy::JumpToReference).variance(Variance::DeltaMethod))),
        ("constrained baseline", gaps.clone(), ask(constrained, j2r())),
        ("another structure", gaps.clone(), ask(full().covariance(Covariance::HeterogeneousToeplitz), j2r())),
        ("maximum likelihood", gaps.clone(), ask(full().estimation(Estimation::Ml).df(Df::Satterthwaite), j2r())),
        (
            "at random by arm",
            gaps.clone(),
            ask(full().covariance_by("arm").df(Df::Satterthwaite), imputed(Strategy::Mar, Variance::DeltaMethod)),
        ),
    ];
    for (what, truth, procedures) in cases {
        assert!(compared(what, &truth, &procedures, 4) > 0, "{what}: not from sums");
    }
    let three = gaps.clone().arm(ArmTruth::with_effect("c", 22, -0.3));
    let constrained = Model::new(trialstats::design::MeanModel::parse("y ~ arm * visit").expect("a formula").constrained_baseline());
    let by_arm = full().covariance_by("arm").df(Df::Satterthwaite);
    let cases = [
        ("three arms, anchored", three.clone(), ask(full(), anchored())),
        ("another reference, anchored", three, ask(full(), anchored().reference("c"))),
        ("constrained baseline, anchored", gaps.clone(), ask(constrained, anchored().delta(Delta::by_visit([0.0, 1.0, 2.0, 3.0])))),
        ("at random by arm, anchored", gaps.clone(), ask(by_arm, imputed(Strategy::Mar, Variance::InformationAnchored))),
        ("means alone, anchored", gaps.clone(), ask(full(), ImputationPlan::new(Strategy::Mar).variance(Variance::InformationAnchored))),
    ];
    for (what, truth, procedures) in cases {
        assert!(compared(what, &truth, &procedures, 4) > 0, "{what}: not from sums");
    }
    let by_arm = ask(full().covariance_by("arm").df(Df::Satterthwaite), j2r());
    assert_eq!(compared("two covariances", &gaps, &by_arm, 2), 0);
    let procedures = ask(full(), imputed(Strategy::JumpToReference, Variance::Jackknife));
    assert_eq!(compared("jackknife", &truth().with_patients(24), &procedures, 2), 0);
}

/// Where a trial lacks what the columns need, or a model has no frame, every bit is that of a single trial.
#[test]
fn what_has_no_frame_is_analysed_by_itself() {
    let mut gone = truth().with_patients(16);
    gone.missing = MissingTruth::left_by_end(0.93);
    // Visits that nobody of an arm reaches, in most trials: aliased columns, failures, and a few trials as framed.
    compared(
        "an arm nearly all gone",
        &gone,
        &[contrast(model("y ~ baseline + arm * visit")), contrast(model("y ~ baseline * visit + arm * visit"))],
        12,
    );
    let cases = [
        ("weights that differ by trial", model("y ~ baseline * arm * visit")),
        ("cluster-robust", model("y ~ baseline + arm * visit").df(Df::Satterthwaite).vcov(trialstats::Vcov::Cr2)),
        ("between-within", model("y ~ baseline + arm * visit").df(Df::BetweenWithin)),
        ("a logarithm", Model::formula("log(y) ~ arm * visit").expect("a formula")),
    ];
    let mut positive = truth();
    positive.bounds = Some((1.0, 80.0));
    for (what, model) in cases {
        assert_eq!(compared(what, &positive, &[contrast(model)], 3), 0, "{what}");
    }
}

/// The same truth with more in its file.
fn toml_of(more: &str) -> TrialTruth {
    TrialTruth::from_toml(&format!(
        "visits = ['0', '1', '2', '3']\nsd = [8, 10, 12, 13]\ncorrelation = {{ autoregressive = 0.7 }}\nmissing = {{ left-by-end = 0.2 }}\n{more}
         arms = [{{ name = 'a', patients = 24, means = [30, 25, 22, 20] }}, {{ name = 'b', patients = 26, d = -0.5 }}]"
    ))
    .expect("a truth")
}
