//! A solution of the equations, as what is said of it.

use super::criteria::GeeCriteria;
use super::data::Data;
use super::dropout::DropoutWeights;
use super::equations::Undefined;
use super::sandwich::Sandwich;
use super::solve::{Solution, Unsolved, solve};
use super::{Equations, Gee, GeeVcov, WorkingCorrelation};
use crate::error::{Error, Result};
use crate::estimates::{Df, Link};
use crate::generalized::method::Method;
use crate::generalized::{Family, GeneralizedFit, NotFitted, Observations, independent};
use crate::options::choices;
use crate::table::{agreeing, counted};
use nalgebra::DMatrix;

/// The reference distribution of tests and intervals.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeeDf {
    /// The normal distribution, as SAS and geepack have it.
    Normal,
    /// t with K − p degrees of freedom, for K patients and p coefficients.
    ClustersMinusParameters,
    /// t with the degrees of freedom of the robust variance itself, 2 V²/Var(V), from the spread of the patients'
    /// contributions (Pan & Wall 2002, Statistics in Medicine 21:1429–1441).
    PanWall,
}

choices! {
    GeeDf, "degrees of freedom of generalized estimating equations":
    Normal = "normal", ["asymptotic", "infinite", "z"], "the normal distribution: SAS GENMOD, geepack";
    ClustersMinusParameters = "clusters-minus-parameters", ["k-p", "clusters-p"], "patients less coefficients";
    PanWall = "pan-wall", [], "Satterthwaite's for the robust variance, by the spread of the patients' contributions";
}

/// The solution of generalized estimating equations.
pub type GeeFit = GeneralizedFit<Equations>;

/// What estimating equations have beside coefficients and their covariance.
#[derive(Debug)]
pub struct Solved {
    data: Data,
    solution: Solution,
    sandwich: Sandwich,
    dropout: Option<DropoutWeights>,
}

/// The solution for these observations.
pub(super) fn solved(asked: Gee, observations: Observations) -> Result<GeeFit> {
    let (family, link) = (asked.outcome_family(), asked.link_function());
    let Equations { correlation, convention, vcov, .. } = asked.method;
    let dropout = asked.method.dropout.as_ref().map(|dropout| DropoutWeights::of(dropout, &observations)).transpose()?;
    if dropout.is_some() && vcov != GeeVcov::Robust {
        return Err(Error::not_built(
            format!("the covariance {vcov} with weights for dropout"),
            "only the robust covariance allows for the estimation of the weights",
            "choose the robust covariance",
        ));
    }
    let data = match &dropout {
        None => Data::of(&observations, family, link),
        Some(found) => Data::of_patients(&observations, family, link, Some(&found.weights)),
    };
    let (patients, p) = (observations.n_patients(), observations.width());
    if patients <= p && vcov != GeeVcov::ModelBased {
        return Err(Error::NotFitted(NotFitted::TooFewClusters { clusters: patients, columns: p }));
    }
    if observations.len() <= p {
        return Err(Error::NotFitted(NotFitted::TooFewClusters { clusters: observations.len(), columns: p }));
    }
    let solution = solve(&data, correlation, convention).map_err(|why| unsolved(&asked, &observations, &data, why))?;
    if is_extreme(&data, &solution.beta)
        && let Some(found) = independent::separation_of(&observations, family, link)
    {
        return Err(Error::NotFitted(found));
    }
    let sandwich = match &dropout {
        None => Sandwich::of(&data, &solution, vcov),
        Some(found) => found.sandwich(&data, &solution),
    };
    if asked.df_method() == GeeDf::PanWall && vcov == GeeVcov::ModelBased {
        return Err(Error::conflict(
            "the degrees of freedom pan-wall with the model-based covariance",
            "they are those of a sandwich",
            "choose a robust covariance, or the normal distribution",
        ));
    }
    let (beta, own, iterations) = (solution.beta.clone(), sandwich.vcov.clone(), solution.iterations);
    Ok(GeeFit::new(asked, observations, &beta, &own, iterations, Solved { data, solution, sandwich, dropout }))
}

impl GeeFit {
    /// The parameters of the working correlation; the names of [`GeeFit::working_correlation`] say what each is about.
    pub fn alpha(&self) -> &[f64] {
        &self.found.solution.alpha
    }

    /// The scale φ of the variance.
    pub fn phi(&self) -> f64 {
        self.found.solution.phi
    }

