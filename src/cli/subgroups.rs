//! Differences between arms within subgroups, and effect sizes: `--subgroup` and `--effect-size`.

use super::choice::choice;
use super::failure::Failure;
use serde::Serialize;
use serde_json::Value;
use trialstats::design::{Averaging, Baseline};
use trialstats::effects::{self, Denominator, EffectOptions, EffectSizes, Positive};
use trialstats::means::{ArmComparisons, ContrastOptions, SubgroupContrasts};
use trialstats::table::Tabular;
use trialstats::trial::BaselineFrom;
use trialstats::{Fit, Model, Trial};

/// What is wanted of subgroups and effect sizes.
#[derive(Debug, Clone, clap::Args)]
pub struct SubgroupArguments {
    /// Differences between arms within each level of a factor, and the test that they are the same: by the model of the
    /// formula with the interactions of arm, visit and factor. May be given again
    #[arg(long, value_name = "FACTOR")]
    pub subgroup: Vec<String>,
    /// Effect sizes of the differences between arms and of the changes from baseline, over this standard deviation; the one
    /// at baseline, pooled over arms, unless said
    #[arg(long, value_name = "DENOMINATOR", value_parser = choice::<Denominator>(), num_args = 0..=1, default_missing_value = "baseline-pooled")]
    pub effect_size: Option<Denominator>,
    /// The column of the outcome's value before treatment, where it is not at the baseline visit, for effect sizes
    #[arg(long, value_name = "COLUMN", requires = "effect_size")]
    pub effect_baseline: Option<String>,
    /// What a positive effect size means
    #[arg(long, value_parser = choice::<Positive>(), default_value_t, requires = "effect_size")]
    pub positive: Positive,
}

/// The answers, as tables.
#[derive(Default)]
pub struct Subgroups {
    pub by_factor: Vec<BySubgroup>,
    pub effects: Vec<EffectSizes>,
}

/// Subgroups by one factor.
pub struct BySubgroup {
    /// The model with the interactions.
    pub formula: String,
    pub found: SubgroupContrasts,
}

/// How differences are made: which arms, how averaged, at which level.
pub struct Asked<'a> {
    pub arm: Option<&'a str>,
    pub compare: Option<ArmComparisons>,
    pub averaging: Averaging,
    pub level: f64,
}

impl SubgroupArguments {
    /// The columns that are needed beside those of the formula.
    pub fn columns(&self) -> impl Iterator<Item = &String> {
        self.subgroup.iter().chain(&self.effect_baseline)
    }

    pub fn tables(&self, model: &Model, trial: &Trial, fit: &Fit, asked: &Asked<'_>) -> Result<Subgroups, Failure> {
        if (self.effect_size.is_some() || !self.subgroup.is_empty()) && asked.arm.is_none() {
            let option = if self.subgroup.is_empty() { "--effect-size" } else { "--subgroup" };
            return Err(Failure::Usage(format!(
                "{option}: arms are compared, and none is named; say which column it is with --arm COLUMN"
            )));
        }
        let options = ContrastOptions::default().averaging(asked.averaging.clone()).level(asked.level);
        let options = asked.compare.iter().cloned().fold(options, ContrastOptions::arms);
        let by_factor = self.subgroup.iter().map(|factor| by_factor(factor, model, trial, &options)).collect::<Result<_, _>>()?;
        let effects = match self.effect_size {
            Some(denominator) => self.effects(denominator, trial, fit, &options)?,
            None => vec![],
        };
        Ok(Subgroups { by_factor, effects })
    }

    fn effects(&self, denominator: Denominator, trial: &Trial, fit: &Fit, options: &ContrastOptions) -> Result<Vec<EffectSizes>, Failure> {
        let baseline = self.effect_baseline.clone().map_or(BaselineFrom::Visit, BaselineFrom::Covariate);
        let effects = EffectOptions::new().denominator(denominator).positive(self.positive).level(options.level).baseline(baseline);
        let of_baseline = fit.design().baseline_visit().is_some() || fit.design().mean_model().baseline_role() == Baseline::Covariate;
        let mut tables = vec![];
        // A denominator of one place is not asked for in the other.
        if of_baseline && !matches!(denominator, Denominator::VisitPooled | Denominator::Control) {
            tables.push(effects::from_model(trial, fit, &fit.change_from_baseline(options)?, &effects)?);
        }
        if denominator != Denominator::BaselineOwn && trial.arms().len() > 1 {
            tables.push(effects::from_model(trial, fit, &fit.arm_contrasts(options)?, &effects)?);
        }
        Ok(tables)
    }
}

