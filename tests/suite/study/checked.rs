//! The whole plan of a study is checked, also what the study does not simulate.

use std::path::PathBuf;
use trialstats::analysis::Silent;
use trialstats::study::StudyFile;

/// A plan most of which is not simulated.
const PLAN: &str = r#"primary = "y"
secondary = ["z"]
at = "1"
baseline-from = "visit"

[layout]
shape = "long"
patient = "id"
arm = "arm"
visit = "visit"
visits = ["0", "1"]
baseline-visit = "0"
arms = ["a", "b"]
outcomes = ["y", "z"]
covariates = ["sex", "age", "sessions"]
clusters = ["group"]

[[estimand]]
name = "main"
population = "everyone"
treatment = "b against a"
outcome = "z"
at = "0"
summary = "difference-in-means"

[responders]
covariates = ["sex"]

[[responders.definitions]]
name = "low"
source = "made up"
rule = { below = { outcome = "y", score = 0 } }

[[responders.definitions]]
name = "both"
source = "made up"
rule = { all = [{ below = { outcome = "y", score = 0 } }, { at-most = { outcome = "z", score = 1 } }] }

[[sensitivity]]
kind = "clusters"
groups = "group"

[[sensitivity]]
kind = "population"
name = "completers"
observed-at = "last-visit"

[[sensitivity]]
kind = "tipping-point"
strategy = "mar"
arm = "b"
arm-shifts = [0]
of = ["difference", "definition(low)"]

[[analysis]]
name = "first"
covariance = "compound-symmetry"

[[analysis]]
name = "second"
outcome = "z"
at = "0"
formula = "arm + age"

[multiplicity]
procedure = "holm"

[[multiplicity.hypotheses]]
name = "one"

[[multiplicity.hypotheses]]
name = "two"
outcome = "z"
arm = "b"
at = "0"

[[subgroup]]
factor = "sex"

[[subgroup]]
factor = "age"
cut-points = [30, 50]

[[individual-change]]
outcome = "y"
better = "lower"
reliable-change = { points = 2, source = "made up" }

[[individual-change]]
outcome = "z"
better = "lower"
reliability = { value = 0.8 }

[report]
characteristics = ["sex", "z"]
"#;

const TRUTH: &str = r#"
[study]
trials = 2

[truth]
visits = ["0", "1"]
sd = [1, 1]
correlation = { exchangeable = 0.5 }
arms = [{ name = "a", patients = 15, means = [0, 0] }, { name = "b", patients = 15, d = -0.6 }]
"#;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("trialstats-study-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The plan with the one place in which `right` stands changed, and its line.
fn with_mistake(right: &str, wrong: &str) -> (String, usize) {
    assert_eq!(PLAN.matches(right).count(), 1, "{right}");
    let at = PLAN.find(right).expect("it is there");
    let last = at + right.rfind('\n').map_or(0, |newline| newline + 1);
    (PLAN.replace(right, wrong), PLAN[..last].matches('\n').count() + 1)
}

#[test]
fn what_is_not_simulated_is_left_out_and_named() {
    let file = StudyFile::from_toml(&format!("{PLAN}{TRUTH}")).expect("nothing is wrong with it");
    let found = file.run(&Silent).expect("a result");
    let said = found.left_out.join("\n");
    for what in [
        "of clusters",
        "`completers`",
        "`definition(low)`",
        "familywise",
        "secondary outcomes (z)",
        "further analyses (first, second)",
        "subgroups (sex, age)",
        "individual change (y, z)",
        "Not simulated: response (both)",
        "Adjusted risks",
    ] {
        assert!(said.contains(what), "{what} in {said}");
    }
    assert_eq!(found.left_out.len(), 10, "{said}");
    let asked = |name: &str| found.points[0].characteristics.rows.iter().filter(|row| row.name.contains(name)).count();
    assert!(asked("low") > 0 && asked("both") == 0, "{said}");
}

