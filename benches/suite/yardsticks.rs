//! What the machine does at this moment with the bare operations.

use crate::report::quantile;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

const BYTES: usize = 500;
const ROUNDS: usize = 100_000;

/// Times in nanoseconds.
pub struct Yardsticks {
    /// Copying 500 bytes to memory that is in no cache.
    pub cold_copy: f64,
    /// One `write(2)` of 500 bytes to a file: median, p99, p99.9.
    pub write: [f64; 3],
}

/// Measures them.
pub fn measure() -> Yardsticks {
    let source = [7u8; BYTES];
    let mut memory = vec![1u8; 512 << 20];
    let stride = memory.len() / ROUNDS;
    let began = Instant::now();
    for round in 0..ROUNDS {
        memory[round * stride..round * stride + BYTES].copy_from_slice(black_box(&source));
    }
    let cold_copy = began.elapsed().as_nanos() as f64 / ROUNDS as f64;
    black_box(&memory);

    let mut file = tempfile::tempfile().unwrap();
    let mut times: Vec<u64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&source).unwrap();
            began.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    let write = [0.5, 0.99, 0.999].map(|share| quantile(&times, share));
    println!("yardsticks: cold copy of {BYTES} B {cold_copy:.0} ns; write(2) of {BYTES} B {:.0} ns, p99 {:.0} ns, p99.9 {:.0} ns\n", write[0], write[1], write[2]);
    Yardsticks { cold_copy, write }
}
