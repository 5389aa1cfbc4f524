//! The report of a plan that was run on sums of several sites.

use super::document::{Document, Section};
use super::figure::{ArmMeans, Figure, Forest, ForestGroup, ForestRow, ForestScale, Interval, MeansOverTime, VisitPlace};
use super::methods::{listed, percent};
use super::outcome::number;
use super::sentences::{Tested, joint};
use super::words::Text;
use crate::analysis::{DataOrigin, PooledOutcome, PooledResult, visit_in_prose};
use crate::table::{Format, counted};

/// The report of a [`PooledResult`] as a document: sites, methods, and for each outcome means, differences between arms,
/// changes from baseline, coefficients and covariance.
pub fn pooled_report(result: &PooledResult) -> Document {
    let settings = &result.plan.report;
    let title = settings.title.clone().unwrap_or_else(|| "Intention-to-treat analysis".into());
    let mut document = Document::new(title).subtitle(subtitle(result)).style(settings.style).paper(settings.paper);
    if let Some(banner) = &settings.banner {
        document = document.banner(banner);
    }
    document = document.section(summary(result)).section(methods(result)).section(sites(result));
    for outcome in &result.outcomes {
        document = document.section(results(result, outcome));
    }
    for outcome in &result.outcomes {
        document = document.section(details(outcome));
    }
    for outcome in &result.outcomes {
        document = document.without_notes(&outcome.model.notes).fitted(&outcome.label, &outcome.model.notes);
    }
    let document = document.analysis(serde_json::to_value(result).unwrap_or_default());
    if settings.data == DataOrigin::Synthetic { document.marked("Synthetic data") } else { document }
}

fn subtitle(result: &PooledResult) -> String {
    let n = result.sites.rows.len();
    format!("{} · sums of {}", result.arms.join(" against "), counted(n, "site"))
}

fn summary(result: &PooledResult) -> Section {
    result.outcomes.iter().flat_map(|outcome| sentences(result, outcome)).fold(Section::new("Summary"), Section::paragraph)
}

/// The differences between arms at the visit of primary interest.
fn sentences(result: &PooledResult, outcome: &PooledOutcome) -> Vec<Text> {
    let sentence = |row: &crate::means::Contrast| {
        let subject = format!("{} at {}, difference between arms ({})", outcome.label, result.plan.visit(), row.compared.typeset());
        match &row.not_estimable {
            Some(why) => Text::from(format!("{subject}: not estimable, because {why}.")),
            None => {
                let test = Tested::of(row, result.plan.level).with_test(result.plan.report.style);
                Text::from(format!("{subject}: ")).then(test).then(".")
            }
        }
    };
    outcome.contrasts_at(&result.plan.at).map(sentence).collect()
}

fn methods(result: &PooledResult) -> Section {
    let outcome = &result.outcomes[0];
    let names: Vec<&String> = result.sites.rows.iter().map(|row| &row.site).collect();
    Section::new("Statistical methods")
        .led_paragraph(
            "Data.",
            format!(
                "Every site read its own file by the same plan and sent sums: counts, and sums of products per pattern of observed visits. No patient's row left a \
                 site. The sums of {} were added, which is exact algebra: the estimates are those of all patients together, to rounding.",
                listed(&names)
            ),
        )
        .led_paragraph("Model.", format!("{} {}", outcome.model.sentence, outcome.model.notes.join(" ")))
        .led_paragraph(
            "Not in this report.",
            "What needs patients' rows: effect sizes over raw standard deviations, rates of response, residuals, sensitivity to clusters, baseline \
             characteristics. Each site has them of its own patients by the same plan.",
        )
        .led_paragraph("Software.", format!("{}.", result.software))
}

fn sites(result: &PooledResult) -> Section {
    let section = Section::new("Sites").table("sites", &result.sites);
    let excluded = |outcome: &PooledOutcome| {
        let reasons: Vec<String> = outcome.excluded.iter().map(|(reason, n)| format!("{n}: {reason}")).collect();
        (!reasons.is_empty()).then(|| format!("{}, observations that are not analysed: {}.", outcome.label, reasons.join("; ")))
    };
    result.outcomes.iter().filter_map(excluded).fold(section, Section::paragraph)
}

