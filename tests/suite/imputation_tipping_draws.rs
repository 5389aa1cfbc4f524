//! Tipping points by draws: against shifted data sets pooled one by one, the closed form, and what a shift cannot change.

use crate::common::{ANTIDEPRESSANT, repository};
use trialstats::effects::Positive;
use trialstats::imputation::{
    CompletedAnalysis, Delta, DrawMethod, DrawnTipping, Draws, ReferenceBased, Strategy, Tipping, TippingMeasure, TippingPoint, Variance,
};
use trialstats::responders::{Definition, Rule};
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::trial::BaselineFrom;
use trialstats::{Fit, Layout, Model, Tabular, Trial};

const SHIFTS: [f64; 5] = [-4.0, -1.0, 0.0, 2.0, 5.0];

fn antidepressant() -> Trial {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").arms(["PLACEBO", "DRUG"]).outcome("CHANGE").covariate("BASVAL");
    layout.read_csv(repository(ANTIDEPRESSANT)).expect("the sample")
}

fn fitted(trial: &Trial) -> Fit {
    Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT").and_then(|model| model.fit(trial)).expect("a fit")
}

fn plan(strategy: Strategy) -> ReferenceBased {
    ReferenceBased::new(strategy).covariates(["BASVAL"])
}

fn draws(number: usize) -> Draws {
    Draws::new(DrawMethod::Bayesian).number(number).seed(7)
}

fn grid() -> Tipping {
    Tipping::new("DRUG", "PLACEBO", "7").arm_shifts(SHIFTS).versus_shifts([0.0, -3.0])
}

fn found(fit: &Fit, trial: &Trial, plan: &ReferenceBased, grid: &Tipping) -> TippingPoint {
    fit.tipping(trial, plan, grid).unwrap_or_else(|error| panic!("{error}"))
}

fn drawn(point: &TippingPoint) -> &DrawnTipping {
    point.draws.as_ref().expect("draws were asked for")
}

/// Every point of the grid is the pooled analysis of the same data sets with that delta, and the one without draws is as ever.
#[test]
fn the_grid_is_that_of_shifted_data_sets() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    for strategy in [Strategy::Mar, Strategy::JumpToReference] {
        let point = found(&fit, &trial, &plan(strategy), &grid().draws(draws(60)));
        let plain = found(&fit, &trial, &plan(strategy), &grid());
        assert!(plain.draws.is_none() && plain.rows == point.rows && plain.turns == point.turns);
        let imputations = fit.imputations(&trial, &plan(strategy), &draws(60)).expect("imputations");
        for row in &drawn(&point).rows {
            // A delta of one arm at a time: the other's by the first visit's amount of its own.
            let shifted = |arm: &str, amount: f64| Delta::by_visit([0.0, 0.0, 0.0, amount]).in_arms([arm]);
            if row.versus != 0.0 {
                continue;
            }
            let imputations = imputations.shifted(shifted("DRUG", row.arm)).expect("a delta");
            let table = imputations.table(&CompletedAnalysis::ancova(["BASVAL"]), 0.95).expect("a table");
            let there = table.differences().find(|r| r.visit == *"7").expect("the last visit");
            for (what, here, there) in [
                ("estimate", row.estimate, there.estimate),
                ("se", row.se, there.se),
                ("df", row.df, there.df),
                ("lower", row.lower, there.lower),
                ("upper", row.upper, there.upper),
                ("error", row.monte_carlo_error, there.monte_carlo_error),
            ] {
                assert!((here - there).abs() < 1e-9 * there.abs().max(1.0), "{strategy} {} {what}: {here} {there}", row.arm);
            }
        }
    }
}

/// Both arms shifted: −3 in placebo moves the estimate by as much as the share of placebo that is imputed.
#[test]
fn shifts_of_both_arms_add_up() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let point = found(&fit, &trial, &plan(Strategy::Mar), &grid().draws(draws(40)));
    let rows = &drawn(&point).rows;
    for (by_draws, closed) in rows.iter().zip(&point.rows) {
        // The slopes in the shifts are those of the closed form.
        let origin = |rows: &[(f64, f64, f64)]| rows.iter().find(|r| r.0 == 0.0 && r.1 == 0.0).expect("the origin").2;
        let all: Vec<_> = rows.iter().map(|r| (r.arm, r.versus, r.estimate)).collect();
        let there: Vec<_> = point.rows.iter().map(|r| (r.arm, r.versus, r.estimate)).collect();
        assert_eq!((by_draws.arm, by_draws.versus), (closed.arm, closed.versus));
        let (here, there) = (by_draws.estimate - origin(&all), closed.estimate - origin(&there));
        assert!((here - there).abs() < 1e-9, "{by_draws:?} {closed:?}");
    }
}

