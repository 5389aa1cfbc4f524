//! How much each patient moves the estimates: the fit without them.

use super::deletion::{Deletion, Own};
use super::{Estimate, Fit};
use crate::error::{Error, Result};
use crate::options::choices;
use crate::table::{Column, Format, Tabular, Values, counted, display_as_table};
use crate::trial::Trial;
use nalgebra::DVector;
use rayon::prelude::*;

/// What becomes of the covariance parameters when a patient is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CovarianceOnDeletion {
    /// They are held at the estimates from everybody (the default; SAS `INFLUENCE(EFFECT=… ITER=0)`). Exact, by
    /// downdating.
    #[default]
    Held,
    /// They are estimated again, to convergence: the fit without the patient (SAS `ITER=n`).
    Reestimated,
}

choices! {
    CovarianceOnDeletion, "covariance parameters without a patient":
    Held = "held", [], "held at the estimates from everybody: SAS ITER=0";
    Reestimated = "reestimated", ["re-estimated"], "estimated again without the patient: SAS ITER=n";
}

/// How influence is measured.
///
/// | option | default |
/// |---|---|
/// | `covariance` | [`CovarianceOnDeletion::Held`] |
/// | [`contrast`](InfluenceOptions::contrast) | none |
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct InfluenceOptions {
    covariance: CovarianceOnDeletion,
    contrasts: Vec<(String, Vec<f64>)>,
}

impl InfluenceOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of the covariance parameters.
    pub fn covariance(mut self, covariance: CovarianceOnDeletion) -> Self {
        self.covariance = covariance;
        self
    }

    /// Follows l'β, with one weight per column of the model matrix; see
    /// [`Design::marginal_row`](crate::design::Design::marginal_row) for those of a marginal mean.
    pub fn contrast(mut self, label: impl Into<String>, l: impl Into<Vec<f64>>) -> Self {
        self.contrasts.push((label.into(), l.into()));
        self
    }
}

/// The influence of every analysed patient, the largest Cook's distance first; those without whom nothing can be
/// computed come first of all.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Influence {
    /// Name of the outcome.
    pub outcome: String,
    /// What became of the covariance parameters.
    pub covariance: CovarianceOnDeletion,
    /// The columns of the model matrix.
    pub coefficients: Vec<Estimate>,
    /// The contrasts that were followed, as everybody gives them.
    pub contrasts: Vec<Estimate>,
    /// Names of the covariance parameters.
    pub covariance_parameters: Vec<String>,
    /// One row per patient.
    pub rows: Vec<PatientInfluence>,
    notes: Vec<String>,
}

/// What changes when one patient is left out. What could not be computed is NaN, and [`PatientInfluence::reason`]
/// says why.
///
/// β and Φ are estimate and model covariance of the p fitted coefficients, β₋ and Φ₋ those without the patient.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PatientInfluence {
    /// The patient.
    pub patient: String,
    /// Observations that leave with them.
    pub observations: usize,
    /// Cook's distance (β₋ − β)'Φ⁻¹(β₋ − β)/p (Cook 1977, Technometrics 19:15–18).
    pub cooks_distance: f64,
    /// (β₋ − β)'Φ₋⁻¹(β₋ − β)/p (Belsley, Kuh & Welsch 1980, Regression Diagnostics).
    pub mdffits: f64,
    /// |Φ₋| / |Φ|: below 1 where the estimates are more precise without the patient.
    pub covratio: f64,
    /// |tr Φ⁻¹Φ₋ − p|: 0 where the precision does not change.
    pub covtrace: f64,
    /// Σ (y − Xβ₋)² over the patient's observations, in squared units of the outcome.
    pub press: f64,
    /// β₋ − β, one per column of the model matrix; NaN for aliased columns.
    pub coefficient_changes: Vec<f64>,
    /// l'β₋ − l'β, one per contrast.
    pub contrast_changes: Vec<f64>,
    /// The covariance parameters, where they were estimated again.
    pub covariance: Option<CovarianceInfluence>,
    /// Why the estimates without the patient could not be computed.
    pub reason: Option<String>,
}

/// What changes in the covariance parameters θ when one patient is left out.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CovarianceInfluence {
    /// θ₋ − θ, in the order of [`Influence::covariance_parameters`].
    pub changes: Vec<f64>,
    /// (θ₋ − θ)'Γ⁻¹(θ₋ − θ), Γ the asymptotic covariance of θ; NaN where a variance is at its boundary.
    pub cooks_distance: f64,
    /// 2(ℓ(β, θ) − ℓ(β₋, θ₋)) on the data of everybody, ℓ the (restricted) log-likelihood (Cook 1986, J R Stat Soc B
    /// 48:133–169).
    pub likelihood_distance: f64,
}

