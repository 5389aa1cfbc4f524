//! Hypotheses of a plan across outcomes and visits.

use crate::common::{antidepressant, fev, three_arms};
use trialstats::analysis::{Hypothesis, Multiplicity, Plan, Silent};
use trialstats::means::{ArmComparisons, ContrastOptions};
use trialstats::multiplicity::{Graph, Procedure};
use trialstats::{Covariance, Error, Tabular};

fn plan() -> Plan {
    Plan::new("CHANGE").secondary("HAMATOTL").at("7").formula("BASVAL * VISIT + THERAPY * VISIT").unwrap()
}

#[test]
fn hypotheses_have_the_p_values_of_their_contrasts_and_the_decisions_of_the_procedure() {
    let trial = antidepressant();
    let graph = Multiplicity::new(Procedure::Graph)
        .hypothesis(Hypothesis::new("HAMD").weight(1.0).passing("HAMD at 6", 0.5).passing("HAMA", 0.5))
        .hypothesis(Hypothesis::new("HAMD at 6").at("6").passing("HAMA", 1.0))
        .hypothesis(Hypothesis::new("HAMA").outcome("HAMATOTL").passing("HAMD at 6", 1.0));
    let result = plan().multiplicity(graph).run(&trial, &Silent).unwrap();
    let found = result.multiplicity.as_ref().unwrap();
    let p = |outcome: usize, visit: &str| {
        let table = result.outcomes[outcome].fit.arm_contrasts(&ContrastOptions::default().visits([visit])).unwrap();
        table.rows[0].estimate.p
    };
    let by_hand = [p(0, "7"), p(0, "6"), p(1, "7")];
    assert_eq!(found.rows.iter().map(|r| r.estimate.p).collect::<Vec<_>>(), by_hand);
    let transitions = vec![vec![0.0, 0.5, 0.5], vec![0.0, 0.0, 1.0], vec![0.0, 1.0, 0.0]];
    let decided = Graph::new(vec![1.0, 0.0, 0.0], transitions).unwrap().test(&by_hand, 0.05).unwrap();
    for (row, (adjusted, order)) in found.rows.iter().zip(decided.adjusted.iter().zip(decided.order)) {
        assert_eq!((row.p_adjusted, row.order, row.rejected), (*adjusted, order, order.is_some()));
    }
    assert_eq!((found.alpha, found.rows[2].outcome.as_str(), found.rows[1].visit.as_str()), (0.05, "HAMATOTL", "6"));
    assert_eq!(found.rejected()[0], "HAMD");
    let text = found.to_string();
    assert!(text.contains("graphical procedure") && text.contains("DRUG - PLACEBO"), "{text}");
    // What is written for programs.
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(json["multiplicity"]["rows"][1]["name"], "HAMD at 6");
    assert_eq!(json["multiplicity"]["procedure"], "graph");
}

#[test]
fn a_fixed_sequence_stops_where_a_hypothesis_stays() {
    // At the first visit the arms hardly differ: what comes after it is not looked at.
    let trial = antidepressant();
    let sequence = ["7", "4", "6"]
        .into_iter()
        .fold(Multiplicity::new(Procedure::FixedSequence), |m, visit| m.hypothesis(Hypothesis::new(visit).at(visit)));
    let found = plan().multiplicity(sequence).run(&trial, &Silent).unwrap().multiplicity.unwrap();
    assert_eq!(found.rows.iter().map(|r| r.rejected).collect::<Vec<_>>(), [true, false, false]);
    let p: Vec<f64> = found.rows.iter().map(|r| r.estimate.p).collect();
    assert!(p[1] > 0.05 && p[2] < 0.05);
    assert_eq!(found.rows[2].p_adjusted, p[1]);
    assert_eq!(found.rows.iter().map(|r| r.weight).collect::<Vec<_>>(), [1.0, 0.0, 0.0]);
}

#[test]
fn with_three_arms_a_hypothesis_names_its_own() {
    let trial = three_arms();
    let plan = Plan::new("y").at("v2").formula("age + arm * visit").unwrap().covariance(Covariance::CompoundSymmetry);
    let holm = Multiplicity::new(Procedure::Holm)
        .alpha(0.1)
        .hypothesis(Hypothesis::new("B").arms("B", "A").weight(0.7))
        .hypothesis(Hypothesis::new("C against B").arms("C", "B").weight(0.3));
    let result = plan.clone().multiplicity(holm).run(&trial, &Silent).unwrap();
    let found = result.multiplicity.as_ref().unwrap();
    let pairwise = result.outcomes[0].fit.arm_contrasts(&ContrastOptions::default().visits(["v2"]).arms(ArmComparisons::Pairwise)).unwrap();
    let direct = pairwise.between("C", "B", "v2").unwrap();
    assert_eq!(found.rows[1].compared.to_string(), "C - B");
    assert!((found.rows[1].estimate.estimate - direct.estimate.estimate).abs() < 1e-12);
    assert_eq!(found.alpha, 0.1);
    let unnamed = plan.multiplicity(Multiplicity::new(Procedure::Holm).hypothesis(Hypothesis::new("some arm")));
    let error = unnamed.check(&trial).expect_err("which arm?").to_string();
    assert!(error.contains("2 arms can be compared with A") && error.contains("arm = \"B\""), "{error}");
}

