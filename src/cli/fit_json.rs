//! A fit as JSON; [`trialstats::schema`] says what a program may rely on.

use super::failure::Failure;
use super::fit::{Answer, FitArguments};
use nalgebra::DMatrix;
use serde::Serialize;
use serde_json::{Map, Value};
use trialstats::design::{Baseline, ExclusionReason, RandomTerm};
use trialstats::error::Interface;
use trialstats::inference::{
    Attempt, Estimate, InformationKind, IntraclassCorrelation, ObservationCovariance, ParameterCount, VarianceComponent,
};
use trialstats::means::{Adjustment, Contrasts, JointTest, MarginalMeans, TestType};
use trialstats::table::Tabular;
use trialstats::trial::{Labelled, Warning};
use trialstats::{Covariance, Df, Estimates, Estimation, Fit, Means as _, Trial, Vcov};

/// The whole answer. A number that does not exist (an aliased coefficient, an infinite df) is `null`.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    id: String,
    software: String,
    optimizer: String,
    data: String,
    formula: String,
    estimation: Estimation,
    df_method: Df,
    information: InformationKind,
    vcov_method: Vcov,
    baseline: Baseline,
    covariance_structure: Covariance,
    weighted: bool,
    n_obs: usize,
    n_subjects: usize,
    log_lik: f64,
    aic: f64,
    bic: f64,
    coefficients: Vec<Coefficient>,
    vcov: Vec<Vec<f64>>,
    covariance: Map<String, Value>,
    /// Structures that were tried first and rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    covariance_given_up: Vec<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marginal_means: Option<Vec<MarginalMean>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrasts: Option<Vec<Contrast>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrasts_by_weights: Option<Vec<Contrast>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction_test: Option<InteractionTest>,
    /// Differences within subgroups, factor by factor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subgroups: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    effect_sizes: Vec<super::subgroups::EffectTable>,
    /// What in the data looks like a mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_warnings: Vec<Warning>,
    #[serde(flatten)]
    more: More,
}

/// What the text has beside it.
#[derive(Serialize)]
struct More {
    level: f64,
    arms: Vec<Arm>,
    visits: Vec<String>,
    /// Why observed outcomes and patients are not analysed.
    exclusions: Exclusions,
    /// Levels that analysed observations belong to, factor by factor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    random_effects: Vec<Factor>,
    covariance_parameters: Vec<Parameter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variance_components: Vec<VarianceComponent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    intraclass_correlations: Vec<IntraclassCorrelation>,
    /// Random effects and residuals together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observation: Vec<ObservationCovariance>,
    deviance: f64,
    aicc: f64,
    iterations: usize,
    /// What was estimated as zero.
    boundary: Vec<String>,
    tests: Tests,
    /// How the model was fitted.
    notes: Vec<String>,
    /// What a reader has to know of the data.
    warnings: Vec<String>,
    /// How the means and contrasts were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    means_notes: Vec<String>,
    /// What was decided about the file without being told.
    inferred: Vec<String>,
}

#[derive(Serialize)]
pub struct Arm {
    arm: String,
    randomized: usize,
}

#[derive(Serialize)]
pub struct Exclusions {
    randomized: usize,
    analysed: usize,
    without_outcome: usize,
    wholly_excluded: usize,
    reasons: Vec<Reason>,
    /// Each reason by arm and visit.
    by_arm: Vec<ExclusionReason>,
}

#[derive(Serialize)]
pub struct Reason {
    reason: String,
    observations: usize,
}

#[derive(Serialize)]
struct Factor {
    effects: String,
    factor: String,
    levels: usize,
}

#[derive(Serialize)]
struct Parameter {
    parameter: String,
    estimate: f64,
}

/// Tests of the terms of the mean model.
#[derive(Serialize)]
pub struct Tests {
    #[serde(rename = "type")]
    kind: TestType,
    terms: Vec<TermTest>,
    notes: Vec<String>,
}

#[derive(Serialize)]
pub struct TermTest {
    term: String,
    num_df: Option<f64>,
    denom_df: Option<f64>,
    f: Option<f64>,
    p: Option<f64>,
    /// Degrees of freedom that the data do not determine.
    left_out: usize,
}

#[derive(Serialize)]
pub struct Coefficient {
    pub term: String,
    pub estimate: f64,
    pub se: f64,
    pub df: f64,
    pub t: f64,
    pub p: f64,
    pub lower: f64,
    pub upper: f64,
}

#[derive(Serialize)]
pub struct MarginalMean {
    arm: String,
    visit: String,
    /// The levels of the cell by factor, where these are not the arm and the visit alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<Map<String, Value>>,
    estimate: f64,
    se: f64,
    df: f64,
    lower: f64,
    upper: f64,
    /// Why there are no numbers, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_estimable: Option<String>,
}