fn by_factor(factor: &str, model: &Model, trial: &Trial, options: &ContrastOptions) -> Result<BySubgroup, Failure> {
    if trial.variable(factor).is_ok_and(|variable| !variable.is_factor()) {
        return Err(Failure::Usage(format!(
            "--subgroup {factor}: it is a number, and subgroups are levels of a factor; --factor {factor} takes its values for levels, and a plan can cut it \
             (`cut-points`)"
        )));
    }
    let model = model.clone().by_subgroup(factor, trial);
    let fit = model.fit(trial)?;
    Ok(BySubgroup { formula: model.to_string(), found: fit.subgroup_contrasts(factor, options)? })
}

impl Subgroups {
    /// The tables in their order.
    pub fn tables(&self) -> Vec<&dyn Tabular> {
        let subgroups = self.by_factor.iter().flat_map(|by| [&by.found as &dyn Tabular, &by.found.interactions]);
        self.effects.iter().map(|table| table as &dyn Tabular).chain(subgroups).collect()
    }

    /// The subgroups as JSON.
    pub fn subgroups_json(&self) -> Vec<Value> {
        let one = |by: &BySubgroup| {
            let contrast = |r: &trialstats::means::SubgroupContrast| -> Value {
                let e = &r.contrast.estimate;
                serde_json::json!({
                    "subgroup": r.subgroup, "contrast": r.contrast.label(), "visit": r.contrast.visit.as_deref(), "n": r.n, "n_versus": r.n_versus,
                    "estimate": e.estimate, "se": e.se, "df": e.df, "lower": r.contrast.lower, "upper": r.contrast.upper, "t": e.t, "p": e.p,
                    "not_estimable": r.contrast.not_estimable,
                })
            };
            let test = |r: &trialstats::means::Interaction| -> Value {
                let of = |get: fn(&trialstats::inference::FTest) -> f64| r.test.as_ref().map(get);
                serde_json::json!({
                    "contrast": r.compared.as_ref().map(ToString::to_string), "visit": r.visit.as_deref(), "levels": r.levels,
                    "num_df": of(|t| t.num_df), "denom_df": of(|t| t.denom_df), "f": of(|t| t.f), "p": of(|t| t.p), "not_estimable": r.not_estimable,
                })
            };
            serde_json::json!({
                "factor": by.found.factor, "formula": by.formula, "contrasts": by.found.rows.iter().map(contrast).collect::<Vec<_>>(),
                "interactions": by.found.interactions.rows.iter().map(test).collect::<Vec<_>>(), "notes": Tabular::notes(&by.found),
            })
        };
        self.by_factor.iter().map(one).collect()
    }

    /// The effect sizes as JSON.
    pub fn effects_json(&self) -> Vec<EffectTable> {
        let row = |r: &effects::EffectSize| EffectRow {
            arm: r.arm.to_string(),
            versus: r.versus.as_ref().map(ToString::to_string),
            visit: r.visit.to_string(),
            difference: r.difference,
            sd: r.sd,
            effect: r.effect,
            lower: r.lower,
            upper: r.upper,
        };
        let table = |t: &EffectSizes| EffectTable {
            denominator: t.denominator,
            positive: t.positive,
            rows: t.rows.iter().map(row).collect(),
            notes: Tabular::notes(t),
        };
        self.effects.iter().map(table).collect()
    }
}

/// A table of effect sizes.
#[derive(Serialize)]
pub struct EffectTable {
    denominator: Denominator,
    positive: Positive,
    rows: Vec<EffectRow>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct EffectRow {
    arm: String,
    /// Absent of a change from baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    versus: Option<String>,
    visit: String,
    difference: f64,
    sd: f64,
    effect: f64,
    lower: f64,
    upper: f64,
}
