//! Numbers that papers and manuals print.

use super::p;
use trialstats::proportions::{
    Alternative, Claim, DifferenceMethod, MarginMethod, Meaning, OddsRatioMethod, Proportion, ProportionMethod, RatioMethod, TestMethod,
    difference, margin_test, odds_ratio_by, ratio, risk_difference, test_of_equality,
};

/// As a table prints limits: to so many decimals.
fn prints(found: f64, decimals: usize, held: &str, what: &str) {
    assert_eq!(format!("{found:.decimals$}"), held, "{what}");
}

/// 36 of 154 and 12 of 77, as SAS's PROC FREQ has them.
#[test]
fn thirty_six_of_154_against_twelve_of_77() {
    let (first, second) = (p(36, 154), p(12, 77));
    let by = |method| first.interval(method, 0.95).expect("a level");
    let wilson = by(ProportionMethod::Wilson);
    prints(wilson.lower, 5, "0.17390", "Wilson");
    prints(wilson.upper, 5, "0.30659", "Wilson");
    let exact = by(ProportionMethod::ClopperPearson);
    prints(exact.lower, 4, "0.1694", "Clopper–Pearson");
    prints(exact.upper, 4, "0.3086", "Clopper–Pearson");
    for (method, lower, upper) in [(DifferenceMethod::Newcombe, "-0.0361", "0.1751"), (DifferenceMethod::AgrestiCaffo, "-0.0329", "0.1782")]
    {
        let interval = difference(first, second, method, 0.95).expect("a level");
        prints(interval.lower, 4, lower, "difference");
        prints(interval.upper, 4, upper, "difference");
    }
}

/// Newcombe 1998, *Statistics in Medicine* 17:857–872, table I: methods 1 to 5.
#[test]
fn newcombes_table_of_one_proportion() {
    use ProportionMethod::{ClopperPearson, MidP, Wald, WaldCorrected, Wilson, WilsonCorrected};
    let rows = [
        (81, 263, Wald, "0.2522", "0.3638"),
        (81, 263, WaldCorrected, "0.2503", "0.3657"),
        (81, 263, Wilson, "0.2553", "0.3662"),
        (81, 263, WilsonCorrected, "0.2535", "0.3682"),
        (81, 263, ClopperPearson, "0.2527", "0.3676"),
        (81, 263, MidP, "0.2544", "0.3658"),
        (15, 148, Wald, "0.0527", "0.1500"),
        (15, 148, Wilson, "0.0624", "0.1605"),
        (15, 148, WilsonCorrected, "0.0598", "0.1644"),
        (15, 148, ClopperPearson, "0.0578", "0.1617"),
        (15, 148, MidP, "0.0601", "0.1581"),
        (0, 20, Wilson, "0.0000", "0.1611"),
        (0, 20, WilsonCorrected, "0.0000", "0.2005"),
        (0, 20, ClopperPearson, "0.0000", "0.1684"),
        (0, 20, MidP, "0.0000", "0.1391"),
        (1, 29, Wilson, "0.0061", "0.1718"),
        (1, 29, WilsonCorrected, "0.0018", "0.1963"),
        (1, 29, ClopperPearson, "0.0009", "0.1776"),
        (1, 29, MidP, "0.0017", "0.1585"),
    ];
    for (x, n, method, lower, upper) in rows {
        let interval = p(x, n).interval(method, 0.95).expect("a level");
        prints(interval.lower, 4, lower, &format!("{x}/{n} {method}"));
        prints(interval.upper, 4, upper, &format!("{x}/{n} {method}"));
    }
}

