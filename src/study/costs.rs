//! What a design costs: another group against another patient.

use super::draw::Drawer;
use super::run::{PointResult, StudyResult};

/// What patients and groups cost, in any unit: the table `[study.costs]`.
///
/// ```toml
/// [study.costs]
/// patient = 1800
/// group = 4200 # each cluster that belongs to one arm, such as a therapy group
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Costs {
    /// Of each patient.
    pub patient: f64,
    /// Of each cluster that belongs to one arm.
    pub group: f64,
}

impl Costs {
    /// Whether both are numbers from zero on.
    pub(super) fn are_sensible(&self) -> bool {
        [self.patient, self.group].iter().all(|x| *x >= 0.0 && x.is_finite())
    }

    /// Of the trials of a drawer.
    pub(super) fn of(&self, drawer: &Drawer) -> f64 {
        self.patient * drawer.truth().patients() as f64 + self.group * drawer.groups() as f64
    }
}

impl StudyResult {
    /// The cheapest of the designs simulated whose power is the one sought: of the truth as stated and of those that differ in
    /// patients, the size of groups and allocation alone. None where there are no costs, or none has the power.
    pub fn cheapest(&self) -> Option<&PointResult> {
        let is_design = |point: &&PointResult| ["", "patients", "group-size", "allocation"].contains(&point.varied.as_str());
        let has_power = |point: &&PointResult| point.characteristics.rows[0].successes.share >= self.power;
        let of = |point: &PointResult| point.cost.unwrap_or(f64::INFINITY);
        let designs = self.points.iter().filter(is_design).filter(has_power).filter(|point| point.cost.is_some());
        designs.min_by(|a, b| of(a).total_cmp(&of(b)))
    }

    /// The cheapest design in a sentence, where there are costs.
    pub fn sentence_of_costs(&self) -> Option<String> {
        self.base().cost?;
        let Some(point) = self.cheapest() else {
            return Some(format!("None of the designs simulated has a power of {}.", crate::level::percent(self.power)));
        };
        let patients = point.patients.iter().map(usize::to_string).collect::<Vec<_>>().join(" + ");
        let what = match point.varied.as_str() {
            "group-size" => format!(" in groups of {}", point.value),
            _ => String::new(),
        };
        Some(format!(
            "The cheapest of the designs simulated with a power of {} has {patients} patients{what} and costs {}: its power is {:.1}%.",
            crate::level::percent(self.power),
            point.cost.unwrap_or(f64::NAN),
            100.0 * point.characteristics.rows[0].successes.share
        ))
    }
}
