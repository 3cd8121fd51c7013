//! LookupEvents, for servers that have no SearchEvents: AWS itself, for one. The service takes one attribute, the rest is
//! compared here.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws_sdk_cloudtrail::{
    Client,
    primitives::DateTime,
    types::{Event, EventCategory, LookupAttribute, LookupAttributeKey},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Shown,
    print::Line,
    question::{Question, Range},
};
use crate::client::Server;

/// AWS shows events up to a quarter of an hour late (CloudTrail user guide, "Working with event history").
const LATE_MAX: SignedDuration = SignedDuration::from_mins(15);
/// AWS allows two requests a second.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Classic<'a> {
    pub(super) client: Client,
    pub(super) server: &'a Server,
    pub(super) question: &'a Question,
}

impl Classic<'_> {
    /// Shows the events of a range, newest first, until `show` has enough.
    pub(super) async fn all(
        &self,
        range: Range,
        mut show: impl FnMut(Line) -> anyhow::Result<Shown>,
    ) -> anyhow::Result<()> {
        let attributes = self.question.attributes();
        let first = attributes.first().map(|(key, value)| {
            LookupAttribute::builder()
                .attribute_key(LookupAttributeKey::from(*key))
                .attribute_value(value)
                .build()
        });
        let first = first.transpose()?.map(|attribute| vec![attribute]);
        let mut token = None;
        loop {
            let category = self.question.insights.then_some(EventCategory::Insight);
            let page = self
                .client
                .lookup_events()
                .set_lookup_attributes(first.clone())
                .set_start_time(
                    range
                        .since
                        .map(|time| DateTime::from_secs(time.as_second())),
                )
                .set_end_time(
                    range
                        .until
                        .map(|time| DateTime::from_secs(time.as_second())),
                )
                .set_event_category(category)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| self.server.explain(&error))?;
            for event in page.events() {
                if !matches_rest(event, attributes.get(1..).unwrap_or_default()) {
                    continue;
                }
                let line = Line::of_sdk(event);
                if self.question.errors && line.error_code().is_none() {
                    continue;
                }
                if show(line)? == Shown::Enough {
                    return Ok(());
                }
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// Shows events as they come, oldest first. Those of the last quarter of an hour are asked for again and again, since
    /// they come in any order; each is shown once.
    pub(super) async fn follow(
        &self,
        since: Timestamp,
        mut show: impl FnMut(Line) -> anyhow::Result<Shown>,
    ) -> anyhow::Result<()> {
        let mut seen: HashMap<String, i64> = HashMap::new();
        let mut from = since;
        loop {
            let mut new = Vec::new();
            let range = Range {
                since: Some(from),
                until: None,
            };
            let mut met = HashSet::new();
            self.all(range, |line| {
                if !seen.contains_key(&line.id) && met.insert(line.id.clone()) {
                    new.push(line);
                }
                Ok(Shown::More)
            })
            .await?;
            for line in new.into_iter().rev() {
                seen.insert(line.id.clone(), line.seconds.unwrap_or_default());
                // Each of these polls is an event itself.
                let is_own =
                    self.question.event.is_none() && line.name.as_deref() == Some("LookupEvents");
                if !is_own && show(line)? == Shown::Enough {
                    return Ok(());
                }
            }
            let late = Timestamp::now().checked_sub(LATE_MAX).unwrap_or(since);
            from = since.max(late);
            seen.retain(|_, seconds| *seconds >= from.as_second());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

fn matches_rest(event: &Event, attributes: &[(&str, String)]) -> bool {
    let resource = |matches: &dyn Fn(&aws_sdk_cloudtrail::types::Resource) -> bool| {
        event.resources().iter().any(matches)
    };
    attributes.iter().all(|(key, value)| match *key {
        "EventId" => event.event_id() == Some(value),
        "EventName" => event.event_name() == Some(value),
        "EventSource" => event.event_source() == Some(value),
        "Username" => event.username() == Some(value),
        "AccessKeyId" => event.access_key_id() == Some(value),
        "ReadOnly" => event.read_only() == Some(value),
        "ResourceName" => resource(&|it| it.resource_name() == Some(value)),
        "ResourceType" => resource(&|it| it.resource_type() == Some(value)),
        _ => false,
    })
}
