//! What the machine does at this moment with the bare operations.

use crate::report::quantile;
use std::io::Write;
use std::time::Instant;

const BYTES: usize = 500;
const ROUNDS: usize = 100_000;

/// Times in nanoseconds.
pub struct Yardsticks {
    /// One `write(2)` of 500 bytes to a file: median, p99, p99.9.
    pub write: [f64; 3],
}

/// Measures them.
pub fn measure() -> Yardsticks {
    let source = [7u8; BYTES];
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
    println!("yardstick: write(2) of {BYTES} B {:.0} ns, p99 {:.0} ns, p99.9 {:.0} ns\n", write[0], write[1], write[2]);
    Yardsticks { write }
}
