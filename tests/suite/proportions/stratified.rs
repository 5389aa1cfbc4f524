//! Proportions over strata: R's mantelhaen.test, tern, ratesci and DescTools, SAS's manual, and identities.

use super::{p, read};
use serde_json::Value;
use trialstats::options::Choices;
use trialstats::proportions::{
    CmhOptions, Measure, RatioMeasure, ScoreType, Strata, StratifiedDifferenceMethod, TestMethod, cochran_mantel_haenszel, difference,
    test_of_equality,
};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn strata_of(reference: &Value) -> Strata {
    let rows = reference["strata"].as_array().expect("strata").iter().map(numbers);
    let strata = rows.map(|row| [p(row[0] as usize, row[1] as usize), p(row[2] as usize, row[3] as usize)]);
    Strata::new(strata).expect("strata")
}

fn near(found: Measure, held: &Value, tolerance: f64, what: &str) {
    let held = numbers(held);
    for (found, held) in [found.estimate, found.lower, found.upper].into_iter().zip(held) {
        assert!((found - held).abs() < tolerance * held.abs().max(1.0), "{what}: {found}, and the reference has {held}");
    }
}

#[test]
fn common_effects_are_those_of_r() {
    let document = read("stratified.json");
    for (name, reference) in document["stratified"].as_object().expect("data") {
        let strata = strata_of(reference);
        for choice in StratifiedDifferenceMethod::CHOICES {
            // ratesci prints ten decimals; tern's weights stop at a change of 1e-3.
            let tolerance = match choice.value {
                StratifiedDifferenceMethod::NewcombeShortest => 2e-3,
                StratifiedDifferenceMethod::MiettinenNurminen | StratifiedDifferenceMethod::SummaryScore => 1e-8,
                _ => 1e-12,
            };
            let found = strata.difference(choice.value, 0.95).expect("a level");
            // tern leaves weights to strata in which nobody varies that R's prop.test bends; it has NaN there.
            if reference[choice.name].as_array().is_some_and(|limits| limits.iter().all(Value::is_number)) {
                near(found, &reference[choice.name], tolerance, &format!("{name} {}", choice.name));
            }
        }
        near(strata.mantel_haenszel(RatioMeasure::OddsRatio, 0.95).expect("a level"), &reference["odds-ratio"], 1e-12, name);
        near(strata.mantel_haenszel(RatioMeasure::RiskRatio, 0.95).expect("a level"), &reference["ratio"], 1e-12, name);
        for (corrected, key) in [(false, "cmh"), (true, "cmh-corrected")] {
            let (found, held) = (strata.cochran_mantel_haenszel(corrected), numbers(&reference[key]));
            assert!((found.statistic - held[0]).abs() < 1e-10 && (found.p - held[1]).abs() < 1e-10, "{name} {key}: {found:?}");
        }
        for (tarone, key) in [(false, "breslow-day"), (true, "tarone")] {
            if let Some(held) = reference[key].as_array().filter(|held| held.iter().all(Value::is_number)) {
                let (found, held) = (strata.breslow_day(tarone), held.iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>());
                assert!((found.statistic - held[0]).abs() < 1e-8 && found.df == held[1], "{name} {key}: {found:?} {held:?}");
            }
        }
    }
}

/// SAS/STAT User's Guide, PROC FREQ, example "Cochran-Mantel-Haenszel Statistics": migraine.
#[test]
fn migraine_of_the_sas_manual() {
    let strata = Strata::new([[p(16, 27), p(5, 25)], [p(12, 28), p(7, 26)]]).expect("strata");
    let prints = |found: Measure, held: &str| assert_eq!(format!("{:.4} {:.4} {:.4}", found.estimate, found.lower, found.upper), held);
    prints(strata.mantel_haenszel(RatioMeasure::OddsRatio, 0.95).expect("a level"), "3.3132 1.4456 7.5934");
    prints(strata.inverse_variance(RatioMeasure::OddsRatio, 0.95).expect("a level"), "3.2941 1.4182 7.6515");
    prints(strata.mantel_haenszel(RatioMeasure::RiskRatio, 0.95).expect("a level"), "2.1636 1.2336 3.7948");
    prints(strata.inverse_variance(RatioMeasure::RiskRatio, 0.95).expect("a level"), "2.1059 1.1951 3.7108");
    let homogeneity = strata.breslow_day(false);
    assert_eq!(format!("{:.4} {:.4}", homogeneity.statistic, homogeneity.p), "1.4929 0.2218");
}

