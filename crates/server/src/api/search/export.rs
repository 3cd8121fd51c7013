//! `ExportEvents`: all events that match as one file, page by page, so that memory stays bounded however many they are.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use pugmark_core::clock::basic_seconds;
use pugmark_gateway::{Body, BoxError};
use pugmark_table::{
    DamagedFile, Found, Order, PageLimits, ParquetExport, Question, Rank, TableError,
};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::{csv, failed, question};
use crate::api::{Api, ApiError, Caller, HistoryPort, fields::Fields};

/// What is in memory of one export at a time.
const LIMITS: PageLimits = PageLimits {
    events: 2000,
    bytes: 4 * 1024 * 1024,
    time: Duration::from_secs(4),
};
/// The first page is smaller, so that the file begins at once.
const FIRST_EVENTS: usize = 200;
/// Exports at a time; each has a few megabytes in memory.
pub(in crate::api) const EXPORTS_MAX: usize = 16;

/// A file on its way.
pub(crate) struct Export {
    pub(crate) content_type: &'static str,
    pub(crate) file_name: Option<String>,
    pub(crate) body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Ndjson,
    Parquet,
}

const FORMATS: [(&str, Format); 4] = [
    ("CSV", Format::Csv),
    ("JSON", Format::Json),
    ("NDJSON", Format::Ndjson),
    ("PARQUET", Format::Parquet),
];

impl Api {
    /// The file. Its first page is found before this returns, so that what can be refused is refused with an answer.
    pub(crate) async fn export_events(
        &self,
        caller: &Caller,
        input: &Value,
    ) -> Result<Export, ApiError> {
        let fields = Fields::of(input)?;
        let read = question::read(caller, fields)?;
        let format = fields.text("Format")?.unwrap_or("NDJSON");
        let format = question::one_of("Format", format, &FORMATS)?;
        let order = question::order(fields)?.unwrap_or(Order::NewestFirst);
        if order == Order::Arrival {
            return Err(question::invalid(
                "Order: an export is NewestFirst or OldestFirst.",
            ));
        }
        let allows_incomplete = fields.flag("AllowIncomplete")?.unwrap_or(false);
        let question = self.visible(caller, read).await?;
        let place = self.exports.clone().try_acquire_owned();
        let place = place.map_err(|_| failed(&TableError::Busy))?;
        let mut exporting = Exporting {
            place,
            history: self.history.clone(),
            question,
            order,
            allows_incomplete,
            after: None,
            state: State::Pages { is_first: true },
            writer: Writer::new(format)?,
        };
        let first = exporting.chunk().await?;
        let body = stream::unfold((first, exporting), |(ready, mut exporting)| async move {
            let chunk = match ready {
                Some(chunk) => Ok(chunk),
                None => match exporting.chunk().await {
                    Ok(Some(chunk)) => Ok(chunk),
                    Ok(None) => return None,
                    Err(error) => Err(exporting.broken(&error)),
                },
            };
            Some((chunk.map(Frame::data), (None, exporting)))
        });
        Ok(Export {
            content_type: format.content_type(),
            file_name: Some(format!(
                "events-{}.{}",
                basic_seconds(self.clock.now()),
                format.extension()
            )),
            body: StreamBody::new(body).boxed_unsync(),
        })
    }
}

