//! Random effects: from the formula or the builder to levels and multipliers, for invented patients.

use crate::common::{reference, repository};
use proptest::prelude::*;
use serde_json::Value;
use trialstats::covariance::Coordinates;
use trialstats::design::{DesignOptions, EffectCovariance, MeanModel, RandomEffects, RandomTerm};
use trialstats::{Covariance, Error, GroupEffect, JointModel, Layout, Model, PartiallyNested, Trial, WithinArms};

/// Six invented patients: two groups in arm `gst`, none in `tau`; two sites with a therapist `1` each; a patient
/// without a therapist.
const ROWS: &str = "\
id,arm,month,y,site,therapist,group,gst,days
p1,gst,0,5,n,1,g2,1,0
p1,gst,3,4,n,1,g2,1,88
p2,gst,0,6,s,1,g1,1,0
p2,gst,3,,s,1,g1,1,93
p3,gst,0,7,n,2,g1,1,0
p3,gst,3,5,n,2,g1,1,
p4,tau,0,6,n,2,,0,0
p4,tau,3,6,n,2,,0,91
p5,tau,0,7,s,1,,0,0
p5,tau,3,4,s,1,,0,85
p6,tau,0,8,s,,,0,0
p6,tau,3,7,s,,,0,90
";

fn trial() -> Trial {
    use trialstats::trial::CovariateKind;
    Layout::long("id", "arm", "month")
        .reference_arm("tau")
        .outcome("y")
        .covariate("site")
        .covariate_as("gst", CovariateKind::Numeric)
        .covariate_as("days", CovariateKind::NumericByVisit)
        .cluster("therapist")
        .cluster("group")
        .read_csv_from("invented", ROWS.as_bytes())
        .expect("reads")
}

fn terms(formula: &str) -> Vec<RandomTerm> {
    Model::formula(formula).expect(formula).design(&trial()).expect(formula).random().to_vec()
}

fn term(formula: &str) -> RandomTerm {
    let terms = terms(formula);
    assert_eq!(terms.len(), 1, "{formula}");
    terms.into_iter().next().expect("one")
}

