//! Sample sizes estimated again from blinded data: the distribution of n, power, and the type I error.

use trialstats::Model;
use trialstats::analysis::{Plan, Silent};
use trialstats::study::analytic::{Ask, Mmrm, PowerFormula};
use trialstats::study::{
    ArmTruth, BlindedReview, BlindedVariance, Compared, Correlation, MissingTruth, Procedure, Reestimated, Reestimation, StudyFile,
    StudySettings, TrialTruth,
};

/// A trial planned with 90 patients for a difference of 0.6 standard deviations, where the standard deviation is `sd`.
fn truth(sd: f64) -> TrialTruth {
    TrialTruth::new(["0", "1", "2"], [sd, sd, sd], Correlation::Exchangeable(0.5))
        .arm(ArmTruth::new("a", 45, [0.0, 0.0, 0.0]))
        .arm(ArmTruth::new("b", 45, [0.0, 0.3, 0.6]))
        .missing(MissingTruth::left_by_end(0.15))
}

fn procedure() -> Procedure {
    let model = Model::formula("y ~ baseline * visit + arm * visit").expect("a formula");
    Procedure::new("primary", model).contrast(Compared::new("b", "a", "2"))
}

fn study(truth: &TrialTruth, review: Reestimation, trials: u64) -> Reestimated {
    review.study(truth, &procedure(), (0.8, 0.05), 8, trials).expect("a study")
}

/// The number that the truth itself asks for.
fn needed(truth: &TrialTruth) -> f64 {
    let design = Mmrm::given_baseline(truth.covariance(), truth.missing.curve(3)[1..].to_vec()).expect("a design");
    2.0 * design.solve(&Ask::patients_for(0.6, 0.8)).expect("a number").exact[0]
}

/// Where the standard deviation is larger than planned the trial grows to what it needs, and has its power; without an effect
/// the level stays. 300 trials, 3.5 Monte-Carlo errors.
#[test]
fn a_trial_grows_to_what_it_needs() {
    const TRIALS: u64 = 300;
    let truth = truth(1.3);
    let found = study(&truth, Reestimation::at(0.5).limits(0.5, 4.0), TRIALS);
    assert_eq!((found.planned, found.reviewed, found.limits, found.difference), (90, 45, (45, 360), 0.6));
    let [assumed, none] = [&found.rows[0], &found.rows[1]];
    assert_eq!((assumed.answered, none.answered), (TRIALS as usize, TRIALS as usize));
    // The median: variances of 45 patients have a relative spread of about 2/√(2·45), and those of everyone are larger by δ²/4.
    let (median, due) = (assumed.quantiles[2] as f64, needed(&truth));
    let inflated = due * (1.0 + 0.09 / (1.69 * 0.75));
    assert!((median / inflated - 1.0).abs() < 0.08, "a median of {median}, {due} needed, {inflated} with the difference");
    assert!((none.quantiles[2] as f64 / due - 1.0).abs() < 0.08, "a median of {} for {due}", none.quantiles[2]);
    assert!(assumed.quantiles.windows(2).all(|w| w[0] <= w[1]) && assumed.sd > 10.0);
    assert!((assumed.successes.share - 0.8).abs() < 3.5 * assumed.successes.error + 0.02, "{found}");
    assert!(assumed.fixed.share < assumed.successes.share - 0.1, "{found}");
    let level = 3.5 * (0.05 * 0.95 / TRIALS as f64).sqrt();
    assert!((none.successes.share - 0.05).abs() < level && (none.fixed.share - 0.05).abs() < level, "{found}");
    // Less the difference assumed, fewer.
    let by = |variance: BlindedVariance| study(&truth, Reestimation::at(0.5).limits(0.5, 4.0).variance(variance), 40);
    let (adjusted, lumped) = (by(BlindedVariance::Adjusted), by(BlindedVariance::OneSample));
    assert!(adjusted.rows.iter().zip(&lumped.rows).all(|(less, more)| less.mean < more.mean - 5.0), "{adjusted}");
}

/// Where nothing may change nothing does: the answers are those of the planned number, and the number is the planned one.
#[test]
fn without_room_the_trial_stays_as_planned() {
    let found = study(&truth(1.0), Reestimation::at(0.5).limits(1.0, 1.0), 60);
    for row in &found.rows {
        assert_eq!((row.quantiles, row.sd, row.mean), ([90; 5], 0.0, 90.0));
        assert_eq!((row.successes, row.at_most.share), (row.fixed, 1.0));
    }
}

/// The review within a study is the one made of the trial's own patients.
#[test]
fn the_review_is_that_of_the_patients_who_have_finished() {
    let truth = truth(1.2);
    let found = study(&truth, Reestimation::at(0.6).limits(0.6, 5.0), 2);
    let by_hand = |number: u64| {
        // As many as there may be; of these, the first 54 in the order of entry: 27 of either arm.
        let trial = truth.with_patients(450).trial(8, number).expect("a trial");
        let first: Vec<usize> = (0..27).chain(225..252).collect();
        let review = BlindedReview::of(&trial.part(&first).expect("a part"), "y").expect("a review");
        let answer = review.patients(0.6, 0.8, 0.05).expect("a number");
        (2.0 * answer.exact[0]).ceil() as usize
    };
    let (a, b) = (by_hand(0), by_hand(1));
    let row = &found.rows[0];
    assert_eq!((row.quantiles[0], row.quantiles[4]), (a.min(b), a.max(b)));
}

/// Who has entered by the review stays; the same bits for any number of threads; and the report has it.
#[test]
fn a_study_reviews_its_trials() {
    let mut settings = StudySettings::default();
    let mut review = Reestimation::at(0.5).difference(0.9);
    // 45 have finished at 44/15 + 2, when all but 15 of the 90 have entered.
    review.accrual = Some(15.0);
    review.least = 0.1;
    (settings.trials, settings.reestimation, settings.power) = (40, Some(review), 0.8);
    let file = StudyFile::new(Plan::new("y"), truth(1.0), settings).expect("a study");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| file.run(&Silent)).expect("a result")
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one.reestimated, three.reestimated);
    let found = one.reestimated.as_ref().expect("a review");
    // A difference of 0.9 needs fewer than have entered.
    assert_eq!(found.rows[0].quantiles, [75; 5]);
    let document = file.document(&one).to_text(110);
    for said in ["Sample size estimated again", "80% power", "type I error"] {
        assert!(document.contains(said), "the document lacks {said}:\n{document}");
    }
}

#[test]
fn impossible_reviews_say_why() {
    let says = |review: Reestimation| review.study(&truth(1.0), &procedure(), (0.8, 0.05), 1, 5).expect_err("refused").to_string();
    assert!(says(Reestimation::at(0.0)).contains("review"));
    assert!(says(Reestimation::at(0.5).limits(2.0, 1.0)).contains("least"));
    assert!(says(Reestimation::at(0.5).difference(0.0)).contains("difference"));
    let none = Reestimation::at(0.5).study(&truth(1.0).with_effect(0.0), &procedure(), (0.8, 0.05), 1, 5);
    assert!(none.expect_err("refused").to_string().contains("do not differ"));
}
