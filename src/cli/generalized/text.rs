//! A model of a binary outcome or a count as tables for people.

use super::super::failure::Failure;
use super::super::fit_text::heading;
use super::Answer;
use std::fmt::Write as _;
use trialstats::Means as _;
use trialstats::error::Interface;
use trialstats::table::{Tabular, agreeing, counted, text_without};

/// All tables of the answer, one under the other. How the model was fitted stands above them, once.
pub fn render(answer: &Answer) -> Result<String, Failure> {
    let Answer { arguments, trial, fitted, population, categories, means, .. } = answer;
    let estimates = fitted.estimates();
    let said = estimates.notes();
    let account = estimates.account();
    let mut out = String::new();
    let _ = writeln!(out, "{}", heading(trial));
    for note in &said {
        let _ = writeln!(out, "{note}");
    }
    let _ = writeln!(
        out,
        "{} of {} {} analysed.",
        counted(account.n_observations(), "observation"),
        counted(account.n_patients(), "patient"),
        agreeing(account.n_observations(), "is", "are")
    );
    for (reason, observations) in account.exclusions().counts() {
        let _ = writeln!(out, "Not analysed, {}: {reason}.", counted(observations, "observation"));
    }
    let _ = writeln!(out);
    let mut add = |table: &dyn Tabular| {
        if table.columns().first().is_some_and(|column| !column.is_empty()) {
            let _ = writeln!(out, "{}", text_without(table, &said));
        }
    };
    add(&estimates.coefficients().at_level(arguments.level)?);
    fitted.tables().iter().for_each(|table| add(table.as_ref()));
    if let Some(population) = population {
        add(population);
    }
    if let Some(categories) = categories {
        add(categories);
    }
    if let Some(tables) = means {
        // g⁻¹ of a mean given the random effects is no share of a population: such a table would be read as one.
        if fitted.shows_link_means() {
            add(&tables.means);
        }
        tables.differences.iter().chain(&tables.custom).for_each(|contrasts| add(contrasts));
    }
    add(&estimates.term_tests()?);
    for warning in account.warnings() {
        let _ = writeln!(out, "Warning: {warning}.");
    }
    for warning in trial.warnings() {
        let _ = writeln!(out, "Warning: {}", warning.clone().worded_for(Interface::CommandLine));
    }
    for note in trial.inferred() {
        let _ = writeln!(out, "Note: {note}");
    }
    Ok(out)
}
