//! What is stated of a group-sequential design, and the bounds that follow.

use super::boundaries::{Boundaries, Look};
use super::recursion::{Continuing, Integration, root};
use super::spending::{Efficacy, Spending};
use crate::error::{Error, Result};
use crate::study::analytic::Sides;

/// Stopping for futility.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Futility {
    /// How the type II error is spent.
    pub spending: Spending,
    /// The type II error, 1 − power.
    pub beta: f64,
    /// Whether the trial must stop at the bound: the bounds for efficacy then take it into account. One that is not binding
    /// may be ignored without harm to the type I error.
    #[serde(default)]
    pub binding: bool,
}

impl Futility {
    /// A non-binding bound that spends the type II error `beta`.
    pub fn new(spending: Spending, beta: f64) -> Self {
        Self { spending, beta, binding: false }
    }

    /// The trial must stop at the bound.
    pub fn binding(mut self) -> Self {
        self.binding = true;
        self
    }
}

/// A group-sequential design.
///
/// | setting | default |
/// |---|---|
/// | information fractions | none: given to [`GroupSequential::new`], rising to 1 |
/// | [`alpha`](GroupSequential::alpha), [`sides`](GroupSequential::sides) | 0.05, two-sided |
/// | [`spending`](GroupSequential::spending), [`efficacy`](GroupSequential::efficacy) | Lan and DeMets' O'Brien–Fleming type |
/// | [`futility`](GroupSequential::futility) | none |
///
/// A two-sided design without futility has symmetric bounds that take both tails into account. With a bound for futility
/// the design is that of the tail where the effect lies, at half the level.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSequential {
    information: Vec<f64>,
    alpha: f64,
    sides: Sides,
    efficacy: Efficacy,
    futility: Option<Futility>,
}

impl GroupSequential {
    /// A design with looks at these fractions of the information; the last is the final analysis.
    pub fn new(information: impl Into<Vec<f64>>) -> Self {
        Self { information: information.into(), alpha: 0.05, sides: Sides::Two, efficacy: Efficacy::default(), futility: None }
    }

    /// A design with `looks` evenly spaced looks, the final analysis among them.
    pub fn evenly(looks: usize) -> Self {
        Self::new((1..=looks).map(|k| k as f64 / looks as f64).collect::<Vec<_>>())
    }

    /// The level, of both tails where the test is two-sided.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// How many tails the test has.
    pub fn sides(mut self, sides: Sides) -> Self {
        self.sides = sides;
        self
    }

    /// Bounds for efficacy by a spending function.
    pub fn spending(self, spending: Spending) -> Self {
        self.efficacy(spending.into())
    }

    /// How the bounds for efficacy are chosen.
    pub fn efficacy(mut self, efficacy: Efficacy) -> Self {
        self.efficacy = efficacy;
        self
    }

    /// Stopping for futility.
    pub fn futility(mut self, futility: Futility) -> Self {
        self.futility = Some(futility);
        self
    }

    /// The bounds.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the fractions rise to 1, levels lie between 0 and 1, and bounds with these properties exist.
    pub fn boundaries(&self) -> Result<Boundaries> {
        self.check()?;
        let integration = Integration::new();
        let (upper, lower) = match self.futility {
            None => (self.upper_alone(&integration)?, None),
            Some(futility) => {
                let (upper, lower) = self.with_futility(&integration, futility)?;
                (upper, Some(lower))
            }
        };
        let tail = self.sides.tail(self.alpha);
        let symmetric = self.is_symmetric();
        let mut spent = 0.0;
        let mut before = integration.start(0.0);
        let mut looks = vec![];
        for (k, &t) in self.information.iter().enumerate() {
            let futile = lower.as_ref().map(|lower| lower[k]);
            let below = match (symmetric, futile) {
                (true, _) => -upper[k],
                (false, Some(bound)) if self.futility.is_some_and(|f| f.binding) => bound,
                _ => f64::NEG_INFINITY,
            };
            spent += before.above(t, upper[k]);
            before = integration.go_on(&before, t, (below, upper[k]), self.information.get(k + 1).copied());
            looks.push(Look::new(t, upper[k], futile, self.sides, spent * if symmetric { 2.0 } else { 1.0 }));
        }
        Ok(Boundaries::new(looks, self.alpha, self.sides, tail, symmetric, self.sentence()))
    }

