//! JSON as it came in, with every key of an object standing once: parsers disagree on which of two would count.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// Tells where it is not JSON, or which key stands twice.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = Unique.deserialize(&mut parser)?;
    parser.end()?;
    Ok(value)
}

/// Longest quote of a key.
const QUOTE_CHARS_MAX: usize = 60;

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Unique)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if object.contains_key(&key) {
                let quote: String = key.chars().take(QUOTE_CHARS_MAX).collect();
                return Err(A::Error::custom(format!(
                    "the key '{quote}' stands twice in one object; send it once"
                )));
            }
            let value = fields.next_value_seed(Unique)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_key_twice_is_read_as_ever() {
        for text in [
            "null",
            "[]",
            "-0.0",
            "18446744073709551615",
            "-9223372036854775808",
            "1e300",
            "\"\\ud83d\\ude00\"",
            r#" {"a": {"a": [1, 2.5, true, {"a": "b"}]}, "b": {"a": null}} "#,
        ] {
            assert_eq!(
                parse(text.as_bytes()).unwrap(),
                serde_json::from_str::<Value>(text).unwrap()
            );
        }
    }

    #[test]
    fn what_is_not_json_or_has_a_key_twice_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "1 2",
            "1e999",
            "{\"a\": 1, \"a\": 1}",
            "[{\"\": 1, \"\": 2}]",
            "\u{0}",
            &deep,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        let error = parse(br#"{"a": [{"b": 1, "b": 2}]}"#).unwrap_err().to_string();
        assert!(error.contains("'b'") && error.contains("line 1"), "{error}");
    }
}
