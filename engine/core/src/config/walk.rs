//! Holds a JSON value against a generated schema: every difference, each with the pointer of its field.
//!
//! Knows the keywords that our schemas use and no others; a test fails when a schema grows a new one. Returns the
//! value without what was wrong, so that rules across fields can still be checked on the rest.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::validate::Violation;

/// More violations than this are not listed: nobody reads them, and the answer stays small.
pub(super) const VIOLATIONS_MAX: usize = 100;
/// From this similarity on a name is suggested.
const SIMILARITY_MIN: f64 = 0.8;
/// Longest quote of what was found.
const QUOTE_CHARS_MAX: usize = 60;

/// The result of a walk.
pub(super) struct Walked {
    /// What was wrong.
    pub(super) violations: Vec<Violation>,
    /// The value without what was wrong; absent where the whole was.
    pub(super) cleaned: Option<Value>,
}

/// Compares `value` with `schema`.
pub(super) fn walk(schema: &Value, value: &Value) -> Walked {
    let mut walker = Walker { root: schema, violations: Vec::new() };
    let cleaned = walker.any(schema, value, "");
    Walked { violations: walker.violations, cleaned }
}

/// Returns the name among `known` that `wrong` was probably meant to be.
pub(super) fn suggest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong: String = wrong.chars().take(QUOTE_CHARS_MAX).flat_map(char::to_lowercase).collect();
    let scored =
        known.into_iter().map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name));
    let best = scored.max_by(|left, right| left.0.total_cmp(&right.0))?;
    (SIMILARITY_MIN <= best.0).then_some(best.1)
}

/// Returns `pointer` extended by one key, escaped by RFC 6901.
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

struct Walker<'s> {
    root: &'s Value,
    violations: Vec<Violation>,
}

impl<'s> Walker<'s> {
    fn any(&mut self, schema: &'s Value, value: &Value, at: &str) -> Option<Value> {
        let schema = self.resolve(schema);
        if let Some(branches) = list(schema, "anyOf") {
            return self.optional(branches, value, at);
        }
        if let Some(branches) = list(schema, "oneOf") {
            let words: Vec<&str> =
                branches.iter().filter_map(|branch| branch["const"].as_str()).collect();
            if words.len() == branches.len() {
                return self.word(&words, value, at);
            }
            return self.tagged(branches, value, at);
        }
        if let Some(word) = schema["const"].as_str() {
            return self.word(&[word], value, at);
        }
        if let Some(words) = list(schema, "enum") {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            return self.word(&words, value, at);
        }
        self.typed(schema, value, at)
    }