    /// Whether the bounds are symmetric about zero.
    fn is_symmetric(&self) -> bool {
        self.sides == Sides::Two && self.futility.is_none()
    }

    fn region(&self, upper: f64) -> (f64, f64) {
        if self.is_symmetric() { (-upper, upper) } else { (f64::NEG_INFINITY, upper) }
    }

    /// Bounds for efficacy where no other bound matters.
    fn upper_alone(&self, integration: &Integration) -> Result<Vec<f64>> {
        match self.efficacy {
            Efficacy::Spending(spending) => Ok(self.spent_above(integration, spending)),
            Efficacy::WangTsiatis(delta) => self.shaped(integration, delta),
        }
    }

    fn spent_above(&self, integration: &Integration, spending: Spending) -> Vec<f64> {
        let tail = self.sides.tail(self.alpha);
        let (mut before, mut spent, mut bounds) = (integration.start(0.0), 0.0, vec![]);
        for (k, &t) in self.information.iter().enumerate() {
            let now = spending.spent(tail, t);
            let bound = before.upper_bound(t, now - spent);
            spent = now;
            before = integration.go_on(&before, t, self.region(bound), self.information.get(k + 1).copied());
            bounds.push(bound);
        }
        bounds
    }

    /// Wang and Tsiatis' bounds.
    fn shaped(&self, integration: &Integration, delta: f64) -> Result<Vec<f64>> {
        let tail = self.sides.tail(self.alpha);
        let bounds = |c: f64| self.information.iter().map(|t| c * t.powf(delta - 0.5)).collect::<Vec<_>>();
        let spent = |c: f64| {
            let (mut before, mut spent) = (integration.start(0.0), 0.0);
            for (k, (&t, bound)) in self.information.iter().zip(bounds(c)).enumerate() {
                spent += before.above(t, bound);
                before = integration.go_on(&before, t, self.region(bound), self.information.get(k + 1).copied());
            }
            spent
        };
        let c = root(0.0, 12.0, |c| tail - spent(c));
        if c.is_nan() { Err(no_bounds("the level cannot be kept")) } else { Ok(bounds(c)) }
    }

    /// Bounds for efficacy and futility: the drift is the one at which the two meet at the last look.
    fn with_futility(&self, integration: &Integration, futility: Futility) -> Result<(Vec<f64>, Vec<f64>)> {
        let fixed = if futility.binding { None } else { Some(self.upper_alone(integration)?) };
        let at = |drift: f64| self.bounds_at(integration, futility, fixed.as_deref(), drift);
        let drift = root(0.0, 12.0, |drift| at(drift).2);
        if drift.is_nan() {
            return Err(no_bounds("no drift has this power with these bounds"));
        }
        let (upper, mut lower, _) = at(drift);
        if let (Some(last), Some(bound)) = (lower.last_mut(), upper.last()) {
            *last = *bound;
        }
        Ok((upper, lower))
    }

    /// Bounds where the type II error is spent under `drift`, and by how much the power is above that asked for.
    fn bounds_at(&self, integration: &Integration, futility: Futility, fixed: Option<&[f64]>, drift: f64) -> (Vec<f64>, Vec<f64>, f64) {
        let tail = self.sides.tail(self.alpha);
        let (mut null, mut alternative): (Continuing, Continuing) = (integration.start(0.0), integration.start(drift));
        let (mut upper, mut lower) = (vec![], vec![]);
        let (mut alpha_spent, mut beta_spent, mut power) = (0.0, 0.0, 0.0);
        for (k, &t) in self.information.iter().enumerate() {
            let next = self.information.get(k + 1).copied();
            let above = match (fixed, self.efficacy) {
                (Some(bounds), _) => bounds[k],
                (None, Efficacy::Spending(spending)) => {
                    let now = spending.spent(tail, t);
                    let bound = null.upper_bound(t, now - alpha_spent);
                    alpha_spent = now;
                    bound
                }
                (None, Efficacy::WangTsiatis(_)) => f64::NAN,
            };
            let now = futility.spending.spent(futility.beta, t);
            let below = alternative.lower_bound(t, now - beta_spent).min(above);
            beta_spent = now;
            power += alternative.above(t, above);
            upper.push(above);
            lower.push(if next.is_none() { above } else { below });
            null = integration.go_on(&null, t, (below, above), next);
            alternative = integration.go_on(&alternative, t, (below, above), next);
        }
        (upper, lower, power - (1.0 - futility.beta))
    }

