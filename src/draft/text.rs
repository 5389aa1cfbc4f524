//! A draft written down: a plan whose comments say why.

use super::families::{Family, VisitCode};
use super::identifiers::Visits;
use super::names::{LOW_IS_GOOD, plain};
use super::variables::Found;
use super::{Draft, Guessed, Guesses, Shape};
use crate::error::shown;
use crate::table::{counted, layout::wrapped};
use crate::trial::LookedAt;

/// Width of comments.
const WIDTH: usize = 110;

/// So many further outcomes are written out.
const SHOWN: usize = 6;

/// A plan under construction.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn comment(&mut self, text: &str) {
        for line in wrapped(text, WIDTH) {
            self.0.push_str(&format!("# {line}\n"));
        }
    }

    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    /// A key and its value, and above it the reason.
    pub(super) fn key(&mut self, why: &str, key: &str, value: impl AsRef<str>) {
        self.comment(why);
        self.line(format!("{key} = {}", value.as_ref()));
    }

    pub(super) fn blank(&mut self) {
        self.0.push('\n');
    }
}

pub(super) fn plan(draft: &Draft) -> String {
    let mut page = Page::default();
    head(&mut page, draft);
    match &draft.guessed {
        Guessed::Adam(adam) => adam.write(&mut page, draft.sheet.as_deref()),
        Guessed::Columns(guesses) => {
            outcomes(&mut page, guesses);
            layout(&mut page, draft, guesses);
            model(&mut page, guesses);
            effects(&mut page, guesses);
            rest(&mut page, guesses);
        }
    }
    page.0
}

fn head(page: &mut Page, draft: &Draft) {
    let name = std::path::Path::new(&draft.look.source).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    page.comment(&format!(
        "A plan drafted from {} ({}, {}). Every line is a guess, with its reason above it; CHECK stands where the file \
         cannot tell. `trialstats plan check` shows what the plan means, `trialstats report` runs it.",
        shown(&name),
        counted(draft.look.rows, "row"),
        counted(draft.look.columns.len(), "column")
    ));
    for sentence in &draft.look.decided {
        page.comment(sentence);
    }
    page.blank();
}

/// The outcome of primary interest: a change where the file has one and no baseline visit, else the first.
fn primary(draft: &Guesses) -> Option<&Found> {
    let is_change = |o: &&Found| ["change", "chg", "diff", "delta"].iter().any(|word| plain(&o.name).contains(word));
    let change = if has_baseline_visit(draft) { None } else { draft.outcomes().find(is_change) };
    change.or_else(|| draft.outcomes().next())
}

fn has_baseline_visit(draft: &Guesses) -> bool {
    match &draft.shape {
        Shape::Long(visits) => visits.baseline.is_some(),
        Shape::Wide { visits, .. } => visits.iter().any(|v| v.baseline.is_some()),
    }
}

/// The column of the value before treatment, where the file has it as a covariate.
fn baseline_covariate(draft: &Guesses) -> Option<&Found> {
    let reads_so = |c: &&Found| {
        let name = plain(&c.name);
        name.contains("base") || name.contains("basval") || name.ends_with("bl") || name.starts_with("bl") || name.ends_with("pre")
    };
    let is_number = |c: &&Found| c.is_number;
    draft.variables.covariates.iter().filter(is_number).find(reads_so).filter(|_| !has_baseline_visit(draft))
}

/// The visits in order, as the plan calls them.
fn labels(draft: &Guesses) -> Vec<String> {
    match &draft.shape {
        Shape::Long(visits) => visits.labels.clone(),
        Shape::Wide { visits, .. } => visits.iter().map(|v| v.code.clone()).collect(),
    }
}