    /// The last step of the search, in standard errors (for φ = 1).
    pub fn last_step(&self) -> f64 {
        self.found.solution.last_step
    }

    /// R(α) of all analysed visits.
    pub fn correlation_matrix(&self) -> DMatrix<f64> {
        let visits = self.found.data.visits;
        DMatrix::from_fn(visits, visits, |a, b| self.asked.method.correlation.correlation(&self.found.solution.alpha, a, b, visits))
    }

    /// The weights of the observations by the model of dropout, where there is one.
    pub fn dropout_weights(&self) -> Option<&[f64]> {
        self.found.dropout.as_ref().map(|found| found.weights.as_slice())
    }

    /// The covariance of the coefficients by another method, for weights that are given; NaN where a column is aliased.
    pub fn vcov_by(&self, method: GeeVcov) -> DMatrix<f64> {
        self.observations.covariance_of_all_columns(&Sandwich::of(&self.found.data, &self.found.solution, method).vcov)
    }

    /// QIC and what it is made of.
    pub fn criteria(&self) -> GeeCriteria {
        GeeCriteria::of(&self.found.data, &self.found.solution)
    }

    /// How many pairs of a patient's observations the working correlation gives a value that no two binary outcomes of
    /// their probabilities can have, and how many pairs there are (Prentice 1988, Biometrics 44:1033–1048).
    pub fn impossible_pairs(&self) -> (usize, usize) {
        let Solved { data, solution, .. } = &self.found;
        let (mut impossible, mut all) = (0.0, 0.0);
        if data.family != Family::Binomial || solution.alpha.is_empty() {
            return (0, 0);
        }
        let odds: Vec<f64> = (0..data.y.len()).map(|row| self.mean_of(row)).map(|mean| mean / (1.0 - mean)).collect();
        for c in 0..data.clusters() {
            let rows = data.rows(c);
            for (a, b) in rows.clone().flat_map(|a| (a + 1..rows.end).map(move |b| (a, b))) {
                let (visits, visit) = (data.visits, &data.visit);
                let rho = self.asked.method.correlation.correlation(&solution.alpha, visit[a], visit[b], visits);
                let most = (odds[a].min(odds[b]) / odds[a].max(odds[b])).sqrt();
                let root = (odds[a] * odds[b]).sqrt();
                all += data.count[c];
                if rho > most || rho < -root.min(1.0 / root) {
                    impossible += data.count[c];
                }
            }
        }
        (impossible as usize, all as usize)
    }

    fn mean_of(&self, row: usize) -> f64 {
        let Solved { data, solution, .. } = &self.found;
        data.link.inverse(data.predictor(row, &solution.beta))
    }
}

impl Method for Equations {
    type Found = Solved;

    fn df(fit: &GeeFit, l: &[f64]) -> f64 {
        match fit.asked.df_method() {
            GeeDf::Normal => f64::INFINITY,
            GeeDf::ClustersMinusParameters => (fit.n_patients() - fit.observations.width()) as f64,
            GeeDf::PanWall => {
                let kept: Vec<f64> = fit.observations.kept.iter().map(|&c| l[c]).collect();
                fit.found.sandwich.pan_wall(&fit.found.data, &kept)
            }
        }
    }

    fn method_of_df(_: &GeeFit) -> Option<Df> {
        None
    }

    fn notes(fit: &GeeFit) -> Vec<String> {
        let asked = &fit.asked;
        let (family, link) = (asked.outcome_family(), asked.link_function());
        let convention = match asked.method.correlation {
            WorkingCorrelation::Independence => String::new(),
            _ => format!(" with {}", asked.method.convention.words()),
        };
        let event = match family {
            Family::Binomial => format!("The probability of {} = {}: ", asked.mean().outcome_name(), asked.outcome_event()),
            _ => String::new(),
        };
        let mut notes = vec![format!(
            "{event}generalized estimating equations, family {family}, link {link}, {} working correlation{convention}.",
            asked.method.correlation.words()
        )];
        let reference = match asked.df_method() {
            GeeDf::Normal => "normal distribution".into(),
            GeeDf::ClustersMinusParameters => {
                format!("t with K − p = {}", counted(fit.n_patients() - fit.observations.width(), "degree of freedom"))
            }
            GeeDf::PanWall => "t with Pan and Wall's degrees of freedom".to_string(),
        };
        let clusters = counted(fit.n_patients(), "patient");
        let as_clusters = agreeing(fit.n_patients(), "as a cluster", "as clusters");
        notes.push(format!("Covariance: {}; {clusters} {as_clusters}; {reference}.", asked.method.vcov.words()));
        notes.extend(fit.observations.note_of_offset());
        notes.extend(fit.found.dropout.as_ref().map(DropoutWeights::sentence));
        let (impossible, pairs) = fit.impossible_pairs();
        if impossible > 0 {
            notes.push(format!(
                "The working correlation of {impossible} of {} is none that two binary outcomes of their fitted \
                 probabilities can have; estimates and robust covariance hold all the same.",
                counted(pairs, "pair of observations")
            ));
        }
        if fit.found.sandwich.silent > 0.0 {
            notes.push(format!(
                "{} alone {} a coefficient: their residuals are zero whatever the data, and the corrected covariance leaves them out there.",
                counted(fit.found.sandwich.silent, "patient"),
                agreeing(fit.found.sandwich.silent, "determines", "determine")
            ));
        }
        notes
    }
}

