//! [`MomentsFit`]: what the likelihood found, and all that follows from it without the patients.

use super::fallback::{Attempt, Fallback};
use super::information::Information;
use super::kenward_roger::{Bends, adjusted_covariance, adjusted_variance};
use super::of_patients::OfPatients;
use super::weighing::quadratic_form;
use super::{Df, InformationKind, Vcov};
use crate::covariance::Covariance;
use crate::design::{Account, Columns, RandomTerm};
use crate::fit::marginal::Uncertainty;
use crate::fit::optimum::Optimum;
use crate::fit::{Convergence, Estimation, Moments};
use crate::table::observations_of_patients;
use nalgebra::{DMatrix, DVector};
use std::sync::{Arc, OnceLock};

/// A model fitted from sums over patients ([`Model::fit_moments`](crate::Model::fit_moments)), which may come from
/// several sites: estimates, their covariance, and what follows from them as methods.
///
/// A [`Fit`](super::Fit), which has its patients as well, dereferences to this: everything here is there too. What looks at patients
/// (residuals, predictions, influence, a cluster-robust covariance) is there only.
///
/// What is costly (second derivatives, the Kenward–Roger adjustment) is computed when first asked for and kept.
#[derive(Debug)]
pub struct MomentsFit {
    pub(super) columns: Arc<Columns>,
    pub(super) account: Arc<Account>,
    pub(super) optimum: Optimum,
    covariance: Covariance,
    estimation: Estimation,
    pub(super) df: Df,
    information_kind: InformationKind,
    pub(super) vcov_method: Vcov,
    fallback: Fallback,
    /// What inference takes from the patients where there are any.
    pub(super) of_patients: Option<OfPatients>,
    beta: Vec<f64>,
    covariances: Vec<GroupCovariance>,
    information: OnceLock<Information>,
    centred_vcov: OnceLock<DMatrix<f64>>,
    vcov: OnceLock<DMatrix<f64>>,
}

/// The fitted covariance of one group of patients.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct GroupCovariance {
    /// The group; `all` where every patient has the same covariance.
    pub group: String,
    /// Σ on the analysed visits, T × T, in squared units of the outcome.
    pub sigma: DMatrix<f64>,
}

/// How a model was asked to be fitted, beyond its mean: what a fit remembers of it.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub covariance: Covariance,
    pub estimation: Estimation,
    pub df: Df,
    pub information: InformationKind,
    pub vcov: Vcov,
    pub fallback: Fallback,
}

impl MomentsFit {
    /// The fit that an optimum makes of a model without patients.
    pub(crate) fn new(columns: Arc<Columns>, account: Arc<Account>, settings: Settings, optimum: Optimum) -> Self {
        Self::with_patients(columns, account, settings, optimum, None)
    }

    pub(super) fn with_patients(
        columns: Arc<Columns>,
        account: Arc<Account>,
        settings: Settings,
        optimum: Optimum,
        of_patients: Option<OfPatients>,
    ) -> Self {
        let mut beta = vec![f64::NAN; columns.len()];
        let mut active = optimum.beta.clone();
        optimum.centring.coefficients(active.as_mut_slice());
        optimum.kept.iter().zip(active.iter()).for_each(|(&c, &b)| beta[c] = b);
        let of_group = |(group, sigma): (&String, _)| GroupCovariance { group: group.clone(), sigma };
        let covariances = columns.groups.iter().zip(optimum.covariances()).map(of_group).collect();
        let Settings { covariance, estimation, df, information: information_kind, vcov: vcov_method, fallback } = settings;
        Self {
            columns,
            account,
            optimum,
            covariance,
            estimation,
            df,
            information_kind,
            vcov_method,
            fallback,
            of_patients,
            beta,
            covariances,
            information: OnceLock::new(),
            centred_vcov: OnceLock::new(),
            vcov: OnceLock::new(),
        }
    }