#[test]
fn what_is_wrong_is_told_with_its_key() {
    let trial = fev();
    let refusals = |multiplicity: Multiplicity| {
        let plan = Plan::new("FEV1").at("VIS4").formula("ARMCD * AVISIT").unwrap().multiplicity(multiplicity);
        match plan.check(&trial).expect_err("it is wrong") {
            Error::Plan(problems) => problems.0.into_iter().map(|p| (p.key, p.code, p.message)).collect::<Vec<_>>(),
            other => panic!("{other}"),
        }
    };
    let one = |hypothesis: Hypothesis| Multiplicity::new(Procedure::Holm).hypothesis(hypothesis);
    let two = |procedure, a: Hypothesis, b: Hypothesis| Multiplicity::new(procedure).hypothesis(a).hypothesis(b);
    for (multiplicity, code, says) in [
        (Multiplicity::new(Procedure::Holm), "nothing-to-compare", "there are no hypotheses"),
        (one(Hypothesis::new("a").outcome("FEV")), "unknown-name", "did you mean `FEV1`?"),
        (one(Hypothesis::new("a").at("VIS5")), "unknown-name", "VIS5"),
        (one(Hypothesis::new("a").arms("TRTT", "PBO")), "unknown-name", "did you mean `TRT`?"),
        (one(Hypothesis::new("a").arms("PBO", "PBO")), "nothing-to-compare", "compared with itself"),
        (one(Hypothesis::new("")), "incomplete-request", "has no name"),
        (one(Hypothesis::new("a")).alpha(5.0), "out-of-range", "a familywise level of 5"),
        (one(Hypothesis::new("a").passing("a", 1.0)), "conflicting-settings", "choose the procedure `graph`"),
        (two(Procedure::Holm, Hypothesis::new("a"), Hypothesis::new("a")), "named-twice", "`a` is there twice"),
        (two(Procedure::Holm, Hypothesis::new("a").weight(0.5), Hypothesis::new("b")), "incomplete-request", "some have one"),
        (two(Procedure::Holm, Hypothesis::new("a").weight(0.9), Hypothesis::new("b").weight(0.9)), "out-of-range", "sum to more than 1"),
        (two(Procedure::Hochberg, Hypothesis::new("a").weight(0.6), Hypothesis::new("b").weight(0.4)), "not-available", "unequal weights"),
        (two(Procedure::FixedSequence, Hypothesis::new("a").weight(0.5), Hypothesis::new("b")), "conflicting-settings", "fixed sequence"),
        (
            two(Procedure::Graph, Hypothesis::new("a").weight(1.0).passing("bb", 1.0), Hypothesis::new("b")),
            "unknown-name",
            "did you mean `b`?",
        ),
        (
            two(Procedure::Graph, Hypothesis::new("a").weight(1.0).passing("a", 1.0), Hypothesis::new("b")),
            "conflicting-settings",
            "passes on to itself",
        ),
        (two(Procedure::Graph, Hypothesis::new("a").weight(1.0).passing("b", 1.5), Hypothesis::new("b")), "out-of-range", "outside 0 to 1"),
    ] {
        let found = refusals(multiplicity);
        assert!(
            found.iter().any(|(key, c, message)| key.starts_with("multiplicity") && c == code && message.contains(says)),
            "{says}: {found:?}"
        );
    }
}

#[test]
fn a_hypothesis_that_cannot_be_tested_says_why_and_is_not_rejected() {
    // VIS4 is in the schedule, and nobody is seen at it.
    let text: String =
        crate::common::contents(crate::common::FEV).lines().filter(|line| !line.contains("\"VIS4\"")).map(|l| format!("{l}\n")).collect();
    let trial = crate::common::read_text(&crate::common::fev_layout(), "three visits", &text);
    let both =
        Multiplicity::new(Procedure::Holm).hypothesis(Hypothesis::new("third").at("VIS3")).hypothesis(Hypothesis::new("fourth").at("VIS4"));
    let plan = Plan::new("FEV1").at("VIS3").formula("ARMCD * AVISIT").unwrap().multiplicity(both);
    let found = plan.run(&trial, &Silent).unwrap().multiplicity.unwrap();
    let fourth = found.get("fourth").unwrap();
    assert!(!fourth.rejected && fourth.p_adjusted == 1.0 && fourth.not_estimable.is_some(), "{fourth:?}");
    assert!(found.notes().iter().any(|note| note.contains("fourth cannot be tested")), "{:?}", found.notes());
    let third = found.get("third").unwrap();
    assert!((third.p_adjusted - (2.0 * third.estimate.p).min(1.0)).abs() < 1e-12);
}
