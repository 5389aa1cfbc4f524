use super::*;
use crate::instruments::{Caps5, Instrument, Scid5Pd};
use crate::options::Choices;
use crate::trial::Condition;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn from_toml(text: &str) -> Layout {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

fn json(layout: &Layout) -> serde_json::Value {
    serde_json::to_value(layout).expect("it can be written")
}

fn refused(text: &str) -> String {
    crate::written::explained(toml::from_str::<Layout>(text).expect_err("it is wrong").message())
}

/// Written and read again, in both formats, twice over.
fn round_trip(layout: &Layout) {
    let once = serde_json::to_string(layout).expect("it can be written");
    let read: Layout = serde_json::from_str(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!(serde_json::to_string(&read).expect("it can be written"), once);
    let once = toml::to_string(layout).expect("it can be written");
    let read: Layout = toml::from_str(&once).unwrap_or_else(|error| panic!("{error}{once}"));
    assert_eq!(toml::to_string(&read).expect("it can be written"), once);
    assert_eq!(json(&read), json(layout));
}

const LONG: &str = r#"
shape = "long"
patient = "USUBJID"
arm = "ARMCD"
visit = "AVISIT"
visit-time = "DAY"
baseline-visit = "baseline"
arms = ["PBO", "TRT"]
reference-arm = "TRT"
delimiter = "semicolon"
decimal-mark = "comma"
sheet = "long"
extent = "part"
missing-codes = ["NA", ""]
missing-values = [999, "-99"]
missing-in = { AGE = [0], BDI = ["x", 77] }
weights = ["WEIGHT"]
roster = [["01", "PBO"], ["02", "TRT"]]
visit-order = "AVISITN"
arm-order = "ARMN"
keep-patients = [{ column = "ITTFL", is = "Y", reason = "not randomized" }]
keep-rows = [{ column = "DTYPE", is-not = "LOCF" }, { column = "AVAL", at-least = 0, value = "present" }]
drop-visits = ["screening"]
visits = ["baseline", { label = "3 months", time = 3 }]
outcomes = ["FEV1", { column = "BDITOT", name = "bdi" }, { name = "CAPS-5 total", label = "CAPS-5", range = [0, 80] }]
covariates = [
    "AGE",
    { name = "SEX", levels = ["female", "male"] },
    { name = "dose", kind = "numeric-by-visit" },
]
clusters = ["site", { name = "therapist", kind = "by-visit" }]

[[instruments]]
name = "caps5"
columns = "{item}_score"
options = { prefix = "CAPS_", criterion-f = "assumed-met", missing-items = { prorate = { at-most = 2 } } }

[[instruments]]
name = "scid5-pd"
options.disorders = ["avoidant", "obsessive-compulsive"]
"#;

const WIDE: &str = r#"
shape = "wide"
patient = "id"
outcomes = [{ name = "bdi", columns = { pre = "BDI_T0", post = "BDI_T1" }, range = [0, 63] }]
covariates = [{ name = "dose", columns = { pre = "D0", post = "D1" }, kind = "numeric-by-visit" }]
clusters = [{ name = "therapist", columns = { pre = "TH0", post = "TH1" } }]
instruments = [
    { name = "caps5", columns = "{visit}_{item}", visits = { pre = "T0", post = "T1" } },
    { name = "mine", columns = [{ pre = "A0", post = "A1" }, { pre = "B0" }] },
]
"#;

#[test]
fn everything_that_a_layout_can_say_is_read_from_a_file() {
    let layout = from_toml(LONG);
    let built = Layout::long("USUBJID", "ARMCD", "AVISIT")
        .visit_time("DAY")
        .baseline_visit("baseline")
        .arms(["PBO", "TRT"])
        .reference_arm("TRT")
        .delimiter(Delimiter::Semicolon)
        .decimal_mark(DecimalMark::Comma)
        .sheet("long")
        .missing_codes(["NA", ""])
        .missing_code("999")
        .missing_code("-99")
        .missing_code_in("AGE", "0")
        .missing_code_in("BDI", "x")
        .missing_code_in("BDI", "77")
        .weight("WEIGHT")
        .randomized_patients([("01", "PBO"), ("02", "TRT")])
        .visit_order("AVISITN")
        .arm_order("ARMN")
        .keep_patients(Condition::on("ITTFL").is("Y").reason("not randomized"))
        .keep_rows(Condition::on("DTYPE").is_not(["LOCF"]))
        .keep_rows(Condition::on("AVAL").at_least(0.0).present())
        .drop_visits(["screening"])
        .outcome("FEV1")
        .outcome(OutcomeColumn::new("BDITOT").name("bdi"))
        .outcome(OutcomeColumn::new("CAPS-5 total").label("CAPS-5").range(0.0, 80.0))
        .covariate("AGE")
        .covariate("SEX")
        .levels("SEX", ["female", "male"])
        .covariate_as("dose", CovariateKind::NumericByVisit)
        .cluster("site")
        .cluster_by_visit("therapist")
        .named_instrument_in(
            NamedInstrument::new("caps5")
                .option("prefix", "CAPS_")
                .option("criterion-f", "assumed-met")
                .option("missing-items", serde_json::json!({"prorate": {"at-most": 2}})),
            "{item}_score",
        )
        .named_instrument(NamedInstrument::new("scid5-pd").option("disorders", vec!["avoidant", "obsessive-compulsive"]));
    let visit = |label: &str, time| Visit { label: label.into(), time };
    let built = Layout { visits: vec![visit("baseline", None), visit("3 months", Some(3.0))], part: true, ..built };
    assert_eq!(json(&layout), json(&built));
    round_trip(&layout);
    let ready = layout.ready().expect("the instruments are known");
    let instruments: Vec<&InstrumentColumns> = ready.instruments().collect();
    assert_eq!(instruments[0].items[29], Columns::One("CAPS_30_score".into()));
    assert_eq!(instruments[1].items.len(), 15);
}

#[test]
fn everything_that_a_wide_layout_can_say_is_read_from_a_file() {
    let layout = from_toml(WIDE);
    let by_visit = |a: &str, b: &str| [("pre", a.to_string()), ("post", b.to_string())];
    let built = Layout::wide_one_arm("id")
        .outcome(OutcomeColumn::wide("bdi", by_visit("BDI_T0", "BDI_T1")).range(0.0, 63.0))
        .wide_covariate("dose", CovariateKind::NumericByVisit, by_visit("D0", "D1"))
        .wide_cluster("therapist", by_visit("TH0", "TH1"))
        .wide_named_instrument("caps5", [("pre", "T0"), ("post", "T1")], "{visit}_{item}");
    let (mut written, mine) = (json(&layout), json(&layout)["instruments"][1].clone());
    written["instruments"].as_array_mut().expect("a list").pop();
    assert_eq!(written, json(&built));
    assert_eq!(mine["columns"], serde_json::json!([{"pre": "A0", "post": "A1"}, {"pre": "B0"}]));
    round_trip(&layout);
    let caps5 = built.ready().expect("the instrument is known");
    let items = &caps5.instruments().next().expect("there is one").items;
    assert_eq!(items[0], Columns::PerVisit(vec![("pre".into(), "T0_caps5_01".into()), ("post".into(), "T1_caps5_01".into())]));
}

#[test]
fn a_layout_in_a_file_reads_what_the_one_in_rust_reads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/imrs_gst/imrs_gst.csv");
    let built = Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .reference_arm("ImRs")
        .baseline_visit("baseline")
        .covariate("age")
        .cluster("therapist")
        .instrument(Caps5::default())
        .instrument_named(Scid5Pd::cluster_c(), str::to_string);
    round_trip(&built);
    let written = from_toml(
        "patient = 'patient'\narm = 'arm'\nvisit = 'visit'\nvisit-time = 'month'\nreference-arm = 'ImRs'\nbaseline-visit = 'baseline'\n\
         covariates = ['age']\nclusters = ['therapist']\ninstruments = ['caps5', 'scid5-pd']",
    );
    assert_eq!(json(&written), json(&built));
    let (read, there) = (written.read_csv(path).expect("it reads"), built.read_csv(path).expect("it reads"));
    assert_eq!(read.outcomes().len(), 8);
    for (own, other) in read.outcomes().iter().zip(there.outcomes()) {
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!((&own.name, bits(&own.values)), (&other.name, bits(&other.values)));
    }
    assert!(!read.covariate("age").expect("declared").is_factor());
    assert_eq!((read.arms(), read.schedule(), read.inferred()), (there.arms(), there.schedule(), there.inferred()));
}

#[test]
fn what_a_file_gets_wrong_is_named_with_what_was_meant() {
    let minimal = "patient = 'id'\nvisit = 'week'\n";
    for (more, says) in [
        ("outcome = ['y']", "no key `outcome`; did you mean `outcomes`?"),
        ("shap = 'long'", "no key `shap`; did you mean `shape`?"),
        ("outcomes = [{ colum = 'y' }]", "no key `colum`; did you mean `column`?"),
        ("outcomes = [{ range = [0, 1] }]", "needs the name of its `column`"),
        ("outcomes = [{ columns = { a = 'b' } }]", "needs a `name`"),
        ("outcomes = [{ name = 'y', column = 'y', columns = { a = 'b' } }]", "one `column`, or `columns` by visit"),
        ("outcomes = [5]", "the name of a column, or a table of an outcome"),
        ("covariates = [{ name = 'age', kind = 'numerc' }]", "numeric"),
        ("delimiter = 'semicolons'", "semicolon"),
        ("visits = [{ time = 3 }]", "missing field `label`"),
        ("instruments = [{ name = 'caps5', prefix = 'C' }]", "no key `prefix`"),
        ("instruments = [{ name = 'caps5', visits = ['a'] }]", "what a pattern in `columns` calls them"),
        ("shape = 'wide'", "a wide layout has no `visit`"),
    ] {
        let message = refused(&format!("{minimal}{more}"));
        assert!(message.contains(says), "{more}: {message}");
    }
    assert!(refused("patient = 'id'").contains("needs `visit`"));
    assert!(refused("visit = 'week'").contains("needs `patient`"));
    assert!(refused("patient = 'id'\nvisit = 'v'\nparamcd = 'X'").contains("belongs to a preset"));
    assert!(refused("preset = 'adm'").contains("did you mean `adam`?"));
    assert!(refused("preset = 'adam'\nshape = 'wide'").contains("leave `shape` out"));
    assert!(refused("patient = 'id'\nvisit = 'v'\nkeep-rows = [{ column = 'A', iss = 'Y' }]").contains("no key `iss`; did you mean `is`?"));
}

#[test]
fn columns_of_instruments_that_cannot_be_are_refused_when_data_are_read() {
    let refusal = |layout: Layout| layout.read_csv_from("nothing", "".as_bytes()).expect_err("it is wrong").to_string();
    let long = || Layout::long_one_arm("id", "week");
    let unknown = refusal(long().named_instrument("cap5"));
    assert!(unknown.contains("no instrument named `cap5`; did you mean `caps5`?"), "{unknown}");
    assert!(refusal(long().named_instrument_in("caps5", "{itm}")).contains("`{itm}` in the pattern"));
    assert!(refusal(long().named_instrument_in("caps5", "x")).contains("has no `{item}`"));
    assert!(refusal(Layout::wide_one_arm("id").named_instrument_in("caps5", "{item}_{visit}")).contains("no visits are declared"));
    let two = from_toml("patient = 'id'\nvisit = 'week'\ninstruments = [{ name = 'caps5', columns = ['a', 'b'] }]");
    assert!(refusal(two).contains("2 are listed, and the instrument has 30 items"));
    let by_labels = Layout::wide_one_arm("id").visits(["T0", "T1"]).named_instrument_in("caps5", "{item}_{visit}");
    let ready = by_labels.ready().expect("visits are declared");
    let items = &ready.instruments().next().expect("there is one").items;
    assert_eq!(items[0], Columns::PerVisit(vec![("T0".into(), "caps5_01_T0".into()), ("T1".into(), "caps5_01_T1".into())]));
}

#[test]
fn an_instrument_without_a_name_cannot_be_written() {
    #[derive(Debug)]
    struct Nameless;
    impl Instrument for Nameless {
        fn name(&self) -> &str {
            "mine"
        }
        fn items(&self) -> Vec<crate::instruments::Item> {
            vec![]
        }
        fn scores(&self) -> Vec<crate::instruments::Score> {
            vec![]
        }
        fn assess(&self, _: &[Option<u8>]) -> crate::instruments::Assessment {
            crate::instruments::Assessment::default()
        }
    }
    let error = serde_json::to_string(&Layout::long_one_arm("id", "week").instrument(Nameless)).expect_err("it has no name");
    assert!(error.to_string().contains("instrument mine has no name"), "{error}");
}

/// Names with everything that a file could have in them.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("BDI".to_string()), Just("3 months".into()), Just("CAPS-5 \"total\"".into()), Just("ü{}[]#=.'".into()), "[a-z]{1,5}"]
}

