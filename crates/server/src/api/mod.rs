//! CloudTrail's own operations: decoded input in, decoded output out.
//!
//! Invariant: AWS error codes of these operations are chosen here; it knows no sockets, no signatures and no policies.

mod adapters;
mod busy;
mod create;
mod delegates;
mod destinations;
mod error;
mod event_configuration;
mod event_selectors;
mod fields;
mod find;
mod insights;
mod keys;
mod logging;
mod lookup;
mod names;
mod organization;
mod port;
mod rates;
mod read;
mod render;
mod search;
mod tags;
#[cfg(test)]
mod tests;
mod token;
mod update;

use std::sync::Arc;

use pugmark_catalog::CatalogWriter;
use pugmark_core::{
    account::{AccountId, Region},
    clock::Clock,
    identity::Identity,
};
use pugmark_notify::Services;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

pub(crate) use self::adapters::Deliveries;
pub(crate) use self::error::ApiError;
pub(crate) use self::port::{DeliveryPort, HistoryPort};
pub(crate) use self::search::Export;
use self::{busy::Busy, fields::Fields, rates::Rates};
use crate::insights::Insights;

/// Who calls, where.
pub(crate) struct Caller {
    /// The caller, as recorded.
    #[allow(dead_code, reason = "part of who calls; no operation asks for it yet")]
    pub identity: Identity,
    /// The account that is worked on.
    pub account: AccountId,
    /// The Region of the endpoint that was called.
    pub region: Region,
    /// The key that signed.
    pub access_key_id: Option<String>,
}

/// CloudTrail's operations over the catalog, event history and delivery.
pub(crate) struct Api {
    catalog: Arc<CatalogWriter>,
    history: Arc<dyn HistoryPort>,
    delivery: Arc<dyn DeliveryPort>,
    services: Arc<dyn Services>,
    clock: Arc<dyn Clock>,
    /// AWS's request rates, if they hold.
    rates: Option<Rates>,
    /// What Insights know; `None` in tests of other things.
    insights: Option<Insights>,
    /// The access key that sees all imported events; `None` in tests of other things.
    operator_key: Option<String>,
    /// Whose members some callers see.
    organizations: search::Organizations,
    /// A place for each export that may be under way.
    exports: Arc<Semaphore>,
    /// Turns true when the server is to stop; `None` in tests of other things.
    shutdown: Option<watch::Receiver<bool>>,
    /// What longer calls are changing.
    busy: Busy,
}

/// Operations of the service model that wait for their issue.
const NOT_YET: [&str; 36] = [
    "CancelQuery",
    "CreateChannel",
    "CreateDashboard",
    "CreateEventDataStore",
    "DeleteChannel",
    "DeleteDashboard",
    "DeleteEventDataStore",
    "DeleteResourcePolicy",
    "DescribeQuery",
    "DisableFederation",
    "EnableFederation",
    "GenerateQuery",
    "GetChannel",
    "GetDashboard",
    "GetEventDataStore",
    "GetImport",
    "GetQueryResults",
    "GetResourcePolicy",
    "ListChannels",
    "ListDashboards",
    "ListEventDataStores",
    "ListImportFailures",
    "ListImports",
    "ListQueries",
    "PutResourcePolicy",
    "RestoreEventDataStore",
    "SearchSampleQueries",
    "StartDashboardRefresh",
    "StartEventDataStoreIngestion",
    "StartImport",
    "StartQuery",
    "StopEventDataStoreIngestion",
    "StopImport",
    "UpdateChannel",
    "UpdateDashboard",
    "UpdateEventDataStore",
];

