//! `trialstats fit`: a mixed model for repeated measures from a file and a formula.

use super::choice::{Names, choice};
use super::failure::Failure;
use super::formula_variables::{clusters, covariates};
use super::generalized::{GeneralizedArguments, OutcomeFamily};
use super::means::Means;
use super::source::{SourceArguments, Wanted};
use super::subgroups::{Asked, SubgroupArguments, Subgroups};
use super::{fit_json, fit_text};
use trialstats::covariance::Covariance;
use trialstats::design::Baseline;
use trialstats::generalized::{GeeDf, GeeVcov, GlmVcov, OrdinalVcov};
use trialstats::inference::{CovarianceIntervalMethod, CovarianceIntervalOptions, InformationKind, IntraclassCorrelations};
use trialstats::means::{Adjustment, ArmComparisons, Averaging, FactorWeights};
use trialstats::{Df, Estimation, Fit, Model, Trial, Vcov};

/// Everything that states a model and what is wanted of it.
#[derive(Debug, Clone, clap::Args)]
pub struct FitArguments {
    #[command(flatten)]
    pub source: SourceArguments,
    /// The model, e.g. "FEV1 ~ RACE + SEX + ARMCD * AVISIT"; with random effects such as "(1 | THERAPIST)", and the
    /// covariance of a patient's visits, "us(AVISIT | USUBJID)", unless --covariance states it. Numbers go through log(x),
    /// sqrt(x), I(x^2), poly(x, 2, raw) or ns(x, 3), the outcome through log(y); offset(x) and
    /// offset(log(x)) have the coefficient 1
    #[arg(long)]
    pub formula: String,
    /// The covariance among a patient's visits: unstructured (us), toeplitz (toep), ante-dependence (ad),
    /// "toeplitz(3)", "spatial-exponential(x, y)", "random-intercept + ar1", …; an unknown name lists them all.
    /// Unstructured unless said here or in the formula; independent where the formula has random effects of the
    /// patients
    #[arg(long)]
    pub covariance: Option<Covariance>,
    /// A structure to fall back on where the one before cannot be fitted; may be given again
    #[arg(long = "else", value_name = "COVARIANCE")]
    pub fallbacks: Vec<Covariance>,
    /// A column whose levels have a covariance of their own each
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// A column of observation weights: the residual variance is divided by them
    #[arg(long, value_name = "COLUMN")]
    pub weights: Option<String>,
    /// Restricted or ordinary maximum likelihood
    #[arg(long, value_parser = choice::<Estimation>(), default_value_t)]
    pub estimation: Estimation,
    /// The method of degrees of freedom: satterthwaite unless said, and the normal distribution for estimating equations
    #[arg(long, value_parser = Names::default().or::<Df>().or::<GeeDf>())]
    pub df: Option<String>,
    /// The information of the covariance parameters behind the df
    #[arg(long, value_parser = choice::<InformationKind>(), default_value_t)]
    pub information: InformationKind,
    /// The covariance of the estimates: model-based unless said, and robust for estimating equations and counts
    #[arg(long, value_parser = Names::default().or::<Vcov>().or::<GeeVcov>().or::<GlmVcov>().or::<OrdinalVcov>())]
    pub vcov: Option<String>,
    #[command(flatten)]
    pub generalized: GeneralizedArguments,
    /// Begin a fit that would take more than two minutes or four gigabytes
    #[arg(long)]
    pub allow_costly: bool,
    /// What is done with the value before treatment; a covariate where the formula names `baseline`, else part of the
    /// response
    #[arg(long, value_parser = choice::<Baseline>())]
    pub baseline: Option<Baseline>,
    /// Marginal means by these factors of the formula, and the differences between the levels of the first: the columns
    /// of the arm and of the visit, or any other factors, such as a treatment that changes by period
    #[arg(long, num_args = 1.., value_names = ["FACTOR"])]
    pub means: Option<Vec<String>>,
    /// Which levels of the first factor of --means are compared: with-reference, with(LEVEL), pairwise. Arms with the
    /// reference, levels of other factors pairwise, unless said
    #[arg(long, value_name = "COMPARISONS")]
    pub compare: Option<ArmComparisons>,
    /// A contrast of cells of --means by weights, "late effect: TRT:VIS3=1/2, TRT:VIS4=1/2, PBO:VIS3=-1/2, PBO:VIS4=-1/2";
    /// may be given again
    #[arg(long, value_name = "NAME: CELL=WEIGHT,…")]
    pub contrast: Vec<String>,
    /// How the marginal means average over the other factors
    #[arg(long, value_parser = choice::<FactorWeights>(), default_value_t)]
    pub average: FactorWeights,
    /// Adjustment of the contrasts' p-values for multiplicity; shown beside the plain ones. None for arms, Tukey's for
    /// every two levels of other factors, unless said
    #[arg(long, value_parser = choice::<Adjustment>())]
    pub adjust: Option<Adjustment>,
    #[command(flatten)]
    pub subgroups: SubgroupArguments,
    /// The confidence level of intervals
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// Print everything as JSON, whose field `schema` names its version: it changes when a field is removed, renamed or
    /// changes its meaning, not when one is added
    #[arg(long)]
    pub json: bool,
}

