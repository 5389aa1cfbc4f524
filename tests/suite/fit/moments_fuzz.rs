//! Hostile files of sums, and hostile formulas: an error each, never a panic.

use super::moments_file::{edited, file_of, is_said_once, numbers, places, read, reseal};
use super::pooling::moments_of;
use crate::common::antidepressant;
use crate::common::tolerances::POOLED;
use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use trialstats::design::MeanModel;
use trialstats::fit::TrialMoments;
use trialstats::means::{ContrastOptions, MeansOptions};
use trialstats::{Model, Trial};

/// How many inputs to try; `TRIALSTATS_FUZZ_CASES` sets it to many more.
fn cases(usual: u64) -> u64 {
    std::env::var("TRIALSTATS_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    (rng.next_u64() % n.max(1) as u64) as usize
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, among: &'a [T]) -> &'a T {
    &among[below(rng, among.len())]
}

/// Some of the patients of a small trial.
fn few(trial: &Trial) -> Vec<usize> {
    (0..trial.patients().len()).filter(|i| i % 4 == 0).collect()
}

fn models() -> Vec<Model> {
    let model = |formula: &str| Model::formula(formula).unwrap().visits(["4", "5"]);
    vec![
        model("CHANGE ~ BASVAL + THERAPY * VISIT"),
        model("CHANGE ~ 0 + THERAPY:VISIT").covariance_by("THERAPY"),
        model("CHANGE ~ THERAPY + poly(BASVAL, 2, raw)").weights("BASVAL"),
    ]
}

/// A value that no honest file has.
fn hostile(rng: &mut ChaCha8Rng) -> Value {
    let known = [json!(0), json!(-1), json!(1), json!(0.5), json!(1e300), json!(-1e300), json!(5e-324), json!(1e15), json!(u64::MAX)];
    let odd = [Value::Null, json!(""), json!([]), json!({}), json!([[]]), json!(true), json!("\u{202e}"), json!("4"), json!([0, 0])];
    if below(rng, 3) == 0 { pick(rng, &odd).clone() } else { pick(rng, &known).clone() }
}

/// A file with one to four changes: of single values, or of whole parts taken from another file.
fn changed(rng: &mut ChaCha8Rng, files: &[(Value, Vec<String>)]) -> Value {
    let (mut file, known) = pick(rng, files).clone();
    for _ in 0..=below(rng, 4) {
        let place = pick(rng, &known).clone();
        let edit = below(rng, 16);
        if let Some(own) = edited(&file, &place, edit) {
            file = own;
        } else if let Some(value) = file.pointer_mut(&place) {
            let (other, _) = pick(rng, files);
            let taken = other.pointer(&place).cloned().filter(|_| edit < 14);
            *value = taken.unwrap_or_else(|| hostile(rng));
        }
    }
    file
}

/// All that is asked of a fit; whatever it answers.
fn use_all(model: &Model, moments: &TrialMoments) {
    let Ok(fit) = model.fit_moments(moments) else { return };
    let _ = (fit.coefficients().to_string(), fit.to_string(), fit.term_tests().map(|tests| tests.to_string()));
    let _ = fit.marginal_means(&["arm", "visit"], &MeansOptions::default()).map(|means| means.to_string());
    let _ = fit.arm_contrasts(&ContrastOptions::default()).map(|contrasts| contrasts.to_string());
}

#[test]
fn no_file_of_sums_makes_reading_or_fitting_panic() {
    let trial = antidepressant();
    let models = models();
    let file = |model: &Model| {
        let file = file_of(&moments_of(model, &trial, &few(&trial)));
        let mut known = vec![];
        places(&file, String::new(), &mut known);
        (file, known)
    };
    let files: Vec<(Value, Vec<String>)> = models.iter().map(file).collect();
    let (mut refused, mut read) = (0, 0);
    for seed in 0..cases(1000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut file = changed(&mut rng, &files);
        if below(&mut rng, 8) > 0 {
            reseal(&mut file);
        }
        let text = file.to_string();
        match TrialMoments::from_json(&text) {
            Ok(moments) => {
                read += 1;
                models.iter().for_each(|model| use_all(model, &moments));
                let sum = moments.clone() + moments;
                let _ = sum.map(|sum| models.iter().for_each(|model| use_all(model, &sum)));
            }
            Err(error) => {
                refused += 1;
                assert!(["damaged-file", "unreadable-text"].contains(&error.code()) || text.contains("design"), "{seed}: {error}");
                assert!(error.to_string().len() < 20_000, "{seed}");
            }
        }
    }
    println!("{refused} files refused, {read} read");
    assert!(refused > read && read > 0, "{refused} {read}");
}

/// What somebody makes of a value: a number near it or far from it, another value of the file, or an edit of any kind.
fn altered(rng: &mut ChaCha8Rng, file: &Value, known: &[String], place: &str) -> Option<Value> {
    let mut changed = file.clone();
    let number = file.pointer(place)?.as_f64();
    let Some(number) = number.filter(|_| below(rng, 4) > 0) else {
        let edit = below(rng, 12);
        return edited(file, place, edit);
    };
    let is_whole = file.pointer(place)?.is_u64();
    let value = match below(rng, 6) {
        0 => number * (1.0 + 10_f64.powi(-(below(rng, 12) as i32))),
        1 => number + pick(rng, &[1.0, -1.0, 2.0, 0.5]),
        2 => -number,
        3 => number * pick(rng, &[10.0, 0.1, 2.0, 0.0]),
        4 => file.pointer(&known[below(rng, known.len())])?.as_f64()?,
        _ => f64::from_bits(number.to_bits() ^ (1 << below(rng, 64))),
    };
    let value = if is_whole && value >= 0.0 && value.fract() == 0.0 && value < 1e15 { json!(value as u64) } else { json!(value) };
    *changed.pointer_mut(place)? = value;
    (changed != *file).then_some(changed)
}

/// One to three values of an exported file are changed. As it was sealed, none is read. With the fingerprints made anew, a file whose
/// estimates differ is refused, unless it says a changed value nowhere else; several changes may agree with one another by chance.
#[test]
fn no_edit_of_sums_changes_an_estimate_unseen() {
    let trial = antidepressant();
    let of = |model: Model| (moments_of(&model, &trial, &few(&trial)), model);
    let sums: Vec<(TrialMoments, Model)> = models().into_iter().take(2).map(of).collect();
    let exported: Vec<(Value, Vec<String>, Vec<f64>)> = sums
        .iter()
        .map(|(moments, model)| {
            let file = file_of(moments);
            let mut known = vec![];
            places(&file, String::new(), &mut known);
            known.retain(|place| !place.ends_with("/sha256"));
            (file, known, numbers(model, moments).expect("estimates"))
        })
        .collect();
    let (mut edits, mut refused, mut harmless, mut once, mut agreeing, mut wrong) = (0, 0, 0, 0, 0, vec![]);
    for seed in 0..cases(1000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let at = below(&mut rng, exported.len());
        let ((file, known, original), (moments, model)) = (&exported[at], &sums[at]);
        let (mut changed, mut edited_places) = (file.clone(), vec![]);
        let wanted = 1 + below(&mut rng, 3);
        while edited_places.len() < wanted || changed == *file {
            let place = pick(&mut rng, known).clone();
            if let Some(own) = altered(&mut rng, &changed, known, &place) {
                changed = own;
                edited_places.push(place);
            }
        }
        edits += 1;
        // As it was sealed: told by the fingerprint, but for one that says the same in other words.
        assert!(read(&changed).ok().is_none_or(|own| own == *moments), "{seed}: {edited_places:?} pass the fingerprint");
        reseal(&mut changed);
        let Ok(own) = read(&changed) else {
            refused += 1;
            continue;
        };
        let is_same =
            |own: &[f64]| own.len() == original.len() && own.iter().zip(original).all(|(a, b)| (a - b).abs() <= POOLED * b.abs().max(1.0));
        match numbers(model, &own) {
            Ok(own) if is_same(&own) => harmless += 1,
            _ if edited_places.iter().any(|place| is_said_once(place)) => once += 1,
            _ if edited_places.len() > 1 => agreeing += 1,
            Ok(_) | Err(_) => wrong.push(format!("{seed}: {edited_places:?}")),
        }
    }
    println!("{edits} files: {refused} refused, {harmless} with the same estimates, {once} of what is said once, {agreeing} that agree");
    assert!(wrong.is_empty(), "{} pass unseen: {wrong:#?}", wrong.len());
    assert!(refused > 0 && agreeing * 200 <= edits, "{refused} {agreeing}");
}

/// Pieces of which formulas are made.
const PIECES: [&str; 44] = [
    "CHANGE",
    "~",
    "+",
    "-",
    "*",
    ":",
    "/",
    "^",
    "^2",
    "%in%",
    "|",
    "||",
    "(",
    ")",
    "(1 | PATIENT)",
    "THERAPY",
    "VISIT",
    "BASVAL",
    "arm",
    "visit",
    "baseline",
    "time",
    "0",
    "1",
    "-1",
    "2",
    "1e9",
    "`",
    "``",
    "`a b`",
    "log(",
    "poly(",
    "poly(BASVAL, 2, raw)",
    "ns(BASVAL, 3)",
    "I(BASVAL^2)",
    "offset(BASVAL)",
    "us(VISIT | PATIENT)",
    "ar1(",
    ",",
    ".",
    "\u{202e}",
    "é",
    " ",
    "PATIENT",
];

/// Terms that a formula may have.
const TERMS: [&str; 16] = [
    "THERAPY",
    "VISIT",
    "BASVAL",
    "THERAPY * VISIT",
    "THERAPY:BASVAL",
    "(THERAPY + BASVAL)^2",
    "poly(BASVAL, 3, raw)",
    "I(BASVAL^2)",
    "offset(BASVAL)",
    "0",
    "1",
    "time",
    "log(BASVAL)",
    "sqrt(BASVAL):VISIT",
    "us(VISIT | PATIENT)",
    "BASVAL %in% THERAPY",
];

/// A formula: of terms, most of which make sense, or of pieces, most of which do not.
fn formula(rng: &mut ChaCha8Rng) -> String {
    if below(rng, 2) == 0 {
        let operator = |rng: &mut ChaCha8Rng| *pick(rng, &[" + ", " + ", " + ", " - ", ":", " * "]);
        let terms: String = (0..below(rng, 5)).map(|_| format!("{}{}", operator(rng), pick(rng, &TERMS))).collect();
        return format!("CHANGE ~ {}{terms}", pick(rng, &TERMS));
    }
    let start = *pick(rng, &["CHANGE ~ ", "CHANGE ~ THERAPY * VISIT + ", "log(CHANGE) ~ ", "", "~"]);
    let pieces: Vec<&str> = (0..below(rng, 14)).map(|_| *pick(rng, &PIECES)).collect();
    let repeated = if below(rng, 40) == 0 { pick(rng, &PIECES).repeat(below(rng, 3000)) } else { String::new() };
    format!("{start}{}{repeated}", pieces.join(if below(rng, 2) == 0 { "" } else { " " }))
}

#[test]
fn no_formula_makes_reading_freezing_or_fitting_panic() {
    let trial = antidepressant();
    let part = trial.part(&few(&trial)).unwrap();
    let (mut understood, mut frozen) = (0, 0);
    for seed in 0..cases(1000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let text = formula(&mut rng);
        let Ok(model) = Model::formula(&text) else { continue };
        understood += 1;
        let model = model.visits(["4", "5"]);
        let Ok(design) = model.freeze(&trial.protocol()) else { continue };
        frozen += 1;
        let again = design.mean_model().to_string();
        assert_eq!(&MeanModel::parse(&again).unwrap(), design.mean_model(), "{text}: {again}");
        let moments = TrialMoments::of(&design, &part);
        let Ok(moments) = moments else { continue };
        let file = serde_json::to_string(&moments).unwrap();
        assert_eq!(TrialMoments::from_json(&file).unwrap_or_else(|error| panic!("{text}: {error}")), moments);
        use_all(&model, &moments);
    }
    println!("{understood} formulas understood, {frozen} frozen");
    assert!(understood > 0 && frozen > 0, "{understood} {frozen}");
}
