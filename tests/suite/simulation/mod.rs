//! Trials drawn from a stated truth, and the studies that the guide reports.

mod imrs_gst;
mod operating_characteristics;
mod partial_nesting;
mod simulate;
