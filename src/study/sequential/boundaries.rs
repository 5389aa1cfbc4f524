//! Bounds, and what they do at any drift.

use super::recursion::{Integration, root};
use crate::dist::normal;
use crate::error::{Error, Result};
use crate::study::analytic::Sides;
use crate::table::{Column, Format, Tabular, display_as_table};

/// One look.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Look {
    /// The information fraction.
    pub information: f64,
    /// A statistic from here on stops for efficacy.
    pub upper: f64,
    /// A statistic up to here stops for futility, where the design has such a bound.
    pub futility: Option<f64>,
    /// The p-value at the bound for efficacy, of both tails where the test is two-sided.
    pub nominal_p: f64,
    /// The type I error spent by this look, of both tails where bounds are symmetric.
    pub spent: f64,
}

impl Look {
    pub(super) fn new(information: f64, upper: f64, futility: Option<f64>, sides: Sides, spent: f64) -> Self {
        let tails = if sides == Sides::Two { 2.0 } else { 1.0 };
        Self { information, upper, futility, nominal_p: tails * normal::sf(upper), spent }
    }
}

/// The bounds of a group-sequential design.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Boundaries {
    /// The looks in their order.
    pub looks: Vec<Look>,
    /// The level.
    pub alpha: f64,
    /// How many tails the test has.
    pub sides: Sides,
    #[serde(skip)]
    tail: f64,
    #[serde(skip)]
    symmetric: bool,
    sentence: String,
}

/// How often a trial stops where, at one drift.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Exits {
    /// The expected statistic at full information.
    pub drift: f64,
    /// The probability of stopping at each look for efficacy, in the direction of a positive effect.
    pub efficacy: Vec<f64>,
    /// The probability of significance at each look in the other direction, where bounds are symmetric.
    pub opposite: Vec<f64>,
    /// The probability of stopping at each look for futility; at the last look, of ending without significance where there
    /// is such a bound.
    pub futility: Vec<f64>,
    /// The expected information, as a fraction of the full one.
    pub expected_information: f64,
}

impl Exits {
    /// The probability of significance in the direction of a positive effect.
    pub fn power(&self) -> f64 {
        self.efficacy.iter().sum()
    }
}

impl Boundaries {
    pub(super) fn new(looks: Vec<Look>, alpha: f64, sides: Sides, tail: f64, symmetric: bool, sentence: String) -> Self {
        Self { looks, alpha, sides, tail, symmetric, sentence }
    }

    /// How often a trial with this drift stops where; it stops at bounds for futility.
    pub fn exits(&self, drift: f64) -> Exits {
        let integration = Integration::new();
        let mut before = integration.start(drift);
        let mut exits = Exits { drift, efficacy: vec![], opposite: vec![], futility: vec![], expected_information: 0.0 };
        let mut left = 1.0;
        for (k, look) in self.looks.iter().enumerate() {
            let t = look.information;
            let lower = if self.symmetric { -look.upper } else { look.futility.unwrap_or(f64::NEG_INFINITY) };
            let (up, down) = (before.above(t, look.upper), if lower.is_finite() { before.below(t, lower) } else { 0.0 });
            exits.efficacy.push(up);
            exits.opposite.push(if self.symmetric { down } else { 0.0 });
            exits.futility.push(if self.symmetric { 0.0 } else { down });
            let before_this = k.checked_sub(1).map_or(0.0, |k| self.looks[k].information);
            // Everyone still in the trial gives the information of this look.
            exits.expected_information += left * (t - before_this);
            left -= up + down;
            before = integration.go_on(&before, t, (lower, look.upper), self.looks.get(k + 1).map(|look| look.information));
        }
        exits
    }

    /// The drift with this power.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a power that is none.
    pub fn drift(&self, power: f64) -> Result<f64> {
        if !(power > self.tail && power < 1.0) {
            let why = format!("a test at this level has power between {} (no effect) and 1", self.tail);
            return Err(Error::out_of_range(format!("a power of {power}"), why, "give a power such as 0.8"));
        }
        let drift = root(0.0, 40.0, |drift| self.exits(drift).power() - power);
        if drift.is_nan() {
            return Err(Error::not_defined(
                format!("the drift with a power of {power}"),
                "these bounds have no such power",
                "ask for another power",
            ));
        }
        Ok(drift)
    }

    /// How much more information this design needs at its end than a trial without interim looks of the same level and
    /// power.
    ///
    /// # Errors
    /// As [`Boundaries::drift`].
    pub fn inflation(&self, power: f64) -> Result<f64> {
        let fixed = normal::quantile(power) - normal::quantile(self.tail);
        Ok((self.drift(power)? / fixed).powi(2))
    }
}

impl Tabular for Boundaries {
    fn title(&self) -> String {
        "Group-sequential bounds".into()
    }

    fn columns(&self) -> Vec<Column> {
        let of = |f: &dyn Fn(&Look) -> f64| self.looks.iter().map(f).collect::<Vec<_>>();
        let mut columns = vec![
            Column::real("information", "Information", Format::Percent, of(&|l| l.information)),
            Column::real("efficacy", "Efficacy, z", Format::Decimals(4), of(&|l| l.upper)),
        ];
        if self.looks.iter().any(|l| l.futility.is_some()) {
            columns.push(Column::real("futility", "Futility, z", Format::Decimals(4), of(&|l| l.futility.unwrap_or(f64::NAN))));
        }
        columns.push(Column::real("nominal_p", "Nominal p", Format::Probability, of(&|l| l.nominal_p)));
        columns.push(Column::real("spent", "Type I error spent", Format::Probability, of(&|l| l.spent)));
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("Group-sequential test, {}.", self.sentence)]
    }
}

display_as_table!(Boundaries);
