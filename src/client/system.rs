//! `attributes`: what the library says of itself and of the system, and what the program adds (protocol, section 10).

use crate::error::Result;
use crate::record::json::{compact, Object, Value};

/// The attributes that every call of a session has.
pub(super) struct System {
    /// `"client_version":…,"sys_version":…`, the members of `attributes.weave`.
    members: String,
    /// The program's attributes for every call, a clean JSON object that is not empty.
    common: Option<Object>,
    /// The attributes of a call that has none of its own.
    alone: String,
}

impl System {
    pub(super) fn new(source: &str, common: Option<&str>) -> Result<System> {
        let kernel = |file: &str, otherwise: &str| match std::fs::read_to_string(format!("/proc/sys/kernel/{file}")) {
            Ok(text) if !text.trim().is_empty() => text.trim().to_owned(),
            _ => otherwise.to_owned(),
        };
        let mut members = Object::new();
        members.insert("client_version", env!("CARGO_PKG_VERSION"));
        members.insert("source", source);
        members.insert("os_name", kernel("ostype", std::env::consts::OS));
        members.insert("os_version", kernel("version", ""));
        members.insert("os_release", kernel("osrelease", ""));
        members.insert("sys_version", format!("libweave {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH));
        let text = compact(&members.into());
        let common = common.map(|text| Value::parse(text).map_err(|fault| fault.in_field("attributes"))).transpose()?;
        let mut system = System {
            members: text.trim_start_matches('{').trim_end_matches('}').to_owned(),
            common: common.and_then(|value| value.as_object().cloned()).filter(|common| !common.is_empty()),
            alone: String::new(),
        };
        let mut alone = String::new();
        system.write(None, None, &mut alone)?;
        system.alone = alone;
        Ok(system)
    }

    /// The attributes of a call that has none of its own.
    pub(super) fn alone(&self) -> &str {
        &self.alone
    }

    /// Writes the attributes of a call: the system's, the program's for every call, and this call's own (a clean JSON
    /// object), where the later win. Without a `weave` key of the program nothing is read, only copied.
    pub(super) fn write(&self, own: Option<&str>, kind: Option<&str>, out: &mut String) -> Result<()> {
        out.clear();
        let own = own.map(str::trim).filter(|own| !own.is_empty());
        if self.common.is_some() || own.is_some_and(|own| own.contains("\"weave\"")) {
            return self.merge(own, kind, out);
        }
        out.push_str("{\"weave\":{");
        self.write_members(kind, out);
        out.push('}');
        match own.and_then(|own| own.strip_prefix('{')).map(str::trim_start) {
            Some(rest) if !rest.starts_with('}') => {
                out.push(',');
                out.push_str(rest);
            }
            _ => out.push('}'),
        }
        Ok(())
    }

    fn write_members(&self, kind: Option<&str>, out: &mut String) {
        out.push_str(&self.members);
        if let Some(kind) = kind {
            out.push_str(",\"kind\":");
            out.push_str(&compact(&kind.into()));
        }
    }

    fn merge(&self, own: Option<&str>, kind: Option<&str>, out: &mut String) -> Result<()> {
        let mut text = String::from("{\"weave\":{");
        self.write_members(kind, &mut text);
        text.push_str("}}");
        let parse = |text: &str| Value::parse(text).map_err(|fault| fault.in_field("attributes"));
        let mut merged = parse(&text)?;
        if let Some(common) = &self.common {
            overlay(&mut merged, common);
        }
        if let Some(own) = own.map(parse).transpose()? {
            overlay(&mut merged, own.as_object().unwrap_or(&Object::new()));
        }
        out.push_str(&compact(&merged));
        Ok(())
    }
}

/// The members of `over` go over those of `under`; the system's and the program's `weave` become one.
fn overlay(under: &mut Value, over: &Object) {
    for (key, value) in over {
        let key = key.as_str().unwrap_or_default();
        match (under.get_mut(key).filter(|_| key == "weave"), value.as_object()) {
            (Some(weave), Some(members)) => overlay(weave, members),
            _ => {
                if let Some(under) = under.as_object_mut() {
                    under.insert(key, value.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(common: Option<&str>, own: Option<&str>, kind: Option<&str>) -> serde_json::Value {
        let mut out = "left over".to_owned();
        System::new("libweave-test", common).unwrap().write(own, kind, &mut out).unwrap();
        serde_json::from_str(&out).unwrap()
    }

    #[test]
    fn every_call_says_what_logged_it() {
        let attributes = written(None, None, None);
        assert_eq!(attributes["weave"]["source"], "libweave-test");
        assert_eq!(attributes["weave"]["client_version"], env!("CARGO_PKG_VERSION"));
        for key in ["os_name", "os_version", "os_release", "sys_version"] {
            assert!(attributes["weave"][key].is_string(), "{key}");
        }
    }

    #[test]
    fn the_kind_stands_with_the_system() {
        assert_eq!(written(None, Some("{}"), Some("llm"))["weave"]["kind"], "llm");
    }

    #[test]
    fn a_calls_own_attributes_go_over_those_of_every_call() {
        let attributes = written(Some(r#"{"a":1,"b":1}"#), Some(r#"{"b":2}"#), None);
        assert_eq!((&attributes["a"], &attributes["b"]), (&1.into(), &2.into()));
        assert_eq!(attributes["weave"]["source"], "libweave-test");
    }

    #[test]
    fn attributes_of_every_call_stand_in_a_call_without_its_own() {
        let system = System::new("libweave-test", Some(r#"{"a":1}"#)).unwrap();
        let attributes: serde_json::Value = serde_json::from_str(system.alone()).unwrap();
        assert_eq!((&attributes["a"], &attributes["weave"]["source"]), (&1.into(), &"libweave-test".into()));
    }

    #[test]
    fn own_attributes_are_copied_as_they_are() {
        assert_eq!(written(None, Some(r#"{ "a" : [1.0] }"#), None)["a"], serde_json::json!([1.0]));
    }

    #[test]
    fn members_of_weave_are_added_to_the_systems() {
        let attributes = written(None, Some(r#"{"weave":{"color":"red"},"a":1}"#), Some("tool"));
        assert_eq!(attributes["weave"]["color"], "red");
        assert_eq!(attributes["weave"]["kind"], "tool");
        assert_eq!(attributes["weave"]["source"], "libweave-test");
        assert_eq!(attributes["a"], 1);
    }
}
