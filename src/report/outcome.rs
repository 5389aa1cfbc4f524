//! The sections of one outcome: means over time, differences between arms, covariance and residuals.

use super::document::Section;
use super::effects::capitalised;
use super::figure::{
    ArmMeans, BoxSummary, CovarianceHeat, Figure, Forest, ForestGroup, ForestRow, ForestScale, Interval, MeansOverTime, NormalQuantiles,
    NormalQuantilesByVisit, QuantilePoint, ResidualBoxes, ResidualScatter, ResidualSeries, VisitPlace,
};
use super::methods::{listed, percent};
use super::sentences::{self, Tested};
use super::suppressed::{FlowCounts, HIDDEN, Shown};
use super::words::Text;
use crate::analysis::{AnalysisResult, Diagnostics, FittedCovariance, OutcomeResult, ResidualPoint, SmallCells, Spread, visit_in_prose};
use crate::design::Baseline;
use crate::inference::FTest;
use crate::means::{Compared, Contrast};
use crate::table::Format;
use crate::trial::{FEW, FlowStep};

/// Means over time, change from baseline and differences between arms.
pub(super) fn results(result: &AnalysisResult, outcome: &OutcomeResult, role: &str) -> Section {
    let name = |what: &str| format!("{}_{what}", outcome.name);
    let label = &outcome.label;
    let counts = FlowCounts::of(&outcome.flow, result.plan.report.small_cells);
    let few = outcome.means.rows.iter().map(|r| {
        let step = r.visit.as_ref().map(|v| FlowStep::AnalysedAt { visit: v.label.clone() });
        r.arm.as_ref().zip(step).is_some_and(|(arm, step)| counts.hides(&arm.label, &step))
    });
    let means = Shown::new(&outcome.means, result.plan.report.small_cells).hiding(&["n"], few.collect());
    let mut section = Section::new(heading(outcome, role)).about(&outcome.name).paragraph(headline(result, outcome));
    // That of the primary outcome is on the first page.
    if role == "secondary" {
        section = section.figure(&name("means"), means_figure(result, outcome));
    }
    section = section.titled(&name("means"), format!("{label}: estimated means by arm and visit"), &means);
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
    section = super::effects::appended(result, outcome, section);
    if let Some(joint) = &outcome.joint {
        section = section.paragraph(joint_sentence(result, outcome, joint));
    }
    section
}

/// What the section of an outcome is called.
pub(super) fn heading(outcome: &OutcomeResult, role: &str) -> String {
    format!("{}: {role} outcome", outcome.label)
}

/// Observed scores, without any model; of secondary outcomes with who was observed and analysed.
pub(super) fn observed(result: &AnalysisResult, outcome: &OutcomeResult, role: &str, section: Section) -> Section {
    let name = |what: &str| format!("{}_{what}", outcome.name);
    let cells = result.plan.report.small_cells;
    let counts = FlowCounts::of(&outcome.flow, cells);
    let mut section = section.about(&outcome.name);
    if role == "secondary" {
        let shown = super::views::observed_and_analysed(&counts, &outcome.patterns.visits);
        section = section.table_as(&name("participant_flow"), &counts.table(), &shown);
    }
    let observed = super::suppressed::observed(&outcome.observed, &counts, cells);
    section.table_as(&name("observed"), &observed, &observed.dashed())
}

/// The comparison of primary interest as a sentence.
pub(super) fn headline(result: &AnalysisResult, outcome: &OutcomeResult) -> Text {
    let (style, level) = (result.plan.report.style, result.plan.level);
    let sentences = outcome.contrasts_at(&result.plan.at).map(|r| {
        let subject = format!("{} at {}, difference between arms ({})", outcome.label, result.plan.visit(), r.compared.typeset());
        if let Some(why) = &r.not_estimable {
            return Text::from(format!("{subject}: not estimable, because {why}."));
        }
        Text::from(format!("{subject}: ")).then(Tested::of(r, level).with_test(style)).then(".")
    });
    let unobserved = (!outcome.is_observed_at(&result.plan.at))
        .then(|| Text::from(format!("{} at {}: nobody has an analysed observation.", outcome.label, result.plan.visit())));
    let sentences =
        unobserved.into_iter().chain(sentences).chain(changes_sentence(result, outcome)).chain(super::effects::sentence(result, outcome));
    Text::joined(sentences, " ")
}

