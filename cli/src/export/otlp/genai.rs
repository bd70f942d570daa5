//! Calls of models, tools and agents, as the GenAI semantic conventions of OpenTelemetry 0.1.0 tell of them
//! (open-telemetry/semantic-conventions-genai; in development there). Tokens are told of calls of models only: Weave adds
//! those of all calls within a call to its own, and who sums over spans would count them again.

use super::attributes::Attributes;
use super::message::{AnyValue, ArrayValue, Value};
use super::{chat, usage};
use crate::traces::call::Call;
use serde_json::value::RawValue;
use serde_json::Value as Json;
use std::collections::HashMap;

/// What such a call is.
pub struct Operation {
    /// The span's name by the conventions.
    pub name: String,
    /// Whether it is a request to another program.
    pub is_request: bool,
}

/// Says what a call is; `kind` is what the program said of it, beside the attributes that it set. `None` for what the
/// conventions know nothing of.
pub fn describe(call: &Call, kind: Option<&str>, attributes: &mut Attributes) -> Option<Operation> {
    let inputs = call.inputs.as_deref().map_or("{}", RawValue::get);
    match kind {
        Some("tool") => {
            attributes.text("gen_ai.operation.name", Some("execute_tool"));
            attributes.text("gen_ai.tool.name", Some(call.op()));
            attributes.json("gen_ai.tool.call.arguments", call.inputs.as_deref());
            attributes.json("gen_ai.tool.call.result", call.output.as_deref());
        }
        Some("agent") => {
            attributes.text("gen_ai.operation.name", Some("invoke_agent"));
            attributes.text("gen_ai.agent.name", Some(call.op()));
        }
        _ if kind == Some("llm") || is_for_model(inputs) => {
            let inputs: Json = serde_json::from_str(inputs).ok()?;
            attributes.text("gen_ai.operation.name", Some(operation(call.op(), &inputs)));
            request(call.op(), &inputs, attributes);
            response(call, attributes);
        }
        _ => {}
    }
    let operation = attributes.text_of("gen_ai.operation.name")?.to_string();
    let (of, is_request) = match operation.as_str() {
        "execute_tool" => ("gen_ai.tool.name", false),
        "invoke_agent" | "create_agent" => ("gen_ai.agent.name", false),
        _ => ("gen_ai.request.model", true),
    };
    let name = format!("{operation} {}", attributes.text_of(of).unwrap_or_default()).trim_end().to_string();
    attributes.text("gen_ai.conversation.id", call.thread_id.as_deref());
    Some(Operation { name, is_request })
}

/// Whether inputs are those of a model: they name it, and say what it is asked.
fn is_for_model(inputs: &str) -> bool {
    let Ok(fields) = serde_json::from_str::<HashMap<String, &RawValue>>(inputs) else { return false };
    let names_model = fields.get("model").is_some_and(|model| model.get().starts_with('"'));
    names_model && ["messages", "prompt", "input"].iter().any(|name| fields.contains_key(*name))
}

fn operation(op: &str, inputs: &Json) -> &'static str {
    match inputs {
        _ if op.to_ascii_lowercase().contains("embed") => "embeddings",
        inputs if inputs.get("messages").is_none() && inputs.get("prompt").is_some() => "text_completion",
        _ => "chat",
    }
}

/// What a request says besides its messages; the first name that is given counts.
const PARAMETERS: [(&str, &[&str]); 8] = [
    ("gen_ai.request.max_tokens", &["max_tokens", "max_completion_tokens", "max_output_tokens"]),
    ("gen_ai.request.temperature", &["temperature"]),
    ("gen_ai.request.top_p", &["top_p"]),
    ("gen_ai.request.top_k", &["top_k"]),
    ("gen_ai.request.frequency_penalty", &["frequency_penalty"]),
    ("gen_ai.request.presence_penalty", &["presence_penalty"]),
    ("gen_ai.request.seed", &["seed"]),
    ("gen_ai.request.choice.count", &["n"]),
];

/// The parameters that are no whole numbers, although they may be written as such.
const ANY_NUMBERS: [&str; 5] = ["temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty"];

/// Says what was asked.
fn request(op: &str, inputs: &Json, attributes: &mut Attributes) {
    let model = inputs.get("model").and_then(Json::as_str);
    attributes.text("gen_ai.request.model", model);
    attributes.text("gen_ai.provider.name", provider(op, model.unwrap_or_default()));
    for (attribute, names) in PARAMETERS {
        let given = names.iter().find_map(|name| Some((name, inputs.get(*name).filter(|value| value.is_number())?)));
        match given {
            Some((name, number)) if ANY_NUMBERS.contains(name) => {
                attributes.set(attribute, Value::Double(number.as_f64().unwrap_or_default()));
            }
            Some((_, number)) => attributes.value(attribute, Some(number)),
            None => {}
        }
    }
    match inputs.get("stop").or(inputs.get("stop_sequences")) {
        Some(Json::String(stop)) => attributes.set("gen_ai.request.stop_sequences", texts([stop])),
        stop => attributes.value("gen_ai.request.stop_sequences", stop),
    }
    if inputs.get("stream").is_some_and(|stream| stream == true) {
        attributes.set("gen_ai.request.stream", Value::Bool(true));
    }
    attributes.text("gen_ai.output.type", output_type(inputs));
    if attributes.text_of("gen_ai.operation.name") == Some("embeddings") {
        return; // nobody said these texts
    }
    let messages = chat::input(inputs).map(|messages| messages.to_string());
    attributes.text("gen_ai.input.messages", messages.as_deref());
    let instructions = chat::instructions(inputs).map(|parts| parts.to_string());
    attributes.text("gen_ai.system_instructions", instructions.as_deref());
}

