//! Generalized estimating equations against SAS's published numbers, explicit matrices in R, geepack, gee and statsmodels;
//! exact identities, and what has no solution.

use crate::common::*;
use serde_json::Value;
use trialstats::estimates::Link;
use trialstats::generalized::{
    AlphaConvention, Dropout, Event, Family, Gee, GeeDf, GeeFit, GeeVcov, GeneralizedModel, GlmOptions, GlmVcov, NotFitted,
    PopulationMeasure, PopulationOptions, WeightLevel, WorkingCorrelation, population_means,
};
use trialstats::means::ContrastOptions;
use trialstats::options::Choices;
use trialstats::{Error, Estimates, Layout, Means, Tabular, Trial};

/// Both sides stop where nothing moves in double precision (worst 2e-12 in estimates, 3e-11 in what is made of them).
const EXPLICIT: f64 = 1e-9;
/// geepack and gee at tolerances of 1e-12 stop a step earlier (worst 3e-11).
const R_PACKAGES: f64 = 1e-8;
/// statsmodels' parameters at 1e-13 (worst 1e-10).
const STATSMODELS: f64 = 1e-8;

const RESPIRATORY: &str = "tests/references/gee/respiratory.csv";
const SAS: &str = "outcome ~ treat + center + sex + age + baseline";

fn respiratory_from(file: &str) -> Trial {
    let layout = Layout::long("patient", "treat", "visit").reference_arm("P").outcome("outcome");
    let layout = layout.factor("center", ["1", "2"]).factor("sex", ["M", "F"]).covariate("age").covariate("baseline");
    layout.read_csv_from("respiratory", contents(file).as_bytes()).expect("the respiratory trial")
}

fn respiratory() -> Trial {
    respiratory_from(RESPIRATORY)
}

fn remission() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").arms(["ImRs", "ImRs+GST"]).outcome("remission");
    let layout = layout.covariate("site").covariate("age").visits(["3 months", "6 months", "9 months", "12 months"]);
    layout.read_csv_from("imrs", contents("tests/references/gee/imrs_binary.csv").as_bytes()).expect("the sample trial")
}

fn numbers(of: &Value) -> Vec<f64> {
    match of {
        Value::Array(all) => all.iter().map(|x| x.as_f64().expect("a number")).collect(),
        one => one.as_f64().into_iter().collect(),
    }
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().expect("a text")
}

/// The fit of a case of a reference; `short` is the mean of the cases with other links.
fn fit_of(case: &Value, vcov: GeeVcov) -> GeeFit {
    let is_short = text(case, "link") != "logit";
    let (trial, formula) = match (text(case, "data"), is_short) {
        ("respiratory", false) => (respiratory(), SAS),
        ("respiratory", true) => (respiratory(), "outcome ~ treat + center"),
        _ => (remission(), "remission ~ site + age + arm * visit"),
    };
    let gee = Gee::formula(formula).expect("a formula").family(text(case, "family").parse().expect("a family"));
    let gee = gee.link(text(case, "link").parse().expect("a link")).correlation(text(case, "structure").parse().expect("a structure"));
    let gee = gee.convention(text(case, "convention").parse().expect("a convention")).vcov(vcov);
    if case["weighted"] == true {
        let weight = |i: usize, t: usize| 1.0 + ((t + 1) % 2) as f64 + trial.variable("age").unwrap().numbers().unwrap()[i] / 100.0;
        let weights = (0..trial.patients().len()).flat_map(|i| (0..4).map(move |t| weight(i, t))).collect();
        let weighed = with_weights(&trial, weights);
        return gee.weights("w").fit(&weighed).expect("a solution");
    }
    gee.fit(&trial).expect("a solution")
}

fn with_weights(trial: &Trial, weights: Vec<f64>) -> Trial {
    let builder = Trial::builder("weighted").patients(trial.patients().to_vec()).arms(trial.arms().to_vec(), trial.arm_of().to_vec());
    let builder = builder.schedule(trial.schedule().clone()).outcome(trial.outcome("outcome").unwrap().clone());
    let builder = builder.column_names(trial.column_names().clone()).variables(trial.variables().to_vec());
    builder.variable(trialstats::trial::Variable::weight("w", weights)).build().expect("a trial")
}

