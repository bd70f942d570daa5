//! What the machine does at this moment with the bare operations, on the schedule of what is compared with them.

use crate::plan::{Call, Plan};
use std::fs::File;
use std::io::Write;
use weave::record::json::{accept, Redact, Rules};

/// Each copy goes to memory that was not touched for long: the places are far apart, so that nothing fetches them ahead.
const COLD_BYTES: usize = 64 << 20;
/// A prime number of cache lines, so that all of them are visited.
const STRIDE: usize = 16_411 * 64;
const BYTES: usize = 500;

/// One `write(2)` of 500 bytes to a file that grows.
pub fn write(arguments: &[String]) {
    let plan = Plan::from_arguments(arguments);
    std::fs::create_dir_all(&plan.dir).unwrap();
    let file = File::create(plan.dir.join("yardstick")).unwrap();
    let source = [7u8; BYTES];
    plan.run(|| |_: &Call| (&file).write_all(&source).unwrap()).print(&plan, || ());
}

/// A copy of 500 bytes to cold memory.
pub fn copy(arguments: &[String]) {
    let plan = Plan::from_arguments(arguments);
    let source = [7u8; BYTES];
    plan.run(|| {
        let mut cold = Cold::new();
        let source = &source;
        move |_: &Call| cold.take(&[std::hint::black_box(source)])
    })
    .print(&plan, || ());
}

/// Inputs and output checked as the library checks them, and copied to cold memory.
pub fn check(arguments: &[String]) {
    let plan = Plan::from_arguments(arguments);
    let redact = Redact::with_keys::<&str>([]);
    let object = Rules { object: true, redact: Some(&redact), ..Rules::default() };
    plan.run(|| {
        let (mut cold, object) = (Cold::new(), &object);
        move |call: &Call| {
            let inputs = accept(call.inputs.as_bytes(), "inputs", object).unwrap();
            let output = accept(call.output.as_bytes(), "output", &Rules::default()).unwrap();
            cold.take(&[inputs.as_bytes(), output.as_bytes()]);
        }
    })
    .print(&plan, || ());
}

struct Cold {
    memory: Vec<u8>,
    at: usize,
}

impl Cold {
    fn new() -> Self {
        Cold { memory: vec![1; COLD_BYTES], at: 0 }
    }

    fn take(&mut self, parts: &[&[u8]]) {
        self.at = (self.at + STRIDE) % COLD_BYTES;
        for part in parts {
            if self.at + part.len() > COLD_BYTES {
                self.at = 0;
            }
            self.memory[self.at..self.at + part.len()].copy_from_slice(part);
            self.at += part.len();
        }
        self.at = self.at.next_multiple_of(64);
        std::hint::black_box(&self.memory);
    }
}
