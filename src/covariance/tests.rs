//! Derivatives against differences, starts and names, for every structure.

use super::*;

const TIMES: [f64; 4] = [0.0, 3.0, 6.0, 12.0];

/// Parameters in general position: a start from an unbalanced covariance matrix.
fn theta(structure: &dyn CovarianceStructure) -> Vec<f64> {
    let moments = DMatrix::from_fn(4, 4, |a, b| {
        (9.0 + a as f64) * (7.0 + b as f64).min(9.0) * 0.7_f64.powi(a.abs_diff(b) as i32) * 0.9 + f64::from(a == b) * 8.0
    });
    structure.start(&(0.5 * (&moments + moments.transpose())))
}

/// Those with a name of their own, and those that take numbers or other structures.
fn examples() -> Vec<(String, Covariance)> {
    let named = Covariance::NAMED.into_iter().map(|(name, _, covariance)| (name.to_string(), covariance));
    let with = [
        "unstructured(1)",
        "unstructured(2)",
        "unstructured(9)",
        "toeplitz(1)",
        "toeplitz(3)",
        "heterogeneous-toeplitz(2)",
        "factor-analytic(1)",
        "factor-analytic-common-variance(1)",
        "factor-analytic-common-variance(2)",
        "random-intercept + autoregressive",
        "random-intercept-slope + heterogeneous-autoregressive",
        "random-intercept + factor-analytic(1)",
        "random-intercept-slope + spatial-gaussian",
    ];
    named.chain(with.map(|name| (name.to_string(), Covariance::named(name).expect("a name")))).collect()
}

fn structures() -> Vec<(String, Box<dyn CovarianceStructure>)> {
    let times: Vec<Option<f64>> = TIMES.iter().map(|&t| Some(t)).collect();
    examples().into_iter().map(|(name, covariance)| (name, covariance.bind(&times).expect("has times"))).collect()
}

fn sigma_at(structure: &dyn CovarianceStructure, theta: &[f64]) -> DMatrix<f64> {
    let mut sigma = DMatrix::zeros(4, 4);
    structure.sigma(theta, &mut sigma);
    sigma
}

fn derivative_at(structure: &dyn CovarianceStructure, theta: &[f64], k: usize) -> DMatrix<f64> {
    let mut derivative = DMatrix::zeros(4, 4);
    structure.derivative(theta, k, &mut derivative);
    derivative
}

/// The central difference of `f` along parameter k; its error is of the order step² = 1e-10, relative to values near
/// 100.
fn difference(theta: &[f64], k: usize, f: impl Fn(&[f64]) -> DMatrix<f64>) -> DMatrix<f64> {
    let step = 1e-5 * theta[k].abs().max(1e-2);
    let (mut above, mut below) = (theta.to_vec(), theta.to_vec());
    above[k] += step;
    below[k] -= step;
    (f(&above) - f(&below)) / (2.0 * step)
}

#[test]
fn first_derivatives_are_those_of_sigma() {
    for (name, structure) in structures() {
        let theta = theta(&*structure);
        for k in 0..theta.len() {
            let exact = derivative_at(&*structure, &theta, k);
            let error = (difference(&theta, k, |t| sigma_at(&*structure, t)) - &exact).abs().max();
            assert!(error < 1e-7 * (1.0 + exact.abs().max()), "{name}, parameter {k}: off by {error:e}");
        }
    }
}

#[test]
fn second_derivatives_are_those_of_the_first() {
    for (name, structure) in structures() {
        let theta = theta(&*structure);
        for k in 0..theta.len() {
            for l in 0..theta.len() {
                let mut exact = DMatrix::zeros(4, 4);
                if !structure.second_derivative(&theta, k, l, &mut exact) {
                    exact.fill(0.0);
                }
                let error = (difference(&theta, l, |t| derivative_at(&*structure, t, k)) - &exact).abs().max();
                assert!(error < 1e-7 * (1.0 + exact.abs().max()), "{name}, parameters {k} and {l}: off by {error:e}");
            }
        }
    }
}

#[test]
fn each_parameter_has_a_name_and_the_start_is_in_range() {
    let labels: Vec<String> = TIMES.iter().map(|t| format!("month {t}")).collect();
    for (name, structure) in structures() {
        let theta = theta(&*structure);
        assert_eq!(structure.parameter_names(&labels).len(), theta.len(), "{name}");
        assert!(structure.in_range(&theta), "{name}");
        assert!(sigma_at(&*structure, &theta).cholesky().is_some(), "{name}");
    }
}

