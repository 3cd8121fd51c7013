//! Grows real CloudTrail events to any number, for benchmarks: skewed callers, services, Regions, accounts and resources, over
//! some days with their rhythm, oldest first.
//!
//! Invariant: the same settings give the same events, in every process.

mod draw;
mod people;
mod rhythm;
mod template;

use std::path::PathBuf;

use anyhow::Context;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pugmark_core::{
    clock::iso_seconds,
    event::{
        Event,
        record::{self, Place},
    },
};
use uuid::Uuid;

use self::{
    draw::{Draw, Weighted, mix},
    people::{People, REGIONS},
    rhythm::Rhythm,
    template::{Piece, Slot, Template},
};

/// What is generated.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Another seed, other events.
    pub seed: u64,
    /// How many.
    pub total: u64,
    /// No event is later. Whole hours.
    pub end: Timestamp,
    /// How many days before the end the first one is.
    pub days: u16,
    /// Accounts; their sizes are Zipf's.
    pub accounts: usize,
    /// Users, roles and root users; how much they call is Zipf's.
    pub people: usize,
    /// Names for each resource of a real event.
    pub names: usize,
    /// Real events to start from (default: those that come with this program).
    pub templates: Option<PathBuf>,
}

impl Settings {
    /// `total` events of the 90 days before the last full hour.
    pub fn new(seed: u64, total: u64) -> Self {
        let now = Timestamp::now().as_second();
        Self {
            seed,
            total,
            end: Timestamp::from_second(now - now.rem_euclid(3600))
                .unwrap_or(Timestamp::UNIX_EPOCH),
            days: 90,
            accounts: 12,
            people: 500,
            names: 20_000,
            templates: None,
        }
    }
}

/// `total` events of the 90 days before the last full hour, oldest first, with their keys.
///
/// # Panics
/// Never with the templates that come with this program; a test reads all of them.
pub fn events(seed: u64, total: u64) -> impl Iterator<Item = Event> {
    let generated = Records::new(&Settings::new(seed, total))
        .expect("the templates that come with this program are sound");
    generated.map(|record| record.event().expect("a generated record is a record"))
}

/// A record before anything is read off it.
#[derive(Debug, Clone)]
pub struct Record {
    /// `recipientAccountId`.
    pub account: String,
    /// `awsRegion`.
    pub region: &'static str,
    /// `eventTime`, epoch seconds.
    pub second: i64,
    /// The record.
    pub json: String,
}

impl Record {
    /// The record as import reads it.
    ///
    /// # Errors
    /// When a template gave a record that is none.
    pub fn read(self) -> Result<record::Record, record::RecordError> {
        record::read(Bytes::from(self.json), &Place::default())
    }

    /// The event, with keys as import reads them.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn event(self) -> Result<Event, record::RecordError> {
        self.read().map(|record| record.event)
    }
}

/// Generated records, oldest first.
#[derive(Debug)]
pub struct Records {
    draw: Draw,
    templates: Vec<Template>,
    by_use: Weighted,
    people: People,
    agents: Vec<String>,
    by_region: Weighted,
    by_name: Weighted,
    rhythm: Rhythm,
    /// The last moment as text: many events share it.
    time: (i64, String),
}

