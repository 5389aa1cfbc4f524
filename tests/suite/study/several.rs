//! Several hypotheses at one familywise level, and what designs cost.

use trialstats::analysis::Silent;
use trialstats::study::{StudyFile, replicate};

fn study(more: &str) -> StudyFile {
    StudyFile::from_toml(&format!(
        "primary = 'y'
         [multiplicity]
         procedure = 'holm'
         [[multiplicity.hypotheses]]
         name = 'first'
         arm = 'b'
         [[multiplicity.hypotheses]]
         name = 'second'
         arm = 'c'
         [study]
         trials = 60
         {more}
         [truth]
         visits = ['0', '1']
         sd = [1, 1]
         correlation = {{ exchangeable = 0.5 }}
         arms = [{{ name = 'a', patients = 30, means = [0, 0] }}, {{ name = 'b', patients = 30, d = 0.6 }}, {{ name = 'c', patients = 30, d = 0.8 }}]
         [[truth.clusters]]
         factor = 'group'
         arm = 'c'
         size = 7
         icc = 0.1"
    ))
    .expect("a study")
}

/// Holm's procedure of two hypotheses by hand: one is rejected at half the level, the other then at all of it.
#[test]
fn hypotheses_are_rejected_as_the_plan_says() {
    let file = study("");
    let found = file.run(&Silent).expect("a result");
    let familywise = found.base().familywise.as_ref().expect("hypotheses");
    let all =
        replicate(&file.truth.drawer().expect("a drawer"), &file.procedures().expect("the plan"), file.seed(), 0..60).expect("trials");
    let place = |name: &str| all.names.iter().position(|own| own == name).expect("a question");
    let (first, second) = (place("hypothesis: first"), place("hypothesis: second"));
    let mut counts = [0; 4];
    for trial in &all.trials {
        let p = [first, second].map(|k| trial.answers[k].as_ref().map_or(1.0, |answer| answer.p));
        let rejects = |own: f64, other: f64| own <= 0.025 || (own <= 0.05 && other <= 0.025);
        let (a, b) = (rejects(p[0], p[1]), rejects(p[1], p[0]));
        [a, b, a || b, a && b].iter().zip(&mut counts).for_each(|(met, n)| *n += usize::from(*met));
    }
    let [a, b, any, both] = counts.map(|n| n as f64 / 60.0);
    assert_eq!(familywise.hypotheses.iter().map(|h| (h.0.as_str(), h.1.share)).collect::<Vec<_>>(), [("first", a), ("second", b)]);
    assert_eq!((familywise.any.share, familywise.all.share), (any, both));
    assert!(any > b.max(a) - 1e-12 && both > 0.0 && any < 1.0, "{familywise}");
    let shown = familywise.to_string();
    assert!(shown.contains("Holm") && shown.contains("first") && shown.contains("any"), "{shown}");
    assert!(file.document(&found).to_json().to_string().contains("familywise"));
}

/// 90 patients in three arms, of whom 30 in groups of 7 are five groups; in groups of 15 they are two.
#[test]
fn the_cheapest_design_with_the_power_is_named() {
    let file = study("power = 0.3\n[study.vary]\npatients = [60]\ngroup-size = [15]\n[study.costs]\npatient = 100\ngroup = 1000");
    let found = file.run(&Silent).expect("a result");
    let costs: Vec<f64> = found.points.iter().map(|point| point.cost.expect("a cost")).collect();
    assert_eq!(costs, [9000.0 + 5000.0, 6000.0 + 3000.0, 9000.0 + 2000.0]);
    let has_power = |k: &usize| found.points[*k].characteristics.rows[0].successes.share >= 0.3;
    let cheapest = (0..3).filter(has_power).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).expect("one has it");
    assert_eq!(found.cheapest().and_then(|point| point.cost), Some(costs[cheapest]));
    assert!(found.sentence_of_costs().expect("a sentence").contains(&format!("costs {}", costs[cheapest])));
    let says = |text: &str| StudyFile::from_toml(text).expect_err("refused").to_string();
    let truth = "[truth]\nvisits = ['0', '1']\nsd = [1, 1]\ncorrelation = { exchangeable = 0.5 }\narms = [{ name = 'a', patients = 9, means = [0, 0] }, { name = 'b', patients = 9, d = 1 }]";
    assert!(says(&format!("primary = 'y'\n[study.costs]\npatient = -1\n{truth}")).contains("study.costs"));
}
