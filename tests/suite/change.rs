//! Individual change against the R package clinicalsignificance (tests/references/change), published thresholds and identities.

use crate::common::{Comparison, antidepressant, assert_all, fev, invented, number, outcome, reference, rows, text};
use proptest::prelude::*;
use serde_json::Value;
use trialstats::Trial;
use trialstats::change::{
    ChangeCategory, ChangeClass, ClassScheme, CurveOptions, CurveScale, CurveSteps, CutOff, IndividualChange, IndividualChanges, Norm,
    Reliability, ReliableChangeMethod, Spread, responder_curves,
};
use trialstats::means::Better;
use trialstats::options::Choices;
use trialstats::responders::{Assumption, Definition, RateOptions, Rule, Unobserved};
use trialstats::table::Tabular;
use trialstats::trial::{BaselineFrom, Schedule};

const NA: f64 = f64::NAN;

/// Patients by arm with their scores before and after.
fn trial(arms: &[&str], arm_of: &[usize], pairs: &[(f64, f64)]) -> Trial {
    let schedule = Schedule::of_labels(["before", "after"]).with_baseline("before").unwrap();
    let scores = pairs.iter().flat_map(|&(before, after)| [before, after]).collect();
    invented(arms, arm_of.to_vec(), schedule).outcome(outcome("y", scores)).build().unwrap()
}

fn retest(value: f64) -> IndividualChange {
    IndividualChange::by_reliability("y", Better::Lower, Reliability::test_retest(value))
}

fn norm(of: &Value) -> Norm {
    Norm::new(number(&of["mean"]), number(&of["sd"]))
}

/// Index and class of each patient by each method, the cut-offs, and the arms compared.
#[test]
fn every_method_is_that_of_the_r_package() {
    let of_r = reference("change/individual_change.json");
    let (hamd, fev) = (antidepressant(), fev());
    let mut comparisons = vec![];
    for expected in rows(&of_r["results"]) {
        let (trial, score, baseline, visit) = match text(&expected["case"]) {
            "hamd" => (&hamd, "HAMDTL17", "BASVAL", "7"),
            _ => (&fev, "FEV1", "FEV1_BL", "VIS4"),
        };
        let method: ReliableChangeMethod = text(&expected["method"]).parse().unwrap();
        // The package has nobody harmed by Hageman and Arrindell's method.
        let scheme = if method == ReliableChangeMethod::HagemanArrindell { ClassScheme::Four } else { ClassScheme::Five };
        let better = text(&expected["better"]).parse().unwrap();
        let clinical = norm(&expected["clinical"]);
        let found = IndividualChange::by_reliability(score, better, Reliability::test_retest(number(&expected["reliability"])))
            .method(method)
            .sd(Spread::Stated(clinical.sd))
            .clinical(clinical)
            .functional(norm(&expected["functional"]))
            .cut_off(text(&expected["cut_off"]).parse().unwrap())
            .classes(scheme)
            .evaluate_at(trial, &BaselineFrom::Covariate(baseline.into()), &[visit])
            .unwrap();
        let at = 0;
        let mut case = Comparison::of(format!("{} {} {}", expected["case"], expected["method"], expected["cut_off"]));
        let cut = found.yardsticks[at].as_ref().unwrap().cut_off.unwrap();
        case.relative("cut-off", cut, number(&expected["value"]), 1e-13);
        let observed = (0..found.patients.len()).filter(|&i| found.change(i, at).class.is_some()).count();
        case.same("observed", observed, rows(&expected["patients"]).len());
        for (k, patient) in rows(&expected["patients"]).iter().enumerate() {
            let i = found.patients.iter().position(|p| p == text(patient)).unwrap();
            let change = found.change(i, at);
            case.within(text(patient), change.index, number(&expected["index"][k]), 1e-11);
            case.same(text(patient), change.class.unwrap().name(), text(&expected["classes"][k]));
        }
        let test = &found.compare(&RateOptions::new([Unobserved::ObservedOnly]).visits([visit])).unwrap().tests[0].test;
        case.relative("Kruskal–Wallis", test.statistic, number(&expected["test"]["statistic"]), 1e-11);
        case.relative("p", test.p, number(&expected["test"]["p"]), 1e-11);
        comparisons.push(case);
    }
    assert_eq!(comparisons.len(), 20);
    assert_all(comparisons);
}