/// Each mistake is in a part that no study simulates; `line` is that of the last line of `right`.
#[test]
fn a_mistake_in_what_is_not_simulated_stops_a_study() {
    let mistakes = [
        // Keys and choices that there are not, as the reader of plans tells of them.
        ("factor = \"sex\"", "facto = \"sex\"", "there is no key `facto`; did you mean `factor`?"),
        ("observed-at = \"last-visit\"", "observed-at = \"last-vist\"", "did you mean `last-visit`?"),
        ("outcome = \"z\"\nbetter = \"lower\"", "outcome = \"z\"\nbetter = \"lowr\"", "did you mean `lower`?"),
        ("summary = \"difference-in-means\"", "summary = \"difference-in-mean\"", "did you mean `difference-in-means`?"),
        ("[responders]\ncovariates = [\"sex\"]", "[responders]\ncovariates = [\"sx\"]", "did you mean `sex`?"),
        ("outcome = \"z\", score = 1", "outcome = \"z\", scor = 1", "did you mean `score`?"),
        ("\"definition(low)\"", "\"definitio(low)\"", "measure of a tipping point"),
        ("characteristics = [\"sex\", \"z\"]", "characterstics = []", "there is no key `characterstics`; did you mean `characteristics`?"),
        // Names that the plan does not have elsewhere.
        ("secondary = [\"z\"]", "secondary = [\"zz\"]", "secondary: there is no outcome named `zz`"),
        (
            "treatment = \"b against a\"\noutcome = \"z\"",
            "treatment = \"b against a\"\noutcome = \"zy\"",
            "estimand, `main`: there is no outcome of the plan",
        ),
        ("groups = \"group\"", "groups = \"grup\"", "sensitivity: there is no cluster named `grup`; did you mean `group`?"),
        ("\"definition(low)\"", "\"definition(lo)\"", "there is no definition in `responders.definitions` named `lo`; did you mean `low`?"),
        ("name = \"second\"\noutcome = \"z\"", "name = \"second\"\noutcome = \"x\"", "analysis, `second`: there is no outcome named `x`"),
        ("formula = \"arm + age\"", "formula = \"arm + aeg\"", "analysis, `second`: there is no variable named `aeg`; did you mean `age`?"),
        (
            "name = \"two\"\noutcome = \"z\"",
            "name = \"two\"\noutcome = \"zz\"",
            "multiplicity.hypotheses, `two`: there is no outcome of the plan named `zz`",
        ),
        ("outcome = \"z\"\narm = \"b\"", "outcome = \"z\"\narm = \"B\"", "multiplicity.hypotheses, `two`: there is no arm named `B`"),
        ("factor = \"age\"", "factor = \"aage\"", "subgroup, `aage`: there is no variable named `aage`; did you mean `age`?"),
        ("outcome = \"z\"\nbetter", "outcome = \"zz\"\nbetter", "individual-change, `zz`: there is no outcome named `zz`"),
        (
            "[\"sex\", \"z\"]",
            "[\"sexx\", \"z\"]",
            "report.characteristics: there is no variable in the table of baseline characteristics named `sexx`",
        ),
        // What makes no sense.
        ("covariance = \"compound-symmetry\"\n", "reason = \"none\"\n", "analysis, `first`: it says nothing that differs"),
        ("cut-points = [30, 50]", "cut-points = [50, 30]", "subgroup, `age`: the cut points of the subgroups by `age`: they do not rise"),
        ("reliability = { value = 0.8 }", "reliability = { value = 80 }", "individual-change, `z`: a reliability of 80"),
    ];
    let mut wrong = vec![];
    for (right, mistaken, says) in mistakes {
        let (plan, line) = with_mistake(right, mistaken);
        let Err(error) = StudyFile::from_toml(&format!("{plan}{TRUTH}")) else {
            wrong.push(format!("nothing is wrong with {mistaken}"));
            continue;
        };
        let message = error.to_string();
        // The line of the mistake, or of the table that it is in.
        let table = 1 + PLAN.lines().take(line).collect::<Vec<_>>().iter().rposition(|line| line.starts_with('[')).unwrap_or(0);
        let told = message.split_once("the study, line ").and_then(|(_, rest)| rest.split(',').next()?.parse::<usize>().ok());
        if !message.contains(says) || !told.is_some_and(|told| (table..=line).contains(&told)) {
            wrong.push(format!("line {line}, {says}:\n    {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without a layout, visits and arms are those of the truth, and what other outcomes there are is not known.
#[test]
fn a_plan_without_layout_is_held_to_the_truth() {
    let (start, end) = (PLAN.find("[layout]").expect("a layout"), PLAN.find("[[estimand]]").expect("an estimand"));
    let plan = format!("{}{}", &PLAN[..start], &PLAN[end..]);
    let says = |right: &str, wrong: &str| {
        assert_eq!(plan.matches(right).count(), 1, "{right}");
        StudyFile::from_toml(&format!("{}{TRUTH}", plan.replace(right, wrong))).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(says("secondary = [\"z\"]", "secondary = [\"z\", \"another\"]"), Ok(()));
    let refused = |right: &str, wrong: &str| says(right, wrong).expect_err("a mistake");
    assert!(refused("outcome = \"z\"\narm = \"b\"", "outcome = \"z\"\narm = \"c\"").contains("`two`: there is no arm named `c`"));
    let at = refused("at = \"0\"\nsummary", "at = \"week 0\"\nsummary");
    assert!(at.contains("estimand, `main`: there is no visit named `week 0`"), "{at}");
}

#[test]
fn mistakes_in_what_is_simulated_and_what_is_not_are_told_together() {
    let plan = PLAN.replace("groups = \"group\"", "groups = \"grup\"");
    let plan = plan.replace("[responders]", "[model]\nformula = \"arm * visti\"\n\n[effects]\nintervals = []\n\n[responders]");
    let error = StudyFile::from_toml(&format!("{plan}{TRUTH}")).expect_err("three mistakes");
    let trialstats::Error::Plan(problems) = &error else { panic!("{error}") };
    let keys: Vec<&str> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["effects.intervals", "sensitivity", "model.formula"], "{error}");
    assert!(problems.0.iter().all(|problem| problem.line.is_some()), "{error}");
}

#[test]
fn a_mistake_is_told_with_the_file_that_has_it() {
    let folder = folder("files");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("written");
        folder.join(name)
    };
    let (plan, line) = with_mistake("groups = \"group\"", "groups = \"grup\"");
    let says = |path: PathBuf, truth: Option<PathBuf>| StudyFile::open_with(path, truth.as_deref()).expect_err("a mistake").to_string();
    let of_plan = write("plan.toml", &plan);
    let place = format!("plan.toml, line {line}, character 10, sensitivity: there is no cluster named `grup`");
    for said in [
        says(write("named.toml", &format!("plan = \"plan.toml\"\n{TRUTH}")), None),
        says(write("beside.plan.toml", &format!("{plan}{TRUTH}")), None),
        says(of_plan, Some(write("truth.toml", TRUTH))),
    ] {
        assert!(said.contains(&place), "{said}");
    }
    // A study may begin with its truth; lines are those of the file.
    let (plan, line) = with_mistake("factor = \"sex\"", "facto = \"sex\"");
    let said = says(
        write(
            "last.toml",
            &format!(
                "primary = \"y\"\n{TRUTH}{}",
                &plan["primary = \"y\"\n".len()..].replace("secondary = [\"z\"]\nat = \"1\"\nbaseline-from = \"visit\"\n", "\n\n\n")
            ),
        ),
        None,
    );
    let after = line + TRUTH.matches('\n').count();
    assert!(said.contains(&format!("last.toml, line {after}, ")) && said.contains("did you mean `factor`?"), "{said}");
}

#[test]
fn mistakes_in_the_truth_and_the_settings_are_told_with_their_line() {
    let says = |text: &str| StudyFile::from_toml(text).expect_err("a mistake").to_string();
    let said = says(&format!("primary = 'y'\n{}", TRUTH.replace("trials = 2", "trails = 2")));
    assert!(said.contains("the study, line 4, character 1: in [study]: there is no key `trails`; did you mean `trials`?"), "{said}");
    let said = says(&format!("primary = 'y'\n{}", TRUTH.replace("d = -0.6", "dd = -0.6")));
    assert!(said.contains("the study, line 10, ") && said.contains("in [truth]: there is no key `dd`"), "{said}");
}

#[test]
fn events_of_the_plan_are_those_of_the_truth() {
    let event = "\n[[truth.events]]\nname = 'stopped early'\nby-end = 0.2\n";
    let plan = "primary = 'y'\n\n[[event]]\nname = 'stopped erly'\nstrategy = 'hypothetical'\nfrom = 'visit(STOP)'\n";
    let said = StudyFile::from_toml(&format!("{plan}{TRUTH}{event}")).expect_err("a mistake").to_string();
    for says in ["the study, line 3, ", "event, `stopped erly`", "did you mean `stopped early`?", "[[truth.events]]"] {
        assert!(said.contains(says), "{says} in {said}");
    }
    let right = plan.replace("erly", "early");
    StudyFile::from_toml(&format!("{right}{TRUTH}{event}")).expect("nothing is wrong with it");
    // Where the data will have the event is not simulated, and is checked all the same.
    let said = StudyFile::from_toml(&format!("{right}reasons = ['pain']\n{TRUTH}{event}")).expect_err("a mistake").to_string();
    assert!(said.contains("event, `stopped early`") && said.contains("reason-column"), "{said}");
}
