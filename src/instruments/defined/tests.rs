//! Scores by hand from the published rules, and what holds for any questionnaire.

use super::*;
use crate::instruments::ItemRule;
use proptest::prelude::*;

fn shipped(name: &str) -> Defined {
    Defined::shipped(name).expect("it comes with the crate")
}

#[test]
fn the_pcl5_is_scored_as_published() {
    let pcl5 = shipped("pcl5");
    // The mildest provisional diagnosis: one B, one C, two D, two E symptoms at 2, a total of 12.
    let mut ratings = vec![Some(0); 20];
    [1, 6, 8, 9, 15, 16].iter().for_each(|item: &usize| ratings[item - 1] = Some(2));
    let assessment = pcl5.assess(&ratings);
    assert_eq!(assessment.scores, [Some(12.0), Some(2.0), Some(2.0), Some(4.0), Some(4.0)]);
    assert_eq!(assessment.diagnoses, [Diagnosis::Met, Diagnosis::NotMet, Diagnosis::NotMet]);
    // Without avoidance there is no diagnosis, however high the total: 18 items at 4 are 72.
    let mut severe = vec![Some(4); 20];
    severe[5] = Some(1);
    severe[6] = Some(1);
    let assessment = pcl5.assess(&severe);
    assert_eq!((assessment.scores[0], assessment.diagnoses[0]), (Some(74.0), Diagnosis::NotMet));
    assert_eq!(assessment.diagnoses[1..], [Diagnosis::Met, Diagnosis::Met]);
    // A missing item makes its cluster and the total missing; the diagnosis hangs on it only where it could decide.
    ratings[0] = None;
    let assessment = pcl5.assess(&ratings);
    assert_eq!(assessment.scores, [None, None, Some(2.0), Some(4.0), Some(4.0)]);
    assert_eq!(assessment.diagnoses[0], Diagnosis::Unknown);
    // 31 and 33 are the ends of the cut-points.
    let total = |points: u8| {
        let ratings: Vec<Option<u8>> = (0..20).map(|i| Some(points.saturating_sub(4 * i).min(4))).collect();
        pcl5.assess(&ratings).diagnoses[1..].to_vec()
    };
    assert_eq!(total(30), [Diagnosis::NotMet, Diagnosis::NotMet]);
    assert_eq!(total(31), [Diagnosis::Met, Diagnosis::NotMet]);
    assert_eq!(total(33), [Diagnosis::Met, Diagnosis::Met]);
    assert_eq!(pcl5.scores()[0].range, (0.0, 80.0));
    assert!(pcl5.severity().is_none());
}

#[test]
fn the_phq9_and_the_gad7_are_scored_as_published() {
    let phq9 = shipped("phq9");
    let major = |ratings: [u8; 9]| phq9.assess(&ratings.map(Some)).diagnoses[1];
    // Five symptoms on more than half the days, one of them item 1 or 2.
    assert_eq!(major([2, 0, 2, 2, 2, 2, 0, 0, 0]), Diagnosis::Met);
    assert_eq!(major([1, 1, 2, 2, 2, 2, 2, 0, 0]), Diagnosis::NotMet);
    // Item 9 counts if present at all, the others do not.
    assert_eq!(major([2, 0, 2, 2, 2, 0, 0, 0, 1]), Diagnosis::Met);
    assert_eq!(major([2, 0, 2, 2, 2, 0, 0, 1, 0]), Diagnosis::NotMet);
    let bands = phq9.severity().expect("it has bands");
    let named: Vec<Option<&str>> = [4.0, 5.0, 9.0, 10.0, 15.0, 19.0, 20.0, 27.0].iter().map(|&x| bands.band_of(x)).collect();
    let published = ["minimal", "mild", "mild", "moderate", "moderately severe", "moderately severe", "severe", "severe"];
    assert_eq!(named, published.map(Some));

    let gad7 = shipped("gad7");
    let assessment = gad7.assess(&[3, 3, 3, 0, 0, 0, 0].map(Some));
    assert_eq!((assessment.scores[0], assessment.diagnoses[0]), (Some(9.0), Diagnosis::NotMet));
    assert_eq!(gad7.severity().expect("it has bands").band_of(15.0), Some("severe"));
    assert_eq!(gad7.scores()[0].range, (0.0, 21.0));
}

#[test]
fn the_whodas_is_a_plain_sum_and_its_ratings_may_begin_at_zero() {
    let whodas = shipped("whodas12");
    let ratings: Vec<Option<u8>> = (0..12).map(|i| Some(1 + i % 5)).collect();
    // 1 2 3 4 5 1 2 3 4 5 1 2: cognition 3 and 6, mobility 1 and 7, self-care 8 and 9, getting along 10 and 11, life
    // activities 2 and 12, participation 4 and 5.
    let expected = [33.0, 4.0, 3.0, 7.0, 6.0, 4.0, 9.0].map(Some);
    assert_eq!(whodas.assess(&ratings).scores, expected);
    assert_eq!(whodas.scores()[0].range, (12.0, 60.0));
    let from_zero = whodas.with_options(&NamedInstrument::new("whodas12").option("range", vec![0, 4])).expect("an option");
    assert_eq!(from_zero.scores()[0].range, (0.0, 48.0));
}