/// The changes from baseline within arms, where the model has a baseline.
fn changes_sentence(result: &AnalysisResult, outcome: &OutcomeResult) -> Option<Text> {
    let (known, unknown): (Vec<_>, Vec<_>) = outcome.changes_at(&result.plan.at).partition(|r| r.not_estimable.is_none());
    let (style, level) = (result.plan.report.style, result.plan.level);
    let change = |r: &&Contrast| format!("{} {}", r.compared, Tested::of(r, level).with_interval(style));
    let changes: Vec<String> = known.iter().map(change).collect();
    let none: Vec<String> = unknown.iter().map(|r| r.label()).collect();
    // Intervals have commas of their own.
    let changes = changes.join("; ");
    match (changes.is_empty(), none.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("Change from baseline: not estimable in {}.", listed(&none)).into()),
        (false, true) => Some(format!("Change from baseline: {changes}.").into()),
        (false, false) => Some(format!("Change from baseline: {changes}; not estimable in {}.", listed(&none)).into()),
    }
}

fn joint_sentence(result: &AnalysisResult, outcome: &OutcomeResult, test: &FTest) -> Text {
    let hypothesis = match outcome.model.baseline {
        Baseline::Constrained => "that the arms differ at no visit after baseline",
        Baseline::Covariate | Baseline::Response => "that the difference between arms is the same at every visit",
    };
    Text::from(format!("Joint test {hypothesis}: ")).then(sentences::joint(result.plan.report.style, test)).then(".")
}

pub(super) fn number(x: f64, decimals: u8) -> String {
    if x.is_nan() { "not estimable".into() } else { crate::table::Format::Decimals(decimals).apply(x).replace('-', "−") }
}

/// With the digits that a standard error deserves.
pub(super) fn by_error(x: f64, se: f64) -> String {
    if x.is_nan() { "not estimable".into() } else { Format::of_error(se).apply(x).replace('-', "−") }
}

pub(super) fn means_figure(result: &AnalysisResult, outcome: &OutcomeResult) -> Figure {
    let schedule = result.trial.schedule.visits();
    let analysed = |visit: &usize| outcome.means.rows.iter().any(|r| r.visit.as_ref().is_some_and(|v| v.index == *visit));
    let visits: Vec<usize> = (0..schedule.len()).filter(analysed).collect();
    let counts = FlowCounts::of(&outcome.flow, result.plan.report.small_cells);
    let counted = |arm: &str, visit: &usize, n: usize| {
        let step = FlowStep::AnalysedAt { visit: schedule[*visit].label.clone() };
        if counts.hides(arm, &step) { HIDDEN.into() } else { n.to_string() }
    };
    let arm = |(position, arm): (usize, &String)| {
        let row = |visit: &usize| outcome.means.at(position, *visit);
        let mean = |visit: &usize| {
            row(visit).map_or(Interval::new(f64::NAN, (f64::NAN, f64::NAN)), |r| Interval::new(r.estimate.estimate, (r.lower, r.upper)))
        };
        ArmMeans {
            label: arm.clone(),
            means: visits.iter().map(mean).collect(),
            n: visits.iter().map(|v| counted(arm, v, row(v).map_or(0, |r| r.n))).collect(),
        }
    };
    MeansOverTime {
        title: format!("{} over time", outcome.label),
        description: format!(
            "Means estimated by the model with {}% confidence bands, arm by arm; beneath, the patients observed and analysed at each visit. Arms stand a \
             little beside each other so that intervals can be told apart.{}",
            percent(result.plan.level),
            not_drawn(outcome)
        ),
        outcome: outcome.label.clone(),
        visits: visits.iter().map(|&v| VisitPlace { label: visit_in_prose(&schedule[v].label), time: schedule[v].time }).collect(),
        arms: result.trial.arms.iter().enumerate().map(arm).collect(),
        counted: "Observed".into(),
    }
    .draw()
}

