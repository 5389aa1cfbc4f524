//! R mmrm 0.3.18, case by case: the files of `tests/references/mmrm`, `mmrm_more` and `sandwich/mmrm`.

use crate::common::tolerances::*;
use crate::common::{Comparison, assert_all, estimation, number, repository, rows, text};
use nalgebra::DMatrix;
use serde_json::Value;
use std::collections::BTreeMap;
use trialstats::covariance::Covariance;
use trialstats::{Df, Fit, Model, Trial, Vcov};

/// Files whose Kenward–Roger standard errors are taken in mmrm's log-Cholesky parameters (or its transformed
/// correlations), where SAS and this library take the elements of Σ. The adjustment with second derivatives is not
/// invariant; everything else in the file is. The same models with `Kenward-Roger-Linear`, which is invariant, are
/// among the compared.
const KENWARD_ROGER_OF_MMRM: [&str; 3] = ["antidepressant_cs_reml_kr", "fev_cs_reml_kr", "fev_us_reml_kr"];

/// Files whose optimiser stopped early; see [`EARLY_STOP`].
const EARLY: [&str; 4] = ["fev_adh_reml_satterthwaite", "fev_ar1_reml_krlinear", "fev_ar1_reml_satterthwaite", "fev_us_ml_satterthwaite"];

/// One file.
struct Case {
    id: String,
    expected: Value,
    formula: String,
    covariance: String,
    group: Option<String>,
}

impl Case {
    fn of(folder: &str, id: &str) -> Self {
        let expected = crate::common::reference(&format!("{folder}/{id}.json"));
        // `y ~ a + us(visit | patient)`, `y ~ a + us(visit | group/patient)`
        let written = text(&expected["formula"]).replace(" / ", "/");
        let (formula, structure) = written.rsplit_once(" + ").expect("a covariance term");
        let (covariance, rest) = structure.split_once('(').expect("a structure");
        let (_, subject) = rest.trim_end_matches(')').split_once(" | ").expect("a subject");
        let group = subject.split_once('/').map(|(group, _)| group.to_string());
        Self { id: id.into(), formula: formula.into(), covariance: covariance.into(), group, expected }
    }

    fn vcov(&self) -> Vcov {
        match text(&self.expected["vcov_method"]) {
            "Empirical" => Vcov::Cr0,
            "Empirical-Bias-Reduced" => Vcov::Cr2,
            "Empirical-Jackknife" => Vcov::Cr3,
            _ => Vcov::ModelBased,
        }
    }

    fn df(&self) -> Option<Df> {
        match (text(&self.expected["df_method"]), text(&self.expected["vcov_method"])) {
            ("Between-Within", _) => Some(Df::BetweenWithin),
            ("Satterthwaite", "default" | "Empirical" | "Empirical-Bias-Reduced" | "Empirical-Jackknife") => Some(Df::Satterthwaite),
            ("Kenward-Roger", "default") => Some(Df::KenwardRoger),
            ("Kenward-Roger", "Kenward-Roger-Linear") => Some(Df::KenwardRogerLinear),
            _ => None,
        }
    }

    fn model(&self) -> Option<Model> {
        let covariance = Covariance::named(&self.covariance).ok()?;
        let estimation = estimation(&self.expected);
        let mut model = Model::formula(&self.formula)
            .expect("the formula is one")
            .covariance(covariance)
            .estimation(estimation)
            .df(self.df()?)
            .vcov(self.vcov());
        if let Some(group) = &self.group {
            model = model.covariance_by(group);
        }
        if self.expected["weighted"] == true {
            model = model.weights("WEIGHT");
        }
        Some(model)
    }

    fn allowed(&self) -> Allowed {
        match self.id.as_str() {
            id if id.ends_with("_top") => AT_THE_TOP,
            id if EARLY.contains(&id) => EARLY_STOP,
            "fev_spexp_reml_satterthwaite" => EARLIER_STOP,
            _ => AS_GIVEN,
        }
    }

    fn compare(&self, trial: &Trial) -> Comparison {
        let fit = self.model().expect("a covered case").fit(trial).unwrap_or_else(|e| panic!("{}: {e}", self.id));
        let expected = &self.expected;
        let mut c = Comparison::of(&self.id);
        let allowed = self.allowed();
        let se_differs = KENWARD_ROGER_OF_MMRM.contains(&self.id.as_str());
        c.same("n_obs", fit.n_observations() as f64, number(&expected["n_obs"]));
        c.same("n_subjects", fit.n_patients() as f64, number(&expected["n_subjects"]));
        c.at_least("log-likelihood", fit.log_likelihood(), number(&expected["log_lik"]), LOG_LIKELIHOOD);
        c.relative("log-likelihood", fit.log_likelihood(), number(&expected["log_lik"]), CRITERIA);
        c.relative("AIC", fit.aic(), number(&expected["aic"]), CRITERIA);
        c.relative("BIC", fit.bic(), number(&expected["bic"]), CRITERIA);
        self.coefficients(&mut c, &fit, allowed, se_differs);
        self.covariances(&mut c, &fit, allowed);
        self.interaction(&mut c, &fit, allowed, se_differs);
        c
    }

