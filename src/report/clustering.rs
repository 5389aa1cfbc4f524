//! How far the primary contrast depends on patients being independent: what clusters do to it.

use super::document::Section;
use super::figure::{ClusterEffect, ClusterEffects, ClusterPanel, Figure, Interval};
use super::methods::{listed, percent};
use super::outcome::number;
use super::sentences::{self, Tested};
use super::suppressed::Shown;
use super::words::Text;
use crate::analysis::{AnalysisResult, ClusterModel, ClusterSensitivity, ClusterSensitivityRow, ReportStyle, visit_in_prose};
use crate::dist::normal;
use crate::inference::{IntraclassCorrelation, IntraclassCorrelations, PredictedEffect, PredictedEffects};
use crate::means::Compared;
use crate::table::{Column, Format, Tabular};

/// What the section is called.
pub(super) const HEADING: &str = "Sensitivity to clustering";

/// What each model of clusters says of a primary contrast, for the first page: a sentence a contrast.
pub(super) fn conclusions(result: &AnalysisResult) -> Vec<Text> {
    let Some(found) = &result.clustering else { return vec![] };
    let style = result.plan.report.style;
    let of = |primary: &ClusterSensitivityRow| {
        let others = found.rows.iter().filter(|r| r.model != ClusterModel::Independent && r.compared == primary.compared);
        let said = others.map(|r| match (&r.failure, r.has_numbers()) {
            (None, true) => {
                let tested = Tested { estimate: &r.estimate, lower: r.lower, upper: r.upper, level: found.level };
                Text::from(format!("{}: ", r.model.words().to_lowercase().replace("cr2", "CR2")))
                    .then(tested.with_interval(style))
                    .then(", ")
                    .then(sentences::p(style, r.estimate.p))
            }
            _ => Text::from(format!("{}: not fitted", r.model.words().to_lowercase().replace("cr2", "CR2"))),
        });
        Text::from(format!("{} at {}, ", found.label, visit_in_prose(&found.visit)))
            .then(format!("{}, under models that take clusters into account: ", primary.compared.typeset()))
            .then(Text::joined(said, "; "))
            .then(".")
    };
    found.rows.iter().filter(|r| r.model == ClusterModel::Independent && r.not_estimable.is_none()).map(of).collect()
}

/// The section, where the plan asks for it.
pub(super) fn section(result: &AnalysisResult) -> Option<Section> {
    let found = result.clustering.as_ref()?;
    let name = |what: &str| format!("{}_{what}", found.outcome);
    let contrasts = found.rows.iter().filter(|r| r.model == ClusterModel::Independent);
    let style = result.plan.report.style;
    let section = Section::new(HEADING).about(&found.outcome);
    let mut section = contrasts.fold(section, |s, primary| s.paragraph(comparison(found, primary, style)));
    section = section.table_as(&name("clustering"), found, &OnPage(found));
    if let (Some(icc), Some(model)) = (&found.icc, found.described) {
        let title = format!("{} at {}: intraclass correlations and design effects", found.label, visit_in_prose(&found.visit));
        let cells = result.plan.report.small_cells;
        let randomized = |arm: &str| result.trial.arms.iter().position(|a| a == arm).map_or(usize::MAX, |a| result.trial.randomized[a]);
        let hides = |r: &IntraclassCorrelation| cells.hide(r.patients, randomized(&r.arm));
        let columns: &[&str] = &["patients", "cluster_size", "effective_sample_size"];
        let (shares_shown, clustered) = (Shares { found, icc, title }, || icc.rows.iter().filter(|r| r.clusters > 0));
        let written = Shown::new(icc, cells).hiding(columns, icc.rows.iter().map(hides).collect());
        let shown = Shown::new(&shares_shown, cells).hiding(columns, clustered().map(hides).collect());
        section = section.paragraph(shares(found, &icc.rows, model)).table_as(&name("icc"), &written, &shown.dashed());
    }
    let few = |effects: &PredictedEffects| effects.rows.iter().any(|r| result.plan.report.small_cells.is_small(r.patients));
    match (&found.effects, found.described) {
        (Some(effects), Some(_)) if few(effects) => Some(section.paragraph(
            "The figure of the predicted effects of clusters is left out: some clusters have so few patients that their numbers are not shown.",
        )),
        (Some(effects), Some(model)) => Some(section.figure(&name("cluster_effects"), figure(found, effects, model))),
        _ => Some(section),
    }
}

