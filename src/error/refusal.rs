//! Kinds of requests that cannot be met, each with a code of its own.

use super::{Error, Message};
use crate::options::choices;

/// What kind of request could not be met: the [code](Error::code) of [`Error::Invalid`].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A number that lies outside its range.
    OutOfRange,
    /// A value that is missing or infinite where a finite one is needed.
    NotFinite,
    /// Too many or too few values were given.
    WrongNumber,
    /// A variable of the wrong kind: a number for a factor, one that changes by visit for one that does not.
    WrongVariable,
    /// A baseline value is needed, and nothing says where it is.
    NoBaseline,
    /// Times of visits are needed, and the schedule has none.
    NoTimes,
    /// One thing is named twice.
    NamedTwice,
    /// A comparison or a test of nothing.
    NothingToCompare,
    /// A quantity that is not defined for this model or these data.
    NotDefined,
    /// A method that does not exist for this model.
    NotBuilt,
    /// Settings that contradict one another or the data's shape.
    Conflict,
    /// Something that has to be stated was not.
    Incomplete,
    /// Another trial, or one that differs from the protocol.
    AnotherTrial,
    /// Clusters that do not suit the model.
    Clusters,
    /// Nothing is left to analyse.
    NoData,
    /// A file that is not what it should be.
    Damaged,
    /// A model too large for its data or for the machine.
    TooLarge,
    /// Too few replicates.
    TooFewReplicates,
    /// A position beyond those there are.
    NoPosition,
    /// Something made in Rust that a file cannot hold.
    MadeInRust,
    /// Any other request that makes no sense for this trial or model.
    Other,
}

choices! {
    Refusal, "kind of refusal":
    OutOfRange = "out-of-range", [], "a number lies outside its range, such as a confidence level of 95 or a negative margin";
    NotFinite = "not-finite", [], "a value is missing or infinite where a finite one is needed";
    WrongNumber = "wrong-number-of-values", [], "too many or too few values were given: weights, outcomes, means";
    WrongVariable = "wrong-kind-of-variable", [], "a number stands where a factor is needed, or the other way round";
    NoBaseline = "no-baseline", [], "a baseline value is needed, and nothing says where it is found";
    NoTimes = "no-visit-times", [], "times of visits are needed, and the schedule has none";
    NamedTwice = "named-twice", [], "one thing is named twice, or by two names";
    NothingToCompare = "nothing-to-compare", [], "a comparison or a test of nothing: one arm, no term";
    NotDefined = "not-defined", [], "the quantity is not defined for this model or these data";
    NotBuilt = "not-available", [], "the method does not exist for this kind of model";
    Conflict = "conflicting-settings", [], "settings contradict one another, or the shape of the data";
    Incomplete = "incomplete-request", [], "something that has to be stated was not";
    AnotherTrial = "another-trial", [], "the data are those of another trial, or differ from the protocol";
    Clusters = "unsuitable-clusters", [], "the clusters do not suit the model: crossed, empty, or too few";
    NoData = "no-data", [], "nothing is left to analyse, or to compute the quantity from";
    Damaged = "damaged-file", [], "a file is not what it should be, or contradicts itself";
    TooLarge = "too-large", [], "the model is too large for its data or for the machine";
    TooFewReplicates = "too-few-replicates", [], "too few replicates were asked for, or succeeded";
    NoPosition = "no-such-position", [], "a position lies beyond those there are";
    MadeInRust = "made-in-rust", [], "something was made in Rust that a file cannot hold";
    Other = "invalid-request", [], "any other request that makes no sense for this trial or model";
}

/// A constructor of [`Error::Invalid`] per kind: what was asked, why it cannot be had, what to do instead.
macro_rules! constructors {
    ($($name:ident = $kind:ident),+ $(,)?) => {
        impl Error {
            $(
                pub(crate) fn $name(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<Message>) -> Self {
                    Error::Invalid { kind: Refusal::$kind, what: what.into(), why: why.into(), remedy: remedy.into() }
                }
            )+
        }
    };
}

constructors! {
    out_of_range = OutOfRange,
    not_finite = NotFinite,
    wrong_number = WrongNumber,
    wrong_variable = WrongVariable,
    no_baseline = NoBaseline,
    no_times = NoTimes,
    named_twice = NamedTwice,
    nothing_to_compare = NothingToCompare,
    not_defined = NotDefined,
    not_built = NotBuilt,
    conflict = Conflict,
    incomplete = Incomplete,
    another_trial = AnotherTrial,
    clusters = Clusters,
    no_data = NoData,
    damaged = Damaged,
    too_large = TooLarge,
    too_few_replicates = TooFewReplicates,
    no_position = NoPosition,
    made_in_rust = MadeInRust,
}

impl Error {
    /// For what none of the other kinds says.
    pub(crate) fn invalid(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<Message>) -> Self {
        Error::Invalid { kind: Refusal::Other, what: what.into(), why: why.into(), remedy: remedy.into() }
    }
}
