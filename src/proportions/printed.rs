//! Compared proportions as tables.

use super::common_ratio::StrataTest;
use super::compared::{ComparedProportions, GroupComparison, MethodInterval, in_words};
use super::stratified::CommonEffect;
use crate::level::percent;
use crate::options::Choices;
use crate::table::{Column, Format, Tabular};

/// One of the tables that a comparison prints as.
struct Printed {
    title: String,
    columns: Vec<Column>,
    notes: Vec<String>,
}

impl Tabular for Printed {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// Proportions and differences.
const SHARE: Format = Format::Decimals(5);
/// Ratios and odds ratios.
const RATIO: Format = Format::Decimals(4);

impl ComparedProportions {
    /// The tables it prints as, one per question.
    pub fn tables(&self) -> Vec<Box<dyn Tabular>> {
        let mut tables = vec![self.group_table(), self.interval_table()];
        for comparison in &self.comparisons {
            tables.extend(self.comparison_tables(comparison));
        }
        if let Some(test) = self.all_equal {
            tables.push(tests_of("All groups equal", vec![("Pearson χ²", test)]));
        }
        if let Some(stratified) = &self.stratified {
            let cmh = stratified.cochran_mantel_haenszel;
            tables.push(tests_of(
                "Cochran–Mantel–Haenszel statistics over strata",
                vec![
                    ("Nonzero correlation", cmh.correlation),
                    ("Row mean scores differ", cmh.row_mean_scores),
                    ("General association", cmh.general_association),
                ],
            ));
            for effect in &stratified.comparisons {
                tables.extend(self.stratified_tables(effect));
            }
        }
        tables.into_iter().map(|table| Box::new(table) as Box<dyn Tabular>).collect()
    }

    fn group_table(&self) -> Printed {
        let groups = || self.groups.iter();
        let columns = vec![
            Column::text("group", "Group", groups().map(|g| g.label.as_str())),
            Column::count("events", "Events", groups().map(|g| g.events)),
            Column::count("of", "Patients", groups().map(|g| g.of)),
            Column::real("proportion", "Proportion", SHARE, groups().map(|g| g.proportion)),
        ];
        let pooled = self.stratified.is_some().then(|| "Pooled over strata.".to_string());
        Printed { title: "Proportions".into(), columns, notes: pooled.into_iter().collect() }
    }

    fn interval_table(&self) -> Printed {
        let every = || self.groups.iter().flat_map(|g| g.intervals.iter().map(move |i| (g, i)));
        let columns = vec![
            Column::text("group", "Group", every().map(|(g, _)| g.label.as_str())),
            Column::text("method", "Method", every().map(|(_, i)| i.label)),
            Column::real("lower", "Lower", SHARE, every().map(|(_, i)| i.lower)),
            Column::real("upper", "Upper", SHARE, every().map(|(_, i)| i.upper)),
        ];
        Printed { title: format!("Each proportion, {} confidence intervals", percent(self.level)), columns, notes: vec![] }
    }

    fn against(&self, second: usize) -> String {
        match self.groups.len() {
            2 => String::new(),
            _ => format!(": {} against {}", self.groups[0].label, self.groups[second].label),
        }
    }

    fn comparison_tables(&self, of: &GroupComparison) -> Vec<Printed> {
        let (level, against) = (percent(self.level), self.against(of.second));
        let pooled = if self.stratified.is_some() { ", pooled over strata" } else { "" };
        let title = |what: &str| format!("{what}{pooled}, {level} confidence intervals{against}");
        let conditional = match of.conditional_odds_ratio.is_nan() {
            true => String::new(),
            false => format!("Most likely given both margins: {}.", RATIO.apply(of.conditional_odds_ratio)),
        };
        let needed = Printed {
            title: format!("Number needed to treat{pooled}{against}"),
            columns: vec![Column::text("number_needed", "NNT", [of.number_needed_text.clone()])],
            notes: vec![format!(
                "For one more {} event; from Newcombe's interval of the difference (Altman 1998; Bender 2001).",
                self.meaning.name()
            )],
        };
        let mut tables = vec![
            intervals(title("Difference of proportions"), &of.difference, SHARE, vec![]),
            intervals(title("Ratio of proportions"), &of.ratio, RATIO, vec![]),
            intervals(title("Odds ratio"), &of.odds_ratio, RATIO, vec![conditional].into_iter().filter(|n| !n.is_empty()).collect()),
            test_table(of, format!("Tests of equal proportions{pooled}{against}")),
            needed,
        ];
        if let Some(margin) = self.margin {
            tables.push(self.margin_table(of, format!("Tests against a margin of {margin}{pooled}{against}")));
        }
        if let Some(last) = tables.last_mut() {
            last.notes.extend(of.warnings.iter().map(|warning| format!("Warning: {warning}")));
        }
        tables
    }