/// CAPS-5 with test–retest reliability .78 and SD 10: 13.0 points, as Marx et al. (2022) print; their 12 and 13 points.
#[test]
fn published_thresholds_of_the_caps_5() {
    let schedule = Schedule::of_labels(["t0", "t1"]).with_baseline("t0").unwrap();
    let changes = [-20.0, -13.0, -12.9, -12.0, -11.0, 0.0, 12.0, 13.5, NA];
    let scores = changes.iter().flat_map(|c| [40.0, 40.0 + c]).collect();
    let trial = invented(&["only"], vec![0; 9], schedule).outcome(outcome("caps5", scores)).build().unwrap();
    let count = |change: IndividualChange| {
        let rates = change.evaluate(&trial).unwrap().rates(&RateOptions::new([Unobserved::ObservedOnly])).unwrap();
        assert!(rates.rows.iter().all(|r| (r.observed, r.randomized, r.of) == (8, 9, 8)));
        rates.rows.iter().map(|r| r.met).collect::<Vec<_>>()
    };
    assert_eq!(count(IndividualChange::caps5_12_points()), [4, 2, 2]);
    assert_eq!(count(IndividualChange::caps5_13_points()), [2, 5, 1]);
    // 1.96 × 10 × √0.44 = 13.001: a change of 13 points does not exceed it.
    assert_eq!(count(IndividualChange::caps5_retest()), [1, 6, 1]);
    let mut higher = IndividualChange::caps5_12_points();
    higher.better = Better::Higher;
    assert_eq!(count(higher), [2, 2, 4]);
    let band = IndividualChange::caps5_retest().evaluate(&trial).unwrap().yardsticks[0].clone().unwrap();
    assert_eq!(format!("{:.1}", band.half_width), "13.0");
    let printed = IndividualChange::caps5_12_points().evaluate(&trial).unwrap().to_string();
    assert!(printed.contains("at least 12 points (Marx et al. 2022)"), "{printed}");
    let printed = IndividualChange::caps5_retest().evaluate(&trial).unwrap().notes().join(" ");
    assert!(printed.contains("beyond 1.96, test–retest reliability 0.78 (Weathers et al. 2018), SD 10.00 (stated)"), "{printed}");
}

/// Functional mean 60, clinical mean 40, both with SD 7.5: cut-offs 55, 45 and 50; a change from 32.5 to 47.5 with reliability
/// .80 has S_E = 3.35, S_diff = 4.74 and an index of 3.16, and reaches b but not c.
#[test]
fn two_populations_of_one_spread_have_their_midpoint_between_them() {
    let trial = trial(&["only"], &[0], &[(32.5, 47.5)]);
    let change = IndividualChange::by_reliability("y", Better::Higher, Reliability::test_retest(0.8))
        .sd(Spread::Stated(7.5))
        .clinical(Norm::new(40.0, 7.5))
        .functional(Norm::new(60.0, 7.5));
    let at = |cut: CutOff| {
        let found = change.clone().cut_off(cut).evaluate(&trial).unwrap();
        (found.yardsticks[0].clone().unwrap(), found.change(0, 0))
    };
    for (cut, score, class) in
        [(CutOff::A, 55.0, ChangeClass::Improved), (CutOff::B, 45.0, ChangeClass::Recovered), (CutOff::C, 50.0, ChangeClass::Improved)]
    {
        let (band, found) = at(cut);
        assert_eq!((band.cut_off, found.class), (Some(score), Some(class)), "{cut}");
        assert_eq!(format!("{:.2} {:.2}", band.standard_error, found.index), "4.74 3.16");
    }
    // Both directions are mirror images.
    let mirrored = self::trial(&["only"], &[0], &[(-32.5, -47.5)]);
    let mut lower = change;
    lower.better = Better::Lower;
    let lower = lower.clinical(Norm::new(-40.0, 7.5)).functional(Norm::new(-60.0, 7.5));
    for (cut, score) in [(CutOff::A, -55.0), (CutOff::B, -45.0), (CutOff::C, -50.0)] {
        let found = lower.clone().cut_off(cut).evaluate(&mirrored).unwrap();
        assert_eq!((found.yardsticks[0].as_ref().unwrap().cut_off, found.change(0, 0).class), (Some(score), at_class(cut)));
    }
    fn at_class(cut: CutOff) -> Option<ChangeClass> {
        Some(if cut == CutOff::B { ChangeClass::Recovered } else { ChangeClass::Improved })
    }
}

