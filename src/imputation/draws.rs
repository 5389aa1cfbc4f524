//! How many data sets are imputed, and from which parameters.

use crate::error::{Error, Result};
use crate::options::choices;

/// Where the parameters of each imputed data set come from, and with them how results are pooled.
///
/// | method | parameters of a data set | missing values | pooled by |
/// |---|---|---|---|
/// | `bayesian` | a draw from their posterior | drawn | Rubin's rules |
/// | `approximate-bayesian` | the estimates in a bootstrap sample of the patients | drawn | Rubin's rules |
/// | `bootstrapped-imputation` | the estimates in a bootstrap sample, which is itself imputed, several times, and analysed | drawn | von Hippel and Bartlett (2021) |
/// | `conditional-mean-bootstrap` | the estimates in a bootstrap sample, which is itself imputed and analysed | their expectation | the spread of the replicates |
/// | `conditional-mean-jackknife` | the estimates without each patient in turn | their expectation | the jackknife |
///
/// Rubin's rules keep the information that was lost lost (information-anchored); the last three methods say how far the
/// estimate would vary in repetitions of the trial.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DrawMethod {
    /// Draws from the posterior of the parameters (the default).
    #[default]
    Bayesian,
    /// The estimates in bootstrap samples of the patients, imputing the trial itself.
    ApproximateBayesian,
    /// Bootstrap samples of the patients, each imputed several times.
    BootstrappedImputation,
    /// Bootstrap samples of the patients, missing values replaced by their expectation.
    ConditionalMeanBootstrap,
    /// The trial without each patient in turn, missing values replaced by their expectation.
    ConditionalMeanJackknife,
}

choices! {
    DrawMethod, "method of imputation":
    Bayesian = "bayesian", ["bayes", "mi"], "parameters drawn from their posterior, Rubin's rules";
    ApproximateBayesian = "approximate-bayesian", ["approxbayes", "approximate-bayes"], "parameters estimated in bootstrap samples, Rubin's rules";
    BootstrappedImputation = "bootstrapped-imputation", ["bmlmi", "bootstrap-mi"], "bootstrap samples imputed several times each (von Hippel and Bartlett)";
    ConditionalMeanBootstrap = "conditional-mean-bootstrap", [], "missing values replaced by their expectation, in bootstrap samples";
    ConditionalMeanJackknife = "conditional-mean-jackknife", [], "missing values replaced by their expectation, without each patient in turn";
}

impl DrawMethod {
    /// Whether missing values are drawn rather than replaced by their expectation.
    pub fn is_random(self) -> bool {
        !matches!(self, DrawMethod::ConditionalMeanBootstrap | DrawMethod::ConditionalMeanJackknife)
    }
}

/// What is known of the covariance of a patient's visits before the data. The mean has a flat prior.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CovariancePrior {
    /// Inverse Wishart with T + 2 degrees of freedom and the estimate of the model as its mean (the default): proper where
    /// few patients are observed, and of the weight of T + 2 patients.
    #[default]
    WeaklyInformative,
    /// |Σ|^(−(T + 1)/2), the prior of SAS PROC MI.
    Jeffreys,
}

choices! {
    CovariancePrior, "prior of the covariance":
    WeaklyInformative = "weakly-informative", [], "inverse Wishart with T + 2 degrees of freedom about the estimate";
    Jeffreys = "jeffreys", [], "|Σ|^(−(T + 1)/2)";
}

/// How data sets are imputed: method, number, seed.
///
/// ```
/// use trialstats::imputation::{DrawMethod, Draws};
///
/// let draws = Draws::new(DrawMethod::Bayesian).number(1000).seed(42);
/// assert_eq!((draws.sets(), draws.stated_seed()), (1000, 42));
/// assert_eq!(Draws::new(DrawMethod::BootstrappedImputation).sets(), 400);
/// ```
///
/// | setting | default |
/// |---|---|
/// | `number` | 500 draws; 200 bootstrap samples for `bootstrapped-imputation`; 1,000 for `conditional-mean-bootstrap` |
/// | `per_sample` | 2 imputations of each bootstrap sample |
/// | `seed` | 1 |
/// | `chains`, `burn_in`, `thin` | 4 chains, 200 steps before the first draw, a draw every 5 steps |
/// | `prior` | [`CovariancePrior::WeaklyInformative`] |
/// | `interval` of `conditional-mean-bootstrap` | [`ResampledInterval::Normal`] |
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Draws {
    method: DrawMethod,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per_sample: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chains: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burn_in: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thin: Option<usize>,
    #[serde(default, skip_serializing_if = "crate::written::is_default")]
    prior: CovariancePrior,
    #[serde(default, skip_serializing_if = "crate::written::is_default")]
    interval: ResampledInterval,
}

/// How limits are read off bootstrap samples.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResampledInterval {
    /// The estimate and normal quantiles of the replicates' standard deviation (the default).
    #[default]
    Normal,
    /// Quantiles of the replicates.
    Percentile,
}

choices! {
    ResampledInterval, "interval of bootstrap samples":
    Normal = "normal", [], "the estimate and normal quantiles times the standard deviation of the replicates";
    Percentile = "percentile", [], "quantiles of the replicates";
}

impl Draws {
    /// This method with the defaults.
    pub fn new(method: DrawMethod) -> Self {
        Self { method, ..Self::default() }
    }

    /// The number of draws, or of bootstrap samples; the jackknife has as many as patients.
    pub fn number(mut self, number: usize) -> Self {
        self.number = Some(number);
        self
    }