/// A primary contrast and what the other models make of it, in sentences.
fn comparison(found: &ClusterSensitivity, primary: &ClusterSensitivityRow, style: ReportStyle) -> Text {
    let others: Vec<&ClusterSensitivityRow> =
        found.rows.iter().filter(|r| r.model != ClusterModel::Independent && r.compared == primary.compared && r.has_numbers()).collect();
    let subject = format!("{} at {}, {}", found.label, visit_in_prose(&found.visit), primary.compared.typeset());
    if let Some(why) = &primary.not_estimable {
        return format!("{subject}: not estimable, because {why}.").into();
    }
    let by_error = |x: f64| super::outcome::by_error(x, primary.estimate.se);
    let tested = Tested { estimate: &primary.estimate, lower: primary.lower, upper: primary.upper, level: found.level };
    let opening = Text::from(format!("The primary analysis stays as prespecified: {subject}: {}, ", tested.with_interval(style)))
        .then(sentences::p(style, primary.estimate.p))
        .then(".");
    if others.is_empty() {
        return opening.then(" No model that takes clusters into account could be fitted; the table says why.");
    }
    let range = |of: &dyn Fn(&ClusterSensitivityRow) -> f64, shown: &dyn Fn(f64) -> String| {
        let (low, high) = others.iter().map(|r| of(r)).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        match (shown(low), shown(high)) {
            (low, high) if low == high => low,
            (low, high) => format!("{low} to {high}"),
        }
    };
    let effect = |r: &ClusterSensitivityRow| r.effect.as_ref().map_or(f64::NAN, |e| e.effect);
    let effects = match primary.effect {
        Some(_) => format!(", the effect size d {} ({})", range(&effect, &|x| number(x, 2)), number(effect(primary), 2)),
        None => String::new(),
    };
    opening.then(format!(
        " Under the {} models that take clusters into account, the difference is {}, its standard error {} ({} in the primary analysis), the degrees of \
         freedom {} ({}){effects}. {}",
        others.len(),
        range(&|r| r.estimate.estimate, &by_error),
        range(&|r| r.estimate.se, &by_error),
        by_error(primary.estimate.se),
        range(&|r| r.estimate.df, &|x| number(x, 1)),
        number(primary.estimate.df, 1),
        conclusion(found.level, primary, &others)
    ))
}

/// Whether intervals exclude zero where that of the primary analysis does.
fn conclusion(level: f64, primary: &ClusterSensitivityRow, others: &[&ClusterSensitivityRow]) -> String {
    let includes = |r: &ClusterSensitivityRow| r.lower <= 0.0 && 0.0 <= r.upper;
    let verb = |includes: bool| if includes { "includes" } else { "excludes" };
    let own = includes(primary);
    let different: Vec<String> = others.iter().filter(|r| includes(r) != own).map(|r| r.model.words().to_string()).collect();
    match different.is_empty() {
        true => format!("Every {}% interval {} 0, as that of the primary analysis does.", percent(level), verb(own)),
        false => format!(
            "The {}% interval of the primary analysis {} 0; under {} it {} 0.",
            percent(level),
            verb(own),
            listed(&different),
            verb(!own)
        ),
    }
}

/// The intraclass correlations in a sentence, arm by arm.
fn shares(found: &ClusterSensitivity, rows: &[IntraclassCorrelation], model: ClusterModel) -> String {
    let row = |r: &IntraclassCorrelation| {
        let factor = found.clustering.plural(r.factor.as_deref()?)?;
        (r.clusters > 0).then(|| {
            let interval = match r.lower.is_nan() || r.upper.is_nan() {
                true => "no interval".into(),
                false => format!("{} to {}", number(r.lower, 3), number(r.upper, 3)),
            };
            format!("{factor} in {} {} ({interval})", r.arm, number(r.icc, 3))
        })
    };
    format!(
        "Intraclass correlations at {}, from the model with random effects ({}): {}. With clusters as few as these their intervals are wide.",
        visit_in_prose(&found.visit),
        model.words().to_lowercase(),
        listed(&rows.iter().filter_map(row).collect::<Vec<_>>())
    )
}

/// The effects of every cluster.
fn figure(found: &ClusterSensitivity, effects: &PredictedEffects, model: ClusterModel) -> Figure {
    let z = normal::quantile(0.5 + 0.5 * found.level);
    let cluster = |r: &PredictedEffect| ClusterEffect {
        label: r.level.clone(),
        patients: r.patients,
        interval: Interval::new(r.estimate, (r.estimate - z * r.se, r.estimate + z * r.se)),
    };
    let panel = |factor: &str| {
        let clusters: Vec<ClusterEffect> = effects.rows.iter().filter(|r| r.factor == factor).map(cluster).collect();
        let what = found.clustering.plural(factor).unwrap_or(factor);
        ClusterPanel { heading: format!("{} ({})", super::effects::capitalised(what), clusters.len()), clusters }
    };
    let vanished = found.get(model).map(|r| r.vanished.as_slice()).unwrap_or_default();
    let nothing = match vanished.is_empty() {
        true => String::new(),
        false => format!(" Estimated as zero, so that every effect of it is: {}.", vanished.join("; ")),
    };
    let alone = if found.individual { "" } else { " A cluster of a single patient is not drawn." };
    ClusterEffects {
        title: format!("Predicted effects of clusters on {}", found.label),
        description: format!(
            "How far the patients of each cluster lie above or below what arm, visit and covariates let expect, after treatment has begun: best linear unbiased \
             predictions, drawn towards zero the more the fewer patients a cluster has, with {}% prediction intervals (± {} standard errors of prediction, \
             the variances taken as known). Patients: with a measurement under treatment. Clusters stand in the order of their effects; such an order says little where intervals overlap.{nothing}{alone}",
            percent(found.level),
            Format::Decimals(2).apply(z)
        ),
        effect_heading: format!("Effect ({}% PI)", percent(found.level)),
        axis_label: format!("Effect on {}, in points", found.label),
        panels: found.clustering.factors().into_iter().map(panel).filter(|p| !p.clusters.is_empty()).collect(),
        format: Format::of_errors(effects.rows.iter().map(|r| r.se)),
    }
    .draw()
}

