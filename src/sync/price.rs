//! Telling prices apart. They have no id of their own: model, prices and the time from which they hold tell which they are.

use super::server::failure::Failure;
use crate::record::time::Timestamp;
use serde_json::{json, Value};
use std::collections::HashMap;

/// Whether a project has all of these prices (an object of models). `ask` gives those that it has of a model, and is asked
/// once for each that `known` does not have.
pub(super) fn are_there(
    prices: &Value,
    known: &mut HashMap<String, Vec<Value>>,
    ask: impl Fn(&str) -> Result<Vec<Value>, Failure>,
) -> Result<bool, Failure> {
    let Some(models) = prices.as_object() else { return Ok(false) };
    for (model, sent) in models {
        let there = match known.remove(model) {
            Some(there) => there,
            None => ask(model)?,
        };
        let is_there = there.iter().any(|stored| is_same(sent, stored));
        known.insert(model.clone(), there);
        if !is_there {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Prices are stored as 32-bit floats (protocol, section 6.7), and times perhaps without their fraction.
fn is_same(sent: &Value, stored: &Value) -> bool {
    let price = |cost: &Value, name: &str| cost.get(name).and_then(Value::as_f64).map(|price| price as f32);
    let micros = |cost: &Value| {
        let text = cost.get("effective_date").and_then(Value::as_str)?;
        Timestamp::parse(text, "effective_date").ok().map(Timestamp::micros)
    };
    let same_time = match (micros(sent), micros(stored)) {
        (Some(sent), Some(stored)) => {
            let coarsest = [1, 1000, 1_000_000].into_iter().filter(|unit| stored % unit == 0).max().unwrap_or(1);
            sent - sent.rem_euclid(coarsest) == stored
        }
        _ => false,
    };
    same_time
        && ["prompt_token_cost", "completion_token_cost"].iter().all(|name| price(sent, name) == price(stored, name))
}

/// Prices as they are sent: with the time from which they hold, that of the logging if none is given. Without it they
/// could not be told from others after a lost answer, and would hold from the time of the sync only.
pub(super) fn with_date(mut body: Value, logged_at: &str) -> Value {
    if let Some(costs) = body.get_mut("costs").and_then(Value::as_object_mut) {
        for prices in costs.values_mut().filter_map(Value::as_object_mut) {
            if prices.get("effective_date").is_none_or(Value::is_null) {
                prices.insert("effective_date".to_string(), json!(logged_at));
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_the_same_when_model_time_and_both_prices_are() {
        let sent = with_date(
            json!({"costs": {"m": {"prompt_token_cost": 0.1, "completion_token_cost": 2}}}),
            "2026-01-31T10:00:00.123456Z",
        );
        let sent = &sent["costs"]["m"];
        let stored = |prompt: f64, date: &str| {
            is_same(
                sent,
                &json!({"prompt_token_cost": prompt, "completion_token_cost": 2.0,
                                        "effective_date": date}),
            )
        };
        assert!(stored(f64::from(0.1f32), "2026-01-31T10:00:00.123456Z"));
        assert!(stored(0.1, "2026-01-31T10:00:00.123Z") && stored(0.1, "2026-01-31 10:00:00"));
        assert!(!stored(0.2, "2026-01-31T10:00:00.123456Z"));
        assert!(!stored(0.1, "2026-01-31T10:00:01Z") && !stored(0.1, "2026-01-31T10:00:00.124Z"));
    }

    #[test]
    fn a_date_that_was_given_stays() {
        let given = json!({"costs": {"m": {"effective_date": "2020-01-01T00:00:00Z"}}});
        assert_eq!(with_date(given.clone(), "2026-01-31T10:00:00Z"), given);
    }
}
