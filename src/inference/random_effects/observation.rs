//! The covariance of a patient's observations as a model with random effects has it.

use super::FittedTerm;
use crate::error::Result;
use crate::inference::Fit;
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::DMatrix;
use serde::Serialize;

/// Standard deviations and correlations of a patient's observations, random effects and residuals together.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObservationCovariances {
    /// Labels of the analysed visits.
    pub visits: Vec<String>,
    /// One, or one for each arm and covariance group where they differ.
    pub rows: Vec<ObservationCovariance>,
    /// How they were made.
    pub notes: Vec<String>,
}

/// The covariance of the observations of a patient of an arm.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObservationCovariance {
    /// The arm; `None` where it is that of every patient.
    pub arm: Option<String>,
    /// The covariance group; `all` where there is one.
    pub group: String,
    /// The standard deviation of an observation about its mean, visit by visit.
    pub sd: Vec<f64>,
    /// The correlation of two observations, visit by visit; of observations in the same clusters.
    pub correlation: Vec<Vec<f64>>,
}

impl Fit {
    /// The standard deviation of an observation about its mean, and the correlations of a patient's observations in the
    /// same clusters, as the model has them: Σ and z'Gz of every random effect together, z averaged over the observations
    /// of an arm that belong to a cluster.
    ///
    /// Of a model without random effects it is what [`Fit::covariances`](crate::inference::MomentsFit::covariances) has.
    ///
    /// ```
    /// # use trialstats::{Model, simulate::Gaussian};
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 40, [5.0, 5.0]).arm("b", 40, [5.0, 4.0]).trial(1, 0)?;
    /// let fit = Model::formula("y ~ arm * visit + (1 | patient)")?.fit(&trial)?;
    /// let components = fit.variance_components();
    /// let (patients, residual) = (components.rows[0].variance, components.rows[1].variance);
    /// let observation = &fit.observation_covariance()?.rows[0];
    /// assert!((observation.sd[0] - (patients + residual).sqrt()).abs() < 1e-9);
    /// assert!((observation.correlation[0][1] - patients / (patients + residual)).abs() < 1e-9);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) where the covariance takes coordinates that differ by patient.
    pub fn observation_covariance(&self) -> Result<ObservationCovariances> {
        let what = "the covariance of an observation";
        self.check_shared_covariance(what)?;
        let (design, terms) = (self.design(), self.fitted_terms());
        let mut found: Vec<(usize, usize, DMatrix<f64>)> = vec![];
        for arm in 0..design.columns.arms.len() {
            for group in 0..design.groups().len() {
                let of = |i: &usize| design.rows.arm_of[*i] == arm && design.rows.group_of[*i] == group;
                let members: Vec<usize> = (0..design.patients().len()).filter(of).collect();
                if !members.is_empty() {
                    let effects = terms.iter().map(|term| self.of_effects(term, &members));
                    found.push((arm, group, effects.fold(self.covariances()[group].sigma.clone(), |sum, own| sum + own)));
                }
            }
        }
        let same = found.windows(2).all(|pair| (&pair[0].2 - &pair[1].2).amax() <= 1e-12 * pair[0].2.amax());
        found.truncate(if same { 1 } else { found.len() });
        let row = |(arm, group, v): &(usize, usize, DMatrix<f64>)| {
            let sd: Vec<f64> = v.diagonal().iter().map(|variance| variance.sqrt()).collect();
            let correlation = (0..sd.len()).map(|s| (0..sd.len()).map(|t| v[(s, t)] / (sd[s] * sd[t])).collect()).collect();
            let arm = (!same).then(|| design.columns.arms[*arm].clone());
            ObservationCovariance { arm, group: if same { "all".into() } else { design.groups()[*group].clone() }, sd, correlation }
        };
        let rows = found.iter().map(row).collect();
        Ok(ObservationCovariances { visits: design.visit_labels().to_vec(), rows, notes: self.notes() })
    }

    /// What the effects of a factor add to the covariance of an observation at one visit and one at another in the same
    /// level, on average over these patients.
    fn of_effects(&self, of: &FittedTerm<'_>, members: &[usize]) -> DMatrix<f64> {
        let (visits, k) = (self.design().visit_labels().len(), of.term.effects().len());
        let g = of.covariance(&self.optimum().theta);
        let z = |i: usize, t: usize| {
            let row = i * visits + t;
            of.term.level_of()[row].map(|_| &of.term.z()[row * k..(row + 1) * k])
        };
        let product = |a: &[f64], b: &[f64]| (0..k).map(|r| (0..k).map(|c| a[r] * g[(r, c)] * b[c]).sum::<f64>()).sum::<f64>();
        let mean_z = |t: usize| -> Option<Vec<f64>> {
            let own: Vec<&[f64]> = members.iter().filter_map(|&i| z(i, t)).collect();
            (!own.is_empty()).then(|| (0..k).map(|e| own.iter().map(|z| z[e]).sum::<f64>() / own.len() as f64).collect())
        };
        DMatrix::from_fn(visits, visits, |s, t| {
            let pairs: Vec<f64> = members.iter().filter_map(|&i| Some(product(z(i, s)?, z(i, t)?))).collect();
            match pairs.len() {
                // Nobody was seen at both visits: the two averages stand in for a patient.
                0 => mean_z(s).zip(mean_z(t)).map_or(0.0, |(a, b)| product(&a, &b)),
                n => pairs.iter().sum::<f64>() / n as f64,
            }
        })
    }
}

