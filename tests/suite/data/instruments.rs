//! What users see of the instruments: columns, scores, diagnoses, and instruments of their own.

use trialstats::Layout;
use trialstats::instruments::{Assessment, Caps5, Criterion, Diagnosis, Disorder, Instrument, Item, MissingItems, Scid5Pd, Score, sum};

/// Thirty CAPS-5 ratings: `severity` on items 1–20, with lasting symptoms and distress, no dissociation.
fn caps5_ratings(severity: u8) -> Vec<Option<u8>> {
    let mut ratings = vec![Some(severity); 20];
    ratings.extend([0, 1, 2, 0, 0, 0, 2, 4, 0, 0].map(Some));
    ratings
}

#[test]
fn caps5_columns_scores_and_diagnoses_have_the_documented_names() {
    let caps5 = Caps5::new();
    let items = caps5.items();
    assert_eq!(items.len(), 30);
    assert_eq!((items[0].name.as_str(), items[29].name.as_str()), ("caps5_01", "caps5_30"));
    let names: Vec<String> = caps5.scores().into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["caps5", "caps5_b", "caps5_c", "caps5_d", "caps5_e", "caps5_symptoms"]);
    let maxima: Vec<f64> = caps5.scores().into_iter().map(|s| s.range.1).collect();
    assert_eq!(maxima, [80.0, 20.0, 8.0, 28.0, 24.0, 20.0]);
    assert_eq!(caps5.diagnoses(), ["ptsd", "ptsd_dissociative"]);
    let renamed = Caps5::new().prefix("CAPS_w_").outcome("caps_week");
    assert_eq!(renamed.items()[4].name, "CAPS_w_05");
    assert_eq!(renamed.scores()[1].name, "caps_week_b");
}

#[test]
fn caps5_scores_an_assessment() {
    let assessment = Caps5::new().assess(&caps5_ratings(2));
    assert_eq!(assessment.scores, [40.0, 10.0, 4.0, 14.0, 12.0, 20.0].map(Some));
    assert_eq!(assessment.diagnoses, [Diagnosis::Met, Diagnosis::NotMet]);
    let mut dissociating = caps5_ratings(2);
    dissociating[29 - 1] = Some(2);
    assert_eq!(Caps5::new().assess(&dissociating).diagnoses, [Diagnosis::Met, Diagnosis::Met]);
    // Forty symptom points decide nothing without duration and impairment.
    let mut brief = caps5_ratings(2);
    brief[22 - 1] = Some(0);
    assert_eq!(Caps5::new().assess(&brief).diagnoses[0], Diagnosis::NotMet);
    let mut untroubled = caps5_ratings(2);
    untroubled[23 - 1] = Some(1);
    assert_eq!(Caps5::new().assess(&untroubled).diagnoses[0], Diagnosis::NotMet);
    assert_eq!(Caps5::new().criterion_g(Criterion::AssumedMet).assess(&untroubled).diagnoses[0], Diagnosis::Met);
}

#[test]
fn one_missing_item_takes_its_cluster_and_the_total_but_not_the_diagnosis() {
    let mut ratings = caps5_ratings(3);
    ratings[3 - 1] = None;
    let assessment = Caps5::new().assess(&ratings);
    assert_eq!(assessment.scores, [None, None, Some(6.0), Some(21.0), Some(18.0), None]);
    assert_eq!(assessment.diagnoses[0], Diagnosis::Met);
    let prorated = Caps5::new().missing_items(MissingItems::Prorate { at_most: 1 }).assess(&ratings);
    assert_eq!(prorated.scores, [Some(60.0), Some(15.0), Some(6.0), Some(21.0), Some(18.0), None]);
    assert!(Caps5::new().missing_items(MissingItems::Prorate { at_most: 1 }).notes()[0].contains("up to 1 missing"));
}

#[test]
fn an_empty_assessment_says_nothing() {
    let assessment = Caps5::new().assess(&[None; 30]);
    assert_eq!(assessment.scores, [None; 6]);
    assert_eq!(assessment.diagnoses, [Diagnosis::Unknown; 2]);
    let assessment = Scid5Pd::all().assess(&[None; 80]);
    assert_eq!(assessment.scores, [None; 2]);
    assert_eq!(assessment.diagnoses, [Diagnosis::Unknown; 10]);
}

#[test]
fn scid5pd_offers_both_dimensional_scores() {
    let scid = Scid5Pd::cluster_c();
    let names: Vec<String> = scid.scores().into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["scid5pd", "scid5pd_criteria"]);
    assert_eq!(scid.diagnoses(), ["avoidant", "dependent", "obsessive_compulsive"]);
    assert_eq!(scid.missing_codes(), ["?"]);
    // Subthreshold everywhere: half the sum, no criterion, no disorder.
    let assessment = scid.assess(&[Some(1); 23]);
    assert_eq!(assessment.scores, [Some(23.0), Some(0.0)]);
    assert_eq!(assessment.diagnoses, [Diagnosis::NotMet; 3]);
    assert_eq!(scid.assess(&[Some(2); 23]).scores, [Some(46.0), Some(23.0)]);
}

