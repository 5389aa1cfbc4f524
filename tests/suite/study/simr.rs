//! Power by simulation beside simr and lme4.

use crate::common::{number, reference, rows, text};
use trialstats::study::{ArmTruth, ClusterTruth, Compared, Correlation, Procedure, TrialTruth, replicate};
use trialstats::{Df, Model};

/// Two arms of 10 groups of 6 patients, a random intercept of groups, Satterthwaite's t test: the power is that of simr, and of
/// lme4 with lmerTest, within four Monte-Carlo errors of both sides; and so is the level where there is no effect.
#[test]
fn power_is_that_of_simr() {
    let truth = TrialTruth::new(["before", "after"], [1.0, 1.0], Correlation::Exchangeable(0.3))
        .arm(ArmTruth::new("a", 60, [0.0, 0.0]))
        .arm(ArmTruth::with_effect("b", 60, 0.6))
        .cluster(ClusterTruth::groups("group", "a", 6, 0.1))
        .cluster(ClusterTruth::groups("group", "b", 6, 0.1));
    let model = Model::formula("y ~ arm + (1 | group)").expect("a formula").visits(["after"]).df(Df::Satterthwaite);
    let procedure = [Procedure::new("simr's", model).contrast(Compared::new("b", "a", "after"))];
    let file = reference("planning/simr.json");
    let trials = 400;
    let mut compared = 0;
    for effect in [0.6, 0.0] {
        let drawer = truth.with_effect(effect).drawer().expect("a drawer");
        let found = replicate(&drawer, &procedure, 20261130, 0..trials).expect("trials").characteristics();
        let ours = found.rows[0].successes;
        assert_eq!(found.rows[0].answered(), trials as usize, "{}", found.rows[0].failures_text());
        for case in rows(&file["cases"]).iter().filter(|case| number(&case["effect"]) == effect) {
            let n = number(&case["trials"]);
            let theirs = number(&case["successes"]) / n;
            let error = (ours.error.powi(2) + theirs * (1.0 - theirs) / n).sqrt();
            assert!((ours.share - theirs).abs() < 4.0 * error, "{}: {} for {theirs} (error {error})", text(&case["by"]), ours.share);
            compared += 1;
        }
    }
    assert_eq!(compared, 3);
}
