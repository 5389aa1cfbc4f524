//! Plans that are locked, and what has changed since.

use crate::common::{antidepressant, repository};
use trialstats::Df;
use trialstats::analysis::{Locked, Plan, PlanFile, Silent, TrialPlan};
use trialstats::report::TrialReport;
use trialstats::responders::{Definition, Rule};

fn sample() -> Plan {
    Plan::from_file(repository("examples/plans/antidepressant.toml")).expect("the plan reads")
}

fn keys(plan: &Plan, locked: &Locked) -> Vec<String> {
    plan.deviations(locked).expect("it can be written").rows.iter().map(ToString::to_string).collect()
}

#[test]
fn comments_order_and_stated_defaults_do_not_matter() {
    let plain = Plan::from_toml("primary = 'y'\nat = '7'\n[layout]\npatient = 'p'\nvisit = 'v'\narm = 'a'").expect("it reads");
    let other = Plan::from_toml(
        "# a comment\nlevel = 0.95\nat = '7' # here too\nprimary = 'y'\nseed = 1\n[effects]\nbootstrap = 0\n[model]\nformula = 'arm * visit'\ndf = 'kenward-roger'\n\
         [layout]\narm = 'a'\nvisit = 'v'\nshape = 'long'\npatient = 'p'\n",
    )
    .expect("it reads");
    assert_eq!(plain.fingerprint().expect("a hash"), other.fingerprint().expect("a hash"));
    assert_eq!(keys(&other, &plain.lock("2026-11-30").expect("a lock")), Vec::<String>::new());
    // Where the data lie does not matter, and what is analysed does.
    let moved = other.clone().trial(TrialPlan::new().data("elsewhere.csv"));
    assert_eq!(moved.fingerprint().expect("a hash"), plain.fingerprint().expect("a hash"));
    assert_ne!(other.seed(2).fingerprint().expect("a hash"), plain.fingerprint().expect("a hash"));
}