    fn margin_table(&self, of: &GroupComparison, title: String) -> Printed {
        let tests = || of.margin_tests.iter();
        let columns = vec![
            Column::text("claim", "Claim", tests().map(|t| t.claim.name())),
            Column::text("method", "Test", tests().map(|t| in_words(t.method))),
            Column::real("null_difference", "H₀", Format::Decimals(3), tests().map(|t| t.null_difference)),
            Column::real("statistic", "Statistic", RATIO, tests().map(|t| t.statistic.unwrap_or(f64::NAN))),
            Column::real("p", "One-sided p", Format::Probability, tests().map(|t| t.p)),
            Column::text("interval", "Interval that decides alike", tests().map(|t| in_words(t.method.interval()))),
            Column::real("lower", "Lower", SHARE, tests().map(|t| t.interval.lower)),
            Column::real("upper", "Upper", SHARE, tests().map(|t| t.interval.upper)),
        ];
        let alpha = (0.5 * (1.0 - self.level) * 1e6).round() / 1e6;
        let note = format!("One-sided α = {alpha}; the event is {}. Intervals have level {}.", self.meaning.name(), percent(self.level));
        Printed { title, columns, notes: vec![note] }
    }

    fn stratified_tables(&self, of: &CommonEffect) -> Vec<Printed> {
        let (level, against) = (percent(self.level), self.against(of.second));
        let title = |what: &str| format!("{what} over strata, {level} confidence intervals{against}");
        let left_out = match of.strata_left_out {
            0 => vec![],
            n => vec![format!("Strata in which a group has nobody, left out: {n}.")],
        };
        let needed = Printed {
            title: format!("Number needed to treat over strata{against}"),
            columns: vec![Column::text("number_needed", "NNT", [of.number_needed_text.clone()])],
            notes: vec!["From Newcombe's stratified interval of the difference.".into()],
        };
        vec![
            intervals(title("Common difference of proportions"), &of.difference, SHARE, left_out),
            intervals(title("Common ratio of proportions"), &of.ratio, RATIO, vec![]),
            intervals(title("Common odds ratio"), &of.odds_ratio, RATIO, vec![]),
            tests_of(
                &format!("Tests over strata{against}"),
                vec![
                    ("Cochran–Mantel–Haenszel", of.cochran_mantel_haenszel),
                    ("Cochran–Mantel–Haenszel, continuity-corrected", of.cochran_mantel_haenszel_corrected),
                    ("Breslow–Day: one odds ratio", of.breslow_day),
                    ("Breslow–Day with Tarone's correction", of.tarone),
                ],
            ),
            needed,
        ]
    }
}

fn intervals(title: String, of: &[MethodInterval], format: Format, notes: Vec<String>) -> Printed {
    let columns = vec![
        Column::text("method", "Method", of.iter().map(|i| i.label)),
        Column::real("estimate", "Estimate", format, of.iter().map(|i| i.estimate)),
        Column::real("lower", "Lower", format, of.iter().map(|i| i.lower)),
        Column::real("upper", "Upper", format, of.iter().map(|i| i.upper)),
    ];
    Printed { title, columns, notes }
}

fn test_table(of: &GroupComparison, title: String) -> Printed {
    let tests = || of.tests.iter();
    let columns = vec![
        Column::text("method", "Test", tests().map(|t| in_words(t.method))),
        Column::text("alternative", "Alternative", tests().map(|t| t.alternative.name())),
        Column::real("statistic", "Statistic", RATIO, tests().map(|t| t.statistic.unwrap_or(f64::NAN))),
        Column::real("df", "df", Format::Decimals(0), tests().map(|t| t.df.unwrap_or(f64::NAN))),
        Column::real("p", "p", Format::Probability, tests().map(|t| t.p)),
    ];
    let note = "`less` and `greater` say what the first proportion is held to be. Statistics are χ² where two-sided, else its signed root; \
                z for Barnard's test.";
    Printed { title, columns, notes: vec![note.into()] }
}

fn tests_of(title: &str, tests: Vec<(&str, StrataTest)>) -> Printed {
    let columns = vec![
        Column::text("method", "Test", tests.iter().map(|(name, _)| *name)),
        Column::real("statistic", "χ²", RATIO, tests.iter().map(|(_, t)| t.statistic)),
        Column::real("df", "df", Format::Decimals(0), tests.iter().map(|(_, t)| t.df)),
        Column::real("p", "p", Format::Probability, tests.iter().map(|(_, t)| t.p)),
    ];
    Printed { title: title.into(), columns, notes: vec![] }
}

/// One row per interval and test, for files.
impl Tabular for ComparedProportions {
    fn title(&self) -> String {
        "Proportions".into()
    }