fn results(result: &PooledResult, outcome: &PooledOutcome) -> Section {
    let name = |what: &str| format!("{}_{what}", outcome.name);
    let label = &outcome.label;
    let mut section = Section::new(label.clone()).figure(&name("means"), means_figure(result, outcome)).titled(
        &name("means"),
        format!("{label}: estimated means by arm and visit"),
        &outcome.means,
    );
    if let Some(contrasts) = &outcome.contrasts {
        section = section.figure(&name("contrasts"), contrast_figure(result, outcome)).titled(
            &name("contrasts"),
            format!("{label}: differences between arms at each visit"),
            contrasts,
        );
    }
    if let Some(changes) = &outcome.changes {
        section = section.titled(&name("changes"), format!("{label}: change from baseline within arms"), changes);
    }
    match &outcome.joint {
        Some(test) => section.paragraph(Text::from("Joint test of arm by visit: ").then(joint(result.plan.report.style, test)).then(".")),
        None => section,
    }
}

fn details(outcome: &PooledOutcome) -> Section {
    let name = |what: &str| format!("{}_{what}", outcome.name);
    let model = &outcome.model;
    let section = Section::new(format!("{}: model and covariance", outcome.label)).paragraph(format!(
        "{}; log-likelihood {}, AIC {:.2}, BIC {:.2} (covariance parameters counted).",
        model.formula,
        number(model.log_likelihood, 4),
        model.aic,
        model.bic
    ));
    let section = model.warnings.iter().fold(section, Section::paragraph);
    section.titled(&name("coefficients"), format!("{}: coefficients of the mean model", outcome.label), &outcome.coefficients).titled(
        &name("covariance"),
        format!("{}: fitted standard deviations and correlations", outcome.label),
        &outcome.covariance,
    )
}

fn means_figure(result: &PooledResult, outcome: &PooledOutcome) -> Figure {
    let schedule = result.schedule.visits();
    let analysed = |visit: &usize| outcome.means.rows.iter().any(|r| r.visit.as_ref().is_some_and(|v| v.index == *visit));
    let visits: Vec<usize> = (0..schedule.len()).filter(analysed).collect();
    let arm = |(position, arm): (usize, &String)| {
        let row = |visit: &usize| outcome.means.at(position, *visit);
        let nothing = Interval::new(f64::NAN, (f64::NAN, f64::NAN));
        ArmMeans {
            label: arm.clone(),
            means: visits.iter().map(|v| row(v).map_or(nothing, |r| Interval::new(r.estimate.estimate, (r.lower, r.upper)))).collect(),
            n: visits.iter().map(|v| row(v).map_or(0, |r| r.n).to_string()).collect(),
        }
    };
    MeansOverTime {
        title: format!("{} over time", outcome.label),
        description: format!(
            "Means estimated by the model with {}% confidence bands, arm by arm; beneath, the patients observed and analysed at each visit.",
            percent(result.plan.level)
        ),
        outcome: outcome.label.clone(),
        visits: visits.iter().map(|&v| VisitPlace { label: visit_in_prose(&schedule[v].label), time: schedule[v].time }).collect(),
        arms: result.arms.iter().enumerate().map(arm).collect(),
        counted: "Observed".into(),
    }
    .draw()
}

fn contrast_figure(result: &PooledResult, outcome: &PooledOutcome) -> Figure {
    let mut groups: Vec<ForestGroup> = vec![];
    for row in outcome.contrasts.iter().flat_map(|c| &c.rows) {
        let heading = row.compared.typeset();
        let label = row.visit.as_ref().map(|v| visit_in_prose(&v.label)).unwrap_or_default();
        let row = ForestRow { label, interval: Interval::new(row.estimate.estimate, (row.lower, row.upper)) };
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.rows.push(row),
            None => groups.push(ForestGroup { heading, rows: vec![row] }),
        }
    }
    Forest {
        title: format!("Differences between arms in {}", outcome.label),
        description: format!("Differences of model means at each visit with {}% confidence intervals.", percent(result.plan.level)),
        label_heading: "Visit".into(),
        estimate_heading: format!("Difference ({}% CI)", percent(result.plan.level)),
        axis_label: format!("Difference between arms, {}", outcome.label),
        groups,
        scale: ForestScale::Difference,
        directions: None,
        format: Format::of_errors(outcome.contrasts.iter().flat_map(|c| &c.rows).map(|r| r.estimate.se)),
    }
    .draw()
}