    fn coefficients(&self, c: &mut Comparison, fit: &Fit, allowed: Allowed, se_differs: bool) {
        let expected = rows(&self.expected["coefficients"]);
        let ours = fit.coefficients().rows;
        c.same("number of coefficients", ours.len(), expected.len());
        for (ours, theirs) in ours.iter().zip(expected) {
            let term = text(&theirs["term"]);
            c.same("term", ours.label.as_str(), term);
            c.relative(&format!("{term} estimate"), ours.estimate, number(&theirs["estimate"]), allowed.estimate);
            c.relative(&format!("{term} df"), ours.df, number(&theirs["df"]), allowed.df);
            if !se_differs {
                c.relative(&format!("{term} SE"), ours.se, number(&theirs["se"]), allowed.se);
                c.relative(&format!("{term} t"), ours.t, number(&theirs["t"]), allowed.derived);
                c.relative(&format!("{term} p"), ours.p, number(&theirs["p"]), allowed.derived);
            }
        }
        if !se_differs {
            // Off-diagonal elements may be zero, so closeness is judged by the two standard errors.
            for (a, row) in rows(&self.expected["vcov"]).iter().enumerate() {
                for (b, theirs) in rows(row).iter().enumerate() {
                    let scale = ours[a].se * ours[b].se;
                    c.within(&format!("vcov[{a}][{b}]"), fit.vcov()[(a, b)], number(theirs), 2.0 * allowed.se * scale);
                }
            }
        }
    }

    fn covariances(&self, c: &mut Comparison, fit: &Fit, allowed: Allowed) {
        let expected = self.expected["covariance"].as_object().expect("matrices by group");
        let ours: BTreeMap<&str, &DMatrix<f64>> = fit.covariances().iter().map(|g| (g.group.as_str(), &g.sigma)).collect();
        c.same("groups", ours.keys().copied().collect::<Vec<_>>(), expected.keys().map(String::as_str).collect());
        for (group, sigma) in ours {
            for (a, row) in rows(&expected[group]).iter().enumerate() {
                for (b, theirs) in rows(row).iter().enumerate() {
                    let scale = (sigma[(a, a)] * sigma[(b, b)]).sqrt();
                    c.within(&format!("covariance {group}[{a}][{b}]"), sigma[(a, b)], number(theirs), allowed.se * scale);
                }
            }
        }
    }

    /// The rows of the hypothesis are the interaction coefficients as they are.
    fn interaction(&self, c: &mut Comparison, fit: &Fit, allowed: Allowed, se_differs: bool) {
        let expected = &self.expected["interaction_test"];
        let columns = fit.design().columns();
        let terms: Vec<usize> = rows(&expected["terms"])
            .iter()
            .map(|t| columns.iter().position(|c| c.name == text(t)).expect("a column of that name"))
            .collect();
        let l = DMatrix::from_fn(terms.len(), columns.len(), |r, j| f64::from(u8::from(terms[r] == j)));
        let test = fit.f_test("interaction", &l).unwrap_or_else(|e| panic!("{}: {e}", self.id));
        c.same("numerator df", test.num_df, number(&expected["num_df"]));
        c.relative("denominator df", test.denom_df, number(&expected["denom_df"]), allowed.df);
        if !se_differs {
            c.relative("F", test.f, number(&expected["f"]), allowed.derived);
            c.relative("p of F", test.p, number(&expected["p"]), allowed.derived);
        }
    }
}

/// The files of a folder, without extension, sorted.
fn ids(folder: &str) -> Vec<String> {
    let path = repository("tests/references").join(folder);
    let mut ids: Vec<String> = std::fs::read_dir(path)
        .expect("the folder of references")
        .map(|entry| entry.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .map(|p| p.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    ids.sort();
    ids
}

fn compare_all(cases: &[Case]) {
    let trials = BTreeMap::from([
        ("fev_data", crate::common::fev()),
        ("antidepressant_data", crate::common::antidepressant()),
        ("bcva_data", crate::common::bcva()),
    ]);
    assert_all(cases.iter().map(|case| case.compare(&trials[text(&case.expected["data"])])));
}

#[test]
fn every_case_is_covered() {
    for folder in ["mmrm", "mmrm_more", "sandwich/mmrm"] {
        assert!(ids(folder).iter().all(|id| Case::of(folder, id).model().is_some()));
    }
}

#[test]
fn the_given_cases_agree() {
    let cases: Vec<Case> = ids("mmrm").iter().map(|id| Case::of("mmrm", id)).collect();
    assert_eq!(cases.len(), 21);
    compare_all(&cases);
}

#[test]
fn the_cases_taken_to_the_top_agree() {
    let cases: Vec<Case> = ids("mmrm_more").iter().map(|id| Case::of("mmrm_more", id)).collect();
    assert_eq!(cases.len(), 64);
    compare_all(&cases);
}

#[test]
fn cluster_robust_and_between_within_cases_agree() {
    let cases: Vec<Case> = ids("sandwich/mmrm").iter().map(|id| Case::of("sandwich/mmrm", id)).collect();
    assert_eq!(cases.len(), 15);
    compare_all(&cases);
}