fn named_columns() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map(name(), name(), 1..4).prop_map(|map| map.into_iter().collect())
}

fn kind() -> impl Strategy<Value = CovariateKind> {
    select(CovariateKind::CHOICES.iter().map(|choice| choice.value).collect::<Vec<_>>())
}

fn outcome() -> impl Strategy<Value = OutcomeColumn> {
    let plain = (name(), prop::option::of(name())).prop_map(|(column, name)| match name {
        Some(name) => OutcomeColumn::new(column).name(name),
        None => OutcomeColumn::new(column),
    });
    let wide = (name(), named_columns()).prop_map(|(name, columns)| OutcomeColumn::wide(name, columns));
    let more = (prop::option::of(name()), prop::option::of((-5.0..5.0, 6.0..9.5)), prop::bool::ANY);
    (prop_oneof![plain, wide], more).prop_map(|(outcome, (label, range, texts))| {
        let outcome = label.into_iter().fold(outcome, OutcomeColumn::label);
        let outcome = if texts { outcome.or_texts() } else { outcome };
        range.into_iter().fold(outcome, |outcome, (low, high)| outcome.range(low, high))
    })
}

fn named_instrument() -> impl Strategy<Value = LayoutInstrument> {
    let options = prop::collection::btree_map("[a-z]{1,4}", prop_oneof![Just(5.into()), Just(vec!["a"].into()), Just("b".into())], 0..3);
    let columns = prop_oneof![
        Just(ItemColumns::Own),
        (name(), named_columns()).prop_map(|(pattern, visits)| ItemColumns::Pattern { pattern, visits }),
        prop::collection::vec(prop_oneof![name().prop_map(Columns::One), named_columns().prop_map(Columns::PerVisit)], 1..4)
            .prop_map(ItemColumns::Listed),
    ];
    (name(), options, columns).prop_map(|(name, options, columns): (_, std::collections::BTreeMap<String, serde_json::Value>, _)| {
        let named = options.into_iter().fold(NamedInstrument::new(name), |named, (option, value)| named.option(option, value));
        LayoutInstrument::Named(named, columns)
    })
}