/// Whether some mean is at an end of its range but for what would be a finite coefficient only by a stop of the search.
pub(super) fn is_extreme(data: &Data, beta: &[f64]) -> bool {
    const FAR: f64 = 12.0;
    let predictor = |row: usize| data.predictor(row, beta);
    match data.link {
        Link::Logit => (0..data.y.len()).any(|row| predictor(row).abs() > FAR),
        Link::Log => (0..data.y.len()).any(|row| predictor(row) < -FAR),
        _ => false,
    }
}

/// A failure in the words of the trial.
fn unsolved(asked: &Gee, observations: &Observations, data: &Data, why: Unsolved) -> Error {
    let structure = asked.method.correlation.words().to_string();
    // Outcomes that are predicted without error are the usual reason for a search that leads nowhere.
    let may_be_separated = matches!(
        why,
        Unsolved::NotConverged(_) | Unsolved::Undefined(Undefined::Mean { .. } | Undefined::Singular | Undefined::NotPositive { .. })
    );
    if let Some(found) = may_be_separated.then(|| independent::separation_of(observations, data.family, data.link)).flatten() {
        return Error::NotFitted(found);
    }
    Error::NotFitted(match why {
        Unsolved::NotConverged(iterations) => NotFitted::NoSolution { iterations },
        Unsolved::Undefined(Undefined::Singular) => NotFitted::SingularInformation,
        Unsolved::Undefined(Undefined::NotPositive { alpha }) => {
            NotFitted::WorkingCorrelation { structure, why: out_of_range(asked.method.correlation, &alpha, data.largest()) }
        }
        Unsolved::Undefined(Undefined::NotDetermined { parameter }) => NotFitted::WorkingCorrelationNotDetermined {
            structure,
            of: asked.method.correlation.names(observations.design.visit_labels()).get(parameter).cloned().unwrap_or_default(),
            needed: match asked.method.convention {
                super::AlphaConvention::Sas => data.p,
                super::AlphaConvention::Geepack => 0,
            },
        },
        Unsolved::Undefined(Undefined::Mean { mean, .. }) if data.link == Link::Logit => {
            let what = format!("some mean tends to {mean:.0}");
            NotFitted::Separated { what, columns: vec![] }
        }
        Unsolved::Undefined(Undefined::Mean { row, mean }) => {
            let (patient, visit) = place(observations, data, row);
            NotFitted::MeanOutOfRange { patient, visit, mean, range: data.family.range(), link: data.link }
        }
    })
}

/// The patient and the visit of a row of the data.
fn place(observations: &Observations, data: &Data, row: usize) -> (String, String) {
    let cluster = data.ends.partition_point(|&end| end <= row);
    let patient = data.cluster_of.iter().position(|&c| c == cluster).unwrap_or(0);
    observations.labels(observations.of_patient(patient).start + row - data.rows(cluster).start)
}

/// The parameters that make no correlation, and their range where it is known.
fn out_of_range(structure: WorkingCorrelation, alpha: &[f64], visits: usize) -> String {
    let shown: Vec<String> = alpha.iter().take(6).map(|a| format!("{a:.4}")).collect();
    let more = if alpha.len() > 6 { ", …" } else { "" };
    let range = match structure {
        WorkingCorrelation::Exchangeable => format!(", outside {:.4} to 1", -1.0 / (visits.max(2) as f64 - 1.0)),
        WorkingCorrelation::Ar1 => ", outside −1 to 1".into(),
        _ => String::new(),
    };
    format!("α = {}{more}{range}", shown.join(", "))
}
