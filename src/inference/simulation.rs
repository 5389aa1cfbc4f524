//! New outcomes from a fitted model, for the trial's own design.

use super::Fit;
use super::random_effects::semidefinite_factor;
use super::residuals::product;
use crate::design::RandomTerm;
use crate::error::{Error, Result};
use crate::simulate::random::{Stream, lower_factor, lower_row_times};
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::Trial;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Outcomes simulated from a fit: for every analysed patient at every visit that was observed, as the fit has it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Simulations {
    /// Name of the outcome.
    pub outcome: String,
    /// The analysed patients, as positions in the trial.
    pub patients: Vec<usize>,
    /// Labels of the analysed visits, T of them.
    pub visits: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// One vector per replicate: n × T values, patient by patient, NaN where nothing was analysed.
    pub replicates: Vec<Vec<f64>>,
    notes: Vec<String>,
}

impl Fit {
    /// Simulates the outcome of the analysed patients at their observed visits, `replicates` times: y = Xβ + ε with ε
    /// ~ N(0, Σ) at the estimates, which are taken as the truth. Observation weights w scale variances by 1/w.
    /// Effects of clusters are drawn anew, y = Xβ + Zu + ε with u ~ N(0, G).
    ///
    /// Replicate r draws from a stream of its own under `seed`, so that it is the same however many others are drawn
    /// and by however many threads.
    ///
    /// ```
    /// use trialstats::simulate::Gaussian;
    /// use trialstats::Model;
    ///
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 20, [5.0, 5.0]).arm("b", 20, [5.0, 4.0]).trial(1, 0)?;
    /// let model = Model::formula("y ~ arm * visit")?;
    /// let fit = model.fit(&trial)?;
    /// let simulations = fit.simulate(10, 20261121)?;
    /// let again = model.fit(&simulations.trial(0, &trial)?)?;
    /// assert_eq!(again.n_observations(), fit.n_observations());
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] where the fitted covariance is singular.
    pub fn simulate(&self, replicates: usize, seed: u64) -> Result<Simulations> {
        let simulator = Simulator::new(self)?;
        let replicates = (0..replicates as u64).into_par_iter().map(|replicate| simulator.outcome(seed, replicate)).collect();
        let mut notes = self.notes();
        notes.push(format!(
            "Simulated at the estimates, for the patients and visits analysed (ChaCha12, seed {seed}, one stream per replicate)."
        ));
        Ok(Simulations {
            outcome: self.design().outcome().into(),
            patients: self.design().patients().to_vec(),
            visits: self.design().visit_labels().to_vec(),
            seed,
            replicates,
            notes,
        })
    }
}

/// Draws outcomes from a fit.
pub(crate) struct Simulator {
    visits: usize,
    /// The Cholesky factor of Σ of each group, row by row.
    factors: Vec<Vec<f64>>,
    /// Patients' groups.
    group_of: Vec<usize>,
    /// x'β of every analysed observation, NaN elsewhere; n × T.
    means: Vec<f64>,
    /// The square roots of the weights.
    roots: Option<Vec<f64>>,
    /// The cluster factors, each with the factor Λ of G = ΛΛ'.
    clusters: Vec<(RandomTerm, DMatrix<f64>)>,
}

impl Simulator {
    pub fn new(fit: &Fit) -> Result<Self> {
        fit.check_shared_covariance("simulation")?;
        let design = fit.design();
        let visits = design.visit_labels().len();
        let factor = |sigma: &DMatrix<f64>| {
            lower_factor(sigma.as_slice(), visits).ok_or_else(|| {
                Error::not_defined(
                    "simulating from the fit",
                    "the fitted covariance is singular",
                    "choose a structure with fewer parameters",
                )
            })
        };
        let factors = fit.covariances().iter().map(|group| factor(&group.sigma)).collect::<Result<Vec<_>>>()?;
        let mut means = vec![f64::NAN; design.rows.y.len()];
        design.model_matrix().iter().for_each(|(i, t, x)| means[i * visits + t] = product(x, fit.beta()));
        let roots = design.rows.weights.as_ref().map(|weights| weights.iter().map(|w| w.sqrt()).collect());
        let theta = &fit.optimum().theta;
        let clusters = fit.fitted_terms().iter().map(|own| (own.term.clone(), semidefinite_factor(&own.covariance(theta)))).collect();
        Ok(Self { visits, factors, group_of: design.rows.group_of.clone(), means, roots, clusters })
    }