/// A file does not tell that it lacks events: it is not made, unless that is allowed.
fn incomplete(damaged: &[DamagedFile]) -> ApiError {
    let others = match damaged.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let first = damaged.first().map(super::path).unwrap_or_default();
    ApiError::new(
        "IncompleteHistoryException",
        format!(
            "A file of event history is damaged, and its events would be missing: {first}{others}. Restore it and start \
             the server again, or export without them (AllowIncomplete)."
        ),
    )
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

struct Exporting {
    #[allow(dead_code, reason = "held until the export has ended")]
    place: OwnedSemaphorePermit,
    history: Arc<dyn HistoryPort>,
    question: Question,
    order: Order,
    /// Whether events of damaged files may be missing.
    allows_incomplete: bool,
    after: Option<Rank>,
    state: State,
    writer: Writer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pages {
        is_first: bool,
    },
    /// All events are written; the end of the file is not.
    End,
    Done,
}

impl Exporting {
    /// The next bytes of the file, never empty; `None` after its end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let bytes = match self.state {
                State::Done => return Ok(None),
                State::End => {
                    self.state = State::Done;
                    self.writer.end()?
                }
                State::Pages { is_first } => {
                    let events = if is_first {
                        FIRST_EVENTS
                    } else {
                        LIMITS.events
                    };
                    let limits = PageLimits { events, ..LIMITS };
                    let page = self
                        .history
                        .search(&self.question, self.order, self.after, limits)
                        .await
                        .map_err(|error| failed(&error))?;
                    if !self.allows_incomplete && !page.damaged.is_empty() {
                        return Err(incomplete(&page.damaged));
                    }
                    self.after = page.next;
                    self.state = match page.is_last {
                        true => State::End,
                        false => State::Pages { is_first: false },
                    };
                    self.writer.page(page.events)?
                }
            };
            if !bytes.is_empty() {
                return Ok(Some(bytes.into()));
            }
        }
    }

    /// Ends the stream so that nobody takes what was sent for the whole.
    fn broken(&mut self, error: &ApiError) -> BoxError {
        self.state = State::Done;
        tracing::error!(
            code = error.code,
            "an export broke off: its client sees an incomplete answer"
        );
        error.message.clone().into()
    }
}

/// Events as the bytes of a file.
enum Writer {
    Text {
        format: Format,
        has_begun: bool,
        has_events: bool,
    },
    Parquet(Option<Box<ParquetExport>>),
}

impl Writer {
    fn new(format: Format) -> Result<Self, ApiError> {
        Ok(match format {
            Format::Parquet => {
                let export = ParquetExport::new().map_err(|error| failed(&error))?;
                Self::Parquet(Some(Box::new(export)))
            }
            format => Self::Text {
                format,
                has_begun: false,
                has_events: false,
            },
        })
    }

    fn page(&mut self, events: Vec<Found>) -> Result<Vec<u8>, ApiError> {
        let (format, has_begun, has_events) = match self {
            Self::Parquet(export) => {
                let Some(export) = export else {
                    return Ok(Vec::new());
                };
                return export.write(events).map_err(|error| failed(&error));
            }
            Self::Text {
                format,
                has_begun,
                has_events,
            } => (*format, has_begun, has_events),
        };
        let mut out = Vec::new();
        if !std::mem::replace(has_begun, true) {
            out.extend_from_slice(begin(format).as_bytes());
        }
        if format == Format::Csv {
            let mut lines = String::new();
            events
                .iter()
                .for_each(|found| csv::write(found, &mut lines));
            out.extend_from_slice(lines.as_bytes());
            return Ok(out);
        }
        for found in &events {
            if format == Format::Json && std::mem::replace(has_events, true) {
                out.push(b',');
            }
            out.extend_from_slice(&found.event.json);
            if format == Format::Ndjson {
                out.push(b'\n');
            }
        }
        Ok(out)
    }

    fn end(&mut self) -> Result<Vec<u8>, ApiError> {
        match self {
            Self::Parquet(export) => match export.take() {
                Some(export) => export.end().map_err(|error| failed(&error)),
                None => Ok(Vec::new()),
            },
            Self::Text {
                format: Format::Json,
                ..
            } => Ok(b"]}".to_vec()),
            Self::Text { .. } => Ok(Vec::new()),
        }
    }
}

fn begin(format: Format) -> String {
    match format {
        Format::Csv => csv::head(),
        Format::Json => "{\"Records\":[".into(),
        Format::Ndjson | Format::Parquet => String::new(),
    }
}