    fn typed(&mut self, schema: &'s Value, value: &Value, at: &str) -> Option<Value> {
        let (kind, nullable) = kind_of(schema);
        if nullable && value.is_null() {
            return Some(Value::Null);
        }
        let fits = match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => is_whole(value),
            _ => false,
        };
        if !fits {
            self.wrong_type(kind, nullable, value, at);
            return None;
        }
        match value {
            Value::Object(fields) => self.object(schema, fields, at),
            Value::Array(items) => self.array(schema, items, at),
            Value::Number(_) => self.number(schema, kind, value, at),
            Value::String(text) => self.text(schema, text, at),
            Value::Bool(_) | Value::Null => Some(value.clone()),
        }
    }

    fn object(
        &mut self,
        schema: &'s Value,
        fields: &Map<String, Value>,
        at: &str,
    ) -> Option<Value> {
        let nothing = Map::new();
        let known: &Map<String, Value> = match schema["properties"].as_object() {
            Some(known) => known,
            None => &nothing,
        };
        let mut cleaned = Map::new();
        for (key, value) in fields {
            let Some(field) = schema["properties"].get(key) else {
                self.unknown(key, known, at);
                continue;
            };
            if let Some(good) = self.any(field, value, &child(at, key)) {
                cleaned.insert(key.clone(), good);
            }
        }
        let required =
            list(schema, "required").unwrap_or_default().iter().filter_map(Value::as_str);
        let mut complete = true;
        for key in required {
            if !fields.contains_key(key) {
                self.missing(key, &[], at);
            }
            complete &= cleaned.contains_key(key);
        }
        complete.then_some(Value::Object(cleaned))
    }

    fn array(&mut self, schema: &'s Value, items: &[Value], at: &str) -> Option<Value> {
        let (min, max) = (&schema["minItems"], &schema["maxItems"]);
        let count = json!(items.len());
        let fits = within(&count, min, max);
        if !fits {
            let wanted = format!("{} items", range(min, max));
            let detail = format!("wanted {wanted}; found {}. Add or remove items", items.len());
            self.add(at, "out_of_range", limits(min, max, &count), detail);
        }
        let mut cleaned = Vec::with_capacity(items.len().min(64));
        for (index, item) in items.iter().enumerate() {
            if self.violations.len() >= VIOLATIONS_MAX {
                break;
            }
            cleaned.extend(self.any(&schema["items"], item, &child(at, &index.to_string())));
        }
        (fits && cleaned.len() == items.len()).then_some(Value::Array(cleaned))
    }

    fn number(&mut self, schema: &Value, kind: &str, value: &Value, at: &str) -> Option<Value> {
        let (min, max) = (&schema["minimum"], &schema["maximum"]);
        if !value.as_f64().is_some_and(f64::is_finite) {
            self.not_finite(at);
            return None;
        }
        if !within(value, min, max) {
            let detail = format!(
                "wanted {}; found {value}. Choose a number within the range",
                range(min, max)
            );
            self.add(at, "out_of_range", limits(min, max, value), detail);
            return None;
        }
        // JSON Schema counts 5.0 as an integer; serde does not.
        Some(if kind == "integer" {
            whole(value).unwrap_or_else(|| value.clone())
        } else {
            value.clone()
        })
    }

    fn text(&mut self, schema: &Value, text: &str, at: &str) -> Option<Value> {
        let Some(pattern) = schema["pattern"].as_str() else {
            return Some(json!(text));
        };
        if matches_identifier(pattern, text) {
            return Some(json!(text));
        }
        let prefix = identifier_prefix(pattern).unwrap_or_default();
        let params = params([("prefix", json!(prefix)), ("got", json!(quote(text)))]);
        let detail = format!(
            "wanted an identifier such as {prefix}_ followed by 32 hexadecimal digits; found '{}'. Copy it from the list",
            quote(text)
        );
        self.add(at, "not_an_identifier", params, detail);
        None
    }

    /// One of a list of words.
    fn word(&mut self, words: &[&str], value: &Value, at: &str) -> Option<Value> {
        let Some(word) = value.as_str() else {
            self.wrong_type("string", false, value, at);
            return None;
        };
        if words.contains(&word) {
            return Some(value.clone());
        }
        let mut params = params([("allowed", json!(words)), ("got", json!(quote(word)))]);
        let near = suggest(word, words.iter().copied());
        let mut detail = format!("wanted one of {}; found '{}'", words.join(", "), quote(word));
        if let Some(near) = near {
            params.insert("suggestion".to_owned(), json!(near));
            detail.push_str(&format!(". Did you mean '{near}'?"));
        }
        self.add(at, "not_allowed", params, detail);
        None
    }

    /// An object whose shape is chosen by the one field that is constant in every branch.
    fn tagged(&mut self, branches: &'s [Value], value: &Value, at: &str) -> Option<Value> {
        let Some(fields) = value.as_object() else {
            self.wrong_type("object", false, value, at);
            return None;
        };
        let tag = branches.first().and_then(tag_of).unwrap_or_default();
        let words: Vec<&str> = branches
            .iter()
            .filter_map(|branch| branch["properties"][tag]["const"].as_str())
            .collect();
        let Some(chosen) = fields.get(tag) else {
            self.missing(tag, &words, at);
            return None;
        };
        self.word(&words, chosen, &child(at, tag))?;
        let branch =
            branches.iter().find(|branch| branch["properties"][tag]["const"] == *chosen)?;
        self.object(branch, fields, at)
    }

    /// Something or null.
    fn optional(&mut self, branches: &'s [Value], value: &Value, at: &str) -> Option<Value> {
        let is_null = |branch: &&Value| branch["type"] == "null";
        if value.is_null() && branches.iter().any(|branch| is_null(&branch)) {
            return Some(Value::Null);
        }
        let branch = branches.iter().find(|branch| !is_null(branch))?;
        self.any(branch, value, at)
    }

    fn resolve(&self, mut schema: &'s Value) -> &'s Value {
        // A chain of references is short; a longer one is a circle.
        for _ in 0..16 {
            let Some(reference) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#'))
            else {
                break;
            };
            schema = self.root.pointer(reference).unwrap_or(&Value::Null);
        }
        schema
    }

    fn unknown(&mut self, key: &str, known: &Map<String, Value>, at: &str) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let mut params = params([("allowed", json!(names))]);
        let mut detail = format!("'{}' is not a field here", quote(key));
        if let Some(near) = suggest(key, names.iter().copied()) {
            params.insert("suggestion".to_owned(), json!(near));
            detail.push_str(&format!(". Did you mean '{near}'?"));
        } else {
            detail.push_str(&format!(". Known: {}", names.join(", ")));
        }
        self.add(&child(at, key), "unknown_field", params, detail);
    }

    fn missing(&mut self, key: &str, words: &[&str], at: &str) {
        let (params, hint) = if words.is_empty() {
            (BTreeMap::new(), String::new())
        } else {
            (params([("allowed", json!(words))]), format!(" with one of {}", words.join(", ")))
        };
        let detail = format!("'{key}' is missing. Add it{hint}");
        self.add(&child(at, key), "missing_field", params, detail);
    }

    fn wrong_type(&mut self, wanted: &str, nullable: bool, value: &Value, at: &str) {
        let found = match value {
            Value::Null => "nothing (null)".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => format!("the number {number}"),
            Value::String(text) => format!("the text '{}'", quote(text)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        };
        let wanted_words = match wanted {
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text",
            "boolean" => "true or false",
            "array" => "a list",
            _ => "an object with fields",
        };
        let or_null = if nullable { " or nothing (null)" } else { "" };
        let params = params([("expected", json!(wanted)), ("got", json!(name_of(value)))]);
        let detail = format!(
            "wanted {wanted_words}{or_null}; found {found}. Change the value, or leave the field out"
        );
        self.add(at, "invalid_type", params, detail);
    }

    fn not_finite(&mut self, at: &str) {
        self.add(at, "not_finite", BTreeMap::new(), NOT_FINITE.to_owned());
    }

    fn add(&mut self, at: &str, code: &str, params: BTreeMap<String, Value>, detail: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation {
                pointer: at.to_owned(),
                code: code.to_owned(),
                params,
                detail,
            });
        }
    }
}

