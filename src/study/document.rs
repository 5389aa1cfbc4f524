//! What a study found, as a document: the paragraph a protocol needs, the assumptions, tables and figures.

use super::file::{Find, StudyFile};
use super::run::{Found, PointResult, StudyResult};
use super::truth::TrialTruth;
use crate::level::percent;
use crate::report::figure::{Interval, PowerCurve};
use crate::report::{Document, Section};
use crate::table::{Column, Format, Tabular, counted, display_as_table};

/// The assumptions behind a study, with where each comes from.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Assumptions {
    /// What is assumed, the value, and where it comes from: `invented` unless the truth says otherwise.
    pub rows: Vec<(String, String, String)>,
}

/// The powers along one assumption.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PowerTable {
    /// What varies.
    pub varied: String,
    /// Its values with the points.
    pub points: Vec<PointResult>,
}

impl TrialTruth {
    /// The assumptions as a table.
    pub fn assumptions(&self) -> Assumptions {
        let origin = |key: &str| self.origins.get(key).cloned().unwrap_or_else(|| "invented".into());
        let listed = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let last = self.visits.len() - 1;
        let mut rows = vec![("visits".to_string(), self.visits.join(", "), origin("visits"))];
        for (k, arm) in self.arms.iter().enumerate() {
            rows.push((format!("patients, {}", arm.name), arm.patients.to_string(), origin("patients")));
            let means: Vec<f64> = (0..=last).map(|t| (self.mean(k, t) * 1e4).round() / 1e4).collect();
            rows.push((format!("means, {}", arm.name), listed(&means), origin(if arm.d.is_some() { "d" } else { "means" })));
            if let Some(d) = arm.d {
                rows.push((format!("d at {}, {}", self.visits[last], arm.name), d.to_string(), origin("d")));
            }
            let curve: Vec<f64> = self.missing_of(k).curve(self.visits.len()).iter().map(|r| (r * 1e4).round() / 1e4).collect();
            rows.push((format!("share still observed, {}", arm.name), listed(&curve), origin("missing")));
        }
        let missing = &self.missing;
        if missing.log_odds_per_sd != 0.0 {
            let on = if missing.informative { "the score that is not seen (not at random)" } else { "the last observed score (at random)" };
            rows.push((
                "log odds of leaving per SD above the mean".into(),
                format!("{} by {on}", missing.log_odds_per_sd),
                origin("missing"),
            ));
        }
        if missing.missed > 0.0 {
            rows.push(("chance of a missed visit between".into(), missing.missed.to_string(), origin("missing")));
        }
        rows.push(("standard deviations".into(), listed(&self.sd), origin("sd")));
        let correlations = (0..=last).map(|s| (0..=s).map(|t| format!("{:.3}", self.correlation.at(s, t))).collect::<Vec<_>>().join(" "));
        rows.push(("correlations between visits".into(), correlations.collect::<Vec<_>>().join(" | "), origin("correlation")));
        for cluster in &self.clusters {
            let of = cluster.arm.as_ref().map_or("all arms".to_string(), |arm| format!("arm {arm}"));
            let how = match (&cluster.sizes, cluster.size, &cluster.rates) {
                (Some(sizes), ..) => format!("of sizes {sizes:?}"),
                (_, Some(size), _) => format!("of {}", counted(size, "patient")),
                (_, _, Some(rates)) => {
                    let opens = if cluster.opens.is_empty() { String::new() } else { format!(", opening at {}", listed(&cluster.opens)) };
                    format!("entered by {} patients per unit of time{opens}, arrivals {}", listed(rates), cluster.arrivals)
                }
                _ => format!("{} in number", cluster.number.unwrap_or(1)),
            };
            rows.push((
                format!("{} ({of})", cluster.factor),
                format!("{how}; intraclass correlation {}", cluster.icc),
                origin(&cluster.factor),
            ));
        }
        for event in &self.events {
            let of = event.arm.as_ref().map_or("all arms".to_string(), |arm| format!("arm {arm}"));
            rows.push((format!("event `{}` ({of})", event.name), event.words(self.visits.len()), origin(&event.name)));
        }
        if let Some((low, high)) = self.bounds {
            rows.push(("range of the scores".into(), format!("{low} to {high}"), origin("bounds")));
        }
        if self.d_sd > 0.0 {
            rows.push(("standard deviation of d between trials".into(), self.d_sd.to_string(), origin("d-sd")));
        }
        for covariate in &self.covariates {
            let levels: Vec<String> = covariate.levels.iter().map(|(level, share)| format!("{level} {share}")).collect();
            let what = if levels.is_empty() { "standard normal".into() } else { levels.join(", ") };
            rows.push((format!("covariate {}", covariate.name), format!("{what}; effect {:?}", covariate.effect), origin(&covariate.name)));
        }
        Assumptions { rows }
    }
}

