//! A design agreed before anybody sees the data, so that what several data sets say can be added up.

use super::build::{analysed_visits, check_baseline, nothing_left, unseen_sentence};
use super::coding::Part;
use super::exclusions::Counted;
use super::frame::Frame;
use super::tally::Cell;
use super::*;
use crate::trial::{Protocol, Role, Trial};
use crate::written::unreadable_json;
use crate::{schema, seal};
use serde::ser::{Error as _, Serialize, Serializer};

/// The design of a model for every data set of one [`Protocol`]: which columns the model matrix has, at which visits,
/// with which levels.
///
/// It is made before the data are seen and never adapts to them, so that every file and every site collects the
/// same sums. Levels and visits that turn out to have no observation anywhere are left out when the sums are fitted,
/// as they are where all data are in one place. Made by [`Model::freeze`](crate::Model::freeze); as JSON it is the
/// file that is sent to all who take part. The file has its schema ([`FROZEN_DESIGN`](crate::schema::FROZEN_DESIGN)) and the
/// SHA-256 of its content, by which a change after it was written is found and refused.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(try_from = "WrittenDesign")]
pub struct FrozenDesign {
    columns: Arc<Columns>,
    protocol: Protocol,
}

/// A frozen design as a file has it: all that it follows from, and the fingerprint of that.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenDesign {
    schema: String,
    model: MeanModel,
    options: DesignOptions,
    protocol: Protocol,
    sha256: String,
}

/// A frozen design restricted to the levels and visits that occur, and where its parts are in the frozen one.
#[derive(Debug)]
pub(crate) struct Occurring {
    pub columns: Columns,
    pub account: Account,
    /// The position of each value of z.
    pub values: Vec<usize>,
    /// The position of each analysed visit.
    pub visits: Vec<usize>,
    /// The position of each covariance group.
    pub groups: Vec<usize>,
}

impl FrozenDesign {
    /// The design of `model` for the trial that `protocol` plans.
    ///
    /// # Errors
    /// As [`Design::build`], for everything that does not depend on the patients.
    pub fn new(protocol: &Protocol, model: &MeanModel, options: &DesignOptions) -> Result<Self> {
        model.must_have_outcome()?;
        if let Some(effects) = options.random.first() {
            return Err(Error::not_built(
                format!("a design agreed before the data with `{effects}`"),
                "random effects of clusters need to know which patients share one, and sums over patients do not say",
                "fit the trial itself with Model::fit, or leave the random effects out",
            ));
        }
        if let Some((name, _)) = model.functions.iter().find(|(_, function)| function.is_open()) {
            return Err(Error::not_built(
                format!("a design agreed before the data with `{name}`"),
                "the knots of a spline are quantiles of all data",
                "use a polynomial, or fit the trial itself with Model::fit",
            ));
        }
        let stated = options.group.iter().chain(&options.weights).map(String::as_str);
        let names: Vec<&str> = model.columns().into_iter().chain(stated).collect();
        let protocol = protocol.restricted(&model.outcome, &names);
        let nobody = protocol.without_patients();
        check_baseline(&nobody, model)?;
        let visits = analysed_visits(&nobody, model.baseline_role(), options)?;
        let frame = Frame::new(&nobody, model, options, nobody.outcome(&model.outcome)?, &visits)?;
        let columns = Arc::new(frame.columns(&nobody, model, options)?);
        Ok(Self { columns, protocol })
    }

