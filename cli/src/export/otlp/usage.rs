//! How many tokens a call of a model took. OpenAI counts those that it read from a cache among the tokens of the input, and
//! those of reasoning among the output's; Anthropic counts cached ones apart, and the conventions want them added.

use super::attributes::Attributes;
use super::message::Value;
use serde_json::Value as Json;

/// What is told, and where it stands; the largest of several names for one thing counts, since some clients set both.
const TOKENS: [(&str, &[&str]); 5] = [
    ("gen_ai.usage.input_tokens", &["/input_tokens", "/prompt_tokens"]),
    ("gen_ai.usage.output_tokens", &["/output_tokens", "/completion_tokens"]),
    (
        "gen_ai.usage.cache_read.input_tokens",
        &[READ_FROM_CACHE, "/prompt_tokens_details/cached_tokens", "/input_tokens_details/cached_tokens"],
    ),
    ("gen_ai.usage.cache_creation.input_tokens", &[WRITTEN_TO_CACHE]),
    (
        "gen_ai.usage.reasoning.output_tokens",
        &["/completion_tokens_details/reasoning_tokens", "/output_tokens_details/reasoning_tokens"],
    ),
];

/// Anthropic's names.
const READ_FROM_CACHE: &str = "/cache_read_input_tokens";
const WRITTEN_TO_CACHE: &str = "/cache_creation_input_tokens";

/// Says it, of all models together.
pub fn describe(usages: &[&Json], attributes: &mut Attributes) {
    for (attribute, places) in TOKENS {
        let of = |usage: &&Json| {
            let tokens = places.iter().filter_map(|place| usage.pointer(place)?.as_i64()).max()?;
            let apart = match attribute {
                "gen_ai.usage.input_tokens" => [READ_FROM_CACHE, WRITTEN_TO_CACHE]
                    .iter()
                    .filter_map(|place| usage.pointer(place)?.as_i64())
                    .fold(0, i64::saturating_add),
                _ => 0,
            };
            Some(tokens.saturating_add(apart))
        };
        if let Some(sum) = usages.iter().filter_map(of).reduce(i64::saturating_add) {
            attributes.set(attribute, Value::Int(sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::otlp::message::KeyValue;
    use serde_json::json;

    fn described(usages: &[Json]) -> Json {
        let mut attributes = Attributes::default();
        describe(&usages.iter().collect::<Vec<_>>(), &mut attributes);
        let name = |key: &str| key.trim_start_matches("gen_ai.usage.").to_string();
        let all = Vec::from(attributes).into_iter();
        all.map(|KeyValue { key, value }| (name(&key), serde_json::to_value(value).unwrap()["intValue"].clone()))
            .collect()
    }

    #[test]
    fn tokens_of_all_models_are_added() {
        let usages =
            [json!({"prompt_tokens": 3, "completion_tokens": 0}), json!({"input_tokens": 4, "prompt_tokens": 0})];
        assert_eq!(described(&usages), json!({"input_tokens": "7", "output_tokens": "0"}));
        assert_eq!(described(&[json!({"requests": 1})]), json!({}));
    }

    #[test]
    fn what_anthropic_counts_apart_is_added_to_the_input() {
        let usage = json!({"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50});
        let expected =
            json!({"input_tokens": "157", "cache_read.input_tokens": "100", "cache_creation.input_tokens": "50"});
        assert_eq!(described(&[usage]), expected);
    }

    #[test]
    fn what_openai_counts_among_the_others_is_told_and_not_added() {
        let usage = json!({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 2}});
        let expected = json!({"input_tokens": "10", "output_tokens": "5", "cache_read.input_tokens": "8",
            "reasoning.output_tokens": "2"});
        assert_eq!(described(&[usage]), expected);
    }
}
