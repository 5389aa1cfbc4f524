//! Ordered categories: which values of an outcome they are, lowest first.

use crate::error::{Error, Result, shown};
use crate::trial::{Outcome, Scope, Trial, Variable};

/// The categories of an ordinal outcome, lowest first.
///
/// ```
/// use trialstats::generalized::Categories;
///
/// // Numbers, ascending.
/// assert_eq!(Categories::default().stated(), None);
/// let stated = Categories::ordered(["none", "mild", "severe"]);
/// assert_eq!(stated.stated().map(<[String]>::len), Some(3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Categories(Option<Vec<String>>);

/// More values are a measurement.
const MOST: usize = 100;

impl Categories {
    /// These values, lowest first: numbers, or texts of a column of texts. [`Categories::default`] takes the numbers that
    /// are observed, ascending.
    pub fn ordered<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Self {
        Self(Some(values.into_iter().map(|value| value.into().trim().to_string()).collect()))
    }

    /// The values, where they are stated.
    pub fn stated(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// The trial with positions 0, 1, … among the categories as its outcome `name`, and what the categories are called.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the trial has no such outcome; [`Error::Invalid`] for texts whose order is not stated, a
    /// value that is not among those stated, a category stated twice, and more than 100 categories.
    pub(super) fn applied(&self, trial: &Trial, name: &str) -> Result<(Trial, Vec<String>)> {
        let texts = trial.variables().iter().find(|v| v.name() == name && v.is_factor());
        let (values, labels, is_outcome) = match (trial.outcome(name), texts) {
            (Ok(outcome), _) => {
                let labels = self.labels(name, || numbers(&outcome.values))?;
                let known: Vec<Option<f64>> = labels.iter().map(|label| label.parse().ok()).collect();
                let at = |y: f64| known.iter().position(|own| *own == Some(y)).ok_or_else(|| y.to_string());
                (outcome.values.iter().map(|&y| if y.is_nan() { Ok(f64::NAN) } else { at(y).map(|k| k as f64) }).collect(), labels, true)
            }
            (Err(_), Some(texts)) => {
                let labels = self.labels(name, || Err(not_ordered(name, texts)))?;
                (of_texts(texts, &labels, trial)?, labels, false)
            }
            (Err(unknown), None) => return Err(unknown),
        };
        let values: Vec<Result<f64, String>> = values;
        let other = values.iter().find_map(|value| value.as_ref().err());
        if let Some(other) = other {
            return Err(Error::conflict(
                format!("the value `{}` of the ordinal outcome `{name}`", shown(other)),
                format!("it is not among the categories stated: {}", labels.join(", ")),
                "add it to them, in its place, or make it missing",
            ));
        }
        let values: Vec<f64> = values.into_iter().flatten().collect();
        let coded = match is_outcome {
            true => trial.with_outcome(name, values)?,
            false => trial.with_outcome_of_variable(Outcome { name: name.into(), label: name.into(), range: None, values }),
        };
        Ok((coded, labels))
    }

    /// The categories stated, or those found.
    fn labels(&self, name: &str, found: impl Fn() -> Result<Vec<String>>) -> Result<Vec<String>> {
        let labels = match &self.0 {
            Some(stated) => stated.clone(),
            None => found()?,
        };
        if let Some(twice) = (1..labels.len()).find(|&k| labels[..k].contains(&labels[k])) {
            return Err(Error::conflict(
                format!("the categories of `{name}`"),
                format!("`{}` is stated twice", shown(&labels[twice])),
                "state each category once, lowest first",
            ));
        }
        if labels.len() > MOST {
            return Err(Error::too_large(
                format!("the ordinal outcome `{name}`"),
                format!("it has {} different values, more than {MOST}", labels.len()),
                "analyse it as a measurement, or group its values",
            ));
        }
        Ok(labels)
    }
}

/// The numbers that occur, ascending.
fn numbers(values: &[f64]) -> Result<Vec<String>> {
    let mut found: Vec<f64> = values.iter().copied().filter(|y| !y.is_nan()).collect();
    found.sort_by(f64::total_cmp);
    found.dedup();
    Ok(found.iter().map(f64::to_string).collect())
}

fn of_texts(texts: &Variable, labels: &[String], trial: &Trial) -> Result<Vec<Result<f64, String>>> {
    let visits = trial.schedule().len();
    if texts.scope() == Scope::Patient && visits > 1 {
        return Err(Error::wrong_variable(
            format!("the outcome `{}`", texts.name()),
            "it was read as one text per patient, and which visits were attended is not known of it",
            "read it as `CovariateKind::FactorByVisit`",
        ));
    }
    let of_level: Vec<Result<f64, String>> =
        texts.levels().iter().map(|text| labels.iter().position(|l| l == text).map(|k| k as f64).ok_or_else(|| text.clone())).collect();
    let cells = (0..trial.patients().len()).flat_map(|i| (0..visits).map(move |t| (i, t)));
    Ok(cells.map(|(i, t)| texts.level(i, t, visits).map_or(Ok(f64::NAN), |level| of_level[level].clone())).collect())
}

fn not_ordered(name: &str, texts: &Variable) -> Error {
    Error::incomplete(
        format!("the ordinal outcome `{name}`"),
        format!("its values are texts, {}, and their order is not stated", texts.levels().join(", ")),
        "state the categories, lowest first: `Categories::ordered`, or `--categories LOWEST,…,HIGHEST`",
    )
}