    /// Reads a frozen design from JSON, as serde writes it.
    ///
    /// # Errors
    /// [`Error::Written`] with line and column for what is no frozen design; [`Error::Invalid`] for one of another
    /// version, one that was changed after it was written, and a protocol that no trial has; otherwise as
    /// [`FrozenDesign::new`].
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str::<WrittenDesign>(text).map_err(|error| unreadable_json("the frozen design", &error))?.try_into()
    }

    /// The protocol, as far as the model needs it.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The mean model.
    pub fn mean_model(&self) -> &MeanModel {
        &self.columns.model
    }

    /// What the design has beyond the mean model: visits, covariance groups, weights.
    pub fn options(&self) -> &DesignOptions {
        &self.columns.options
    }

    /// The columns of the model matrix.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Labels of the visits that are analysed, in order.
    pub fn visit_labels(&self) -> &[String] {
        &self.columns.visit_labels
    }

    /// The first thing in which another frozen design differs: what it is, here and there.
    pub(crate) fn difference(&self, other: &FrozenDesign) -> Option<(String, String, String)> {
        if self == other {
            return None;
        }
        let (own, their) = (&self.columns, &other.columns);
        let text = |words: Vec<String>| words.join(", ");
        let option = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
        let visits = |protocol: &Protocol| {
            let time = |v: &crate::trial::Visit| v.time.map(|t| format!(" at {t}")).unwrap_or_default();
            text(protocol.schedule().visits().iter().map(|v| format!("{}{}", v.label, time(v))).collect())
        };
        let mut pairs = vec![
            ("the mean model".to_string(), own.model.to_string(), their.model.to_string()),
            ("the baseline".into(), own.model.baseline_role().to_string(), their.model.baseline_role().to_string()),
            ("the visits".into(), visits(&self.protocol), visits(&other.protocol)),
            ("the analysed visits".into(), text(own.visit_labels.clone()), text(their.visit_labels.clone())),
            ("the arms".into(), text(self.protocol.arms().to_vec()), text(other.protocol.arms().to_vec())),
            ("the covariance groups".into(), option(&own.options.group), option(&their.options.group)),
            ("the weights".into(), option(&own.options.weights), option(&their.options.weights)),
        ];
        for (a, b) in own.variables.iter().zip(&their.variables) {
            pairs.push((format!("the levels of `{}`", a.name), text(a.levels.clone()), text(b.levels.clone())));
        }
        pairs.push(("the levels of the covariance groups".into(), text(own.groups.clone()), text(their.groups.clone())));
        let column_names = |d: &FrozenDesign| text(d.columns.iter().map(|c| c.name.clone()).chain([format!("{:?}", d.protocol)]).collect());
        pairs.push(("the variables".into(), column_names(self), column_names(other)));
        pairs.into_iter().find(|(_, a, b)| a != b)
    }

    /// The design with the patients of a trial, and how many there are of which kind.
    ///
    /// # Errors
    /// Where the trial does not follow the protocol, see [`Protocol`].
    pub(crate) fn with_patients(&self, trial: &Trial) -> Result<(Design, Census)> {
        let Columns { model, options, visits, .. } = self.columns.as_ref();
        let trial = self.protocol.align(trial)?;
        let frame = Frame::new(&trial, model, options, trial.outcome(&model.outcome)?, visits)?;
        let exclusions = frame.exclusions(&trial);
        let (arms, counted) = (frame.arm_counts(&trial), Counted::of(&exclusions));
        let design = frame.into_design(&trial, model, options, exclusions, vec![])?;
        let tally = design.account.tally.clone();
        Ok((design, Census { tally, arms, counted }))
    }

    /// The design restricted to what occurs, as it would have been built from all patients; which columns are aliased
    /// is not decided yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] where nothing was observed, or where a reference level does not occur and the columns
    /// cannot be had from those that were agreed.
    pub(crate) fn occurring(&self, census: &Census, group_sizes: &[usize]) -> Result<Occurring> {
        let Columns { model, options, .. } = self.columns.as_ref();
        let nobody = self.protocol.without_patients();
        let seen = |t: &usize| census.tally.observed.iter().any(|cell| cell.level(Dimension::Visit) == *t);
        let visits: Vec<usize> = (0..self.columns.visits.len()).filter(seen).collect();
        let mut exclusions = Exclusions::counted(&census.counted);
        exclusions.visits = self.columns.visit_labels.clone();
        exclusions.outcome.clone_from(&model.outcome);
        if visits.is_empty() {
            return Err(nothing_left(model, &exclusions));
        }
        let mut warnings = vec![];
        let unseen = |t: usize| Labelled { index: self.columns.visits[t], label: self.columns.visit_labels[t].clone() };
        let unseen_visits: Vec<Labelled> = (0..self.columns.visits.len()).filter(|t| !seen(t)).map(unseen).collect();
        if !unseen_visits.is_empty() {
            warnings.push(unseen_sentence(&unseen_visits, &self.columns.visits));
        }
        let scheduled: Vec<usize> = visits.iter().map(|&t| self.columns.visits[t]).collect();
        let mut frame = Frame { unseen_visits, ..Frame::new(&nobody, model, options, nobody.outcome(&model.outcome)?, &scheduled)? };
        let used: Vec<Vec<usize>> = (0..frame.known.variables.len()).map(|v| self.used_levels(v, &census.tally)).collect();
        let groups: Vec<usize> = (0..group_sizes.len()).filter(|&g| group_sizes[g] > 0).collect();
        warnings.extend(frame.keep_levels(&used, &groups));
        let arms: Vec<usize> = census.arms.chunks(self.columns.visits.len()).flat_map(|row| visits.iter().map(|&t| row[t])).collect();
        warnings.extend(frame.empty_cells(&nobody, &arms));
        let columns = frame.columns(&nobody, model, options)?;
        let values = self.values_of(&columns, &used, &visits)?;
        let tally = renumbered(&census.tally, &columns, &used, &visits);
        Ok(Occurring { columns, account: Account::new(exclusions, warnings, tally), values, visits, groups })
    }

    /// Every reason for which it can leave out patients or observations, with the variable that is missing.
    ///
    /// # Errors
    /// As [`FrozenDesign::new`].
    pub(super) fn reasons(&self) -> Result<Vec<(String, Option<String>)>> {
        let Columns { model, options, visits, .. } = self.columns.as_ref();
        let nobody = self.protocol.without_patients();
        Ok(Frame::new(&nobody, model, options, nobody.outcome(&model.outcome)?, visits)?.possible_reasons())
    }

    /// The levels of a variable that occur among the analysed observations; all of what is no factor.
    fn used_levels(&self, variable: usize, tally: &Tally) -> Vec<usize> {
        let own = &self.columns.variables[variable];
        // The tally counts visits apart from the factors.
        let occurs = |l: &usize| own.role == Role::Visit || tally.observed.iter().any(|c| c.level(Dimension::Factor(variable)) == *l);
        (0..own.levels.len()).filter(occurs).collect()
    }

    /// Where the values of z of a restricted design are among the agreed ones.
    fn values_of(&self, columns: &Columns, used: &[Vec<usize>], visits: &[usize]) -> Result<Vec<usize>> {
        let original = |&(v, part): &(usize, Part)| match part {
            Part::Level(l) => (v, Part::Level(used[v][l])),
            Part::Number | Part::Basis(_) => (v, part),
        };
        let position = |product: &Product| {
            let agreed = Product { parts: product.parts.iter().map(original).collect(), visit: product.visit.map(|t| visits[t]) };
            self.columns.products.iter().position(|p| *p == agreed).ok_or_else(|| {
                let factors: Vec<&str> = product.parts.iter().map(|&(v, _)| columns.variables[v].name.as_str()).collect();
                Error::no_data(
                    format!("the columns of {}", factors.join(":")),
                    "the first of the levels agreed has no analysed observation, and what was collected is measured from it",
                    "agree on levels of which the first occurs",
                )
            })
        };
        columns.products.iter().map(position).collect()
    }
}

