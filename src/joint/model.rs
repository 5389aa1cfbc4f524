//! [`JointModel`]: what is assumed of several responses.

use super::{JointCovariance, JointFit};
use crate::design::{Clusters, Design};
use crate::error::{Error, Result};
use crate::fit::Estimation;
use crate::fit::optimum::Optimum;
use crate::inference::fallback::Fallback;
use crate::inference::{Df, Fit, InformationKind, ResponseFit, Settings, Vcov};
use crate::model::{Model, clusters_for, go_together};
use crate::trial::Trial;
use std::sync::Arc;

/// A mixed model for several responses of the same patients, each measured repeatedly.
///
/// | setting | default |
/// |---|---|
/// | [`covariance`](JointModel::covariance) | unstructured over all responses and visits |
/// | [`estimation`](JointModel::estimation) | REML |
/// | [`df`](JointModel::df) | Satterthwaite |
/// | [`information`](JointModel::information) | observed |
/// | [`vcov`](JointModel::vcov) | model-based |
/// | [`clusters`](JointModel::clusters) | of a cluster-robust covariance: patients |
///
/// The responses' own models say the mean, the visits, the weights, and the factor by which the covariance differs
/// ([`Model::covariance_by`]), which must be the same for all.
#[derive(Debug, Clone)]
pub struct JointModel {
    responses: Vec<Model>,
    covariance: JointCovariance,
    estimation: Estimation,
    df: Df,
    information: InformationKind,
    vcov: Vcov,
    clusters: Clusters,
}

impl JointModel {
    /// A model of these responses together.
    pub fn new(responses: impl IntoIterator<Item = Model>) -> Self {
        Self {
            responses: responses.into_iter().collect(),
            covariance: JointCovariance::default(),
            estimation: Estimation::default(),
            df: Df::default(),
            information: InformationKind::default(),
            vcov: Vcov::default(),
            clusters: Clusters::default(),
        }
    }

    /// The covariance of a patient's responses at all visits.
    pub fn covariance(mut self, covariance: JointCovariance) -> Self {
        self.covariance = covariance;
        self
    }

    /// Restricted or full maximum likelihood.
    pub fn estimation(mut self, estimation: Estimation) -> Self {
        self.estimation = estimation;
        self
    }

    /// The method for degrees of freedom.
    pub fn df(mut self, df: Df) -> Self {
        self.df = df;
        self
    }

    /// The information from which the covariance of the covariance parameters is taken.
    pub fn information(mut self, kind: InformationKind) -> Self {
        self.information = kind;
        self
    }

    /// The covariance of the coefficients: model-based, or cluster-robust over the [clusters](JointModel::clusters).
    pub fn vcov(mut self, vcov: Vcov) -> Self {
        self.vcov = vcov;
        self
    }

    /// The clusters of a cluster-robust covariance: patients with all responses of theirs (the default), or the
    /// levels of a factor above them.
    pub fn clusters(mut self, clusters: Clusters) -> Self {
        self.clusters = clusters;
        self
    }

    /// Fits the model to a trial: every patient with at least one analysed observation of any response, at all visits
    /// where a response was observed.
    ///
    /// # Errors
    /// [`Error::Invalid`] with fewer than two responses, with one twice, for a response's model with a covariance,
    /// estimation or degrees of freedom of its own, and for settings that do not go together; otherwise as
    /// [`Model::fit`], visits being named by response and visit.
    pub fn fit(&self, trial: &Trial) -> Result<JointFit> {
        go_together(self.df, self.estimation, self.vcov)?;
        let designs = self.designs(trial)?;
        if self.covariance.depends_on_order() && trial.schedule().len() > 2 {
            trial.schedule().must_be_ordered(format!("covariance `{}`", self.covariance.words()))?;
        }
        let covariance = self.covariance.on(&designs)?;
        let (mut stacked, places) = Design::stacked(&designs);
        stacked.set_clusters(clusters_for(self.df, self.vcov, &self.clusters, &stacked, trial)?);
        let structure = covariance.covariance().bind(&stacked.columns.visit_times)?;
        let optimum = Optimum::new(&stacked, structure, self.estimation).map_err(Error::Fit)?;
        let settings = Settings {
            covariance: covariance.covariance(),
            estimation: self.estimation,
            df: self.df,
            information: self.information,
            vcov: self.vcov,
            fallback: Fallback::default(),
        };
        let whole = Arc::new(Fit::new(stacked, settings, optimum));
        let response = |(design, place): (Design, &crate::design::Place)| {
            ResponseFit::new(&whole, design, covariance.of_cells(place.cells.clone()), place)
        };
        let responses = designs.into_iter().zip(&places).map(response).collect();
        Ok(JointFit { whole: Arc::clone(&whole), responses, places })
    }

    fn designs(&self, trial: &Trial) -> Result<Vec<Design>> {
        let refused = |what: &str, why: &str, remedy: &str| Err(Error::conflict(what, why, remedy));
        if self.responses.len() < 2 {
            return refused("a joint model", "it has fewer than two responses", "give it a model for each, or use Model for one");
        }
        let responses = self.responses.iter().map(Model::response).collect::<Result<Vec<_>>>()?;
        if responses.iter().any(|(_, options)| options.group != responses[0].1.group) {
            return refused(
                "a joint model whose covariance differs by group",
                "the responses' models name different groups",
                "give every response the same covariance_by",
            );
        }
        let designs: Vec<Design> =
            responses.into_iter().map(|(mean, options)| Design::build(trial, mean, options)).collect::<Result<_>>()?;
        for (k, design) in designs.iter().enumerate() {
            if designs[..k].iter().any(|d| d.columns.outcome == design.columns.outcome) {
                return refused(
                    &format!("a joint model of `{}` twice", design.columns.outcome),
                    "a response is in the model once",
                    "put all its terms into one mean model",
                );
            }
        }
        Ok(designs)
    }
}
