//! A layout as it is written down: TOML or JSON, defaults left out.

use super::preset::{PATIENT, VISIT};
use super::{DecimalMark, Delimiter, Filters, Layout, Preset, Shape};
use crate::instruments::NamedInstrument;
use crate::trial::columns::{Columns, CovariateColumn, CovariateKind, InstrumentColumns, ItemColumns, LayoutInstrument, OutcomeColumn};
use crate::trial::condition::one_or_many;
use crate::trial::{Condition, Visit};
use crate::written::{Code, NameOrTable, is_default, name_or_table, pairs};
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    shape: ShapeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preset: Option<Preset>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    paramcd: Vec<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visit_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    visit_order: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arm_order: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline_visit: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    arms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference_arm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delimiter: Option<Delimiter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decimal_mark: Option<DecimalMark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sheet: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    extent: Extent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_codes: Option<Vec<Code>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missing_values: Vec<Code>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "pairs")]
    missing_in: Vec<(String, Vec<Code>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weights: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "pairs")]
    levels: Vec<(String, Vec<String>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roster: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    visits: Vec<WrittenVisit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keep_patients: Vec<Condition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keep_rows: Vec<Condition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drop_visits: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<WrittenOutcome>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covariates: Vec<WrittenCovariate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    clusters: Vec<WrittenCluster>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    instruments: Vec<WrittenInstrument>,
}

/// Whether a row is a patient at a visit, or a patient.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ShapeName {
    #[default]
    Long,
    Wide,
}

/// Whether the file holds the whole trial, or some of its patients.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Extent {
    #[default]
    Trial,
    Part,
}

/// `"baseline"`, or `{ label = "baseline", time = 0 }`.
struct WrittenVisit(Visit);

/// `"BDI"`, or a table.
struct WrittenOutcome(OutcomeColumn);

/// `"age"`, or a table; with the levels declared for it.
struct WrittenCovariate(CovariateColumn, Option<Vec<String>>);

/// `"therapist"`, or a table.
enum WrittenCluster {
    OfPatients(String),
    ByVisit(String, Columns),
}

/// `"caps5"`, or a table.
struct WrittenInstrument(NamedInstrument, ItemColumns);

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct VisitTable {
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OutcomeTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "is_default")]
    texts: bool,
    #[serde(skip_serializing_if = "Vec::is_empty", with = "pairs")]
    columns: Vec<(String, String)>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CovariateTable {
    name: String,
    #[serde(default, skip_serializing_if = "is_default")]
    kind: CovariateKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    levels: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "pairs")]
    columns: Vec<(String, String)>,
}

/// Whether patients keep their cluster.
#[derive(Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ClusterKind {
    #[default]
    OfPatients,
    ByVisit,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterTable {
    name: String,
    #[serde(default, skip_serializing_if = "is_default")]
    kind: ClusterKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "pairs")]
    columns: Vec<(String, String)>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct InstrumentTable {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<WrittenColumns>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "visits_in_columns", serialize_with = "pairs::serialize")]
    visits: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    options: Map<String, Value>,
}

/// A pattern, or the columns of each item.
enum WrittenColumns {
    Pattern(String),
    Listed(Vec<WrittenColumn>),
}

/// `"bdi_1"`, or `{ baseline = "bdi_1_t0", … }`.
struct WrittenColumn(Columns);

impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::of(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?.layout().map_err(D::Error::custom)
    }
}