/// SHA-256 of a plan, as Python's hashlib has it of the text that is hashed: the canonical form is a promise.
#[test]
fn the_fingerprint_is_that_of_the_canonical_text() {
    let plan = Plan::new("y");
    let text = r#"{"baseline-from":"visit","effects":{"bootstrap":0,"bootstrap-interval":"percentile","correction":"none","denominator":"baseline-pooled","intervals":["delta","independent-groups-randomized"],"positive":"rise"},"level":0.95,"model":{"covariance-else":[],"df":"kenward-roger","estimation":"reml","formula":"arm * visit","information":"observed","vcov":"model-based"},"primary":"y","report":{"data":"patients","documents":[],"include-individual-data":false,"paper":"a4","small-cells":"shown","style":"apa"},"responders":{"strata":[],"unobserved":["observed-only","counted-as-not-met","bounds"],"variance":"ye"},"secondary":[],"seed":1}"#;
    let canonical = serde_json::to_value(plan.canonical().expect("it can be written")).expect("JSON");
    assert_eq!(canonical, serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
    assert_eq!(plan.fingerprint().expect("a hash"), SHA256_OF_THE_TEXT);
}

const SHA256_OF_THE_TEXT: &str = "1109031d6da2cd119b040dabef7f36304824b5393708218dc520cb03086a7976";

/// The defaults that are locked are those that the plan means: written out, they are read as the same plan.
#[test]
fn a_canonical_plan_reads_as_the_plan_itself() {
    for plan in [Plan::new("y"), sample(), Plan::from_file(repository("examples/plans/imrs_gst.toml")).expect("the plan reads")] {
        let canonical = serde_json::to_string(&plan.canonical().expect("it can be written")).expect("JSON");
        let mut read = Plan::from_json(&canonical).unwrap_or_else(|error| panic!("{error}: {canonical}"));
        read.trial.data.clone_from(&plan.trial.data);
        assert_eq!(read.to_json().expect("it can be written"), plan.to_json().expect("it can be written"));
    }
}

/// The lock of every sample plan is read as it was written, orders that have a meaning included.
#[test]
fn a_lock_is_read_as_it_was_written() {
    for name in ["adam", "antidepressant", "imrs_gst", "wide_dutch"] {
        let plan = Plan::from_file(repository(&format!("examples/plans/{name}.toml"))).expect("the plan reads");
        let locked = plan.lock("2026-11-30").expect("a lock");
        let read = Locked::from_toml(&locked.to_toml().expect("it can be written")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((read.sha256.as_str(), read.date.as_str()), (locked.sha256.as_str(), "2026-11-30"));
        assert_eq!(keys(&plan, &read), Vec::<String>::new(), "{name}");
    }
}

/// Visits stand in the order of their columns where nothing else says it.
#[test]
fn the_order_of_visits_is_part_of_what_is_locked() {
    let plan = |columns: &str| {
        let text =
            format!("primary = 'y'\n[layout]\nshape = 'wide'\npatient = 'p'\noutcomes = [{{ name = 'y', columns = {{ {columns} }} }}]");
        Plan::from_toml(&text).expect("the plan reads")
    };
    let (one, other) = (plan("pre = 'a', post = 'b'"), plan("post = 'b', pre = 'a'"));
    assert_ne!(one.fingerprint().expect("a hash"), other.fingerprint().expect("a hash"));
    let found = keys(&other, &one.lock("2026-11-30").expect("a lock"));
    assert!(found.len() == 1 && found[0].starts_with("layout.outcomes[y].columns: locked as"), "{found:?}");
}

#[test]
fn every_deviation_is_listed_key_by_key() {
    let locked = sample().lock("2026-11-30").expect("a lock");
    let mut changed = sample().df(Df::Satterthwaite).level(0.9).secondary("HAMDTL17");
    changed.estimands[0].intercurrent[0].event = "treatment switched".into();
    changed.responders.definitions[0] = Definition::new("remission", Rule::at_most("HAMDTL17", 8.0)).label("HAMD-17 of 7 or less");
    changed.report.labels.pop();
    let mut found = keys(&changed, &locked);
    found.sort();
    assert_eq!(
        found,
        [
            "estimand[primary].intercurrent[1].event: locked as treatment stopped early, now treatment switched",
            "level: locked as 0.95, now 0.9",
            "model.df: locked as kenward-roger, now satterthwaite",
            "report.labels.GENDER: locked as Gender, now not there",
            "responders.definitions[remission].rule.at-most.score: locked as 7.0, now 8.0",
            "secondary: locked as [], now [\"HAMDTL17\"]",
        ]
    );
}

#[test]
fn a_lock_is_a_file_beside_the_plan_and_cannot_be_edited_unseen() {
    let folder = std::env::temp_dir().join("trialstats-plan-lock");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("study.toml");
    let lock = Locked::path_beside(&path);
    let _ = std::fs::remove_file(&lock);
    let text = std::fs::read_to_string(repository("examples/plans/antidepressant.toml")).expect("the sample");
    std::fs::write(&path, &text).expect("it can be written");
    let file = PlanFile::open(&path).expect("the plan reads");
    assert!(file.deviations().expect("no lock yet").is_none());
    assert_eq!(file.lock("2026-11-30").expect("a lock"), folder.join("study.lock.toml"));
    assert_eq!(std::fs::read_to_string(&path).expect("the plan"), text, "the plan and its comments are not touched");
    let again = file.lock("2026-12-01").expect_err("it is locked already").to_string();
    assert!(again.contains("it is locked already, in"), "{again}");
    assert!(file.plan().lock("30-11-2026").expect_err("no date").to_string().contains("write it as 2026-01-31"));
    // A plan that says the same in other words is as locked.
    std::fs::write(&path, format!("# another comment\n{}", text.replace("at = \"7\"", "at   =   '7'"))).expect("it can be written");
    let deviations = PlanFile::open(&path).expect("the plan reads").deviations().expect("a lock").expect("it is there");
    assert!(deviations.rows.is_empty() && deviations.sentence().contains("as locked on 2026-11-30"), "{deviations}");
    // One that says something else is not.
    std::fs::write(&path, text.replace("at = \"7\"", "at = \"6\"")).expect("it can be written");
    let deviations = PlanFile::open(&path).expect("the plan reads").deviations().expect("a lock").expect("it is there");
    assert_eq!(deviations.rows.iter().map(ToString::to_string).collect::<Vec<_>>(), ["at: locked as 7, now 6"]);
    // The lock itself shows whether it was edited.
    let written = std::fs::read_to_string(&lock).expect("the lock");
    std::fs::write(&lock, written.replace("at = \"7\"", "at = \"6\"")).expect("it can be written");
    let edited = Locked::from_file(&lock).expect_err("it was edited").to_string();
    assert!(edited.contains("study.lock.toml") && edited.contains("the locked plan was changed"), "{edited}");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn the_report_says_what_became_of_the_lock() {
    let trial = antidepressant();
    let mut plan = sample().bootstrap(0);
    plan.report.labels.clear();
    plan.responders.definitions.clear();
    let locked = plan.lock("2026-11-30").expect("a lock");
    let result = plan.run(&trial, &Silent).unwrap_or_else(|error| panic!("{error}"));
    let report = |plan: &Plan| TrialReport::new(&result).lock(plan.deviations(&locked).expect("compared")).document().to_html();
    assert!(report(&plan).contains(&format!("as locked on 2026-11-30 (SHA-256 of the plan {})", locked.sha256)));
    let deviating = report(&plan.clone().level(0.9));
    assert!(deviating.contains("1 deviation from it is listed") && deviating.contains("Deviations from the plan locked on 2026-11-30"));
    assert!(!TrialReport::new(&result).document().to_html().contains("as locked on"), "nothing is said of a lock that nobody mentioned");
}
