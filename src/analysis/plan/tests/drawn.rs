//! Plans drawn at random.

mod analyses;

use self::analyses::{multiplicity, other_model, sensitivity, subgroup};
use super::whole::mood;
use crate::analysis::plan::*;
use crate::analysis::{DocumentKind, EffectPlan, Paper, ReportSettings, ReportStyle, ResponderPlan};
use crate::bootstrap::BootstrapInterval;
use crate::change::{ClassScheme, CutOff, IndividualChange, Norm, Reliability, ReliabilityKind, ReliableChangeMethod, Spread};
use crate::effects::{Correction, IntervalMethod};
use crate::generalized::{PopulationVariance, Randomization};
use crate::instruments::{InstrumentDefinition, MissingItems, ScoreMethod};
use crate::means::Better;
use crate::model::tests::models;
use crate::options::Choices;
use crate::responders::{Meaning, Occasion, Rule};
use crate::trial::Condition;
use crate::trial::layout::tests::layouts;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn rule() -> impl Strategy<Value = Rule> {
    let name = || prop_oneof![Just("caps5".to_string()), Just("CAPS-5 total".into()), "[a-z]{1,4}"];
    let at = || select(vec![Occasion::Baseline, Occasion::Visit]);
    let x = || prop_oneof![(0_i32..90).prop_map(f64::from), 0.0..1e3, Just(0.1 + 0.2)];
    let leaf = prop_oneof![
        (name(), x()).prop_map(|(outcome, at_least)| Rule::PointDrop { outcome, at_least }),
        (name(), x()).prop_map(|(outcome, at_least)| Rule::PointRise { outcome, at_least }),
        (name(), x(), prop_oneof![Just(0.0), x()]).prop_map(|(outcome, at_least, floor)| Rule::PercentDrop { outcome, at_least, floor }),
        (name(), x(), x(), prop_oneof![Just(1.96), x()]).prop_map(|(outcome, sd, reliability, z)| Rule::ReliableDrop {
            outcome,
            sd,
            reliability,
            z
        }),
        (name(), x()).prop_map(|(outcome, score)| Rule::Below { outcome, score }),
        (name(), x()).prop_map(|(outcome, score)| Rule::AtMost { outcome, score }),
        (name(), x()).prop_map(|(outcome, score)| Rule::AtLeast { outcome, score }),
        (name(), x()).prop_map(|(covariate, value)| Rule::CovariateBelow { covariate, value }),
        (name(), at()).prop_map(|(diagnosis, at)| Rule::DiagnosisMet { diagnosis, at }),
        (name(), at()).prop_map(|(diagnosis, at)| Rule::DiagnosisNotMet { diagnosis, at }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..3).prop_map(Rule::All), prop::collection::vec(inner, 0..3).prop_map(Rule::Any)]
    })
}

fn definition() -> impl Strategy<Value = Definition> {
    let text = || prop_oneof![Just("stated by the analyst".to_string()), Just("two\nlines, \"quoted\"".into()), ".{0,9}"];
    (text(), prop::option::of(text()), text(), rule(), prop::option::of(rule()), any::<bool>()).prop_map(
        |(name, label, source, rule, required, bad)| {
            let definition = label.into_iter().fold(Definition::new(name, rule).source(source), Definition::label);
            let definition = required.into_iter().fold(definition, Definition::required_at_baseline);
            if bad { definition.meaning(Meaning::Unfavourable) } else { definition }
        },
    )
}

fn choice<T: Choices + std::fmt::Debug>() -> impl Strategy<Value = T> {
    (0..T::CHOICES.len()).prop_map(|k| T::CHOICES[k].value.clone())
}

fn several<T: Choices + std::fmt::Debug>() -> impl Strategy<Value = Vec<T>> {
    subsequence((0..T::CHOICES.len()).collect::<Vec<_>>(), 0..=T::CHOICES.len())
        .prop_map(|chosen| chosen.into_iter().map(|k| T::CHOICES[k].value.clone()).collect())
}

fn effects() -> impl Strategy<Value = EffectPlan> {
    let made = (choice::<Denominator>(), choice::<Correction>(), choice::<Positive>(), several::<IntervalMethod>());
    (made, 0_usize..3000, choice::<BootstrapInterval>()).prop_map(
        |((denominator, correction, positive, intervals), bootstrap, bootstrap_interval)| EffectPlan {
            denominator,
            correction,
            positive,
            intervals,
            bootstrap,
            bootstrap_interval,
        },
    )
}

