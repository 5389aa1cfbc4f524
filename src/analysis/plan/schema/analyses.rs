//! The schema of analyses beside the primary one, and of instruments as data.

use super::values::{Key, any, choice, list, number, reference, table, text, texts, whole, words};
use crate::analysis::{AnalysedBy, ObservedAt};
use crate::change::{ClassScheme, ReliabilityKind, ReliableChangeMethod};
use crate::covariance::Covariance;
use crate::design::Baseline;
use crate::fit::Estimation;
use crate::imputation::{CovariancePrior, DeltaScale, DrawMethod, EventStrategy, Intermittent, ResampledInterval, TimeUnit, Variance};
use crate::inference::Df;
use crate::instruments::ScoreMethod;
use crate::means::Better;
use crate::multiplicity::Procedure;
use serde_json::{Value, json};

/// The keys of another model than the primary one.
fn model_keys() -> Vec<Key> {
    let structures: Vec<&str> = Covariance::NAMED.iter().map(|(name, ..)| *name).collect();
    let structure = || json!({ "type": "string", "examples": structures });
    vec![
        ("name", "What tables call it.", text()),
        ("formula", "The mean; it may have random effects and a covariance.", text()),
        ("baseline", "What is done with the baseline measurement.", choice::<Baseline>()),
        ("covariance", "The covariance among a patient's visits.", structure()),
        ("covariance-else", "Structures to fall back on, in this order.", list(structure())),
        ("estimation", "The likelihood.", choice::<Estimation>()),
        ("df", "The method for degrees of freedom.", choice::<Df>()),
        ("reason", "Why it is made, for the report.", text()),
    ]
}

/// How data sets are drawn.
fn draws() -> Value {
    table(
        &["method"],
        vec![
            ("method", "Where the parameters of each data set come from.", choice::<DrawMethod>()),
            ("number", "The number of draws, or of bootstrap samples.", whole()),
            ("per-sample", "Of bootstrapped-imputation: imputations of each bootstrap sample.", whole()),
            ("seed", "The seed; 1 unless stated.", whole()),
            ("chains", "Of bayesian: independent chains.", whole()),
            ("burn-in", "Of bayesian: steps of each chain before its first draw.", whole()),
            ("thin", "Of bayesian: steps from one draw to the next.", whole()),
            ("prior", "Of bayesian: what is known of the covariance before the data.", choice::<CovariancePrior>()),
            ("interval", "Of conditional-mean-bootstrap: how limits are read off.", choice::<ResampledInterval>()),
        ],
    )
}

pub(super) fn sensitivity() -> Value {
    let mut keys: Vec<Key> = vec![
        ("kind", "The kind of analysis.", words(&["clusters", "model", "imputation", "tipping-point", "population"])),
        ("groups", "Of kind clusters: the factor of patients who are treated together.", text()),
        ("therapists", "Of kind clusters: the factor of patients who have a therapist in common.", text()),
    ];
    let delta = table(
        &["by-visit"],
        vec![
            ("by-visit", "An amount for each analysed visit.", list(number())),
            ("lag-weights", "Weights by lag: of the first visit after the event, the second, and so on.", list(number())),
            ("arms", "The arms whose imputed values are shifted; all unless stated.", texts()),
            ("intermittent", "Whether gaps before the event are shifted too.", choice::<Intermittent>()),
            ("scale", "Whether amounts are added, or imputed values multiplied by them.", choice::<DeltaScale>()),
        ],
    );
    keys.extend([
        (
            "strategy",
            "Of kinds imputation and tipping-point: mar, jump-to-reference, copy-reference, copy-increments, last-mean-carried-forward, causal(K).",
            text(),
        ),
        ("reference", "The arm from which values after dropout are taken; the reference arm unless stated.", text()),
        ("covariates", "Covariates of the ANCOVA; baseline is the value at the baseline visit.", texts()),
        ("delta", "Of kind imputation: what is added to imputed values, or what they are multiplied by.", delta),
        ("variance", "What standard errors are of.", choice::<Variance>()),
        ("draws", "Of kinds imputation and tipping-point: multiple imputation, and how its data sets come about.", draws()),
        ("analysis", "Of kind imputation with draws: how each data set is analysed.", choice::<AnalysedBy>()),
        ("arm", "Of kind tipping-point: the arm whose imputed values are shifted.", text()),
        ("arm-shifts", "Of kind tipping-point: what is added to them, in turn.", list(number())),
        ("versus-shifts", "Of kind tipping-point: what is added to those of the reference arm; 0 unless stated.", list(number())),
        (
            "of",
            "Of kind tipping-point: what is compared: difference, effect-size, definition(NAME); the difference unless stated.",
            texts(),
        ),
        (
            "observed-at",
            "Of kind population: at which visits the primary outcome is observed in those who are in it.",
            choice::<ObservedAt>(),
        ),
        (
            "patients",
            "Of kind population: conditions on covariates that those who are in it meet.",
            any([reference("condition"), list(reference("condition"))]),
        ),
    ]);
    keys.extend(model_keys());
    table(&["kind"], keys)
}

