//! Models of outcomes that are no normal measurement.

mod independent;