fn individual_change() -> impl Strategy<Value = IndividualChange> {
    let number = || -99.0..99.0_f64;
    let norm = move || prop::option::of((number(), number(), ".{0,6}").prop_map(|(mean, sd, source)| Norm::new(mean, sd).source(source)));
    let sd = prop_oneof![
        Just(Spread::BaselinePooled),
        Just(Spread::BaselineWhole),
        "[a-zA-Z ()]{0,6}".prop_map(Spread::BaselineOfArm),
        number().prop_map(Spread::Stated),
    ];
    let cut_off = prop_oneof![Just(CutOff::A), Just(CutOff::B), Just(CutOff::C), number().prop_map(CutOff::Score)];
    let reliability =
        (0.0..1.0_f64, choice::<ReliabilityKind>(), ".{0,6}").prop_map(|(r, kind, source)| Reliability::new(r, kind).source(source));
    let reliable = (prop::option::of((number(), ".{0,6}")), prop::option::of(reliability));
    let made = (choice::<ReliableChangeMethod>(), sd, 0.5..0.99_f64, choice::<ClassScheme>());
    let populations = (norm(), norm(), prop::option::of(cut_off));
    (".{0,6}", ".{0,6}", choice::<Better>(), reliable, made, populations).prop_map(
        |(outcome, label, better, (points, reliability), (method, sd, level, classes), (clinical, functional, cut_off))| {
            let (points, source) = points.map_or((1.0, None), |(points, source)| (points, Some(source)));
            let change = IndividualChange::by_points(outcome, better, points, source.clone().unwrap_or_default()).label(label).level(level);
            let change = change.method(method).sd(sd).classes(classes);
            let reliable_change = change.reliable_change.clone().filter(|_| source.is_some());
            IndividualChange { reliable_change, reliability, clinical, functional, cut_off, ..change }
        },
    )
}

fn instrument() -> impl Strategy<Value = InstrumentDefinition> {
    let shipped =
        ["pcl5", "phq9", "gad7", "whodas12"].map(|name| crate::instruments::Defined::shipped(name).expect("it comes with the crate"));
    let missing = prop_oneof![
        Just(MissingItems::MakeMissing),
        (0_usize..9).prop_map(|at_most| MissingItems::Prorate { at_most }),
        (0_u8..60).prop_map(|percent| MissingItems::ProrateShare { percent })
    ];
    (select(shipped.map(|made| made.definition().clone()).to_vec()), choice::<ScoreMethod>(), missing, any::<bool>())
        .prop_map(|(definition, score, missing, own)| if own { mood() } else { definition.score(score).missing_items(missing) })
}

fn report() -> impl Strategy<Value = ReportSettings> {
    let text = || prop::option::of(prop_oneof![Just("Two\nlines".to_string()), ".{0,9}"]);
    let labels = prop::collection::btree_map("[a-zA-Z 0-9]{1,4}", ".{0,4}", 0..3);
    let cells = prop_oneof![Just(SmallCells::Shown), (2_usize..12).prop_map(|below| SmallCells::Suppressed { below })];
    let made = (choice::<DataOrigin>(), any::<bool>(), cells);
    let made = (made, prop::collection::vec(choice::<DocumentKind>(), 0..3), choice::<ReportStyle>(), choice::<Paper>());
    (text(), text(), text(), made, prop::option::of(prop::collection::vec("[a-z]{1,4}", 0..3)), labels).prop_map(
        |(
            title,
            registration,
            banner,
            ((data, include_individual_data, small_cells), documents, style, paper),
            characteristics,
            labels,
        )| ReportSettings {
            title,
            registration,
            banner,
            data,
            characteristics,
            labels: labels.into_iter().collect(),
            include_individual_data,
            small_cells,
            documents,
            style,
            paper,
        },
    )
}

fn trial_plan() -> impl Strategy<Value = TrialPlan> {
    let text = || prop::option::of(prop_oneof![Just("Two\nlines".to_string()), ".{0,9}"]);
    let conditions = || prop::collection::vec(("[A-Z]{1,4}", ".{0,5}"), 0..3);
    let conditions =
        move || conditions().prop_map(|all| all.into_iter().map(|(column, value)| Condition::on(column).is(value)).collect::<Vec<_>>());
    (text(), text(), text(), (text(), text()), prop::collection::vec("[A-Z. ]{1,6}", 0..3), conditions(), conditions()).prop_map(
        |(title, registration, sponsor, (data, events), authors, population, subset)| TrialPlan {
            title,
            registration,
            sponsor,
            authors,
            data,
            events,
            population,
            subset,
        },
    )
}

