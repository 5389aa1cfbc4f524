//! A plan that says everything.

use crate::instruments::{InstrumentDefinition, ItemRule, MissingItems, ScoreMethod};

/// Every key of a plan with something other than its default.
pub(in crate::analysis::plan) const WHOLE: &str = r#"
primary = "CAPS-5 total"
secondary = ["bdi", "FEV1"]
at = "12 months"
baseline-from = "covariate(CAPS_BL)"
level = 0.9
seed = 20260101

[trial]
title = "Exposure against waiting list"
registration = "NCT00000000"
sponsor = "A university"
authors = ["A. Author", "B. Author"]
data = "data/trial.csv"
events = "data/events.csv"
population = { column = "ITT", is = "yes" }
subset = [{ column = "site", is-not = ["pilot"], reason = "pilot site" }, { column = "age", at-least = 18 }]

[[estimand]]
name = "primary"
population = "adults with PTSD"
treatment = "exposure against waiting list"
outcome = "CAPS-5 total"
at = "12 months"
summary = "difference-in-means"
estimated-by = "model"

[[estimand.intercurrent]]
event = "treatment stopped early"
strategy = "treatment-policy"
reason = "everyone is followed up"

[[estimand.intercurrent]]
event = "death"
strategy = "while-on-treatment"

[[estimand]]
name = "halved"
population = "adults with PTSD"
treatment = "exposure against waiting list"
definition = "halved"
summary = "risk-difference"

[layout]
shape = "wide"
patient = "id"
arm = "arm"
reference-arm = "waiting list"
delimiter = "semicolon"
decimal-mark = "comma"
sheet = "scores"
missing-values = [999]
covariates = ["CAPS_BL", { name = "sex", levels = ["female", "male"] }]
clusters = ["therapist", "group"]

[[layout.outcomes]]
name = "CAPS-5 total"
label = "CAPS-5"
range = [0, 80]
columns = { "3 months" = "CAPS_3", "12 months" = "CAPS_12" }

[[layout.outcomes]]
name = "bdi"
texts = true
columns = { "3 months" = "BDI_3", "12 months" = "BDI_12" }

[[layout.instruments]]
name = "scid5-pd"
columns = "{item}_{visit}"
visits = { "3 months" = "T3", "12 months" = "T12" }
options = { disorders = ["avoidant"], missing-items = { prorate = { at-most = 1 } } }

[model]
formula = "CAPS_BL + sex + arm * visit"
baseline = "response"
random = ["(1 | therapist)"]
covariance = "heterogeneous-toeplitz"
covariance-else = ["toeplitz", "compound-symmetry"]
covariance-by = "arm"
estimation = "ml"
df = "satterthwaite"
information = "expected"
vcov = "cr2"
clusters = "factor(therapist)"
weights = "w"
visits = ["3 months", "12 months"]

[responders]
unobserved = ["counted-as-not-met"]
covariates = ["CAPS_BL", "sex"]
variance = "sampled"
randomization = "permuted-block"
strata = ["sex"]

[[responders.definitions]]
preset = "caps5-remission"

[[responders.definitions]]
name = "halved"
label = "BDI halved, or little left of it"
source = "protocol, section 7"
rule = { any = [
    { percent-drop = { outcome = "bdi", at-least = 50, floor = 1 } },
    { all = [{ below = { outcome = "bdi", score = 10 } }, { diagnosis-not-met = { diagnosis = "avoidant" } }] },
] }
required-at-baseline = { diagnosis-met = { diagnosis = "avoidant", at = "baseline" } }

[[responders.definitions]]
name = "worse"
rule = { any = [
    { point-rise = { outcome = "bdi", at-least = 5 } },
    { at-least = { outcome = "bdi", score = 40 } },
    { covariate-below = { covariate = "sessions", value = 9 } },
    { reliable-drop = { outcome = "bdi", sd = 10, reliability = 0.8, z = 1.64 } },
    { point-drop = { outcome = "bdi", at-least = 3 } },
    { at-most = { outcome = "bdi", score = 3 } },
] }
meaning = "unfavourable"

[effects]
denominator = "visit-model"
correction = "hedges"
positive = "fall"
intervals = ["noncentral-t", "independent-groups-observed"]
bootstrap = 2000
bootstrap-interval = "bca"

[[event]]
name = "stopped"
strategy = "hypothetical"
from = "visit(STOPVIS)"
reason-column = "STOPREAS"
reasons = ["lack of efficacy", "adverse event"]
imputation = "copy-reference"

[[event]]
name = "death"
strategy = "composite"
from = "file"
value = "highest"

[[event]]
name = "rescue"
strategy = "composite"
from = "time(RESCDAY)"
value = 80

[[event]]
name = "moved"
strategy = "hypothetical"
from = "date(MOVEDT)"
visit-dates = "ADT"
start-date = "RANDDT"
time-unit = "month"

[[sensitivity]]
kind = "clusters"
groups = "group"
therapists = "therapist"

