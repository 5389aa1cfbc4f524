//! What a plan says reaches every table of its result: the level of every interval, whom the flow counts as analysed,
//! who has a change from baseline.

use crate::common::{invented, of_values, outcome};
use trialstats::Trial;
use trialstats::analysis::{Analysis, AnalysisResult, Silent};
use trialstats::design::Baseline;
use trialstats::dist::{normal, t};
use trialstats::effects::{EffectSizes, IntervalMethod, Limits};
use trialstats::trial::{Exclusion, FlowStep, Schedule, Variable};

const NA: f64 = f64::NAN;

fn schedule() -> Schedule {
    Schedule::of_labels(["start", "end"]).with_baseline("start").expect("a visit")
}

/// 40 patients in two arms, observed at both visits.
fn complete() -> Trial {
    let values = (0..40).flat_map(|i| {
        let (level, noise) = (f64::from(i * 37 % 11), f64::from(i * 13 % 7));
        [20.0 + level + 0.5 * noise, 17.0 + level - f64::from(i % 2) - 0.8 * f64::from(i * 5 % 9)]
    });
    of_values(&["control", "active"], (0..40).map(|i| i % 2).collect(), schedule(), values.collect())
}

fn at_level(trial: &Trial, level: f64) -> AnalysisResult {
    Analysis::of(trial).primary("y").baseline(Baseline::Response).level(level).bootstrap(200).seed(3).run(&Silent).expect("a result")
}

/// Distance of a limit from the estimate, in units of the quantile that the level and the reference distribution give.
fn close(what: &str, half_width: f64, expected: f64) {
    assert!((half_width / expected - 1.0).abs() < 1e-10, "{what}: {half_width}, expected {expected}");
}

#[test]
fn the_level_is_that_of_every_interval() {
    let trial = complete();
    for level in [0.8, 0.99] {
        let result = at_level(&trial, level);
        let outcome = &result.outcomes[0];
        let of_t = |df: f64| t::quantile(0.5 + 0.5 * level, df);
        for row in &outcome.means.rows {
            close("a mean", row.upper - row.estimate.estimate, of_t(row.estimate.df) * row.estimate.se);
        }
        for table in [&outcome.changes, &outcome.contrasts] {
            for row in &table.as_ref().expect("two arms and a baseline").rows {
                close(&row.estimate.label, row.upper - row.estimate.estimate, of_t(row.estimate.df) * row.estimate.se);
            }
        }
        for table in outcome.effects.within.iter().chain(&outcome.effects.between) {
            assert_eq!(table.level, level);
            if table.limits == Limits::Formula(IntervalMethod::Delta) {
                for row in &table.rows {
                    let se = ((row.se / row.sd).powi(2) + (row.difference / row.sd).powi(2) / (2.0 * row.sd_df)).sqrt();
                    close("an effect size", (row.upper - row.lower) / 2.0, normal::quantile(0.5 + 0.5 * level) * se);
                }
            }
        }
    }
}

fn bootstrapped(result: &AnalysisResult) -> EffectSizes {
    let tables = &result.outcomes[0].effects.between;
    tables.iter().find(|t| matches!(t.limits, Limits::Bootstrap(_))).expect("a bootstrap was planned").clone()
}

/// The same replicates: limits of a lower level lie inside those of a higher one, as far as normal quantiles would
/// have it, give or take what 200 replicates tell of a quantile.
#[test]
fn the_bootstrap_has_the_level_of_the_plan() {
    let trial = complete();
    let [narrow, wide] = [0.5, 0.95].map(|level| bootstrapped(&at_level(&trial, level)));
    let (a, b) = (&narrow.rows[0], &wide.rows[0]);
    assert!(b.lower < a.lower && a.lower < a.effect && a.effect < a.upper && a.upper < b.upper, "{a:?} and {b:?}");
    let ratio = (b.upper - b.lower) / (a.upper - a.lower);
    let expected = normal::quantile(0.975) / normal::quantile(0.75);
    assert!((ratio / expected - 1.0).abs() < 0.25, "{ratio}, expected about {expected}");
    let notes = |table: &EffectSizes| trialstats::Tabular::notes(table).join(" ");
    assert!(notes(&narrow).contains("50% interval") && notes(&wide).contains("95% interval"));
}