impl Api {
    /// The operations over these parts.
    pub(crate) fn new(
        catalog: Arc<CatalogWriter>,
        history: Arc<dyn HistoryPort>,
        delivery: Arc<dyn DeliveryPort>,
        services: Arc<dyn Services>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            catalog,
            history,
            delivery,
            services,
            clock,
            rates: None,
            insights: None,
            operator_key: None,
            organizations: search::Organizations::default(),
            exports: Arc::new(Semaphore::new(search::EXPORTS_MAX)),
            shutdown: None,
            busy: Busy::default(),
        }
    }

    /// The same operations with the numbers of Insights.
    pub(crate) fn with_insights(self, insights: Insights) -> Self {
        Self {
            insights: Some(insights),
            ..self
        }
    }

    /// The same operations, which show all imported events to whoever has this access key.
    pub(crate) fn with_operator(self, access_key_id: String) -> Self {
        Self {
            operator_key: Some(access_key_id),
            ..self
        }
    }

    /// The same operations, which wait for nothing once the server is to stop.
    pub(crate) fn with_shutdown(self, shutdown: watch::Receiver<bool>) -> Self {
        Self {
            shutdown: Some(shutdown),
            ..self
        }
    }

    /// The same operations at AWS's request rates.
    pub(crate) fn with_awss_rates(self) -> Self {
        Self {
            rates: Some(Rates::default()),
            ..self
        }
    }

    /// The answer of `ExportEvents`, which alone is no JSON.
    pub(crate) async fn export(&self, caller: &Caller, body: &[u8]) -> Result<Export, ApiError> {
        self.check_rate(caller, "ExportEvents")?;
        self.export_events(caller, &fields::parse(body)?).await
    }

    fn check_rate(&self, caller: &Caller, operation: &str) -> Result<(), ApiError> {
        match &self.rates {
            Some(rates) => rates.check(caller, operation, self.clock.now()),
            None => Ok(()),
        }
    }

    /// Runs one operation; `body` is the request's JSON.
    pub(crate) async fn call(
        &self,
        caller: &Caller,
        operation: &str,
        body: &[u8],
    ) -> Result<Value, ApiError> {
        self.check_rate(caller, operation)?;
        if NOT_YET.contains(&operation) {
            return Err(ApiError::unsupported(format!(
                "{operation} is not supported by Pugmark yet."
            )));
        }
        let input = fields::parse(body)?;
        let fields = Fields::of(&input)?;
        match operation {
            "CreateTrail" => self.create_trail(caller, fields).await,
            "UpdateTrail" => self.update_trail(caller, fields).await,
            "DeleteTrail" => self.delete_trail(caller, fields).await,
            "GetTrail" => self.get_trail(caller, fields),
            "DescribeTrails" => self.describe_trails(caller, fields),
            "ListTrails" => self.list_trails(caller, fields),
            "GetTrailStatus" => self.get_trail_status(caller, fields),
            "StartLogging" => self.start_logging(caller, fields).await,
            "StopLogging" => self.stop_logging(caller, fields).await,
            "PutEventSelectors" => self.put_event_selectors(caller, fields).await,
            "GetEventSelectors" => self.get_event_selectors(caller, fields),
            "PutInsightSelectors" => self.put_insight_selectors(caller, fields).await,
            "ListInsightsMetricData" => self.list_insights_metric_data(caller, fields),
            "ListInsightsData" => self.list_insights_data(caller, fields).await,
            "GetInsightSelectors" => self.get_insight_selectors(caller, fields),
            "PutEventConfiguration" => self.put_event_configuration(caller, fields).await,
            "GetEventConfiguration" => self.get_event_configuration(caller, fields),
            "RegisterOrganizationDelegatedAdmin" => self.register_delegate(caller, fields).await,
            "DeregisterOrganizationDelegatedAdmin" => {
                self.deregister_delegate(caller, fields).await
            }
            "AddTags" => self.add_tags(caller, fields).await,
            "RemoveTags" => self.remove_tags(caller, fields).await,
            "ListTags" => self.list_tags(caller, fields),
            "ListPublicKeys" => self.list_public_keys(caller, fields),
            "LookupEvents" => {
                self.history
                    .lookup_events(caller, self.clock.now(), &input)
                    .await
            }
            "SearchEvents" => self.search_events(caller, &input).await,
            "CountEvents" => self.count_events(caller, &input).await,
            _ => Err(ApiError {
                code: "UnknownOperationException",
                status: 404,
                message: format!("{operation} is not an operation of CloudTrail"),
            }),
        }
    }
}
