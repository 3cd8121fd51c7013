//! Trails and their settings: validated changes in, snapshots by sequence out.
//!
//! Invariant: it knows what is configured and never performs it; no bucket, no delivery, no wire protocol.

#[cfg(test)]
mod sample;
mod select;
mod snapshot;
mod stored;
mod trail;
mod writer;

pub use stored::{Change, DecodeError};
pub use trail::{
    AdvancedEventSelector, AggregationTemplate, Catalog, DataResource, EventSelector,
    FieldSelector, Organization, ReadWriteType, Selectors, Trail, TrailArn, TrailId,
};
pub use writer::{CatalogWriter, WriteError};
