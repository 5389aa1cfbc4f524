//! Random effects as a model states them.

use super::tokens::quoted;
use super::{EffectCovariance, ModelFormula};
use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// Random effects of the levels of a factor: what varies from therapist to therapist, from group to group, from
/// patient to patient.
///
/// Level j of the factor has effects u_j with mean 0 and covariance G, the same for all levels; z_it'u_j is added to
/// the mean of every observation that belongs to it. Observations that belong to no level have none of it, which is
/// how patients of an arm without groups are stated: their cell is empty in the data.
///
/// A [formula](crate::Model::formula) and the methods here say the same thing:
///
/// | formula | builder |
/// |---|---|
/// | `(1 \| therapist)` | `RandomEffects::of("therapist")` |
/// | `(1 \| site:therapist)` | `RandomEffects::of("therapist").within("site")` |
/// | `(0 + gst \| group)` | `RandomEffects::of("group").without_intercept().effect("gst")` |
/// | `(days \| patient)`, `(1 + days \| patient)` | `RandomEffects::of("patient").effect("days")` |
/// | `(1 + days \|\| patient)` | `RandomEffects::of("patient").effect("days").independent()` |
/// | `(0 + arm \| therapist)` | `RandomEffects::of("therapist").without_intercept().effect("arm")` |
///
/// The factor is a cluster of the trial, a covariate that is a factor, `patient` (or what the file calls it), or a
/// combination of such. An effect is that of a number, or of a factor, coded as in the mean: one effect a level
/// without the intercept, one per level but the first with it. Where the baseline is part of the response with one mean
/// for all arms ([`Baseline::Constrained`](super::Baseline::Constrained)), effects of arms begin with treatment: they
/// are zero at the baseline visit and before it.
///
/// ```
/// use trialstats::Model;
/// use trialstats::design::{MeanModel, RandomEffects};
///
/// let formula = Model::formula("caps5 ~ arm * visit + (1 | therapist) + (0 + gst | group)")?;
/// let built = Model::new(MeanModel::outcome("caps5").arm_by_visit())
///     .random_intercept("therapist")
///     .random(RandomEffects::of("group").without_intercept().effect("gst"));
/// assert_eq!(formula, built);
/// assert_eq!(formula.to_string(), "caps5 ~ arm * visit + (1 | therapist) + (0 + gst | group)");
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// They are read ([`FromStr`]) and written as a formula has them, in TOML and JSON too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomEffects {
    /// The factors whose combinations are the levels, one for most.
    pub(super) factors: Vec<String>,
    pub(super) intercept: bool,
    /// What multiplies the other effects: by degree, then by appearance, each the variables of a product.
    pub(super) terms: Vec<Vec<String>>,
    pub(super) structure: EffectCovariance,
}

impl RandomEffects {
    /// A random intercept of each level of `factor`.
    pub fn of(factor: impl Into<String>) -> Self {
        Self { factors: vec![factor.into()], intercept: true, terms: vec![], structure: EffectCovariance::default() }
    }

    /// Levels within those of another factor, so that `1` in one site and `1` in another are two:
    /// `(1 | site:therapist)`.
    pub fn within(mut self, outer: impl Into<String>) -> Self {
        self.factors.insert(0, outer.into());
        self
    }

    /// Adds the effect of a variable.
    pub fn effect(self, variable: &str) -> Self {
        self.interaction(&[variable])
    }

    /// Adds the effect of a product of variables.
    pub fn interaction(mut self, variables: &[&str]) -> Self {
        self.terms.push(variables.iter().map(|v| v.to_string()).collect());
        self.in_order()
    }

    /// Leaves the random intercept out.
    pub fn without_intercept(mut self) -> Self {
        self.intercept = false;
        self
    }

    /// Effects without covariances among them: `(1 + days || patient)`.
    pub fn independent(mut self) -> Self {
        self.structure = EffectCovariance::Independent;
        self
    }

    /// The factor whose levels have the effects: `therapist`, `site:therapist`.
    pub fn factor(&self) -> String {
        self.factors.iter().map(|f| quoted(f)).collect::<Vec<_>>().join(":")
    }

    /// The factors whose combinations are the levels.
    pub fn factors(&self) -> &[String] {
        &self.factors
    }

    /// Whether there is a random intercept.
    pub fn has_intercept(&self) -> bool {
        self.intercept
    }

    /// What multiplies the other effects, each the variables of a product.
    pub fn terms(&self) -> &[Vec<String>] {
        &self.terms
    }

    /// What the effects of a level have in common.
    pub fn structure(&self) -> EffectCovariance {
        self.structure
    }

    /// The variables of the effects in order of appearance.
    pub(super) fn variables(&self) -> Vec<String> {
        let mut found: Vec<String> = vec![];
        for name in self.terms.iter().flatten() {
            if !found.contains(name) {
                found.push(name.clone());
            }
        }
        found
    }

    /// Terms by degree, then by appearance, with the variables of each in the order in which the terms name them: one
    /// text, one value.
    pub(super) fn in_order(mut self) -> Self {
        for term in &mut self.terms {
            let mut seen = vec![];
            term.retain(|v| {
                !seen.contains(v) && {
                    seen.push(v.clone());
                    true
                }
            });
        }
        self.terms.retain(|t| !t.is_empty());
        self.terms.sort_by_key(Vec::len);
        let variables = self.variables();
        let place = |name: &String| variables.iter().position(|v| v == name);
        self.terms.iter_mut().for_each(|term| term.sort_by_key(place));
        let mut seen: Vec<Vec<String>> = vec![];
        self.terms.retain(|t| {
            !seen.contains(t) && {
                seen.push(t.clone());
                true
            }
        });
        self
    }
}

impl FromStr for RandomEffects {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |message: &str| Error::Formula { formula: text.into(), position: 1, message: message.into() };
        const LEFT: &str = "~ 1 + ";
        let found = ModelFormula::parse(&format!("{LEFT}{text}")).map_err(|error| match error {
            Error::Formula { position, message, .. } => {
                Error::Formula { formula: text.into(), position: position.saturating_sub(LEFT.len()).max(1), message }
            }
            other => other,
        })?;
        match (found.random.as_slice(), found.mean.terms().is_empty() && found.within.is_none()) {
            ([only], true) => Ok(only.clone()),
            ([], _) => Err(refused("these are no random effects; write `(1 | therapist)`, for example")),
            (_, true) => Err(refused("these are several random effects; state each by itself")),
            (_, false) => Err(refused("random effects stand here alone; the rest of the formula belongs elsewhere")),
        }
    }
}

crate::options::serde_by_name!(RandomEffects);

impl fmt::Display for RandomEffects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let intercept = match (self.intercept, self.terms.is_empty()) {
            (true, _) => Some("1".to_string()),
            (false, _) => Some("0".to_string()),
        };
        let terms = self.terms.iter().map(|t| t.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(":"));
        let left: Vec<String> = intercept.into_iter().chain(terms).collect();
        let bar = match self.structure {
            EffectCovariance::Correlated => "|",
            EffectCovariance::Independent => "||",
        };
        write!(f, "({} {bar} {})", left.join(" + "), self.factor())
    }
}