fn ses(fit: &GeeFit, method: GeeVcov) -> Vec<f64> {
    fit.vcov_by(method).diagonal().iter().map(|v| v.sqrt()).collect()
}

fn compare_all(c: &mut Comparison, what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    c.same(&format!("{what} length"), ours.len(), theirs.len());
    ours.iter().zip(theirs).enumerate().for_each(|(k, (a, b))| c.relative(&format!("{what}[{k}]"), *a, *b, tolerance));
}

/// Positions of α of an unstructured correlation of four visits in the order of R's upper triangle, column by column.
const COLUMN_BY_COLUMN: [usize; 6] = [0, 1, 3, 2, 4, 5];

/// Of these numbers QIC was read where it is published; the others are those that R reproduces, still to be read there.
/// SAS/STAT User's Guide, The GENMOD Procedure, example "GEE for Binary Data with Logit Link Function": the coefficients and
/// empirical standard errors, the working correlation, QIC and QICu, as printed; the exchangeable analysis likewise.
#[test]
fn the_published_respiratory_trial_of_sas() {
    let fit = Gee::formula(SAS).unwrap().correlation(WorkingCorrelation::Unstructured).fit(&respiratory()).unwrap();
    let printed = [
        (-0.8882, 0.4568, -1.94, 0.0519),
        (1.2442, 0.3455, 3.60, 0.0003),
        (0.6558, 0.3512, 1.87, 0.0619),
        (0.1128, 0.4408, 0.26, 0.7981),
        (-0.0175, 0.0129, -1.36, 0.1728),
        (1.8981, 0.3441, 5.52, 0.0000),
    ];
    let mut c = Comparison::of("SAS");
    for (row, (estimate, se, z, p)) in fit.coefficients().rows.iter().zip(printed) {
        c.within(&format!("{} estimate", row.label), row.estimate, estimate, 0.5e-4);
        c.within(&format!("{} SE", row.label), row.se, se, 0.5e-4);
        c.within(&format!("{} z", row.label), row.t, z, 0.5e-2);
        c.within(&format!("{} p", row.label), row.p, p, 0.5e-4);
    }
    let rows = [[1.0, 0.3351, 0.2140, 0.2953], [0.3351, 1.0, 0.4429, 0.3581], [0.2140, 0.4429, 1.0, 0.3964], [0.2953, 0.3581, 0.3964, 1.0]];
    let r = fit.correlation_matrix();
    for (a, row) in rows.iter().enumerate() {
        row.iter().enumerate().for_each(|(b, rho)| c.within(&format!("R[{a}, {b}]"), r[(a, b)], *rho, 0.5e-4));
    }
    c.within("QIC", fit.criteria().qic, 512.3416, 0.5e-4);
    c.within("QICu", fit.criteria().qicu, 499.6081, 0.5e-4);
    assert_all([c]);
    assert!(fit.last_step() < 1e-10, "{}", fit.last_step());
    assert_eq!(fit.impossible_pairs().1, 666);
}

