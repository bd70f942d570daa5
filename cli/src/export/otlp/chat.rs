//! What was said to a model and what it said, in the form of the GenAI conventions: messages of parts. It is read from what
//! OpenAI's and Anthropic's clients take and give, and from plain texts.

use serde_json::{json, Value as Json};

/// The messages to a model.
pub fn input(inputs: &Json) -> Option<Json> {
    let messages = match (inputs.get("messages"), inputs.get("input"), inputs.get("prompt")) {
        (Some(Json::Array(messages)), ..) => messages.iter().map(message).collect(),
        (_, Some(Json::Array(items)), _) if items.iter().all(Json::is_object) => items.iter().map(item).collect(),
        (_, Some(Json::String(text)), _) | (_, _, Some(Json::String(text))) => vec![said("user", vec![of_text(text)])],
        _ => return None,
    };
    Some(Json::Array(messages))
}

/// The instructions that stand apart from the messages, as parts.
pub fn instructions(inputs: &Json) -> Option<Json> {
    let given = inputs.get("system").or(inputs.get("instructions")).filter(|given| !given.is_null())?;
    Some(Json::Array(parts(given)))
}

/// The messages of a model, each with the reason why it ended.
pub fn output(output: &Json) -> Option<Json> {
    let ended = |mut message: Json, reason: Option<&Json>| {
        message["finish_reason"] = reason.filter(|reason| reason.is_string()).cloned().unwrap_or("stop".into());
        message
    };
    let messages = match output {
        Json::String(text) => vec![ended(said("assistant", vec![of_text(text)]), None)],
        Json::Object(fields) => {
            if let Some(Json::Array(choices)) = fields.get("choices") {
                let said = |choice: &Json| match (choice.get("message"), choice.get("text")) {
                    (Some(given), _) => message(given),
                    (None, text) => said("assistant", text.map(parts).unwrap_or_default()),
                };
                choices.iter().map(|choice| ended(said(choice), choice.get("finish_reason"))).collect()
            } else if let Some(Json::Array(items)) = fields.get("output") {
                // The items are parts of one answer.
                let parts =
                    items.iter().map(item).flat_map(|item| item["parts"].as_array().cloned().unwrap_or_default());
                vec![ended(said("assistant", parts.collect()), None)]
            } else if fields.contains_key("content") {
                vec![ended(message(output), fields.get("stop_reason"))]
            } else {
                return None;
            }
        }
        _ => return None,
    };
    Some(Json::Array(messages))
}

fn said(role: &str, parts: Vec<Json>) -> Json {
    json!({"role": role, "parts": parts})
}

fn of_text(text: &str) -> Json {
    json!({"type": "text", "content": text})
}

/// A message of a chat: `{"role", "content", "tool_calls"}`.
fn message(given: &Json) -> Json {
    let Json::Object(fields) = given else { return said("user", parts(given)) };
    let is_answer = fields.contains_key("content") && !fields.contains_key("role");
    let role = match fields.get("role") {
        Some(Json::String(role)) => role,
        _ if is_answer => "assistant",
        _ => "user",
    };
    let content = fields.get("content").unwrap_or(&Json::Null);
    if let Some(id) = fields.get("tool_call_id") {
        return said(role, vec![json!({"type": "tool_call_response", "id": id, "response": content})]);
    }
    let mut parts = parts(content);
    for call in fields.get("tool_calls").and_then(Json::as_array).into_iter().flatten() {
        let function = call.get("function").unwrap_or(call);
        parts.push(tool_call(call.get("id"), function.get("name"), function.get("arguments")));
    }
    said(role, parts)
}

/// An item of OpenAI's responses: a message, a call of a tool, or what a tool answered.
fn item(given: &Json) -> Json {
    let field = |name: &str| given.get(name);
    match field("type").and_then(Json::as_str) {
        Some("function_call") => {
            said("assistant", vec![tool_call(field("call_id"), field("name"), field("arguments"))])
        }
        Some("function_call_output") => {
            let part = json!({"type": "tool_call_response", "id": field("call_id"), "response": field("output")});
            said("tool", vec![part])
        }
        Some("message") | None => message(given),
        Some("reasoning") => said("assistant", vec![reasoning(given)]),
        Some(_) => said("assistant", vec![given.clone()]),
    }
}

