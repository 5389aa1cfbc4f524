//! Cluster-robust covariances whose clusters are above patients: other engines, matrices of all observations, exact
//! identities.

use crate::common::dense_sandwich::{Dense, of_independent_patients};
use crate::common::tolerances::{GLS, IDENTITY};
use crate::common::{Comparison, assert_all, number, reference, repository, rows, text};
use nalgebra::{DMatrix, DVector};
use serde_json::Value;
use trialstats::design::Clusters;
use trialstats::means::ContrastOptions;
use trialstats::simulate::Gaussian;
use trialstats::trial::Variable;
use trialstats::{Covariance, Df, Error, Fit, JointModel, Layout, Model, Tabular, Trial, Vcov};

const ROBUST: [(&str, Vcov); 3] = [("Cr0", Vcov::Cr0), ("Cr2", Vcov::Cr2), ("Cr3", Vcov::Cr3)];
const MEAN: &str = "y ~ baseline + arm * visit";

/// The synthetic trial of the references: groups in one arm, sites over groups, therapists across them all.
fn nested() -> Trial {
    Layout::long("id", "arm", "visit")
        .reference_arm("TAU")
        .outcome("y")
        .covariate("baseline")
        .covariate("gst")
        .cluster("group")
        .cluster("site")
        .cluster("therapist")
        .read_csv(repository("tests/references/sandwich_clusters/trial.csv"))
        .expect("a trial")
}

fn model(formula: &str, covariance: Covariance, vcov: Vcov, clusters: &str) -> Model {
    Model::formula(formula).expect("parses").covariance(covariance).vcov(vcov).clusters(Clusters::by(clusters))
}

fn refused(model: &Model, trial: &Trial) -> Error {
    model.fit(trial).expect_err("must be refused")
}

/// The cluster of each analysed patient; those in none are clusters of their own.
fn clusters_of(fit: &Fit, trial: &Trial, factor: &str) -> Vec<usize> {
    let cluster = trial.cluster(factor).expect("a cluster");
    let (levels, codes) = (cluster.levels().len(), cluster.codes().expect("a factor"));
    fit.design().patients().iter().enumerate().map(|(i, &patient)| codes[patient].unwrap_or(levels + i)).collect()
}

/// The joint test of the arm at every visit, the coefficients with `armGST` in them.
fn arm_rows(fit: &Fit) -> DMatrix<f64> {
    let columns: Vec<usize> = (0..fit.beta().len()).filter(|&c| fit.design().columns()[c].name.starts_with("armGST")).collect();
    DMatrix::from_fn(columns.len(), fit.beta().len(), |r, c| f64::from(u8::from(columns[r] == c)))
}

fn compare(c: &mut Comparison, fit: &Fit, theirs: &Value, tolerance: f64) {
    let ours = fit.coefficients().rows;
    c.same("coefficients", ours.len(), rows(&theirs["rows"]).len());
    for (i, (ours, theirs_row)) in ours.iter().zip(rows(&theirs["rows"])).enumerate() {
        c.same("term", ours.label.as_str(), text(&theirs_row["term"]));
        c.within(&format!("{} estimate", ours.label), ours.estimate, number(&theirs_row["estimate"]), tolerance * ours.se);
        c.relative(&format!("{} SE", ours.label), ours.se, number(&theirs_row["se"]), tolerance);
        c.relative(&format!("{} df", ours.label), ours.df, number(&theirs_row["df"]), tolerance);
        for (j, element) in rows(&rows(&theirs["vcov"])[i]).iter().enumerate() {
            let scale = (fit.vcov()[(i, i)] * fit.vcov()[(j, j)]).sqrt();
            c.within(&format!("vcov[{i}][{j}]"), fit.vcov()[(i, j)], number(element), 2.0 * tolerance * scale);
        }
    }
    let test = fit.f_test("arm", &arm_rows(fit)).expect("testable");
    c.relative("F of the arm", test.f, number(&theirs["wald"]), tolerance);
}

