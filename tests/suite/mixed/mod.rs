//! Random effects of clusters: what peers, exact identities and designs at the edge say of them.

mod degenerate;
mod engines;
mod identities;
mod invariances;
mod references;