/// b has the spread of the functional population, c leans to the narrower one.
#[test]
fn cut_offs_of_populations_of_unequal_spread() {
    let trial = trial(&["only"], &[0], &[(40.0, 10.0)]);
    let change = retest(0.8).sd(Spread::Stated(9.0)).clinical(Norm::new(40.0, 9.0)).functional(Norm::new(10.0, 6.0));
    let cut = |cut: CutOff| change.clone().cut_off(cut).evaluate(&trial).unwrap().yardsticks[0].as_ref().unwrap().cut_off;
    assert_eq!(cut(CutOff::A), Some(22.0));
    assert_eq!(cut(CutOff::B), Some(22.0));
    assert_eq!(cut(CutOff::C), Some((9.0 * 10.0 + 6.0 * 40.0) / 15.0));
    // A stated score counts itself as functional.
    let at = |score: f64| change.clone().cut_off(CutOff::Score(score)).evaluate(&trial).unwrap().change(0, 0).class;
    assert_eq!((at(10.0), at(9.99)), (Some(ChangeClass::Recovered), Some(ChangeClass::Improved)));
}

/// Without error of measurement any change is reliable, by every method; without reliability the baseline says nothing.
#[test]
fn reliabilities_of_one_and_of_none() {
    let trial = trial(&["a"], &[0; 5], &[(40.0, 39.9), (30.0, 30.0), (35.0, 35.1), (44.0, 20.0), (28.0, 31.0)]);
    for method in ReliableChangeMethod::CHOICES.iter().map(|choice| choice.value) {
        let found = retest(1.0).method(method).evaluate(&trial).unwrap();
        let classes: Vec<_> = (0..5).map(|i| found.change(i, 0).class.unwrap()).collect();
        use ChangeClass::{Deteriorated, Improved, Unchanged};
        if method == ReliableChangeMethod::HsuLinnLord {
            // Their change is relative to that of all patients.
            assert!(!classes.contains(&Unchanged), "{method}");
        } else {
            assert_eq!(classes, [Improved, Unchanged, Deteriorated, Improved, Deteriorated], "{method}");
        }
    }
    let none = |method: ReliableChangeMethod| retest(0.0).method(method).sd(Spread::Stated(8.0)).evaluate(&trial);
    let mean = 177.0 / 5.0;
    for method in [ReliableChangeMethod::GulliksenLordNovick, ReliableChangeMethod::EdwardsNunnally] {
        let found = none(method).unwrap();
        assert!((0..5).all(|i| (found.change(i, 0).index - (mean - found.change(i, 0).after) / 8.0).abs() < 1e-12), "{method}");
    }
    let refused = none(ReliableChangeMethod::HagemanArrindell).unwrap_err();
    assert_eq!(refused.code(), "not-defined");
    assert!(refused.to_string().contains("vary no more than error of measurement"), "{refused}");
}