impl Written {
    fn of(layout: &Layout) -> Result<Self, String> {
        let (shape, visit) = match &layout.shape {
            Shape::Long(visit) => (ShapeName::Long, Some(visit.clone())),
            Shape::Wide => (ShapeName::Wide, None),
        };
        let codes = |codes: &[String]| codes.iter().cloned().map(Code).collect::<Vec<_>>();
        let mut missing_in: Vec<(String, Vec<Code>)> = vec![];
        for (column, code) in &layout.column_codes {
            match missing_in.iter_mut().find(|(known, _)| known == column) {
                Some((_, codes)) => codes.push(Code(code.clone())),
                None => missing_in.push((column.clone(), vec![Code(code.clone())])),
            }
        }
        let declared = &layout.covariates[..layout.covariates.len() - layout.weights.len()];
        let levels_of = |name: &str| layout.levels.iter().find(|(known, _)| known == name).map(|(_, levels)| levels.clone());
        let covariates: Vec<WrittenCovariate> = declared.iter().map(|c| WrittenCovariate(c.clone(), levels_of(&c.name))).collect();
        let mut levels: Vec<(String, Vec<String>)> = vec![];
        for (name, of_name) in &layout.levels {
            if !declared.iter().any(|c| c.name == *name) && !levels.iter().any(|(known, _)| known == name) {
                levels.push((name.clone(), of_name.clone()));
            }
        }
        let by_visit = layout.clusters_by_visit.iter().map(|(name, columns)| WrittenCluster::ByVisit(name.clone(), columns.clone()));
        let usual = layout.missing_codes == Layout::usual_missing_codes();
        Ok(Self {
            shape,
            preset: layout.preset,
            paramcd: codes(&layout.paramcd),
            patient: Some(layout.patient.clone()).filter(|patient| layout.preset.is_none() || patient != PATIENT),
            arm: layout.arm.clone(),
            visit: visit.filter(|visit| layout.preset.is_none() || visit != VISIT),
            visit_order: layout.visit_order.clone(),
            arm_order: layout.arm_order.clone(),
            visit_time: layout.time_column.clone(),
            baseline_visit: layout.baseline.clone(),
            arms: layout.arms.clone(),
            reference_arm: layout.reference_arm.clone(),
            delimiter: layout.delimiter,
            decimal_mark: layout.decimal_mark,
            sheet: layout.sheet.clone(),
            extent: if layout.part { Extent::Part } else { Extent::Trial },
            missing_codes: (!usual).then(|| codes(&layout.missing_codes)),
            missing_values: codes(&layout.value_codes),
            missing_in,
            weights: layout.weights.clone(),
            levels,
            roster: layout.roster.clone(),
            visits: layout.visits.iter().cloned().map(WrittenVisit).collect(),
            keep_patients: layout.filters.patients.clone(),
            keep_rows: layout.filters.rows.clone(),
            drop_visits: layout.filters.visits.clone(),
            outcomes: layout.outcomes.iter().cloned().map(WrittenOutcome).collect(),
            covariates,
            clusters: layout.clusters.iter().cloned().map(WrittenCluster::OfPatients).chain(by_visit).collect(),
            instruments: layout.instruments.iter().map(WrittenInstrument::of).collect::<Result<_, _>>()?,
        })
    }

