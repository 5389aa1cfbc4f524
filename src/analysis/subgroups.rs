//! The primary contrast within prespecified subgroups.

use super::run::has_arm;
use super::{Analysis, OutcomeResult, Progress, StandardizedDifference, Subgroup, effect_sizes};
use crate::effects::{Correction, Positive};
use crate::error::{Error, Interface, Result};
use crate::estimates::{Df, Estimate};
use crate::inference::Fit;
use crate::level::percent;
use crate::means::{Contrast, ContrastOptions, Interaction};
use crate::table::{Column, Format, Tabular, agreeing, by_reason, counted, display_as_table};
use crate::trial::{Trial, Variable};

/// The difference between arms in the primary outcome at the visit of primary interest, within each level of a factor,
/// beside that of the primary analysis.
///
/// All levels are estimated by one model: the primary one with the interactions of the arm, the visit and the factor
/// (`arm * visit * factor`), at the reference grid of the rest, with the covariance, degrees of freedom and all else of
/// the primary analysis. Nothing is adjusted for multiplicity.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SubgroupResult {
    /// The factor, as the trial names it.
    pub factor: String,
    /// Its text for tables.
    pub label: String,
    /// Name of the outcome.
    pub outcome: String,
    /// Its label.
    pub outcome_label: String,
    /// The visit.
    pub visit: String,
    /// Confidence level.
    pub level: f64,
    /// The overall effect of the primary analysis, then level by level; where there are more than two arms, for each
    /// compared with the reference.
    pub rows: Vec<SubgroupRow>,
    /// The tests of interaction: one per pair of arms, and one for all pairs where there are several.
    pub interactions: Vec<Interaction>,
    /// The model as a formula.
    pub formula: String,
    /// The covariance structure that was fitted.
    pub covariance: String,
    /// The method of degrees of freedom.
    pub df: Df,
    /// Patients randomized who have no value of the factor, and are in no row but the overall.
    pub without_value: usize,
    /// Cohen's d or Hedges' g, and the standard deviation divided by, where there are effect sizes.
    pub effect_size: Option<SubgroupEffectSize>,
    /// Why the model could not be fitted, where it could not: then only the overall effect has numbers.
    pub failure: Option<String>,
    /// How the model was fitted, one sentence each.
    pub notes: Vec<String>,
}

/// What the effect sizes of subgroups are.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SubgroupEffectSize {
    /// Cohen's d or Hedges' g.
    pub correction: Correction,
    /// What is divided by, in words; the same in every row.
    pub denominator: String,
    /// What a positive effect size means.
    pub positive: Positive,
}

/// The difference of two arms in one subgroup, or in everybody.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SubgroupRow {
    /// The text of the level; `None` for the overall effect of the primary analysis.
    pub subgroup: Option<String>,
    /// The difference.
    #[serde(flatten)]
    pub contrast: Contrast,
    /// Patients of the arm with an analysed observation at the visit.
    pub n: usize,
    /// Those of the arm that it is compared with.
    pub n_versus: usize,
    /// Patients randomized to the arm.
    pub randomized: usize,
    /// Patients randomized to the arm that it is compared with.
    pub randomized_versus: usize,
    /// The effect size with its limits by the delta method; `None` where there is none.
    pub effect: Option<StandardizedDifference>,
}

/// Every subgroup analysis of the plan.
pub(super) fn all(analysis: &Analysis<'_>, primary: &OutcomeResult, progress: &dyn Progress) -> Result<Vec<SubgroupResult>> {
    let planned = &analysis.plan.subgroups;
    if planned.is_empty() {
        return Ok(vec![]);
    }
    must_compare(analysis, &primary.fit)?;
    progress.begin("Fitting subgroups", planned.len() as u64);
    let mut found = vec![];
    for subgroup in planned {
        found.push(one(analysis, subgroup, primary)?);
        progress.advance(found.len() as u64);
    }
    progress.end();
    Ok(found)
}