    /// The imputations of each bootstrap sample.
    pub fn per_sample(mut self, number: usize) -> Self {
        self.per_sample = Some(number);
        self
    }

    /// The seed: the same one gives the same bits whatever the number of threads.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The number of independent chains of the sampler.
    pub fn chains(mut self, chains: usize) -> Self {
        self.chains = Some(chains);
        self
    }

    /// The steps of each chain before its first draw.
    pub fn burn_in(mut self, steps: usize) -> Self {
        self.burn_in = Some(steps);
        self
    }

    /// The steps from one draw to the next.
    pub fn thin(mut self, steps: usize) -> Self {
        self.thin = Some(steps);
        self
    }

    /// What is known of the covariance before the data.
    pub fn prior(mut self, prior: CovariancePrior) -> Self {
        self.prior = prior;
        self
    }

    /// How limits are read off bootstrap samples.
    pub fn interval(mut self, interval: ResampledInterval) -> Self {
        self.interval = interval;
        self
    }

    pub(super) fn reads_percentiles(&self) -> bool {
        self.interval == ResampledInterval::Percentile
    }

    /// The method.
    pub fn method(&self) -> DrawMethod {
        self.method
    }

    /// The seed.
    pub fn stated_seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// The prior of the covariance.
    pub fn covariance_prior(&self) -> CovariancePrior {
        self.prior
    }

    /// What happens to missing values: they are …
    pub fn words(&self) -> String {
        let (n, seed) = (self.count(), self.stated_seed());
        match self.method {
            DrawMethod::Bayesian => format!("drawn {n} times, with parameters from their posterior distribution (seed {seed})"),
            DrawMethod::ApproximateBayesian => {
                format!("drawn {n} times, with parameters estimated in bootstrap samples of the patients (seed {seed})")
            }
            DrawMethod::BootstrappedImputation => {
                format!("drawn {} times in each of {n} bootstrap samples of the patients (seed {seed})", self.each())
            }
            DrawMethod::ConditionalMeanBootstrap => {
                format!("replaced by their expectation, also in {n} bootstrap samples of the patients (seed {seed})")
            }
            DrawMethod::ConditionalMeanJackknife => "replaced by their expectation, also without each patient in turn".into(),
        }
    }

    /// How results become one.
    pub fn pooling_words(&self) -> &'static str {
        match self.method {
            DrawMethod::Bayesian | DrawMethod::ApproximateBayesian => "by Rubin's rules",
            DrawMethod::BootstrappedImputation => "by the variance components of von Hippel and Bartlett",
            DrawMethod::ConditionalMeanBootstrap => "by the spread of the bootstrap samples",
            DrawMethod::ConditionalMeanJackknife => "by the jackknife",
        }
    }

    /// Draws, or bootstrap samples.
    pub(super) fn count(&self) -> usize {
        self.number.unwrap_or(match self.method {
            DrawMethod::BootstrappedImputation => 200,
            DrawMethod::ConditionalMeanBootstrap => 1000,
            _ => 500,
        })
    }

    /// Imputations of one set of parameters.
    pub(super) fn each(&self) -> usize {
        if self.method == DrawMethod::BootstrappedImputation { self.per_sample.unwrap_or(2) } else { 1 }
    }

    /// The number of imputed data sets; of the jackknife, that are asked for where patients are not counted.
    pub fn sets(&self) -> usize {
        self.count() * self.each()
    }

    pub(super) fn sampler(&self) -> (usize, usize, usize) {
        let chains = self.chains.unwrap_or(4).min(self.count());
        (chains, self.burn_in.unwrap_or(200), self.thin.unwrap_or(5))
    }

    /// Refuses methods whose data sets are not drawn data of everyone, each once.
    pub(crate) fn check_of_everyone(&self, what: &str) -> Result<()> {
        match self.method {
            DrawMethod::Bayesian | DrawMethod::ApproximateBayesian => self.check(),
            other => Err(Error::not_built(
                format!("{what}, by the method `{other}`"),
                "its data sets are samples of the patients, or hold expectations; `bayesian` and `approximate-bayesian` draw the data of everyone",
                "use one of these",
            )),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let fewest = if self.method == DrawMethod::BootstrappedImputation { 3 } else { 2 };
        let counts =
            [("number", self.number, fewest), ("per-sample", self.per_sample, 2), ("chains", self.chains, 1), ("thin", self.thin, 1)];
        match counts.into_iter().find(|(_, stated, least)| stated.is_some_and(|n| n < *least)) {
            Some((what, stated, least)) => Err(Error::too_few_replicates(
                format!("`{}` imputation", self.method),
                format!("`{what}` is {}", stated.unwrap_or_default()),
                format!("give at least {least}"),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        let draws = Draws::new(DrawMethod::BootstrappedImputation).number(50).per_sample(4).seed(7).prior(CovariancePrior::Jeffreys);
        let text = toml::to_string(&draws).expect("it is written");
        assert_eq!(text, "method = \"bootstrapped-imputation\"\nnumber = 50\nper-sample = 4\nseed = 7\nprior = \"jeffreys\"\n");
        assert_eq!(toml::from_str::<Draws>(&text).expect("it is read"), draws);
        assert!(toml::from_str::<Draws>("method = \"bayesian\"\nsamples = 3").is_err());
    }

    #[test]
    fn too_few_are_refused() {
        for draws in [Draws::default().number(1), Draws::default().thin(0), Draws::new(DrawMethod::BootstrappedImputation).per_sample(1)] {
            assert!(draws.check().is_err(), "{draws:?}");
        }
        assert!(Draws::default().check().is_ok());
    }
}