/// The tally in the numbers of a restricted design; what is left out there does not count.
fn renumbered(tally: &Tally, columns: &Columns, used: &[Vec<usize>], visits: &[usize]) -> Tally {
    let place = |at: usize, level: usize| match at.checked_sub(1) {
        None => visits.iter().position(|&t| t == level),
        Some(v) if columns.variables[v].is_factor() && columns.variables[v].role != Role::Visit => used[v].iter().position(|&l| l == level),
        Some(_) => Some(level),
    };
    let cells = |cells: &[Cell]| {
        let levels = |cell: &Cell| cell.levels.iter().enumerate().map(|(at, &l)| place(at, l)).collect::<Option<Vec<usize>>>();
        cells.iter().filter_map(|cell| levels(cell).map(|levels| Cell { levels, n: cell.n })).collect()
    };
    Tally { patients: tally.patients, observed: cells(&tally.observed), planned: cells(&tally.planned), numbers: tally.numbers.clone() }
}

/// What the fingerprint of a frozen design is made of.
fn content<'d>(model: &'d MeanModel, options: &'d DesignOptions, protocol: &'d Protocol) -> impl Serialize + 'd {
    (schema::FROZEN_DESIGN, model, options, protocol)
}

impl Serialize for FrozenDesign {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Columns { model, options, .. } = self.columns.as_ref();
        let sha256 = seal::fingerprint(&content(model, options, &self.protocol)).map_err(S::Error::custom)?;
        let (schema, protocol) = (schema::FROZEN_DESIGN.into(), self.protocol.clone());
        WrittenDesign { schema, model: model.clone(), options: options.clone(), protocol, sha256 }.serialize(serializer)
    }
}

impl TryFrom<WrittenDesign> for FrozenDesign {
    type Error = crate::Error;

    fn try_from(WrittenDesign { schema, model, options, protocol, sha256 }: WrittenDesign) -> Result<Self> {
        seal::check("a frozen design", &schema, schema::FROZEN_DESIGN, &sha256, &content(&model, &options, &protocol))?;
        Self::new(&protocol, &model, &options)
    }
}