    fn layout(self) -> Result<Layout, String> {
        let is_preset = self.preset.is_some();
        if !is_preset && !self.paramcd.is_empty() {
            return Err("`paramcd` belongs to a preset; add `preset = \"adam\"`, or state a condition in `keep-rows`".into());
        }
        if is_preset && self.shape == ShapeName::Wide {
            return Err("the preset `adam` is of a long file; leave `shape` out".into());
        }
        let patient =
            self.patient.or_else(|| is_preset.then(|| PATIENT.into())).ok_or("a layout needs `patient`, the column of the patient")?;
        let visit = self.visit.or_else(|| is_preset.then(|| VISIT.into()));
        let shape = match (self.shape, visit) {
            (ShapeName::Long, Some(visit)) => Shape::Long(visit),
            (ShapeName::Long, None) => return Err("a long layout needs `visit`, the column of the visit; or say `shape = \"wide\"`".into()),
            (ShapeName::Wide, None) => Shape::Wide,
            (ShapeName::Wide, Some(_)) => return Err("a wide layout has no `visit`: a row is a patient".into()),
        };
        let mut layout = Layout::new(patient, self.arm, shape);
        layout.preset = self.preset;
        layout.paramcd = self.paramcd.into_iter().map(|code| code.0).collect();
        (layout.visit_order, layout.arm_order) = (self.visit_order, self.arm_order);
        layout.time_column = self.visit_time;
        layout.baseline = self.baseline_visit;
        layout.arms = self.arms;
        layout.reference_arm = self.reference_arm;
        (layout.delimiter, layout.decimal_mark) = (self.delimiter, self.decimal_mark);
        layout.sheet = self.sheet;
        layout.part = self.extent == Extent::Part;
        let texts = |codes: Vec<Code>| codes.into_iter().map(|code| code.0).collect::<Vec<_>>();
        if let Some(codes) = self.missing_codes {
            layout.missing_codes = texts(codes);
        }
        layout.value_codes = texts(self.missing_values);
        let of_column = |(column, codes): (String, Vec<Code>)| codes.into_iter().map(move |code| (column.clone(), code.0));
        layout.column_codes = self.missing_in.into_iter().flat_map(of_column).collect();
        layout.roster = self.roster;
        layout.filters = Filters { patients: self.keep_patients, rows: self.keep_rows, visits: self.drop_visits };
        layout.visits = self.visits.into_iter().map(|visit| visit.0).collect();
        layout.outcomes = self.outcomes.into_iter().map(|outcome| outcome.0).collect();
        for WrittenCovariate(covariate, levels) in self.covariates {
            layout.levels.extend(levels.map(|levels| (covariate.name.clone(), levels)));
            layout.covariates.push(covariate);
        }
        layout.levels.extend(self.levels);
        for cluster in self.clusters {
            match cluster {
                WrittenCluster::OfPatients(name) => layout.clusters.push(name),
                WrittenCluster::ByVisit(name, columns) => layout.clusters_by_visit.push((name, columns)),
            }
        }
        layout.instruments =
            self.instruments.into_iter().map(|WrittenInstrument(named, columns)| LayoutInstrument::Named(named, columns)).collect();
        Ok(self.weights.into_iter().fold(layout, Layout::weight))
    }
}

/// Implements serde for what is written as a name alone or as a table.
macro_rules! serde_by_table {
    ($($type:ty),+) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                name_or_table(deserializer)
            }
        })+
    };
}

serde_by_table!(WrittenVisit, WrittenOutcome, WrittenCovariate, WrittenCluster, WrittenInstrument, WrittenColumn);

impl NameOrTable<'_> for WrittenVisit {
    const EXPECTED: &'static str = "a visit's label, or a table with its label and time";
    type Table = VisitTable;

    fn of_name(label: &str) -> Result<Self, String> {
        Ok(Self(Visit { label: label.into(), time: None }))
    }

    fn of_table(table: VisitTable) -> Result<Self, String> {
        Ok(Self(Visit { label: table.label, time: table.time }))
    }
}

impl Serialize for WrittenVisit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.time {
            None => serializer.serialize_str(&self.0.label),
            time => VisitTable { label: self.0.label.clone(), time }.serialize(serializer),
        }
    }
}

impl NameOrTable<'_> for WrittenOutcome {
    const EXPECTED: &'static str = "the name of a column, or a table of an outcome";
    type Table = OutcomeTable;

    fn of_name(column: &str) -> Result<Self, String> {
        Ok(Self(OutcomeColumn::new(column)))
    }

    fn of_table(table: OutcomeTable) -> Result<Self, String> {
        let OutcomeTable { name, column, label, range, texts, columns } = table;
        let outcome = match (name, column, columns.is_empty()) {
            (Some(name), None, false) => OutcomeColumn::wide(name, columns),
            (None, _, false) => return Err("an outcome with `columns` needs a `name`".into()),
            (_, Some(_), false) => return Err("an outcome has one `column`, or `columns` by visit".into()),
            (Some(name), column, true) => OutcomeColumn::new(column.unwrap_or_else(|| name.clone())).name(name),
            (None, Some(column), true) => OutcomeColumn::new(column),
            (None, None, true) => return Err("an outcome needs the name of its `column`".into()),
        };
        let outcome = label.into_iter().fold(outcome, OutcomeColumn::label);
        let outcome = if texts { outcome.or_texts() } else { outcome };
        Ok(Self(range.into_iter().fold(outcome, |outcome, (lowest, highest)| outcome.range(lowest, highest))))
    }
}