/// Newcombe 1998, *Statistics in Medicine* 17:873–890, table II: methods 1, 2, 5, 6, 10 and 11 for its eight contrasts.
#[test]
fn newcombes_table_of_differences() {
    use DifferenceMethod::{Mee, MiettinenNurminen, Newcombe, NewcombeCorrected, Wald, WaldCorrected};
    let contrasts =
        [(56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (0, 10, 0, 10), (10, 10, 0, 20), (10, 10, 0, 10)];
    let rows: [(DifferenceMethod, [(&str, &str); 8]); 6] = [
        (
            Wald,
            [
                ("0.0575", "0.3425"),
                ("0.2605", "0.9395"),
                ("0.1481", "0.9947"),
                ("0.0146", "0.1640"),
                ("0.0000", "0.0000"),
                ("0.0000", "0.0000"),
                ("1.0000", "1.0000"),
                ("1.0000", "1.0000"),
            ],
        ),
        (
            WaldCorrected,
            [
                ("0.0441", "0.3559"),
                ("0.1605", "1.0000"),
                ("0.0053", "1.0000"),
                ("-0.0116", "0.1901"),
                ("-0.0750", "0.0750"),
                ("-0.1000", "0.1000"),
                ("0.9250", "1.0000"),
                ("0.9000", "1.0000"),
            ],
        ),
        (
            Mee,
            [
                ("0.0533", "0.3377"),
                ("0.1821", "0.8370"),
                ("0.0544", "0.8478"),
                ("-0.0313", "0.1926"),
                ("-0.1611", "0.2775"),
                ("-0.2775", "0.2775"),
                ("0.7225", "1.0000"),
                ("0.6777", "1.0000"),
            ],
        ),
        (
            MiettinenNurminen,
            [
                ("0.0528", "0.3382"),
                ("0.1700", "0.8406"),
                ("0.0342", "0.8534"),
                ("-0.0326", "0.1933"),
                ("-0.1658", "0.2844"),
                ("-0.2879", "0.2879"),
                ("0.7156", "1.0000"),
                ("0.6636", "1.0000"),
            ],
        ),
        (
            Newcombe,
            [
                ("0.0524", "0.3339"),
                ("0.1705", "0.8090"),
                ("0.0582", "0.8062"),
                ("-0.0381", "0.1926"),
                ("-0.1611", "0.2775"),
                ("-0.2775", "0.2775"),
                ("0.6791", "1.0000"),
                ("0.6075", "1.0000"),
            ],
        ),
        (
            NewcombeCorrected,
            [
                ("0.0428", "0.3422"),
                ("0.1013", "0.8387"),
                ("-0.0290", "0.8423"),
                ("-0.0667", "0.2037"),
                ("-0.2005", "0.3445"),
                ("-0.3445", "0.3445"),
                ("0.6014", "1.0000"),
                ("0.5128", "1.0000"),
            ],
        ),
    ];
    for (method, limits) in rows {
        for ((x1, n1, x2, n2), (lower, upper)) in contrasts.into_iter().zip(limits) {
            let interval = difference(p(x1, n1), p(x2, n2), method, 0.95).expect("a level");
            let what = format!("{x1}/{n1} {x2}/{n2} {method}");
            // −0.0000 reads as zero.
            prints(interval.lower + 0.0, 4, lower, &what);
            prints(interval.upper + 0.0, 4, upper, &what);
        }
    }
    let same = risk_difference(p(56, 70), p(48, 80), 0.95).expect("a level");
    assert_eq!(same, difference(p(56, 70), p(48, 80), Newcombe, 0.95).expect("a level"));
}

/// The examples of Fagerland, Lydersen and Laake, *Statistical Analysis of Contingency Tables* (2017), chapter 4, as the authors'
/// package contingencytables prints them: survival with high and standard doses of epinephrine (Perondi et al. 2004), 7 of 34
/// against 1 of 34; Lampasona et al. 2013, 9 of 13 against 4 of 14; Ritland et al. 2007, 0 of 16 against 15 of 72; the lady
/// tasting tea, 3 of 4 against 1 of 4.
#[test]
fn the_examples_of_fagerland_lydersen_and_laake() {
    let (perondi, lampasona, ritland, tea) = ((p(7, 34), p(1, 34)), (p(9, 13), p(4, 14)), (p(0, 16), p(15, 72)), (p(3, 4), p(1, 4)));
    let d = |(a, b): (Proportion, Proportion), method| difference(a, b, method, 0.95).expect("a level");
    let r = |(a, b): (Proportion, Proportion), method| ratio(a, b, method, 0.95).expect("a level");
    let o = |(a, b): (Proportion, Proportion), method| odds_ratio_by(a, b, method, 0.95).expect("a level");
    for (found, held) in [
        (d(perondi, DifferenceMethod::Wald), "0.0292 0.3238"),
        (d(perondi, DifferenceMethod::WaldCorrected), "-0.0002 0.3532"),
        (d(perondi, DifferenceMethod::AgrestiCaffo), "0.0116 0.3217"),
        (d(perondi, DifferenceMethod::Newcombe), "0.0189 0.3404"),
        (d(perondi, DifferenceMethod::Mee), "0.0284 0.3439"),
        (d(ritland, DifferenceMethod::MiettinenNurminen), "-0.3164 -0.0056"),
        (r(perondi, RatioMethod::Wald), "0.9096 53.8695"),
        (r(perondi, RatioMethod::Koopman), "1.2209 42.5757"),
        (r(perondi, RatioMethod::MiettinenNurminen), "1.2086 43.0330"),
        (r((p(3, 4), p(0, 2)), RatioMethod::Koopman), "0.8257 inf"),
        (r((p(3, 4), p(0, 2)), RatioMethod::MiettinenNurminen), "0.7113 inf"),
        (o(lampasona, OddsRatioMethod::MiettinenNurminen), "1.0934 28.9419"),
        (o(ritland, OddsRatioMethod::WoolfModified), "0.0064 1.9804"),
        (o(tea, OddsRatioMethod::MidP), "0.3101 308.5568"),
        (o((p(3, 3), p(1, 4)), OddsRatioMethod::MidP), "0.5605 inf"),
    ] {
        assert_eq!(format!("{:.4} {:.4}", found.lower, found.upper), held);
    }
    let two_sided = |(a, b): (Proportion, Proportion), method| test_of_equality(a, b, method, Alternative::TwoSided).p;
    for (found, held) in [
        (two_sided(tea, TestMethod::Pearson), "0.15730"),
        (two_sided(tea, TestMethod::PearsonCorrected), "0.47950"),
        (two_sided(tea, TestMethod::LikelihoodRatio), "0.14798"),
        (two_sided(tea, TestMethod::Barnard), "0.28906"),
        (two_sided(ritland, TestMethod::Fisher), "0.06287"),
        (two_sided(ritland, TestMethod::FisherMidP), "0.04466"),
    ] {
        assert_eq!(format!("{found:.5}"), held);
    }
}

/// Koopman 1984, *Biometrics* 40:513–517; and the convicted twins of R's help page of `fisher.test`.
#[test]
fn koopmans_and_fishers_examples() {
    let koopman = ratio(p(36, 40), p(16, 80), RatioMethod::Koopman, 0.95).expect("a level");
    prints(koopman.lower, 2, "2.94", "Koopman");
    prints(koopman.upper, 2, "7.15", "Koopman");
    let twins = test_of_equality(p(2, 17), p(10, 13), TestMethod::Fisher, Alternative::Less).p;
    prints(twins, 7, "0.0004652", "twins");
}

/// Chan 1998, *Statistics in Medicine* 17:1403–1413: Rodary et al. 1989, margin 0.10, exact p = 0.0017.
#[test]
fn chans_example_of_non_inferiority() {
    let test = |a: Proportion, b: Proportion, method, margin| {
        margin_test(a, b, Claim::NonInferiority, method, margin, Meaning::Favourable, 0.95).expect("a margin")
    };
    let exact = test(p(83, 88), p(69, 76), MarginMethod::Exact, 0.10);
    prints(exact.p, 4, "0.0017", "Rodary");
    assert!(exact.interval.lower > -0.10 && exact.rejects());
}

/// Each test against a margin decides as its interval does, whatever the counts.
#[test]
fn tests_against_a_margin_decide_as_their_intervals() {
    use trialstats::options::Choices;
    for (a, b) in [(p(36, 154), p(12, 77)), (p(8, 15), p(7, 15)), (p(20, 20), p(18, 19)), (p(3, 30), p(9, 30)), (p(0, 12), p(1, 14))] {
        for method in MarginMethod::CHOICES {
            for claim in Claim::CHOICES {
                for (meaning, margin) in
                    [Meaning::Favourable, Meaning::Unfavourable].into_iter().flat_map(|m| [0.03, 0.1, 0.2, 0.35].map(|d| (m, d)))
                {
                    let test = margin_test(a, b, claim.value, method.value, margin, meaning, 0.95).expect("a margin");
                    let (above, below) = (test.interval.lower > -margin, test.interval.upper < margin);
                    let decided = match (claim.value, meaning) {
                        (Claim::Equivalence, _) => above && below,
                        (_, Meaning::Favourable) => above,
                        _ => below,
                    };
                    assert_eq!(test.rejects(), decided, "{a:?} {b:?} {} {} {margin} {meaning}: {test:?}", method.name, claim.name);
                }
            }
        }
    }
}