    fn columns(&self) -> Vec<Column> {
        let rows = self.rows();
        let text = |of: fn(&Row) -> &str| rows.iter().map(of).map(str::to_string).collect::<Vec<_>>();
        let real = |of: fn(&Row) -> f64| rows.iter().map(of).collect::<Vec<_>>();
        vec![
            Column::text("groups", "Groups", text(|r| &r.groups)),
            Column::text("quantity", "Quantity", text(|r| r.quantity)),
            Column::text("method", "Method", text(|r| r.method)),
            Column::real("estimate", "Estimate", SHARE, real(|r| r.values[0])),
            Column::real("lower", "Lower", SHARE, real(|r| r.values[1])),
            Column::real("upper", "Upper", SHARE, real(|r| r.values[2])),
            Column::real("statistic", "Statistic", RATIO, real(|r| r.values[3])),
            Column::real("p", "p", Format::Probability, real(|r| r.values[4])),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.comparisons.iter().flat_map(|of| of.warnings.clone()).collect()
    }

    fn to_text_within(&self, width: usize) -> String {
        self.tables().iter().map(|table| table.to_text_within(width)).collect::<Vec<_>>().join("\n")
    }
}

/// A row of the table for files: estimate, lower, upper, statistic, p.
struct Row {
    groups: String,
    quantity: &'static str,
    method: &'static str,
    values: [f64; 5],
}

impl ComparedProportions {
    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![];
        let mut add = |groups: &str, quantity: &'static str, of: &[MethodInterval]| {
            rows.extend(of.iter().map(|i| Row {
                groups: groups.to_string(),
                quantity,
                method: i.method,
                values: [i.estimate, i.lower, i.upper, f64::NAN, f64::NAN],
            }));
        };
        for group in &self.groups {
            add(&group.label, "proportion", &group.intervals);
        }
        let pair = |second: usize| format!("{} vs {}", self.groups[0].label, self.groups[second].label);
        for of in &self.comparisons {
            for (quantity, intervals) in [("difference", &of.difference), ("ratio", &of.ratio), ("odds-ratio", &of.odds_ratio)] {
                add(&pair(of.second), quantity, intervals);
            }
        }
        for of in self.stratified.iter().flat_map(|s| &s.comparisons) {
            for (quantity, intervals) in
                [("common-difference", &of.difference), ("common-ratio", &of.ratio), ("common-odds-ratio", &of.odds_ratio)]
            {
                add(&pair(of.second), quantity, intervals);
            }
        }
        for of in &self.comparisons {
            rows.extend(of.tests.iter().map(|t| Row {
                groups: pair(of.second),
                quantity: t.alternative.name(),
                method: t.method.name(),
                values: [f64::NAN, f64::NAN, f64::NAN, t.statistic.unwrap_or(f64::NAN), t.p],
            }));
            rows.extend(of.margin_tests.iter().map(|t| Row {
                groups: pair(of.second),
                quantity: t.claim.name(),
                method: t.method.name(),
                values: [t.interval.estimate, t.interval.lower, t.interval.upper, t.statistic.unwrap_or(f64::NAN), t.p],
            }));
        }
        rows
    }
}

crate::table::display_as_table!(ComparedProportions);