impl Tabular for Assumptions {
    fn title(&self) -> String {
        "Assumptions".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("assumption", "Assumption", self.rows.iter().map(|r| r.0.as_str())),
            Column::text("value", "Value", self.rows.iter().map(|r| r.1.as_str())),
            Column::text("origin", "Origin", self.rows.iter().map(|r| r.2.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Values whose origin is not stated are invented: nobody reported them.".into()]
    }
}

impl Tabular for PowerTable {
    fn title(&self) -> String {
        match self.varied.as_str() {
            "" => "Power".into(),
            varied => format!("Power by {}", words(varied)),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let of = |f: &dyn Fn(&PointResult) -> f64| self.points.iter().map(f).collect::<Vec<_>>();
        let first = |p: &PointResult| p.characteristics.rows[0].clone();
        let mut columns = vec![];
        if !self.varied.is_empty() {
            columns.push(Column::significant("value", &sentence_case(words(&self.varied)), 0, of(&|p| p.value)));
        }
        let patients = |p: &PointResult| p.patients.iter().map(usize::to_string).collect::<Vec<_>>().join(" + ");
        columns.extend([
            Column::text("patients", "Patients", self.points.iter().map(patients)),
            Column::real("power", "Power", Format::Percent, of(&|p| first(p).successes.share)),
            Column::real("mc_error", "MC error", Format::Percent, of(&|p| first(p).successes.error)),
            Column::real("by_theory", "By theory", Format::Percent, of(&|p| p.theory.first().map_or(f64::NAN, |t| t.power))),
            Column::real("apart", "Apart, MC errors", Format::Decimals(1), of(&apart)),
            Column::significant("se", "Mean SE", 2, of(&|p| first(p).mean_se)),
            Column::significant("se_by_theory", "SE by theory", 2, of(&|p| p.theory.first().map_or(f64::NAN, |t| t.se))),
            Column::count("trials", "Trials", self.points.iter().map(|p| first(p).trials)),
        ]);
        if self.points.iter().any(|p| p.cost.is_some()) {
            columns.push(Column::significant("cost", "Cost", 0, of(&|p| p.cost.unwrap_or(f64::NAN))));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "Power is that of the primary contrast of the second arm with the first; MC error: Monte-Carlo standard error.".into(),
            "By theory: variance under dropout by Lu, Luo & Chen (2008) given the baseline, design effect of groups within an arm, noncentral t. It leaves out \
             bounds of the instrument, what dropout depends on, intercurrent events, and clusters that both arms share."
                .into(),
        ]
    }
}

display_as_table!(Assumptions, PowerTable);

/// How far simulation and theory are apart, in Monte-Carlo errors.
fn apart(point: &PointResult) -> f64 {
    let successes = point.characteristics.rows[0].successes;
    point.theory.first().map_or(f64::NAN, |theory| (successes.share - theory.power) / successes.error)
}

fn words(varied: &str) -> &str {
    match varied {
        "patients" => "number of patients",
        "effect" => "effect size d",
        "dropout" => "share who have left by the last visit",
        "events" => "share with the intercurrent event",
        "icc" => "intraclass correlation",
        "group-size" => "size of the groups",
        "allocation" => "allocation ratio",
        "null" => "no effect",
        other => other,
    }
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl StudyResult {
    /// The power of the truth as stated, as a sentence.
    pub fn sentence(&self) -> String {
        let base = self.base();
        let row = &base.characteristics.rows[0];
        let (low, high) = row.successes.interval(row.answered());
        let theory = base.theory.first().map(|t| format!("; by theory it is {:.1}%", 100.0 * t.power)).unwrap_or_default();
        let patients = base.patients.iter().map(usize::to_string).collect::<Vec<_>>().join(" + ");
        format!(
            "With {patients} patients the power of the primary contrast is {:.1}% (95% Monte-Carlo interval {:.1} to {:.1}; {} simulated trials){theory}.",
            100.0 * row.successes.share,
            100.0 * low,
            100.0 * high,
            row.trials
        )
    }

    /// What was sought, a sentence each.
    pub fn sentences_of_search(&self) -> Vec<String> {
        let sentence = |found: &Found| {
            let (low, high) = found.interval;
            match found.what {
                Find::Patients => format!(
                    "{:.0} patients in all give {} power (95% Monte-Carlo interval {low:.0} to {high:.0}; by theory {:.0}).",
                    found.value.ceil(),
                    percent(self.power),
                    found.by_theory.ceil()
                ),
                Find::Effect => format!(
                    "The smallest effect detected with {} power is d = {:.3} (95% Monte-Carlo interval {low:.3} to {high:.3}; by theory {:.3}).",
                    percent(self.power),
                    found.value,
                    found.by_theory
                ),
            }
        };
        self.found.iter().map(sentence).collect()
    }

    /// The powers along an assumption; along none, that of the truth as stated.
    pub fn power_table(&self, varied: &str) -> PowerTable {
        PowerTable { varied: varied.into(), points: self.curve(varied).into_iter().cloned().collect() }
    }

    /// The figure of a curve.
    pub fn figure(&self, varied: &str) -> crate::report::figure::Figure {
        let mut points = self.curve(varied);
        points.sort_by(|a, b| a.value.total_cmp(&b.value));
        let point = |p: &&PointResult| {
            let row = &p.characteristics.rows[0];
            (p.value, Interval::new(row.successes.share, row.successes.interval(row.answered())))
        };
        PowerCurve {
            title: format!("Power by {}", words(varied)),
            description: format!(
                "Power of the primary contrast by {}, all else as assumed: simulated, with 95% Monte-Carlo intervals, and by theory.",
                words(varied)
            ),
            axis_label: sentence_case(words(varied)),
            points: points.iter().map(point).collect(),
            by_theory: points.iter().filter_map(|p| p.theory.first().map(|t| (p.value, t.power))).collect(),
            wanted: Some(self.power),
        }
        .draw()
    }
}

impl StudyFile {
    /// The paragraph for a protocol: assumptions, method, software, seed.
    pub fn paragraph(&self, result: &StudyResult) -> String {
        let truth = &self.truth;
        let (last, base) = (truth.visits.len() - 1, result.base());
        let arms =
            truth.arms.iter().map(|arm| format!("{} to {}", counted(arm.patients, "patient"), arm.name)).collect::<Vec<_>>().join(" and ");
        let difference = truth.mean(1.min(truth.arms.len() - 1), last) - truth.mean(0, last);
        let left = 100.0 * base.characteristics.left;
        let clusters: Vec<String> = truth
            .clusters
            .iter()
            .map(|c| match c.number.or(c.rates.as_ref().map(Vec::len)) {
                Some(number) => format!("{} of {} (intraclass correlation {})", counted(number, "level"), c.factor, c.icc),
                None => format!("{} within arm {} (intraclass correlation {})", c.factor, c.arm.as_deref().unwrap_or("any"), c.icc),
            })
            .collect();
        let clusters = if clusters.is_empty() { String::new() } else { format!(" Patients are clustered: {}.", clusters.join("; ")) };
        let model = self.plan.model.clone().of_outcome(&self.plan.primary);
        format!(
            "The trial randomizes {arms}. We assume a difference of {difference:.2} points at {} (d = {:.2} standard deviations at baseline), a standard \
             deviation of {} there, and that {left:.1}% of the patients are without that visit.{clusters} {} {}The analysis simulated is the one planned: {model}; {}, \
             two-sided level {}. Trials were simulated and analysed with {} (seed {}); every assumption with its origin is listed \
             below.",
            truth.visits[last],
            difference / truth.sd[0],
            truth.sd[last],
            result.sentence(),
            result.sentences_of_search().iter().map(|s| format!("{s} ")).collect::<String>(),
            crate::analysis::degrees_of_freedom(model.df_method()),
            percent(result.alpha),
            result.software,
            result.seed,
        )
    }

    /// The report of a result.
    pub fn document(&self, result: &StudyResult) -> Document {
        let title = self.plan.report.title.clone().or_else(|| self.plan.trial.title.clone()).unwrap_or_else(|| "A planned trial".into());
        let mut answer = Section::new("Sample size and power").paragraph(self.paragraph(result)).table("power", &result.power_table(""));
        for sentence in result.sentences_of_search() {
            answer = answer.paragraph(sentence);
        }
        answer = result.sentence_of_costs().into_iter().fold(answer, |section, text| section.paragraph(text));
        let mut document = Document::new(format!("Power: {title}"))
            .subtitle("Simulated trials, analysed as planned")
            .section(answer)
            .section(Section::new("Assumptions").table("assumptions", &self.truth.assumptions()));
        let mut operating =
            Section::new("Operating characteristics").titled("characteristics", "With the effect assumed", &result.base().characteristics);
        if let Some(null) = result.curve("null").first() {
            operating = operating.titled("characteristics-null", "Without any effect", &null.characteristics);
        }
        let of_points = [("familywise", Some(result.base())), ("familywise-null", result.curve("null").first().copied())];
        for (name, familywise) in of_points.into_iter().filter_map(|(name, point)| Some((name, point?.familywise.as_ref()?))) {
            operating = operating.table(name, familywise);
        }
        operating = result.left_out.iter().fold(operating, |section, sentence| section.paragraph(sentence.clone()));
        document = document.section(operating);
        for varied in result.varied() {
            let section = Section::new(format!("Power by {}", words(varied)));
            let section = section.figure(&format!("power-by-{varied}"), result.figure(varied));
            document = document.section(section.table(&format!("power-by-{varied}"), &result.power_table(varied)));
        }
        if let Some(looks) = &result.looks {
            document = document.section(Section::new("Interim looks").table("bounds", &looks.boundaries).table("interim-looks", looks));
        }
        if let Some(again) = &result.reestimated {
            document = document.section(Section::new("Sample size estimated again").table("reestimation", again));
        }
        document.analysis(serde_json::to_value(result).unwrap_or_default())
    }
}
