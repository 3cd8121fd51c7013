//! How fast files are read on one core, without a table behind: `cargo run --release -p pugmark-import --example read FOLDER`.

use std::{fs, path::PathBuf, time::Instant};

fn main() -> std::io::Result<()> {
    let mut folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let (mut files, mut events, mut packed, mut bytes, mut skipped) = (0, 0, 0, 0, 0);
    let mut scratch = pugmark_import::Scratch::default();
    let began = Instant::now();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                folders.push(entry?.path());
            }
            continue;
        }
        files += 1;
        packed += path.metadata()?.len();
        let place = pugmark_import::place(&path.to_string_lossy());
        let mut end = 0;
        pugmark_import::read(fs::File::open(&path)?, &place, 0, &mut scratch, |batch| {
            events += batch.records.len();
            skipped += batch.skipped.len();
            end = batch.end;
            true
        });
        bytes += end;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{files} files, {events} events, {skipped} skipped, {seconds:.2} s: {:.0} events/s, {:.1} MB/s packed, {:.1} MB/s unpacked",
        events as f64 / seconds,
        packed as f64 / 1e6 / seconds,
        bytes as f64 / 1e6 / seconds
    );
    Ok(())
}