/// What is said about NaN and the infinities.
pub(super) const NOT_FINITE: &str =
    "wanted a finite number; found NaN or an infinity. Choose a number within the range";

fn list<'s>(schema: &'s Value, keyword: &str) -> Option<&'s [Value]> {
    schema[keyword].as_array().map(Vec::as_slice)
}

/// Returns the type of a schema, and whether null is allowed beside it.
fn kind_of(schema: &Value) -> (&str, bool) {
    if let Some(kind) = schema["type"].as_str() {
        return (kind, false);
    }
    let kinds: Vec<&str> =
        list(schema, "type").unwrap_or_default().iter().filter_map(Value::as_str).collect();
    let kind = kinds.iter().copied().find(|kind| *kind != "null").unwrap_or("object");
    (kind, kinds.contains(&"null"))
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn tag_of(branch: &Value) -> Option<&str> {
    let (key, _) =
        branch["properties"].as_object()?.iter().find(|(_, field)| field["const"].is_string())?;
    Some(key)
}

fn is_whole(value: &Value) -> bool {
    value.is_i64()
        || value.is_u64()
        || value.as_f64().is_some_and(|number| number.fract().abs() <= 0.0)
}

/// Returns 5 for 5.0.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(value: &Value) -> Option<Value> {
    if value.is_i64() || value.is_u64() {
        return Some(value.clone());
    }
    let number = value.as_f64()?;
    // Up to 2^53 every whole number is exact.
    (number.abs() <= 9_007_199_254_740_992.0).then(|| json!(number as i64))
}

fn within(value: &Value, min: &Value, max: &Value) -> bool {
    let Some(number) = value.as_f64() else {
        return false;
    };
    min.as_f64().is_none_or(|min| min <= number) && max.as_f64().is_none_or(|max| number <= max)
}

fn range(min: &Value, max: &Value) -> String {
    match (min.is_null(), max.is_null()) {
        (false, false) => format!("{min} to {max}"),
        (false, true) => format!("{min} or more"),
        (true, false) => format!("{max} or less"),
        (true, true) => "a number".to_owned(),
    }
}

fn limits(min: &Value, max: &Value, got: &Value) -> BTreeMap<String, Value> {
    let mut all = params([("min", min.clone()), ("max", max.clone()), ("got", got.clone())]);
    all.retain(|_, value| !value.is_null());
    all
}

fn params<const N: usize>(pairs: [(&str, Value); N]) -> BTreeMap<String, Value> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn quote(text: &str) -> String {
    let mut kept: String = text
        .chars()
        .take(QUOTE_CHARS_MAX)
        .map(|sign| if sign.is_control() { '·' } else { sign })
        .collect();
    if text.chars().nth(QUOTE_CHARS_MAX).is_some() {
        kept.push('…');
    }
    kept
}

/// Returns the prefix of the only kind of pattern that our schemas have: a prefixed identifier.
fn identifier_prefix(pattern: &str) -> Option<&str> {
    pattern.strip_prefix('^')?.strip_suffix("_[0-9a-f]{32}$")
}

fn matches_identifier(pattern: &str, text: &str) -> bool {
    let Some(prefix) = identifier_prefix(pattern) else {
        return false;
    };
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    digits.is_some_and(|digits| {
        digits.len() == 32
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}