fn outcomes(page: &mut Page, draft: &Guesses) {
    match primary(draft) {
        Some(found) => page.key(
            &format!("The primary outcome: {}. CHECK that it is the one of the protocol.", found.why),
            "primary",
            quoted(&found.name),
        ),
        None => page.key("CHECK: no column of numbers changes from visit to visit; name the primary outcome.", "primary", "\"\""),
    }
    let others: Vec<&Found> = draft.outcomes().filter(|o| Some(&o.name) != primary(draft).map(|p| &p.name)).collect();
    let of_instruments: Vec<String> = others.iter().filter(|o| o.of_instrument).map(|o| quoted(&o.name)).collect();
    if !of_instruments.is_empty() {
        page.key("Secondary outcomes: analysed by the same model.", "secondary", format!("[{}]", of_instruments.join(", ")));
    }
    let columns: Vec<String> = others.iter().filter(|o| !o.of_instrument).map(|o| quoted(&o.name)).collect();
    if !columns.is_empty() {
        page.comment("Other numbers that change from visit to visit; name those that are outcomes here and in [layout]:");
        page.comment(&format!("secondary = [{}]", columns.join(", ")));
    }
    if let Some(last) = labels(draft).last() {
        page.key("The visit of primary interest: the last. CHECK.", "at", quoted(last));
    }
    if let Some(covariate) = baseline_covariate(draft) {
        let value = format!("\"covariate({})\"", covariate.name.replace('"', "\\\""));
        page.key(
            "The score before treatment is a column, by its name; effect sizes divide by its standard deviation.",
            "baseline-from",
            value,
        );
    }
    page.blank();
}

fn layout(page: &mut Page, of: &Draft, draft: &Guesses) {
    page.line("[layout]");
    if let Some(sheet) = &of.sheet {
        page.key("The sheet that was looked at.", "sheet", quoted(sheet));
    }
    page.key(&format!("The patient: {}.", draft.patient.why), "patient", quoted(&draft.patient.value));
    match &draft.arm {
        Some(arm) => {
            page.key(&format!("The arm of randomization: {}.", arm.column.why), "arm", quoted(&arm.column.value));
            page.key(
                &format!("The reference arm: {}. There are {}.", arm.reference.why, listed(&arm.levels)),
                "reference-arm",
                quoted(&arm.reference.value),
            );
        }
        None => page.comment(
            "No column looks like the arm of a randomized trial: two to six values that no patient changes. CHECK; the key is `arm`.",
        ),
    }
    match &draft.shape {
        Shape::Long(visits) => long(page, visits, of.look.column(&visits.column.value)),
        Shape::Wide { visits, families } => wide(page, visits, families),
    }
    codes(page, draft);
    variables(page, draft);
    page.blank();
}

fn long(page: &mut Page, visits: &Visits, column: Option<&LookedAt>) {
    page.key(&format!("A row is a patient at a visit. The visit: {}.", visits.column.why), "visit", quoted(&visits.column.value));
    let numeric = column.is_some_and(|c| c.numbers.is_some() && !c.is_labelled);
    match &visits.time {
        Some(time) => {
            page.key(&format!("The time of each visit, which gives their order: {}.", time.why), "visit-time", quoted(&time.value))
        }
        None if !numeric => {
            let labels: Vec<String> = visits.labels.iter().map(|l| quoted(l)).collect();
            page.key("The visits as they come in the file. CHECK their order.", "visits", format!("[{}]", labels.join(", ")));
        }
        None => {}
    }
    if let Some(baseline) = &visits.baseline {
        page.key(&format!("The visit before treatment: {}.", baseline.why), "baseline-visit", quoted(&baseline.value));
    }
}

fn wide(page: &mut Page, visits: &[VisitCode], families: &[Family]) {
    page.key("A row is a patient; the visits are in the names of the columns.", "shape", "\"wide\"");
    if visits.is_empty() {
        page.comment("CHECK: no columns have names that differ in a visit alone, such as bdi_T0 and bdi_T1.");
    }
    let labels: Vec<String> = visits.iter().map(|v| quoted(&v.code)).collect();
    let example = families.first().map(|f| f.columns.iter().flatten().map(|c| format!("`{}`", shown(c))).collect::<Vec<_>>().join(", "));
    let why = format!(
        "The visits in order, by the names of {}. CHECK their order; a table {{ label = \"T1\", time = 3 }} has a time as well.",
        example.unwrap_or_else(|| "no columns".into())
    );
    page.key(&why, "visits", format!("[{}]", labels.join(", ")));
    if let Some((visit, baseline)) = visits.iter().find_map(|v| Some((v, v.baseline.as_ref()?))) {
        page.key(&format!("The visit before treatment: {}.", baseline.why), "baseline-visit", quoted(&visit.code));
    }
}

