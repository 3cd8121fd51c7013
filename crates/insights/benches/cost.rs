//! What Insights cost: events per second of replay on one core, and bytes per tracked series.
//!
//! `cargo bench -p pugmark-insights --bench cost`

use std::{error::Error, time::Instant};

use bytes::Bytes;
use jiff::Timestamp;
use pugmark_core::event::{Event, EventKeys};
use pugmark_insights::{Analyzer, Settings};
use uuid::Uuid;

const EVENTS: usize = 4_000_000;
/// 2026-06-01T00:00:00Z.
const START: i64 = 1_780_272_000;

fn main() -> Result<(), Box<dyn Error>> {
    replay("every event counts, 200 APIs", 200, 1)?;
    replay("every event counts, 20,000 APIs", 20_000, 1)?;
    replay("one event in five counts, 2,000 APIs", 2_000, 5)?;
    size("rare: one call a day", 1, 1440)?;
    size("hourly: five calls an hour", 5, 60)?;
    size("busy: one call every minute", 1, 1)?;
    Ok(())
}

/// Distinct events made beforehand, replayed in a circle with the time moved on, so that only the analyzer is timed.
fn replay(title: &str, names: usize, counted_one_in: usize) -> Result<(), Box<dyn Error>> {
    let mut events = (0..50_000)
        .map(|n| event(n, names, n % counted_one_in == 0))
        .collect::<Result<Vec<_>, _>>()?;
    let mut analyzer = Analyzer::new(Settings::default());
    let count = events.len();
    let started = Instant::now();
    for n in 0..EVENTS {
        let event = &mut events[n % count];
        // A thousand events a second of traffic: more would only make closing minutes cheaper.
        event.keys.time = Timestamp::from_second(START + (n / 1000) as i64)?;
        analyzer.observe(event);
    }
    let seconds = started.elapsed().as_secs_f64();
    let stats = analyzer.stats();
    println!(
        "{title:<40} {:>10.0} events/s on one core, {} series, {} findings",
        EVENTS as f64 / seconds,
        stats.series,
        analyzer.take_findings().len()
    );
    Ok(())
}

/// Eight days of series that all look alike, half of them call rates.
fn size(title: &str, calls: usize, every_minutes: i64) -> Result<(), Box<dyn Error>> {
    const SERIES: usize = 1000;
    let mut analyzer = Analyzer::new(Settings::default());
    let mut events = (0..SERIES)
        .map(|n| event(n, SERIES, true))
        .collect::<Result<Vec<_>, _>>()?;
    for minute in (0..8 * 1440).step_by(usize::try_from(every_minutes)?) {
        for event in &mut events {
            event.keys.time = Timestamp::from_second(START + minute as i64 * 60)?;
            for _ in 0..calls {
                analyzer.observe(event);
            }
        }
    }
    let stats = analyzer.stats();
    println!(
        "{title:<40} {:>10} bytes a series, {} more for its metric history",
        stats.bytes / stats.series,
        stats.history_bytes / stats.series
    );
    Ok(())
}

fn event(n: usize, names: usize, counts: bool) -> Result<Event, Box<dyn Error>> {
    let name = format!("UpdateThing{}", n % names);
    let role = n % 7;
    let arn = format!("arn:aws:sts::123456789012:assumed-role/Role{role}/session-{n}");
    let agent = format!("Boto3/1.40.{} md/Botocore#1.40 ua/2.1 os/linux", n % 5);
    let failed = n.is_multiple_of(20);
    let json = format!(
        concat!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:session-{}","#,
            r#""arn":"{}","accountId":"123456789012","accessKeyId":"ASIAEXAMPLE","sessionContext":{{"sessionIssuer":"#,
            r#"{{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::123456789012:role/Role{}","accountId":"#,
            r#""123456789012","userName":"Role{}"}},"attributes":{{"creationDate":"2026-06-01T00:00:00Z","#,
            r#""mfaAuthenticated":"false"}}}}}},"eventTime":"2026-06-01T00:00:00Z","eventSource":"things.amazonaws.com","#,
            r#""eventName":"{}","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.7","userAgent":"{}","#,
            r#""requestParameters":{{"thingName":"thing-{}","description":"{}"}},"responseElements":null}}"#
        ),
        n,
        arn,
        role,
        role,
        name,
        agent,
        n,
        "x".repeat(400)
    );
    Ok(Event {
        keys: EventKeys {
            read_only: Some(!counts),
            identity_arn: Some(arn),
            error_code: (failed && counts).then(|| "ThrottlingException".to_owned()),
            ..EventKeys::new(
                Uuid::from_u128(n as u128),
                Timestamp::from_second(START)?,
                "123456789012".parse()?,
                "eu-central-1".parse()?,
                "things.amazonaws.com",
                name,
            )
        },
        json: Bytes::from(json),
    })
}