#[derive(Serialize)]
pub struct Contrast {
    contrast: String,
    visit: String,
    estimate: f64,
    se: f64,
    df: f64,
    lower: f64,
    upper: f64,
    t: f64,
    p: f64,
    /// Only where an adjustment for multiplicity was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    p_adjusted: Option<f64>,
    /// Why there are no numbers, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_estimable: Option<String>,
}

#[derive(Serialize)]
struct InteractionTest {
    terms: Vec<String>,
    num_df: u64,
    denom_df: f64,
    f: f64,
    p: f64,
}

/// The answer as indented JSON.
pub fn render(answer: &Answer) -> Result<String, Failure> {
    let document = document(answer)?;
    let text = serde_json::to_string_pretty(&document).map_err(|e| Failure::Output(std::io::Error::other(e)))?;
    Ok(text + "\n")
}

fn document(answer: &Answer) -> Result<Document, Failure> {
    let Answer { arguments, fit, .. } = answer;
    let data = arguments.source.stem();
    let coefficients = fit.coefficients().rows;
    Ok(Document {
        schema: trialstats::schema::FIT,
        id: format!("{data}_{}_{}_{}", fit.covariance_structure(), fit.estimation(), fit.df_method()),
        software: format!("trialstats {}", env!("CARGO_PKG_VERSION")),
        optimizer: format!("Newton with exact derivatives, decrement {:.1e}", fit.convergence().decrement),
        formula: whole_formula(answer),
        data,
        estimation: fit.estimation(),
        df_method: fit.df_method(),
        information: fit.information_kind(),
        vcov_method: fit.vcov_method(),
        baseline: fit.design().mean_model().baseline_role(),
        covariance_structure: fit.covariance_structure().clone(),
        weighted: arguments.weights.is_some(),
        n_obs: fit.n_observations(),
        n_subjects: fit.n_patients(),
        log_lik: fit.log_likelihood(),
        aic: fit.aic(),
        bic: fit.bic(),
        coefficients: coefficients.into_iter().map(|r| coefficient(r, arguments.level)).collect(),
        vcov: by_row(fit.vcov()),
        covariance: fit.covariances().iter().map(|g| (g.group.clone(), Value::from(by_row(&g.sigma)))).collect(),
        covariance_given_up: fit.attempts().to_vec(),
        marginal_means: answer.means.as_ref().map(|tables| marginal_means(&tables.means)),
        contrasts: answer.means.as_ref().and_then(|tables| tables.differences.as_ref()).map(differences),
        contrasts_by_weights: answer.means.as_ref().and_then(|tables| tables.custom.as_ref()).map(differences),
        interaction_test: interaction_test(answer)?,
        subgroups: answer.subgroups.subgroups_json(),
        effect_sizes: answer.subgroups.effects_json(),
        data_warnings: answer.trial.warnings().iter().map(|w| w.clone().worded_for(Interface::CommandLine)).collect(),
        more: more(answer)?,
    })
}

/// A row of the table of coefficients.
pub fn coefficient(of: Estimate, level: f64) -> Coefficient {
    let (lower, upper) = of.interval(level);
    Coefficient { term: of.label, estimate: of.estimate, se: of.se, df: of.df, t: of.t, p: of.p, lower, upper }
}

fn more(answer: &Answer) -> Result<More, Failure> {
    let Answer { arguments, trial, fit, means, .. } = answer;
    let criteria = fit.information_criteria(ParameterCount::Covariance);
    let with_effects = !fit.design().random().is_empty();
    let said = fit.notes();
    let means_notes = means.iter().flat_map(|tables| {
        let contrasts = tables.differences.iter().chain(&tables.custom);
        tables.means.notes().into_iter().chain(contrasts.flat_map(Tabular::notes))
    });
    let mut own: Vec<String> = vec![];
    means_notes.filter(|note| !said.contains(note)).for_each(|note| {
        if !own.contains(&note) {
            own.push(note);
        }
    });
    Ok(More {
        level: arguments.level,
        arms: arms(trial),
        visits: fit.design().visit_labels().to_vec(),
        exclusions: exclusions(fit.design().exclusions()),
        random_effects: factors(fit),
        covariance_parameters: fit
            .covariance_parameters()
            .into_iter()
            .map(|(parameter, estimate)| Parameter { parameter, estimate })
            .collect(),
        variance_components: if with_effects { fit.variance_components().rows } else { vec![] },
        intraclass_correlations: answer.intraclass_correlations().map_or(vec![], |found| found.rows),
        observation: if with_effects { fit.observation_covariance().map_or(vec![], |found| found.rows) } else { vec![] },
        deviance: -2.0 * fit.log_likelihood(),
        aicc: criteria.aicc,
        iterations: fit.convergence().iterations,
        boundary: fit.convergence().boundary.clone(),
        tests: tests(fit, &said)?,
        notes: said,
        warnings: fit.design().warnings().to_vec(),
        means_notes: own,
        inferred: trial.inferred().to_vec(),
    })
}