fn codes(page: &mut Page, draft: &Guesses) {
    for code in &draft.codes {
        let columns: Vec<String> = code.columns.iter().take(4).map(|(name, n)| format!("`{}` ({n})", shown(name))).collect();
        let more = code.columns.len().saturating_sub(4);
        let more = if more > 0 { format!(" and {}", counted(more, "more column")) } else { String::new() };
        page.comment(&format!(
            "{} is far from every other number in {}{more}, and is read as missing. CHECK.",
            code.code,
            columns.join(", ")
        ));
    }
    let everywhere: Vec<&str> = draft.codes.iter().filter(|c| c.everywhere).map(|c| c.code.as_str()).collect();
    if !everywhere.is_empty() {
        page.line(format!("missing-values = [{}]", everywhere.join(", ")));
    }
    let mut by_column: Vec<(&str, Vec<&str>)> = vec![];
    for code in draft.codes.iter().filter(|c| !c.everywhere) {
        for (column, _) in &code.columns {
            match by_column.iter_mut().find(|(known, _)| known == column) {
                Some((_, codes)) => codes.push(&code.code),
                None => by_column.push((column, vec![&code.code])),
            }
        }
    }
    if !by_column.is_empty() {
        let entries: Vec<String> = by_column.iter().map(|(column, codes)| format!("{} = [{}]", quoted(column), codes.join(", "))).collect();
        page.line(format!("missing-in = {{ {} }}", entries.join(", ")));
    }
}

fn variables(page: &mut Page, draft: &Guesses) {
    let variables = &draft.variables;
    if !variables.instruments.is_empty() {
        let plainly = variables.instruments.iter().all(|i| i.pattern.is_none());
        let titles: Vec<&str> = variables.instruments.iter().map(|i| i.label.as_str()).collect();
        page.comment(&format!("All items of {} are columns; scores and diagnoses are made of them.", titles.join(" and ")));
        if plainly {
            let names: Vec<String> = variables.instruments.iter().map(|i| quoted(&i.name)).collect();
            page.line(format!("instruments = [{}]", names.join(", ")));
        } else {
            let visits: Vec<String> = labels(draft).iter().map(|v| format!("{} = {}", quoted(v), quoted(v))).collect();
            let tables: Vec<String> = variables
                .instruments
                .iter()
                .map(|i| {
                    format!(
                        "    {{ name = {}, columns = {}, visits = {{ {} }} }},\n",
                        quoted(&i.name),
                        quoted(i.pattern.as_deref().unwrap_or("{item}")),
                        visits.join(", ")
                    )
                })
                .collect();
            page.line(format!("instruments = [\n{}]", tables.concat()));
        }
    }
    if let Some(found) = primary(draft).filter(|p| !p.of_instrument) {
        page.comment("The outcomes that are columns. A range, { column = …, range = [0, 63] }, makes a score outside it a problem.");
        page.line(format!("outcomes = [{}]", outcome(draft, found)));
        let others: Vec<&Found> = draft.outcomes().filter(|o| !o.of_instrument && o.name != found.name).collect();
        for other in others.iter().take(SHOWN) {
            page.comment(&format!("or {}: {}", outcome(draft, other), other.why));
        }
        if others.len() > SHOWN {
            page.comment(&format!("or one of {} more, in the same way", others.len() - SHOWN));
        }
    }
    if !variables.covariates.is_empty() {
        for found in &variables.covariates {
            page.comment(&format!("`{}`: {}.", shown(&found.name), found.why));
        }
        let names: Vec<String> = variables.covariates.iter().map(|c| quoted(&c.name)).collect();
        page.line(format!("covariates = [{}]", names.join(", ")));
    }
    if !variables.clusters.is_empty() {
        for found in &variables.clusters {
            page.comment(&format!("`{}`: {}.", shown(&found.name), found.why));
        }
        let names: Vec<String> = variables.clusters.iter().map(|c| quoted(&c.name)).collect();
        page.line(format!("clusters = [{}]", names.join(", ")));
    }
    if !variables.left.is_empty() {
        page.comment("Columns that are left out:");
        for left in &variables.left {
            page.comment(&format!("  `{}`: {}", shown(&left.value), left.why));
        }
    }
}