#[test]
fn the_standard_deviation_is_the_one_that_is_named() {
    let trial = trial(&["a", "b"], &[0, 0, 0, 1, 1], &[(20.0, 1.0), (24.0, NA), (31.0, 2.0), (40.0, 3.0), (48.0, NA)]);
    let sd = |sd: Spread| retest(0.5).sd(sd).evaluate(&trial).unwrap().sd.unwrap();
    // Squares 62 around 25 and 32 around 44; 527.2 around 32.6.
    assert!((sd(Spread::BaselinePooled) - (94.0f64 / 3.0).sqrt()).abs() < 1e-12);
    assert!((sd(Spread::BaselineWhole) - (527.2f64 / 4.0).sqrt()).abs() < 1e-12);
    assert!((sd(Spread::BaselineOfArm("b".into())) - 32f64.sqrt()).abs() < 1e-12);
    assert_eq!(sd(Spread::Stated(7.0)), 7.0);
    let clinical = |sd: Spread| retest(0.5).sd(sd).cut_off(CutOff::A).evaluate(&trial).unwrap().clinical.unwrap().mean;
    assert_eq!((clinical(Spread::BaselinePooled), clinical(Spread::BaselineOfArm("a".into()))), (32.6, 25.0));
    assert_eq!(retest(0.5).sd(Spread::BaselineOfArm("c".into())).evaluate(&trial).unwrap_err().code(), "unknown-name");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let trial = trial(&["a"], &[0, 0, 0], &[(40.0, 39.0), (30.0, 31.0), (35.0, 20.0)]);
    let code = |change: IndividualChange| change.evaluate(&trial).unwrap_err().code();
    for points in [0.0, -1.0, NA, f64::INFINITY] {
        assert_eq!(code(IndividualChange::by_points("y", Better::Lower, points, "")), "out-of-range", "{points}");
    }
    for reliability in [-0.1, 1.4, NA] {
        assert_eq!(code(retest(reliability)), "out-of-range");
    }
    assert!(retest(85.0).evaluate(&trial).unwrap_err().to_string().contains("write 0.85 for 85%"));
    assert_eq!(code(retest(0.8).level(95.0)), "out-of-range");
    assert_eq!(code(retest(0.8).sd(Spread::Stated(0.0))), "out-of-range");
    assert_eq!(code(retest(0.8).functional(Norm::new(5.0, -1.0))), "out-of-range");
    assert_eq!(code(retest(0.8).cut_off(CutOff::C)), "incomplete-request");
    assert_eq!(code(retest(0.8).cut_off(CutOff::Score(NA))), "not-finite");
    let but = |alter: fn(&mut IndividualChange)| {
        let mut change = retest(0.8);
        alter(&mut change);
        code(change)
    };
    assert_eq!(but(|change| change.reliability = None), "incomplete-request");
    let points = |change: &mut IndividualChange| change.reliable_change = IndividualChange::caps5_12_points().reliable_change;
    assert_eq!(but(points), "conflicting-settings");
    assert_eq!(but(|change| change.outcome = "z".into()), "unknown-name");
    let constant = self::trial(&["a"], &[0, 0], &[(40.0, 39.0), (40.0, 31.0)]);
    assert!(retest(0.8).evaluate(&constant).unwrap_err().to_string().contains("no standard deviation"));
    let schedule = Schedule::of_labels(["before", "after"]);
    let without = invented(&["a"], vec![0], schedule).outcome(outcome("y", vec![1.0, 2.0])).build().unwrap();
    assert_eq!(retest(0.8).evaluate(&without).unwrap_err().code(), "no-baseline");
}

/// Nine patients of three arms: of the last nobody was observed; one has no baseline, one left.
fn three_arms() -> IndividualChanges {
    let pairs = [(40.0, 10.0), (38.0, 30.0), (42.0, 41.0), (36.0, NA), (39.0, 12.0), (35.0, 50.0), (NA, 20.0), (41.0, NA), (37.0, NA)];
    let trial = trial(&["control", "new", "left"], &[0, 0, 0, 0, 1, 1, 1, 2, 2], &pairs);
    IndividualChange::by_points("y", Better::Lower, 8.0, "stated").cut_off(CutOff::Score(12.0)).evaluate(&trial).unwrap()
}