#[test]
fn generalised_statistics_are_those_of_r() {
    let document = read("stratified.json");
    let reference = &document["job_satisfaction"];
    let table =
        |value: &Value| value.as_array().expect("rows").iter().map(|row| numbers(row).iter().map(|&n| n as usize).collect()).collect();
    let tables: Vec<Vec<Vec<usize>>> = reference["table"].as_array().expect("tables").iter().map(table).collect();
    for (kind, key) in
        [(ScoreType::Table, "table"), (ScoreType::Rank, "rank"), (ScoreType::Ridit, "ridit"), (ScoreType::ModifiedRidit, "modridit")]
    {
        let found = cochran_mantel_haenszel(&tables, &CmhOptions::new().scores(kind)).expect("tables");
        let held = numbers(&reference["cmh"][key]);
        let tests = [(found.correlation, 1.0), (found.row_mean_scores, 3.0), (found.general_association, 9.0)];
        for ((test, df), held) in tests.into_iter().zip(held) {
            assert!((test.statistic - held).abs() < 1e-10 * held && test.df == df, "{key}: {test:?} {held}");
        }
    }
    // mantelhaen.test has general association alone.
    let held = numbers(&reference["mantelhaen"]);
    let found = cochran_mantel_haenszel(&tables, &CmhOptions::new()).expect("tables").general_association;
    assert!((found.statistic - held[0]).abs() < 1e-10 && (found.p - held[2]).abs() < 1e-10);
}

/// One stratum is no stratification; splitting a stratum of two groups in the same proportions changes no weighted difference.
#[test]
fn one_stratum_is_the_plain_comparison() {
    let (first, second) = (p(36, 154), p(12, 77));
    let one = Strata::new([[first, second]]).expect("strata");
    for (method, plain) in [
        (StratifiedDifferenceMethod::Newcombe, None),
        (StratifiedDifferenceMethod::MiettinenNurminen, Some(trialstats::proportions::DifferenceMethod::MiettinenNurminen)),
        (StratifiedDifferenceMethod::GreenlandRobins, Some(trialstats::proportions::DifferenceMethod::Wald)),
    ] {
        let stratified = one.difference(method, 0.95).expect("a level");
        if let Some(plain) = plain {
            let plain = difference(first, second, plain, 0.95).expect("a level");
            assert!((stratified.lower - plain.lower).abs() < 1e-12 && (stratified.upper - plain.upper).abs() < 1e-12, "{method}");
        }
        assert!((stratified.estimate - (first.share() - second.share())).abs() < 1e-15);
    }
    let cmh = one.cochran_mantel_haenszel(false);
    let n_minus_one = test_of_equality(first, second, TestMethod::NMinusOne, trialstats::proportions::Alternative::TwoSided);
    assert!((cmh.statistic - n_minus_one.statistic.expect("a statistic")).abs() < 1e-12);
    let tables = [vec![vec![36, 118], vec![12, 65]]];
    let general = cochran_mantel_haenszel(&tables, &CmhOptions::new()).expect("a table");
    for test in [general.correlation, general.row_mean_scores, general.general_association] {
        assert!((test.statistic - cmh.statistic).abs() < 1e-12 && test.df == 1.0);
    }
}

#[test]
fn strata_without_a_group_are_counted_and_change_nothing() {
    let both = [[p(16, 27), p(5, 25)], [p(12, 28), p(7, 26)]];
    let with_empty = Strata::new([both[0], [p(3, 9), p(0, 0)], both[1]]).expect("strata");
    let without = Strata::new(both).expect("strata");
    assert_eq!((with_empty.left_out(), with_empty.len()), (1, 2));
    for choice in StratifiedDifferenceMethod::CHOICES {
        assert_eq!(with_empty.difference(choice.value, 0.95).expect("a level"), without.difference(choice.value, 0.95).expect("a level"));
    }
    assert!(Strata::new([[p(3, 9), p(0, 0)]]).is_err());
    // An empty column costs degrees of freedom, and nothing else.
    let wider: Vec<Vec<Vec<usize>>> = both.iter().map(|s| s.iter().map(|g| vec![g.met, 0, g.of - g.met]).collect()).collect();
    let narrow: Vec<Vec<Vec<usize>>> = both.iter().map(|s| s.iter().map(|g| vec![g.met, g.of - g.met]).collect()).collect();
    let of = |tables: &[Vec<Vec<usize>>]| cochran_mantel_haenszel(tables, &CmhOptions::new()).expect("tables").general_association;
    let (wide, narrow) = (of(&wider), of(&narrow));
    assert!((wide.statistic - narrow.statistic).abs() < 1e-12 && wide.df == 1.0);
}