/// Refuses subgroups where there is no contrast of arms to look at.
fn must_compare(analysis: &Analysis<'_>, fit: &Fit) -> Result<()> {
    if has_arm(fit) && analysis.trial.arms().len() > 1 {
        return Ok(());
    }
    Err(Error::nothing_to_compare(
        "subgroups",
        "they show differences between arms, and there are none",
        "leave `subgroup` out of the plan, or have the arm in the mean",
    ))
}

/// The trial with the factor of a subgroup, and the factor.
fn trial_with_factor(trial: &Trial, subgroup: &Subgroup) -> Result<(Trial, Variable)> {
    let variable = subgroup.variable(trial)?;
    let own = trial.variable(variable.name()).is_ok();
    Ok((if own { trial.clone() } else { trial.with_variable(variable.clone()) }, variable))
}

fn one(analysis: &Analysis<'_>, subgroup: &Subgroup, primary: &OutcomeResult) -> Result<SubgroupResult> {
    let plan = &analysis.plan;
    let (trial, factor) = trial_with_factor(analysis.trial, subgroup)?;
    let model = analysis.model_of(&plan.primary).by_subgroup(factor.name(), &trial);
    let options = ContrastOptions::default().level(plan.level).visits([plan.at.clone()]);
    let mut result = SubgroupResult {
        factor: subgroup.factor.clone(),
        label: subgroup.heading().into(),
        outcome: primary.name.clone(),
        outcome_label: primary.label.clone(),
        visit: plan.at.clone(),
        level: plan.level,
        rows: overall(analysis, primary, &options)?,
        interactions: vec![],
        formula: model.to_string(),
        covariance: String::new(),
        df: model.df_method(),
        without_value: (0..trial.patients().len()).filter(|&i| level_of(&factor, i).is_none()).count(),
        effect_size: effect_sizes::has_baseline_value(analysis).then(|| SubgroupEffectSize {
            correction: plan.effects.correction,
            denominator: plan.effects.denominator.words().into(),
            positive: plan.effects.positive,
        }),
        failure: None,
        notes: vec![],
    };
    let fit = match model.fit(&trial) {
        Ok(fit) => fit,
        Err(error) => {
            result.failure = Some(error.worded_for(Interface::Plan).to_string());
            return Ok(result);
        }
    };
    let found = fit.subgroup_contrasts(factor.name(), &options)?;
    result.covariance = fit.covariance_structure().to_string();
    result.df = fit.df_method();
    result.notes = fit.notes();
    for overall in result.rows.clone() {
        for (code, level) in factor.levels().iter().enumerate() {
            let own = found.rows.iter().find(|r| r.subgroup == *level && r.contrast.compared == overall.contrast.compared);
            let (contrast, n, n_versus) = match own {
                Some(row) => (row.contrast.clone(), row.n, row.n_versus),
                None => (unseen(&overall.contrast, level), 0, 0),
            };
            let randomized = |arm: Option<usize>| {
                let of_arm = |i: &usize| Some(trial.arm_of()[*i]) == arm && level_of(&factor, *i) == Some(code);
                (0..trial.patients().len()).filter(of_arm).count()
            };
            let arms = [contrast.compared.arm(), contrast.compared.versus()].map(|arm| arm.map(|arm| arm.index));
            result.rows.push(SubgroupRow {
                subgroup: Some(subgroup.text(level).into()),
                effect: effect_sizes::standardized(analysis, &trial, &fit, &contrast)?,
                contrast,
                n,
                n_versus,
                randomized: randomized(arms[0]),
                randomized_versus: randomized(arms[1]),
            });
        }
    }
    let named = |test: Interaction| Interaction { levels: test.levels.iter().map(|l| subgroup.text(l).to_string()).collect(), ..test };
    result.interactions = found.interactions.rows.into_iter().map(named).collect();
    Ok(result)
}

/// The level of a patient, by position.
fn level_of(factor: &Variable, patient: usize) -> Option<usize> {
    factor.codes().and_then(|codes| codes.get(patient).copied().flatten())
}