#[test]
fn options_rename_and_prorate_and_are_written_again() {
    let named = NamedInstrument::new("phq9")
        .option("items", "PHQ{1..9}")
        .option("outcome", "mood")
        .option("missing-items", serde_json::json!({ "prorate-share": { "percent": 20 } }));
    let phq9 = shipped("phq9").with_options(&named).expect("options");
    assert_eq!(phq9.items()[8].name, "PHQ9");
    assert_eq!(phq9.scores()[0].name, "mood");
    assert_eq!(phq9.diagnoses(), ["mood_10", "mood_major"]);
    assert_eq!(phq9.named(), Some(named));
    // One of nine is 11 percent, two are 22: eight items at 1 are 9 prorated.
    let mut ratings = vec![Some(1); 9];
    ratings[4] = None;
    assert_eq!(phq9.assess(&ratings).scores, [Some(9.0)]);
    ratings[5] = None;
    assert_eq!(phq9.assess(&ratings).scores, [None]);
    let refused = |named: NamedInstrument| shipped("phq9").with_options(&named).expect_err("it does not fit").to_string();
    assert!(refused(NamedInstrument::new("phq9").option("range", vec![1, 4])).contains("stated on 0 to 3"));
    assert!(refused(NamedInstrument::new("phq9").option("items", "a{1..8}")).contains("it has 9"));
    assert!(refused(NamedInstrument::new("phq9").option("outcom", "x")).contains("did you mean `outcome`?"));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let refusal = |text: &str| match InstrumentDefinition::from_toml(text).and_then(|d| d.build()) {
        Err(error) => (error.code(), error.to_string()),
        Ok(_) => panic!("{text} was taken"),
    };
    let base = "name = 'q'\nitems = 'q{1..3}'\nrange = [0, 4]\n";
    for (more, code, says) in [
        ("reversed = 'q4'", "unknown-name", "no item of the instrument named `q4`; did you mean"),
        ("ranges = { q9 = [0, 1] }", "unknown-name", "`q9`"),
        ("ranges = { q1 = [3, 3] }", "out-of-range", "the range 3 to 3 of q1"),
        ("missing-items = { prorate-share = { percent = 60 } }", "out-of-range", "60 percent"),
        ("[[subscales]]\nname = 'q'\nitems = 'q1'", "named-twice", "`q`"),
        ("[[subscales]]\nname = 's'\nitems = 'x'", "unknown-name", "`x`"),
        ("[[subscales]]\nname = 's'\nitems = []", "incomplete-request", "it has no items"),
        ("[severity]\nbands = { low = 0, high = 13 }", "out-of-range", "the total goes from 0 to 12"),
        ("[severity]\nbands = { low = 5, high = 5 }", "conflicting-settings", "`high` after `low`"),
        ("[severity]\nbands = {}", "incomplete-request", "no bands"),
        ("[reliable-change]\npoints = -1", "out-of-range", "-1 points"),
        ("[[diagnoses]]\nname = 'd'\nrule = { score = { at-least = 99 } }", "out-of-range", "a cut-off of 99"),
        ("[[diagnoses]]\nname = 'd'\nrule = { score = { of = 'p', at-least = 1 } }", "unknown-name", "no score named `p`"),
        ("[[diagnoses]]\nname = 'd'\nrule = { count = { items = 'q1', rated = 0, at-least = 1 } }", "out-of-range", "all or none"),
        ("[[diagnoses]]\nname = 'd'\nrule = { count = { items = 'q1', rated = 1, at-least = 2 } }", "out-of-range", "at least 2 of 1 item"),
        (
            "[[diagnoses]]\nname = 'd'\nrule = { count = { items = 'q1', rated = 1, at-least = 1, except = { q2 = 2 } } }",
            "unknown-name",
            "`q2`",
        ),
        ("[[diagnoses]]\nname = 'd'\nrule = { all = [] }", "incomplete-request", "decide nothing"),
        ("[[diagnoses]]\nname = 'd'\nrule = { coun = { items = 'q1' } }", "unreadable-text", "did you mean `count`?"),
        ("revesed = 'q1'", "unreadable-text", "did you mean `reversed`?"),
    ] {
        let (found, message) = refusal(&format!("{base}{more}"));
        assert!(found == code && message.contains(says), "{more}\n{found}: {message}");
    }
    assert!(refusal("name = 'q'\nitems = []\nrange = [0, 4]").1.contains("instrument `q`"));
    assert!(Defined::shipped("phq-9").expect_err("no such name").to_string().contains("did you mean `phq9`?"));
}

/// A questionnaire of `n` items from `low` to `high`, with the first `turned` reversed.
fn questionnaire(n: usize, low: u8, high: u8, turned: usize, method: ScoreMethod) -> InstrumentDefinition {
    let names: Vec<String> = (0..n).map(|i| format!("i{i}")).collect();
    InstrumentDefinition::new("q", names.clone(), [low, high]).reversed(names[..turned].to_vec()).score(method)
}