impl Serialize for WrittenOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let OutcomeColumn { columns, name, label, range, texts } = &self.0;
        let mut table = OutcomeTable {
            name: Some(name.clone()),
            label: (label != name).then(|| label.clone()),
            range: *range,
            texts: *texts,
            ..OutcomeTable::default()
        };
        match columns {
            Columns::One(column) if column == name && label == name && range.is_none() && !texts => return serializer.serialize_str(name),
            Columns::One(column) => table.column = (column != name).then(|| column.clone()),
            Columns::PerVisit(columns) => table.columns.clone_from(columns),
        }
        table.serialize(serializer)
    }
}

impl NameOrTable<'_> for WrittenCovariate {
    const EXPECTED: &'static str = "the name of a column, or a table of a covariate";
    type Table = CovariateTable;

    fn of_name(name: &str) -> Result<Self, String> {
        let column = Columns::One(name.into());
        Ok(Self(CovariateColumn { name: name.into(), columns: column, kind: CovariateKind::default() }, None))
    }

    fn of_table(table: CovariateTable) -> Result<Self, String> {
        let CovariateTable { name, kind, levels, columns } = table;
        let columns = if columns.is_empty() { Columns::One(name.clone()) } else { Columns::PerVisit(columns) };
        Ok(Self(CovariateColumn { name, columns, kind }, levels))
    }
}

impl Serialize for WrittenCovariate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(CovariateColumn { name, columns, kind }, levels) = self;
        let columns = match columns {
            Columns::One(_) if is_default(kind) && levels.is_none() => return serializer.serialize_str(name),
            Columns::One(_) => vec![],
            Columns::PerVisit(columns) => columns.clone(),
        };
        CovariateTable { name: name.clone(), kind: *kind, levels: levels.clone(), columns }.serialize(serializer)
    }
}

impl NameOrTable<'_> for WrittenCluster {
    const EXPECTED: &'static str = "the name of a column, or a table of a cluster";
    type Table = ClusterTable;

    fn of_name(name: &str) -> Result<Self, String> {
        Ok(Self::OfPatients(name.into()))
    }

    fn of_table(table: ClusterTable) -> Result<Self, String> {
        let ClusterTable { name, kind, columns } = table;
        Ok(match (kind, columns.is_empty()) {
            (ClusterKind::OfPatients, true) => Self::OfPatients(name),
            (ClusterKind::ByVisit, true) => Self::ByVisit(name.clone(), Columns::One(name)),
            (_, false) => Self::ByVisit(name, Columns::PerVisit(columns)),
        })
    }
}

impl Serialize for WrittenCluster {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::OfPatients(name) => serializer.serialize_str(name),
            Self::ByVisit(name, Columns::One(_)) => {
                ClusterTable { name: name.clone(), kind: ClusterKind::ByVisit, columns: vec![] }.serialize(serializer)
            }
            Self::ByVisit(name, Columns::PerVisit(columns)) => {
                ClusterTable { name: name.clone(), kind: ClusterKind::OfPatients, columns: columns.clone() }.serialize(serializer)
            }
        }
    }
}

impl WrittenInstrument {
    fn of(instrument: &LayoutInstrument) -> Result<Self, String> {
        match instrument {
            LayoutInstrument::Named(named, columns) => Ok(Self(named.clone(), columns.clone())),
            LayoutInstrument::Given(InstrumentColumns { instrument, items }) => {
                let named = instrument.named().ok_or_else(|| {
                    format!(
                        "instrument {} has no name that a file could hold; register it under one (instruments::Registry), and refer to it by that (Layout::named_instrument)",
                        instrument.name()
                    )
                })?;
                let own = instrument.items().iter().map(|item| Columns::One(item.name.clone())).eq(items.iter().cloned());
                Ok(Self(named, if own { ItemColumns::Own } else { ItemColumns::Listed(items.clone()) }))
            }
        }
    }
}

