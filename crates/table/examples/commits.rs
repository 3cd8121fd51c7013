//! Fills an event table by many commits, so that it has a checkpoint, compacted files and small ones: for tests that read
//! it with other programs. `commits DIR COMMITS` prints one JSON line for each event.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use pugmark_generator::events;
use pugmark_table::{Bulk, BulkSettings};

const EVENTS_A_COMMIT: usize = 20;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().expect("a directory");
    let commits: usize = arguments.next().expect("how many commits").parse().unwrap();
    let total = commits * EVENTS_A_COMMIT;
    let mut bulk = Bulk::open(dir.into(), BulkSettings::default()).unwrap();
    for (number, event) in events(7, total as u64).enumerate() {
        println!(
            "{}",
            serde_json::json!({
                "event": std::str::from_utf8(&event.json).unwrap(),
                "username": event.keys.username,
                "resources": event.keys.lookup_resources.iter().map(|it| &it.name).collect::<Vec<_>>(),
            })
        );
        bulk.push(event.try_into().unwrap()).unwrap();
        if (number + 1) % EVENTS_A_COMMIT == 0 {
            bulk.commit(&[]).unwrap();
        }
        if number == total / 2 {
            bulk.optimize(|| {}).unwrap();
        }
    }
}