/// What OpenAI tells of a model's reasoning: summaries, if any.
fn reasoning(given: &Json) -> Json {
    let summaries = given.get("summary").and_then(Json::as_array).into_iter().flatten();
    let texts: Vec<&str> = summaries.filter_map(|part| part.get("text")?.as_str()).collect();
    json!({"type": "reasoning", "content": texts.join("\n")})
}

/// Arguments are values; some clients give the text of their JSON.
fn tool_call(id: Option<&Json>, name: Option<&Json>, arguments: Option<&Json>) -> Json {
    let parsed = arguments.and_then(Json::as_str).and_then(|text| serde_json::from_str::<Json>(text).ok());
    json!({"type": "tool_call", "id": id, "name": name, "arguments": parsed.as_ref().or(arguments)})
}

/// The parts of a content: a text, or a list of blocks.
fn parts(content: &Json) -> Vec<Json> {
    match content {
        Json::Null => Vec::new(),
        Json::String(text) => vec![of_text(text)],
        Json::Array(blocks) => blocks.iter().map(block).collect(),
        other => vec![block(other)],
    }
}

/// A block of a content. One of a kind that is not known here is kept: the conventions allow parts of any type.
fn block(given: &Json) -> Json {
    let field = |name: &str| given.get(name);
    let text = |name: &str| field(name).and_then(Json::as_str);
    match (text("type"), text("text"), text("thinking")) {
        (Some("text" | "input_text" | "output_text"), Some(text), _) => of_text(text),
        (Some("thinking"), _, Some(text)) => json!({"type": "reasoning", "content": text}),
        (Some("tool_use"), ..) => tool_call(field("id"), field("name"), field("input")),
        (Some("tool_result"), ..) => {
            json!({"type": "tool_call_response", "id": field("tool_use_id"), "response": field("content")})
        }
        (Some(_), ..) => given.clone(),
        (None, ..) => match given {
            Json::String(text) => of_text(text),
            other => of_text(&other.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_of_openai_has_its_texts_tool_calls_and_answers_of_tools() {
        let inputs = json!({"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "2"}]});
        let expected = json!([
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "2"}]}]);
        assert_eq!(input(&inputs), Some(expected));
        let answer =
            json!({"choices": [{"message": {"role": "assistant", "content": "2"}, "finish_reason": "length"}]});
        let expected =
            json!([{"role": "assistant", "parts": [{"type": "text", "content": "2"}], "finish_reason": "length"}]);
        assert_eq!(output(&answer), Some(expected));
    }

    #[test]
    fn a_message_of_anthropic_has_its_blocks_and_its_instructions_apart() {
        let inputs = json!({"system": "Be brief.", "messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "2"}, {"type": "image", "source": {}}]}]});
        assert_eq!(instructions(&inputs), Some(json!([{"type": "text", "content": "Be brief."}])));
        let parts =
            json!([{"type": "tool_call_response", "id": "t1", "response": "2"}, {"type": "image", "source": {}}]);
        assert_eq!(input(&inputs), Some(json!([{"role": "user", "parts": parts}])));
        let answer = json!({"role": "assistant", "stop_reason": "tool_use", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "id": "t2", "name": "add", "input": {"a": 1}}]});
        let parts = json!([{"type": "reasoning", "content": "hm"},
                           {"type": "tool_call", "id": "t2", "name": "add", "arguments": {"a": 1}}]);
        assert_eq!(output(&answer), Some(json!([{"role": "assistant", "parts": parts, "finish_reason": "tool_use"}])));
    }

    #[test]
    fn openais_responses_are_items() {
        let inputs = json!({"input": [{"role": "user", "content": "add"},
            {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "2"}]});
        let messages = input(&inputs).unwrap();
        assert_eq!(messages[1]["parts"][0]["type"], "tool_call");
        assert_eq!(
            messages[2],
            json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "2"}]})
        );
        let answer = json!({"output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "2"}]}]});
        let parts = json!([{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "2"}]);
        assert_eq!(
            output(&answer),
            Some(json!([{"role": "assistant", "parts": parts, "finish_reason": "stop"}])),
            "one answer, which ended once"
        );
    }

    #[test]
    fn plain_texts_are_messages_and_other_values_are_none() {
        assert_eq!(input(&json!({"prompt": "hi"})).unwrap()[0]["role"], "user");
        assert_eq!(output(&json!("ho")).unwrap()[0]["finish_reason"], "stop");
        assert_eq!(input(&json!({"input": ["embed", "these"]})), None);
        assert_eq!(output(&json!({"embedding": [0.5]})), None);
    }
}