/// Who was randomized.
pub fn arms(trial: &Trial) -> Vec<Arm> {
    trial.arms().iter().zip(trial.randomized()).map(|(arm, randomized)| Arm { arm: arm.clone(), randomized }).collect()
}

/// Who is not analysed, and why.
pub fn exclusions(found: &trialstats::design::Exclusions) -> Exclusions {
    let (without_outcome, wholly_excluded) = found.patients_left_out();
    Exclusions {
        randomized: found.randomized,
        analysed: found.analysed,
        without_outcome,
        wholly_excluded,
        reasons: found.counts().into_iter().map(|(reason, observations)| Reason { reason, observations }).collect(),
        by_arm: found.reasons().to_vec(),
    }
}

fn factors(fit: &Fit) -> Vec<Factor> {
    let term = |term: &RandomTerm| Factor { effects: term.effects().join(", "), factor: term.factor().into(), levels: term.levels().len() };
    fit.design().random().iter().map(term).collect()
}

/// Joint tests of the terms.
pub fn tests(of: &dyn Estimates, said: &[String]) -> Result<Tests, Failure> {
    let found = of.term_tests()?;
    let term = |of: &JointTest| TermTest {
        term: of.term.clone(),
        num_df: of.test.as_ref().map(|t| t.num_df),
        denom_df: of.test.as_ref().map(|t| t.denom_df),
        f: of.test.as_ref().map(|t| t.f),
        p: of.test.as_ref().map(|t| t.p),
        left_out: of.left_out,
    };
    let notes = Tabular::notes(&found).iter().filter(|note| !said.contains(note)).cloned().collect();
    Ok(Tests { kind: found.kind, terms: found.rows.iter().map(term).collect(), notes })
}

/// Marginal means, cell by cell.
pub fn marginal_means(means: &MarginalMeans) -> Vec<MarginalMean> {
    let row = |r: &trialstats::means::MarginalMean| MarginalMean {
        arm: label(&r.arm),
        visit: label(&r.visit),
        levels: (r.levels.len() != usize::from(r.arm.is_some()) + usize::from(r.visit.is_some()))
            .then(|| means.factors.iter().cloned().zip(r.levels.iter().cloned().map(Value::from)).collect()),
        estimate: r.estimate.estimate,
        se: r.estimate.se,
        df: r.estimate.df,
        lower: r.lower,
        upper: r.upper,
        not_estimable: r.not_estimable.clone(),
    };
    means.rows.iter().map(row).collect()
}

fn label(of: &Option<Labelled>) -> String {
    of.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// Contrasts, row by row.
pub fn differences(contrasts: &Contrasts) -> Vec<Contrast> {
    let row = |r: &trialstats::means::Contrast| Contrast {
        contrast: r.label(),
        visit: label(&r.visit),
        estimate: r.estimate.estimate,
        se: r.estimate.se,
        df: r.estimate.df,
        lower: r.lower,
        upper: r.upper,
        t: r.estimate.t,
        p: r.estimate.p,
        p_adjusted: (contrasts.adjustment != Adjustment::None).then_some(r.p_adjusted),
        not_estimable: r.not_estimable.clone(),
    };
    contrasts.rows.iter().map(row).collect()
}

/// The fitted structure's short name where it has one, else the full one.
fn structure(fit: &Fit) -> String {
    let covariance = fit.covariance_structure();
    covariance.short_name().map_or_else(|| covariance.to_string(), str::to_string)
}

/// The formula with the covariance of the visits, which it may state itself.
fn whole_formula(answer: &Answer) -> String {
    let formula = answer.arguments.formula.trim();
    if answer.covariance_in_formula { formula.into() } else { format!("{formula} + {}", covariance_term(answer.arguments, &answer.fit)) }
}

/// The covariance in mmrm's notation: `us(AVISIT | USUBJID)`, or `us(AVISIT | ARMCD/USUBJID)` where it differs by
/// group.
fn covariance_term(arguments: &FitArguments, fit: &Fit) -> String {
    let group = arguments.group.as_ref().map_or_else(String::new, |g| format!("{g}/"));
    format!("{}({} | {group}{})", structure(fit), arguments.source.visit(), arguments.source.subject)
}

/// A matrix as rows.
pub fn by_row(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.row_iter().map(|row| row.iter().copied().collect()).collect()
}

/// The joint test of every coefficient of an interaction with visit, the rows as they are; none where the model has
/// no such term.
fn interaction_test(answer: &Answer) -> Result<Option<InteractionTest>, Failure> {
    let Some((terms, test)) = super::interaction::test(&answer.fit, answer.arguments.source.visit())? else {
        return Ok(None);
    };
    Ok(Some(InteractionTest { terms, num_df: test.num_df as u64, denom_df: test.denom_df, f: test.f, p: test.p }))
}