#[test]
fn explicit_matrices_agree_in_everything() {
    let reference = reference("gee/gee.json");
    let cases = reference["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 31);
    assert_all(cases.iter().map(|case| {
        let fit = fit_of(case, GeeVcov::Robust);
        let name = ["data", "family", "link", "structure", "convention"].map(|key| text(case, key)).join(" ");
        let mut c = Comparison::of(name);
        compare_all(&mut c, "beta", fit.beta(), &numbers(&case["beta"]), EXPLICIT);
        let alpha = match text(case, "structure") {
            "unstructured" => COLUMN_BY_COLUMN.map(|k| fit.alpha()[k]).to_vec(),
            _ => fit.alpha().to_vec(),
        };
        compare_all(&mut c, "alpha", &alpha, &numbers(&case["alpha"]), EXPLICIT);
        c.relative("phi", fit.phi(), case["phi"].as_f64().unwrap(), EXPLICIT);
        for method in GeeVcov::CHOICES {
            compare_all(&mut c, method.name, &ses(&fit, method.value), &numbers(&case["se"][method.name]), EXPLICIT);
        }
        let vcov = fit.vcov_by(GeeVcov::ManclDeRouen);
        for (i, row) in case["vcov"].as_array().unwrap().iter().enumerate() {
            for (j, v) in numbers(row).iter().enumerate() {
                c.within(&format!("vcov[{i}, {j}]"), vcov[(i, j)], *v, EXPLICIT * (vcov[(i, i)] * vcov[(j, j)]).sqrt());
            }
        }
        let criteria = fit.criteria();
        c.relative("quasi-likelihood", criteria.quasi_likelihood, case["quasi"].as_f64().unwrap(), EXPLICIT);
        c.relative("QIC", criteria.qic, case["qic"].as_f64().unwrap(), EXPLICIT);
        c.relative("QICu", criteria.qicu, case["qicu"].as_f64().unwrap(), EXPLICIT);
        let asked = fit.model().clone().df(GeeDf::PanWall);
        let own = asked.fit(fit.observations().trial()).expect("the same solution");
        let df: Vec<f64> = own.coefficients().rows.iter().map(|row| row.df).collect();
        compare_all(&mut c, "Pan-Wall df", &df, &numbers(&case["pan_wall"]), 10.0 * EXPLICIT);
        c
    }));
}

#[test]
fn geepack_and_gee_agree() {
    let reference = reference("gee/gee.json");
    let mut all = vec![];
    for case in reference["geepack"].as_array().expect("cases") {
        let mut asked = case.clone();
        asked["family"] = "binomial".into();
        asked["link"] = "logit".into();
        asked["convention"] = "geepack".into();
        let fit = fit_of(&asked, GeeVcov::Robust);
        let mut c = Comparison::of(format!("geepack {} {}", text(case, "data"), text(case, "structure")));
        compare_all(&mut c, "beta", fit.beta(), &numbers(&case["beta"]), R_PACKAGES);
        compare_all(&mut c, "SE", &ses(&fit, GeeVcov::Robust), &numbers(&case["se"]), R_PACKAGES);
        compare_all(&mut c, "naive SE", &ses(&fit, GeeVcov::ModelBased), &numbers(&case["naive"]), R_PACKAGES);
        compare_all(&mut c, "alpha", fit.alpha(), &numbers(&case["alpha"]), R_PACKAGES);
        c.relative("phi", fit.phi(), case["phi"].as_f64().unwrap(), R_PACKAGES);
        c.relative("QICu", fit.criteria().qicu, case["qicu"].as_f64().unwrap(), R_PACKAGES);
        all.push(c);
    }
    for case in reference["gee"].as_array().expect("cases") {
        let structure: WorkingCorrelation = text(case, "structure").parse().unwrap();
        let fit = Gee::formula(SAS).unwrap().correlation(structure).fit(&respiratory()).unwrap();
        let mut c = Comparison::of(format!("gee {structure}"));
        compare_all(&mut c, "beta", fit.beta(), &numbers(&case["beta"]), R_PACKAGES);
        compare_all(&mut c, "robust SE", &ses(&fit, GeeVcov::Robust), &numbers(&case["robust"]), R_PACKAGES);
        compare_all(&mut c, "naive SE", &ses(&fit, GeeVcov::ModelBased), &numbers(&case["naive"]), R_PACKAGES);
        c.relative("phi", fit.phi(), case["phi"].as_f64().unwrap(), R_PACKAGES);
        all.push(c);
    }
    assert_all(all);
}

/// statsmodels holds φ at 1 for binary outcomes and takes off degrees of freedom as SAS does.
#[test]
fn statsmodels_agrees() {
    let reference = reference("gee/statsmodels.json");
    assert_all(reference["cases"].as_array().expect("cases").iter().map(|case| {
        let mut asked = case.clone();
        for (key, value) in [("family", "binomial"), ("link", "logit"), ("convention", "sas")] {
            asked[key] = value.into();
        }
        let fit = fit_of(&asked, GeeVcov::Robust);
        let (method, scale) = match text(case, "cov") {
            "robust" => (GeeVcov::Robust, 1.0),
            "naive" => (GeeVcov::ModelBased, fit.phi().sqrt()),
            _ => (GeeVcov::ManclDeRouen, 1.0),
        };
        let mut c = Comparison::of(["data", "structure", "cov"].map(|key| text(case, key)).join(" "));
        compare_all(&mut c, "beta", fit.beta(), &numbers(&case["beta"]), STATSMODELS);
        let ours: Vec<f64> = ses(&fit, method).iter().map(|se| se / scale).collect();
        compare_all(&mut c, "SE", &ours, &numbers(&case["se"]), STATSMODELS);
        compare_all(&mut c, "alpha", fit.alpha(), &numbers(&case["alpha"]), STATSMODELS);
        c
    }));
}

#[test]
fn weights_for_dropout_agree_with_explicit_matrices() {
    let reference = reference("gee/dropout.json");
    let trial = respiratory_from("tests/references/gee/dropout.csv");
    assert_all(reference["cases"].as_array().expect("cases").iter().map(|case| {
        let level: WeightLevel = text(case, "level").parse().unwrap();
        let dropout = Dropout::formula("~ previous + treat + age + visit").unwrap().level(level);
        let gee = Gee::formula("outcome ~ treat + center + age + baseline").unwrap().dropout(dropout);
        let fit = gee.correlation(text(case, "structure").parse().unwrap()).fit(&trial).unwrap();
        let mut c = Comparison::of(format!("{level} {}", text(case, "structure")));
        compare_all(&mut c, "weights", fit.dropout_weights().unwrap(), &numbers(&case["weights"]), EXPLICIT);
        compare_all(&mut c, "beta", fit.beta(), &numbers(&case["beta"]), EXPLICIT);
        let se: Vec<f64> = fit.coefficients().rows.iter().map(|row| row.se).collect();
        compare_all(&mut c, "SE", &se, &numbers(&case["se"]), EXPLICIT);
        c.relative("phi", fit.phi(), case["phi"].as_f64().unwrap(), EXPLICIT);
        if let Some(alpha) = fit.alpha().first() {
            c.relative("alpha", *alpha, case["alpha"].as_f64().unwrap(), EXPLICIT);
        }
        c
    }));
    let weighted = |dropout: Dropout| Gee::formula("outcome ~ treat").unwrap().dropout(dropout);
    let plain = Dropout::formula("~ previous").unwrap();
    let fit = weighted(plain.clone().largest_weight(2.0)).fit(&trial).unwrap();
    assert!(fit.dropout_weights().unwrap().iter().all(|w| (1.0..=2.0).contains(w)));
    assert!(fit.notes().iter().any(|note| note.contains("set to 2")), "{:?}", fit.notes());
    let refused = |gee: Gee, trial: &Trial, code: &str| assert_eq!(gee.fit(trial).expect_err("refused").code(), code);
    refused(weighted(plain.clone().largest_weight(0.5)), &trial, "out-of-range");
    refused(weighted(plain.clone()).vcov(GeeVcov::ManclDeRouen), &trial, "not-available");
    let gaps = remission();
    refused(Gee::formula("remission ~ arm").unwrap().dropout(plain.clone()), &gaps, "not-available");
    // Where nobody leaves, the weights are one and the fit is the plain one.
    let complete = weighted(plain).fit(&respiratory()).unwrap();
    let unweighted = Gee::formula("outcome ~ treat").unwrap().fit(&respiratory()).unwrap();
    complete.beta().iter().zip(unweighted.beta()).for_each(|(a, b)| assert!((a - b).abs() < 1e-12 * b.abs()));
}

/// Under independence a saturated mean is the observed share in every cell, whatever is missing; so are the standardised
/// probabilities, and their differences.
#[test]
fn a_saturated_mean_under_independence_is_the_observed_share() {
    let trial = remission();
    for link in [Link::Logit, Link::Log, Link::Identity] {
        let gee = Gee::formula("remission ~ arm * visit").unwrap().link(link).correlation(WorkingCorrelation::Independence);
        let fit = gee.fit(&trial).unwrap();
        let table = population_means(&fit, &trial, &PopulationOptions::default()).unwrap();
        let outcome = trial.outcome("remission").unwrap();
        let share = |arm: usize, t: usize| {
            let own = (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).filter_map(|i| trial.value(outcome, i, t));
            let (sum, n) = own.fold((0.0, 0.0), |(sum, n), y| (sum + y, n + 1.0));
            sum / n
        };
        let at = |measure: PopulationMeasure, arm: usize, t: usize| {
            let is = |row: &&trialstats::generalized::PopulationEstimate| {
                row.measure == measure && row.arm.index == arm && row.visit.as_ref().is_some_and(|v| v.index == t)
            };
            table.rows.iter().find(is).map(|row| row.estimate).expect("a row")
        };
        for t in 0..4 {
            for arm in 0..2 {
                let mean = at(PopulationMeasure::Mean, arm, t);
                assert!((mean - share(arm, t)).abs() < 1e-12, "{link} {arm} {t}: {mean} {}", share(arm, t));
            }
            assert!((at(PopulationMeasure::Difference, 1, t) - (share(1, t) - share(0, t))).abs() < 1e-12);
        }
    }
}

/// With one visit the equations are those of maximum likelihood, and the robust covariance is HC0.
#[test]
fn at_one_visit_the_equations_are_those_of_likelihood() {
    let trial = remission();
    let model = GeneralizedModel::formula("remission ~ site + age + arm").unwrap().visits(["12 months"]);
    let glm = model.fit_independent(&trial, &GlmOptions::default().vcov(GlmVcov::Hc0)).unwrap();
    for correlation in WorkingCorrelation::CHOICES {
        let gee = Gee::new(model.clone()).correlation(correlation.value).fit(&trial).unwrap();
        for k in 0..4 {
            assert!((gee.beta()[k] - glm.beta()[k]).abs() < 1e-10 * glm.beta()[k].abs());
            assert!((gee.vcov()[(k, k)] - glm.vcov()[(k, k)]).abs() < 1e-9 * glm.vcov()[(k, k)], "{} {k}", correlation.name);
        }
    }
}

/// Patients that are alike are held once: nothing but the number of patients tells three copies of a trial from one.
#[test]
fn copies_of_patients_count_as_patients() {
    let trial = remission();
    let three = contents("tests/references/gee/imrs_binary.csv");
    let (header, rows) = three.split_once('\n').unwrap();
    let copied: String = (0..3).flat_map(|k| rows.lines().map(move |line| format!("{k}{line}\n"))).collect();
    let layout = Layout::long("patient", "arm", "visit").arms(["ImRs", "ImRs+GST"]).outcome("remission");
    let layout = layout.covariate("site").covariate("age").visits(["3 months", "6 months", "9 months", "12 months"]);
    let copies = layout.read_csv_from("copies", format!("{header}\n{copied}").as_bytes()).unwrap();
    let gee = |formula: &str| Gee::formula(formula).unwrap().convention(AlphaConvention::Geepack).correlation(WorkingCorrelation::Toeplitz);
    for formula in ["remission ~ arm * visit", "remission ~ site + age + arm * visit"] {
        let (one, all) = (gee(formula).fit(&trial).unwrap(), gee(formula).fit(&copies).unwrap());
        assert_eq!((all.n_patients(), all.n_observations()), (3 * one.n_patients(), 3 * one.n_observations()));
        for k in 0..one.beta().len() {
            assert!((one.beta()[k] - all.beta()[k]).abs() < 1e-10);
            assert!((one.vcov()[(k, k)] / all.vcov()[(k, k)] - 3.0).abs() < 1e-9);
        }
        assert!((one.phi() - all.phi()).abs() < 1e-12 && (one.alpha()[2] - all.alpha()[2]).abs() < 1e-11);
    }
}

#[test]
fn neither_the_order_of_rows_nor_the_shape_of_the_file_matters() {
    let gee = Gee::formula(SAS).unwrap().correlation(WorkingCorrelation::Toeplitz);
    let fit = gee.fit(&respiratory()).unwrap();
    let text = contents(RESPIRATORY);
    let (header, rows) = text.split_once('\n').unwrap();
    let mut backwards: Vec<&str> = rows.lines().collect();
    backwards.reverse();
    let layout = Layout::long("patient", "treat", "visit").reference_arm("P").outcome("outcome");
    let layout = layout.factor("center", ["1", "2"]).factor("sex", ["M", "F"]).covariate("age").covariate("baseline");
    let other = layout.read_csv_from("backwards", format!("{header}\n{}\n", backwards.join("\n")).as_bytes()).unwrap();
    let turned = gee.fit(&other).unwrap();
    // A row per patient.
    let mut wide = String::from("patient,treat,center,sex,age,baseline,o1,o2,o3,o4\n");
    let lines: Vec<Vec<&str>> = rows.lines().map(|line| line.split(',').collect()).collect();
    for own in lines.chunks(4) {
        let of = |k: usize| own[0][k];
        let outcomes: Vec<&str> = own.iter().map(|line| line[7]).collect();
        wide += &format!("{},{},{},{},{},{},{}\n", of(0), of(2), of(1), of(3), of(4), of(5), outcomes.join(","));
    }
    let columns = [("1", "o1"), ("2", "o2"), ("3", "o3"), ("4", "o4")];
    let layout = Layout::wide("patient", "treat").reference_arm("P").wide_outcome("outcome", columns);
    let layout = layout.factor("center", ["1", "2"]).factor("sex", ["M", "F"]).covariate("age").covariate("baseline");
    let wide = gee.fit(&layout.read_csv_from("wide", wide.as_bytes()).unwrap()).unwrap();
    for k in 0..6 {
        let bound = 1e-12 * fit.beta()[k].abs();
        assert!((fit.beta()[k] - turned.beta()[k]).abs() < 10.0 * bound && (fit.beta()[k] - wide.beta()[k]).abs() < bound);
    }
}

/// 30 patients in three arms, one of them called as a difference is; a missing covariate; texts as outcome.
fn made_up(outcome: impl Fn(usize, usize) -> Option<bool>) -> String {
    let mut file = String::from("id,arm,visit,x,status\n");
    for i in 0..60 {
        for t in 0..3 {
            let x = if i == 7 { "NA".to_string() } else { (i % 9).to_string() };
            let status = outcome(i, t).map_or("", |met| if met { "good" } else { "poor" });
            file += &format!("{i},{},v{t},{x},{status}\n", ["A - B", "C, D", "E"][i % 3].replace(", ", "; "));
        }
    }
    file
}

fn texts(outcome: impl Fn(usize, usize) -> Option<bool>) -> Trial {
    let layout = Layout::long("id", "arm", "visit").covariate("x").covariate_as("status", trialstats::trial::CovariateKind::FactorByVisit);
    layout.read_csv_from("made up", made_up(outcome).as_bytes()).expect("a trial")
}

fn mixed(i: usize, t: usize) -> Option<bool> {
    (t == 0 || i % 11 != 5).then(|| (i * 7 + t * 4 + i / 5) % 10 < 4 + t)
}

#[test]
fn outcomes_may_be_texts_arms_may_be_three_and_the_missing_are_counted() {
    let trial = texts(mixed);
    let gee = Gee::formula("status ~ x + arm * visit").unwrap();
    let fit = gee.clone().event(Event::value("good")).fit(&trial).unwrap();
    let opposite = gee.clone().event(Event::value("poor")).fit(&trial).unwrap();
    fit.beta().iter().zip(opposite.beta()).for_each(|(a, b)| assert!((a + b).abs() < 1e-10));
    assert_eq!(fit.n_patients(), 59);
    assert_eq!(fit.account().exclusions().counts(), [("`x` is missing".to_string(), 3)]);
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
    assert_eq!(contrasts.rows.len(), 6);
    assert_eq!(contrasts.rows[0].label(), "C; D - A - B");
    let ratio = contrasts.rows[0].ratio.expect("an odds ratio");
    assert!((ratio.estimate - contrasts.rows[0].estimate.estimate.exp()).abs() < 1e-14);
    let refused = gee.clone().fit(&trial).expect_err("texts are not 0 and 1").to_string();
    assert!(refused.contains("`good`") && refused.contains("`poor`") && refused.contains("--event"), "{refused}");
    let refused = gee.event(Event::value("well")).fit(&trial).expect_err("no such value").to_string();
    assert!(refused.contains("`well`") && refused.contains("`good`"), "{refused}");
    // The joint test of the interaction, by χ²/4.
    let test = fit.term_test("arm:visit").unwrap();
    assert_eq!((test.num_df, test.denom_df), (4.0, f64::INFINITY));
}

#[test]
fn degrees_of_freedom_are_stated() {
    let fit = |gee: Gee| gee.fit(&respiratory()).unwrap();
    let gee = Gee::formula(SAS).unwrap();
    let df = |fit: &GeeFit| fit.coefficients().rows[1].df;
    assert_eq!(df(&fit(gee.clone())), f64::INFINITY);
    assert_eq!(df(&fit(gee.clone().vcov(GeeVcov::KauermannCarroll))), 105.0);
    assert_eq!(df(&fit(gee.clone().df(GeeDf::ClustersMinusParameters))), 105.0);
    let normal = fit(gee.clone().vcov(GeeVcov::FayGraubard).df(GeeDf::Normal));
    assert!(normal.notes().iter().any(|note| note.contains("Fay–Graubard; 111 patients as clusters; normal distribution")));
    let conflict = gee.vcov(GeeVcov::ModelBased).df(GeeDf::PanWall).fit(&respiratory()).expect_err("no sandwich");
    assert_eq!(conflict.code(), "conflicting-settings");
}

/// Counts that are all alike within patients need no dispersion of their own, and quasi-scores of a Poisson mean with
/// independent visits sum to zero by hand.
#[test]
fn a_poisson_mean_per_cell_is_the_mean() {
    let mut file = String::from("id,arm,visit,n\n");
    (0..20).for_each(|i| (0..2).for_each(|t| file += &format!("{i},{},v{t},{}\n", ["a", "b"][i % 2], (i * 3 + t * 5) % 7)));
    let trial = Layout::long("id", "arm", "visit").outcome("n").read_csv_from("counts", file.as_bytes()).unwrap();
    let fit = Gee::formula("n ~ arm * visit").unwrap().family(Family::Poisson).fit(&trial).unwrap();
    let outcome = trial.outcome("n").unwrap();
    let mean = (0..20).step_by(2).map(|i| trial.value(outcome, i, 0).unwrap()).sum::<f64>() / 10.0;
    assert!((fit.beta()[0].exp() - mean).abs() < 1e-12);
    let negative = file.replace(",v1,0\n", ",v1,-1\n");
    let trial = Layout::long("id", "arm", "visit").outcome("n").read_csv_from("counts", negative.as_bytes()).unwrap();
    let refused = Gee::formula("n ~ arm").unwrap().family(Family::Poisson).fit(&trial).expect_err("no count");
    assert_eq!(refused.code(), "out-of-range");
}

#[test]
fn what_has_no_solution_is_named() {
    let not_fitted = |gee: Gee, trial: &Trial| match gee.fit(trial) {
        Err(Error::NotFitted(failure)) => failure,
        other => panic!("{other:?}"),
    };
    let gee = |formula: &str| Gee::formula(formula).unwrap().event(Event::value("good"));
    // Everybody of an arm is well at the last visit.
    let separated = texts(|i, t| if i % 3 == 2 && t == 2 { Some(true) } else { mixed(i, t) });
    let found = not_fitted(gee("status ~ arm * visit"), &separated);
    assert!(matches!(&found, NotFitted::Separated { columns, .. } if columns.contains(&"armE:visitv2".to_string())), "{found:?}");
    // Nobody is ever well.
    let never = made_up(|i, _| Some(i == 0)).replace("0,A - B,v0,0,good", "0,A - B,v0,0,poor");
    let layout = Layout::long("id", "arm", "visit").outcome("status");
    let never = layout.read_csv_from("never", never.replace("good", "0").replace("poor", "0").as_bytes()).unwrap();
    assert!(matches!(not_fitted(Gee::formula("status ~ 1").unwrap(), &never), NotFitted::Separated { .. }));
    // A log link that would need a probability above 1.
    let steep = texts(|i, t| Some(t == 2 && i % 20 != 0 || t == 1 && i % 2 == 0 || i % 4 == 0));
    let found = Gee::formula("status ~ x + visit")
        .unwrap()
        .event(Event::value("good"))
        .link(Link::Log)
        .correlation(WorkingCorrelation::Independence);
    if let Err(error) = found.fit(&steep) {
        assert!(["mean-out-of-range", "no-solution"].contains(&error.code()), "{error}");
    }
    // A pair of visits that nobody has.
    let apart = texts(|i, t| if i % 2 == 0 { (t != 2).then(|| mixed(i, 0)).flatten() } else { (t != 1).then(|| mixed(i, 0)).flatten() });
    let found = not_fitted(gee("status ~ arm + visit").correlation(WorkingCorrelation::Unstructured), &apart);
    assert!(matches!(&found, NotFitted::WorkingCorrelationNotDetermined { of, .. } if of == "v1, v2"), "{found:?}");
    // Outcomes that alternate within patients: a correlation below −½ of three visits.
    let turning = texts(|i, t| Some((i + t) % 2 == 0));
    let found = not_fitted(gee("status ~ arm").correlation(WorkingCorrelation::Toeplitz), &turning);
    assert!(matches!(found, NotFitted::WorkingCorrelation { .. }), "{found:?}");
    // No more patients than columns.
    let few = "id,arm,visit,y\n1,a,v1,0\n1,a,v2,1\n2,b,v1,1\n2,b,v2,0\n3,a,v1,0\n3,a,v2,0\n";
    let few = Layout::long("id", "arm", "visit").outcome("y").read_csv_from("few", few.as_bytes()).unwrap();
    let found = not_fitted(Gee::formula("y ~ arm * visit").unwrap(), &few);
    assert_eq!(found, NotFitted::TooFewClusters { clusters: 3, columns: 4 });
    let code = |gee: Result<Gee, Error>| gee.expect_err("refused").code();
    assert_eq!(Gee::formula("y ~ arm + (1 | id)").unwrap().fit(&few).expect_err("refused").code(), "conflicting-settings");
    assert_eq!(code(Gee::formula("y ~ arm + us(visit | id)")), "conflicting-settings");
    assert_eq!(Gee::formula("log(y) ~ arm").unwrap().fit(&few).expect_err("refused").code(), "conflicting-settings");
}

#[test]
fn tables_say_how_they_were_made() {
    let fit = Gee::formula(SAS).unwrap().correlation(WorkingCorrelation::Ar1).fit(&respiratory()).unwrap();
    let table = fit.working_correlation();
    assert_eq!((table.of.len(), table.alpha.len()), (1, 1));
    let text = table.to_string();
    assert!(text.contains("Working correlation: AR(1)") && text.contains("0.3800") && text.contains("QIC"), "{text}");
    let notes = fit.coefficients().notes();
    assert!(notes[0].contains("The probability of outcome = 1") && notes[0].contains("as SAS has them"), "{notes:?}");
}
