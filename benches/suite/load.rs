//! The load: realistic calls, the same on every machine.

use std::path::Path;
use std::process::Command;

/// One call to log.
pub struct Load {
    /// The op's name.
    pub op_name: String,
    /// JSON object.
    pub inputs: String,
    /// JSON value.
    pub output: String,
}

/// Calls with inputs of 250 bytes and an output of 120 bytes.
pub fn fixed() -> Vec<Load> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/suite/gen_calls.py");
    let arguments = ["-n", "4096", "--profile", "fixed", "--format", "bin"];
    let made = Command::new("python3").arg(script).args(arguments).output().expect("python3 makes the load");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (mut bytes, mut calls) = (made.stdout.as_slice(), Vec::new());
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let [op, inputs, output] = [0, 4, 8].map(number);
        let text = |from: usize, length: usize| String::from_utf8(bytes[from..from + length].to_vec()).unwrap();
        calls.push(Load {
            op_name: text(24, op),
            inputs: text(24 + op, inputs),
            output: text(24 + op + inputs, output),
        });
        bytes = &bytes[24 + op + inputs + output..];
    }
    calls
}
