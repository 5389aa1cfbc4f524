//! Covariates, clusters and weights: every role, kind and scope by every road through the reader, and on to what is
//! made of them.

use trialstats::design::{Design, DesignOptions, MeanModel};
use trialstats::fit::TrialMoments;
use trialstats::trial::{
    AnalysisSet, Characteristic, CovariateKind, Exclusion, FlowStep, Kind, Outcome, Protocol, Role, Schedule, Scope, Variable,
};
use trialstats::{Covariance, Error, Layout, Model, Trial};

const NAN: f64 = f64::NAN;

/// Two patients and one without any value, at three visits; the third visit has no row for B.
const LONG: &str = "\
id,arm,visit,y,age,sex,site,dose,mood,therapist,w
A,a,before,9,30,m,2,1.5,low,Kim,1
A,a,after,7,30,m,2,2.5,high,Lee,2
A,a,end,6,30,m,2,,low,,1
B,b,before,8,40,f,10,3.5,,Lee,4
B,b,after,,40,f,10,4.5,low,Lee,
C,b,before,5,,,,,,,1
";

/// The same as a row per patient.
const WIDE: &str = "\
id,arm,y0,y1,y2,age,sex,site,dose0,dose1,dose2,mood0,mood1,mood2,th0,th1,th2
A,a,9,7,6,30,m,2,1.5,2.5,,low,high,low,Kim,Lee,
B,b,8,,,40,f,10,3.5,4.5,,,low,,Lee,Lee,
C,b,5,,,,,,,,,,,,,,
";

