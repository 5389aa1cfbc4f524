//! The schema of a layout.

use super::values::{any, choice, code, list, number, reference, table, text, texts, words};
use crate::trial::{CovariateKind, DecimalMark, Delimiter, Preset};
use serde_json::{Value, json};

pub(super) fn layout() -> Value {
    let by_visit = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let columns = || ("columns", "The column of each visit.", by_visit());
    let visit = table(&["label"], vec![("label", "What the visit is called.", text()), ("time", "Its planned time.", number())]);
    let outcome = table(
        &[],
        vec![
            ("name", "Name used in formulas.", text()),
            ("column", "The column of a long file.", text()),
            ("label", "Text for tables and figures.", text()),
            (
                "range",
                "Lowest and highest possible score.",
                json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 }),
            ),
            ("texts", "Whether texts are values too, read as a factor by visit.", json!({ "type": "boolean" })),
            columns(),
        ],
    );
    let covariate = table(
        &["name"],
        vec![
            ("name", "Name, and the column unless columns are given.", text()),
            ("kind", "Number or factor, per patient or per visit.", choice::<CovariateKind>()),
            ("levels", "Levels of a factor, the reference first.", texts()),
            columns(),
        ],
    );
    let cluster = table(
        &["name"],
        vec![
            ("name", "Name, and the column unless columns are given.", text()),
            ("kind", "Whether patients keep their cluster.", words(&["of-patients", "by-visit"])),
            columns(),
        ],
    );
    let listed = list(any([text(), by_visit()]));
    let instrument = table(
        &["name"],
        vec![
            ("name", "Name of the instrument.", text()),
            ("columns", "A pattern such as {item}_{visit}, or the columns of the items.", any([text(), listed])),
            ("visits", "What a pattern calls each visit.", any([texts(), by_visit()])),
            ("options", "Options of the instrument.", json!({ "type": "object" })),
        ],
    );
    let name_or = |table: Value| list(any([text(), table]));
    table(
        &[],
        vec![
            ("shape", "A row per patient and visit, or per patient.", words(&["long", "wide"])),
            ("preset", "A layout that is known by name.", choice::<Preset>()),
            ("paramcd", "The parameters of an ADaM file, by PARAMCD.", any([code(), list(code())])),
            ("patient", "Column of the patient.", text()),
            ("arm", "Column of the arm.", text()),
            ("visit", "Column of the visit, in a long file.", text()),
            ("visit-time", "Column of the visits' planned times.", text()),
            ("visit-order", "Column of numbers by which visits are ordered.", text()),
            ("arm-order", "Column of numbers by which arms are ordered.", text()),
            ("baseline-visit", "The visit before treatment.", text()),
            ("arms", "The arms, the reference first.", texts()),
            ("reference-arm", "The reference arm.", text()),
            ("delimiter", "What separates the fields of a text file.", choice::<Delimiter>()),
            ("decimal-mark", "What separates the decimals of a number.", choice::<DecimalMark>()),
            ("sheet", "The sheet of a workbook, or the data set of a SAS transport file.", text()),
            ("extent", "Whether the file holds the whole trial.", words(&["trial", "part"])),
            ("missing-codes", "Codes of a missing value in every column; they replace NA, . and nothing.", list(code())),
            ("missing-values", "Further codes of a missing outcome, covariate or item.", list(code())),
            ("missing-in", "Codes of a missing value in one column.", json!({ "type": "object", "additionalProperties": list(code()) })),
            ("weights", "Columns of observation weights.", texts()),
            ("levels", "Levels of factors that are added elsewhere.", json!({ "type": "object", "additionalProperties": texts() })),
            (
                "roster",
                "Who was randomized to what: patient and arm.",
                list(json!({ "type": "array", "items": text(), "minItems": 2, "maxItems": 2 })),
            ),
            ("visits", "The visits in their order.", name_or(visit)),
            ("keep-patients", "Only patients who meet these conditions are read.", list(reference("condition"))),
            ("keep-rows", "Only rows that meet these conditions are read.", list(reference("condition"))),
            ("drop-visits", "Visits whose rows are left out.", texts()),
            ("outcomes", "What was measured.", name_or(outcome)),
            ("covariates", "What is known of patients beside the arm.", name_or(covariate)),
            ("clusters", "Therapists, groups, sites.", name_or(cluster)),
            ("instruments", "Instruments whose items are in the file.", name_or(instrument)),
        ],
    )
}