[[sensitivity]]
kind = "model"
name = "compound symmetry"
formula = "site + arm * visit"
baseline = "constrained"
covariance = "compound-symmetry"
covariance-else = ["independent"]
estimation = "reml"
df = "residual"
reason = "asked for by a reviewer"

[[sensitivity]]
kind = "imputation"
name = "jump"
strategy = "jump-to-reference"
reference = "waiting list"
covariates = ["CAPS_BL"]
variance = "information-anchored"
reason = "asked for by the regulator"

[sensitivity.delta]
by-visit = [1.0, 2.5]
lag-weights = [1.0, 0.5]
scale = "multiplicative"
arms = ["treatment"]
intermittent = "shifted"

[[sensitivity]]
kind = "tipping-point"
strategy = "mar"
covariates = ["CAPS_BL"]
arm = "treatment"
arm-shifts = [0.0, 5.0]
versus-shifts = [0.0, 1.0]
of = ["difference", "effect-size", "definition(halved)"]

[[sensitivity]]
kind = "population"
name = "as treated"
observed-at = "every-visit"
patients = [{ column = "CAPS_BL", at-least = 20.0, reason = "too mild" }, { column = "sex", is-not = ["unknown"] }]
reason = "asked for by readers"

[[analysis]]
name = "depression at 3 months"
outcome = "bdi"
at = "3 months"
formula = "arm * visit"

[multiplicity]
procedure = "graph"
alpha = 0.025

[[multiplicity.hypotheses]]
name = "PTSD"
weight = 1.0
transitions = { depression = 0.5 }

[[multiplicity.hypotheses]]
name = "depression"
outcome = "bdi"
at = "3 months"
arm = "treatment"
versus = "waiting list"

[[subgroup]]
factor = "sex"
labels = { female = "Women", male = "Men" }

[[subgroup]]
factor = "CAPS_BL"
label = "Severity at baseline"
cut-points = [30.0, 45.5]
groups = ["mild", "moderate", "severe"]

[[individual-change]]
outcome = "bdi"
better = "lower"
label = "Beck"
reliability = { value = 0.86, kind = "internal-consistency", source = "manual" }
method = "edwards-nunnally"
sd = "arm(waiting list)"
level = 0.9
clinical = { mean = 25.5, sd = 9, source = "manual" }
functional = { mean = 7, sd = 6, source = "manual" }
cut-off = "c"
classes = "five"

[[individual-change]]
outcome = "FEV1"
better = "higher"
reliable-change = { points = 4.5, source = "protocol" }
cut-off = 60

[[instrument]]
name = "mood"
label = "Mood scale"
source = "protocol"
items = ["mood_{1..3}", "sad"]
range = [1, 5]
ranges = { sad = [0, 1] }
reversed = "mood_2"
score = "mean"
missing-items = { prorate-share = { percent = 25 } }
reliable-change = { points = 1.5, source = "manual" }

[instrument.severity]
source = "manual"
bands = { low = 1.0, high = 3.0 }

[[instrument.subscales]]
name = "mood_positive"
label = "Positive"
items = ["mood_1", "mood_3"]

[[instrument.diagnoses]]
name = "mood_case"
source = "manual"
rule = { any = [{ score = { of = "mood_positive", at-least = 4.0 } }, { all = [{ count = { items = "mood_{1..3}", rated = 3, at-least = 2, except = { mood_2 = 4 } } }] }] }

[report]
title = "A trial"
registration = "NCT00000000"
banner = "Synthetic data."
data = "synthetic"
characteristics = ["sex", "CAPS_BL"]
labels = { CAPS_BL = "CAPS-5 at baseline", sex = "Sex" }
documents = ["docx", "ard"]
style = "csr"
paper = "letter"
"#;

/// The instrument of [`WHOLE`].
pub(super) fn mood() -> InstrumentDefinition {
    let rule = ItemRule::Any(vec![
        ItemRule::Score { of: Some("mood_positive".into()), at_least: 4.0 },
        ItemRule::All(vec![ItemRule::Count { items: "mood_{1..3}".into(), rated: 3, at_least: 2, except: vec![("mood_2".into(), 4)] }]),
    ]);
    let mut mood = InstrumentDefinition::new("mood", ["mood_{1..3}", "sad"], [1, 5])
        .reversed("mood_2")
        .score(ScoreMethod::Mean)
        .missing_items(MissingItems::ProrateShare { percent: 25 })
        .subscale("mood_positive", ["mood_1", "mood_3"])
        .diagnosis("mood_case", rule);
    mood.label = "Mood scale".into();
    mood.source = "protocol".into();
    mood.ranges = vec![("sad".into(), [0, 1])];
    mood.subscales[0].label = "Positive".into();
    mood.diagnoses[0].source = "manual".into();
    let severity = r#"{"source": "manual", "bands": {"low": 1.0, "high": 3.0}}"#;
    mood.severity = Some(serde_json::from_str(severity).expect("bands"));
    mood.reliable_change = Some(serde_json::from_str(r#"{"points": 1.5, "source": "manual"}"#).expect("a change"));
    mood.build().expect("a definition");
    mood
}
