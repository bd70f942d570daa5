//! Prices of models (protocol, section 6.7).

use super::json::{Object, Value};
use super::object::object;
use super::time::Timestamp;
use crate::error::{Error, Result, Status};

/// The prices and texts that may stand beside the two prices of every model.
const PRICES: [&str; 2] = ["cache_read_input_token_cost", "cache_creation_input_token_cost"];
const TEXTS: [&str; 3] = ["prompt_token_cost_unit", "completion_token_cost_unit", "provider_id"];

/// The body of the request that sets the prices of a model, per token.
pub fn body(project: &str, model: &str, prompt: f64, completion: f64, more: &Object) -> Result<Value> {
    if model.is_empty() {
        return Err(Error::new(Status::InvalidArgument, "model: empty; name the model as it stands in usage"));
    }
    let mut prices = Object::new();
    prices.insert("prompt_token_cost", prompt);
    prices.insert("completion_token_cost", completion);
    for (key, value) in more {
        prices.insert(key.as_str().unwrap_or_default(), value.clone());
    }
    check(&prices)?;
    Ok(object([("project_id", project.into()), ("costs", object([(model, prices.into())]))]))
}

/// Checks the prices of a body that was made elsewhere, by the same rules.
pub fn check_body(body: &Value) -> Result<()> {
    let costs = body.get("costs").and_then(Value::as_object);
    for (_, prices) in costs.ok_or_else(|| wrong("costs", "an object of models"))? {
        check(prices.as_object().ok_or_else(|| wrong("costs", "an object of models and their prices"))?)?;
    }
    Ok(())
}

fn check(prices: &Object) -> Result<()> {
    for (key, value) in prices {
        let key = key.as_str().unwrap_or_default();
        if matches!(key, "prompt_token_cost" | "completion_token_cost") || PRICES.contains(&key) {
            if !value.as_f64().is_some_and(|price| price.is_finite() && price >= 0.0) {
                return Err(wrong(key, "a number of at least 0, the price of one token"));
            }
        } else if TEXTS.contains(&key) {
            if value.as_str().is_none() {
                return Err(wrong(key, "a text"));
            }
        } else if key == "effective_date" {
            Timestamp::parse(value.as_str().unwrap_or_default(), key)?;
        } else {
            return Err(Error::new(
                Status::Rejected,
                format!("{key}: servers know no such property of a price and refuse the request; leave it out"),
            ));
        }
    }
    Ok(())
}

fn wrong(key: &str, wanted: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{key}: must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::json::compact;

    fn made(prompt: f64, more: &str) -> Result<String> {
        let more = Value::parse(more).unwrap();
        body("team/demo", "gpt", prompt, 0.5, more.as_object().unwrap()).map(|body| compact(&body))
    }

    #[test]
    fn prices_stand_under_their_model() {
        assert_eq!(
            made(0.25, r#"{"provider_id":"mine"}"#).unwrap(),
            r#"{"project_id":"team/demo","costs":{"gpt":{"prompt_token_cost":0.25,"completion_token_cost":0.5,"provider_id":"mine"}}}"#
        );
    }

    #[test]
    fn prices_that_servers_refuse_are_refused() {
        assert!(made(f64::NAN, "{}").unwrap_err().text().starts_with("prompt_token_cost"));
        assert!(made(-1.0, "{}").is_err());
        assert!(made(1.0, r#"{"effective_date":"soon"}"#).unwrap_err().text().starts_with("effective_date"));
        assert_eq!(made(1.0, r#"{"discount":1}"#).unwrap_err().status(), Status::Rejected);
    }
}