/// The methods paragraph: how clusters were taken into account.
pub(super) fn methods(found: &ClusterSensitivity) -> String {
    let models: Vec<String> = found
        .clustering
        .models()
        .into_iter()
        .filter(|m| *m != ClusterModel::Independent)
        .enumerate()
        .map(|(k, m)| format!("({}) {}: {}", k + 1, m.words().to_lowercase().replace("cr2", "CR2"), m.assumption()))
        .collect();
    format!(
        "The primary analysis, as prespecified, takes patients as independent given its covariates. How much its contrast depends on that is shown under Sensitivity \
         to clustering, by models that are otherwise the same: {}. Patients in no cluster have no effect of one. Where the model has one mean for all arms at \
         baseline, clusters have effects on the later visits alone. Effect sizes divide by the standard deviation of the primary analysis throughout.",
        models.join("; ")
    )
}

/// The table as a page has room for it.
struct OnPage<'a>(&'a ClusterSensitivity);

impl Tabular for OnPage<'_> {
    fn title(&self) -> String {
        self.0.title_with(Compared::typeset)
    }

    fn columns(&self) -> Vec<Column> {
        let left_out =
            |name: &str| name.starts_with("sd_") || ["se_ratio", "log_likelihood", "vanished", "failure", "not_estimable"].contains(&name);
        let model = |r: &ClusterSensitivityRow| match (&r.failure, r.vanished.is_empty()) {
            (Some(_), _) => format!("{}: not fitted", r.model.words()),
            (None, false) => format!("{} (a variance is zero)", r.model.words()),
            (None, true) => r.model.words().to_string(),
        };
        let mut columns: Vec<Column> = self.0.columns().into_iter().filter(|c| !left_out(&c.name)).collect();
        columns[0] = Column::text("model", "Model", self.0.rows.iter().map(model));
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.0.notes().into_iter().filter(|n| !n.starts_with("SE ratio")).collect()
    }
}

/// Intraclass correlations as a page has room for them: the visit in the title, arms without such clusters left out.
struct Shares<'a> {
    found: &'a ClusterSensitivity,
    icc: &'a IntraclassCorrelations,
    title: String,
}

impl Tabular for Shares<'_> {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.icc.rows.iter().filter(|r| r.clusters > 0);
        let real = |name: &'static str, heading: &str, decimals, of: fn(&IntraclassCorrelation) -> f64| {
            Column::real(name, heading, Format::Decimals(decimals), rows().map(of))
        };
        let level = format!("{}%", percent(self.icc.options.level));
        let of = |r: &IntraclassCorrelation| match &r.factor {
            Some(factor) => self.found.clustering.plural(factor).unwrap_or(factor).to_string(),
            None => "all together".into(),
        };
        // Clusters of several factors are not of one kind, and have no number in all.
        let clusters = rows().map(|r| if r.factor.is_some() { r.clusters as f64 } else { f64::NAN });
        vec![
            Column::text("arm", "Arm", rows().map(|r| r.arm.as_str())),
            Column::text("factor", "Clusters", rows().map(of)),
            Column::real("clusters", "Number", Format::Decimals(0), clusters),
            Column::count("patients", "Patients", rows().map(|r| r.patients)),
            real("cluster_size", "Mean size", 1, |r| r.cluster_size),
            real("icc", "ICC", 3, |r| r.icc),
            real("icc_lower", &format!("Lower {level}"), 3, |r| r.lower),
            real("icc_upper", &format!("Upper {level}"), 3, |r| r.upper),
            real("design_effect", "Design effect", 2, |r| r.design_effect),
            real("effective_sample_size", "Effective n", 1, |r| r.effective_sample_size),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "Patients: observed at the visit. Effective n: as many without clusters would tell as much of the arm's mean.".to_string(),
        ];
        notes.extend(self.icc.notes());
        notes
    }
}