impl Records {
    /// A generator with these settings.
    ///
    /// # Errors
    /// When the templates cannot be read.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let templates = match &settings.templates {
            Some(folder) => template::from_folder(folder)?,
            None => template::builtin()?,
        };
        let mut draw = Draw::new(settings.seed);
        let mut agents: Vec<String> = templates
            .iter()
            .filter_map(|template| template.agent.clone())
            .collect();
        agents.sort();
        agents.dedup();
        agents
            .retain(|agent| !agent.contains(['"', '\\']) && agent.chars().all(|c| !c.is_control()));
        if agents.is_empty() {
            agents.push("aws-cli/2.17.32".to_owned());
        }
        let hours = usize::from(settings.days) * 24;
        let begin = settings
            .end
            .checked_sub(SignedDuration::from_hours(hours as i64))
            .context("the first event would be before the calendar")?;
        Ok(Self {
            by_use: Weighted::new(&uses(&templates, &mut draw)),
            people: People::new(
                &mut draw,
                settings.accounts.max(1),
                settings.people.max(1),
                agents.len(),
            ),
            agents,
            by_region: Weighted::zipf(REGIONS.len(), 1.2),
            by_name: Weighted::zipf(settings.names.max(1), 1.0),
            rhythm: Rhythm::new(begin.as_second(), hours.max(1), settings.total),
            templates,
            draw,
            time: (i64::MIN, String::new()),
        })
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let second = self.rhythm.next(&mut self.draw)?;
        if self.time.0 != second {
            self.time = (second, iso(second));
        }
        let template = &self.templates[self.by_use.pick(&mut self.draw)];
        let person = self.people.pick(&mut self.draw);
        let account = &self.people.accounts[person.account];
        let region = match template.is_global {
            true => REGIONS[0],
            false => REGIONS[self.by_region.pick(&mut self.draw)],
        };
        let mut json = String::with_capacity(template.bytes + 1024);
        // The same name at each of its places.
        let name_seed = self.by_name.pick(&mut self.draw) as u64;
        for piece in &template.pieces {
            match piece {
                Piece::Text(text) => json.push_str(text),
                Piece::Slot(slot) => match slot {
                    Slot::EventId | Slot::RequestId | Slot::SharedId => {
                        let id = u128::from(self.draw.next()) << 64 | u128::from(self.draw.next());
                        let id = uuid::Builder::from_random_bytes(id.to_be_bytes()).into_uuid();
                        json.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
                    }
                    Slot::Time => json.push_str(&self.time.1),
                    Slot::Identity => person.write_identity(account, second, &mut json),
                    Slot::Address => person.write_address(&mut self.draw, &mut json),
                    Slot::Agent => json.push_str(&self.agents[person.agent]),
                    Slot::Account => json.push_str(account),
                    Slot::Region => json.push_str(region),
                    Slot::Name(number) => {
                        write_name(&template.names[*number], name_seed, &mut json)
                    }
                },
            }
        }
        Some(Record {
            account: account.clone(),
            region,
            second,
            json,
        })
    }
}

/// How much each template is used: services by Zipf, and the events within each; most real calls do not fail, although most
/// of the real events at hand did.
fn uses(templates: &[Template], draw: &mut Draw) -> Vec<f64> {
    let mut sources: Vec<&str> = templates.iter().map(|it| it.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    // The services with most real events at hand are those that are called most.
    let count = |source: &str| templates.iter().filter(|it| it.source == source).count();
    sources.sort_by_key(|source| (std::cmp::Reverse(count(source)), *source));
    let mut uses = vec![0.0; templates.len()];
    for (rank, source) in sources.iter().enumerate() {
        let mut of_source: Vec<usize> = (0..templates.len())
            .filter(|at| templates[*at].source == **source)
            .collect();
        for at in (1..of_source.len()).rev() {
            of_source.swap(at, draw.below(at + 1));
        }
        let all: f64 = (1..=of_source.len()).map(|rank| 1.0 / rank as f64).sum();
        for (place, at) in of_source.into_iter().enumerate() {
            let share = 1.0 / (place + 1) as f64 / all;
            let failed = if templates[at].is_error { 0.1 } else { 1.0 };
            uses[at] = share * failed / (rank + 1) as f64;
        }
    }
    uses
}

/// One of a name's many variants: an id such as `i-0abc…` stays one.
fn write_name(name: &str, number: u64, out: &mut String) {
    let hex_begin = name
        .rfind(|c: char| !c.is_ascii_hexdigit())
        .map_or(0, |at| at + 1);
    if name.is_char_boundary(hex_begin) && name.len() - hex_begin >= 8 {
        out.push_str(&name[..name.len() - 8]);
        out.push_str(&format!("{:08x}", mix(number) as u32));
    } else {
        out.push_str(name);
        out.push_str(&format!("-{number:05}"));
    }
}

fn iso(second: i64) -> String {
    iso_seconds(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests;