/// An outcome as the layout has it.
fn outcome(draft: &Guesses, found: &Found) -> String {
    let Shape::Wide { visits, .. } = &draft.shape else { return quoted(&found.name) };
    let columns = visits.iter().zip(&found.columns).filter_map(|(v, c)| Some(format!("{} = {}", quoted(&v.code), quoted(c.as_ref()?))));
    format!("{{ name = {}, columns = {{ {} }} }}", quoted(&found.name), columns.collect::<Vec<_>>().join(", "))
}

fn model(page: &mut Page, draft: &Guesses) {
    page.line("[model]");
    let sites = draft.variables.covariates.iter().filter(|c| c.why.contains("by its name a site")).map(|c| in_formula(&c.name));
    let baseline = baseline_covariate(draft).map(|c| format!("{} * visit", in_formula(&c.name)));
    let treatment = if draft.arm.is_some() { "arm * visit" } else { "visit" };
    let terms: Vec<String> = sites.chain(baseline).chain([treatment.to_string()]).collect();
    let why = match (has_baseline_visit(draft), baseline_covariate(draft)) {
        (true, _) => "The mean of each arm at each visit; the baseline visit is part of the response, with one mean for all arms (cLDA).",
        (false, Some(_)) => "The mean of each arm at each visit, adjusted for the score before treatment at each visit.",
        (false, None) => "The mean of each arm at each visit.",
    };
    page.key(
        &format!("{why} Covariates of the protocol go here too: those by which randomization was stratified above all."),
        "formula",
        quoted(&terms.join(" + ")),
    );
    page.key(
        "An unstructured covariance; where it cannot be fitted, the next of these.",
        "covariance-else",
        "[\"heterogeneous-toeplitz\", \"compound-symmetry\"]",
    );
    page.blank();
}

fn effects(page: &mut Page, draft: &Guesses) {
    let Some(found) = primary(draft) else { return };
    let name = plain(&found.name);
    if LOW_IS_GOOD.iter().any(|scale| name.starts_with(scale)) {
        page.line("[effects]");
        page.key(
            &format!("On `{}` a low score is good, by its name: a positive effect size means improvement.", shown(&found.name)),
            "positive",
            "\"fall\"",
        );
    } else {
        page.comment("Where a low score is good, these lines make a positive effect size mean improvement:");
        page.comment("[effects]");
        page.comment("positive = \"fall\"");
    }
    page.blank();
}

fn rest(page: &mut Page, draft: &Guesses) {
    let presets: Vec<&str> = draft.variables.instruments.iter().filter(|i| i.name == "caps5").map(|_| "\"caps5\"").collect();
    if !presets.is_empty() {
        page.line("[responders]");
        page.key(
            "Every published definition of response and remission on the CAPS-5; leave those of the protocol.",
            "definitions",
            format!("[{}]", presets.join(", ")),
        );
        page.blank();
    }
    if let Some(cluster) = draft.variables.clusters.first() {
        page.comment("The primary contrast with patients of one cluster alike; `groups` and `therapists` name the columns:");
        page.comment("[[sensitivity]]");
        page.comment("kind = \"clusters\"");
        page.comment(&format!("therapists = {}", quoted(&cluster.name)));
        page.blank();
    }
    page.line("[report]");
    page.key("CHECK: the title of the report.", "title", quoted("A randomized trial"));
}

/// A name as a formula has it: in backticks where it is no plain word.
fn in_formula(name: &str) -> String {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let is_word = begins && letters.all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    if is_word { name.into() } else { format!("`{name}`") }
}

fn listed(labels: &[String]) -> String {
    labels.iter().map(|l| format!("`{}`", shown(l))).collect::<Vec<_>>().join(", ")
}

pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}