fn at<'a>(stem: &'a str) -> impl Iterator<Item = (&'static str, String)> + 'a {
    ["before", "after", "end"].into_iter().enumerate().map(move |(t, visit)| (visit, format!("{stem}{t}")))
}

fn long() -> Layout {
    Layout::long("id", "arm", "visit").visits(["before", "after", "end"]).baseline_visit("before").outcome("y")
}

fn wide() -> Layout {
    Layout::wide("id", "arm").visits(["before", "after", "end"]).baseline_visit("before").wide_outcome("y", at("y"))
}

fn read(layout: &Layout, text: &str) -> Trial {
    layout.read_csv_from("trial.csv", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// Everything that a variable is, NaN being equal to NaN.
fn contents(v: &Variable) -> String {
    format!("{} {} {} {:?} {:?} {:?} {:?} {:?}", v.name(), v.label(), v.role(), v.kind(), v.scope(), v.levels(), v.numbers(), v.codes())
}

fn number(name: &str, kind: CovariateKind) -> Layout {
    long().covariate_as(name, kind)
}

#[test]
fn every_role_kind_and_scope_of_a_long_file_is_read() {
    let dose = [1.5, 2.5, NAN, 3.5, 4.5, NAN, NAN, NAN, NAN].to_vec();
    let mood = [Some(1), Some(0), Some(1), None, Some(1), None, None, None, None].to_vec();
    let therapist = [Some(0), Some(1), None, Some(1), Some(1), None, None, None, None].to_vec();
    let sex = Variable::factor("sex", ["f", "m"], vec![Some(1), Some(0), None]);
    let reordered = Variable::factor("sex", ["m", "f"], vec![Some(0), Some(1), None]);
    let age = Variable::number("age", vec![30.0, 40.0, NAN]);
    let sites = vec![Some(0), Some(1), None];
    for (layout, expected) in [
        (long().covariate("age"), age.clone()),
        (number("age", CovariateKind::Numeric), age.clone()),
        (number("age", CovariateKind::AsFound), age),
        (long().covariate("sex"), sex.clone()),
        (number("sex", CovariateKind::Factor), sex.clone()),
        (number("sex", CovariateKind::AsFound), sex),
        (long().factor("sex", ["m", "f"]), reordered.clone()),
        (long().covariate("sex").levels("sex", ["m", "f"]), reordered),
        // Levels that are numbers are in the order of the numbers.
        (number("site", CovariateKind::Factor), Variable::factor("site", ["2", "10"], sites.clone())),
        (long().covariate("site").levels("site", ["10", "2"]), Variable::factor("site", ["10", "2"], vec![Some(1), Some(0), None])),
        (number("dose", CovariateKind::NumericByVisit), Variable::number_by_visit("dose", dose.clone())),
        (number("dose", CovariateKind::AsFound), Variable::number_by_visit("dose", dose)),
        (number("mood", CovariateKind::FactorByVisit), Variable::factor_by_visit("mood", ["high", "low"], mood.clone())),
        (number("mood", CovariateKind::AsFound), Variable::factor_by_visit("mood", ["high", "low"], mood)),
        (long().cluster("site"), Variable::cluster("site", ["2", "10"], sites)),
        (long().cluster_by_visit("therapist"), Variable::cluster_by_visit("therapist", ["Kim", "Lee"], therapist)),
        (long().weight("w"), Variable::weight("w", vec![1.0, 2.0, 1.0, 4.0, NAN, NAN, 1.0, NAN, NAN])),
    ] {
        let trial = read(&layout, LONG);
        assert_eq!(trial.variables().iter().map(contents).collect::<Vec<_>>(), [contents(&expected)], "{layout:?}");
    }
}

#[test]
fn a_wide_file_has_the_same_variables() {
    let rest = |layout: Layout| layout.covariate("age").factor("sex", ["m", "f"]).cluster("site");
    let of_long = long()
        .covariate_as("dose", CovariateKind::NumericByVisit)
        .covariate_as("mood", CovariateKind::FactorByVisit)
        .cluster_by_visit("therapist");
    let long = read(&rest(of_long), LONG);
    for kind in [CovariateKind::NumericByVisit, CovariateKind::Numeric, CovariateKind::Inferred, CovariateKind::AsFound] {
        let of_wide = wide()
            .wide_covariate("dose", kind, at("dose"))
            .wide_covariate("mood", CovariateKind::FactorByVisit, at("mood"))
            .wide_cluster("therapist", at("th"));
        let trial = read(&rest(of_wide), WIDE);
        let all = |trial: &Trial| trial.variables().iter().map(contents).collect::<Vec<_>>();
        assert_eq!(all(&trial), all(&long), "{kind:?}");
    }
    // Columns by visit make a variable by visit whatever the kind says, in the protocol as in the file.
    let declared = |layout: Layout| layout.arms(["a", "b"]).wide_covariate("dose", CovariateKind::Numeric, at("dose"));
    let protocol = declared(wide()).protocol().expect("everything is declared");
    let trial = read(&declared(wide()), WIDE);
    assert_eq!(protocol, trial.protocol());
    assert_eq!(contents(&read(&declared(wide()).part_of(&protocol), WIDE).variables()[0]), contents(&trial.variables()[0]));
}

#[test]
fn variables_are_found_by_name_and_role() {
    let layout = long().covariate_as("site", CovariateKind::Numeric).cluster("site").cluster_by_visit("therapist").weight("w");
    let trial = read(&layout, LONG);
    let named = |v: &Variable| (v.name().to_string(), v.role(), v.kind());
    // A column may be both a number and a cluster; the number is what a mean model knows by its name.
    assert_eq!(named(trial.variable("site").unwrap()), ("site".into(), Role::Covariate, Kind::Number));
    assert_eq!(named(trial.covariate("site").unwrap()), ("site".into(), Role::Covariate, Kind::Number));
    assert_eq!(named(trial.cluster("site").unwrap()), ("site".into(), Role::Cluster, Kind::Factor));
    assert_eq!(trial.variable("therapist").unwrap().scope(), Scope::PatientVisit);
    let names = |variables: Vec<&Variable>| variables.iter().map(|v| v.name().to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!((names(trial.covariates().collect()), names(trial.clusters().collect())), ("site".into(), "site therapist".into()));
    for (error, kind, known) in [
        (trial.variable("sites").unwrap_err(), "variable", vec!["site", "w", "site", "therapist"]),
        (trial.covariate("therapist").unwrap_err(), "covariate", vec!["site"]),
        (trial.cluster("w").unwrap_err(), "cluster", vec!["site", "therapist"]),
    ] {
        assert!(matches!(&error, Error::Unknown { kind: k, known: n, .. } if *k == kind && *n == known), "{error}");
    }
    let design = Model::formula("y ~ site + (1 | site)").unwrap().design(&trial).unwrap();
    assert_eq!(design.columns().iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["(Intercept)", "site"]);
    assert_eq!(design.random()[0].levels(), ["2", "10"]);
}

fn built(variables: impl IntoIterator<Item = Variable>) -> trialstats::Result<Trial> {
    Trial::builder("made up")
        .patients(["A", "B"])
        .arms(["a", "b"], vec![0, 1])
        .schedule(Schedule::of_labels(["before", "after"]))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: vec![1.0, 2.0, 4.0, 3.0] })
        .variables(variables)
        .build()
}

#[test]
fn variables_that_do_not_fit_are_refused_by_name() {
    let refused = |variables: Vec<Variable>| built(variables).expect_err("does not fit").to_string();
    for (variables, message) in [
        (vec![Variable::number("x", vec![1.0])], "covariate `x` has 1 value where 2 are needed"),
        (vec![Variable::number_by_visit("x", vec![1.0; 3])], "covariate `x` has 3 values where 4 are needed"),
        (vec![Variable::factor("x", ["l"], vec![None])], "covariate `x` has 1 value where 2 are needed"),
        (vec![Variable::cluster("x", ["l"], vec![None; 4])], "cluster `x` has 4 values where 2 are needed"),
        (vec![Variable::cluster_by_visit("x", ["l"], vec![None; 2])], "cluster `x` has 2 values where 4 are needed"),
        (vec![Variable::weight("x", vec![1.0; 2])], "weight `x` has 2 values where 4 are needed"),
        (vec![Variable::factor("x", ["l"], vec![Some(0), Some(1)])], "`x` has a code beyond its 1 level"),
        (vec![Variable::factor_by_visit("x", ["l"], vec![Some(7), None, None, None])], "`x` has a code beyond its 1 level"),
        (vec![Variable::number("x", vec![1.0; 2]), Variable::number("x", vec![2.0; 2])], "covariate `x` is there more than once"),
        (vec![Variable::number("y", vec![1.0; 2])], "`y` is both an outcome and a covariate"),
    ] {
        assert!(refused(variables).contains(message), "{message}");
    }
    let twice = [Variable::number("x", vec![1.0; 2]), Variable::cluster("x", ["l"], vec![None; 2]), Variable::weight("x", vec![1.0; 4])];
    assert_eq!(built(twice).expect("names are unique by role").variables().len(), 3);
}

#[test]
fn a_variable_goes_where_its_patients_go() {
    let layout = long().covariate("age").covariate_as("mood", CovariateKind::FactorByVisit).cluster("site").weight("w");
    let trial = read(&layout, LONG);
    let sample = trial.resample(&[1, 0, 1]).unwrap();
    assert_eq!(sample.variable("age").unwrap().numbers().unwrap(), [40.0, 30.0, 40.0]);
    assert_eq!(sample.cluster("site").unwrap().codes().unwrap(), [Some(1), Some(0), Some(1)]);
    let mood = [None, Some(1), None, Some(1), Some(0), Some(1), None, Some(1), None];
    assert_eq!(sample.variable("mood").unwrap().codes().unwrap(), mood);
    assert_eq!(sample.variable("mood").unwrap().levels(), trial.variable("mood").unwrap().levels());
    assert_eq!(sample.variable("w").unwrap().numbers().unwrap()[3..6], [1.0, 2.0, 1.0]);
}

#[test]
fn clusters_begin_after_baseline_whether_patients_keep_them_or_not() {
    let trial = read(&long().cluster("site").cluster_by_visit("therapist").covariate("age"), LONG);
    let later = trial.clusters_after_baseline(&["site", "therapist"]).unwrap();
    let codes = |name: &str| later.cluster(name).unwrap().codes().unwrap().to_vec();
    assert_eq!(codes("site"), [None, Some(0), Some(0), None, Some(1), Some(1), None, None, None]);
    assert_eq!(codes("therapist"), [None, Some(1), None, None, Some(1), None, None, None, None]);
    assert_eq!(later.variables().iter().map(Variable::name).collect::<Vec<_>>(), ["age", "site", "therapist"]);
    assert_eq!(trial.clusters_after_baseline(&["age"]).unwrap_err().code(), "unknown-name");
}

#[test]
fn the_flow_says_which_variable_keeps_patients_out() {
    let layout = long().covariate("age").covariate_as("mood", CovariateKind::FactorByVisit).cluster("site").cluster_by_visit("therapist");
    let trial = read(&layout, LONG);
    let out = |name: &str| {
        let flow = trial.participant_flow("y", &AnalysisSet::new().needs(name)).unwrap();
        let reason = Exclusion::Missing(name.into());
        let analysed = |visit: &str| flow.count("a", &FlowStep::AnalysedAt { visit: visit.into() });
        (flow.count("b", &FlowStep::NotAnalysed { reason }), analysed("after"), analysed("end"))
    };
    assert_eq!(out("age"), (1, 1, 1));
    // B has a mood at the visit without an outcome only, A no therapist at the last visit.
    assert_eq!(out("mood"), (2, 1, 1));
    assert_eq!(out("site"), (1, 1, 1));
    assert_eq!(out("therapist"), (1, 1, 0));
    assert_eq!(trial.participant_flow("y", &AnalysisSet::new().needs("nothing")).unwrap_err().code(), "unknown-name");
}

#[test]
fn the_baseline_table_has_covariates_with_their_labels_but_no_weights_and_no_clusters() {
    let mood = Variable::factor_by_visit("mood", ["low", "high"], vec![Some(0), Some(1), Some(1), None]);
    let trial = Trial::builder("made up")
        .patients(["A", "B"])
        .arms(["a", "b"], vec![0, 1])
        .schedule(Schedule::of_labels(["before", "after"]).with_baseline("before").unwrap())
        .variable(Variable::number("age", vec![31.0, 42.0]).with_label("Age in years"))
        .variable(mood)
        .variable(Variable::weight("w", vec![1.0; 4]))
        .variable(Variable::cluster("site", ["s"], vec![Some(0), None]))
        .build()
        .unwrap();
    let table = trial.baseline_table();
    let described = |variable: &str, arm: &str| table.rows.iter().find(|r| r.variable == variable && r.arm == arm);
    let age = described("age", "b").expect("age is described");
    assert_eq!(age.label, "Age in years");
    assert!(matches!(&age.value, Characteristic::Numeric(s) if s.mean == Some(42.0)));
    let level = described("mood", "b").expect("mood is described at baseline");
    assert_eq!(level.value, Characteristic::Level { level: "low".into(), n: 0, known: 1 });
    assert!(described("w", "a").is_none() && described("site", "a").is_none());
}

#[test]
fn a_part_is_aligned_to_levels_and_visits_agreed_before() {
    let declared = |layout: Layout| {
        let layout = layout.arms(["a", "b"]).factor("sex", ["f", "m"]).covariate_as("age", CovariateKind::Numeric);
        let layout = layout.covariate_as("dose", CovariateKind::NumericByVisit);
        layout.covariate_as("mood", CovariateKind::FactorByVisit).levels("mood", ["low", "high"]).weight("w")
    };
    let protocol = declared(long()).protocol().expect("everything is declared");
    assert_eq!(protocol.levels("mood").unwrap(), ["low", "high"]);
    assert_eq!((protocol.levels("age"), protocol.levels("w")), (None, None));
    let json = serde_json::to_string(&protocol).unwrap();
    assert_eq!(serde_json::from_str::<Protocol>(&json).unwrap(), protocol);
    assert!(json.contains(r#""role":"weight","kind":"number","scope":"patient-visit""#), "{json}");

    let formula = "y ~ arm * visit + sex + dose + mood";
    let model = Model::formula(formula).unwrap().covariance(Covariance::CompoundSymmetry).weights("w");
    let text: String = (0..40)
        .map(|i| {
            let (arm, sex) = (["a", "b"][i % 2], ["m", "f"][i / 2 % 2]);
            let row = |t: usize, visit: &str| {
                let k = (i * 7 + t * 3) % 11;
                let mood = ["low", "high"][(i + t) % 3 / 2];
                format!("P{i},{arm},{visit},{},{},{sex},{},{mood},{}\n", k + 3 * t, 30 + i, (k * k) % 5, 1 + k % 2)
            };
            row(0, "before") + &row(1, "after")
        })
        .collect();
    let text = format!("id,arm,visit,y,age,sex,dose,mood,w\n{text}");
    // Levels in another order, and no third visit.
    let own = Layout::long("id", "arm", "visit").visits(["after", "before"]).baseline_visit("before").outcome("y").arms(["b", "a"]);
    let own = own.factor("sex", ["m", "f"]).covariate("age").covariate_as("dose", CovariateKind::NumericByVisit);
    let own = own.covariate_as("mood", CovariateKind::FactorByVisit).weight("w");
    let part = read(&own, &text);
    assert_eq!(part.variable("mood").unwrap().levels(), ["high", "low"]);
    let moments = TrialMoments::of(&model.freeze(&protocol).unwrap(), &part).expect("the part follows the protocol");
    let from_part = model.fit_moments(&moments).expect("fits");
    let whole = model.fit(&read(&declared(long()), &text)).expect("fits");
    let estimates =
        |fit: &trialstats::inference::MomentsFit| fit.coefficients().rows.iter().map(|r| (r.label.clone(), r.estimate)).collect::<Vec<_>>();
    for ((label, a), (other, b)) in estimates(&from_part).into_iter().zip(estimates(&whole)) {
        assert!(label == other && (a - b).abs() < 1e-8, "{label} {a} {b}");
    }

    let refused =
        |layout: Layout, text: &str| TrialMoments::of(&model.freeze(&protocol).unwrap(), &read(&layout, text)).unwrap_err().to_string();
    let by_patient = Layout::long("id", "arm", "visit").visits(["before", "after"]).outcome("y").arms(["a", "b"]).covariate("sex");
    let message = refused(by_patient.clone().covariate_as("dose", CovariateKind::FactorByVisit).covariate("mood").weight("w"), &{
        let constant = text.lines().map(|l| l.replace(",high,", ",low,") + "\n");
        constant.collect::<String>()
    });
    assert!(message.contains("covariate `dose` of trial.csv: it is a level per patient and visit and not a number"), "{message}");
    let message = refused(
        by_patient.covariate_as("dose", CovariateKind::NumericByVisit).covariate_as("mood", CovariateKind::FactorByVisit).weight("w"),
        &text.replace(",high,", ",middling,"),
    );
    assert!(message.contains("`mood` = middling: it is not among the levels of the protocol, low, high"), "{message}");
}

#[test]
fn factors_that_do_not_change_make_covariance_groups_however_they_were_read() {
    let layout = long().covariate_as("sex", CovariateKind::FactorByVisit).covariate_as("mood", CovariateKind::FactorByVisit);
    let trial = read(&layout, &LONG.replace("C,b,before,5,,,", "C,b,before,5,,f,"));
    let options = |group: &str| DesignOptions { group: Some(group.into()), ..DesignOptions::default() };
    let model = MeanModel::parse("y ~ arm").unwrap();
    let design = Design::build(&trial, &model, &options("sex")).expect("sex is fixed");
    assert_eq!(design.groups(), ["f", "m"]);
    let error = Design::build(&trial, &model, &options("mood")).unwrap_err().to_string();
    assert!(error.contains("is a number or changes by visit"), "{error}");
}