impl Fit {
    /// What each patient's data do to the estimates: all of them leave together, as in PROC MIXED's
    /// `INFLUENCE(EFFECT=patient)`.
    ///
    /// With the covariance parameters held, the estimates without a patient follow exactly from those of everybody,
    /// at a cost that grows with the number of patients; estimated again they are those of a fit without the patient.
    /// `trial` gives the patients' names.
    ///
    /// ```
    /// use trialstats::design::Averaging;
    /// use trialstats::inference::InfluenceOptions;
    /// use trialstats::simulate::Gaussian;
    /// use trialstats::Model;
    ///
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 20, [5.0, 5.0]).arm("b", 20, [5.0, 4.0]).trial(1, 0)?;
    /// let fit = Model::formula("y ~ arm * visit")?.fit(&trial)?;
    /// let mean = |arm| fit.design().marginal_row(&[("arm", arm), ("visit", "after")], &Averaging::default());
    /// let difference: Vec<f64> = mean("b")?.iter().zip(mean("a")?).map(|(b, a)| b - a).collect();
    /// let influence = fit.influence(&trial, &InfluenceOptions::new().contrast("b - a, after", difference))?;
    /// assert!(influence.rows[0].cooks_distance >= influence.rows[1].cooks_distance);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for another trial than the one that was fitted or a contrast of another length,
    /// [`Error::NotEstimable`] for a contrast that the data do not determine.
    pub fn influence(&self, trial: &Trial, options: &InfluenceOptions) -> Result<Influence> {
        self.check_shared_covariance("influence")?;
        self.must_have_no_clusters("the influence of patients")?;
        let design = self.design();
        if design.patients().iter().any(|&i| i >= trial.patients().len()) {
            return Err(Error::another_trial(
                "influence of patients",
                "the fit has patients that this trial lacks",
                "give the trial that was fitted",
            ));
        }
        let followed: Vec<DVector<f64>> =
            options.contrasts.iter().map(|(label, l)| self.centred_weights(label, l)).collect::<Result<_>>()?;
        let contrasts = options.contrasts.iter().map(|(label, l)| self.estimate(label, l)).collect::<Result<_>>()?;
        let matrix = design.model_matrix();
        let patients: Vec<&[(usize, usize, Vec<f64>)]> = matrix.chunk_by(|a, b| a.0 == b.0).collect();
        let refitter = match options.covariance {
            CovarianceOnDeletion::Held => None,
            CovarianceOnDeletion::Reestimated => Some(self.refitter()?.exact()),
        };
        let mut rows = patients
            .par_iter()
            .map(|rows| {
                let own = Own::of(self, rows)?;
                let deletion = match &refitter {
                    None => own.held(self),
                    Some(refitter) => own.estimated_again(self, refitter.clone()),
                };
                let name = &trial.patients()[design.patients()[own.patient]];
                Ok(self.influence_row(name, own.observations(), deletion, &followed))
            })
            .collect::<Result<Vec<PatientInfluence>>>()?;
        // NaN is above every number.
        rows.sort_by(|a, b| b.cooks_distance.abs().total_cmp(&a.cooks_distance.abs()));
        Ok(Influence {
            outcome: design.outcome().into(),
            covariance: options.covariance,
            coefficients: self.coefficients().rows,
            contrasts,
            covariance_parameters: self.covariance_parameters().into_iter().map(|(name, _)| name).collect(),
            notes: notes(self, options.covariance, &rows),
            rows,
        })
    }

    fn influence_row(
        &self,
        patient: &str,
        observations: usize,
        deletion: Result<Deletion, String>,
        followed: &[DVector<f64>],
    ) -> PatientInfluence {
        let nan = f64::NAN;
        let mut coefficient_changes = vec![nan; self.design().columns().len()];
        let deletion = match deletion {
            Ok(deletion) => deletion,
            Err(reason) => {
                return PatientInfluence {
                    patient: patient.into(),
                    observations,
                    cooks_distance: nan,
                    mdffits: nan,
                    covratio: nan,
                    covtrace: nan,
                    press: nan,
                    coefficient_changes,
                    contrast_changes: vec![nan; followed.len()],
                    covariance: None,
                    reason: Some(reason),
                };
            }
        };
        let mut given = deletion.change.as_slice().to_vec();
        self.optimum().centring.coefficients(&mut given);
        self.optimum().kept.iter().zip(given).for_each(|(&c, change)| coefficient_changes[c] = change);
        PatientInfluence {
            patient: patient.into(),
            observations,
            cooks_distance: deletion.cooks_distance,
            mdffits: deletion.mdffits,
            covratio: deletion.covratio,
            covtrace: deletion.covtrace,
            press: deletion.press,
            coefficient_changes,
            contrast_changes: followed.iter().map(|l| l.dot(&deletion.change)).collect(),
            covariance: deletion.covariance.map(|c| CovarianceInfluence {
                changes: c.change,
                cooks_distance: c.cooks_distance,
                likelihood_distance: c.likelihood_distance,
            }),
            reason: None,
        }
    }
}