pub(super) fn event() -> Value {
    table(
        &["name", "strategy", "from"],
        vec![
            ("name", "What tables call it.", text()),
            ("strategy", "How the estimand takes it into account.", choice::<EventStrategy>()),
            (
                "from",
                "Where the data have the first visit after it: visit(COLUMN), time(COLUMN), date(COLUMN), flag(COLUMN), dropout, file.",
                text(),
            ),
            ("reason-column", "The column with the reason, where only some reasons make the event.", text()),
            ("reasons", "The reasons that make the event.", texts()),
            ("imputation", "How values after it are imputed; as each imputation analysis says unless stated.", text()),
            (
                "value",
                "Of composite events, what stands for values after it: a number, baseline, covariate(NAME), highest, lowest.",
                any([number(), text()]),
            ),
            ("visit-dates", "Of events by date, the column with the dates of the visits.", text()),
            ("start-date", "Of events by date, the column with the date from which visits are planned.", text()),
            ("time-unit", "The unit of the visits' planned times.", choice::<TimeUnit>()),
        ],
    )
}

pub(super) fn analysis() -> Value {
    let mut keys: Vec<Key> = vec![
        ("outcome", "The outcome; the primary one unless stated.", text()),
        ("at", "The visit; that of primary interest unless stated.", text()),
    ];
    keys.extend(model_keys());
    table(&["name"], keys)
}

pub(super) fn subgroup() -> Value {
    table(
        &["factor"],
        vec![
            ("factor", "The factor, or a number that is cut.", text()),
            ("label", "Text for tables.", text()),
            ("cut-points", "Where the groups of a number begin, rising.", list(number())),
            ("groups", "Names of the groups that cut points make, one more than these.", texts()),
            ("labels", "Text for the levels of a factor.", json!({ "type": "object", "additionalProperties": text() })),
        ],
    )
}

pub(super) fn individual_change() -> Value {
    let points = table(&["points"], vec![("points", "Points, above 0.", number()), ("source", "Where the number comes from.", text())]);
    let reliability = table(
        &["value"],
        vec![
            ("value", "Between 0 and 1.", number()),
            ("kind", "How it was estimated.", choice::<ReliabilityKind>()),
            ("source", "Where it comes from.", text()),
        ],
    );
    let norm = || {
        table(
            &["mean", "sd"],
            vec![
                ("mean", "The mean, in points.", number()),
                ("sd", "The standard deviation, in points.", number()),
                ("source", "Where they come from.", text()),
            ],
        )
    };
    table(
        &["outcome", "better"],
        vec![
            ("outcome", "The outcome.", text()),
            ("label", "Text for tables.", text()),
            ("better", "Which scores are better.", choice::<Better>()),
            ("reliable-change", "A change is reliable by at least so many points.", points),
            ("reliability", "A change is reliable by the reliability of the score.", reliability),
            ("method", "How, by a reliability.", choice::<ReliableChangeMethod>()),
            (
                "sd",
                "The standard deviation that belongs to the reliability: points, baseline-pooled, baseline-whole, arm(NAME).",
                any([number(), text()]),
            ),
            (
                "level",
                "Two-sided level of the index; 0.95 unless stated.",
                json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
            ),
            ("clinical", "The clinical population; the trial at baseline unless stated.", norm()),
            ("functional", "The functional population.", norm()),
            ("cut-off", "Where the functional range begins: a, b, c, or a score.", any([number(), words(&["a", "b", "c"])])),
            ("classes", "Which classes are told apart.", choice::<ClassScheme>()),
        ],
    )
}