/// Where it turns by draws its own interval touches zero, and many draws turn where the closed form of Rubin's rules does.
#[test]
fn it_turns_where_the_interval_touches_zero() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let point = found(&fit, &trial, &plan(Strategy::Mar), &grid().draws(draws(400)));
    let of = |shift: f64, versus: f64| {
        let grid = Tipping::new("DRUG", "PLACEBO", "7").arm_shifts([shift]).versus_shifts([versus]).draws(draws(400));
        drawn(&found(&fit, &trial, &plan(Strategy::Mar), &grid)).rows[0]
    };
    for turn in &drawn(&point).turns {
        let at = turn.arm.expect("it turns");
        let row = of(at, turn.versus);
        assert!(row.lower.abs().min(row.upper.abs()) < 1e-9, "{row:?}");
        assert!(turn.monte_carlo_error > 0.0 && turn.monte_carlo_error < 0.4, "{turn:?}");
    }
    // Variance by Rubin's rules with infinitely many draws, in closed form: its interval by normal quantiles.
    let turn = &drawn(&point).turns[0];
    let signal = |shift: f64| {
        let plan = plan(Strategy::Mar).variance(Variance::InformationAnchored);
        let plan = plan.delta(Delta::by_visit([0.0, 0.0, 0.0, shift]).in_arms(["DRUG"]));
        let table = fit.reference_based(&trial, &plan).expect("a table");
        let row = table.differences().find(|r| r.visit == *"7").expect("the last visit");
        row.estimate / row.se
    };
    let (mut low, mut high) = (0.0, 12.0);
    assert!(signal(low) < -1.96 && signal(high) > -1.96);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if signal(middle) < -1.96 { low = middle } else { high = middle }
    }
    // 3.5 Monte-Carlo errors, and 2 % for the quantiles of t with some 120 degrees of freedom and the drawn covariance.
    let at = turn.arm.expect("it turns");
    assert!((at - low).abs() < 3.5 * turn.monte_carlo_error + 0.05 * low, "{at} {low} {turn:?}");
    let sentence = point.sentence();
    assert!(
        sentence.contains("By 400 draws, pooled by Rubin's rules, it touches zero at") && sentence.contains("Monte-Carlo error"),
        "{sentence}"
    );
    assert_eq!(point.columns().len(), 12);
}

/// The Monte-Carlo error is what twenty seeds show: within a factor of two.
#[test]
fn the_monte_carlo_error_is_that_of_repetitions() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let turns: Vec<(f64, f64)> = (0..20)
        .map(|seed| {
            let grid = Tipping::new("DRUG", "PLACEBO", "7").draws(draws(200).seed(seed));
            let turn = drawn(&found(&fit, &trial, &plan(Strategy::Mar), &grid)).turns[0];
            (turn.arm.expect("it turns"), turn.monte_carlo_error)
        })
        .collect();
    let mean = turns.iter().map(|t| t.0).sum::<f64>() / 20.0;
    let sd = (turns.iter().map(|t| (t.0 - mean).powi(2)).sum::<f64>() / 19.0).sqrt();
    let said = turns.iter().map(|t| t.1).sum::<f64>() / 20.0;
    assert!(said / sd > 0.5 && said / sd < 2.0, "{said} {sd}");
}

#[test]
fn an_effect_size_is_the_difference_over_its_deviation() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let effect = TippingMeasure::EffectSize { baseline: BaselineFrom::Covariate("BASVAL".into()), positive: Positive::Fall };
    let plain = found(&fit, &trial, &plan(Strategy::Mar), &grid().draws(draws(50)));
    let d = found(&fit, &trial, &plan(Strategy::Mar), &grid().measure(effect).draws(draws(50)));
    let ratio = -plain.rows[2].estimate / d.rows[2].estimate;
    for (here, there) in drawn(&d).rows.iter().zip(&drawn(&plain).rows) {
        assert!((here.estimate * ratio + there.estimate).abs() < 1e-9, "{here:?} {there:?}");
        assert!((here.se * ratio - there.se).abs() < 1e-9 && (here.df - there.df).abs() < 1e-6, "{here:?} {there:?}");
    }
    for (here, there) in drawn(&d).turns.iter().zip(&drawn(&plain).turns) {
        assert!((here.arm.expect("it turns") - there.arm.expect("it turns")).abs() < 1e-8);
    }
}

