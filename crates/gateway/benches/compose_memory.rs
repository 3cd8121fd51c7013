//! Memory of recognising a call and composing its record, for one typical call of each protocol.
//!
//! `cargo bench -p pugmark-gateway --bench compose_memory`. Goal: under 64 KiB at a time for a typical call.

mod calls;

use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    println!(
        "{:<36} {:>12} {:>11}",
        "recognise, project, compose", "bytes, peak", "allocations"
    );
    for call in &calls::calls() {
        // The first call opens the service's part of the catalogue, which stays.
        black_box(calls::record(call));
        let profiler = dhat::Profiler::builder().testing().build();
        black_box(calls::record(call));
        let stats = dhat::HeapStats::get();
        drop(profiler);
        println!(
            "{:<36} {:>12} {:>11}",
            call.name, stats.max_bytes, stats.total_blocks
        );
    }
}
