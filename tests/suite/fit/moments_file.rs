//! Moments and frozen designs as files: what was changed, or what no data could give, is refused.

use super::pooling::{moments_of, pooled, split};
use crate::common::tolerances::POOLED;
use crate::common::{antidepressant, fev, read_text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trialstats::design::{Averaging, CovariateMeans, FrozenDesign};
use trialstats::fit::TrialMoments;
use trialstats::means::MeansOptions;
use trialstats::trial::CovariateKind;
use trialstats::{Error, Layout, Model};

/// The file of moments.
pub fn file_of(moments: &TrialMoments) -> Value {
    serde_json::to_value(moments).unwrap()
}

/// The SHA-256 of the fields of a file, as who writes one computes it.
fn sha256(file: &Value, fields: &[&str]) -> String {
    let content: Vec<&Value> = fields.iter().map(|field| &file[*field]).collect();
    let digest = Sha256::digest(serde_json::to_string(&content).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the fingerprints of a changed file anew, as somebody would who wants the change to pass.
pub fn reseal(file: &mut Value) {
    if file["design"].is_object() {
        let design = sha256(&file["design"], &["schema", "model", "options", "protocol"]);
        file["design"]["sha256"] = json!(design);
    }
    if file.is_object() {
        file["sha256"] = json!(sha256(file, &["schema", "design", "census", "point", "patterns"]));
    }
}

pub fn read(file: &Value) -> Result<TrialMoments, Error> {
    TrialMoments::from_json(&file.to_string())
}

/// A model with a factor, a number and an arm, of trials small enough to be fitted thousands of times.
fn model() -> Model {
    Model::formula("CHANGE ~ BASVAL + THERAPY * VISIT").unwrap().visits(["4", "5", "6"])
}

fn moments() -> TrialMoments {
    pooled(split(&model(), &antidepressant(), 2))
}

/// The refusal of a file that was changed and whose fingerprints were made anew.
fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut file = file_of(&moments());
    change(&mut file);
    reseal(&mut file);
    let error = read(&file).expect_err("it contradicts itself");
    assert!(["damaged-file", "unreadable-text"].contains(&error.code()), "{error}");
    error.to_string()
}

#[test]
fn a_file_says_what_it_is_and_comes_back_bit_for_bit() {
    for (model, trial) in [
        (model(), antidepressant()),
        (Model::formula("FEV1 ~ 0 + ARMCD:AVISIT + FEV1_BL").unwrap(), fev()),
        (Model::formula("FEV1 ~ RACE * FEV1_BL + poly(FEV1_BL, 2, raw) + ARMCD * AVISIT").unwrap().covariance_by("ARMCD"), fev()),
        (Model::formula("FEV1 ~ RACE + FEV1_BL + ARMCD * AVISIT").unwrap().weights("WEIGHT").covariance_by("SEX"), fev()),
        (Model::formula("FEV1 ~ offset(FEV1_BL) + ARMCD * AVISIT").unwrap(), fev()),
        (Model::formula("log(FEV1) ~ `FEV1_BL`:ARMCD + AVISIT").unwrap(), fev()),
    ] {
        for moments in [pooled(split(&model, &trial, 1)), pooled(split(&model, &trial, 7)), moments_of(&model, &trial, &[3])] {
            let text = serde_json::to_string(&moments).unwrap();
            assert!(text.starts_with(r#"{"schema":"trialstats.moments/1""#), "{}", &text[..60]);
            let back = TrialMoments::from_json(&text).unwrap_or_else(|error| panic!("{:?}: {error}", model));
            assert_eq!(back, moments);
            assert_eq!(serde_json::from_str::<TrialMoments>(&serde_json::to_string_pretty(&moments).unwrap()).unwrap(), moments);
            let design = serde_json::to_string(moments.design()).unwrap();
            assert_eq!(&FrozenDesign::from_json(&design).unwrap(), moments.design());
        }
    }
}

#[test]
fn a_change_on_the_way_is_told_by_the_fingerprint() {
    let text = serde_json::to_string(&moments()).unwrap();
    let digits = text.rfind("\"zz\":[").unwrap() + 8;
    let changed: String = text.char_indices().map(|(at, c)| if at == digits { if c == '1' { '2' } else { '1' } } else { c }).collect();
    let error = TrialMoments::from_json(&changed).unwrap_err();
    assert_eq!(error.code(), "damaged-file");
    assert!(error.to_string().contains("changed after it was written"), "{error}");
    let design = serde_json::to_string(moments().design()).unwrap();
    assert_eq!(FrozenDesign::from_json(&design.replace("PLACEBO", "PLACEB0")).unwrap_err().code(), "damaged-file");
    // White space and the order of keys are no change.
    assert!(TrialMoments::from_json(&text.replace(",\"", ",\n  \"")).is_ok());
}

#[test]
fn another_version_is_named() {
    let mut file = file_of(&moments());
    file["schema"] = json!("trialstats.moments/2");
    let error = read(&file).unwrap_err();
    assert_eq!(error.code(), "not-available");
    assert!(error.to_string().contains("`trialstats.moments/2`") && error.to_string().contains("`trialstats.moments/1`"), "{error}");
}

#[test]
fn what_is_no_file_of_moments_is_refused_with_its_place() {
    for text in ["", "{", "null", "[]", "{\"schema\": 1}", "{\"patterns\": []}"] {
        let error = TrialMoments::from_json(text).unwrap_err();
        assert!(matches!(&error, Error::Written { what, line: Some(_), .. } if what == "the moments"), "{text}: {error}");
        assert!(matches!(FrozenDesign::from_json(text).unwrap_err(), Error::Written { .. }), "{text}");
    }
    let mut file = file_of(&moments());
    file["patterns"][0]["patient"] = json!(1);
    assert!(read(&file).unwrap_err().to_string().contains("`patient`"));
}

#[test]
fn sums_that_contradict_themselves_are_refused_for_what_is_wrong() {
    let pattern = |file: &mut Value, name: &str, at: usize, by: f64| {
        let number = &mut file["patterns"][0][name][at];
        *number = json!(number.as_f64().unwrap() + by);
    };
    // Shapes.
    assert!(refusal(|file| file["patterns"][0]["visits"] = json!([])).contains("shape of their design"));
    assert!(refusal(|file| file["patterns"][0]["visits"] = json!([0, 7, 9])).contains("shape of their design"));
    assert!(refusal(|file| file["patterns"][0]["group"] = json!(1)).contains("shape of their design"));
    assert!(refusal(|file| drop(file["patterns"][0]["zz"].as_array_mut().unwrap().pop())).contains("shape of their design"));
    assert!(refusal(|file| file["census"]["arms"] = json!([1])).contains("shape of the design"));
    // Counts.
    assert!(refusal(|file| file["patterns"][0]["patients"] = json!(-3)).contains("-3"));
    assert!(refusal(|file| file["patterns"][0]["patients"] = json!(3.5)).contains("3.5"));
    assert!(refusal(|file| file["patterns"][0]["patients"] = json!(3)).contains("patients, and the census has"));
    assert!(refusal(|file| file["patterns"][0]["patients"] = json!(u64::MAX)).contains("patients, and the census has"));
    assert!(refusal(|file| file["census"]["counted"]["randomized"] = json!(173)).contains("173 were randomized, and 172"));
    assert!(refusal(|file| file["census"]["arms"][1] = json!(5)).contains("observations of the arms at 5"));
    assert!(refusal(|file| file["census"]["tally"]["planned"][0]["n"] = json!(1)).contains("more observations"));
    assert!(refusal(|file| file["census"]["tally"]["numbers"][0]["observations"] = json!(1.0)).contains("`BASVAL`"));
    // Sums of products: not symmetric, not semidefinite, no counts, more than so few patients can have.
    assert!(refusal(|file| pattern(file, "zz", 1, 1000.0)).contains("not symmetric"));
    assert!(refusal(|file| pattern(file, "yy", 0, -1e5)).contains("not positive semidefinite"));
    assert!(refusal(|file| pattern(file, "zy", 0, 1e5)).contains("not positive semidefinite"));
    assert!(refusal(|file| pattern(file, "zz", 0, 1.0)).contains("counts of levels"));
    assert!(refusal(|file| file["patterns"][0]["log_weights"] = json!(0.5)).contains("have weights"));
    assert!(refusal(|file| file["point"]["centres"][1] = json!(3.0)).contains("`BASVAL`"));
    let mut alone = file_of(&moments_of(&model(), &antidepressant(), &[3]));
    let yy = alone["patterns"][0]["yy"][0].as_f64().unwrap();
    alone["patterns"][0]["yy"][0] = json!(yy + 1.0);
    reseal(&mut alone);
    assert!(read(&alone).unwrap_err().to_string().contains("so few patients (1)"));
    // The design.
    assert!(refusal(|file| file["design"]["protocol"]["arms"] = json!(["DRUG", "DRUG"])).contains("`DRUG` is there more than once"));
    assert!(refusal(|file| file["design"]["protocol"]["schedule"]["baseline"] = json!(9)).contains("beyond the last"));
    assert!(refusal(|file| file["design"]["protocol"]["variables"][0]["levels"] = json!(["a"])).contains("`BASVAL`"));
}

/// Found by fuzzing: a mean of a covariate that was changed in its ninth digit once passed as rounding, which a sum over so few
/// patients does not have, and moved the marginal means.
#[test]
fn a_small_change_of_a_redundant_sum_is_no_rounding() {
    let nudge = |file: &mut Value, place: &str| {
        let number = file.pointer_mut(place).expect("it is there");
        *number = json!(number.as_f64().expect("a number") * (1.0 + 1e-9));
    };
    for place in ["/point/centres/1", "/census/tally/numbers/0/observations", "/census/tally/numbers/0/patients"] {
        assert!(refusal(|file| nudge(file, place)).contains("the sums of `BASVAL` are not those of its products"), "{place}");
    }
}

/// What is left out, and why, adds up too.
#[test]
fn reasons_that_do_not_add_up_are_refused() {
    let text = "id,arm,week,y,x\n1,P,0,1,2\n1,P,4,2,2\n2,T,0,2,\n2,T,4,5,\n3,T,0,2,1\n3,T,4,,1\n4,P,0,,3\n4,P,4,,3\n5,T,0,3,4\n5,T,4,4,4\n";
    let layout = Layout::long("id", "arm", "week").outcome("y").covariate_as("x", CovariateKind::Numeric);
    let trial = read_text(&layout, "five patients", text);
    let model = Model::formula("y ~ x + arm * week").unwrap();
    let moments = TrialMoments::of(&model.freeze(&trial.protocol()).unwrap(), &trial).unwrap();
    let file = file_of(&moments);
    let (mut known, mut refused) = (vec![], 0);
    places(&file["census"]["counted"], "/census/counted".into(), &mut known);
    assert_eq!(file["census"]["counted"]["by_arm"].as_array().unwrap().len(), 2, "{}", file["census"]["counted"]);
    for (place, edit) in known.iter().flat_map(|place| (0..EDITS).map(move |edit| (place, edit))) {
        let Some(mut changed) = edited(&file, place, edit) else { continue };
        reseal(&mut changed);
        match read(&changed) {
            Err(_) => refused += 1,
            // The order in which reasons and visits were met.
            Ok(_) => assert_eq!(edit, 1, "{place}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

/// A place in a file: the keys and positions that lead there.
pub fn places(value: &Value, at: String, found: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| places(value, format!("{at}/{}", escaped(key)), found)),
        Value::Array(list) => list.iter().enumerate().for_each(|(k, value)| places(value, format!("{at}/{k}"), found)),
        _ => {}
    }
    if !at.is_empty() {
        found.push(at);
    }
}

/// The ways in which a value is changed.
const EDITS: usize = 12;

/// Changes the value at a place; `None` where the edit is none of this kind of value.
pub fn edited(file: &Value, place: &str, edit: usize) -> Option<Value> {
    let mut changed = file.clone();
    let (above, key) = place.rsplit_once('/')?;
    match (edit, changed.pointer_mut(above)?) {
        (0, Value::Object(map)) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
        (0, Value::Array(list)) => {
            let at: usize = key.parse().ok()?;
            (at < list.len()).then(|| list.remove(at))?;
        }
        // Exchanged with the next.
        (1, Value::Array(list)) => {
            let at: usize = key.parse().ok()?;
            (at + 1 < list.len()).then(|| list.swap(at, at + 1))?;
        }
        (0 | 1, _) => return None,
        _ => {
            let value = changed.pointer_mut(place)?;
            *value = match (edit, &*value) {
                (2, _) => Value::Null,
                (3, Value::Number(_)) => json!("text"),
                (3, _) => json!(17),
                (4, Value::Number(n)) if n.is_u64() => json!(n.as_u64()?.checked_add(1)?),
                (5, Value::Number(n)) if n.is_u64() => json!(n.as_u64()?.checked_sub(1)?),
                (4, Value::Number(n)) => json!(n.as_f64()? * 1.01 + 0.01),
                (5, Value::Number(n)) => json!(n.as_f64()? * 0.5 - 1.0),
                (6, Value::Number(_)) => json!(0),
                (7, Value::Number(n)) => json!(-n.as_f64()? - 0.5),
                (8, Value::Number(_)) => json!(1e300),
                (9, Value::Number(_)) => json!(u64::MAX),
                (10, Value::String(text)) => json!(format!("{text}x")),
                (11, Value::String(_)) => json!(""),
                (11, Value::Array(_)) => json!([]),
                _ => return None,
            };
        }
    }
    (changed != *file).then_some(changed)
}

/// All that is read off a fit from moments: estimates, standard errors, degrees of freedom, means by each way of
/// averaging.
pub fn numbers(model: &Model, moments: &TrialMoments) -> Result<Vec<f64>, Error> {
    let fit = model.fit_moments(moments)?;
    let mut numbers = vec![fit.log_likelihood(), fit.n_patients() as f64];
    numbers.extend(fit.coefficients().rows.iter().flat_map(|row| [row.estimate / row.se, row.se, row.df]));
    for means in [CovariateMeans::Observations, CovariateMeans::Patients, CovariateMeans::Randomized] {
        let options = MeansOptions { averaging: Averaging::default().covariate_means(means), ..MeansOptions::default() };
        let means = fit.marginal_means(&["arm", "visit"], &options)?;
        numbers.extend(means.rows.iter().flat_map(|row| [row.estimate.estimate / row.estimate.se, row.estimate.se, row.n as f64]));
    }
    Ok(numbers)
}

/// Whether no sum says a number twice, so that nothing in a file could tell that it was changed: what only the
/// fingerprint holds.
pub fn is_said_once(place: &str) -> bool {
    let last = place.rsplit('/').next().unwrap_or("");
    let in_pattern = place.starts_with("/patterns/") && ["/zz/", "/zy/", "/yy/"].iter().any(|name| place.contains(name));
    in_pattern || place.starts_with("/point/outcome") || (place.contains("/numbers/") && last == "planned") || place.ends_with("/time")
}

/// How many places a file has, and how many edits of them were refused, harmless, or of what is said once.
#[derive(Debug)]
struct Tried {
    places: usize,
    refused: usize,
    harmless: usize,
    once: usize,
}

/// Every edit of every `step`-th place, the fingerprints being made anew: refused, harmless, or of what is said once.
fn try_edits(model: &Model, moments: &TrialMoments, step: usize) -> Tried {
    let (file, original) = (file_of(moments), numbers(model, moments).unwrap());
    let mut found = vec![];
    places(&file, String::new(), &mut found);
    let (mut tried, mut wrong) = (Tried { places: found.len(), refused: 0, harmless: 0, once: 0 }, vec![]);
    for (place, edit) in found.iter().step_by(step).flat_map(|place| (0..EDITS).map(move |edit| (place, edit))) {
        let Some(mut changed) = edited(&file, place, edit) else { continue };
        // With the old fingerprint no edit passes, but for one that says the same in other words.
        let passed = read(&changed).ok();
        assert!(passed.is_none_or(|own| own == *moments), "{place}, edit {edit}, passes");
        if !place.ends_with("/sha256") {
            reseal(&mut changed);
        }
        let Ok(own) = read(&changed) else {
            tried.refused += 1;
            continue;
        };
        let same =
            |a: &[f64]| a.len() == original.len() && a.iter().zip(&original).all(|(a, b)| (a - b).abs() <= POOLED * b.abs().max(1.0));
        match numbers(model, &own) {
            Ok(own) if same(&own) => tried.harmless += 1,
            _ if is_said_once(place) => tried.once += 1,
            Ok(_) | Err(_) => wrong.push(format!("{place}, edit {edit}")),
        }
    }
    assert!(wrong.is_empty(), "{} edits pass unseen: {wrong:#?}", wrong.len());
    tried
}

#[test]
fn every_edit_of_every_place_is_refused_or_harmless() {
    let tried = try_edits(&model(), &moments(), 1);
    println!("{tried:?}");
    assert!(tried.places > 250 && tried.refused > 1000 && tried.refused > 10 * tried.harmless && tried.harmless > 0, "{tried:?}");
}

#[test]
fn edits_of_other_designs_are_refused_or_harmless() {
    let model = |formula: &str| Model::formula(formula).unwrap();
    for (model, trial) in [
        (model("FEV1 ~ RACE + FEV1_BL + ARMCD * AVISIT").covariance_by("ARMCD"), fev()),
        (model("FEV1 ~ FEV1_BL + ARMCD * AVISIT").weights("WEIGHT").visits(["VIS2", "VIS4"]), fev()),
        (model("CHANGE ~ 0 + THERAPY:VISIT + BASVAL:VISIT"), antidepressant()),
    ] {
        let tried = try_edits(&model, &pooled(split(&model, &trial, 3)), 61);
        println!("{tried:?}");
        assert!(tried.refused > 5 * tried.harmless, "{tried:?}");
    }
}