prop_compose! {
    fn cases()(n in 1_usize..12, low in 0_u8..3, span in 1_u8..5, share in 0_u8..=50)
        (ratings in prop::collection::vec(prop::option::weighted(0.8, low..=low + span), n), turned in 0..=n, n in Just(n), low in Just(low), span in Just(span), share in Just(share))
        -> (usize, u8, u8, usize, Vec<Option<u8>>, u8) {
        (n, low, low + span, turned, ratings, share)
    }
}

proptest! {
    #[test]
    fn a_total_is_the_sum_of_its_items_and_stays_in_its_range((n, low, high, turned, ratings, share) in cases()) {
        let definition = questionnaire(n, low, high, turned, ScoreMethod::Sum);
        let strict = definition.build().unwrap();
        let counted: Vec<Option<f64>> = ratings.iter().enumerate()
            .map(|(i, r)| r.map(|r| f64::from(if i < turned { low + high - r } else { r }))).collect();
        let complete: Option<f64> = counted.iter().copied().sum();
        prop_assert_eq!(strict.assess(&ratings).scores[0], complete);

        // Prorated: missing beyond the share, otherwise n times the mean of what is rated, between the ends of the range.
        let missing = MissingItems::ProrateShare { percent: share };
        let score = definition.clone().missing_items(missing).build().unwrap().assess(&ratings).scores[0];
        let rated: Vec<f64> = counted.iter().flatten().copied().collect();
        let absent = n - rated.len();
        prop_assert_eq!(score.is_some(), 100 * absent <= usize::from(share) * n);
        if let Some(score) = score {
            let mean = rated.iter().sum::<f64>() / rated.len() as f64;
            prop_assert!((score - mean * n as f64).abs() < 1e-9);
            let (lowest, highest) = strict.scores()[0].range;
            prop_assert!(score >= lowest - 1e-9 && score <= highest + 1e-9);
            // The bounds of every completion hold it.
            let bound = |fill: u8| rated.iter().sum::<f64>() + absent as f64 * f64::from(fill);
            prop_assert!(score >= bound(low) - 1e-9 && score <= bound(high) + 1e-9);
        }
        // A mean is the sum over the number of items.
        let mean = questionnaire(n, low, high, turned, ScoreMethod::Mean).missing_items(missing).build().unwrap().assess(&ratings).scores[0];
        prop_assert_eq!(mean.is_some(), score.is_some());
        if let (Some(mean), Some(score)) = (mean, score) {
            prop_assert!((mean * n as f64 - score).abs() < 1e-9);
        }
    }

    #[test]
    fn to_turn_twice_is_not_to_turn((n, low, high, turned, ratings, _) in cases()) {
        let plain = questionnaire(n, low, high, 0, ScoreMethod::Sum).build().unwrap();
        let turns = questionnaire(n, low, high, turned, ScoreMethod::Sum).build().unwrap();
        let by_hand: Vec<Option<u8>> = ratings.iter().enumerate().map(|(i, r)| r.map(|r| if i < turned { low + high - r } else { r })).collect();
        prop_assert_eq!(turns.assess(&by_hand).scores, plain.assess(&ratings).scores);
    }

    #[test]
    fn a_diagnosis_is_that_of_every_completion((n, low, high, turned, ratings, _) in cases(), rated in 1_u8..5, at_least in 1_usize..12) {
        let names: Vec<String> = (0..n).map(|i| format!("i{i}")).collect();
        let rule = ItemRule::Count { items: names.into(), rated: (low + rated).min(high), at_least: at_least.min(n), except: vec![] };
        let made = questionnaire(n, low, high, turned, ScoreMethod::Sum).diagnosis("d", rule).build().unwrap();
        let of = |fill: u8| {
            let complete: Vec<Option<u8>> = ratings.iter().enumerate()
                .map(|(i, r)| Some(r.unwrap_or(if i < turned { low + high - fill } else { fill }))).collect();
            made.assess(&complete).diagnoses[0]
        };
        let expected = if of(low) == of(high) { of(low) } else { Diagnosis::Unknown };
        prop_assert_eq!(made.assess(&ratings).diagnoses[0], expected);
    }

    #[test]
    fn a_definition_is_read_as_it_was_written((n, low, high, turned, _, share) in cases(), points in 1.0..4.0) {
        let mut definition = questionnaire(n, low, high, turned, ScoreMethod::Mean)
            .missing_items(MissingItems::ProrateShare { percent: share })
            .diagnosis("d", ItemRule::Any(vec![ItemRule::Score { of: None, at_least: f64::from(high) }]));
        definition.reliable_change = Some(ReliableChange { points, source: "stated".into() });
        let text = toml::to_string(&definition).unwrap();
        prop_assert_eq!(InstrumentDefinition::from_toml(&text).unwrap(), definition);
    }
}
