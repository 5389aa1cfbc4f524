//! A plan for an ADaM basic data structure, whose columns mean what the standard says.

use super::Guess;
use super::names::{LOW_IS_GOOD, plain};
use super::text::{Page, quoted};
use crate::error::shown;
use crate::table::counted;
use crate::trial::Look;

/// What a file in the basic data structure leaves open.
#[derive(Debug)]
pub(super) struct Adam {
    /// The codes of the parameters, with how many rows each has.
    parameters: Vec<(String, usize)>,
    /// What is analysed: the change where the file has one, else the value.
    measured: &'static str,
    /// The last visit by AVISITN.
    last: Option<String>,
    treatment: Option<&'static str>,
    has_baseline: bool,
    /// Columns of patients that covariates may come from.
    covariates: Vec<Guess<String>>,
}

/// Columns that the preset knows, and those that identify rows.
const KNOWN: [&str; 27] = [
    "STUDYID", "USUBJID", "SUBJID", "SITEID", "PARAM", "PARAMCD", "PARAMN", "AVISIT", "AVISITN", "AVAL", "AVALC", "CHG", "PCHG", "BASE",
    "ABLFL", "ANL01FL", "DTYPE", "TRTP", "TRTPN", "TRTA", "TRTAN", "TRT01P", "TRT01PN", "TRT01A", "TRT01AN", "ITTFL", "FASFL",
];

impl Adam {
    /// What the file leaves open; none where it is no basic data structure.
    pub fn of(look: &Look) -> Option<Self> {
        let has = |name: &str| look.column(name).is_some();
        if !["USUBJID", "PARAMCD", "AVISIT"].into_iter().all(has) || !(has("AVAL") || has("CHG")) {
            return None;
        }
        let parameters = look.column("PARAMCD")?.values().into_iter().map(|(code, n)| (code.to_string(), n)).collect();
        let visits = look.column("AVISIT")?;
        let number = |row: usize| look.column("AVISITN").and_then(|c| c.numbers.as_ref()).and_then(|numbers| numbers[row]);
        let labels = (0..look.rows).filter_map(|row| Some((number(row)?, visits.texts[row].clone()?)));
        let last = labels.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, label)| label);
        let rows_of = super::identifiers::rows_by_patient(look, "USUBJID");
        let of_patients = |c: &&crate::trial::LookedAt| {
            let levels = c.values().len();
            let usable = c.numbers.is_some() && levels > 2 || (2..=12).contains(&levels);
            !KNOWN.contains(&c.name.as_str()) && usable && super::identifiers::is_of_patients(c, &rows_of)
        };
        let covariates = look.columns.iter().filter(of_patients).map(|c| Guess {
            value: c.name.clone(),
            why: match c.numbers.is_some() && c.values().len() > 2 {
                true => "a number that no patient changes".into(),
                false => format!("a factor of {} that no patient changes", counted(c.values().len(), "level")),
            },
        });
        Some(Self {
            parameters,
            measured: if has("CHG") { "CHG" } else { "AVAL" },
            last,
            treatment: ["TRT01P", "TRTP"].into_iter().find(|name| has(name)),
            has_baseline: has("BASE"),
            covariates: covariates.collect(),
        })
    }

    pub fn write(&self, page: &mut Page, sheet: Option<&str>) {
        let several = self.parameters.len() > 1;
        let first = self.parameters.first().map_or("", |(code, _)| code);
        let primary = match (several, self.measured) {
            (false, measured) => measured.to_string(),
            (true, "CHG") => format!("{first}_CHG"),
            (true, _) => first.to_string(),
        };
        page.key("The primary outcome. CHECK that it is the one of the protocol.", "primary", quoted(&primary));
        if let Some(last) = &self.last {
            page.key("The visit of primary interest: the last by AVISITN. CHECK.", "at", quoted(last));
        }
        page.blank();
        page.line("[layout]");
        if let Some(sheet) = sheet {
            page.key("The data set that was looked at.", "sheet", quoted(sheet));
        }
        page.comment(
            "USUBJID, PARAMCD, AVISIT and AVAL: an ADaM basic data structure. The preset knows its columns: visits in the order of AVISITN, arms in that of \
             TRT01PN or TRTPN, baseline and screening rows left out by ABLFL, records not to be analysed by ANL01FL, the population by ITTFL or FASFL.",
        );
        page.line("preset = \"adam\"");
        let codes: Vec<String> = self.parameters.iter().map(|(code, n)| format!("`{}` ({})", shown(code), counted(*n, "row"))).collect();
        let named = self.parameters.iter().map(|(code, _)| quoted(code)).collect::<Vec<_>>().join(", ");
        page.key(&format!("The parameters: {}.", codes.join(", ")), "paramcd", if several { format!("[{named}]") } else { named });
        if !self.covariates.is_empty() {
            self.covariates.iter().for_each(|c| page.comment(&format!("`{}`: {}.", shown(&c.value), c.why)));
            let names: Vec<String> = self.covariates.iter().map(|c| quoted(&c.value)).collect();
            page.line(format!("covariates = [{}]", names.join(", ")));
        }
        page.blank();
        page.line("[model]");
        let arms = self.treatment.map_or("AVISIT".to_string(), |arm| format!("{arm} * AVISIT"));
        let formula = match (self.has_baseline, several) {
            (true, false) => format!("BASE * AVISIT + {arms}"),
            (true, true) => format!("{first}_BASE * AVISIT + {arms}"),
            (false, _) => arms,
        };
        page.key(
            "The mean of each arm at each visit, adjusted for the baseline at each visit. Covariates of the protocol go here too.",
            "formula",
            quoted(&formula),
        );
        page.key(
            "An unstructured covariance; where it cannot be fitted, the next of these.",
            "covariance-else",
            "[\"heterogeneous-toeplitz\", \"compound-symmetry\"]",
        );
        page.blank();
        if LOW_IS_GOOD.iter().any(|scale| plain(first).starts_with(scale)) {
            page.line("[effects]");
            page.key(&format!("On `{}` a low score is good, by its name.", shown(first)), "positive", "\"fall\"");
            page.blank();
        }
        page.line("[report]");
        page.key("CHECK: the title of the report.", "title", quoted("A randomized trial"));
    }
}
