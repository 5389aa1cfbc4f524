//! Results as a reporting event of the CDISC Analysis Results Standard, version 1.0: the plan as the specification of
//! every analysis, the numbers of the report's tables as its results.
//!
//! A table of the report is an analysis. Its text columns are groupings (`analysisGroupings`, a group a label), its
//! columns of numbers the operations of a method, each cell a result with the groups it belongs to: `rawValue` has every
//! digit, `formattedValue` is as printed. Each analysis carries the whole plan as its programming code. The file keeps to
//! the published JSON schema, which allows no keys of our own.

use super::document::{Document, TableBlock};
use super::files::{figure_path, table_path};
use super::statistics::{self, Statistics};
use crate::table::Column;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A label column over the whole report, with its labels in the order in which they come.
struct Grouping<'a> {
    name: &'a str,
    heading: &'a str,
    labels: Vec<String>,
}

impl Document {
    /// The results as a CDISC ARS reporting event.
    pub fn to_ars(&self) -> Value {
        let all: Vec<Statistics<'_>> = statistics::of(self).collect();
        let groupings = groupings(&all);
        let mut event = json!({
            "id": "RE_trialstats",
            "version": 1,
            "name": self.title,
            "description": self.description(),
            "mainListOfContents": self.contents(&all),
            "referenceDocuments": [{ "id": "RD_report", "name": "Report", "location": "report.html" }],
            "terminologyExtensions": [{
                "id": "TE_files",
                "enumeration": "OutputFileTypeEnum",
                "sponsorTerms": [{ "id": "FT_csv", "submissionValue": "csv" }, { "id": "FT_svg", "submissionValue": "svg" }],
            }],
            "analysisSets": [{ "id": "AS_randomized", "name": "All randomized patients", "level": 1, "order": 1 }],
            "analysisGroupings": groupings.iter().enumerate().map(|(k, g)| g.to_json(k)).collect::<Vec<_>>(),
            "methods": all.iter().map(method).collect::<Vec<_>>(),
            "analyses": all.iter().map(|s| self.analysis_of(s, &groupings)).collect::<Vec<_>>(),
            "outputs": self.outputs(),
        });
        if let Some(plan) = &self.plan {
            let documents = event["referenceDocuments"].as_array_mut();
            documents.into_iter().for_each(|d| d.push(json!({ "id": "RD_plan", "name": "Analysis plan", "description": plan })));
        }
        event
    }

    /// Title, banner, maker: what a reader of numbers alone has to know too.
    fn description(&self) -> String {
        let parts = [self.banner.clone(), Some(self.subtitle.clone()), Some(self.produced())];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    fn contents(&self, all: &[Statistics<'_>]) -> Value {
        let analyses = all.iter().map(|s| json!({ "name": s.table.title, "analysisId": analysis_id(s.table) }));
        let outputs = self.tables().map(|t| (&t.title, output_id("table", &t.name)));
        let outputs = outputs.chain(self.figures().map(|f| (&f.figure.title, output_id("figure", &f.name))));
        let items = analyses.chain(outputs.map(|(title, id)| json!({ "name": title, "outputId": id })));
        let items = items.enumerate().map(|(k, mut item)| {
            item["level"] = json!(1);
            item["order"] = json!(k + 1);
            item
        });
        json!({ "name": "Contents", "contentsList": { "listItems": items.collect::<Vec<_>>() } })
    }

    fn analysis_of(&self, of: &Statistics<'_>, groupings: &[Grouping<'_>]) -> Value {
        let primary = self.tables().find_map(|t| t.about.as_ref());
        let purpose = match &of.table.about {
            about @ Some(_) if about.as_ref() == primary => "PRIMARY OUTCOME MEASURE",
            Some(_) => "SECONDARY OUTCOME MEASURE",
            None => "EXPLORATORY OUTCOME MEASURE",
        };
        let ordered = of.groups.iter().enumerate().filter_map(|(k, c)| {
            let place = groupings.iter().position(|g| g.name == c.name)?;
            Some(json!({ "order": k + 1, "groupingId": grouping_id(place), "resultsByGroup": true }))
        });
        let mut analysis = json!({
            "id": analysis_id(of.table),
            "version": 1,
            "name": of.table.title,
            "reason": { "controlledTerm": "SPECIFIED IN SAP" },
            "purpose": { "controlledTerm": purpose },
            "analysisSetId": "AS_randomized",
            "orderedGroupings": ordered.collect::<Vec<_>>(),
            "methodId": method_id(of.table),
            "results": results(of, groupings),
        });
        if !of.table.notes.is_empty() {
            analysis["description"] = json!(of.table.notes.join(" "));
        }
        if let Some(variable) = &of.table.about {
            analysis["variable"] = json!(variable);
        }
        if let Some(plan) = &self.plan {
            analysis["programmingCode"] = json!({ "context": self.produced_by, "code": plan });
            analysis["documentRefs"] = json!([{ "referenceDocumentId": "RD_plan" }]);
        }
        analysis
    }

    fn outputs(&self) -> Vec<Value> {
        let output = |kind: &str, name: &str, title: &str, notes: &[String], path: String, file: &str| {
            let id = output_id(kind, name);
            let note = |(k, note): (usize, &String)| json!({ "order": k + 1, "subSection": { "id": format!("{id}_note{}", k + 1), "text": note } });
            let mut sections = vec![json!({
                "sectionType": "Title",
                "orderedSubSections": [{ "order": 1, "subSection": { "id": format!("{id}_title"), "text": title } }],
            })];
            if !notes.is_empty() {
                let notes: Vec<Value> = notes.iter().enumerate().map(note).collect();
                sections.push(json!({ "sectionType": "Footnote", "orderedSubSections": notes }));
            }
            json!({
                "id": id,
                "version": 1,
                "name": title,
                "fileSpecifications": [{ "name": path, "location": path, "fileType": { "sponsorTermId": format!("FT_{file}"), "controlledTerm": file } }],
                "displays": [{ "order": 1, "display": {
                    "id": format!("{id}_display"), "version": 1, "name": title, "displayTitle": title, "displaySections": sections,
                } }],
            })
        };
        let tables = self.tables().map(|t| output("table", &t.name, &t.title, &t.notes, table_path(&t.name), "csv"));
        let figures = self.figures().map(|f| {
            let caption = [f.figure.description.clone()];
            output("figure", &f.name, &f.figure.title, &caption, figure_path(&f.name, "svg"), "svg")
        });
        tables.chain(figures).collect()
    }
}

/// Every label column of the report with all its labels.
fn groupings<'a>(all: &[Statistics<'a>]) -> Vec<Grouping<'a>> {
    let mut found: Vec<Grouping<'a>> = vec![];
    for column in all.iter().flat_map(|s| s.groups.iter().copied()) {
        let place = found.iter().position(|g| g.name == column.name).unwrap_or_else(|| {
            found.push(Grouping { name: &column.name, heading: &column.heading, labels: vec![] });
            found.len() - 1
        });
        for label in (0..column.len()).map(|r| column.formatted(r)).filter(|label| !label.is_empty()) {
            if !found[place].labels.contains(&label) {
                found[place].labels.push(label);
            }
        }
    }
    found
}