#[test]
fn the_unobserved_are_counted_as_they_are_said_to_be() {
    let found = three_arms();
    let every = [Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds, Unobserved::LastObserved];
    let rates = found.rates(&RateOptions::new(every)).unwrap();
    let of = |category: ChangeCategory, arm: usize, unobserved: Assumption| {
        let row = rates.rows.iter().find(|r| r.category == category && r.arm.index == arm && r.unobserved == unobserved).unwrap();
        assert_eq!((row.observed, row.randomized), [(3, 4), (2, 3), (0, 2)][arm]);
        (row.met, row.of)
    };
    use ChangeCategory::{Deteriorated, Improved, Recovered, RecoveredOrImproved, Unchanged};
    for (category, control, new) in
        [(Recovered, 1, 1), (Improved, 1, 0), (RecoveredOrImproved, 2, 1), (Unchanged, 1, 0), (Deteriorated, 0, 1)]
    {
        assert_eq!(of(category, 0, Assumption::ObservedOnly), (control, 3));
        assert_eq!(of(category, 0, Assumption::CountedAsNotMet), (control, 4));
        assert_eq!(of(category, 0, Assumption::Lowest), (control, 4));
        assert_eq!(of(category, 0, Assumption::Highest), (control + 1, 4));
        assert_eq!(of(category, 1, Assumption::ObservedOnly), (new, 2));
        assert_eq!(of(category, 1, Assumption::Highest), (new + 1, 3));
        assert_eq!(of(category, 2, Assumption::ObservedOnly), (0, 0));
    }
    // As last observed, who left has not changed; without a baseline nothing is known.
    assert_eq!((of(Unchanged, 0, Assumption::LastObserved), of(Unchanged, 1, Assumption::LastObserved)), ((2, 4), (0, 2)));
    assert_eq!(of(Unchanged, 2, Assumption::LastObserved), (2, 2));

    let compared = found.compare(&RateOptions::new(every).reference("new")).unwrap();
    let row = |arm: usize, unobserved: Assumption| {
        let is = |r: &&trialstats::change::ChangeComparison| r.category == Recovered && r.arm.index == arm && r.unobserved == unobserved;
        compared.rows.iter().find(is).unwrap()
    };
    let low = row(0, Assumption::Lowest);
    assert_eq!(((low.in_arm.met, low.in_arm.of), (low.in_reference.met, low.in_reference.of)), ((1, 4), (2, 3)));
    assert!(row(2, Assumption::ObservedOnly).difference.estimate.is_nan());
    assert!((row(0, Assumption::CountedAsNotMet).difference.estimate - (0.25 - 1.0 / 3.0)).abs() < 1e-15);
    // One test for each assumption but the bounds; a third arm of nobody costs its degree of freedom.
    let tests: Vec<_> = compared.tests.iter().map(|t| (t.unobserved, t.patients, t.test.df)).collect();
    assert_eq!(tests, [(Assumption::ObservedOnly, 5, 1.0), (Assumption::CountedAsNotMet, 9, 2.0), (Assumption::LastObserved, 8, 2.0)]);
    assert!(found.rates(&RateOptions::new([])).is_err() && found.rates(&RateOptions::new([Unobserved::Imputed])).is_err());
    assert!(compared.to_string().contains("Newcombe") && rates.to_string().contains("Wilson"));
    assert!(found.compare(&RateOptions::new(every).reference("none")).is_err());
}

#[test]
fn one_arm_has_rates_and_no_comparison() {
    let found =
        IndividualChange::by_points("y", Better::Lower, 5.0, "").evaluate(&trial(&["only"], &[0, 0], &[(10.0, 2.0), (10.0, 9.0)])).unwrap();
    let options = RateOptions::new([Unobserved::ObservedOnly]);
    assert_eq!(found.rates(&options).unwrap().rows.len(), 3);
    assert_eq!(found.compare(&options).unwrap_err().code(), "nothing-to-compare");
}

fn drop(better: Better, at_least: f64) -> Rule {
    match better {
        Better::Lower => Rule::point_drop("y", at_least),
        Better::Higher => Rule::point_rise("y", at_least),
    }
}

