//! What a model needs to know of the patients besides their outcomes.

use super::columns::number_of;
use super::function::Function;
use super::random_terms::RandomRows;
use super::*;
use crate::trial::{Identifiers, Outcome, Role, Trial, Variable};

/// What is known of every patient of a trial at every analysed visit, whether an outcome was observed there or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub patients: Identifiers,
    /// The arm of each patient.
    pub arm_of: Vec<usize>,
    /// T.
    pub visits: usize,
    /// The variables of the mean model.
    pub variables: Vec<Variable>,
    /// What each is a function of, where it is one; the values of the variable are those of its column.
    pub functions: Vec<Option<Function>>,
    /// Variables with the coefficient 1.
    pub offsets: Vec<Variable>,
    /// The factor that makes the covariance groups.
    pub group: Option<Variable>,
    /// Observation weights, patients × visits.
    pub weights: Option<Vec<f64>>,
    /// The random effects of clusters.
    pub(super) random: Vec<RandomRows>,
}

/// What a row lacks without which it cannot be analysed, in the order in which it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Lack {
    /// The first variable of the mean model that is missing.
    Variable(usize),
    Offset(usize),
    Group,
    Weight,
    /// What multiplies a random effect of a level that the row belongs to: the random term and its first variable
    /// that is missing.
    Random(usize, usize),
}

impl Known {
    pub fn new(trial: &Trial, model: &MeanModel, options: &DesignOptions, outcome: &Outcome, visits: &[usize]) -> Result<Self> {
        Ok(Self {
            patients: trial.shared_patients(),
            arm_of: trial.arm_of().to_vec(),
            visits: visits.len(),
            variables: variables::resolve(trial, model, outcome, visits)?,
            functions: model.variables.iter().map(|name| model.function(name).cloned()).collect(),
            offsets: variables::offsets(trial, model, outcome, visits)?,
            group: options.group.as_deref().map(|g| variables::patient_factor(trial, g)).transpose()?,
            weights: options.weights.as_deref().map(|w| variables::weights(trial, w, visits)).transpose()?,
            random: options.random.iter().map(|r| RandomRows::new(trial, model, outcome, visits, r)).collect::<Result<_>>()?,
        })
    }

    /// The same, had all patients been in one arm.
    pub fn under_arm(&self, arm: &str) -> Option<Self> {
        let moved = |variable: &Variable| match variable.role() {
            Role::Arm => {
                let level = variable.levels().iter().position(|level| level == arm)?;
                let codes = vec![Some(level); self.patients.len()];
                Some(Variable::of_codes(variable.name(), Role::Arm, variable.scope(), variable.levels().to_vec(), codes))
            }
            _ => Some(variable.clone()),
        };
        Some(Self { variables: self.variables.iter().map(moved).collect::<Option<_>>()?, ..self.clone() })
    }

    /// Whether a patient may lack something at one visit and not at another.
    pub fn lacks_by_visit(&self) -> bool {
        self.weights.is_some() || !self.random.is_empty() || self.variables.iter().chain(&self.offsets).any(Variable::varies_by_visit)
    }

    /// What a row lacks; `None` where an outcome there can be analysed.
    pub fn lack(&self, patient: usize, visit: usize) -> Option<Lack> {
        let (visits, row) = (self.visits, patient * self.visits + visit);
        if let Some(v) = self.variables.iter().position(|v| v.is_missing(patient, visit, visits)) {
            return Some(Lack::Variable(v));
        }
        if let Some(k) = self.offsets.iter().position(|v| v.is_missing(patient, visit, visits)) {
            return Some(Lack::Offset(k));
        }
        if self.group.as_ref().is_some_and(|g| g.is_missing(patient, visit, visits)) {
            return Some(Lack::Group);
        }
        if self.weights.as_ref().is_some_and(|w| !is_weight(w[row])) {
            return Some(Lack::Weight);
        }
        self.random.iter().enumerate().find_map(|(term, random)| random.missing(patient, visit).map(|v| Lack::Random(term, v)))
    }

    /// Whether nobody can lack anything: nothing is missing of anyone, and all weights are positive.
    pub fn lacks_nothing(&self) -> bool {
        let of_effects = self.random.iter().flat_map(|random| &random.variables);
        let mut variables = self.variables.iter().chain(&self.offsets).chain(&self.group).chain(of_effects);
        self.weights.iter().flatten().all(|&w| is_weight(w)) && variables.all(Variable::is_complete)
    }

    /// The variable that is lacking, and what is wrong with it.
    pub fn words(&self, lack: Lack, columns: &Columns) -> (String, String) {
        let missing = "is missing".to_string();
        match lack {
            Lack::Variable(v) => (self.variables[v].name().into(), missing),
            Lack::Offset(k) => (self.offsets[k].name().into(), missing),
            Lack::Group => (self.group.as_ref().map_or("", Variable::name).into(), "is missing, and it makes the covariance groups".into()),
            Lack::Weight => (columns.options.weights.clone().unwrap_or_default(), "is missing or not positive".into()),
            Lack::Random(term, v) => {
                let random = &self.random[term];
                (random.variables[v].name().into(), format!("is missing, and it multiplies a random effect of `{}`", random.factor))
            }
        }
    }

    /// The sum of the offsets of a patient at an analysed visit.
    pub fn offset(&self, patient: usize, visit: usize) -> f64 {
        self.offsets.iter().map(|v| v.value(patient, visit, self.visits)).sum()
    }

    /// The covariance group of a patient; the first where it is not known.
    pub fn group_of(&self, patient: usize) -> usize {
        self.group.as_ref().and_then(|g| g.level(patient, 0, self.visits)).unwrap_or(0)
    }

    /// An entry of z of a patient.
    pub fn value(&self, patient: usize, Product { parts, visit }: &Product) -> f64 {
        let t = visit.unwrap_or(0);
        let factor = |&(v, part): &(usize, Part)| match part {
            Part::Level(l) => f64::from(u8::from(self.variables[v].level(patient, t, self.visits) == Some(l))),
            number => number_of(&self.functions, v, number, self.variables[v].value(patient, t, self.visits)),
        };
        parts.iter().map(factor).product()
    }

    /// z of a patient; what belongs to a visit that is not `analysed` is zero, since a covariate may be missing there
    /// and nothing reads it.
    pub fn values<'a>(
        &'a self,
        patient: usize,
        products: &'a [Product],
        analysed: impl Fn(usize) -> bool + 'a,
    ) -> impl Iterator<Item = f64> + 'a {
        products.iter().map(move |product| match product.visit {
            Some(t) if !analysed(t) => 0.0,
            _ => self.value(patient, product),
        })
    }
}

/// Whether an observation can have this weight; not one that is no number.
fn is_weight(w: f64) -> bool {
    w > 0.0 && w.is_finite()
}