#[test]
fn scid5pd_takes_any_set_of_disorders() {
    let scid = Scid5Pd::of([Disorder::Borderline, Disorder::Antisocial, Disorder::Borderline]);
    assert_eq!(scid.disorders(), [Disorder::Borderline, Disorder::Antisocial]);
    let names: Vec<String> = scid.items().into_iter().map(|i| i.name).collect();
    assert_eq!((names.len(), names[8].as_str(), names[16].as_str()), (17, "scid_bpd_9", "scid_aspd_conduct"));
    let mut ratings = vec![Some(2); 16];
    ratings.push(Some(0)); // no conduct disorder before 15
    assert_eq!(scid.assess(&ratings).diagnoses, [Diagnosis::Met, Diagnosis::NotMet]);
    // The conduct item is no criterion: it adds nothing to either score.
    assert_eq!(scid.assess(&ratings).scores, [Some(32.0), Some(16.0)]);
}

#[derive(Debug)]
struct Gad7;

impl Instrument for Gad7 {
    fn name(&self) -> &str {
        "GAD-7"
    }
    fn items(&self) -> Vec<Item> {
        Item::numbered("gad7_", 1, 7, 0..=3)
    }
    fn scores(&self) -> Vec<Score> {
        vec![Score { name: "gad7".into(), label: "GAD-7 total".into(), range: (0.0, 21.0) }]
    }
    fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
        Assessment { scores: vec![sum(ratings, MissingItems::Prorate { at_most: 2 })], diagnoses: vec![] }
    }
}

#[test]
fn an_instrument_of_ones_own_takes_twenty_lines() {
    let instrument: Box<dyn Instrument> = Box::new(Gad7);
    assert_eq!(instrument.items()[6].name, "gad7_7");
    assert_eq!(instrument.assess(&[Some(3); 7]).scores, [Some(21.0)]);
    assert!(instrument.diagnoses().is_empty() && instrument.missing_codes().is_empty() && instrument.notes().is_empty());
}

/// A long file with the twenty severity items and cluster C, one line per patient and visit: (patient, arm, visit,
/// CAPS-5 ratings, SCID ratings).
fn file(lines: &[(&str, &str, &str, String, String)]) -> String {
    let caps5 = Caps5::severity_items().items().into_iter().map(|i| i.name);
    let scid = Scid5Pd::cluster_c().items().into_iter().map(|i| i.name);
    let header: Vec<String> = ["patient", "arm", "visit"].map(String::from).into_iter().chain(caps5).chain(scid).collect();
    let mut text = header.join(",") + "\n";
    for (patient, arm, visit, caps5, scid) in lines {
        text += &format!("{patient},{arm},{visit},{caps5},{scid}\n");
    }
    text
}

fn layout() -> Layout {
    let caps5 = Caps5::severity_items().criterion_f(Criterion::AssumedMet).criterion_g(Criterion::AssumedMet);
    Layout::long("patient", "arm", "visit").visits(["baseline", "month 12"]).instrument(caps5).instrument(Scid5Pd::cluster_c())
}

#[test]
fn ratings_in_a_file_become_outcomes_and_diagnoses_of_the_trial() {
    let lines = [
        ("1", "a", "baseline", ["2"; 20].join(","), ["2"; 23].join(",")),
        ("1", "a", "month 12", ["1"; 20].join(","), format!("2,2,2,?,0,0,0,{}", ["1"; 16].join(","))),
        ("2", "b", "baseline", format!("NA,{}", ["3"; 19].join(",")), ["0"; 23].join(",")),
    ];
    let trial = layout().read_csv_from("two invented patients", file(&lines).as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let row = |name: &str| trial.outcome(name).map(|o| o.values.clone()).unwrap_or_else(|e| panic!("{e}"));
    let shown = |values: Vec<f64>| values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect::<Vec<_>>();
    // Patient by patient, baseline and month 12; the second patient never came back.
    assert_eq!(shown(row("caps5")), [Some(40.0), Some(20.0), None, None]);
    assert_eq!(shown(row("caps5_c")), [Some(4.0), Some(2.0), Some(6.0), None]);
    assert_eq!(shown(row("scid5pd")), [Some(46.0), None, Some(0.0), None]);
    let diagnosis = |name: &str| trial.diagnosis(name).map(|d| d.values.clone()).unwrap_or_else(|e| panic!("{e}"));
    use Diagnosis::{Met, NotMet, Unknown};
    assert_eq!(diagnosis("ptsd"), [Some(Met), Some(NotMet), Some(Met), None]);
    assert_eq!(diagnosis("avoidant"), [Some(Met), Some(Unknown), Some(NotMet), None]);
    assert_eq!(diagnosis("dependent"), [Some(Met), Some(NotMet), Some(NotMet), None]);
}

#[test]
fn a_rating_outside_its_range_is_named_with_its_place() {
    let lines = [
        ("1", "a", "baseline", format!("5,{}", ["2"; 19].join(",")), ["2"; 23].join(",")),
        ("2", "b", "baseline", ["2"; 20].join(","), format!("{},3", ["2"; 22].join(","))),
    ];
    let refusal = layout().visits(["baseline"]).read_csv_from("ratings.csv", file(&lines).as_bytes()).expect_err("5 is no severity");
    let text = refusal.to_string();
    for part in ["ratings.csv", "line 2", "caps5_01", "line 3", "scid_ocpd_8"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}