/// Independent observations as the working model: clubSandwich on lm and geepack have the very same; with structured
/// ones clubSandwich has the same CR0 and CR3, and base R the same CR2 by the definition.
#[test]
fn independent_patients_agree_with_clubsandwich_geepack_and_the_definition() {
    let (trial, cases) = (nested(), reference("sandwich_clusters/sandwich_clusters.json"));
    let mut compared = 0;
    for case in rows(&cases).iter().filter(|case| text(&case["random"]).is_empty()) {
        let identity = case["working"] == "independent";
        let tolerance = if identity { IDENTITY } else { GLS };
        let covariance = Covariance::named(text(&case["working"])).expect("a structure");
        for (name, vcov) in ROBUST {
            let fit = model(MEAN, covariance.clone(), vcov, text(&case["cluster"])).fit(&trial).expect("fits");
            let mut c = Comparison::of(format!("{} {name}", text(&case["id"])));
            compare(&mut c, &fit, &case["written_out"][name], tolerance);
            if identity || vcov != Vcov::Cr2 {
                compare(&mut c, &fit, &case["club"][name], tolerance);
            }
            if identity && vcov == Vcov::Cr0 {
                for (i, own) in rows(&case["geepack_cr0"]).iter().enumerate() {
                    c.relative("geepack", fit.vcov()[(i, i)], number(&rows(own)[i]), 2.0 * tolerance);
                }
            }
            assert_all([c]);
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
}

/// Random effects of groups in one arm, of groups within sites, and of sites with an effect of treatment: lme4's
/// optimum, clubSandwich's CR0 and CR3, and CR2 by the definition. The clusters are the highest without being named.
#[test]
fn mixed_models_agree_with_lme4_clubsandwich_and_the_definition() {
    let (trial, cases) = (nested(), reference("sandwich_clusters/sandwich_clusters.json"));
    let mut compared = 0;
    for case in rows(&cases).iter().filter(|case| !text(&case["random"]).is_empty()) {
        let formula = format!("{MEAN} + {}", text(&case["random"]));
        for (name, vcov) in ROBUST {
            let stated = Model::formula(&formula).expect("parses").covariance(Covariance::RandomIntercept).vcov(vcov);
            let fit = stated.fit(&trial).expect("fits");
            let mut c = Comparison::of(format!("{} {name}", text(&case["id"])));
            compare(&mut c, &fit, &case["written_out"][name], GLS);
            if vcov != Vcov::Cr2 {
                compare(&mut c, &fit, &case["club"][name], GLS);
            }
            c.same("named", stated.clone().clusters(Clusters::by(text(&case["cluster"]))).fit(&trial).expect("fits").vcov(), fit.vcov());
            // The random intercept of patients as one more term of random effects.
            let alike = Model::formula(&format!("{formula} + (1 | id)")).expect("parses").covariance(Covariance::Independent).vcov(vcov);
            let alike = alike.fit(&trial).expect("fits");
            compare(&mut c, &alike, &case["written_out"][name], GLS);
            assert_all([c]);
            compared += 1;
        }
    }
    assert_eq!(compared, 9);
}

/// Everything against the N × N matrices at the library's own optimum.
#[test]
fn sums_by_cluster_are_those_of_the_whole_matrices() {
    let trial = nested();
    for (factor, covariance) in
        [("group", Covariance::Unstructured), ("site", Covariance::Autoregressive), ("therapist", Covariance::CompoundSymmetry)]
    {
        for (name, vcov) in ROBUST {
            let fit = model("y ~ visit + arm * baseline", covariance.clone(), vcov, factor).fit(&trial).expect("fits");
            let dense = Dense::of(&fit, vcov, &of_independent_patients(&fit), &clusters_of(&fit, &trial, factor));
            let mut c = Comparison::of(format!("{factor} {name}"));
            let (observed, p) = (dense.observed(), fit.beta().len());
            for j in 0..p {
                let unit = DVector::from_fn(p, |k, _| f64::from(u8::from(k == j)));
                c.relative("df", fit.coefficients().rows[j].df, dense.df(&unit), IDENTITY);
                for i in 0..p {
                    let scale = (observed[(i, i)] * observed[(j, j)]).sqrt();
                    c.within(&format!("vcov[{i}][{j}]"), fit.vcov()[(i, j)], observed[(i, j)], IDENTITY * scale);
                    if vcov == Vcov::Cr2 {
                        // E(V_CR2) = Φ under the working model, exactly.
                        let scale = (dense.phi[(i, i)] * dense.phi[(j, j)]).sqrt();
                        c.within(&format!("expected[{i}][{j}]"), dense.expected()[(i, j)], dense.phi[(i, j)], IDENTITY * scale);
                    }
                }
            }
            let weights: Vec<f64> = (0..p).map(|k| 1.0 / (1.0 + k as f64)).collect();
            let estimate = fit.estimate("a combination", &weights).expect("estimable");
            c.relative("df of a combination", estimate.df, dense.df(&DVector::from_vec(weights)), IDENTITY);
            assert_all([c]);
        }
    }
}

/// 60 patients at 5 sites, each with two therapists between whom patients change; crossed with wards of the same
/// sites. Observations have weights.
fn changing_therapists() -> Trial {
    let mut file = String::from("id,arm,visit,site,therapist,ward,w,y\n");
    for i in 0..60_u32 {
        for t in 0..3_u32 {
            let (site, noise) = (i % 5, f64::from((i * 31 + t * 17 + i * i * t) % 23) / 3.0);
            let (therapist, ward) = ((i / 5 + t * (i % 3)) % 2, i / 7 % 2);
            let of_clusters = 3.0 * f64::from((2 * site + therapist) * 5 % 7) + 2.0 * f64::from((2 * site + ward) * 3 % 5);
            let (arm, y) = (["a", "b"][(i / 5) as usize % 2], noise + f64::from((site * 7) % 5) + of_clusters);
            file += &format!("{i},{arm},{t},s{site},t{site}{therapist},w{site}{ward},{},{y}\n", weight(i as usize, t as usize));
        }
    }
    let layout = Layout::long("id", "arm", "visit").outcome("y").cluster("site").cluster("ward").cluster_by_visit("therapist").weight("w");
    layout.read_csv_from("generated", file.as_bytes()).expect("a trial")
}

fn weight(patient: usize, visit: usize) -> f64 {
    [1.0, 0.5, 2.0, 1.5][(patient + 2 * visit) % 4]
}

/// Therapists by visit and wards connect the patients of a site: the clusters are the sites, without a word of them.
/// Weights are those of what the effects of clusters leave.
#[test]
fn crossed_and_changing_clusters_are_connected() {
    let trial = changing_therapists();
    let plain = Model::formula("y ~ arm * visit + (1 | therapist) + (1 | ward)").expect("parses").covariance(Covariance::Autoregressive);
    for ((name, vcov), weighted) in ROBUST.into_iter().flat_map(|robust| [(robust, false), (robust, true)]) {
        let stated = if weighted { plain.clone().weights("w") } else { plain.clone() };
        let fit = stated.clone().vcov(vcov).fit(&trial).expect("fits");
        assert!(fit.notes().iter().any(|n| n.contains("5 clusters by `therapist` and `ward`")), "{:?}", fit.notes());
        let v = covariance_of_all(&fit, &trial, weighted);
        let dense = Dense::of(&fit, vcov, &v, &clusters_of(&fit, &trial, "site"));
        let (observed, p) = (dense.observed(), fit.beta().len());
        let mut c = Comparison::of(format!("{name}, weighted {weighted}"));
        for j in 0..p {
            let unit = DVector::from_fn(p, |k, _| f64::from(u8::from(k == j)));
            c.relative("df", fit.coefficients().rows[j].df, dense.df(&unit), IDENTITY);
            for i in 0..p {
                let scale = (observed[(i, i)] * observed[(j, j)]).sqrt();
                c.within(&format!("vcov[{i}][{j}]"), fit.vcov()[(i, j)], observed[(i, j)], IDENTITY * scale);
            }
        }
        c.same("named", stated.vcov(vcov).clusters(Clusters::by("site")).fit(&trial).expect("fits").vcov(), fit.vcov());
        assert_all([c]);
    }
    let message = |clusters: Clusters| refused(&plain.clone().vcov(Vcov::Cr2).clusters(clusters), &trial).to_string();
    assert!(message(Clusters::by("ward")).contains("random effects of `therapist`"), "{}", message(Clusters::by("ward")));
    assert!(message(Clusters::Patients).contains("clusters of one patient each"), "{}", message(Clusters::Patients));
    assert!(message(Clusters::by("therapist")).contains("changes to another"), "{}", message(Clusters::by("therapist")));
    let one = Model::formula("y ~ arm * visit + (1 | therapist) + (1 | group)")
        .expect("parses")
        .covariance(Covariance::Unstructured)
        .vcov(Vcov::Cr2);
    let message = refused(&one, &nested()).to_string();
    assert!(message.contains("all analysed patients are one cluster by `therapist` and `group`"), "{message}");
}

/// V of all observations of [`changing_therapists`], at the estimates.
fn covariance_of_all(fit: &Fit, trial: &Trial, weighted: bool) -> DMatrix<f64> {
    let variance = |of: &str| fit.covariance_parameters().iter().find(|(name, _)| name.contains(of)).expect("a variance").1;
    let (of_therapists, of_wards) = (variance("by therapist"), variance("by ward"));
    assert!(of_therapists > 0.0 && of_wards > 0.0);
    let matrix = fit.design().model_matrix();
    let codes = |factor: &str| trial.cluster(factor).expect("a cluster").codes().expect("a factor");
    let therapist = |row: usize| codes("therapist")[matrix[row].0 * 3 + matrix[row].1];
    let ward = |row: usize| codes("ward")[matrix[row].0];
    let scale = |row: usize| if weighted { weight(matrix[row].0, matrix[row].1).sqrt() } else { 1.0 };
    let within = of_independent_patients(fit);
    DMatrix::from_fn(matrix.len(), matrix.len(), |a, b| {
        let of_therapists = if therapist(a) == therapist(b) { of_therapists } else { 0.0 };
        let of_wards = if ward(a) == ward(b) { of_wards } else { 0.0 };
        within[(a, b)] / (scale(a) * scale(b)) + of_therapists + of_wards
    })
}

/// Patients of arm `a` and `b` in clusters of so many, one visit.
fn cluster_randomised(a: (usize, usize), b: (usize, usize)) -> Trial {
    let trial = Gaussian::new(["1"]).arm("a", a.0 * a.1, [0.0]).arm("b", b.0 * b.1, [1.0]).covariance([4.0]).trial(11, 0).expect("a trial");
    let codes = (0..a.0 * a.1).map(|i| i / a.1).chain((0..b.0 * b.1).map(|i| a.0 + i / b.1)).map(Some).collect();
    let wards = Variable::cluster("ward", (0..a.0 + b.0).map(|k| format!("w{k}")), codes);
    rebuilt(&trial).variable(wards).build().expect("a trial")
}

/// A builder with what a simulated trial has.
fn rebuilt(trial: &Trial) -> trialstats::trial::TrialBuilder {
    let builder = Trial::builder("simulated")
        .patients(trial.patients().iter().cloned())
        .arms(trial.arms().iter().cloned(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone());
    trial.outcomes().iter().cloned().fold(builder, |builder, outcome| builder.outcome(outcome))
}

/// Clusters randomised to two arms, of one size within an arm: CR2 is Welch's variance of the cluster means. Under
/// independent observations of one variance its degrees of freedom are Welch's for means with variances in proportion
/// to 1/size.
#[test]
fn cr2_of_randomised_clusters_is_welch_on_their_means() {
    let (k, n) = ([7, 9], [5, 3]);
    let trial = cluster_randomised((k[0], n[0]), (k[1], n[1]));
    let y = &trial.outcome("y").expect("the outcome").values;
    let means = |arm: usize| -> Vec<f64> {
        let first = arm * k[0] * n[0];
        (0..k[arm]).map(|c| y[first + c * n[arm]..first + (c + 1) * n[arm]].iter().sum::<f64>() / n[arm] as f64).collect()
    };
    let share = |arm: usize| {
        let means = means(arm);
        let centre = means.iter().sum::<f64>() / k[arm] as f64;
        means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / ((k[arm] - 1) * k[arm]) as f64
    };
    let size = |arm: usize| 1.0 / (k[arm] * n[arm]) as f64;
    let df = (size(0) + size(1)).powi(2) / (size(0).powi(2) / (k[0] as f64 - 1.0) + size(1).powi(2) / (k[1] as f64 - 1.0));
    let row =
        model("y ~ arm", Covariance::Independent, Vcov::Cr2, "ward").fit(&trial).expect("fits").coefficients().rows.pop().expect("the arm");
    let mut c = Comparison::of("Welch");
    c.relative("SE", row.se, (share(0) + share(1)).sqrt(), IDENTITY);
    c.relative("df", row.df, df, IDENTITY);
    assert_all([c]);
}

/// Patients as clusters, whoever says so.
#[test]
fn without_random_effects_the_highest_clusters_are_patients() {
    let trial = nested();
    let plain = Model::formula(MEAN).expect("parses").vcov(Vcov::Cr2);
    let own = |clusters: Clusters| plain.clone().clusters(clusters).fit(&trial).expect("fits");
    let expected = plain.fit(&trial).expect("fits");
    for clusters in [Clusters::Highest, Clusters::Patients, Clusters::by("id"), Clusters::by("patient")] {
        let fit = own(clusters);
        assert_eq!(fit.vcov(), expected.vcov());
        assert!(fit.notes().iter().any(|n| n.contains("(CR2, patients as clusters)")), "{:?}", fit.notes());
    }
    assert_ne!(own(Clusters::by("group")).vcov(), expected.vcov());
    // Factors whose combinations are those of one factor.
    let mut c = Comparison::of("groups within sites");
    for (a, b) in own(Clusters::by("group")).coefficients().rows.iter().zip(&own(Clusters::by("group:site")).coefficients().rows) {
        c.relative(&a.label, b.se, a.se, IDENTITY);
        c.relative(&a.label, b.df, a.df, IDENTITY);
    }
    assert_all([c]);
}

/// Contrasts are combinations of the coefficients with these variances and degrees of freedom.
#[test]
fn contrasts_and_effects_rest_on_the_clusters() {
    let trial = nested();
    let fit = model(MEAN, Covariance::Unstructured, Vcov::Cr2, "group").fit(&trial).expect("fits");
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).expect("contrasts");
    let rows = fit.coefficients().rows;
    let column = |name: &str| rows.iter().position(|r| r.label == name).expect("a coefficient");
    let mut weights = vec![0.0; rows.len()];
    weights[column("armGST")] = 1.0;
    weights[column("armGST:visitV4")] = 1.0;
    let expected = fit.estimate("at V4", &weights).expect("estimable");
    let last = contrasts.rows.last().expect("a contrast");
    let mut c = Comparison::of("the last visit");
    c.relative("SE", last.estimate.se, expected.se, IDENTITY);
    c.relative("df", last.estimate.df, expected.df, IDENTITY);
    c.at_least("fewer df than with patients as clusters", 30.0, last.estimate.df, 0.0);
    assert_all([c]);
    assert!(contrasts.notes().iter().any(|n| n.contains("8 clusters by `group` and 39 patients in none")), "{:?}", contrasts.notes());
    assert!(fit.arm_by_visit_test().expect("testable").denom_df < 30.0);
    let counts = fit.cluster_counts().expect("clusters");
    let of = |arm: &str| counts.rows.iter().find(|r| r.arm == arm).map(|r| (r.clusters, r.of_one, r.patients, r.largest));
    assert_eq!((of("TAU"), of("GST"), of("all")), (Some((39, 39, 39, 1)), Some((8, 0, 38, 6)), Some((47, 39, 77, 6))));
    assert!(counts.to_string().contains("8 clusters by `group` and 39 patients in none"), "{counts}");
    assert!(Model::formula(MEAN).expect("parses").fit(&trial).expect("fits").cluster_counts().is_none());
}

/// With complete data and the same columns the estimates of a joint model are those of least squares, and so is CR0.
#[test]
fn a_joint_model_takes_the_clusters_of_all_responses() {
    let trial = cluster_randomised((7, 5), (9, 3));
    let mut second = trial.outcome("y").expect("the outcome").clone();
    second.name = "x".into();
    second.values = second.values.iter().enumerate().map(|(i, y)| 0.5 * y + (i * i % 7) as f64).collect();
    let cluster = trial.cluster("ward").expect("a cluster").clone();
    let trial = rebuilt(&trial).outcome(second).variable(cluster).build().expect("a trial");
    let own = |outcome: &str| Model::formula(&format!("{outcome} ~ arm")).expect("parses");
    let robust = |m: Model| m.vcov(Vcov::Cr0).clusters(Clusters::by("ward")).df(Df::Asymptotic).fit(&trial).expect("fits");
    let joint =
        JointModel::new([own("y"), own("x")]).vcov(Vcov::Cr0).clusters(Clusters::by("ward")).df(Df::Asymptotic).fit(&trial).expect("fits");
    let mut c = Comparison::of("joint");
    for (response, outcome) in joint.responses().iter().zip(["y", "x"]) {
        for (a, b) in response.coefficients().rows.iter().zip(&robust(own(outcome)).coefficients().rows) {
            c.relative(&b.label, a.se, b.se, IDENTITY);
        }
        assert!(response.notes().iter().any(|n| n.contains("16 clusters by `ward`")), "{:?}", response.notes());
    }
    assert_all([c]);
    let refused = JointModel::new([own("y").clusters(Clusters::Patients), own("x")]).fit(&trial).expect_err("set on the joint model");
    assert!(refused.to_string().contains("the clusters of"), "{refused}");
}

#[test]
fn the_order_of_the_patients_does_not_matter() {
    let trial = nested();
    let n = trial.patients().len();
    let order: Vec<usize> = (0..n).map(|i| (i * 29 + 5) % n).collect();
    let mut seen = order.clone();
    seen.sort_unstable();
    assert_eq!(seen, (0..n).collect::<Vec<_>>());
    let text = std::fs::read_to_string(repository("tests/references/sandwich_clusters/trial.csv")).expect("a file");
    let (head, body) = text.split_once('\n').expect("a header");
    let mut lines: Vec<&str> = body.lines().collect();
    lines.sort_by_key(|line| order.iter().position(|&i| line.starts_with(&format!("{},", trial.patients()[i]))));
    let shuffled = format!("{head}\n{}\n", lines.join("\n"));
    let layout =
        Layout::long("id", "arm", "visit").reference_arm("TAU").visits(["V1", "V2", "V3", "V4"]).outcome("y").covariate("baseline");
    let shuffled = layout.cluster("site").read_csv_from("shuffled", shuffled.as_bytes()).expect("a trial");
    assert_ne!(shuffled.patients(), trial.patients());
    let of = |trial: &Trial| model(MEAN, Covariance::CompoundSymmetry, Vcov::Cr2, "site").fit(trial).expect("fits").coefficients().rows;
    let mut c = Comparison::of("shuffled");
    for (a, b) in of(&trial).iter().zip(&of(&shuffled)) {
        c.relative(&format!("{} SE", a.label), b.se, a.se, IDENTITY);
        c.relative(&format!("{} df", a.label), b.df, a.df, IDENTITY);
    }
    assert_all([c]);
}

#[test]
fn few_clusters_are_named() {
    let trial = nested();
    let notes = |vcov: Vcov, factor: &str| model(MEAN, Covariance::Unstructured, vcov, factor).fit(&trial).expect("fits").notes().join(" ");
    let groups = notes(Vcov::Cr2, "group");
    assert!(groups.contains("Few clusters (8 in GST)") && groups.contains("degrees of freedom say how far"), "{groups}");
    let sites = notes(Vcov::Cr0, "site");
    assert!(sites.contains("5 clusters by `site`)") && sites.contains("Few clusters (5 in TAU, 5 in GST)"), "{sites}");
    assert!(sites.contains("CR0 is too small"), "{sites}");
    let many = Gaussian::new(["1", "2"]).arm("a", 20, [0.0, 1.0]).arm("b", 20, [0.0, 1.0]).trial(1, 0).expect("a trial");
    let plain = Model::formula("y ~ arm * visit").expect("parses").vcov(Vcov::Cr2).fit(&many).expect("fits").notes().join(" ");
    assert!(!plain.contains("Few clusters"), "{plain}");
}

#[test]
fn what_makes_no_clusters_is_refused_and_says_why() {
    let trial = nested();
    let said = |m: &Model, trial: &Trial| refused(m, trial).to_string();
    let us = || Covariance::Unstructured;
    assert!(said(&model(MEAN, us(), Vcov::Cr2, "ward"), &trial).contains("ward"));
    assert_eq!(refused(&model(MEAN, us(), Vcov::Cr2, "ward"), &trial).code(), "unknown-name");
    assert!(said(&model(MEAN, us(), Vcov::Cr2, "baseline"), &trial).contains("it is a number"));
    assert!(said(&model(MEAN, us(), Vcov::ModelBased, "group"), &trial).contains("cluster-robust"));
    assert!(said(&model(MEAN, us(), Vcov::Cr2, "group").df(Df::BetweenWithin), &trial).contains("count patients as independent"));

    // A patient who changes the therapist.
    let two = Gaussian::new(["1", "2"]).arm("a", 6, [0.0, 1.0]).arm("b", 6, [0.0, 1.0]).trial(2, 0).expect("a trial");
    let mut codes: Vec<Option<usize>> = (0..24).map(|row| Some(row / 2 % 3)).collect();
    codes[9] = Some(2);
    let therapist = |codes: &[Option<usize>]| Variable::factor_by_visit("therapist", ["x", "y", "z"], codes.to_vec());
    let changing = rebuilt(&two).variable(therapist(&codes)).build().expect("a trial");
    let message = said(&model("y ~ arm * visit", us(), Vcov::Cr2, "therapist"), &changing);
    assert!(message.contains("patient `5` changes to another at 2"), "{message}");
    codes[9] = None;
    let staying = rebuilt(&two).variable(therapist(&codes)).build().expect("a trial");
    let fit = model("y ~ arm * visit", us(), Vcov::Cr2, "therapist").fit(&staying).expect("fits");
    assert!(fit.notes().iter().any(|n| n.contains("3 clusters by `therapist`)")), "{:?}", fit.notes());

    // One cluster only.
    let all = Variable::cluster("country", ["nl"], vec![Some(0); 12]);
    let one = rebuilt(&two).variable(all).build().expect("a trial");
    let message = said(&model("y ~ arm * visit", us(), Vcov::Cr2, "country"), &one);
    assert!(message.contains("all analysed patients are one cluster by `country`"), "{message}");

    // An arm that is one cluster is fitted exactly.
    let codes = (0..12).map(|i| if i < 6 { Some(0) } else { None }).collect();
    let arm = Variable::cluster("group", ["g"], codes);
    let fit = model("y ~ arm * visit", us(), Vcov::Cr2, "group").fit(&rebuilt(&two).variable(arm).build().expect("a trial")).expect("fits");
    let message = fit.estimate("mean of a", &[1.0, 0.0, 0.0, 0.0]).expect_err("nothing tells its variance").to_string();
    assert!(message.contains("the clusters that bear on it"), "{message}");
    assert!(fit.notes().iter().any(|n| n.contains("1 cluster has a leverage of one")), "{:?}", fit.notes());
}

#[test]
fn the_choice_prints_and_survives_serde() {
    for (clusters, printed) in [(Clusters::Highest, "highest"), (Clusters::Patients, "patients"), (Clusters::by("site"), "factor(site)")] {
        assert_eq!(clusters.to_string(), printed);
        let json = serde_json::to_string(&clusters).expect("serializes");
        assert_eq!(serde_json::from_str::<Clusters>(&json).expect("deserializes"), clusters);
    }
}