impl Grouping<'_> {
    fn to_json(&self, place: usize) -> Value {
        let group =
            |(k, label): (usize, &String)| json!({ "id": group_id(place, k), "name": label, "label": label, "level": 1, "order": k + 1 });
        json!({
            "id": grouping_id(place),
            "name": self.heading,
            "groupingVariable": self.name,
            "dataDriven": false,
            "groups": self.labels.iter().enumerate().map(group).collect::<Vec<_>>(),
        })
    }
}

fn method(of: &Statistics<'_>) -> Value {
    let operation = |(k, column): (usize, &&Column)| json!({ "id": operation_id(of.table, column), "name": column.name, "label": column.heading, "order": k + 1 });
    let mut method = json!({
        "id": method_id(of.table),
        "name": of.table.title,
        "operations": of.numbers.iter().enumerate().map(operation).collect::<Vec<_>>(),
    });
    if !of.table.notes.is_empty() {
        method["description"] = json!(of.table.notes.join(" "));
    }
    method
}

fn results(of: &Statistics<'_>, groupings: &[Grouping<'_>]) -> Vec<Value> {
    let places: BTreeMap<&str, usize> = groupings.iter().enumerate().map(|(k, g)| (g.name, k)).collect();
    let groups = |row: usize| -> Vec<Value> {
        let group = |(name, level): (&str, String)| {
            let place = *places.get(name)?;
            let k = groupings[place].labels.iter().position(|label| *label == level)?;
            Some(json!({ "groupingId": grouping_id(place), "groupId": group_id(place, k) }))
        };
        of.levels(row).into_iter().filter_map(group).collect()
    };
    let mut results = vec![];
    for row in 0..of.rows() {
        let groups = groups(row);
        for column in of.numbers.iter().filter(|column| !column.exact(row).is_empty()) {
            results.push(json!({
                "operationId": operation_id(of.table, column),
                "resultGroups": groups,
                "rawValue": column.exact(row),
                "formattedValue": column.formatted(row),
            }));
        }
    }
    results
}

fn analysis_id(table: &TableBlock) -> String {
    format!("AN_{}", table.name)
}

fn method_id(table: &TableBlock) -> String {
    format!("MT_{}", table.name)
}

fn operation_id(table: &TableBlock, column: &Column) -> String {
    format!("MT_{}_{}", table.name, column.name)
}

fn output_id(kind: &str, name: &str) -> String {
    format!("OUT_{kind}_{name}")
}

fn grouping_id(place: usize) -> String {
    format!("GF_{}", place + 1)
}

fn group_id(place: usize, label: usize) -> String {
    format!("GF_{}_{}", place + 1, label + 1)
}