/// A contrast of a level that nobody who is analysed has.
fn unseen(overall: &Contrast, level: &str) -> Contrast {
    Contrast {
        estimate: Estimate::none(format!("{level}: {}", overall.estimate.label)),
        lower: f64::NAN,
        upper: f64::NAN,
        p_adjusted: f64::NAN,
        ratio: None,
        not_estimable: Some(format!("nobody with level {level} has an analysed observation")),
        coefficients: vec![],
        ..overall.clone()
    }
}

/// The effect of the primary analysis.
fn overall(analysis: &Analysis<'_>, primary: &OutcomeResult, options: &ContrastOptions) -> Result<Vec<SubgroupRow>> {
    let (fit, randomized) = (&primary.fit, analysis.trial.randomized());
    let analysed = fit.marginal_means(&["arm", "visit"], &crate::means::MeansOptions::default())?;
    let n = |arm: Option<usize>| {
        let here = |row: &&crate::means::MarginalMean| {
            row.arm.as_ref().map(|a| a.index) == arm && row.visit.as_ref().is_some_and(|v| *v == analysis.plan.at.as_str())
        };
        analysed.rows.iter().find(here).map_or(0, |row| row.n)
    };
    let row = |contrast: Contrast| -> Result<SubgroupRow> {
        let [arm, versus] = [contrast.compared.arm(), contrast.compared.versus()].map(|arm| arm.map(|arm| arm.index));
        let of = |arm: Option<usize>| arm.and_then(|arm| randomized.get(arm).copied()).unwrap_or(0);
        Ok(SubgroupRow {
            subgroup: None,
            effect: effect_sizes::standardized(analysis, analysis.trial, fit, &contrast)?,
            n: n(arm),
            n_versus: n(versus),
            randomized: of(arm),
            randomized_versus: of(versus),
            contrast,
        })
    };
    fit.arm_contrasts(options)?.rows.into_iter().map(row).collect()
}

impl SubgroupResult {
    /// The test of interaction of a pair of arms.
    pub fn interaction_of(&self, row: &SubgroupRow) -> Option<&Interaction> {
        self.interactions.iter().find(|test| test.compared.as_ref() == Some(&row.contrast.compared))
    }

    /// The row of a subgroup by its text, of the first pair of arms.
    pub fn get(&self, subgroup: &str) -> Option<&SubgroupRow> {
        self.rows.iter().find(|row| row.subgroup.as_deref() == Some(subgroup))
    }

    /// A test of interaction in words: `F(1, 180.5) = 2.31, p = 0.130`; why there is none where there is none.
    pub fn interaction_in_words(test: &Interaction) -> String {
        match &test.test {
            Some(f) => format!(
                "F({}, {}) = {}, p {}",
                f.num_df,
                Format::Df.apply(f.denom_df),
                Format::Decimals(2).apply(f.f),
                match Format::PValue.apply(f.p) {
                    below if below.starts_with('<') => below,
                    exact => format!("= {exact}"),
                }
            ),
            None => format!("no test of interaction: {}", test.not_estimable.as_deref().unwrap_or("it is not defined")),
        }
    }
}