pub(super) fn multiplicity() -> Value {
    let hypothesis = table(
        &["name"],
        vec![
            ("name", "What tables and transitions call it.", text()),
            ("outcome", "An outcome of the plan; the primary one unless stated.", text()),
            ("at", "The visit; that of primary interest unless stated.", text()),
            ("arm", "The arm; the other than the reference unless stated.", text()),
            ("versus", "The arm that it is compared with; the reference unless stated.", text()),
            ("weight", "The share of the level that it starts with.", number()),
            (
                "transitions",
                "Of a graph: what it passes on to others when it is rejected, by name.",
                json!({ "type": "object", "additionalProperties": number() }),
            ),
        ],
    );
    table(
        &["procedure"],
        vec![
            ("procedure", "How the hypotheses are tested.", choice::<Procedure>()),
            ("alpha", "The familywise level of two-sided tests; one minus the confidence level unless stated.", number()),
            ("hypotheses", "The hypotheses, in order.", list(hypothesis)),
        ],
    )
}

pub(super) fn instrument() -> Value {
    let items = || any([text(), texts()]);
    let range = || json!({ "type": "array", "items": whole(), "minItems": 2, "maxItems": 2 });
    let prorated = |key: &'static str, meaning: &'static str| table(&[key], vec![(key, meaning, whole())]);
    let missing = table(
        &[],
        vec![
            ("prorate", "Bridge so many missing items.", prorated("at-most", "The largest number of missing items that is bridged.")),
            ("prorate-share", "Bridge a share of missing items.", prorated("percent", "The largest share that is bridged, in percent.")),
        ],
    );
    let severity = table(
        &["bands"],
        vec![
            ("source", "Where the bands come from.", text()),
            ("bands", "Names of the bands with their lowest scores.", json!({ "type": "object", "additionalProperties": number() })),
        ],
    );
    let change = table(&["points"], vec![("points", "Points of the total.", number()), ("source", "Where the number comes from.", text())]);
    let subscale = table(
        &["name", "items"],
        vec![("name", "Its name.", text()), ("label", "Text for tables.", text()), ("items", "Its items.", items())],
    );
    let diagnosis = table(
        &["name", "rule"],
        vec![
            ("name", "Its name.", text()),
            ("source", "Where the rule comes from.", text()),
            ("rule", "When it is met.", reference("item-rule")),
        ],
    );
    table(
        &["name", "items", "range"],
        vec![
            ("name", "The name in layouts, and of the total score.", text()),
            ("label", "Text for tables.", text()),
            ("source", "Where the scoring rules come from.", text()),
            ("items", "Names of the items, or a pattern such as phq9_{1..9}.", items()),
            ("range", "Lowest and highest rating.", range()),
            ("ranges", "Items with another range.", json!({ "type": "object", "additionalProperties": range() })),
            ("reversed", "Items that are scored the other way round.", items()),
            ("score", "How items make a score.", choice::<ScoreMethod>()),
            ("missing-items", "What a missing item does to a score.", any([words(&["make-missing"]), missing])),
            ("reliable-change", "The smallest change of the total that is more than chance.", change),
            ("severity", "Bands of the total.", severity),
            ("subscales", "Further scores of some of the items.", list(subscale)),
            ("diagnoses", "Diagnoses or screening results by rule.", list(diagnosis)),
        ],
    )
}

/// A table with one key, which says what is asked of items.
pub(super) fn item_rule() -> Value {
    let count = table(
        &["items", "rated", "at-least"],
        vec![
            ("items", "The items.", any([text(), texts()])),
            ("rated", "The lowest rating that counts.", whole()),
            ("at-least", "How many items it takes.", whole()),
            ("except", "Items with another lowest rating that counts.", json!({ "type": "object", "additionalProperties": whole() })),
        ],
    );
    let score = table(
        &["at-least"],
        vec![("of", "The score; the total unless stated.", text()), ("at-least", "The lowest score that counts.", number())],
    );
    let mut rule = table(
        &[],
        vec![
            ("all", "Every part holds.", list(reference("item-rule"))),
            ("any", "At least one part holds.", list(reference("item-rule"))),
            ("count", "At least so many items have a rating that counts.", count),
            ("score", "A score reaches a cut-off.", score),
        ],
    );
    rule["minProperties"] = 1.into();
    rule["maxProperties"] = 1.into();
    rule
}