fn scores() -> impl Strategy<Value = Vec<(usize, f64, f64)>> {
    let score = prop_oneof![8 => (0..60i32).prop_map(f64::from), 1 => Just(NA)];
    let patients = prop::collection::vec((0..3usize, score.clone(), score), 4..40);
    // Every arm has a patient.
    patients.prop_map(|all| all.into_iter().enumerate().map(|(i, of)| (if i < 3 { i } else { of.0 }, of.1, of.2)).collect())
}

proptest! {
    /// A curve at a cut-off is the rate of who dropped or rose by at least so much; it falls, and begins with all observed.
    #[test]
    fn a_curve_is_the_rate_of_every_definition(scores in scores(), better in prop_oneof![Just(Better::Lower), Just(Better::Higher)]) {
        let arm_of: Vec<usize> = scores.iter().map(|s| s.0).collect();
        let pairs: Vec<_> = scores.iter().map(|s| (s.1, s.2)).collect();
        prop_assume!(pairs.iter().any(|(b, a)| !b.is_nan() && !a.is_nan()));
        let trial = trial(&["a", "b", "c"], &arm_of, &pairs);
        for (unobserved, assumption) in
            [(Unobserved::CountedAsNotMet, Assumption::CountedAsNotMet), (Unobserved::ObservedOnly, Assumption::ObservedOnly)]
        {
            let options = CurveOptions::new("y", better).unobserved(assumption);
            let curves = responder_curves(&trial, &options).unwrap();
            for arm in 0..3 {
                let points: Vec<_> = curves.of_arm(arm).collect();
                prop_assert_eq!(points[0].met, curves.observed[arm].met);
                prop_assert!(points.windows(2).all(|p| p[0].cut_off < p[1].cut_off && p[0].met >= p[1].met));
            }
            let rounded = responder_curves(&trial, &options.steps(CurveSteps::Rounded)).unwrap();
            prop_assert!(rounded.rows.len() <= 3 * 40);
            for point in curves.rows.iter().chain(&rounded.rows).filter(|p| p.cut_off > 0.0) {
                let rates = Definition::new("r", drop(better, point.cut_off)).evaluate(&trial).unwrap();
                let rates = rates.rates(&RateOptions::new([unobserved])).unwrap();
                let rate = &rates.rows[point.arm.index];
                prop_assert_eq!((point.met, point.of), (rate.met, rate.of));
                prop_assert!(rate.of == 0 || point.share == rate.rate);
            }
        }
    }

    #[test]
    fn a_curve_in_per_cent_is_the_rate_of_every_drop(scores in scores(), floor in 0..5i32) {
        let arm_of: Vec<usize> = scores.iter().map(|s| s.0).collect();
        let pairs: Vec<_> = scores.iter().map(|s| (s.1, s.2)).collect();
        let floor = f64::from(floor);
        prop_assume!(pairs.iter().any(|(b, a)| *b > floor && !a.is_nan()));
        let trial = trial(&["a", "b", "c"], &arm_of, &pairs);
        let options = CurveOptions::new("y", Better::Lower).scale(CurveScale::Percent).floor(floor).steps(CurveSteps::Rounded);
        let curves = responder_curves(&trial, &options).unwrap();
        for point in curves.rows.iter().filter(|p| (1.0..=100.0).contains(&p.cut_off)) {
            let rule = Rule::percent_drop_from("y", point.cut_off, floor);
            let rates = Definition::new("r", rule).evaluate(&trial).unwrap();
            let rates = rates.rates(&RateOptions::new([Unobserved::CountedAsNotMet])).unwrap();
            prop_assert_eq!((point.met, point.of), (rates.rows[point.arm.index].met, rates.rows[point.arm.index].of));
        }
        let whole = responder_curves(&trial, &options.steps(CurveSteps::Every)).unwrap();
        for arm in 0..3 {
            prop_assert_eq!(whole.of_arm(arm).next().unwrap().met, whole.observed[arm].met);
        }
    }

    /// Of the observed, everyone is in one class, by every method and for both directions; mirrored scores are mirrored classes.
    #[test]
    fn classes_are_exhaustive_and_mirrored(
        scores in scores(),
        reliability in 0.5..1.0f64,
        cut in prop_oneof![Just(CutOff::A), Just(CutOff::B), Just(CutOff::C), (0..60i32).prop_map(|s| CutOff::Score(f64::from(s)))],
        method in prop::sample::select(ReliableChangeMethod::CHOICES.iter().map(|c| c.value).collect::<Vec<_>>()),
        scheme in prop_oneof![Just(ClassScheme::Four), Just(ClassScheme::Five)],
    ) {
        let arm_of: Vec<usize> = scores.iter().map(|s| s.0).collect();
        let mirror = |sign: f64| {
            let pairs: Vec<_> = scores.iter().map(|s| (sign * s.1, sign * s.2)).collect();
            let cut = if let CutOff::Score(score) = cut { CutOff::Score(sign * score) } else { cut };
            let mut change = retest(reliability);
            change.better = if sign > 0.0 { Better::Lower } else { Better::Higher };
            let change = change.sd(Spread::Stated(9.0)).clinical(Norm::new(sign * 35.0, 9.0)).functional(Norm::new(sign * 10.0, 7.0));
            change.cut_off(cut).method(method).classes(scheme).evaluate(&trial(&["a", "b", "c"], &arm_of, &pairs))
        };
        let (Ok(found), mirrored) = (mirror(1.0), mirror(-1.0)) else {
            // The only refusal is that of Hageman and Arrindell's index where scores vary too little.
            prop_assert_eq!(method, ReliableChangeMethod::HagemanArrindell);
            return Ok(());
        };
        let mirrored = mirrored.unwrap();
        for i in 0..scores.len() {
            prop_assert_eq!(found.change(i, 0).class, mirrored.change(i, 0).class);
        }
        let rates = found.rates(&RateOptions::new([Unobserved::ObservedOnly])).unwrap();
        for arm in 0..3 {
            let own = rates.rows.iter().filter(|r| r.arm.index == arm && r.category != ChangeCategory::RecoveredOrImproved);
            let (sum, of) = own.fold((0, 0), |(sum, _), r| (sum + r.met, r.of));
            prop_assert_eq!(sum, of);
        }
    }
}