    /// The outcome of one replicate, n × T.
    pub fn outcome(&self, seed: u64, replicate: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, replicate, 0);
        let mut y = self.means.clone();
        let mut deviates = vec![0.0; self.visits];
        for (i, (own, &group)) in y.chunks_exact_mut(self.visits).zip(&self.group_of).enumerate() {
            deviates.iter_mut().for_each(|z| *z = stream.normal());
            for ((t, value), row) in own.iter_mut().enumerate().zip(self.factors[group].chunks_exact(self.visits)) {
                let deviation = lower_row_times(&row[..=t], &deviates);
                *value += self.roots.as_ref().map_or(deviation, |r| deviation / r[i * self.visits + t]);
            }
        }
        for (k, (term, factor)) in self.clusters.iter().enumerate() {
            // Patients draw from the first stream, the levels of each factor from one of their own.
            add_effects(term, factor, &mut Stream::new(seed, replicate, 1 + k as u64), &mut y);
        }
        y
    }
}

/// Draws the effects of every level of a factor and adds z'u to every observation in one.
fn add_effects(term: &RandomTerm, factor: &DMatrix<f64>, stream: &mut Stream, y: &mut [f64]) {
    let k = factor.nrows();
    let mut deviates = vec![0.0; k];
    let mut effects = vec![0.0; term.levels().len() * k];
    for own in effects.chunks_exact_mut(k) {
        deviates.iter_mut().for_each(|z| *z = stream.normal());
        own.iter_mut().enumerate().for_each(|(a, u)| *u = (0..k).map(|b| factor[(a, b)] * deviates[b]).sum());
    }
    for ((value, level), z) in y.iter_mut().zip(term.level_of()).zip(term.z().chunks_exact(k)) {
        if let Some(level) = level {
            let own = &effects[*level as usize * k..(*level as usize + 1) * k];
            *value += own.iter().zip(z).map(|(u, z)| u * z).sum::<f64>();
        }
    }
}

impl Simulations {
    /// `trial` with replicate `replicate` in place of the analysed outcomes, ready to be fitted again. Outcomes that
    /// the fit did not use, such as the baseline where it is a covariate, stay as they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a replicate that is not there or a trial with other patients, [`Error::Unknown`] for a
    /// trial with other visits or outcomes.
    pub fn trial(&self, replicate: usize, trial: &Trial) -> Result<Trial> {
        let Some(simulated) = self.replicates.get(replicate) else {
            return Err(Error::no_position(
                format!("replicate {replicate}"),
                format!("there are {}, counted from 0", self.replicates.len()),
                "ask for one of them, or simulate more",
            ));
        };
        let scheduled = trial.schedule().len();
        let visits = self.visits.iter().map(|label| trial.schedule().index_of(label)).collect::<Result<Vec<usize>>>()?;
        let mut values = trial.outcome(&self.outcome)?.values.clone();
        for (&patient, own) in self.patients.iter().zip(simulated.chunks_exact(visits.len())) {
            for (&visit, value) in visits.iter().zip(own).filter(|(_, value)| !value.is_nan()) {
                match values.get_mut(patient * scheduled + visit) {
                    Some(cell) => *cell = *value,
                    None => {
                        return Err(Error::another_trial(
                            "a simulated trial",
                            "it has other patients than the trial that was fitted",
                            "give the trial that was fitted",
                        ));
                    }
                }
            }
        }
        trial.with_outcome(&self.outcome, values)
    }

    /// Patient, visit and replicate of every simulated value, as positions in the table's vectors, with the value.
    fn values(&self) -> impl Iterator<Item = (usize, usize, usize, f64)> + '_ {
        let t = self.visits.len();
        let of_replicate = move |(r, values): (usize, &'_ Vec<f64>)| {
            values.iter().copied().enumerate().map(move |(k, value)| (r, k / t, k % t, value)).collect::<Vec<_>>()
        };
        self.replicates.iter().enumerate().flat_map(of_replicate).filter(|(.., value)| !value.is_nan())
    }
}

impl Tabular for Simulations {
    fn title(&self) -> String {
        format!("Simulated {}", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::count("replicate", "Replicate", self.values().map(|(r, ..)| r + 1)),
            Column::count("patient", "Patient (position)", self.values().map(|(_, i, ..)| self.patients[i])),
            Column::text("visit", "Visit", self.values().map(|(_, _, t, _)| self.visits[t].as_str())),
            Column::real("value", &self.outcome, Format::Decimals(3), self.values().map(|(.., value)| value)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(Simulations);