impl Tabular for SubgroupResult {
    fn title(&self) -> String {
        format!("{} at {}: differences between arms by {}", self.outcome_label, super::visit_in_prose(&self.visit), self.label)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.rows.iter();
        let errors = Format::of_errors(rows().map(|r| r.contrast.estimate.se));
        let number =
            |name: &'static str, heading: &str, format, get: fn(&SubgroupRow) -> f64| Column::real(name, heading, format, rows().map(get));
        let (lower, upper) = (format!("Lower {}", percent(self.level)), format!("Upper {}", percent(self.level)));
        let mut columns = vec![Column::text("subgroup", &self.label, rows().map(|r| r.subgroup.as_deref().unwrap_or("Overall")))];
        if rows().any(|r| r.contrast.compared != self.rows[0].contrast.compared) {
            columns.push(Column::text("contrast", "Contrast", rows().map(|r| r.contrast.compared.to_string())));
        }
        columns.extend([
            Column::count("n", "n", rows().map(|r| r.n)),
            Column::count("randomized", "Randomized", rows().map(|r| r.randomized)),
            Column::count("n_versus", "n, versus", rows().map(|r| r.n_versus)),
            Column::count("randomized_versus", "Randomized, versus", rows().map(|r| r.randomized_versus)),
            number("estimate", "Difference", errors, |r| r.contrast.estimate.estimate),
            number("lower", &lower, errors, |r| r.contrast.lower),
            number("upper", &upper, errors, |r| r.contrast.upper),
            number("se", "SE", errors, |r| r.contrast.estimate.se),
            number("df", "df", Format::Df, |r| r.contrast.estimate.df),
            number("p", "p", Format::PValue, |r| r.contrast.estimate.p),
        ]);
        if let Some(effect) = &self.effect_size {
            let two = Format::Decimals(2);
            columns.extend([
                number("effect", effect.correction.letter(), two, |r| r.effect.map_or(f64::NAN, |e| e.effect)),
                number("effect_lower", &lower, two, |r| r.effect.map_or(f64::NAN, |e| e.lower)),
                number("effect_upper", &upper, two, |r| r.effect.map_or(f64::NAN, |e| e.upper)),
            ]);
        }
        let test = |r: &SubgroupRow| r.subgroup.is_none().then(|| self.interaction_of(r)).flatten().and_then(|test| test.test.as_ref());
        columns.push(Column::real(
            "interaction_p",
            "p of interaction",
            Format::PValue,
            rows().map(|r| test(r).map_or(f64::NAN, |test| test.p)),
        ));
        columns
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "Overall: the primary analysis. Within levels: one model with the interactions of the arm, the visit and the factor, at the reference grid of \
             the rest; not adjusted for multiplicity."
                .into(),
            format!("Model of the levels: {}.", self.formula),
        ];
        for test in &self.interactions {
            let of = test.compared.as_ref().map_or_else(|| "all arms".to_string(), ToString::to_string);
            let among = format!(" (among {})", test.levels.join(", "));
            let among = if test.test.is_some() && test.levels.len() < self.levels() { among } else { String::new() };
            notes.push(format!("Interaction, {of}: {}{among}.", Self::interaction_in_words(test)));
        }
        if let Some(effect) = &self.effect_size {
            let sign = match effect.positive {
                Positive::Fall => "the score is lower",
                Positive::Rise => "the score is higher",
            };
            notes.push(format!(
                "{}: the difference over the {}, the same in every row; positive: {sign} than in the reference arm. {} interval by the delta method.",
                effect.correction.letter(),
                effect.denominator,
                percent(self.level)
            ));
        }
        notes.push("n: patients with an analysed observation at the visit.".into());
        match self.without_value {
            0 => {}
            n => notes.push(format!(
                "{} {} no value of the factor and {} in no subgroup.",
                counted(n, "patient"),
                agreeing(n, "has", "have"),
                agreeing(n, "is", "are")
            )),
        }
        if let Some(why) = &self.failure {
            notes.push(format!("The model of the levels could not be fitted: {}.", why.trim_end_matches('.')));
        }
        let unknown = self.rows.iter().filter_map(|r| {
            let level = r.subgroup.as_deref().unwrap_or("Overall");
            Some((format!("{level}, {}", r.contrast.compared), r.contrast.not_estimable.as_deref()?))
        });
        notes.extend(by_reason(unknown).into_iter().map(|(reason, rows)| format!("Not estimable: {} ({reason}).", rows.join("; "))));
        notes
    }
}

impl SubgroupResult {
    /// The number of levels that have rows.
    fn levels(&self) -> usize {
        let mut names: Vec<&str> = self.rows.iter().filter_map(|r| r.subgroup.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }
}

display_as_table!(SubgroupResult);
