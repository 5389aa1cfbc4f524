//! What stands in a formula beside the mean: random effects `(effects | clusters)` and the covariance of a patient's
//! visits, `structure(visit | patient)`.

use super::expansion::Expansion;
use super::formula::{Formula, formula_error};
use super::syntax::{Expr, Grouping, Operator};
use super::{EffectCovariance, MeanModel, RandomEffects};
use crate::error::{Error, Result};

/// A formula in its three parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelFormula {
    pub mean: MeanModel,
    pub random: Vec<RandomEffects>,
    pub within: Option<WithinPatients>,
}

/// `structure(visit | patient)`, or `structure(visit | group / patient)`: the covariance of a patient's visits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WithinPatients {
    /// The name of the structure.
    pub structure: String,
    /// What the visits are called: one name, or the coordinates of a spatial structure.
    pub visit: Vec<String>,
    /// The factor whose levels each have a covariance of their own.
    pub by: Option<String>,
    /// What the patient is called.
    pub patient: String,
    /// Where it stands in the formula.
    pub position: usize,
}

impl ModelFormula {
    /// Reads a formula with all its parts.
    ///
    /// # Errors
    /// [`Error::Formula`] with the character where it stops making sense.
    pub fn parse(text: &str) -> Result<Self> {
        let mut formula = Formula::parse(text)?;
        let (mut random, mut within): (Vec<RandomEffects>, Option<WithinPatients>) = (vec![], None);
        for grouping in std::mem::take(&mut formula.groupings) {
            if grouping.structure.is_some() {
                if within.is_some() {
                    return Err(formula_error(
                        text,
                        grouping.position,
                        "a second covariance structure; the visits of a patient have one, leave one of them out",
                    ));
                }
                within = Some(within_patients(text, &grouping)?);
                continue;
            }
            for effects in random_effects(text, &grouping)? {
                if random.contains(&effects) {
                    return Err(formula_error(
                        text,
                        grouping.position,
                        format!("`{effects}` is in the formula already; leave one of them out"),
                    ));
                }
                random.push(effects);
            }
        }
        Ok(Self { mean: MeanModel::of_formula(formula), random, within })
    }
}

/// The error of a formula that should be the mean alone.
pub(super) fn not_of_the_mean(text: &str, grouping: &Grouping) -> Error {
    let message = match &grouping.structure {
        Some(name) => format!(
            "`{name}(… | …)` is a covariance structure, and this formula is the mean alone; leave it out here and give it to the model with `.covariance(…)`, or give the whole formula to `Model::formula`"
        ),
        None => "`(… | …)` is a random effect, and this formula is the mean alone; leave it out here and give it to the model with `.random(…)`, or give the whole formula to `Model::formula`".into(),
    };
    formula_error(text, grouping.position, message)
}

/// The terms that `(left | right)` stands for: one, or one for each stage of `a / b`.
fn random_effects(text: &str, grouping: &Grouping) -> Result<Vec<RandomEffects>> {
    let mut left = Expansion::new(text);
    let terms = left.terms(&grouping.left, false)?;
    let Expansion { intercept, variables, functions, .. } = left;
    if let Some((name, _)) = functions.first() {
        let message = format!("`{name}` is a function, and random effects are those of columns; add the transformed variable to the data");
        return Err(formula_error(text, grouping.position, message));
    }
    if !intercept && terms.is_empty() {
        return Err(formula_error(
            text,
            grouping.position,
            "there is no random effect left of the bar; write 1 for a random intercept, or name a variable",
        ));
    }
    let named = |terms: &[Vec<usize>], names: &[String]| -> Vec<Vec<String>> {
        terms.iter().map(|t| t.iter().map(|&v| names[v].clone()).collect()).collect()
    };
    let terms = named(&terms, &variables);
    check_factor(text, &grouping.right, grouping.right_position)?;
    let mut right = Expansion::new(text);
    let factors = right.terms(&grouping.right, false)?;
    let structure = if grouping.independent { EffectCovariance::Independent } else { EffectCovariance::Correlated };
    let of = |factors: Vec<String>| RandomEffects { factors, intercept, terms: terms.clone(), structure }.in_order();
    Ok(named(&factors, &right.variables).into_iter().map(of).collect())
}

/// Refuses what is no factor, combination or nesting of factors.
fn check_factor(text: &str, expr: &Expr, position: usize) -> Result<()> {
    match expr {
        Expr::Name(..) => Ok(()),
        Expr::Sum(summands) if matches!(summands[..], [(false, _)]) => check_factor(text, &summands[0].1, position),
        Expr::Interaction(factors) => factors.iter().try_for_each(|factor| check_factor(text, factor, position)),
        Expr::Product(first, rest) if rest.iter().all(|(operator, _)| *operator == Operator::Nested) => {
            std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, factor)| factor)).try_for_each(|f| check_factor(text, f, position))
        }
        _ => Err(formula_error(
            text,
            position,
            "right of the bar stands a factor: `therapist`, `site:therapist`, or `site / therapist` for both; several factors have a term each, `(1 | a) + (1 | b)`",
        )),
    }
}

fn within_patients(text: &str, grouping: &Grouping) -> Result<WithinPatients> {
    let structure = grouping.structure.clone().unwrap_or_default();
    let remedy =
        format!("write `{structure}(visit | patient)`, or `{structure}(visit | arm / patient)` for a covariance of each arm's own");
    let visit: Option<Vec<String>> = std::iter::once(&grouping.left).chain(&grouping.more).map(single).collect();
    let visit = visit.ok_or_else(|| {
        formula_error(text, grouping.position, format!("left of the bar of a covariance structure stands the visit; {remedy}"))
    })?;
    let (by, patient) = match one(&grouping.right) {
        Expr::Product(by, rest) if matches!(rest[..], [(Operator::Nested, _)]) => (Some(single(by)), single(&rest[0].1)),
        other => (None, single(other)),
    };
    match (by, patient) {
        (Some(Some(by)), Some(patient)) => Ok(WithinPatients { structure, visit, by: Some(by), patient, position: grouping.position }),
        (None, Some(patient)) => Ok(WithinPatients { structure, visit, by: None, patient, position: grouping.position }),
        _ => Err(formula_error(
            text,
            grouping.right_position,
            format!("right of the bar of a covariance structure stands the patient; {remedy}"),
        )),
    }
}

/// The summand of a sum that has one.
fn one(expr: &Expr) -> &Expr {
    match expr {
        Expr::Sum(summands) if matches!(summands[..], [(false, _)]) => one(&summands[0].1),
        other => other,
    }
}

fn single(expr: &Expr) -> Option<String> {
    match one(expr) {
        Expr::Name(name, _) => Some(name.clone()),
        _ => None,
    }
}
