//! Time of recognising a call and composing its record, for one typical call of each protocol; and what the service
//! catalogue takes with every service in use.
//!
//! `cargo bench -p pugmark-gateway --bench compose`. Goals: under 20 us median for a typical call, under 10 MB for the
//! whole catalogue. Memory: `compose_memory`, apart, for counting it slows every allocation down.

mod calls;

use std::{hint::black_box, time::Instant};

use pugmark_wire::{
    catalogue::{Catalogue, Shape},
    recognize::recognize,
};

const CALLS: usize = 20_000;

fn main() {
    println!(
        "{:<36} {:>10} {:>10}",
        "recognise, project, compose", "median us", "p99 us"
    );
    for call in &calls::calls() {
        // The first call opens the service's part of the catalogue.
        let first = Instant::now();
        black_box(calls::record(call));
        let first = first.elapsed();
        let mut times: Vec<u64> = (0..CALLS)
            .map(|_| {
                let start = Instant::now();
                black_box(calls::record(call));
                start.elapsed().as_nanos() as u64
            })
            .collect();
        times.sort_unstable();
        let at = |share: f64| times[((CALLS - 1) as f64 * share) as usize] as f64 / 1000.0;
        println!(
            "{:<36} {:>10.1} {:>10.1}   first call {first:.1?}",
            call.name,
            at(0.5),
            at(0.99),
        );
    }
    let before = resident();
    let mut operations = 0;
    for service in Catalogue::builtin().services() {
        // Builds the service's routes.
        let parts = http::Request::get("/")
            .body(())
            .expect("a request")
            .into_parts()
            .0;
        black_box(recognize(&parts, b"", Some(service.signing_name())));
        for operation in service.operations() {
            operations += 1;
            for shape in [operation.input(), operation.output()]
                .into_iter()
                .flatten()
            {
                touch(&shape);
            }
        }
    }
    println!(
        "catalogue with all {operations} operations touched: {:.1} MB more resident",
        resident().saturating_sub(before) as f64 / 1e6
    );
}

fn touch(shape: &Shape) {
    for member in shape.members() {
        black_box((member.name(), member.location_name()));
    }
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.unwrap_or(0) * 1024
}
