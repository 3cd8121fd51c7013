//! `pugmark-generator`: writes generated events as a trail delivers them, or one a line.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use anyhow::Context;
use clap::Parser;
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use pugmark_core::clock::{basic_minutes, date_path};
use pugmark_generator::{Record, Records, Settings};

/// Grow real CloudTrail events to any number.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many events.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Another seed, other events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// No event is later than this hour (default: the last full hour).
    #[arg(long, value_name = "TIME")]
    end: Option<Timestamp>,
    /// Days before the end in which events are.
    #[arg(long, default_value_t = 90)]
    days: u16,
    /// A folder with real events in JSON (default: those that come with this program).
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Write AWSLogs/ACCOUNT/CloudTrail/REGION/… below this folder, as a trail does.
    #[arg(long, value_name = "FOLDER", required_unless_present = "ndjson")]
    out: Option<PathBuf>,
    /// Write one event a line to this file; - is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    ndjson: Option<PathBuf>,
    /// Most records in a log file.
    #[arg(long, default_value_t = 1000)]
    records: usize,
    /// Level of gzip.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=9))]
    level: u32,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut settings = Settings::new(arguments.seed, arguments.events);
    if let Some(end) = arguments.end {
        settings.end = end;
    }
    settings.days = arguments.days;
    settings.templates.clone_from(&arguments.templates);
    let records = Records::new(&settings)?;
    let began = Instant::now();
    let bytes = match (&arguments.out, &arguments.ndjson) {
        (Some(folder), _) => write_folder(records, folder, &arguments)?,
        (None, Some(file)) => write_lines(records, file)?,
        (None, None) => unreachable!("clap asks for one of both"),
    };
    eprintln!(
        "{} events, {:.1} MB of JSON, {:.1} s",
        arguments.events,
        bytes as f64 / 1e6,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn write_lines(records: Records, file: &Path) -> anyhow::Result<u64> {
    let out: Box<dyn Write> = match file == Path::new("-") {
        true => Box::new(io::stdout().lock()),
        false => {
            Box::new(fs::File::create(file).with_context(|| format!("create {}", file.display()))?)
        }
    };
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut bytes = 0;
    for record in records {
        out.write_all(record.json.as_bytes())?;
        out.write_all(b"\n")?;
        bytes += record.json.len() as u64 + 1;
    }
    out.flush()?;
    Ok(bytes)
}

/// A log file's records, and where it goes.
struct LogFile {
    path: PathBuf,
    text: String,
}

/// The open file of an account and Region.
struct Open {
    text: String,
    records: usize,
    day: i64,
    last: i64,
}

fn write_folder(records: Records, folder: &Path, arguments: &Arguments) -> anyhow::Result<u64> {
    let (sender, receiver) = sync_channel::<LogFile>(4);
    let receiver = Arc::new(Mutex::new(receiver));
    let level = Compression::new(arguments.level);
    let writers: Vec<_> = (0..thread::available_parallelism().map_or(2, usize::from))
        .map(|_| {
            let receiver = receiver.clone();
            thread::spawn(move || write_files(&receiver, level))
        })
        .collect();
    let sent = send_files(records, folder, arguments.records.max(1), sender);
    for writer in writers {
        writer
            .join()
            .map_err(|_| anyhow::anyhow!("a writer stopped"))??;
    }
    sent
}

fn send_files(
    records: Records,
    folder: &Path,
    records_max: usize,
    sender: SyncSender<LogFile>,
) -> anyhow::Result<u64> {
    let mut open: HashMap<(String, &'static str), Open> = HashMap::new();
    let (mut bytes, mut number) = (0, 0_u64);
    let mut send = |key: &(String, &'static str), file: Open| -> anyhow::Result<()> {
        number += 1;
        let (account, region) = key;
        let time = Timestamp::from_second(file.last)?;
        let name = format!(
            "{account}_CloudTrail_{region}_{}_{number:016x}.json.gz",
            basic_minutes(time)
        );
        let path = format!(
            "AWSLogs/{account}/CloudTrail/{region}/{}/{name}",
            date_path(time)
        );
        bytes += file.text.len() as u64 + 2;
        let file = LogFile {
            path: folder.join(path),
            text: file.text + "]}",
        };
        sender.send(file).context("the writers stopped")
    };
    for Record {
        account,
        region,
        second,
        json,
    } in records
    {
        let (key, day) = ((account, region), second.div_euclid(86_400));
        let is_full = |file: &Open| file.day != day || file.records >= records_max;
        if open.get(&key).is_some_and(is_full)
            && let Some(file) = open.remove(&key)
        {
            send(&key, file)?;
        }
        let file = open.entry(key).or_insert_with(|| Open {
            text: r#"{"Records":["#.to_owned(),
            records: 0,
            day,
            last: second,
        });
        if file.records > 0 {
            file.text.push(',');
        }
        file.text.push_str(&json);
        file.records += 1;
        file.last = second;
    }
    let mut rest: Vec<_> = open.into_iter().collect();
    rest.sort_by(|a, b| a.0.cmp(&b.0));
    for (key, file) in rest {
        send(&key, file)?;
    }
    Ok(bytes)
}

fn write_files(receiver: &Mutex<Receiver<LogFile>>, level: Compression) -> anyhow::Result<()> {
    loop {
        let next = {
            let receiver = receiver
                .lock()
                .map_err(|_| anyhow::anyhow!("a writer stopped"))?;
            receiver.recv()
        };
        let Ok(file) = next else { return Ok(()) };
        let parent = file.path.parent().context("a log file is in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        let mut encoder = GzEncoder::new(Vec::with_capacity(file.text.len() / 8), level);
        encoder.write_all(file.text.as_bytes())?;
        let packed = encoder.finish()?;
        fs::write(&file.path, packed).with_context(|| format!("write {}", file.path.display()))?;
    }
}
