//! The schema of definitions of response.

use super::values::{Key, any, choice, list, number, reference, table, text, texts};
use crate::generalized::{PopulationVariance, Randomization};
use crate::responders::{Meaning, Occasion, Unobserved};
use serde_json::Value;

pub(super) fn responders() -> Value {
    let definition = table(
        &[],
        vec![
            ("preset", "Name of a preset; no other key then.", text()),
            ("name", "Short name.", text()),
            ("label", "Text for tables.", text()),
            ("source", "Where the definition comes from.", text()),
            ("rule", "What a patient must fulfil at a visit.", reference("rule")),
            ("required-at-baseline", "What a patient must fulfil at baseline to be counted at all.", reference("rule")),
            ("meaning", "Whether meeting it is good for the patient.", choice::<Meaning>()),
        ],
    );
    table(
        &[],
        vec![
            ("unobserved", "What rates do with patients who were not observed; each way is shown.", list(choice::<Unobserved>())),
            ("definitions", "The definitions: presets by name, or tables.", list(any([text(), definition]))),
            ("covariates", "What risks are adjusted for; unless stated, the baseline value and the covariates of the model.", texts()),
            ("variance", "What the variance of adjusted risks allows for.", choice::<PopulationVariance>()),
            ("randomization", "How patients were randomized, for that variance.", choice::<Randomization>()),
            ("strata", "The factors of a stratified randomization.", texts()),
        ],
    )
}

/// A table with one key, which says what is asked.
pub(super) fn rule() -> Value {
    let of = |required: &[&str], keys: Vec<Key>| table(required, keys);
    let outcome = || ("outcome", "Name of the outcome.", text());
    let points = || of(&["outcome", "at-least"], vec![outcome(), ("at-least", "Points.", number())]);
    let score = || of(&["outcome", "score"], vec![outcome(), ("score", "The score.", number())]);
    let diagnosis = || of(&["diagnosis"], vec![("diagnosis", "Name of the diagnosis.", text()), ("at", "When.", choice::<Occasion>())]);
    let percent = of(
        &["outcome", "at-least"],
        vec![outcome(), ("at-least", "Percent, from 1 to 100.", number()), ("floor", "The score that stands for no symptoms.", number())],
    );
    let reliable = of(
        &["outcome", "sd", "reliability"],
        vec![
            outcome(),
            ("sd", "Standard deviation of the outcome.", number()),
            ("reliability", "Test-retest reliability, between 0 and 1.", number()),
            ("z", "Standard normal deviate; 1.96 unless stated.", number()),
        ],
    );
    let below = of(&["covariate", "value"], vec![("covariate", "Name of the covariate.", text()), ("value", "The value.", number())]);
    let mut rule = table(
        &[],
        vec![
            ("point-drop", "At least so many points below baseline.", points()),
            ("point-rise", "At least so many points above baseline.", points()),
            ("percent-drop", "A drop of at least so many percent.", percent),
            ("reliable-drop", "A drop that measurement error does not explain.", reliable),
            ("below", "Below a score.", score()),
            ("at-most", "At most a score.", score()),
            ("at-least", "At least a score.", score()),
            ("covariate-below", "A covariate below a value.", below),
            ("diagnosis-met", "The criteria of a diagnosis are met.", diagnosis()),
            ("diagnosis-not-met", "The criteria of a diagnosis are not met.", diagnosis()),
            ("all", "Every part holds.", list(reference("rule"))),
            ("any", "At least one part holds.", list(reference("rule"))),
        ],
    );
    rule["minProperties"] = 1.into();
    rule["maxProperties"] = 1.into();
    rule
}