impl ObservationCovariances {
    /// Whether every observation has one standard deviation and every pair one correlation, arm by arm.
    fn is_uniform(&self) -> bool {
        let alike = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.first().zip(values.last()).is_none_or(|(low, high)| high - low <= 1e-9 * high.abs())
        };
        self.rows.iter().all(|row| {
            let pairs = (0..row.sd.len()).flat_map(|s| (0..s).map(move |t| row.correlation[s][t])).collect();
            alike(row.sd.clone()) && alike(pairs)
        })
    }
}

impl Tabular for ObservationCovariances {
    fn title(&self) -> String {
        "Standard deviation and correlation of an observation".into()
    }

    fn columns(&self) -> Vec<Column> {
        let visits = if self.is_uniform() { 1 } else { self.visits.len() };
        let lines = || self.rows.iter().flat_map(move |row| (0..visits).map(move |t| (row, t)));
        let mut columns = vec![];
        if self.rows.len() > 1 {
            columns.push(Column::text("arm", "Arm", lines().map(|(row, _)| row.arm.as_deref().unwrap_or("all"))));
        }
        if self.rows.iter().any(|row| row.group != "all" && Some(&row.group) != row.arm.as_ref()) {
            columns.push(Column::text("group", "Group", lines().map(|(row, _)| row.group.as_str())));
        }
        if visits > 1 {
            columns.push(Column::text("visit", "Visit", lines().map(|(_, t)| self.visits[t].as_str())));
        }
        columns.push(Column::significant("sd", "SD", 3, lines().map(|(row, t)| row.sd[t])));
        if visits == 1 && self.visits.len() > 1 {
            columns.push(Column::real("correlation", "Correlation", Format::Decimals(3), lines().map(|(row, _)| row.correlation[1][0])));
        }
        for s in 0..visits.saturating_sub(1) {
            let below = lines().map(|(row, t)| if t > s { row.correlation[t][s] } else { f64::NAN });
            columns.push(Column::real(format!("correlation_{}", s + 1), &self.visits[s], Format::Decimals(3), below));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        let own = "Random effects and residuals together: the SD of an observation about its mean, and the correlation of two observations of a \
                   patient in the same clusters.";
        self.notes.iter().cloned().chain([own.to_string()]).collect()
    }
}

display_as_table!(ObservationCovariances);