    /// How the model was asked to be fitted.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            covariance: self.covariance.clone(),
            estimation: self.estimation,
            df: self.df,
            information: self.information_kind,
            vcov: self.vcov_method,
            fallback: self.fallback.clone(),
        }
    }

    /// What each coefficient means.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Who is analysed and who is not.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The covariance structure.
    pub fn covariance_structure(&self) -> &Covariance {
        &self.covariance
    }

    /// The covariance structures that were tried first and rejected, in their order, with the reason; none unless
    /// [`Model::covariance_else`](crate::Model::covariance_else) stated what to fall back on.
    pub fn attempts(&self) -> &[Attempt] {
        &self.fallback.attempts
    }

    /// The covariance structures agreed on, in their order, where there were several.
    pub fn planned_covariances(&self) -> &[Covariance] {
        &self.fallback.planned
    }

    /// Restricted or full maximum likelihood.
    pub fn estimation(&self) -> Estimation {
        self.estimation
    }

    /// The method for degrees of freedom.
    pub fn df_method(&self) -> Df {
        self.df
    }

    /// Whether degrees of freedom and adjustments rest on the observed or the expected information of the covariance
    /// parameters.
    pub fn information_kind(&self) -> InformationKind {
        self.information_kind
    }

    /// Where the covariance of the coefficients comes from.
    pub fn vcov_method(&self) -> Vcov {
        self.vcov_method
    }

    /// The sums over patterns of visits from which it was fitted: all that the likelihood needs of the data. The
    /// outcome is measured from [`Moments::origin`], and covariates whose mean is over 100 standard deviations from
    /// zero are measured from that mean. `None` where coordinates that differ by patient give each patient a
    /// covariance of their own, for which no sums suffice.
    pub fn moments(&self) -> Option<&Moments> {
        self.optimum.moments.as_ref()
    }

    /// ∂θ/∂η' of the working parameters that [`MomentsFit::covariance_parameters_vcov`] is about, where a variance is
    /// at its boundary.
    pub(super) fn information_at_boundary(&self) -> Option<&DMatrix<f64>> {
        self.information().jacobian.as_ref()
    }

    /// The optimum.
    pub(crate) fn optimum(&self) -> &Optimum {
        &self.optimum
    }

    /// How the search for the optimum ended.
    pub fn convergence(&self) -> &Convergence {
        &self.optimum.convergence
    }

    /// The (restricted) log-likelihood at the optimum: with (N − p) log 2π and without log|X'X|, as SAS, mmrm, lme4
    /// and nlme have it.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.optimum.value
    }

    /// The number of observations analysed.
    pub fn n_observations(&self) -> usize {
        self.optimum.observations
    }

    /// The number of patients analysed: those with at least one analysed observation.
    pub fn n_patients(&self) -> usize {
        self.account.n_patients()
    }

    /// The rank of the model matrix.
    pub fn rank(&self) -> usize {
        self.columns.len() - self.account.aliased.len()
    }

    /// The coefficients β, one per column of the model matrix; NaN for aliased columns.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    /// The covariance of β, p × p: (X'WX)⁻¹, Kenward and Roger's adjusted one where the degrees of freedom are
    /// theirs, or a cluster-robust one where the model asked for it ([`MomentsFit::vcov_method`]). NaN for aliased
    /// columns.
    pub fn vcov(&self) -> &DMatrix<f64> {
        self.vcov.get_or_init(|| self.of_all_columns(self.centred_vcov().clone()))
    }

    /// A covariance of the coefficients of the fitted columns, as centred, as one of all columns; NaN for aliased ones.
    fn of_all_columns(&self, mut centred: DMatrix<f64>) -> DMatrix<f64> {
        self.optimum.centring.covariance(&mut centred);
        let mut vcov = DMatrix::from_element(self.beta.len(), self.beta.len(), f64::NAN);
        for (j, &b) in self.optimum.kept.iter().enumerate() {
            for (i, &a) in self.optimum.kept.iter().enumerate() {
                vcov[(a, b)] = centred[(i, j)];
            }
        }
        vcov
    }

    /// Σ of each group of patients, on the analysed visits.
    pub fn covariances(&self) -> &[GroupCovariance] {
        &self.covariances
    }

    /// Σ of each group at other covariance parameters, where patients share it.
    pub(crate) fn covariances_at(&self, theta: &[f64]) -> Vec<DMatrix<f64>> {
        let sigmas = &self.optimum.sigmas;
        (0..sigmas.groups).map(|group| sigmas.sigma(theta, group, 0)).collect()
    }

    /// Φ over all columns, NaN for aliased ones: the covariance of the estimates without a small-sample adjustment.
    pub(crate) fn model_based_vcov(&self) -> DMatrix<f64> {
        self.of_all_columns(self.optimum.phi.clone())
    }

    /// The covariance parameters by name, in the structure's natural parameters.
    pub fn covariance_parameters(&self) -> Vec<(String, f64)> {
        self.optimum.parameter_names.iter().cloned().zip(self.optimum.theta.iter().copied()).collect()
    }

    /// The asymptotic covariance of the covariance parameters, from the observed information, or the expected where
    /// the model asks for it. In the order of [`MomentsFit::covariance_parameters`]; where a variance is at its
    /// boundary, of the parameters of the Cholesky factor instead. With K parameters it has K² elements, which are many
    /// for an unstructured covariance of many visits; standard errors and degrees of freedom of such fits come without it.
    pub fn covariance_parameters_vcov(&self) -> &DMatrix<f64> {
        &self.information().covariance
    }

    pub(super) fn information(&self) -> &Information {
        let slopes = self.df.adjusts_covariance() || self.information_kind == InformationKind::Expected;
        self.information.get_or_init(|| Information::of(&self.optimum, self.information_kind, slopes))
    }

    /// What degrees of freedom and standard errors of covariance parameters come from.
    pub(super) fn uncertainty(&self) -> &dyn Uncertainty {
        match self.optimum.model().without_hessian() {
            Some(own) if self.information_kind == InformationKind::Observed => own,
            _ => self.information(),
        }
    }

    /// The covariance of the coefficients of the fitted columns, as centred: what standard errors come from.
    pub(super) fn centred_vcov(&self) -> &DMatrix<f64> {
        self.centred_vcov.get_or_init(|| {
            let adjusted = |bends| adjusted_covariance(&self.optimum, self.information(), bends);
            match (self.df, self.sandwich()) {
                (Df::KenwardRoger, _) => adjusted(Bends::Whole),
                (Df::KenwardRogerLinear, _) => adjusted(Bends::Ignored),
                (Df::KenwardRoger2, _) => adjusted(Bends::Intrinsic),
                (_, Some(sandwich)) => sandwich.covariance.clone(),
                (_, None) => self.optimum.phi.clone(),
            }
        })
    }

    /// The random effects of clusters; none without patients.
    pub(super) fn random(&self) -> &[RandomTerm] {
        self.of_patients.as_ref().map_or(&[], OfPatients::random)
    }

    /// The variance of v'β for weights of the fitted columns, as centred; for fits of which a single estimate is asked,
    /// without the covariance of all.
    pub(super) fn variance_of_mean(&self, v: &DVector<f64>) -> f64 {
        let bends = match self.df {
            Df::KenwardRoger => Bends::Whole,
            Df::KenwardRogerLinear => Bends::Ignored,
            Df::KenwardRoger2 => Bends::Intrinsic,
            _ => return quadratic_form(self.centred_vcov(), v),
        };
        match self.of_patients {
            None if self.centred_vcov.get().is_none() => adjusted_variance(&self.optimum, self.information(), bends, v),
            _ => quadratic_form(self.centred_vcov(), v),
        }
    }

    /// How the model was fitted, one sentence each: what every table made from it carries in its notes.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.opening().to_vec();
        notes.extend(self.fallback.note());
        if self.information_kind == InformationKind::Expected && self.uses_information() {
            notes.push("Covariance of the covariance parameters from the expected information.".into());
        }
        if let (Some(patients), Some(sandwich)) = (&self.of_patients, self.sandwich()) {
            notes.extend(sandwich.notes(patients.design(), self.vcov_method, self.df));
        }
        if !self.optimum.sigmas.are_shared() {
            notes.push("The covariance takes coordinates that differ by patient; matrices shown are those of a patient with the fewest visits missed.".into());
        }
        // What vanished of the effects of clusters is shown as a direction.
        let of_sigma = &self.optimum.parameter_names[..self.first_of_effects()];
        let boundary: Vec<&str> = self.convergence().boundary.iter().filter(|name| of_sigma.contains(name)).map(String::as_str).collect();
        if !boundary.is_empty() {
            notes.push(format!("At the boundary (estimated as zero): {}.", boundary.join("; ")));
        }
        notes.extend(self.singular_note());
        notes
    }

    /// The first of the notes: the model, and how much data.
    pub(super) fn opening(&self) -> [String; 2] {
        let likelihood = match self.estimation {
            Estimation::Reml => "restricted maximum likelihood",
            Estimation::Ml => "maximum likelihood",
        };
        [
            sentence(&format!("{} covariance, {likelihood}, {} degrees of freedom.", self.covariance, self.df.words())),
            observations_of_patients(self.n_observations(), self.n_patients()),
        ]
    }

    fn uses_information(&self) -> bool {
        self.df.uses_information() && !self.vcov_method.is_cluster_robust()
    }
}

/// The text with its first letter as a capital.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
