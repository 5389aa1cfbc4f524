//! Instruments that are defined as data, read from files.

use crate::common::read_text;
use trialstats::analysis::Plan;
use trialstats::instruments::{Defined, Diagnosis, InstrumentDefinition, Registry};
use trialstats::{Error, Layout, Trial};

const PLAN: &str = r#"
primary = "mood"
at = "after"

[layout]
patient = "id"
arm = "arm"
visit = "when"
instruments = [{ name = "mood", columns = "Q_{item}" }, "gad7"]

[[instrument]]
name = "mood"
label = "Mood scale"
items = "m{1..3}"
range = [1, 5]
reversed = "m2"
missing-items = { prorate = { at-most = 1 } }

[[instrument.diagnoses]]
name = "mood_low"
rule = { score = { at-least = 10 } }
"#;

fn file() -> String {
    let gad: Vec<String> = (1..=7).map(|k| format!("gad7_{k}")).collect();
    let mut text = format!("id,arm,when,Q_m1,Q_m2,Q_m3,{}\n", gad.join(","));
    for k in 0..12 {
        for (t, when) in ["before", "after"].iter().enumerate() {
            let rating = |j: usize| 1 + (k * 3 + t * 5 + j * 7) % 5;
            let second = if k == 3 { String::new() } else { rating(2).to_string() };
            let gad: Vec<String> = (0..7).map(|j| ((k + t + j) % 4).to_string()).collect();
            let arm = if k % 2 == 0 { "a" } else { "b" };
            text += &format!("{k},{arm},{when},{},{second},{},{}\n", rating(1), rating(3), gad.join(","));
        }
    }
    text
}

fn written(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("it can be written");
    path
}

fn trial() -> Trial {
    let plan = Plan::from_toml(PLAN).unwrap_or_else(|error| panic!("{error}"));
    plan.read(written("defined_instruments.csv", &file())).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_plan_reads_instruments_that_it_defines_beside_those_of_the_crate() {
    let trial = trial();
    let mood = trial.outcome("mood").unwrap();
    assert_eq!((mood.label.as_str(), mood.range), ("Mood scale", Some((3.0, 15.0))));
    for k in 0..12 {
        for (t, when) in ["before", "after"].into_iter().enumerate() {
            let visit = trial.schedule().index_of(when).unwrap();
            let rating = |j: usize| (1 + (k * 3 + t * 5 + j * 7) % 5) as f64;
            // The second is turned around; where it is missing the others count half as much again.
            let expected = if k == 3 { (rating(1) + rating(3)) * 1.5 } else { rating(1) + (6.0 - rating(2)) + rating(3) };
            assert_eq!(trial.value(mood, k, visit), Some(expected));
            let gad: f64 = (0..7).map(|j| ((k + t + j) % 4) as f64).sum();
            assert_eq!(trial.value(trial.outcome("gad7").unwrap(), k, visit), Some(gad));
            let low = trial.diagnosis("mood_low").unwrap().values[k * 2 + visit].unwrap();
            if k != 3 {
                assert_eq!(low == Diagnosis::Met, expected >= 10.0);
            }
        }
    }
    let plan = Plan::from_toml(PLAN).unwrap();
    plan.check(&trial).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_rating_out_of_range_is_told_with_its_place() {
    let text = file().replacen("0,a,before,", "0,a,before,9", 1);
    let plan = Plan::from_toml(PLAN).unwrap();
    let error = plan.read(written("defined_out_of_range.csv", &text)).expect_err("a rating of 93");
    let said = error.to_string();
    assert!(said.contains("no rating of m1: whole numbers from 1 to 5") && said.contains("Q_m1") && said.contains("line 2"), "{said}");
}

#[test]
fn definitions_that_cannot_be_are_refused_when_data_are_read() {
    let refused = |from: &str, to: &str| {
        let plan = Plan::from_toml(&PLAN.replace(from, to)).unwrap_or_else(|error| panic!("{error}"));
        plan.read(written("defined_refused.csv", &file())).expect_err(to)
    };
    let error = refused("name = \"mood\"\nlabel", "name = \"gad7\"\nlabel");
    assert!(error.code() == "named-twice" && error.to_string().contains("`gad7`"), "{error}");
    let error = refused("reversed = \"m2\"", "reversed = \"m4\"");
    assert!(error.to_string().contains("`m4`"), "{error}");
    let error = refused("\"gad7\"]", "\"gad-7\"]");
    assert!(matches!(error, Error::Unknown { .. }) && error.to_string().contains("did you mean `gad7`?"), "{error}");
    let twice = format!("{PLAN}\n[[instrument]]\nname = \"mood\"\nitems = \"x{{1..2}}\"\nrange = [0, 1]\n");
    let error = Plan::from_toml(&twice).unwrap().read(written("defined_twice.csv", &file())).expect_err("two of one name");
    assert_eq!(error.code(), "named-twice");
}

#[test]
fn a_registry_defines_instruments_for_layouts() {
    let definition = InstrumentDefinition::new("two", ["a{1..2}"], [0, 3]);
    let registry = Registry::new().define([&definition]).unwrap();
    let layout = Layout::long_one_arm("id", "when").named_instrument("two").with_instruments(&registry).unwrap();
    let trial = read_text(&layout, "two items", "id,when,a1,a2\n1,x,2,3\n1,y,0,\n");
    assert_eq!(trial.outcome("two").unwrap().values[0], 5.0);
    assert!(trial.outcome("two").unwrap().values[1].is_nan());
}

#[test]
fn what_ships_is_written_by_name_with_its_options() {
    let layout = Layout::long_one_arm("id", "when").instrument(Defined::shipped("pcl5").unwrap());
    let written = serde_json::to_value(&layout).unwrap();
    assert_eq!(written["instruments"], serde_json::json!(["pcl5"]));
    let read: Layout = serde_json::from_value(written).unwrap();
    let header: String = (1..=20).map(|k| format!(",pcl5_{k:02}")).collect();
    let ratings = ",2".repeat(20);
    let trial = read_text(&read, "pcl5", &format!("id,when{header}\n1,x{ratings}\n"));
    assert_eq!(trial.outcome("pcl5").unwrap().values, [40.0]);
    assert_eq!(trial.outcome("pcl5_d").unwrap().values, [14.0]);
    assert_eq!(trial.diagnosis("pcl5_ptsd").unwrap().values, [Some(Diagnosis::Met)]);
}

#[test]
fn the_check_of_a_plan_names_the_definition() {
    let trial = trial();
    let mut plan = Plan::from_toml(PLAN).unwrap();
    plan.instruments[0].range = [5, 5];
    let twice = plan.instruments[0].clone();
    let error = plan.instrument(twice).check(&trial).expect_err("it cannot be").to_string();
    assert!(
        error.contains("instrument, `mood`: ") && error.contains("the range 5 to 5 of m1") && error.contains("`mood` is there twice"),
        "{error}"
    );
}
