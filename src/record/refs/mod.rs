//! References: the texts by which one record names another (protocol, section 12).

mod escape;
mod walk;

use crate::error::{Error, Result, Status};

pub use walk::{map_prefixed, map_refs};

/// How a reference begins outside of a server.
pub const EXTERNAL: &str = "weave:///";
/// How a reference begins inside a server.
pub const INTERNAL: &str = "weave-trace-internal:///";
/// How a reference begins that its reader may not see.
pub const PRIVATE: &str = "weave-private:///";
/// Every beginning that marks a text as a reference.
pub const PREFIXES: [&str; 3] = [EXTERNAL, INTERNAL, PRIVATE];

/// A reference to something in a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ref {
    /// The team or account.
    pub entity: String,
    /// The project.
    pub project: String,
    /// What is referred to.
    pub target: Target,
}

/// What a reference points to. `extra` leads into the thing: pairs of an edge (`key`, `attr`, `index`, `id`) and its
/// value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Target {
    Object { name: String, digest: String, extra: Vec<String> },
    Op { name: String, digest: String, extra: Vec<String> },
    Call { id: String, extra: Vec<String> },
    Table { digest: String },
    AgentTurn { trace_id: String },
    AgentConversation { conversation_id: String },
    AgentSpan { span_id: String },
}

/// The parts of a reference as they stand in its text, escapes and all.
struct Parts<'t> {
    entity: &'t str,
    project: &'t str,
    kind: &'t str,
    /// Name and digest, id, or digest.
    head: &'t str,
    rest: Option<&'t str>,
}

impl<'t> Parts<'t> {
    /// Cuts a text up and checks what the official client checks; the error is what is wrong.
    fn of(text: &'t str) -> std::result::Result<Self, &'static str> {
        let path = text.strip_prefix(EXTERNAL).ok_or("it does not begin with weave:///")?;
        let mut parts = path.splitn(5, '/');
        let (Some(entity), Some(project), Some(kind)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("it has fewer than three parts");
        };
        let (head, rest) = (parts.next(), parts.next());
        match kind {
            "object" | "op" | "call" | "table" => {}
            "agent_turn" | "agent_conversation" | "agent_span" if rest.is_none() => {}
            "agent_turn" | "agent_conversation" | "agent_span" => return Err("it has parts after its id"),
            _ => return Err("its third part is no known kind"),
        }
        let parts = Parts { entity, project, kind, head: head.ok_or("it ends with its kind")?, rest };
        let (name, digest) = parts.name_and_digest();
        let named = matches!(kind, "object" | "op");
        if named && name.contains(':') || kind == "table" && digest.contains(':') {
            return Err("a name or digest in it holds ':'");
        }
        Ok(parts)
    }

    /// Splits the head at its last colon; without one the newest version is meant. A table's head is its digest.
    fn name_and_digest(&self) -> (&'t str, &'t str) {
        if self.kind == "table" {
            return ("", self.head);
        }
        self.head.rsplit_once(':').unwrap_or((self.head, "latest"))
    }

    fn extra(&self) -> Vec<String> {
        self.rest.map(|rest| rest.split('/').map(escape::decode).collect()).unwrap_or_default()
    }
}

/// Whether a text is a reference that servers take: of a known form, with none of its necessary parts empty.
pub fn is_ref(text: &str) -> bool {
    Parts::of(text).is_ok_and(|parts| {
        let (name, digest) = parts.name_and_digest();
        let complete = match parts.kind {
            "object" | "op" => !name.is_empty() && !digest.is_empty(),
            _ => !parts.head.is_empty(),
        };
        complete && !parts.entity.is_empty() && !parts.project.is_empty()
    })
}

impl Ref {
    /// Reads a reference with the leniency of the official client: a missing digest means `latest`, escapes that are
    /// none stay, parts may be empty.
    pub fn parse(text: &str) -> Result<Ref> {
        let parts = Parts::of(text).map_err(|reason| {
            Error::new(
                Status::InvalidId,
                format!(
                    "{text:?} is no reference: {reason}; write weave:///ENTITY/PROJECT/object/NAME:DIGEST or the like"
                ),
            )
        })?;
        let (name, digest) = parts.name_and_digest();
        let (name, digest, head) = (name.to_owned(), digest.to_owned(), parts.head.to_owned());
        let target = match parts.kind {
            "object" => Target::Object { name, digest, extra: parts.extra() },
            "op" => Target::Op { name, digest, extra: parts.extra() },
            "table" => Target::Table { digest },
            "agent_turn" => Target::AgentTurn { trace_id: head },
            "agent_conversation" => Target::AgentConversation { conversation_id: escape::decode(&head) },
            "agent_span" => Target::AgentSpan { span_id: head },
            _ => Target::Call { id: head, extra: parts.extra() },
        };
        Ok(Ref { entity: parts.entity.to_owned(), project: parts.project.to_owned(), target })
    }

    /// The text of the reference. Parts that are written as they are must not hold what separates parts.
    pub fn uri(&self) -> Result<String> {
        let plain = |what: &str, part: &str, separators: &[char]| match part.contains(separators) {
            true => Err(Error::new(
                Status::InvalidId,
                format!("{what} {part:?} cannot stand in a reference: it must not hold '/' or ':'"),
            )),
            false => Ok(()),
        };
        plain("entity", &self.entity, &['/'])?;
        plain("project", &self.project, &['/'])?;
        let (kind, head, extra) = match &self.target {
            Target::Object { name, digest, extra } | Target::Op { name, digest, extra } => {
                plain("name", name, &['/', ':'])?;
                plain("digest", digest, &['/', ':'])?;
                let kind = if matches!(self.target, Target::Op { .. }) { "op" } else { "object" };
                (kind, format!("{name}:{digest}"), extra.as_slice())
            }
            Target::Call { id, extra } => {
                plain("call id", id, &['/'])?;
                ("call", id.clone(), extra.as_slice())
            }
            Target::Table { digest } => {
                plain("digest", digest, &['/', ':'])?;
                ("table", digest.clone(), [].as_slice())
            }
            Target::AgentTurn { trace_id } => {
                plain("trace id", trace_id, &['/'])?;
                ("agent_turn", trace_id.clone(), [].as_slice())
            }
            Target::AgentConversation { conversation_id } => {
                ("agent_conversation", escape::encode(conversation_id), [].as_slice())
            }
            Target::AgentSpan { span_id } => {
                plain("span id", span_id, &['/'])?;
                ("agent_span", span_id.clone(), [].as_slice())
            }
        };
        let mut uri = format!("{EXTERNAL}{}/{}/{kind}/{head}", self.entity, self.project);
        for part in extra {
            uri.push('/');
            uri.push_str(&escape::encode(part));
        }
        Ok(uri)
    }
}

#[cfg(test)]
mod tests;
