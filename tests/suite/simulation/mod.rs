//! Trials drawn from a stated truth, and the studies that the guide reports.

mod imrs_gst;
#[cfg(feature = "planning")]
mod operating_characteristics;
#[cfg(feature = "planning")]
mod partial_nesting;
mod simulate;
