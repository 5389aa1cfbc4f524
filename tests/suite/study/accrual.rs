//! Sites with their own pace: who enters where and when, and what interim looks at calendar times see.

use trialstats::Model;
use trialstats::analysis::Plan;
use trialstats::analysis::Silent;
use trialstats::study::{
    ArmTruth, Arrivals, ClusterTruth, Compared, Correlation, InterimStudy, Looks, MissingTruth, Procedure, StudyFile, StudySettings,
    TrialTruth,
};

fn truth(patients: usize) -> TrialTruth {
    let mut truth = TrialTruth::new(["0", "3", "6"], [1.0, 1.0, 1.0], Correlation::Exchangeable(0.5))
        .arm(ArmTruth::new("a", patients / 2, [0.0, 0.0, 0.0]))
        .arm(ArmTruth::with_effect("b", patients / 2, 0.6))
        .missing(MissingTruth::left_by_end(0.1));
    truth.times = vec![0.0, 3.0, 6.0];
    truth
}

fn looks(truth: &TrialTruth, looks: &Looks, trials: u64) -> InterimStudy {
    let model = Model::formula("y ~ baseline * visit + arm * visit").expect("a formula");
    let procedure = Procedure::new("primary", model).contrast(Compared::new("b", "a", "6"));
    looks.study(&truth.drawer().expect("a truth"), &procedure, 0.05, 3, trials).expect("looks")
}

/// Each site has the patients due to it, and its members share the intraclass correlation as members of any cluster do: mean
/// squares of three sites over 400 trials.
#[test]
fn sites_have_the_patients_due_to_them_and_their_effects() {
    let own = truth(120).cluster(ClusterTruth::sites("site", [4.0, 2.0, 2.0], 0.1).opens([0.0, 0.0, 5.0]));
    let trial = own.trial(1, 0).expect("a trial");
    let codes = trial.cluster("site").expect("sites").codes().expect("codes").to_vec();
    let of = |site: usize| codes.iter().filter(|code| **code == Some(site)).count();
    // 30 have entered by month 5, 20 and 10; of the 90 after, half and a quarter each; ties go to the first.
    let counts = [of(0), of(1), of(2)];
    assert!(counts.iter().sum::<usize>() == 120 && counts.iter().zip([65, 33, 22]).all(|(n, due)| n.abs_diff(due) <= 1), "{counts:?}");
    for site in 0..3 {
        let arm = |arm: usize| (0..120).filter(|&i| codes[i] == Some(site) && trial.arm_of()[i] == arm).count();
        assert!(arm(0).abs_diff(arm(1)) <= 2, "site {site} takes patients of both arms in turn");
    }
    // Everything but sites the same, the site's effect √0.1 u, u standard normal, is what is left of the difference in means.
    let drawer = own.drawer().expect("a truth");
    let effect = |number: u64| {
        let trial = drawer.trial(7, number).expect("a trial");
        let y = &trial.outcomes()[0];
        let values: Vec<f64> = (0..120).filter(|&i| codes[i] == Some(0)).filter_map(|i| trial.value(y, i, 1)).collect();
        (values.iter().sum::<f64>() / values.len() as f64, values.len() as f64)
    };
    let found: Vec<(f64, f64)> = (0..400).map(effect).collect();
    let mean = found.iter().map(|f| f.0).sum::<f64>() / 400.0;
    let variance = found.iter().map(|f| (f.0 - mean).powi(2)).sum::<f64>() / 399.0;
    let expected = 0.1 + found.iter().map(|f| 0.9 / f.1).sum::<f64>() / 400.0;
    assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / 399.0_f64).sqrt(), "{variance} for {expected}");
}

/// One site that patients enter evenly is the accrual of looks, bit for bit; so is a look at the time when half have finished.
#[test]
fn one_site_is_the_accrual_of_looks() {
    let plain = truth(80);
    let mut by_share = Looks::new([0.5, 1.0]);
    let of_site = looks(&plain.clone().cluster(ClusterTruth::sites("site", [5.0], 0.0)), &by_share, 30);
    by_share.accrual = Some(5.0);
    let of_accrual = looks(&plain, &by_share, 30);
    assert_eq!(of_site, of_accrual);
    // The 40th patient enters at 39/5 and finishes six months later, when 30 more have entered.
    let row = &of_accrual.rows[0];
    assert!((row.time - (39.0 / 5.0 + 6.0)).abs() < 1e-12 && row.finished == 0.5 && row.entered == 70.0, "{row:?}");
    let mut at_time = Looks::at([39.0 / 5.0 + 6.0]);
    at_time.accrual = Some(5.0);
    assert_eq!(looks(&plain, &at_time, 30), of_accrual);
    assert!((of_accrual.rows[1].time - (79.0 / 5.0 + 6.0)).abs() < 1e-12);
}