fn estimand() -> impl Strategy<Value = Estimand> {
    let text = || prop_oneof![Just("everyone, \"as randomized\"".to_string()), ".{0,9}"];
    let event = (text(), choice::<EventStrategy>(), prop::option::of(text())).prop_map(|(event, strategy, reason)| IntercurrentEvent {
        event,
        strategy,
        reason,
    });
    let made = (choice::<SummaryMeasure>(), prop::option::of(choice::<Estimator>()), prop::collection::vec(event, 0..3));
    (text(), text(), text(), text(), text(), text(), made).prop_map(
        |(name, population, treatment, outcome, definition, at, (summary, estimated_by, intercurrent))| Estimand {
            name,
            population,
            treatment,
            outcome,
            definition,
            at,
            summary,
            estimated_by,
            intercurrent,
        },
    )
}

fn event() -> impl Strategy<Value = EventPlan> {
    use crate::imputation::{Composite, Strategy as Imputed};
    let column = || "[A-Z]{1,5}";
    let from = prop_oneof![
        column().prop_map(EventFrom::Visit),
        column().prop_map(EventFrom::Time),
        column().prop_map(EventFrom::Date),
        column().prop_map(EventFrom::Flag),
        Just(EventFrom::Dropout),
        Just(EventFrom::File),
    ];
    let value = prop_oneof![
        (-99.0..99.0).prop_map(Composite::Value),
        Just(Composite::Baseline),
        column().prop_map(Composite::Covariate),
        Just(Composite::Highest),
        Just(Composite::Lowest),
    ];
    let imputation = prop::option::of(select(vec![Imputed::Mar, Imputed::JumpToReference, Imputed::Causal { kept: 0.5, fading: 1.0 }]));
    let reasons = (prop::option::of(column()), prop::collection::vec("[a-z ]{1,6}", 0..3));
    let dates = (prop::option::of(column()), prop::option::of((column(), choice::<crate::imputation::TimeUnit>())));
    ("[a-z ]{0,6}", choice::<EventStrategy>(), from, (reasons, dates), imputation, prop::option::of(value)).prop_map(
        |(name, strategy, from, ((reason_column, reasons), (visit_dates, planned)), imputation, value)| EventPlan {
            visit_dates,
            start_date: planned.as_ref().map(|(column, _)| column.clone()),
            time_unit: planned.map(|(_, unit)| unit),
            reason_column,
            reasons,
            imputation,
            value,
            ..EventPlan::new(name, strategy, from)
        },
    )
}

prop_compose! {
    pub fn plans()(
        outcomes in (".{0,6}", prop::collection::vec("[a-z -]{1,5}", 0..3), prop_oneof![Just(String::new()), Just("12 months".to_string())]),
        baseline_from in prop_oneof![Just(BaselineFrom::Visit), "[a-z ()]{1,6}".prop_map(|name| BaselineFrom::Covariate(name.trim().to_string() + "x"))],
        level in prop_oneof![Just(0.95), 0.5..0.999],
        seed in prop_oneof![Just(1), 0..i64::MAX as u64],
        (trial, estimands, events) in
            (trial_plan().boxed(), prop::collection::vec(estimand().boxed(), 0..3), prop::collection::vec(event().boxed(), 0..3)).boxed(),
        layout in prop::option::of(layouts().boxed()).boxed(),
        model in models().boxed(),
        responders in (
            several::<Unobserved>(),
            prop::collection::vec(definition(), 0..3),
            prop::option::of(prop::collection::vec("[a-z ]{1,5}", 0..3)),
            choice::<PopulationVariance>(),
            prop::option::of(choice::<Randomization>()),
            prop::collection::vec("[a-z ]{1,5}", 0..3),
        ),
        effects in effects(),
        sensitivity in prop::collection::vec(sensitivity(), 0..2).boxed(),
        further in (
            prop::collection::vec((other_model(), "[a-z ]{0,3}", "[a-z ]{0,3}"), 0..2).boxed(),
            prop::option::of(multiplicity()).boxed(),
            prop::collection::vec(subgroup(), 0..2).boxed(),
            prop::collection::vec(individual_change(), 0..3).boxed(),
            prop::collection::vec(instrument(), 0..2).boxed(),
        ).boxed(),
        report in report().boxed(),
    ) -> Plan {
        let (primary, secondary, at) = outcomes;
        let (analyses, multiplicity, subgroups, individual_changes, instruments) = further;
        let analyses = analyses.into_iter().map(|(model, outcome, at)| model.outcome(outcome).at(at)).collect();
        let responders = ResponderPlan {
            unobserved: responders.0,
            definitions: responders.1,
            covariates: responders.2,
            variance: responders.3,
            randomization: responders.4,
            strata: responders.5,
        };
        Plan { primary, secondary, at, baseline_from, level, seed, trial, estimands, events, layout, model: model.of_outcome(""), responders, effects, sensitivity, analyses, multiplicity, subgroups, individual_changes, instruments, report }
    }
}