/// Patients by what was seen of them: at the start, at the end, and a covariate that may be called `baseline`.
///
/// | arm | start and end | end alone | start alone | never |
/// |---|---|---|---|---|
/// | control | 8 | 2 | 1 | 0 |
/// | active | 7 | 1 | 3 | 1 |
fn with_gaps(covariate: Option<&str>) -> Trial {
    let groups = [
        (0, 8, [1.0, 1.0]),
        (0, 2, [NA, 1.0]),
        (0, 1, [1.0, NA]),
        (1, 7, [1.0, 1.0]),
        (1, 1, [NA, 1.0]),
        (1, 3, [1.0, NA]),
        (1, 1, [NA, NA]),
    ];
    let (mut arm_of, mut values) = (vec![], vec![]);
    for (arm, n, seen) in groups {
        for _ in 0..n {
            let i = arm_of.len() as u32;
            arm_of.push(arm);
            let level = f64::from(i * 37 % 11);
            values.extend([seen[0] * (20.0 + level), seen[1] * (17.0 + level + f64::from(i * 5 % 9))]);
        }
    }
    let n = arm_of.len();
    let builder = invented(&["control", "active"], arm_of, schedule()).outcome(outcome("y", values));
    let known = (0..n).map(|i| if i == 0 { NA } else { (i * 3 % 7) as f64 }).collect();
    covariate.into_iter().fold(builder, |b, name| b.variable(Variable::number(name, Vec::clone(&known)))).build().expect("a trial")
}

/// The flow's counts of both arms at a step.
fn counts(result: &AnalysisResult, step: &FlowStep) -> [usize; 2] {
    ["control", "active"].map(|arm| result.outcomes[0].flow.count(arm, step))
}

fn excluded(reason: Exclusion) -> FlowStep {
    FlowStep::NotAnalysed { reason }
}

fn analysed_at(visit: &str) -> FlowStep {
    FlowStep::AnalysedAt { visit: visit.into() }
}

/// The flow counts those whom the model analyses: with the baseline as a covariate those who have one, with the
/// baseline as a response anyone seen.
#[test]
fn the_flow_needs_a_baseline_where_the_model_does() {
    let trial = with_gaps(None);
    let as_covariate = Analysis::of(&trial).primary("y").mean("baseline + arm").baseline(Baseline::Covariate);
    let result = as_covariate.run(&Silent).expect("a result");
    assert_eq!(counts(&result, &FlowStep::Randomized), [11, 12]);
    assert_eq!(counts(&result, &FlowStep::Analysed), [8, 7]);
    assert_eq!(counts(&result, &analysed_at("end")), [8, 7]);
    assert_eq!(counts(&result, &excluded(Exclusion::NoBaseline)), [2, 1]);
    assert_eq!(counts(&result, &excluded(Exclusion::NoOutcome)), [1, 4]);
    assert_eq!((result.outcomes[0].model.patients, result.outcomes[0].model.observations), (15, 15));

    for baseline in [Baseline::Response, Baseline::Constrained] {
        let result = Analysis::of(&trial).primary("y").baseline(baseline).run(&Silent).expect("a result");
        assert_eq!(counts(&result, &FlowStep::Analysed), [11, 11]);
        assert_eq!(counts(&result, &analysed_at("start")), [9, 10]);
        assert_eq!(counts(&result, &analysed_at("end")), [10, 8]);
        assert_eq!(counts(&result, &excluded(Exclusion::NoBaseline)), [0, 0]);
        assert_eq!(counts(&result, &excluded(Exclusion::NoOutcome)), [0, 1]);
        assert_eq!((result.outcomes[0].model.patients, result.outcomes[0].model.observations), (22, 37));
    }
}

/// A column of the file called `baseline` is needed as any covariate is, and the outcome at the baseline visit is not.
#[test]
fn a_covariate_called_baseline_is_a_covariate() {
    let trial = with_gaps(Some("baseline"));
    let result = Analysis::of(&trial).primary("y").mean("baseline + arm").baseline(Baseline::Covariate).run(&Silent).expect("a result");
    assert_eq!(counts(&result, &FlowStep::Analysed), [9, 8]);
    assert_eq!(counts(&result, &excluded(Exclusion::NoBaseline)), [0, 0]);
    assert_eq!(counts(&result, &excluded(Exclusion::Missing("baseline".into()))), [1, 0]);
    assert_eq!(result.outcomes[0].model.patients, 17);
}
