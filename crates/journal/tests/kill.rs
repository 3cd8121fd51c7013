//! Kills a process under load, again and again; whatever it had acknowledged is there, in whole batches.
//!
//! `PUGMARK_KILL_ROUNDS` sets how often.

#![allow(clippy::unwrap_used)]

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use pugmark_journal::{EmbeddedJournal, Journal, Seq, Settings};

/// The example beside this test; cargo builds it with the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    let name = format!("append_forever{}", std::env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "build it first: cargo build -p pugmark-journal --examples"
    );
    program
}

/// One acknowledged batch as the program printed it.
struct Acknowledged {
    start: u64,
    end: u64,
    name: String,
}

/// Runs the program, kills it (SIGKILL) `lifetime` after its first line, and returns what it acknowledged.
fn run_and_kill(dir: &Path, lifetime: Duration) -> Vec<Acknowledged> {
    let mut child = Command::new(program())
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 1];
    stdout.read_exact(&mut first).unwrap();
    let reader = std::thread::spawn(move || {
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).unwrap();
        rest
    });
    std::thread::sleep(lifetime);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "it ended by itself: {status}");
    let lines = [first.to_vec(), reader.join().unwrap()].concat();
    let lines = String::from_utf8(lines).unwrap();
    // A killed process may leave its last line in part.
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    whole.lines().map(parse).collect()
}

fn parse(line: &str) -> Acknowledged {
    let words: Vec<&str> = line.split(' ').collect();
    let [start, end, name] = words[..] else {
        panic!("{line}")
    };
    Acknowledged {
        start: start.parse().unwrap(),
        end: end.parse().unwrap(),
        name: name.to_owned(),
    }
}

/// Reads everything as (batch, index, count), and checks that batches are whole.
async fn read_all(journal: &EmbeddedJournal) -> Vec<(String, u64, u64)> {
    let (mut at, head) = (Seq(0), *journal.head().borrow());
    let mut entries = Vec::new();
    while at < head {
        for stored in journal.read(at, 1 << 20).await.unwrap() {
            assert_eq!(stored.seq, at);
            at = at.next();
            let text = String::from_utf8(stored.entry.payload.to_vec()).unwrap();
            let words: Vec<&str> = text.split(' ').collect();
            entries.push((
                words[0].to_owned(),
                words[1].parse().unwrap(),
                words[2].parse().unwrap(),
            ));
        }
    }
    let mut rest = &entries[..];
    while let [(name, _, count), ..] = rest {
        let whole = (0..*count).map(|index| (name.clone(), index, *count));
        assert!(rest.len() as u64 >= *count, "batch {name} is there in part");
        assert!(
            rest[..*count as usize].iter().cloned().eq(whole),
            "batch {name} is there in part"
        );
        rest = &rest[*count as usize..];
    }
    entries
}

#[tokio::test]
async fn what_was_acknowledged_survives_sigkill() {
    let rounds: u32 =
        std::env::var("PUGMARK_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    let mut entries = Vec::new();
    for round in 0..rounds {
        let clock = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let lifetime = Duration::from_micros(u64::from(clock.subsec_nanos()) % 60_000);
        let printed = run_and_kill(dir.path(), lifetime);
        println!(
            "round {round}: killed after {lifetime:?} and {} acknowledged batches",
            printed.len()
        );
        acknowledged.extend(printed);
        let settings = Settings {
            segment_bytes: 256 * 1024,
            ..Settings::default()
        };
        let journal = EmbeddedJournal::open(dir.path(), settings).unwrap();
        let now = read_all(&journal).await;
        assert!(
            now.starts_with(&entries),
            "what was once there stays, in the same order"
        );
        entries = now;
        for batch in &acknowledged {
            let found = &entries[batch.start as usize..batch.end as usize];
            assert!(
                found.iter().all(|(name, ..)| *name == batch.name),
                "batch {} is at {}",
                batch.name,
                batch.start
            );
        }
    }
    assert!(acknowledged.len() as u32 > rounds);
}