/// The level's name of each cell, `-` for none.
fn levels(term: &RandomTerm) -> String {
    let name = |l: &Option<u32>| l.map_or("-", |l| term.levels()[l as usize].as_str());
    term.level_of().iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_intercept_of_each_therapist() {
    let term = term("y ~ arm + (1 | therapist)");
    assert_eq!((term.factor(), term.is_of_patients(), term.structure()), ("therapist", false, EffectCovariance::Correlated));
    assert_eq!(term.effects(), ["(Intercept)"]);
    // The visit that p2 did not make belongs to nobody, and neither does p6.
    assert_eq!(levels(&term), "1 1 1 - 2 2 2 2 1 1 - -");
    assert_eq!(term.z(), [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn groups_of_one_arm_need_no_codes_in_the_other() {
    let term = term("y ~ arm * month + (0 + gst | group) + us(month | id)");
    assert_eq!(term.levels(), ["g1", "g2"]);
    assert_eq!(term.effects(), ["gst"]);
    assert_eq!(levels(&term), "g2 g2 g1 - g1 g1 - - - - - -");
    assert_eq!(term.z(), [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn slopes_of_patients_and_what_lacks_a_time() {
    let model = Model::formula("y ~ days + (days | patient)").expect("parses");
    let design = model.design(&trial()).expect("builds");
    let term = &design.random()[0];
    assert_eq!((term.factor(), term.is_of_patients()), ("id", true));
    assert_eq!(term.effects(), ["(Intercept)", "days"]);
    assert_eq!(term.z()[..8], [1.0, 0.0, 1.0, 88.0, 1.0, 0.0, 0.0, 0.0]);
    // Without the days in the mean the observation is excluded for the sake of the random slope, and listed.
    let design = Model::formula("y ~ arm + (0 + days || id)").expect("parses").design(&trial()).expect("builds");
    assert_eq!(design.random()[0].structure(), EffectCovariance::Independent);
    let excluded: Vec<(&str, &str, &str)> =
        design.exclusions().rows.iter().map(|r| (r.patient.as_str(), r.visit.as_str(), r.reason.as_str())).collect();
    assert_eq!(excluded, [("p3", "3", "`days`, which multiplies a random effect of `id`, is missing")]);
    assert_eq!(design.n_observations(), 10);
}

/// Who belongs to no level needs no multiplier.
#[test]
fn a_missing_multiplier_outside_of_all_levels_excludes_nothing() {
    let rows = ROWS.replace("p4,tau,0,6,n,2,,0,0", "p4,tau,0,6,n,2,,,0").replace("p4,tau,3,6,n,2,,0,91", "p4,tau,3,6,n,2,,,91");
    let layout = Layout::long("id", "arm", "month").outcome("y").covariate("gst").cluster("group");
    let trial = layout.read_csv_from("invented", rows.as_bytes()).expect("reads");
    let design = Model::formula("y ~ arm + (0 + gst | group)").expect("parses").design(&trial).expect("builds");
    assert_eq!((design.n_observations(), design.exclusions().rows.len()), (11, 0));
}

#[test]
fn a_patient_who_changes_therapist_belongs_to_two() {
    let rows = ROWS.replace("p1,gst,3,4,n,1", "p1,gst,3,4,n,2").replace("p5,tau,3,4,s,1", "p5,tau,3,4,s,");
    let layout = Layout::long("id", "arm", "month").outcome("y").covariate("site");
    let error = layout.clone().cluster("therapist").read_csv_from("invented", rows.as_bytes()).expect_err("changes");
    let text = error.to_string();
    assert!(
        text.contains("invented, line 3, patient p1, visit 3, column therapist") && text.contains("`Layout::cluster_by_visit`"),
        "{text}"
    );
    let trial = layout.cluster_by_visit("therapist").read_csv_from("invented", rows.as_bytes()).expect("reads");
    let of = |formula: &str| Model::formula(formula).expect(formula).design(&trial).expect(formula).random()[0].clone();
    assert_eq!(levels(&of("y ~ arm + (1 | therapist)")), "1 2 1 - 2 2 2 2 1 - - -");
    assert_eq!(levels(&of("y ~ arm + (1 | site:therapist)")), "n:1 n:2 s:1 - n:2 n:2 n:2 n:2 s:1 - - -");
    let error = Model::formula("y ~ arm + us(visit | therapist / patient)").expect("parses").design(&trial).expect_err("no group");
    assert!(error.to_string().contains("changes by visit"), "{error}");
    let within = of("y ~ arm + (1 | therapist:id)");
    assert!(!within.is_of_patients());
    assert_eq!(within.levels(), ["1:p1", "1:p2", "1:p5", "2:p1", "2:p3", "2:p4"]);
}

#[test]
fn nested_levels_are_combinations() {
    let two = terms("y ~ arm + (1 | site/therapist)");
    assert_eq!(two.iter().map(RandomTerm::factor).collect::<Vec<_>>(), ["site", "site:therapist"]);
    assert_eq!(two[1].levels(), ["n:1", "n:2", "s:1"]);
    assert_eq!(levels(&two[1]), "n:1 n:1 s:1 - n:2 n:2 n:2 n:2 s:1 s:1 - -");
    assert_eq!(terms("y ~ arm + (1 | site:therapist)"), two[1..]);
    let patients = term("y ~ arm + (1 | site:id)");
    assert!(patients.is_of_patients());
    assert_eq!(patients.levels().len(), 6);
}

#[test]
fn a_factor_left_of_the_bar_is_coded_as_in_the_mean() {
    let full = term("y ~ arm + (0 + arm | therapist)");
    assert_eq!(full.effects(), ["armtau", "armgst"]);
    assert_eq!(full.z()[..2], [0.0, 1.0]);
    assert_eq!(full.z()[14..16], [1.0, 0.0]);
    let contrast = term("y ~ arm + (arm | therapist)");
    assert_eq!(contrast.effects(), ["(Intercept)", "armgst"]);
    assert_eq!(contrast.z()[14..16], [1.0, 0.0]);
    let product = term("y ~ arm + (0 + gst:days || therapist)");
    assert_eq!(product.effects(), ["gst:days"]);
    assert_eq!(product.z()[..2], [0.0, 88.0]);
    // Nobody in a group is in the arm without groups.
    let design = Model::formula("y ~ arm + (0 + arm | group)").expect("parses").design(&trial()).expect("builds");
    assert_eq!(design.random()[0].effects(), ["armgst"]);
    assert_eq!(design.warnings()[0], "no analysed observation has `arm` = tau: left out of its levels in the random effects of `group`");
}

#[test]
fn formula_and_builder_say_the_same() {
    let mean = || MeanModel::parse("y ~ arm").expect("parses");
    let of = RandomEffects::of;
    for (formula, built, text) in [
        ("(1 | therapist)", of("therapist"), "(1 | therapist)"),
        ("(0 + gst | group)", of("group").without_intercept().effect("gst"), "(0 + gst | group)"),
        ("(gst - 1 | group)", of("group").effect("gst").without_intercept(), "(0 + gst | group)"),
        ("(days | patient)", of("patient").effect("days"), "(1 + days | patient)"),
        ("(1 + days || patient)", of("patient").effect("days").independent(), "(1 + days || patient)"),
        ("(1 | site:therapist)", of("therapist").within("site"), "(1 | site:therapist)"),
        ("(gst * days | g)", of("g").effect("gst").effect("days").interaction(&["gst", "days"]), "(1 + gst + days + gst:days | g)"),
        ("(0 + days:gst + gst | g)", of("g").without_intercept().effect("gst").interaction(&["days", "gst"]), "(0 + gst + gst:days | g)"),
        ("(1 | `therapy group`)", of("therapy group"), "(1 | `therapy group`)"),
    ] {
        let parsed = Model::formula(&format!("y ~ arm + {formula}")).expect(formula);
        assert_eq!(parsed, Model::new(mean()).random(built), "{formula}");
        assert_eq!(parsed.to_string(), format!("y ~ arm + {text}"));
        assert_eq!(Model::formula(&parsed.to_string()).expect("its own text"), parsed);
    }
    let parsed = Model::formula("y ~ (1 | site/therapist)").expect("parses");
    assert_eq!(parsed, Model::new(MeanModel::outcome("y")).random_intercept("site").random(of("therapist").within("site")));
    assert_eq!(parsed.to_string(), "y ~ 1 + (1 | site) + (1 | site:therapist)");
}

#[test]
fn the_covariance_of_the_visits() {
    let plain = || Model::formula("y ~ arm").expect("parses");
    for (formula, built, text) in [
        ("us(visit | patient)", plain().covariance(Covariance::Unstructured), "us(visit | patient)"),
        ("ar1h(visit | patient)", plain().covariance(Covariance::HeterogeneousAutoregressive), "ar1h(visit | patient)"),
        ("independent(visit | patient)", plain().covariance(Covariance::Independent), "id(visit | patient)"),
        ("heterogeneous-toeplitz(visit | patient)", plain().covariance(Covariance::HeterogeneousToeplitz), "toeph(visit | patient)"),
        ("sp_exp(time | patient)", plain().covariance(Covariance::SpatialExponential(Coordinates::VisitTime)), "sp_exp(visit | patient)"),
        (
            "spatial-power(days, dose | patient)",
            plain().covariance(Covariance::SpatialPower(Coordinates::columns(["days", "dose"]))),
            "`spatial-power(days, dose)`(visit | patient)",
        ),
        ("`toeplitz(2)`(visit | patient)", plain().covariance(Covariance::BandedToeplitz { bands: 2 }), "`toeplitz(2)`(visit | patient)"),
        ("cs(visit | arm / patient)", plain().covariance(Covariance::CompoundSymmetry).covariance_by("arm"), "cs(visit | arm / patient)"),
    ] {
        let parsed = Model::formula(&format!("y ~ arm + {formula}")).expect(formula);
        assert_eq!(parsed, built, "{formula}");
        assert_eq!(parsed.to_string(), format!("y ~ arm + {text}"));
        assert_eq!(Model::formula(&parsed.to_string()).expect("its own text"), parsed);
    }
    let later = Model::formula("y ~ arm + us(visit | patient)").expect("parses").covariance(Covariance::Toeplitz);
    assert_eq!(later, plain().covariance(Covariance::Toeplitz));
    let named = Model::formula("y ~ arm + us(month | id)").expect("parses");
    assert!(named.design(&trial()).is_ok());
    assert_eq!(named.to_string(), "y ~ arm + us(month | id)");
}

#[test]
fn mistakes_in_a_formula_are_shown_where_they_are() {
    for (text, at, part) in [
        ("y ~ arm + (0 | therapist)", 11, "write 1"),
        ("y ~ arm + (1 | a + b)", 16, "(1 | a) + (1 | b)"),
        ("y ~ arm + (1 | a * b)", 16, "a factor"),
        ("y ~ arm + (1 | 1)", 16, "a factor"),
        ("y ~ arm + (1 | g) + (1 | g)", 21, "in the formula already"),
        ("y ~ arm + us(visit | patient) + cs(visit | patient)", 33, "second covariance"),
        ("y ~ arm + banana(visit | patient)", 11, "heterogeneous-toeplitz (toeph)"),
        ("y ~ arm + us(arm + visit | patient)", 11, "us(visit | patient)"),
        ("y ~ arm + us(visit | arm * patient)", 22, "us(visit | arm / patient)"),
        ("y ~ arm * (1 | g)", 11, "term of its own"),
        ("y ~ arm + us(days, visit | patient)", 11, "takes the visit alone"),
        ("y ~ arm + half-us(visit | patient)", 11, "`half-us`"),
        ("y ~ arm - cos(dose)", 11, "add the transformed variable"),
        ("y ~ arm + (1, days | g)", 13, "`)`"),
    ] {
        match Model::formula(text) {
            Err(Error::Formula { position, message, .. }) => {
                assert_eq!(position, at, "{text}: {message}");
                assert!(message.contains(part), "{text}: {message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let mean = MeanModel::parse("y ~ arm + (1 | g)").expect_err("not of the mean").to_string();
    assert!(mean.contains("character 11") && mean.contains("Model::formula"), "{mean}");
}

#[test]
fn what_the_trial_does_not_have_is_named() {
    let refused = |formula: &str| Model::formula(formula).expect(formula).design(&trial()).expect_err(formula);
    for (formula, code, part) in [
        ("y ~ arm + (1 | therapst)", "unknown-name", "Known: id, therapist, group, arm, visit, month, site"),
        ("y ~ arm + (1 | days)", "wrong-kind-of-variable", "Layout::cluster"),
        ("y ~ arm + (0 + dose | group)", "unknown-name", "dose"),
        ("y ~ arm + (0 + tau | group)", "wrong-kind-of-variable", "the name of an arm"),
        ("y ~ arm + us(week | id)", "unknown-name", "known: month, visit"),
        ("y ~ arm + us(month | therapist)", "conflicting-settings", "(1 | therapist)"),
        ("y ~ arm + us(month | person)", "unknown-name", "known: id, patient"),
    ] {
        let error = refused(formula);
        assert_eq!(error.code(), code, "{formula}: {error}");
        assert!(error.to_string().contains(part), "{formula}: {error}");
    }
}

#[test]
fn one_level_cannot_vary() {
    let model = Model::formula("y ~ arm + (1 | group)").expect("parses");
    let one = ROWS.replace("g2", "g1");
    let layout = Layout::long("id", "arm", "month").outcome("y").cluster("group");
    let trial = layout.read_csv_from("invented", one.as_bytes()).expect("reads");
    let error = model.design(&trial).expect_err("one level");
    assert_eq!(error.code(), "not-estimable");
    assert!(error.to_string().contains("there is one level, `g1`"), "{error}");
    let none = one.replace("g1", "");
    let trial = layout.read_csv_from("invented", none.as_bytes()).expect("reads");
    assert!(model.design(&trial).expect_err("no level").to_string().contains("belongs to a level"));
}

/// Invented rows of patients at months 0 and 3: arm and therapist of each, empty for none.
fn patients(of: &[(&str, &str)]) -> Trial {
    let row = |(i, (arm, therapist)): (usize, &(&str, &str))| {
        [0, 3].map(|month| format!("p{i},{arm},{month},{},{therapist},{}\n", (i * 7 + month * 5) % 11, i % 3)).concat()
    };
    let text = format!("id,arm,month,y,therapist,dose\n{}", of.iter().enumerate().map(row).collect::<String>());
    let layout = Layout::long("id", "arm", "month").outcome("y").covariate("dose").cluster("therapist");
    layout.read_csv_from("invented", text.as_bytes()).expect("reads")
}

fn warnings(of: &[(&str, &str)]) -> Vec<String> {
    let model = Model::formula("y ~ arm + (1 | therapist)").expect("parses");
    model.design(&patients(of)).expect("builds").warnings().to_vec()
}

#[test]
fn what_the_levels_are_like_is_said() {
    let crossed = [("a", "k"), ("b", "k"), ("a", "l"), ("b", "l")];
    assert!(warnings(&crossed).is_empty());
    let of = |more: &[(&'static str, &'static str)]| warnings(&[&crossed, more].concat());
    assert_eq!(
        of(&[("a", "m"), ("a", "m")]),
        ["1 of the 3 levels of `therapist` (m) has patients in one arm only: they do not compare the arms within a level"]
    );
    assert_eq!(
        of(&[("a", "m"), ("b", "n")]),
        [
            "2 of the 4 levels of `therapist` (m, n) have a single patient each: they say little of what patients of a level share",
            "2 of the 4 levels of `therapist` (m, n) have patients in one arm only: they do not compare the arms within a level"
        ]
    );
    assert_eq!(of(&[("a", ""), ("b", "k"), ("b", "k")]), ["1 of the 3 analysed patients in arm a belongs to no level of `therapist`"]);
    // Groups of one arm are no surprise, and neither is an arm without them.
    assert!(warnings(&[("a", "k"), ("a", "k"), ("a", "l"), ("a", "l"), ("b", ""), ("b", "")]).is_empty());
}

#[test]
fn variances_that_no_outcome_tells_apart_are_refused() {
    let trial = patients(&[("a", "k"), ("b", "k"), ("a", "l"), ("b", "l"), ("a", "m"), ("b", "m")]);
    let design = |formula: &str| Model::formula(formula).expect(formula).design(&trial);
    for (formula, part) in [
        (
            "y ~ arm + (1 | therapist) + (dose | therapist)",
            "`variance of (Intercept) in therapist` is not estimable: the same levels have (Intercept) in two",
        ),
        ("y ~ arm + (1 | id) + (1 | therapist:patient)", "in two random terms, of `id` and of `therapist:id`"),
        ("y ~ arm + (arm + time + arm:time + visit | therapist)", "follows from (Intercept), armb, time"),
    ] {
        let error = design(formula).expect_err(formula);
        assert_eq!(error.code(), "not-estimable", "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(design("y ~ arm + (1 | therapist) + (0 + dose | therapist)").is_ok());
    assert!(design("y ~ arm + (arm + time || therapist)").is_ok());
}

/// A random intercept of patients is in an unstructured covariance already.
#[test]
fn a_random_intercept_of_patients_is_stated_once() {
    let trial = patients(&[("a", "k"), ("b", "k"), ("a", "l"), ("b", "l"), ("a", "m"), ("b", "m"), ("a", "m")]);
    for formula in
        ["y ~ arm + (1 | patient) + us(visit | patient)", "y ~ arm + (1 | id) + cs(visit | arm / id)", "y ~ arm + (1 | id:visit)"]
    {
        let model = Model::formula(formula).expect(formula).covariance_else([]);
        let model = if formula.contains("id:visit") { model.covariance(Covariance::Independent) } else { model };
        let error = model.fit(&trial).expect_err(formula);
        assert_eq!(error.code(), "not-estimable", "{error}");
        assert!(error.to_string().contains("leave one of the two out"), "{error}");
    }
}

/// Invented rows with a visit before treatment; groups in arm b.
fn groups_of_one_arm(of: &[(&str, &str)]) -> Trial {
    let row = |(i, (arm, group)): (usize, &(&str, &str))| {
        [("baseline", 0), ("3", 3), ("6", 6)].map(|(visit, at)| format!("p{i},{arm},{visit},{},{group}\n", (i * 7 + at * 5) % 11)).concat()
    };
    let text = format!("id,ARM,visit,y,group\n{}", of.iter().enumerate().map(row).collect::<String>());
    let layout = Layout::long("id", "ARM", "visit").outcome("y").cluster("group");
    let layout = layout.visits_at([("baseline", 0.0), ("3", 3.0), ("6", 6.0)]).baseline_visit("baseline");
    layout.read_csv_from("invented", text.as_bytes()).expect("reads")
}

#[test]
fn the_partially_nested_model_by_name() {
    let trial = groups_of_one_arm(&[("a", ""), ("a", ""), ("b", "g1"), ("b", "g1"), ("b", "g2"), ("b", "g2")]);
    let mean = || MeanModel::parse("y ~ baseline + arm * visit").expect("parses");
    let nested = || PartiallyNested::new(mean(), "group").in_arm("b");
    let text = |p: PartiallyNested| p.model(&trial).expect("a model").to_string();
    assert_eq!(text(nested()), "y ~ baseline + arm * visit + (1 | group) + us(visit | arm / patient)");
    assert_eq!(
        nested().model(&trial).unwrap(),
        Model::formula("y ~ baseline + arm * visit + (1 | group) + us(visit | arm / patient)").unwrap()
    );
    assert_eq!(
        text(nested().within(WithinArms::Common).covariance(Covariance::CompoundSymmetry)),
        "y ~ baseline + arm * visit + (1 | group) + cs(visit | patient)"
    );
    assert_eq!(text(nested().effect(GroupEffect::Slope)), "y ~ baseline + arm * visit + (1 + time | group) + us(visit | arm / patient)");
    assert_eq!(
        text(nested().effect(GroupEffect::ByVisit)),
        "y ~ baseline + arm * visit + (0 + visit || group) + us(visit | arm / patient)"
    );
    let by_visit = nested().effect(GroupEffect::ByVisit).model(&trial).unwrap().design(&trial).unwrap();
    assert_eq!(by_visit.random()[0].effects(), ["visit3", "visit6"]);
    assert!(by_visit.warnings().is_empty(), "{:?}", by_visit.warnings());
}

/// With one mean for all arms before treatment, groups have no effect there.
#[test]
fn groups_of_an_arm_begin_with_treatment() {
    let trial = groups_of_one_arm(&[("a", ""), ("a", ""), ("b", "g1"), ("b", "g1"), ("b", "g2"), ("b", "g2")]);
    let mean = || MeanModel::parse("y ~ arm * visit").expect("parses").constrained_baseline();
    for (effect, effects, z) in [
        (GroupEffect::Constant, vec!["armb"], vec![0.0, 1.0, 1.0]),
        (GroupEffect::Slope, vec!["armb", "armb:time"], vec![0.0, 0.0, 1.0, 3.0, 1.0, 6.0]),
        (GroupEffect::ByVisit, vec!["armb:visit3", "armb:visit6"], vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
    ] {
        let model = PartiallyNested::new(mean(), "group").effect(effect).model(&trial).expect("a model");
        let design = model.design(&trial).expect("builds");
        assert_eq!(design.random()[0].effects(), effects);
        assert_eq!(design.random()[0].z()[2 * z.len()..3 * z.len()], z, "{effect:?}");
    }
}

#[test]
fn what_is_not_partially_nested_is_refused() {
    let refused = |arms: &[&str], of: &[(&str, &str)]| {
        let nested = PartiallyNested::new(MeanModel::parse("y ~ arm").expect("parses"), "group");
        let nested = arms.iter().fold(nested, |n, arm| n.in_arm(*arm));
        nested.model(&groups_of_one_arm(of)).expect_err("refused").to_string()
    };
    let both = [("a", "g0"), ("a", ""), ("b", "g1"), ("b", "g2")];
    assert!(refused(&["b"], &both).contains("patients of arm a are in a group, 1 in number"));
    assert!(refused(&[], &both).contains("every arm has groups"));
    assert!(refused(&["a"], &[("a", ""), ("b", "g1")]).contains("patients of arm b are in a group"));
    assert!(refused(&["a", "b"], &[("a", ""), ("b", "g1")]).contains("nobody in arm a"));
    assert!(refused(&["c"], &both).contains("known: a, b"));
    let error = PartiallyNested::new(MeanModel::outcome("y"), "grp").model(&groups_of_one_arm(&both)).expect_err("no such cluster");
    assert!(error.to_string().contains("no cluster named `grp`; known: group"), "{error}");
}

#[test]
fn levels_that_nobody_analysed_has_are_left_out_and_named() {
    let rows = ROWS.replace("p1,gst,0,5,n,1", "p1,gst,0,,n,9").replace("p1,gst,3,4,n,1", "p1,gst,3,,n,9");
    let layout = Layout::long("id", "arm", "month").outcome("y").cluster("therapist");
    let trial = layout.read_csv_from("invented", rows.as_bytes()).expect("reads");
    let design = Model::formula("y ~ arm + (1 | therapist)").expect("parses").design(&trial).expect("builds");
    assert_eq!(design.random()[0].levels(), ["1", "2"]);
    assert_eq!(design.warnings()[0], "no analysed observation has `therapist` = 9: left out of its levels");
}

#[test]
fn moments_and_joint_models_refuse_random_effects() {
    let model = Model::formula("y ~ arm + (1 | therapist)").expect("parses");
    let error = model.freeze(&trial().protocol()).expect_err("moments do not know who shares a therapist");
    assert!(error.to_string().contains("(1 | therapist)") && error.code() == "not-available", "{error}");
    let joint = JointModel::new([model.clone(), model]).fit(&trial()).expect_err("a joint model");
    assert!(joint.to_string().contains("(1 | therapist)"), "{joint}");
}

#[test]
fn options_as_json_are_read_back_and_those_without_random_effects_too() {
    let model = Model::formula("y ~ arm + (1 + days || site:therapist)").expect("parses");
    let options = DesignOptions { random: model.random_effects().to_vec(), ..DesignOptions::default() };
    let json = serde_json::to_string(&options).expect("is data");
    assert_eq!(serde_json::from_str::<DesignOptions>(&json).expect("reads"), options);
    let old = r#"{"visits":null,"group":"arm","weights":null}"#;
    assert!(serde_json::from_str::<DesignOptions>(old).expect("reads").random.is_empty());
}

/// A combination's name whatever the order of its factors, which lme4 turns round.
fn unordered(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name.split(':').map(String::from).collect();
    parts.sort();
    parts
}

/// lme4's reading of the same formulas for the same data: levels, names of effects, and what multiplies them in every
/// observation, digit by digit.
#[test]
fn levels_and_multipliers_are_those_of_lme4() {
    let layout = Layout::long("id", "arm", "month").reference_arm("tau").outcome("y").covariate("site").covariate("gst");
    let layout = layout.covariate_as("days", trialstats::trial::CovariateKind::NumericByVisit).cluster_by_visit("therapist");
    let trial = layout.read_csv(repository("tests/references/random_terms/random_terms.csv")).expect("reads");
    let theirs = reference("random_terms/random_terms.json");
    let text = |v: &Value| v.as_str().expect("text").to_string();
    let list = |v: &Value| v.as_array().expect("a list").clone();
    for case in list(&theirs["cases"]) {
        let formula = text(&case["formula"]);
        let design = Model::formula(&format!("y ~ arm + {formula}")).expect(&formula).design(&trial).expect(&formula);
        let rows: Vec<(usize, String, String)> = design
            .model_matrix()
            .iter()
            .map(|(i, t, _)| (i * 3 + t, trial.patients()[design.patients()[*i]].clone(), design.visit_labels()[*t].clone()))
            .collect();
        let months: Vec<String> = list(&theirs["rows"]["month"]).iter().map(Value::to_string).collect();
        let ids: Vec<String> = list(&theirs["rows"]["id"]).iter().map(text).collect();
        assert_eq!(rows.iter().map(|(_, id, month)| (id, month)).collect::<Vec<_>>(), ids.iter().zip(&months).collect::<Vec<_>>());
        let terms = list(&case["terms"]);
        assert_eq!(terms.len(), design.random().len(), "{formula}");
        let mut matched = 0;
        for term in design.random() {
            let is_same = |their: &&Value| {
                unordered(&text(&their["factor"]).replace(".1", "")) == unordered(term.factor())
                    && list(&their["effects"]).iter().map(text).eq(term.effects().iter().cloned())
            };
            let their = terms.iter().find(is_same).unwrap_or_else(|| panic!("{formula}: no {} with {:?}", term.factor(), term.effects()));
            matched += 1;
            let mut levels: Vec<Vec<String>> = list(&their["levels"]).iter().map(|l| unordered(&text(l))).collect();
            let mut own: Vec<Vec<String>> = term.levels().iter().map(|l| unordered(l)).collect();
            levels.sort();
            own.sort();
            assert_eq!(own, levels, "{formula}");
            let k = term.effects().len();
            for ((cell, ..), (level, z)) in rows.iter().zip(list(&their["level"]).iter().zip(list(&their["z"]))) {
                let own = &term.levels()[term.level_of()[*cell].expect("everyone has a level") as usize];
                assert_eq!(unordered(own), unordered(&text(level)), "{formula}");
                let z: Vec<f64> = list(&z).iter().map(|x| x.as_f64().expect("a number")).collect();
                assert_eq!(term.z()[cell * k..(cell + 1) * k], z, "{formula}");
            }
        }
        assert_eq!(matched, terms.len());
    }
}

fn effects() -> impl Strategy<Value = RandomEffects> {
    let names = ["days", "gst", "arm", "visit", "dose in mg", "Größe", "x.1"];
    let factors = ["therapist", "site", "therapy group", "patient"];
    let term = proptest::sample::subsequence(names.to_vec(), 1..=3).prop_shuffle();
    let factor = proptest::sample::subsequence(factors.to_vec(), 1..=3).prop_shuffle();
    (factor, proptest::collection::vec(term, 0..4), any::<bool>(), any::<bool>()).prop_map(|(factors, terms, intercept, independent)| {
        let of = factors[1..].iter().fold(RandomEffects::of(factors[0]), |of, outer| of.within(*outer));
        let of = terms.iter().fold(of, |of, term| of.interaction(term));
        let of = if intercept || terms.is_empty() { of } else { of.without_intercept() };
        if independent { of.independent() } else { of }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_built_is_read_back_from_its_text(effects in effects()) {
        let model = Model::new(MeanModel::outcome("y").arm_by_visit()).random(effects);
        let text = model.to_string();
        let read = Model::formula(&text).expect(&text);
        prop_assert_eq!(&read, &model, "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }

    /// Arms, therapists and missing outcomes at random: levels and multipliers are those of the rows, whatever they
    /// are.
    #[test]
    fn levels_are_those_of_the_rows(
        rows in proptest::collection::vec((proptest::option::of(0..4_u8), proptest::option::weighted(0.8, 0..9_i8), -5..5_i8), 2..40)
    ) {
        let line = |(i, (therapist, y, dose)): (usize, &(Option<u8>, Option<i8>, i8))| {
            let text = |x: Option<String>| x.unwrap_or_default();
            let (therapist, y) = (text(therapist.map(|t| format!("T{t}"))), text(y.map(|y| y.to_string())));
            format!("p{},{},{},{y},{therapist},{dose}\n", i / 2, if i % 4 < 2 { "a" } else { "b" }, i % 2)
        };
        let text = format!("id,arm,visit,y,therapist,dose\n{}", rows.iter().enumerate().map(line).collect::<String>());
        let layout = Layout::long("id", "arm", "visit").outcome("y").cluster_by_visit("therapist").visits(["0", "1"]);
        let layout = layout.covariate_as("dose", trialstats::trial::CovariateKind::NumericByVisit);
        let trial = layout.read_csv_from("random", text.as_bytes()).expect("reads");
        let model = Model::formula("y ~ 1 + (1 | therapist)").expect("parses").random(RandomEffects::of("therapist").without_intercept().effect("dose"));
        let Ok(design) = model.design(&trial) else { return Ok(()) };
        let term = &design.random()[1];
        let mut used = vec![false; term.levels().len()];
        for (cell, level) in term.level_of().iter().enumerate() {
            let analysed: Vec<usize> = design.visit_labels().iter().map(|v| v.parse().expect("a number")).collect();
            let row = design.patients()[cell / analysed.len()] * 2 + analysed[cell % analysed.len()];
            let (therapist, y, dose) = rows.get(row).copied().unwrap_or((None, None, 0));
            let expected = therapist.filter(|_| y.is_some()).map(|t| format!("T{t}"));
            prop_assert_eq!(level.map(|l| term.levels()[l as usize].clone()), expected.clone());
            prop_assert_eq!(term.z()[cell], if expected.is_some() { f64::from(dose) } else { 0.0 });
            prop_assert_eq!(design.random()[0].level_of()[cell], *level);
            if let Some(level) = level { used[*level as usize] = true; }
        }
        prop_assert!(used.iter().all(|u| *u));
        prop_assert!(term.levels().is_sorted());
    }
}