/// Shares of drawn scores, against the pooled data sets and against the probabilities of the closed form.
#[test]
fn shares_are_counted_in_every_data_set() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let definition = Definition::new("improved", Rule::at_most("CHANGE", -10.0));
    let share = TippingMeasure::Share { definition: definition.clone(), baseline: BaselineFrom::Visit };
    let point = found(&fit, &trial, &plan(Strategy::Mar), &grid().measure(share).draws(draws(300)));
    let imputations = fit.imputations(&trial, &plan(Strategy::Mar), &draws(300)).expect("imputations");
    let (arm_of, arms) = (trial.arm_of().to_vec(), trial.randomized());
    let table = imputations
        .pool(0.95, |completed| {
            let met = |arm: usize| {
                let own = (0..arm_of.len()).filter(|&i| arm_of[i] == arm && completed.value(i, 3).is_some_and(|y| y <= -10.0));
                own.count() as f64 / arms[arm] as f64
            };
            let (a, b) = (met(1), met(0));
            let variance = a * (1.0 - a) / arms[1] as f64 + b * (1.0 - b) / arms[0] as f64;
            Ok(vec![trialstats::imputation::Quantity::new("difference", a - b).variance(variance)])
        })
        .expect("a table");
    let (here, there) = (drawn(&point).rows[2], &table.rows[0]);
    assert!((here.estimate - there.estimate).abs() < 1e-12 && (here.se - there.se).abs() < 1e-12, "{here:?} {there:?}");
    assert!((here.monte_carlo_error - there.monte_carlo_error).abs() < 1e-12);
    for (here, closed) in drawn(&point).rows.iter().zip(&point.rows) {
        assert!((here.estimate - closed.estimate).abs() < 4.0 * here.monte_carlo_error + 0.01, "{here:?} {closed:?}");
    }
}

/// Nothing to draw: every amount gives the complete analysis, and it turns nowhere.
#[test]
fn complete_data_do_not_move() {
    let trial = Gaussian::new(["v1", "v2"])
        .arm("a", 30, [5.0, 4.0])
        .arm("b", 30, [5.0, 3.9])
        .arm("c", 30, [5.0, 3.0])
        .trial(2, 0)
        .expect("a trial");
    let fit = Model::formula("y ~ arm * visit").and_then(|model| model.fit(&trial)).expect("a fit");
    let grid = Tipping::new("c", "a", "v2").arm_shifts([0.0, 3.0]).draws(draws(20));
    let point = found(&fit, &trial, &ReferenceBased::new(Strategy::Mar), &grid);
    let (rows, turn) = (&drawn(&point).rows, drawn(&point).turns[0]);
    assert!((rows[0].estimate - rows[1].estimate).abs() < 1e-12 && rows[0].monte_carlo_error < 1e-12, "{rows:?}");
    assert_eq!(turn.arm, None);
    assert!(point.sentence().contains("it touches zero nowhere"), "{}", point.sentence());
    // Two of three arms, some of whom leave.
    let trial = Gaussian::new(["v1", "v2"])
        .arm("a", 40, [5.0, 4.0])
        .arm("b", 40, [5.0, 3.9])
        .arm("c", 40, [5.0, 3.0])
        .dropout(Dropout::CompletelyAtRandom { each_visit: 0.3 })
        .trial(2, 0)
        .expect("a trial");
    let fit = Model::formula("y ~ arm * visit").and_then(|model| model.fit(&trial)).expect("a fit");
    let point = found(&fit, &trial, &ReferenceBased::new(Strategy::JumpToReference).reference("b"), &grid);
    assert!(drawn(&point).rows.iter().all(|row| row.se > 0.0 && row.df > 1.0), "{point:?}");
}

#[test]
fn draws_that_rubins_rules_do_not_pool_are_refused() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    for method in [DrawMethod::BootstrappedImputation, DrawMethod::ConditionalMeanJackknife, DrawMethod::ConditionalMeanBootstrap] {
        let error = fit.tipping(&trial, &plan(Strategy::Mar), &grid().draws(Draws::new(method).number(20))).expect_err("no Rubin");
        assert_eq!(error.code(), "not-available", "{error}");
    }
    let two = Draws::new(DrawMethod::ApproximateBayesian).number(30).seed(4);
    assert_eq!(drawn(&found(&fit, &trial, &plan(Strategy::Mar), &grid().draws(two))).sets, 30);
}