/// A point of a curve is what R's `mean(improvement >= cut)` is; by hand for five patients.
#[test]
fn curves_by_hand() {
    let trial = trial(&["a", "b"], &[0, 0, 0, 1, 1], &[(20.0, 10.0), (20.0, 15.0), (20.0, NA), (10.0, 12.0), (20.0, 5.0)]);
    let curves = responder_curves(&trial, &CurveOptions::new("y", Better::Lower)).unwrap();
    let of = |arm: usize| curves.of_arm(arm).map(|p| (p.cut_off, p.met, p.of)).collect::<Vec<_>>();
    assert_eq!(of(0), [(-2.0, 2, 3), (5.0, 2, 3), (10.0, 1, 3), (15.0, 0, 3)]);
    assert_eq!(of(1), [(-2.0, 2, 2), (5.0, 1, 2), (10.0, 1, 2), (15.0, 1, 2)]);
    let last = curves.at(15.0, 1).unwrap();
    assert!((last.difference.estimate - 0.5).abs() < 1e-15 && last.difference.lower < 0.0);
    assert!(curves.at(15.0, 0).unwrap().difference.estimate.is_nan());
    assert!(curves.to_string().contains("counted as not reaching any cut-off"));
    assert_eq!(curves.columns().len(), 10);
    let refused = |options: CurveOptions| responder_curves(&trial, &options).unwrap_err().code();
    let options = || CurveOptions::new("y", Better::Lower);
    assert_eq!(refused(options().unobserved(Assumption::Highest)), "not-available");
    assert_eq!(refused(options().visit("never")), "unknown-name");
    assert_eq!(refused(options().reference("c")), "unknown-name");
    assert_eq!(refused(options().level(1.0)), "out-of-range");
    assert_eq!(refused(options().floor(NA)), "not-finite");
    let nobody = self::trial(&["a"], &[0], &[(1.0, NA)]);
    assert_eq!(responder_curves(&nobody, &options()).unwrap_err().code(), "no-data");
}
