//! Studies as they stand in files: the plan, the truth and the settings, each problem with its place.

use super::file::{StudyFile, StudySettings};
use super::left_out::as_simulated;
use super::truth::TrialTruth;
use crate::analysis::{Plan, PlanFile, misread, text_of};
use crate::error::{Error, Result};
use crate::model::Model;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Table};

/// The tables of a study that are no part of the plan.
const OWN: [&str; 2] = ["truth", "study"];

/// A text that a study, or a part of one, stands in.
struct Text {
    path: PathBuf,
    /// What messages call it.
    name: String,
    content: String,
}

/// The keys of a text that have not been read yet.
struct Keys<'s> {
    text: &'s Text,
    tables: Spanned<DeTable<'s>>,
}

/// The value of a key.
struct Stated<'s> {
    text: &'s Text,
    key: &'static str,
    value: Spanned<DeValue<'s>>,
}

impl StudyFile {
    /// A study in a file; a plan that it names lies beside it.
    ///
    /// The whole plan is checked, as far as that takes no data: what is not simulated ([`Procedure::left_out`](super::Procedure::left_out))
    /// will be analysed one day.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Written`] for files that cannot be read or understood, [`Error::Plan`] for a plan that
    /// contradicts itself or the truth, and as [`TrialTruth::check`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, None)
    }

    /// The same with the truth and the settings in another file.
    ///
    /// # Errors
    /// As [`StudyFile::open`].
    pub fn open_with(plan: impl AsRef<Path>, truth: Option<&Path>) -> Result<Self> {
        let (plan, truth) = (Text::open(plan.as_ref())?, truth.map(Text::open).transpose()?);
        Self::of_texts(&plan, truth.as_ref())
    }

    /// A study as text; a plan that it names lies in the working directory.
    ///
    /// # Errors
    /// As [`StudyFile::open`].
    pub fn from_toml(text: &str) -> Result<Self> {
        let name = "the study";
        Self::of_texts(&Text { path: name.into(), name: name.into(), content: text.into() }, None)
    }

    fn of_texts(plan: &Text, truth: Option<&Text>) -> Result<Self> {
        let mut all = vec![plan.keys()?];
        if let Some(text) = truth {
            let keys = text.keys()?;
            keys.refuse_any_of_a_plan(&all[0])?;
            all.push(keys);
        }
        let truth = stated_once(&mut all, "truth")?.ok_or_else(|| {
            Error::incomplete(format!("the study in {}", plan.name), "it has no table `[truth]`", "state what trials are made from")
        })?;
        let settings = stated_once(&mut all, "study")?;
        let file = all.swap_remove(0).plan()?;
        let mut truth = truth.truth()?;
        let settings = settings.map(Stated::read).transpose()?.unwrap_or_else(StudySettings::default);
        if truth.outcome == "y" {
            truth.outcome.clone_from(&file.plan().primary);
        }
        let study = Self::new(file.plan().clone(), truth, settings).map_err(|error| file.located(error))?;
        let trial = study.truth.trial(study.seed(), 0)?;
        as_simulated(&study.plan, &trial).map_err(|error| file.located(error))?;
        Ok(study)
    }
}

/// The value of a key, wherever it stands.
fn stated_once<'s>(all: &mut [Keys<'s>], key: &'static str) -> Result<Option<Stated<'s>>> {
    let mut found: Vec<Stated<'s>> = all.iter_mut().filter_map(|keys| keys.take(key)).collect();
    match found.as_slice() {
        [one, other, ..] => Err(twice(key, one.text, other.text)),
        _ => Ok(found.pop()),
    }
}

fn twice(key: &str, one: &Text, other: &Text) -> Error {
    Error::conflict(format!("the key `{key}`"), format!("it stands in {} and in {}", one.name, other.name), "state it once")
}

impl Text {
    fn open(path: &Path) -> Result<Self> {
        let (name, content) = text_of(path)?;
        Ok(Self { path: path.into(), name, content })
    }

    fn keys(&self) -> Result<Keys<'_>> {
        let tables = DeTable::parse(&self.content).map_err(|error| misread(&self.content, &self.name, &error))?;
        Ok(Keys { text: self, tables })
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
    }
}