/// Information at a calendar time: that of a trial of the patients who have finished, and more with those under way; it rises
/// with time, and a second site brings it sooner.
#[test]
fn information_grows_with_calendar_time() {
    let one = truth(200).cluster(ClusterTruth::sites("site", [10.0], 0.0));
    let found = looks(&one, &Looks::at([12.0, 16.0, 20.0]), 60);
    let information: Vec<f64> = found.rows.iter().map(|row| row.information).collect();
    assert!(information.windows(2).all(|w| w[1] > w[0]) && information[3] == 1.0, "{information:?}");
    for (row, finished) in found.rows.iter().zip([61.0, 101.0, 141.0, 200.0]) {
        assert!((row.finished - finished / 200.0).abs() < 1e-12, "{row:?}");
        // Those under way say something of the last visit, and each says less than one who has finished.
        let share = row.entered / 200.0;
        assert!(row.information > row.finished - 0.03 && row.information < share + 0.03, "{row:?}");
    }
    let two = truth(200).cluster(ClusterTruth::sites("site", [10.0, 10.0], 0.0).opens([0.0, 4.0]));
    let sooner = looks(&two, &Looks::at([12.0, 16.0]), 60);
    assert!(sooner.rows[0].information > found.rows[0].information + 0.05);
    assert_eq!(sooner.rows[0].entered, 200.0);
}

/// At random, as many have entered by a time as the rate says, and they vary as a Poisson process does; the looks keep the level.
#[test]
fn arrivals_at_random_are_a_poisson_process() {
    const TRIALS: u64 = 300;
    let site = ClusterTruth::sites("site", [6.0, 3.0], 0.0).opens([0.0, 2.0]).arrivals(Arrivals::Poisson);
    let own = truth(160).with_effect(0.0).cluster(site);
    let found = looks(&own, &Looks::at([10.0]), TRIALS);
    // 6 per month for ten months and 3 for eight.
    let row = &found.rows[0];
    assert!((row.entered - 84.0).abs() < 4.0 * (84.0 / TRIALS as f64).sqrt(), "{row:?}");
    assert!((row.finished - (6.0 * 4.0 + 3.0 * 2.0) / 160.0).abs() < 4.0 * (30.0 / TRIALS as f64).sqrt() / 160.0, "{row:?}");
    assert!((found.significant.share - 0.05).abs() < 3.5 * (0.05 * 0.95 / TRIALS as f64).sqrt(), "{found}");
    assert_eq!(found, looks(&own, &Looks::at([10.0]), TRIALS));
}

#[test]
fn impossible_accruals_say_why() {
    let says = |cluster: ClusterTruth| truth(20).cluster(cluster).trial(1, 0).expect_err("refused").to_string();
    assert!(says(ClusterTruth::sites("site", [], 0.0)).contains("rates"));
    assert!(says(ClusterTruth::sites("site", [1.0, 0.0], 0.0)).contains("rates"));
    assert!(says(ClusterTruth::sites("site", [1.0, 2.0], 0.0).opens([1.0])).contains("opening"));
    assert!(says(ClusterTruth::sites("site", [1.0], 0.0).opens([-1.0])).contains("before 0"));
    assert!(says(ClusterTruth::shared("site", 3, 0.0).opens([1.0])).contains("rates"));
    let mut of_arm = ClusterTruth::sites("site", [1.0], 0.0);
    of_arm.arm = Some("a".into());
    assert!(says(of_arm).contains("all arms"));
    let study = |looks: Looks, truth: TrialTruth| {
        let mut settings = StudySettings::default();
        (settings.trials, settings.looks) = (10, Some(looks));
        StudyFile::new(Plan::new("y"), truth, settings).and_then(|file| file.run(&Silent)).expect_err("refused").to_string()
    };
    assert!(study(Looks::at([3.0]), truth(20)).contains("when patients enter"));
    assert!(study(Looks::at([3.0, 2.0]), truth(20)).contains("rise"));
    // The last of 20 patients enters at 19/5 and finishes six months later.
    assert!(study(Looks::at([8.0, 9.9]), truth(20).cluster(ClusterTruth::sites("site", [5.0], 0.0))).contains("9.9"));
    let mut both = Looks::new([0.5, 1.0]);
    both.accrual = Some(3.0);
    assert!(study(both, truth(20).cluster(ClusterTruth::sites("site", [1.0], 0.0))).contains("accrual"));
}
