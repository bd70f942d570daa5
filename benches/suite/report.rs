//! The figures: a table for people, a list for programs.

use serde_json::{json, Value};
use std::path::Path;

/// What was measured.
#[derive(Default)]
pub struct Report {
    figures: Vec<Value>,
}

impl Report {
    /// A figure beside the yardstick it is to be compared with.
    pub fn add(&mut self, name: &str, value: f64, unit: &str, yardstick: (&str, f64)) {
        let ratio = value / yardstick.1;
        println!("{name:<44} {value:>12.3} {unit:<10} {ratio:>8.2} × {}", yardstick.0);
        let yardstick = json!({"name": yardstick.0, "value": yardstick.1});
        self.figures.push(json!({"name": name, "value": value, "unit": unit, "yardstick": yardstick, "ratio": ratio,
                                 "goal": null, "met": null}));
    }

    /// Writes the list.
    pub fn finish(self) {
        let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_string());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("bench.json");
        std::fs::write(&path, serde_json::to_string_pretty(&self.figures).unwrap()).unwrap();
        println!("\nwritten to {}", path.display());
    }
}

/// The value below which a share of the sorted samples lies.
pub fn quantile(sorted: &[u64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize] as f64
}
