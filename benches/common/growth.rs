//! How the cost grows with everything that can be large.

use super::clock::median;
use super::{SIMULATED, bcva, imrs_gst, imrs_gst_model, model, on_threads, resampled, simulated, simulated_with};
use std::time::Duration;
use trialstats::simulate::random::Stream;
use trialstats::trial::Variable;
use trialstats::{Covariance, Df, Fit, Trial};

const BUDGET: Duration = Duration::from_millis(400);
const SEED: u64 = 20_261_130;

/// One thing that grows, and the seconds that each size took.
pub struct Axis {
    /// What is done.
    pub what: &'static str,
    /// What grows, in the plural.
    pub of: &'static str,
    /// Size and seconds.
    pub points: Vec<(f64, f64)>,
}

impl Axis {
    /// The exponent between the larger half of the sizes: least squares on logarithms, where fixed costs no longer count.
    pub fn exponent(&self) -> f64 {
        let tail = &self.points[self.points.len() / 2..];
        let points: Vec<(f64, f64)> = tail.iter().map(|(size, seconds)| (size.ln(), seconds.ln())).collect();
        let n = points.len() as f64;
        let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
        let (mut xy, mut xx) = (0.0, 0.0);
        points.iter().for_each(|p| (xy, xx) = (xy + (p.0 - x) * (p.1 - y), xx + (p.0 - x).powi(2)));
        xy / xx
    }

    /// Whether the cost grows at all.
    pub fn grows(&self) -> bool {
        self.exponent() >= 0.3
    }

    /// The size at which ten minutes would be reached, if the exponent held; nothing where the cost hardly grows.
    pub fn ten_minutes(&self) -> String {
        let (exponent, (size, seconds)) = (self.exponent(), self.points[self.points.len() - 1]);
        if !self.grows() {
            return "does not grow".into();
        }
        let at = size * (600.0 / seconds).powf(1.0 / exponent);
        // Two digits: it is an extrapolation.
        let unit = 10_f64.powf(at.log10().floor() - 1.0);
        format!("{:.0}", (at / unit).round() * unit)
    }
}