/// In which form the answer was wanted: of OpenAI's chats, and of its responses.
fn output_type(inputs: &Json) -> Option<&'static str> {
    let wanted = inputs.pointer("/response_format/type").or(inputs.pointer("/text/format/type"))?;
    match wanted.as_str()? {
        "json_object" | "json_schema" => Some("json"),
        "text" => Some("text"),
        _ => None,
    }
}

/// Says what was answered, and how many tokens that took.
fn response(call: &Call, attributes: &mut Attributes) {
    let read = |json: &Option<Box<RawValue>>| {
        json.as_deref().and_then(|json| serde_json::from_str::<Json>(json.get()).ok()).unwrap_or_default()
    };
    let (output, summary) = (read(&call.output), read(&call.summary));
    attributes.text("gen_ai.response.id", output.get("id").and_then(Json::as_str));
    attributes.text("gen_ai.response.model", output.get("model").and_then(Json::as_str));
    let choices = output.get("choices").and_then(Json::as_array).into_iter().flatten();
    let reasons = choices.filter_map(|choice| choice.get("finish_reason")).chain(output.get("stop_reason"));
    let reasons: Vec<&str> = reasons.filter_map(Json::as_str).collect();
    if !reasons.is_empty() {
        attributes.set("gen_ai.response.finish_reasons", texts(reasons));
    }
    let messages = chat::output(&output).map(|messages| messages.to_string());
    attributes.text("gen_ai.output.messages", messages.as_deref());
    let of_models = summary.get("usage").and_then(Json::as_object).filter(|models| !models.is_empty());
    let usages: Vec<&Json> = match of_models {
        Some(models) => models.values().collect(),
        None => output.get("usage").into_iter().collect(),
    };
    usage::describe(&usages, attributes);
}

fn texts<'t>(texts: impl IntoIterator<Item = &'t (impl AsRef<str> + ?Sized + 't)>) -> Value {
    let value = |text: &'t _| AnyValue::from(Value::Text(AsRef::<str>::as_ref(text).to_string()));
    Value::List(ArrayValue { values: texts.into_iter().map(value).collect() })
}

/// Who offers a model, by the beginning of the op's name (`openai.chat.completions.create`) or of the model's.
const PROVIDERS: [(&str, &str); 15] = [
    ("openai", "openai"),
    ("azure", "azure.ai.openai"),
    ("anthropic", "anthropic"),
    ("bedrock", "aws.bedrock"),
    ("vertex", "gcp.vertex_ai"),
    ("google", "gcp.gemini"),
    ("gemini", "gcp.gemini"),
    ("mistral", "mistral_ai"),
    ("groq", "groq"),
    ("cohere", "cohere"),
    ("deepseek", "deepseek"),
    ("claude", "anthropic"),
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
];