/// One visit has one variance and two have what they can have; a structure for which they are too few says so.
#[test]
fn few_visits_are_enough_or_refused_by_name() {
    for (name, covariance) in examples() {
        for visits in [1, 2] {
            let times: Vec<Option<f64>> = (0..visits).map(|t| Some(f64::from(t))).collect();
            let labels: Vec<String> = (0..visits).map(|t| t.to_string()).collect();
            let structure = match covariance.bind(&times) {
                Ok(structure) => structure,
                Err(error) => {
                    assert!(name.contains("factor-analytic"), "{name}: {error}");
                    assert!(error.to_string().contains(&format!("of {visits} visit")), "{error}");
                    continue;
                }
            };
            let moments = DMatrix::from_fn(labels.len(), labels.len(), |a, b| if a == b { 4.0 } else { 1.5 });
            let theta = structure.start(&moments);
            assert_eq!(structure.parameter_names(&labels).len(), theta.len(), "{name}");
            assert!(structure.in_range(&theta), "{name}");
            if visits == 1 && !name.contains("random") {
                assert_eq!(theta, [4.0], "{name}");
            }
        }
    }
}

/// Moments that no Σ of the structure is near to: a start is inside its range all the same.
#[test]
fn every_start_is_inside_whatever_the_moments() {
    for (name, structure) in structures() {
        for case in 0..200_u32 {
            let mut state = u64::from(case) + 1;
            let mut uniform = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
            };
            let factors = if case % 3 == 0 { 1 } else { 4 };
            let root = DMatrix::from_fn(4, factors, |_, _| uniform());
            let scale: Vec<f64> = (0..4).map(|_| 10.0_f64.powf(f64::from(case % 5) * uniform())).collect();
            let moments = &root * root.transpose() + DMatrix::identity(4, 4) * 0.01;
            let moments = DMatrix::from_fn(4, 4, |a, b| moments[(a, b)] * scale[a] * scale[b]);
            let theta = structure.start(&moments);
            assert!(structure.in_range(&theta), "{name}, case {case}: {theta:?}");
            assert!(sigma_at(&*structure, &theta).cholesky().is_some(), "{name}, case {case}: {theta:?} from {moments}");
        }
    }
}

#[test]
fn every_name_is_read_back() {
    for (name, covariance) in examples() {
        assert_eq!(covariance.to_string(), name);
        assert_eq!(Covariance::named(&covariance.to_string()).expect("a name").to_string(), name);
    }
    let places = Covariance::named("sp_exp(VISITN, VISITN2)").expect("a name");
    assert_eq!(places.coordinate_columns(), ["VISITN", "VISITN2"]);
    assert_eq!(places.to_string(), "spatial-exponential(VISITN, VISITN2)");
}

#[test]
fn what_is_no_structure_is_refused() {
    let refused = [
        "banana(2)",
        "toeplitz(0)",
        "toeplitz(x)",
        "autoregressive(2)",
        "autoregressive + toeplitz",
        "random-intercept + random-intercept",
        "random-intercept + ",
        "factor-analytic",
    ];
    for name in refused {
        assert!(Covariance::named(name).is_err(), "{name}");
    }
    assert!(Covariance::BandedToeplitz { bands: 0 }.bind(&[Some(0.0)]).is_err());
    assert!(Covariance::Unstructured.bind(&[]).is_err());
}

/// exp(−d/ϑ) and ρ^d are one model with ρ = exp(−1/ϑ); at whole distances of the schedule, the autoregressive one.
#[test]
fn spatial_structures_are_those_that_they_contain() {
    let times: Vec<Option<f64>> = (0..4).map(|t| Some(f64::from(t))).collect();
    let bind = |name: &str| Covariance::named(name).and_then(|c| c.bind(&times)).expect("has times");
    let power = sigma_at(&*bind("spatial-power"), &[3.0, 0.4]);
    assert!((&power - sigma_at(&*bind("autoregressive"), &[3.0, 0.4])).amax() < 1e-15);
    assert!((&power - sigma_at(&*bind("spatial-exponential"), &[3.0, -1.0 / 0.4_f64.ln()])).amax() < 1e-15);
}

#[test]
fn coordinates_are_taken_together() {
    let covariance = Covariance::SpatialGaussian(Coordinates::columns(["x", "y"]));
    assert!(covariance.bind(&[None, None]).is_err());
    let places = DMatrix::from_row_slice(3, 2, &[0.0, 0.0, 3.0, 4.0, f64::NAN, 1.0]);
    let structure = covariance.bind_at(&[None, None, None], Some(&places)).expect("apart");
    let mut sigma = DMatrix::zeros(3, 3);
    structure.sigma(&[2.0, 10.0], &mut sigma);
    assert!((sigma[(1, 0)] - 2.0 * (-0.25_f64).exp()).abs() < 1e-15);
    assert_eq!((sigma[(2, 0)], sigma[(2, 1)], sigma[(2, 2)]), (0.0, 0.0, 2.0));
    let same = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 1.0, 2.0]);
    assert!(covariance.bind_at(&[None, None], Some(&same)).is_err());
}

#[test]
fn names_are_found_in_full_and_short() {
    assert_eq!(Covariance::named("csh").expect("short").to_string(), "heterogeneous-compound-symmetry");
    assert_eq!(Covariance::named("unstructured").expect("full").to_string(), "unstructured");
    assert!(Covariance::named("banana").is_err());
}

#[test]
fn a_structure_on_time_asks_for_times() {
    assert!(Covariance::RandomInterceptSlope.bind(&[Some(0.0), None]).is_err());
}