impl<'s> Keys<'s> {
    fn take(&mut self, key: &'static str) -> Option<Stated<'s>> {
        let value = self.tables.get_mut().remove(key)?;
        Some(Stated { text: self.text, key, value })
    }

    fn refuse_any_of_a_plan(&self, plan: &Keys<'_>) -> Result<()> {
        let Some(key) = self.tables.get_ref().keys().map(|key| key.get_ref().as_ref()).find(|key| !OWN.contains(key)) else {
            return Ok(());
        };
        if plan.tables.get_ref().contains_key(key) {
            return Err(twice(key, plan.text, self.text));
        }
        Err(Error::conflict(
            format!("the key `{key}`"),
            format!("it stands in {}, which has the tables `[truth]` and `[study]` only", self.text.name),
            format!("state it in the plan, {}", plan.text.name),
        ))
    }

    /// The plan: what is left, or the file that it names.
    fn plan(mut self) -> Result<PlanFile> {
        let Some(plan) = self.take("plan") else {
            return PlanFile::of_tables(&self.text.path, &self.text.content, self.tables);
        };
        match plan.value.get_ref() {
            DeValue::String(name) if self.tables.get_ref().is_empty() => PlanFile::open(self.text.beside(name)),
            DeValue::String(_) => {
                Err(Error::conflict("the key `plan`", "other keys of a plan stand beside it", "keep the plan in one place"))
            }
            _ => Err(Error::wrong_variable("the key `plan`", "it is not the name of a file", "write `plan = \"plan.toml\"`")),
        }
    }
}

impl Stated<'_> {
    fn read<T: serde::de::DeserializeOwned>(self) -> Result<T> {
        let (text, key) = (self.text, self.key);
        T::deserialize(ValueDeserializer::from(self.value)).map_err(|error| in_table(key, misread(&text.content, &text.name, &error)))
    }

    /// The truth, with what a pilot says of the keys that it does not state itself.
    fn truth(self) -> Result<TrialTruth> {
        let has_pilot = matches!(self.value.get_ref(), DeValue::Table(keys) if keys.contains_key("pilot"));
        if !has_pilot {
            return self.read();
        }
        let text = self.text;
        let keys = completed(self.read()?, text)?;
        // Some keys come from the pilot, and lines are not known.
        keys.try_into().map_err(|error| in_table("truth", misread("", &text.name, &error)))
    }
}

/// An error in a text as one in a table of it.
fn in_table(table: &str, error: Error) -> Error {
    match error {
        Error::Written { what, line, column, message } => {
            Error::Written { what, line, column, message: format!("in [{table}]: {message}") }
        }
        other => other,
    }
}

/// A pilot that a truth begins with.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Pilot {
    /// The file of its data.
    data: String,
    /// The file of the plan that reads them.
    plan: String,
    /// Patients planned in all, shared between the arms as in the pilot; as many as there unless stated.
    patients: Option<usize>,
    /// Whether what the pilot leaves unknown is drawn anew for every trial.
    #[serde(default)]
    assurance: bool,
}

/// The keys of a truth with what its pilot says of those that are not stated.
fn completed(mut keys: Table, text: &Text) -> Result<Table> {
    let Some(pilot) = keys.remove("pilot") else { return Ok(keys) };
    let pilot: Pilot = pilot.try_into().map_err(|error| in_table("truth.pilot", misread("", &text.name, &error)))?;
    let plan = Plan::from_file(text.beside(&pilot.plan))?;
    let trial = plan.read(text.beside(&pilot.data))?;
    let fit = Model::default().of_outcome(&plan.primary).fit(&trial)?;
    let mut known =
        if pilot.assurance { TrialTruth::from_fit_with_uncertainty(&fit, &trial)? } else { TrialTruth::from_fit(&fit, &trial)? };
    if let Some(patients) = pilot.patients {
        known = known.with_patients(patients);
        known.origins.remove("patients");
    }
    let known =
        Table::try_from(known).map_err(|e| Error::made_in_rust("the truth of a pilot", e.to_string(), "state `[truth]` by hand"))?;
    let stated = |key: &str| keys.contains_key(key);
    let kept: Vec<(String, toml::Value)> = known.into_iter().filter(|(key, _)| !stated(key)).collect();
    keys.extend(kept);
    Ok(keys)
}