/// Why means are missing from the figure, each reason once.
fn not_drawn(outcome: &OutcomeResult) -> String {
    let mut reasons: Vec<String> = vec![];
    for reason in outcome.means.rows.iter().filter_map(|r| r.not_estimable.clone()) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { String::new() } else { format!(" Not every mean could be estimated: {}.", reasons.join("; ")) }
}

fn contrast_figure(result: &AnalysisResult, outcome: &OutcomeResult) -> Figure {
    let mut groups: Vec<(&Compared, ForestGroup)> = vec![];
    for row in outcome.contrasts.iter().flat_map(|c| &c.rows) {
        let interval = Interval::new(row.estimate.estimate, (row.lower, row.upper));
        let label = row.visit.as_ref().map(|v| visit_in_prose(&v.label)).unwrap_or_default();
        match groups.iter_mut().find(|(compared, _)| **compared == row.compared) {
            Some((_, group)) => group.rows.push(ForestRow { label, interval }),
            None => {
                groups.push((&row.compared, ForestGroup { heading: row.compared.typeset(), rows: vec![ForestRow { label, interval }] }));
            }
        }
    }
    Forest {
        title: format!("Differences between arms in {}", outcome.label),
        description: format!("Differences of model means at each visit with {}% confidence intervals.", percent(result.plan.level)),
        label_heading: "Visit".into(),
        estimate_heading: format!("Difference ({}% CI)", percent(result.plan.level)),
        axis_label: format!("Difference between arms, {}", outcome.label),
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        scale: ForestScale::Difference,
        directions: None,
        format: Format::of_errors(outcome.contrasts.iter().flat_map(|c| &c.rows).map(|r| r.estimate.se)),
    }
    .draw()
}

/// The fitted covariance and the residuals.
pub(super) fn diagnostics(outcome: &OutcomeResult, section: Section, cells: SmallCells) -> Section {
    let name = |what: &str| format!("{}_{what}", outcome.name);
    let mut section = section;
    for (k, figure) in covariance_figures(&outcome.covariance, &outcome.label).into_iter().enumerate() {
        let name = if k == 0 { name("covariance") } else { name(&format!("covariance_{}", k + 1)) };
        section = section.figure(&name, figure);
    }
    section =
        section.titled(&name("covariance"), format!("{}: fitted standard deviations and correlations", outcome.label), &outcome.covariance);
    let found = &outcome.diagnostics;
    if !found.quantiles.is_empty() {
        section = section
            .figure(&name("residual_quantiles"), quantile_figure(found))
            .figure(&name("residual_quantiles_by_visit"), quantiles_by_visit_figure(found))
            .figure(&name("residuals_by_visit"), box_figure(found))
            .figure(&name("residuals_by_fitted"), scatter_figure(found));
    }
    let counts = FlowCounts::of(&outcome.flow, cells);
    let hides = |r: &Spread| counts.hides(&found.arms[r.arm], &FlowStep::AnalysedAt { visit: found.visits[r.visit].clone() });
    let few = |r: &Spread| cells.is_small(r.beyond);
    let shown = Shown::new(found, cells)
        .hiding(&["n"], found.rows.iter().map(hides).collect())
        .hiding(&["outliers"], found.rows.iter().map(few).collect());
    section.table_as(&name("residuals"), &shown, &shown.dashed())
}

/// What the points of residual figures are.
fn points_are(diagnostics: &Diagnostics, sd: bool) -> String {
    match (diagnostics.individual, sd) {
        (true, _) => String::new(),
        (false, false) => format!(" Each point is the mean of {FEW} neighbouring residuals or more, so that no patient's can be read off."),
        (false, true) => {
            format!(" Each point is the mean of {FEW} residuals or more with neighbouring fitted values, its bar their standard deviation.")
        }
    }
}