    fn check(&self) -> Result<()> {
        let t = &self.information;
        let rises = t.windows(2).all(|w| w[1] > w[0]) && t.first().is_some_and(|t| *t > 0.0);
        if !rises || t.last().is_none_or(|t| (t - 1.0).abs() > 1e-12) {
            return Err(Error::out_of_range(
                format!("looks at the information fractions {t:?}"),
                "they do not rise from above 0 to 1",
                "give a fraction per look, 1 for the final analysis",
            ));
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(Error::out_of_range(
                format!("a level of {}", self.alpha),
                "it does not lie between 0 and 1",
                "give a level such as 0.05",
            ));
        }
        match self.efficacy {
            Efficacy::Spending(spending) => spending.check()?,
            Efficacy::WangTsiatis(delta) if !(-2.0..=0.5).contains(&delta) => {
                return Err(Error::out_of_range(
                    format!("Wang and Tsiatis' Δ of {delta}"),
                    "it does not lie from -2 to 0.5",
                    "give 0 for O'Brien and Fleming's bounds, 0.5 for Pocock's",
                ));
            }
            Efficacy::WangTsiatis(_) => {}
        }
        let Some(futility) = self.futility else { return Ok(()) };
        futility.spending.check()?;
        let tail = self.sides.tail(self.alpha);
        if !(futility.beta > 0.0 && futility.beta < 1.0 - tail) {
            return Err(Error::out_of_range(format!("a type II error of {}", futility.beta), "no test has it", "give one such as 0.2"));
        }
        if futility.binding && matches!(self.efficacy, Efficacy::WangTsiatis(_)) {
            return Err(Error::conflict(
                "a binding bound for futility with Wang and Tsiatis' bounds",
                "their shape leaves nothing to adapt to it",
                "use a spending function, or a bound that is not binding",
            ));
        }
        Ok(())
    }

    fn sentence(&self) -> String {
        let efficacy = match self.efficacy {
            Efficacy::Spending(Spending::OBrienFleming) => "Lan and DeMets' spending function of O'Brien and Fleming's type".to_string(),
            Efficacy::Spending(Spending::Pocock) => "Lan and DeMets' spending function of Pocock's type".into(),
            Efficacy::Spending(other) => format!("the spending function {other}"),
            Efficacy::WangTsiatis(0.0) => "O'Brien and Fleming's bounds".into(),
            Efficacy::WangTsiatis(0.5) => "Pocock's bounds".into(),
            Efficacy::WangTsiatis(delta) => format!("Wang and Tsiatis' bounds with Δ = {delta}"),
        };
        let futility = match self.futility {
            None => String::new(),
            Some(f) => format!(
                "; {} bounds for futility spend a type II error of {} by {}",
                if f.binding { "binding" } else { "non-binding" },
                f.beta,
                f.spending
            ),
        };
        format!(
            "{} at {} {}: {efficacy}{futility}",
            self.sides.words(),
            crate::level::percent(self.alpha),
            if self.is_symmetric() || self.sides == Sides::One { "" } else { "(the tail of the effect, at half the level)" }
        )
        .replace(" :", ":")
    }
}

fn no_bounds(why: &str) -> Error {
    Error::not_defined("the bounds of this group-sequential design", why, "change the level, the spending functions or the looks")
}
