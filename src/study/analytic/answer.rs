//! What a formula answers.

use super::solve::Sides;
use crate::table::{Column, Format, Tabular, display_as_table};

/// Patients, effect and power that go together, two of them given and the third found.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Answer {
    /// The formula, with its source.
    pub method: String,
    /// The number of patients of each arm, the reference first, before rounding.
    pub exact: [f64; 2],
    /// The effect.
    pub effect: f64,
    /// The power: the chance of significance on the side of the effect.
    pub power: f64,
    /// The level of the test, of both tails where it is two-sided.
    pub alpha: f64,
    /// How many tails it has.
    pub sides: Sides,
    notes: Vec<String>,
}

/// What rounding in the last digits may leave above a whole number.
const ROUNDING: f64 = 1e-9;

impl Answer {
    pub(super) fn new(method: String, exact: [f64; 2], effect: f64, power: f64, (alpha, sides): (f64, Sides), notes: Vec<String>) -> Self {
        Self { method, exact, effect, power, alpha, sides, notes }
    }

    /// The number of patients of each arm, the reference first, rounded up.
    pub fn patients(&self) -> [usize; 2] {
        self.exact.map(|n| (n * (1.0 - ROUNDING)).ceil() as usize)
    }

    /// The number of patients of both arms, each rounded up.
    pub fn total(&self) -> usize {
        self.patients().iter().sum()
    }
}

impl Tabular for Answer {
    fn title(&self) -> String {
        "Power by formula".into()
    }

    fn columns(&self) -> Vec<Column> {
        let [reference, other] = self.patients();
        vec![
            Column::count("patients_reference", "Patients, reference arm", [reference]),
            Column::count("patients_other", "Patients, other arm", [other]),
            Column::real("exact_reference", "before rounding", Format::Decimals(2), [self.exact[0]]),
            Column::real("exact_other", "before rounding", Format::Decimals(2), [self.exact[1]]),
            Column::significant("effect", "Effect", 3, [self.effect]),
            Column::real("power", "Power", Format::Percent, [self.power]),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let level = format!("{} test at the {} level.", self.sides.words(), crate::level::percent(self.alpha));
        std::iter::once(format!("{}; {level}", self.method)).chain(self.notes.iter().cloned()).collect()
    }
}

display_as_table!(Answer);