fn covariance_figures(covariance: &FittedCovariance, label: &str) -> Vec<Figure> {
    let whose = |group: &str| if covariance.groups.len() > 1 { format!(", {group}") } else { String::new() };
    let draw = |g: &crate::analysis::GroupCorrelation| {
        CovarianceHeat {
            title: format!("Fitted covariance of {label}{}", whose(&g.group)),
            description: format!("{} structure; darker cells are stronger correlations.", capitalised(&covariance.structure)),
            visits: covariance.visits.iter().map(|v| visit_in_prose(v)).collect(),
            sd: g.sd.clone(),
            correlation: g.correlation.clone(),
        }
        .draw()
    };
    covariance.groups.iter().map(draw).collect()
}

fn quantile_point(q: &crate::analysis::Quantile) -> QuantilePoint {
    QuantilePoint { theoretical: q.theoretical, observed: q.observed, low: q.low, high: q.high }
}

fn quantiles_by_visit_figure(diagnostics: &Diagnostics) -> Figure {
    let panels = diagnostics.visits.iter().zip(&diagnostics.quantiles_by_visit).filter(|(_, quantiles)| !quantiles.is_empty());
    NormalQuantilesByVisit {
        title: format!("Normal quantiles of the residuals of {} by visit", diagnostics.outcome),
        description: format!(
            "Normalised residuals of each visit in order, against where a normal sample of as many would have them; the band holds each with \
             probability 95% if the model holds.{}",
            points_are(diagnostics, false)
        ),
        residual: "Normalised residual".into(),
        panels: panels.map(|(visit, quantiles)| (visit_in_prose(visit), quantiles.iter().map(quantile_point).collect())).collect(),
    }
    .draw()
}

fn quantile_figure(diagnostics: &Diagnostics) -> Figure {
    NormalQuantiles {
        title: format!("Normal quantiles of the residuals of {}", diagnostics.outcome),
        description: format!(
            "Normalised residuals in order, against where a normal sample would have them; the band holds each with probability 95% if the model \
             holds, residuals taken as independent.{}",
            points_are(diagnostics, false)
        ),
        residual: "Normalised residual".into(),
        points: diagnostics.quantiles.iter().map(quantile_point).collect(),
    }
    .draw()
}

fn box_figure(diagnostics: &Diagnostics) -> Figure {
    let summary = |s: &Spread| BoxSummary {
        low: s.low,
        first_quartile: s.first_quartile,
        median: s.median,
        third_quartile: s.third_quartile,
        high: s.high,
        outliers: s.outliers.clone(),
    };
    let cell = |t: usize, a: usize| diagnostics.rows.iter().find(|r| r.visit == t && r.arm == a && r.is_drawn()).map(summary);
    let whiskers = match diagnostics.individual {
        true => "whiskers reach to the last value within 1.5 interquartile ranges, values beyond are drawn",
        false => "whiskers reach to the 10% and 90% quantiles; the table counts the values more than 1.5 interquartile ranges from the box",
    };
    ResidualBoxes {
        title: format!("Residuals of {} by visit and arm", diagnostics.outcome),
        description: format!("Quartiles of the normalised residuals; {whiskers}."),
        residual: "Normalised residual".into(),
        visits: diagnostics.visits.iter().map(|v| visit_in_prose(v)).collect(),
        arms: diagnostics.arms.clone(),
        boxes: (0..diagnostics.visits.len()).map(|t| (0..diagnostics.arms.len()).map(|a| cell(t, a)).collect()).collect(),
    }
    .draw()
}

fn scatter_figure(diagnostics: &Diagnostics) -> Figure {
    let series = |(arm, points): (&String, &Vec<ResidualPoint>)| ResidualSeries {
        label: arm.clone(),
        points: points.iter().map(|p| (p.fitted, p.residual)).collect(),
        sds: if diagnostics.individual { vec![] } else { points.iter().map(|p| p.sd).collect() },
    };
    ResidualScatter {
        title: format!("Residuals of {} against fitted means", diagnostics.outcome),
        description: format!(
            "Pearson residuals: observed minus fitted, over the model standard deviation at the visit.{}",
            points_are(diagnostics, true)
        ),
        residual: "Pearson residual".into(),
        fitted: format!("Fitted mean of {}", diagnostics.outcome),
        arms: diagnostics.arms.iter().zip(&diagnostics.scatter).map(series).collect(),
    }
    .draw()
}