prop_compose! {
    fn variables()(
        outcomes in prop::collection::vec(outcome(), 0..4),
        covariates in prop::collection::vec((name(), kind(), prop::option::of(named_columns()), prop::option::of(prop::collection::vec(name(), 1..3))), 0..4),
        weights in prop::collection::vec(name(), 0..2),
        clusters in prop::collection::vec(name(), 0..3),
        changing in prop::collection::vec((name(), prop::option::of(named_columns())), 0..3),
        instruments in prop::collection::vec(named_instrument(), 0..3),
        missing in (prop::option::of(prop::collection::vec(name(), 0..3)), prop::collection::vec(name(), 0..3), prop::collection::vec((name(), name()), 0..3)),
    ) -> Layout {
        let mut layout = outcomes.into_iter().fold(Layout::long_one_arm("p", "v"), Layout::outcome);
        layout = weights.into_iter().fold(layout, Layout::weight);
        for (name, kind, columns, levels) in covariates {
            layout = match columns {
                Some(columns) => layout.wide_covariate(&name, kind, columns),
                None => layout.covariate_as(&name, kind),
            };
            layout = levels.into_iter().fold(layout, |layout, levels| layout.levels(&name, levels));
        }
        layout = clusters.into_iter().fold(layout, Layout::cluster);
        for (name, columns) in changing {
            layout = match columns {
                Some(columns) => layout.wide_cluster(name, columns),
                None => layout.cluster_by_visit(name),
            };
        }
        layout.instruments = instruments;
        let (everywhere, of_values, of_columns) = missing;
        layout = everywhere.into_iter().fold(layout, Layout::missing_codes);
        layout = of_values.into_iter().fold(layout, Layout::missing_code);
        of_columns.into_iter().fold(layout, |layout, (column, code)| layout.missing_code_in(column, code))
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    let values = || prop::collection::vec(prop_oneof![name(), Just("999".to_string())], 1..3);
    let x = || prop_oneof![(-9_i32..99).prop_map(f64::from), Just(0.1 + 0.2)];
    let parts = (prop::option::of(name()), prop::option::of(values()), prop::option::of(x()), prop::option::of(x()), any::<bool>());
    (name(), values(), prop::option::of(name()), parts).prop_map(|(column, values, reason, (is, not, low, high, present))| {
        let condition = is.into_iter().fold(Condition::on(column), Condition::is);
        let condition = if values.len() > 1 { condition.is_one_of(values) } else { condition.missing() };
        let condition = not.into_iter().fold(condition, Condition::is_not);
        let condition = low.into_iter().fold(condition, Condition::at_least);
        let condition = high.into_iter().fold(condition, Condition::at_most);
        let known = condition.to_string().contains("missing");
        let condition = if present && !known { condition.present() } else { condition };
        reason.into_iter().fold(condition, Condition::reason)
    })
}

/// What of a file is read, and in which order.
fn chosen() -> impl Strategy<Value = (Filters, Option<String>, Option<String>, Option<Vec<String>>)> {
    let conditions = || prop::collection::vec(condition(), 0..2);
    let filters = (conditions(), conditions(), prop::collection::vec(name(), 0..2));
    let filters = filters.prop_map(|(patients, rows, visits)| Filters { patients, rows, visits });
    let preset = prop::option::of(prop::collection::vec(name(), 0..3));
    (filters, prop::option::of(name()), prop::option::of(name()), preset)
}

prop_compose! {
    /// Any layout that Rust can make of named instruments.
    pub(crate) fn layouts()(
        variables in variables().boxed(),
        shape in prop_oneof![Just(Shape::Wide), name().prop_map(Shape::Long)],
        patient in name(),
        arm in prop::option::of(name()),
        arms in prop::collection::vec(name(), 0..3),
        stated in (prop::option::of(name()), prop::option::of(name()), prop::option::of(name())),
        visits in prop::collection::vec((name(), prop::option::of(-1.5..30.0)), 0..4),
        roster in prop::collection::vec((name(), name()), 0..3),
        (filters, visit_order, arm_order, preset) in chosen().boxed(),
        marks in (subsequence(vec![Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Bar], 0..=1), prop::option::of(any::<bool>()), any::<bool>()),
    ) -> Layout {
        let (delimiter, comma, part) = marks;
        Layout {
            patient,
            arm,
            shape: if preset.is_some() && shape == Shape::Wide { Shape::Long("AVISIT".into()) } else { shape },
            arms,
            reference_arm: stated.0,
            filters,
            visit_order,
            arm_order,
            preset: preset.as_ref().map(|_| Preset::Adam),
            paramcd: preset.clone().unwrap_or_default(),
            time_column: stated.1,
            baseline: stated.2,
            visits: visits.into_iter().map(|(label, time)| Visit { label, time }).collect(),
            roster,
            delimiter: delimiter.first().copied(),
            decimal_mark: comma.map(|comma| if comma { DecimalMark::Comma } else { DecimalMark::Point }),
            sheet: part.then(|| "sheet".to_string()),
            part,
            ..variables
        }
    }
}

proptest! {
    #[test]
    fn every_layout_is_read_as_it_was_written(layout in layouts()) {
        round_trip(&layout);
    }
}
