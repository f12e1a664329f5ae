//! The OpenAPI 3.1 document, made from the table of routes and the types that the routes read and answer.
//!
//! One schema library for everything: schemars writes the forms' schemas and these, so that a type is described once.

use engine::config::VIOLATION_CODES;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};

use crate::consistency;
use crate::problem::ProblemDocument;
use crate::spec::{Access, Param, ParamKind, RouteSpec, Verb};

/// Where routes are served.
pub(crate) const BASE: &str = "/api/v1";

/// Returns the document of a table.
pub(crate) fn document(table: &[RouteSpec]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.for_serialize().with_transform(NoFormats).into_generator();
    let problem = ProblemDocument::json_schema(&mut generator);
    let mut paths: Map<String, Value> = Map::new();
    for spec in table {
        let operation = operation(spec, &mut generator);
        let path = paths.entry(format!("{BASE}{}", spec.path)).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(spec.method.as_str().to_lowercase(), operation);
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem.to_value());
    if let Some(violation) = schemas.get_mut("Violation") {
        // Not an enumeration: clients fall back on `detail` where a code is newer than they are.
        violation["properties"]["code"]["x-codes"] = VIOLATION_CODES
            .iter()
            .map(|(code, params)| ((*code).to_owned(), json!(params)))
            .collect::<Map<String, Value>>()
            .into();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "TradeMaster Cluster",
            "version": "1",
            "description": "Every path of the gateway. Live data comes over the WebSocket /ws/v1 (subprotocol tm.v1).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "refresh": {"type": "apiKey", "in": "cookie", "name": "tm_refresh"},
            },
        },
    })
}

fn operation(spec: &RouteSpec, generator: &mut schemars::SchemaGenerator) -> Value {
    let mut success = json!({"description": "Done."});
    if let Some(schema) = spec.response {
        success["content"] = json!({"application/json": {"schema": schema(generator).to_value()}});
    }
    let mut operation = json!({
        "operationId": operation_id(spec),
        "summary": spec.summary,
        "tags": [tag(spec.path)],
        "parameters": parameters(spec),
        "security": security(spec.access),
        "responses": {
            spec.success.to_string(): success,
            "default": {
                "description": "What went wrong; `code` is stable.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    });
    if let Access::AnyOf(permissions) = spec.access {
        let names: Vec<&str> = permissions.iter().map(|permission| permission.as_str()).collect();
        operation["x-permissions"] = json!(names);
    }
    if spec.has_body() {
        let mut content = Map::new();
        if let Some(schema) = spec.request {
            content.insert(
                "application/json".to_owned(),
                json!({"schema": schema(generator).to_value()}),
            );
        }
        for kind in spec.raw_types {
            content.insert((*kind).to_owned(), json!({"schema": {}}));
        }
        operation["requestBody"] = json!({"required": !body_is_optional(spec), "content": content});
    }
    operation
}

/// Commands on one object may come without a body; those on nodes say why.
pub(crate) fn body_is_optional(spec: &RouteSpec) -> bool {
    spec.path.contains("{id}:") && !spec.path.starts_with("/nodes/")
}

fn operation_id(spec: &RouteSpec) -> String {
    let mut id = spec.method.as_str().to_lowercase();
    for word in spec.path.split(['/', ':', '-', '.']).filter(|word| !word.is_empty()) {
        let word = word.trim_matches(['{', '}']);
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

fn tag(path: &str) -> &str {
    path.trim_start_matches('/').split(['/', ':']).next().unwrap_or_default()
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Cookie => json!([{"refresh": []}]),
        Access::SignedIn | Access::AnyOf(_) => json!([{"bearer": []}]),
    }
}

fn parameters(spec: &RouteSpec) -> Vec<Value> {
    let names = spec.path.split(['{', '}']).skip(1).step_by(2);
    let mut list: Vec<Value> = names
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    list.extend(spec.query.iter().map(query_parameter));
    let header = |name: &str, schema: Value, meaning: &str| json!({"name": name, "in": "header", "required": true, "schema": schema, "description": meaning});
    if spec.idempotent {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 128});
        list.push(header(
            "Idempotency-Key",
            schema,
            "New for each intent, the same when it is repeated.",
        ));
    }
    if spec.if_match {
        list.push(header(
            "If-Match",
            json!({"type": "string"}),
            "The ETag of what was read, for example \"r17\".",
        ));
    }
    if spec.method == Verb::Get {
        list.push(json!({
            "name": consistency::PARAMETER, "in": "query", "required": false,
            "schema": {"type": "string", "enum": consistency::VALUES},
            "description": "`linearizable`: as of now, wherever it was changed; what this node knows where absent.",
        }));
        list.push(json!({
            "name": "TM-Min-Index", "in": "header", "required": false,
            "schema": {"type": "string"},
            "description": "`TM-Applied-Index` of a change that the answer must contain.",
        }));
    }
    if spec.access == Access::Cookie {
        list.push(header("TM-CSRF", json!({"type": "string", "const": "1"}), "Always 1."));
    }
    list
}

fn query_parameter(param: &Param) -> Value {
    let schema = match param.kind {
        ParamKind::Text(max) => json!({"type": "string", "minLength": 1, "maxLength": max}),
        ParamKind::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        ParamKind::Boolean => json!({"type": "boolean"}),
        ParamKind::OneOf(list) => json!({"type": "string", "enum": list}),
        ParamKind::Prefix(max) => {
            json!({"type": "object", "additionalProperties": {"type": "string", "maxLength": max}})
        }
    };
    json!({"name": param.name, "in": "query", "required": false, "schema": schema, "description": param.meaning})
}

/// Drops Rust's number formats (`uint32`), which generators of other languages warn about.
#[derive(Debug, Clone)]
struct NoFormats;

impl Transform for NoFormats {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        if let Some(object) = schema.as_object_mut() {
            let ours = object.get("format").and_then(Value::as_str).is_some_and(|format| {
                format.starts_with("uint")
                    || format.starts_with("int")
                    || format == "double"
                    || format == "float"
            });
            if ours {
                object.remove("format");
            }
        }
        transform_subschemas(self, schema);
    }
}