fn provider(op: &str, model: &str) -> Option<&'static str> {
    let begins =
        |text: &str| PROVIDERS.iter().find(|(beginning, _)| text.starts_with(beginning)).map(|(_, name)| *name);
    begins(op).or_else(|| begins(model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::otlp::message::KeyValue;
    use crate::traces::call::parse;
    use serde_json::json;
    use std::sync::Arc;

    fn described(call: &Json, kind: Option<&str>) -> (Option<String>, HashMap<String, String>) {
        let call = parse(&Arc::from("team/demo"), &call.to_string()).unwrap();
        let mut attributes = Attributes::default();
        let name = describe(&call, kind, &mut attributes).map(|operation| operation.name);
        let text = |given: KeyValue| (given.key, serde_json::to_value(given.value).unwrap().to_string());
        (name, Vec::from(attributes).into_iter().map(text).collect())
    }

    fn chat() -> Json {
        json!({"id": "a", "op_name": "openai.chat.completions.create", "thread_id": "t",
            "inputs": {"model": "gpt-4o", "temperature": 1, "max_tokens": 7, "stop": "END",
                       "messages": [{"role": "user", "content": "hi"}]},
            "output": {"id": "r1", "model": "gpt-4o-2024", "choices": [
                {"message": {"role": "assistant", "content": "ho"}, "finish_reason": "stop"}]},
            "summary": {"usage": {"gpt-4o-2024": {"requests": 1, "prompt_tokens": 3, "completion_tokens": 4}}}})
    }

    #[test]
    fn a_call_of_a_model_has_its_request_its_answer_and_its_tokens() {
        let (name, attributes) = described(&chat(), None);
        assert_eq!(name.as_deref(), Some("chat gpt-4o"));
        for (name, value) in [
            ("gen_ai.operation.name", r#"{"stringValue":"chat"}"#),
            ("gen_ai.provider.name", r#"{"stringValue":"openai"}"#),
            ("gen_ai.request.model", r#"{"stringValue":"gpt-4o"}"#),
            ("gen_ai.request.temperature", r#"{"doubleValue":1.0}"#),
            ("gen_ai.request.max_tokens", r#"{"intValue":"7"}"#),
            ("gen_ai.request.stop_sequences", r#"{"arrayValue":{"values":[{"stringValue":"END"}]}}"#),
            ("gen_ai.response.id", r#"{"stringValue":"r1"}"#),
            ("gen_ai.response.model", r#"{"stringValue":"gpt-4o-2024"}"#),
            ("gen_ai.response.finish_reasons", r#"{"arrayValue":{"values":[{"stringValue":"stop"}]}}"#),
            ("gen_ai.usage.input_tokens", r#"{"intValue":"3"}"#),
            ("gen_ai.usage.output_tokens", r#"{"intValue":"4"}"#),
            ("gen_ai.conversation.id", r#"{"stringValue":"t"}"#),
        ] {
            assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(attributes["gen_ai.input.messages"].contains("hi"));
        assert!(attributes["gen_ai.output.messages"].contains("ho"));
    }

    #[test]
    fn a_call_around_one_of_a_model_has_no_tokens_of_its_own() {
        let summary = &chat()["summary"];
        let outer = json!({"id": "a", "op_name": "answer", "inputs": {"question": "hi"}, "summary": summary});
        assert_eq!(described(&outer, None), (None, HashMap::new()));
    }

    #[test]
    fn tools_and_agents_are_what_the_program_said() {
        let call = json!({"id": "a", "op_name": "add", "inputs": {}});
        assert_eq!(described(&call, Some("tool")).0.as_deref(), Some("execute_tool add"));
        assert_eq!(described(&call, Some("agent")).0.as_deref(), Some("invoke_agent add"));
        assert_eq!(described(&call, Some("llm")).0.as_deref(), Some("chat"));
    }

    #[test]
    fn what_the_program_said_in_the_conventions_words_names_the_call() {
        let named = |given: Json, inputs: Json| {
            let call = parse(&Arc::from("p"), &json!({"id": "a", "op_name": "plain", "inputs": inputs}).to_string());
            let mut attributes = Attributes::default();
            attributes.each("gen_ai", &given);
            describe(&call.unwrap(), None, &mut attributes).map(|operation| (operation.name, operation.is_request))
        };
        let given = json!({"operation": {"name": "generate_content"}, "request": {"model": "mine"}});
        let expected = Some(("generate_content mine".to_string(), true));
        assert_eq!(named(given.clone(), json!({"model": "m", "messages": []})), expected);
        assert_eq!(named(given, json!({})), expected);
        let tool = json!({"operation": {"name": "execute_tool"}, "tool": {"name": "add"}});
        assert_eq!(named(tool, json!({})), Some(("execute_tool add".to_string(), false)));
        assert_eq!(named(json!({"usage": {"input_tokens": 1}}), json!({})), None);
    }

    #[test]
    fn the_form_of_the_answer_is_told_and_embedded_texts_are_no_messages() {
        let inputs = json!({"model": "m", "messages": [], "stream": true, "top_k": 5,
            "response_format": {"type": "json_schema"}});
        let (_, attributes) = described(&json!({"id": "a", "op_name": "f", "inputs": inputs}), None);
        for (name, value) in [
            ("gen_ai.request.stream", r#"{"boolValue":true}"#),
            ("gen_ai.request.top_k", r#"{"doubleValue":5.0}"#),
            ("gen_ai.output.type", r#"{"stringValue":"json"}"#),
        ] {
            assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}");
        }
        let call = json!({"id": "a", "op_name": "embed", "inputs": {"model": "m", "input": "a text"}});
        assert!(!described(&call, None).1.contains_key("gen_ai.input.messages"));
    }

    #[test]
    fn embeddings_and_completions_are_told_apart_from_chats() {
        let named = |op: &str, inputs: Json| described(&json!({"id": "a", "op_name": op, "inputs": inputs}), None).0;
        let embeddings = named("openai.embeddings.create", json!({"model": "m", "input": ["x"]}));
        assert_eq!(embeddings.as_deref(), Some("embeddings m"));
        assert_eq!(named("complete", json!({"model": "m", "prompt": "x"})).as_deref(), Some("text_completion m"));
    }
}
