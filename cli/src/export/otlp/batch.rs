//! Spans that go at once, by project.

use super::message::{AnyValue, KeyValue, Resource, ResourceSpans, Scope, ScopeSpans, Span, TracesData, Value};
use prost::Message;
use std::sync::Arc;
use weave::store::layout::UNBOUND_ENTITY;

/// Spans that wait for company.
#[derive(Default)]
pub struct Batch {
    projects: Vec<(Arc<str>, Vec<Span>)>,
    spans: usize,
    bytes: usize,
}

impl Batch {
    /// Adds a span.
    pub fn add(&mut self, project: &Arc<str>, span: Span) {
        self.bytes += span.encoded_len() + 4; // its own length stands before it
        self.spans += 1;
        match self.projects.iter_mut().find(|(other, _)| other == project) {
            Some((_, spans)) => spans.push(span),
            None => self.projects.push((project.clone(), vec![span])),
        }
    }

    /// How many there are.
    pub fn spans(&self) -> usize {
        self.spans
    }

    /// How many bytes they are, as protobuf.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is sent of it; nothing is left.
    pub fn take(&mut self) -> TracesData {
        let taken = std::mem::take(self);
        let scope = Scope { name: "libweave".to_string(), version: env!("CARGO_PKG_VERSION").to_string() };
        let of_project = |(project, spans): (Arc<str>, Vec<Span>)| ResourceSpans {
            resource: Some(resource(&project)),
            scope_spans: vec![ScopeSpans { scope: Some(scope.clone()), spans }],
        };
        TracesData { resource_spans: taken.projects.into_iter().map(of_project).collect() }
    }
}

/// The first half of some spans, and the others.
pub fn halves(data: TracesData) -> [TracesData; 2] {
    let count = |resource: &ResourceSpans| resource.scope_spans.iter().map(|scope| scope.spans.len()).sum::<usize>();
    let mut first = data.resource_spans.iter().map(count).sum::<usize>() / 2;
    let mut halves = [TracesData::default(), TracesData::default()];
    for ResourceSpans { resource, scope_spans } in data.resource_spans {
        for ScopeSpans { scope, mut spans } in scope_spans {
            let second = spans.split_off(first.min(spans.len()));
            first -= spans.len();
            for (half, spans) in halves.iter_mut().zip([spans, second]) {
                if !spans.is_empty() {
                    let scope_spans = vec![ScopeSpans { scope: scope.clone(), spans }];
                    half.resource_spans.push(ResourceSpans { resource: resource.clone(), scope_spans });
                }
            }
        }
    }
    halves
}

/// A project is a service of its entity, if it has one.
fn resource(project: &str) -> Resource {
    let (entity, name) = project.split_once('/').unwrap_or((UNBOUND_ENTITY, project));
    let mut attributes = vec![attribute("service.name", name)];
    if entity != UNBOUND_ENTITY {
        attributes.push(attribute("service.namespace", entity));
    }
    attributes.push(attribute("weave.project_id", project));
    Resource { attributes }
}

fn attribute(name: &str, text: &str) -> KeyValue {
    KeyValue { key: name.to_string(), value: Some(AnyValue::from(Value::Text(text.to_string()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_stand_with_their_project_and_are_counted() {
        let mut batch = Batch::default();
        for project in ["team/demo", "offline/mine", "team/demo"] {
            batch.add(&Arc::from(project), Span { name: "f".repeat(1000), ..Span::default() });
        }
        assert!(batch.spans() == 3 && batch.bytes() >= 3000);
        let data = batch.take();
        let of = |place: usize| {
            let ResourceSpans { resource, scope_spans } = &data.resource_spans[place];
            let name = |attribute: &KeyValue| attribute.key.clone();
            (resource.as_ref().unwrap().attributes.iter().map(name).collect::<Vec<_>>(), scope_spans[0].spans.len())
        };
        assert_eq!(of(0), (["service.name", "service.namespace", "weave.project_id"].map(String::from).to_vec(), 2));
        assert_eq!(of(1), (["service.name", "weave.project_id"].map(String::from).to_vec(), 1));
        assert_eq!((batch.spans(), batch.bytes()), (0, 0));
    }

    #[test]
    fn spans_are_halved_in_their_order_with_their_projects() {
        let mut batch = Batch::default();
        for (project, name) in [("p/a", "1"), ("p/b", "4"), ("p/a", "2"), ("p/a", "3"), ("p/b", "5")] {
            batch.add(&Arc::from(project), Span { name: name.into(), ..Span::default() });
        }
        let of = |half: &TracesData| {
            let spans = |resource: &ResourceSpans| {
                let names: String = resource.scope_spans[0].spans.iter().map(|span| span.name.as_str()).collect();
                (resource.resource.as_ref().unwrap().attributes.len(), names)
            };
            half.resource_spans.iter().map(spans).collect::<Vec<_>>()
        };
        let [first, second] = halves(batch.take());
        assert_eq!(of(&first), [(3, "12".to_string())]);
        assert_eq!(of(&second), [(3, "3".to_string()), (3, "45".to_string())]);
    }
}
