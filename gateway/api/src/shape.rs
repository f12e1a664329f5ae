//! Request bodies against the schema of their type: every violation at once, each with its JSON pointer.
//!
//! Serde stops at the first error; people who fill in forms want all of them. The engine's own walk over a schema,
//! made for configurations, serves here too.

use std::collections::BTreeMap;

use engine::config::Violation;
use engine::config::validate::against_schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::spec::RouteSpec;

/// Schemas of all request bodies.
pub(crate) struct Shapes {
    by_route: BTreeMap<(&'static str, &'static str), Value>,
}

impl Shapes {
    /// Generates the schemas of a table.
    pub(crate) fn of(table: &[RouteSpec]) -> Self {
        let with_body = table.iter().filter_map(|spec| Some((spec, spec.request?)));
        let by_route = with_body.map(|(spec, request)| {
            let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
            let mut schema = request(&mut generator).to_value();
            schema["$defs"] = Value::Object(generator.take_definitions(true));
            ((spec.method.as_str(), spec.path), schema)
        });
        Self { by_route: by_route.collect() }
    }

    /// Returns every violation of a body; none for a route without a schema.
    pub(crate) fn check(&self, spec: &RouteSpec, body: &Value) -> Vec<Violation> {
        let schema = self.by_route.get(&(spec.method.as_str(), spec.path));
        schema.map(|schema| against_schema(schema, body)).unwrap_or_default()
    }
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
                ("/strategy_id", "missing_field"),
                ("/tags/1", "invalid_type"),
                ("/x~1y", "unknown_field"),
            ]
        );
    }

    #[test]
    fn anything_but_an_object_is_one_violation() {
        for body in [json!(null), json!([]), json!("x"), json!(1)] {
            assert_eq!(check(&body), vec![(String::new(), "invalid_type".to_owned())]);
        }
    }
}
