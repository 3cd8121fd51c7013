//! Insights: notices unusual call rates and error rates in a stream of events, and writes CloudTrail's Insight events.
//!
//! Invariant: no I/O, no clock, no randomness. The findings are a function of the events given, in their order, so a
//! replay of the journal gives the same findings with the same ids.
//!
//! The method, its sources, what it costs and how well it does: `docs/insights.md`.

mod analyzer;
mod attribution;
mod call;
mod finding;
mod history;
mod model;
mod series;
mod settings;
mod snapshot;

pub use analyzer::{Analyzer, Stats};
pub use call::Call;
pub use finding::{Finding, State};
pub use history::{Period, Point};
pub use series::SeriesKey;
pub use settings::Settings;
pub use snapshot::LoadError;
