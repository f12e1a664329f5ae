//! Request bodies against the schema of their type: every violation at once, each with its JSON pointer.
//!
//! Serde stops at the first error; people who fill in forms want all of them. The engine's own walk over a schema,
//! made for configurations, serves here too.

use std::collections::BTreeMap;

use engine::config::Violation;
use engine::config::validate::against_schema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::problem::violation;
use crate::spec::RouteSpec;

/// Schemas of all request bodies.
pub(crate) struct Shapes {
    by_route: BTreeMap<(&'static str, &'static str), Shape>,
}

/// What a body must look like.
struct Shape {
    /// Everything; of `open` only that the fields are known.
    schema: Value,
    /// Fields whose content is checked elsewhere (configurations).
    open: Vec<Open>,
}

struct Open {
    name: String,
    required: bool,
    object: bool,
}

impl Shapes {
    /// Generates the schemas of a table.
    pub(crate) fn of(table: &[RouteSpec]) -> Self {
        let with_body = table.iter().filter_map(|spec| Some((spec, spec.request?)));
        let by_route = with_body.map(|(spec, request)| {
            let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
            let reference = request(&mut generator).to_value();
            let mut definitions = generator.take_definitions(true);
            let name = reference["$ref"]
                .as_str()
                .and_then(|path| path.strip_prefix("#/$defs/"))
                .unwrap_or_default();
            let mut schema = definitions.remove(name).unwrap_or(reference);
            let open = take_open(&mut schema);
            schema["$defs"] = Value::Object(definitions);
            ((spec.method.as_str(), spec.path), Shape { schema, open })
        });
        Self { by_route: by_route.collect() }
    }

    /// Returns every violation of a body; none for a route without a schema.
    pub(crate) fn check(&self, spec: &RouteSpec, body: &Value) -> Vec<Violation> {
        let Some(shape) = self.by_route.get(&(spec.method.as_str(), spec.path)) else {
            return Vec::new();
        };
        let mut rest = body.clone();
        let mut found = Vec::new();
        if let Value::Object(fields) = &mut rest {
            for open in &shape.open {
                found.extend(open.check(fields.get(&open.name)));
                if let Some(value) = fields.get_mut(&open.name) {
                    *value = Value::Object(Map::new());
                }
            }
        }
        found.extend(against_schema(&shape.schema, &rest));
        found
    }
}

impl Open {
    fn check(&self, value: Option<&Value>) -> Option<Violation> {
        let pointer = format!("/{}", self.name);
        match value {
            None if self.required => Some(violation(&pointer, "missing_field", "is required")),
            Some(value) if self.object && !value.is_object() => {
                let found = violation(&pointer, "invalid_type", "must be an object");
                Some(found.with("expected", "object"))
            }
            Some(_) | None => None,
        }
    }
}

/// Opens the fields without a shape of their own: they stay known, their content is not looked at.
fn take_open(schema: &mut Value) -> Vec<Open> {
    let shapeless = |schema: &Value| {
        !["properties", "$ref", "anyOf", "oneOf", "enum", "const"]
            .iter()
            .any(|key| schema.get(*key).is_some())
            && schema.get("type").is_none_or(|kind| kind == "object")
    };
    let Some(properties) = schema["properties"].as_object_mut() else { return Vec::new() };
    let names: Vec<String> = properties
        .iter()
        .filter(|(_, field)| shapeless(field))
        .map(|(name, _)| name.clone())
        .collect();
    let mut open = Vec::new();
    for name in names {
        let known = serde_json::json!({"type": "object"});
        let object =
            properties.insert(name.clone(), known).is_some_and(|field| field["type"] == "object");
        open.push(Open { name, required: false, object });
    }
    if let Some(required) = schema["required"].as_array_mut() {
        for field in &mut open {
            field.required = required.iter().any(|name| name == &field.name);
        }
        required.retain(|name| !open.iter().any(|field| name == &field.name));
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(body: &Value) -> Vec<(String, String)> {
        let table = crate::routes::table();
        let spec = table
            .iter()
            .find(|spec| spec.method.as_str() == "POST" && spec.path == "/sessions")
            .unwrap();
        let found = Shapes::of(&table).check(spec, body);
        found.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
    }

    #[test]
    fn every_violation_is_found_with_its_pointer() {
        let body = json!({"name": 7, "tags": ["a", 1], "priority": "high", "x/y": 1});
        let mut found = check(&body);
        found.sort();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect();
        assert_eq!(
            found,
            vec![
                ("/config", "missing_field"),
                ("/dataset_id", "missing_field"),
                ("/name", "invalid_type"),
                ("/priority", "invalid_type"),
                ("/tags/1", "invalid_type"),
                ("/x~1y", "unknown_field"),
            ]
        );
    }

    #[test]
    fn every_known_field_is_named_where_one_is_unknown() {
        let table = crate::routes::table();
        let spec = table
            .iter()
            .find(|spec| spec.method.as_str() == "POST" && spec.path == "/sessions")
            .unwrap();
        let body = json!({
            "name": "s", "confg": {}, "config": {"kind": "training", "anything": 1},
            "strategy_id": "str_01900000000070008000000000000001",
            "dataset_id": "dst_01900000000070008000000000000001",
        });
        let found = Shapes::of(&table).check(spec, &body);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].pointer.as_str(), found[0].code.as_str()),
            ("/confg", "unknown_field")
        );
        assert!(found[0].detail.contains("config"), "{}", found[0].detail);
        assert!(format!("{:?}", found[0].params).contains("\"config\""), "{:?}", found[0].params);
    }

    #[test]
    fn anything_but_an_object_is_one_violation() {
        for body in [json!(null), json!([]), json!("x"), json!(1)] {
            assert_eq!(check(&body), vec![(String::new(), "invalid_type".to_owned())]);
        }
    }
}
