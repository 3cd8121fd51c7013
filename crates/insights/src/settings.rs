//! What can be tuned, with the defaults that the benchmark was run with.

/// Limits and thresholds of an [`Analyzer`](crate::Analyzer).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Most series tracked at once. Above it the series that was silent longest is forgotten, those with little
    /// history first.
    pub series_max: usize,
    /// Most different identities, user agents and error codes remembered for attributions. Above it new ones are
    /// counted, but not named.
    pub values_max: usize,
    /// Most bytes of per-minute history kept for `ListInsightsMetricData`, over all series; 0 keeps none.
    pub history_bytes_max: usize,
    /// How long after its end a minute stays open for events that come late, in seconds, at most 60.
    pub grace_seconds: u32,
    /// How long a series (or the absence of one) must have been watched before anything about it is a finding, in
    /// minutes.
    pub history_minutes_min: u32,
    /// Fewest calls in five minutes that can be a finding.
    pub volume_min: u32,
    /// Fewest calls in five minutes that must have been expected before their absence can be a finding.
    pub drop_volume_min: f64,
    /// Smallest ratio between what came and what was expected (or the reverse, for a drop) that can be a finding.
    pub ratio_min: f64,
    /// A series that behaves as it always did gives one false finding in about this many days.
    pub return_days: f64,
    /// After this long an unusual level is the new normal: the finding ends and the baseline follows. In minutes.
    pub finding_minutes_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            series_max: 20_000,
            values_max: 100_000,
            history_bytes_max: 64 * 1024 * 1024,
            grace_seconds: 20,
            history_minutes_min: 4 * 60,
            volume_min: 10,
            drop_volume_min: 30.0,
            ratio_min: 2.5,
            return_days: 12_000.0,
            finding_minutes_max: 6 * 60,
        }
    }
}