impl NameOrTable<'_> for WrittenInstrument {
    const EXPECTED: &'static str = "the name of an instrument, or a table with its name, columns and options";
    type Table = InstrumentTable;

    fn of_name(name: &str) -> Result<Self, String> {
        Ok(Self(NamedInstrument::new(name), ItemColumns::Own))
    }

    fn of_table(table: InstrumentTable) -> Result<Self, String> {
        let InstrumentTable { name, columns, visits, options } = table;
        let columns = match columns {
            Some(WrittenColumns::Pattern(pattern)) => ItemColumns::Pattern { pattern, visits },
            _ if !visits.is_empty() => return Err("an instrument's `visits` are what a pattern in `columns` calls them".into()),
            Some(WrittenColumns::Listed(columns)) => ItemColumns::Listed(columns.into_iter().map(|column| column.0).collect()),
            None => ItemColumns::Own,
        };
        Ok(Self(NamedInstrument::with_options(name, options), columns))
    }
}

impl Serialize for WrittenInstrument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(named, columns) = self;
        if named.options().is_empty() && *columns == ItemColumns::Own {
            return serializer.serialize_str(named.name());
        }
        let (columns, visits) = match columns.clone() {
            ItemColumns::Own => (None, vec![]),
            ItemColumns::Pattern { pattern, visits } => (Some(WrittenColumns::Pattern(pattern)), visits),
            ItemColumns::Listed(columns) => (Some(WrittenColumns::Listed(columns.into_iter().map(WrittenColumn).collect())), vec![]),
        };
        InstrumentTable { name: named.name().into(), columns, visits, options: named.options().clone() }.serialize(serializer)
    }
}

impl Serialize for WrittenColumns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pattern(pattern) => serializer.serialize_str(pattern),
            Self::Listed(columns) => columns.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WrittenColumns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pattern such as `{item}_{visit}`, or a list of columns")
            }

            fn visit_str<E: serde::de::Error>(self, pattern: &str) -> Result<WrittenColumns, E> {
                Ok(WrittenColumns::Pattern(pattern.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut columns: A) -> Result<WrittenColumns, A::Error> {
                let mut listed = vec![];
                while let Some(column) = columns.next_element()? {
                    listed.push(column);
                }
                Ok(WrittenColumns::Listed(listed))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The columns of a variable by visit.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct ByVisit(#[serde(with = "pairs")] Vec<(String, String)>);

impl NameOrTable<'_> for WrittenColumn {
    const EXPECTED: &'static str = "the name of a column, or a table of columns by visit";
    type Table = ByVisit;

    fn of_name(column: &str) -> Result<Self, String> {
        Ok(Self(Columns::One(column.into())))
    }

    fn of_table(ByVisit(columns): ByVisit) -> Result<Self, String> {
        Ok(Self(Columns::PerVisit(columns)))
    }
}

impl Serialize for WrittenColumn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Columns::One(column) => serializer.serialize_str(column),
            Columns::PerVisit(columns) => pairs::serialize(columns, serializer),
        }
    }
}

/// What columns call the visits: `["T0", "T1"]` where they have the labels, `{ baseline = "T0" }` where not.
fn visits_in_columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Either;
    impl<'de> Visitor<'de> for Either {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of visits, or a table of what the columns call each visit")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut labels: A) -> Result<Self::Value, A::Error> {
            let mut visits = vec![];
            while let Some(label) = labels.next_element::<String>()? {
                visits.push((label.clone(), label));
            }
            Ok(visits)
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            pairs::deserialize(serde::de::value::MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Either)
}