/// How messages call a model of normal measurements.
const MIXED: &str = "a mixed model";

/// A fitted model with the words it was asked for in.
pub struct Answer<'a> {
    pub arguments: &'a FitArguments,
    pub trial: Trial,
    pub fit: Fit,
    pub means: Option<Means>,
    pub subgroups: Subgroups,
    /// Whether the formula states the covariance of a patient's visits.
    pub covariance_in_formula: bool,
}

impl Answer<'_> {
    /// Intraclass correlations with intervals that take no further fits; none of a model without random effects.
    pub fn intraclass_correlations(&self) -> Option<IntraclassCorrelations> {
        let options = CovarianceIntervalOptions { level: self.arguments.level, method: CovarianceIntervalMethod::Wald };
        if self.fit.design().random().is_empty() { None } else { self.fit.icc(&options).ok() }
    }
}

impl FitArguments {
    /// Fits the model and says what was found.
    pub fn run(&self) -> Result<String, Failure> {
        if !(self.level > 0.0 && self.level < 1.0) {
            let meant = if self.level > 1.0 && self.level < 100.0 { self.level / 100.0 } else { 0.95 };
            return Err(Failure::Usage(format!("--level {}: a confidence level lies between 0 and 1: --level {meant}", self.level)));
        }
        if self.generalized.family == Some(OutcomeFamily::Ordinal) {
            return self.run_ordinal();
        }
        if self.is_generalized() {
            return self.run_generalized();
        }
        let model = self.model()?;
        let arm = self.arm(&model);
        self.check_means(&model, arm)?;
        let trial = self.source.read(arm, &self.wanted(&model, arm)?)?;
        let fit = model.fit(&trial)?;
        let means = self.tables(&fit, arm)?;
        let averaging = Averaging::weights(self.average);
        let asked = Asked { arm, compare: self.compare.clone(), averaging, level: self.level };
        let subgroups = self.subgroups.tables(&model, &trial, &fit, &asked)?;
        let covariance_in_formula = self.covariance.is_none() && model.stated_covariance().is_some();
        let answer = Answer { arguments: self, trial, fit, means, subgroups, covariance_in_formula };
        if self.json { fit_json::render(&answer) } else { fit_text::render(&answer) }
    }

    /// The model that the formula states.
    fn model_of_formula(&self) -> Result<Model, Failure> {
        let model = Model::formula(&self.formula)?;
        let covariance = self.covariance.as_ref().map(Covariance::to_string);
        for (argument, given) in [("--covariance", &covariance), ("--group", &self.group)] {
            if let (Some(given), Some(stated)) = (given, model.stated_covariance()) {
                return Err(Failure::Usage(format!(
                    "{argument} {given}: the formula states the covariance of a patient's visits, {stated}; say it in one place"
                )));
            }
        }
        Ok(match self.baseline {
            None => model,
            Some(baseline) => model.baseline(baseline),
        })
    }

    /// The columns that the model needs.
    pub fn wanted(&self, model: &Model, arm: Option<&str>) -> Result<Wanted, Failure> {
        let mut covariates = covariates(model, &self.source, arm)?;
        if let Some(group) = model.covariance_group()
            && Some(group) != arm
            && (group != "arm" || arm.is_none())
            && !covariates.iter().any(|c| c == group)
        {
            covariates.push(group.to_string());
        }
        for column in self.subgroups.columns() {
            if Some(column.as_str()) != arm && Some(column) != self.source.visit.as_ref() && !covariates.contains(column) {
                covariates.push(column.clone());
            }
        }
        for structure in model.stated_covariance().into_iter().chain(&self.fallbacks) {
            for column in structure.coordinate_columns() {
                let is_declared = Some(column.as_str()) == arm || column == self.source.visit();
                if !is_declared && !covariates.contains(column) {
                    covariates.push(column.clone());
                }
            }
        }
        Ok(Wanted {
            outcomes: vec![model.mean().outcome_name().to_string()],
            texts: false,
            covariates,
            weights: self.weights.clone(),
            clusters: clusters(model, &self.source, arm),
        })
    }

    fn model(&self) -> Result<Model, Failure> {
        let model = self.model_of_formula()?.covariance_else(self.fallbacks.clone());
        let df = Self::named("--df", self.df.as_ref(), Df::default(), MIXED)?;
        let vcov = Self::named("--vcov", self.vcov.as_ref(), Vcov::default(), MIXED)?;
        let model = model.estimation(self.estimation).df(df).information(self.information).vcov(vcov);
        let mut model = model.allow_costly(self.allow_costly);
        if let Some(covariance) = &self.covariance {
            model = model.covariance(covariance.clone());
        }
        if let Some(group) = &self.group {
            model = model.covariance_by(group);
        }
        if let Some(weights) = &self.weights {
            model = model.weights(weights);
        }
        Ok(model)
    }
}