fn notes(fit: &Fit, covariance: CovarianceOnDeletion, rows: &[PatientInfluence]) -> Vec<String> {
    let mut notes = fit.notes();
    notes.push(
        match covariance {
            CovarianceOnDeletion::Held => {
                "Each patient is left out in turn; the covariance parameters are held at the estimates from everybody."
            }
            CovarianceOnDeletion::Reestimated => {
                "Each patient is left out in turn; the covariance parameters are estimated again without them."
            }
        }
        .into(),
    );
    notes.push(
        "Changes are without minus with the patient, in standard errors of the estimate from everybody. Cook's distance, MDFFITS, COVRATIO and COVTRACE \
         are of the model covariance of the coefficients, as PROC MIXED has them."
            .into(),
    );
    let failed = rows.iter().filter(|r| r.reason.is_some()).count();
    if failed > 0 {
        notes.push(format!("{failed} of {} cannot be left out: see the reasons.", counted(rows.len(), "patient")));
    }
    notes
}

impl Influence {
    /// The coefficient that a patient moves most, in standard errors, as a position among the coefficients, and by
    /// how many.
    fn most_moved(&self, row: &PatientInfluence) -> Option<(usize, f64)> {
        let moved = row.coefficient_changes.iter().zip(&self.coefficients).map(|(change, estimate)| change / estimate.se).enumerate();
        moved.filter(|(_, m)| m.is_finite()).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }
}

impl Tabular for Influence {
    fn title(&self) -> String {
        format!("Influence of patients on the model of {}", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name: &'static str, heading: &str, format: Format, of: fn(&PatientInfluence) -> f64| {
            Column::real(name, heading, format, self.rows.iter().map(of))
        };
        let (three, four) = (Format::Decimals(3), Format::Decimals(4));
        let most: Vec<Option<(usize, f64)>> = self.rows.iter().map(|r| self.most_moved(r)).collect();
        let mut columns = vec![
            Column::text("patient", "Patient", self.rows.iter().map(|r| r.patient.as_str())),
            Column::count("observations", "Observations", self.rows.iter().map(|r| r.observations)),
            real("cooks_distance", "Cook's distance", four, |r| r.cooks_distance),
            real("mdffits", "MDFFITS", four, |r| r.mdffits),
            real("covratio", "COVRATIO", three, |r| r.covratio),
            real("covtrace", "COVTRACE", four, |r| r.covtrace),
            real("press", "PRESS", Format::Decimals(2), |r| r.press),
        ];
        if self.covariance == CovarianceOnDeletion::Reestimated {
            let of = |of: fn(&CovarianceInfluence) -> f64| {
                self.rows.iter().map(move |r| r.covariance.as_ref().map_or(f64::NAN, of)).collect::<Vec<f64>>()
            };
            columns.push(Column::real("cooks_distance_covariance", "Cook's distance, covariance", four, of(|c| c.cooks_distance)));
            columns.push(Column::real("likelihood_distance", "Likelihood distance", four, of(|c| c.likelihood_distance)));
        }
        columns.push(Column::real("largest_change", "Largest change (SE)", three, most.iter().map(|m| m.map_or(f64::NAN, |m| m.1))));
        columns.push(Column {
            name: "of_coefficient".into(),
            heading: "of coefficient".into(),
            values: Values::Text(most.iter().map(|m| m.map(|m| self.coefficients[m.0].label.clone())).collect()),
        });
        for (k, contrast) in self.contrasts.iter().enumerate() {
            let change = self.rows.iter().map(|r| r.contrast_changes[k] / contrast.se);
            columns.push(Column::real(format!("change_{}", contrast.label), &format!("{} (SE)", contrast.label), three, change));
        }
        if self.rows.iter().any(|r| r.reason.is_some()) {
            let reasons = self.rows.iter().map(|r| r.reason.clone()).collect();
            columns.push(Column { name: "reason".into(), heading: "Why not".into(), values: Values::Text(reasons) });
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(Influence);