/// An axis by name, and what measures it.
type Named = (&'static str, fn() -> Axis);

/// The axes whose names are wanted, on one thread.
pub fn measure(wanted: impl Fn(&str) -> bool + Send + Sync) -> Vec<Axis> {
    let axes: [Named; 9] = [
        ("patients", patients),
        ("moments", moments),
        ("visits", visits),
        ("visits-and-patients", visits_and_patients),
        ("parameters", parameters),
        ("columns", columns),
        ("sites", sites),
        ("contrasts", contrasts),
        ("refits", refits),
    ];
    on_threads(1, || {
        let measured = axes.into_iter().filter(|(name, _)| wanted(name)).map(|(_, axis)| {
            let axis = axis();
            eprintln!("growth with {}: {}", axis.of, axis.what);
            axis
        });
        measured.collect()
    })
}

fn axis<R>(what: &'static str, of: &'static str, sizes: &[usize], mut case: impl FnMut(usize) -> (f64, Box<dyn FnMut() -> R>)) -> Axis {
    let points = sizes.iter().map(|&size| {
        let (of, run) = case(size);
        (of, median(BUDGET, run).seconds)
    });
    Axis { what, of, points: points.collect() }
}

fn fitted(formula: &str, trial: &Trial, df: Df) -> Fit {
    model(formula).df(df).fit(trial).unwrap_or_else(|error| panic!("{error}"))
}

fn patients() -> Axis {
    axis("5 visits, unstructured: design, fit and Kenward–Roger", "patients", &[100, 1000, 10_000, 100_000], |n| {
        let trial = simulated(n, 5);
        (n as f64, Box::new(move || fitted(SIMULATED, &trial, Df::KenwardRoger).coefficients()))
    })
}

fn moments() -> Axis {
    axis("5 visits, unstructured: fit and Kenward–Roger from sums", "patients, from their sums", &[100, 1000, 10_000, 100_000], |n| {
        let trial = simulated(n, 5);
        let own = model(SIMULATED).df(Df::KenwardRoger);
        let frozen = own.freeze(&trial.protocol()).expect("a design");
        let sums = trialstats::fit::TrialMoments::of(&frozen, &trial).expect("a pass");
        (n as f64, Box::new(move || own.fit_moments(&sums).expect("can be fitted").coefficients()))
    })
}

fn visits() -> Axis {
    axis("1,000 patients, unstructured: fit", "visits", &[5, 10, 20, 40, 80, 160], |visits| {
        let trial = simulated(1000, visits);
        (visits as f64, Box::new(move || fitted(SIMULATED, &trial, Df::Satterthwaite).log_likelihood()))
    })
}

/// Satterthwaite's degrees of freedom of a contrast too, which are those of the last visit's comparison of the arms.
fn visits_and_patients() -> Axis {
    axis("4 patients a visit, unstructured: fit and a contrast's df", "visits, 4 patients each", &[10, 20, 40, 80, 160], |visits| {
        let trial = simulated(4 * visits, visits);
        let contrast = move || {
            let fit = fitted(SIMULATED, &trial, Df::Satterthwaite);
            let mut weights = vec![0.0; fit.beta().len()];
            weights[fit.beta().len() - 1] = 1.0;
            fit.estimate("the last column", &weights).expect("estimable").df
        };
        (visits as f64, Box::new(contrast))
    })
}

fn parameters() -> Axis {
    let structures =
        [Covariance::CompoundSymmetry, Covariance::Toeplitz, Covariance::HeterogeneousAnteDependence, Covariance::Unstructured];
    axis("bcva, 10 visits: fit by structures with more and more parameters", "covariance parameters", &[0, 1, 2, 3], |k| {
        let (trial, structure) = (bcva(), structures[k].clone());
        let fit = model(super::BCVA).covariance(structure.clone()).fit(&trial).expect("can be fitted");
        let number = fit.covariance_parameters().len() as f64;
        (number, Box::new(move || model(super::BCVA).covariance(structure.clone()).fit(&trial).expect("can be fitted").log_likelihood()))
    })
}

fn columns() -> Axis {
    axis("1,000 patients × 5 visits, unstructured: fit with more and more covariates", "columns", &[10, 20, 40, 80, 160], |columns| {
        let covariates = columns - 10;
        let covariate = |k: u64| Variable::number(format!("x{k}"), (0..1000).map(|i| Stream::new(SEED, k, i).normal()).collect());
        let trial = simulated_with(1000, 5, (0..covariates as u64).map(covariate));
        let formula = (0..covariates).fold("y ~ arm * visit".to_string(), |formula, k| formula + &format!(" + x{k}"));
        (columns as f64, Box::new(move || fitted(&formula, &trial, Df::Satterthwaite).log_likelihood()))
    })
}

fn sites() -> Axis {
    axis("4 visits, 4 patients a site: (1 | site) above unstructured visits, fit", "sites", &[25, 100, 400, 1600], |sites| {
        let codes = (0..4 * sites).map(|i| Some(i / 2 % sites)).collect();
        let trial = simulated_with(4 * sites, 4, [Variable::cluster("site", (0..sites).map(|s| format!("s{s}")), codes)]);
        let formula = "y ~ severity + arm * visit + (1 | site) + us(visit | patient)";
        (sites as f64, Box::new(move || fitted(formula, &trial, Df::Satterthwaite).log_likelihood()))
    })
}

fn contrasts() -> Axis {
    let fit: &'static Fit = Box::leak(Box::new(fitted(SIMULATED, &simulated(1000, 10), Df::KenwardRoger)));
    axis("1,000 patients × 10 visits: contrasts with Kenward–Roger df of a fit", "contrasts", &[10, 100, 1000], |n| {
        let p = fit.beta().len();
        let rows: Vec<Vec<f64>> = (0..n as u64).map(|r| (0..p as u64).map(|c| Stream::new(SEED, r, c).normal()).collect()).collect();
        let all = move || rows.iter().map(|l| fit.estimate("of the columns", l).expect("estimable").df).sum::<f64>();
        (n as f64, Box::new(all))
    })
}

fn refits() -> Axis {
    let fit: &'static Fit = Box::leak(Box::new(imrs_gst_model().fit(&imrs_gst()).expect("can be fitted")));
    let refitter = fit.refitter().expect("the fit has patients");
    axis("imrs_gst, cLDA: refits of patients resampled", "replicates", &[10, 100, 1000], |n| {
        let samples: Vec<Vec<u32>> = (0..n as u64).map(|r| resampled(fit.n_patients(), r)).collect();
        let mut own = refitter.clone();
        (n as f64, Box::new(move || samples.iter().filter(|times| own.with_multiplicities(times).is_ok()).count()))
    })
}
