//! Names and beginnings of identifiers → identifiers.

use serde_json::Value;

use super::Context;
use crate::error::CliError;

/// Most pages looked through for a name.
const PAGES_MAX: usize = 40;

/// Returns every row of a list, following its pages.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn all(context: &Context, path: &str) -> Result<Vec<Value>, CliError> {
    let join = if path.contains('?') { '&' } else { '?' };
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let address = match &cursor {
            None => format!("{path}{join}limit=200"),
            Some(cursor) => format!("{path}{join}limit=200&cursor={cursor}"),
        };
        let mut page = context.client.get(&address).await?;
        if let Some(items) = page.get_mut("items").and_then(Value::as_array_mut) {
            rows.append(items);
        }
        cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    Ok(rows)
}

/// Finds one object of `collection` by name, identifier, or the beginning of an identifier.
///
/// # Errors
/// `NotFound` names what exists; several matches are a usage error.
pub(crate) async fn one(
    context: &Context,
    collection: &str,
    wanted: &str,
) -> Result<Value, CliError> {
    let rows = all(context, &format!("/api/v1/{collection}")).await?;
    choose(rows, collection, wanted)
}

fn choose(rows: Vec<Value>, collection: &str, wanted: &str) -> Result<Value, CliError> {
    let field = |row: &Value, key: &str| {
        row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if let Some(row) =
        rows.iter().find(|row| field(row, "id") == wanted || field(row, "name") == wanted)
    {
        return Ok(row.clone());
    }
    let mut close: Vec<&Value> =
        rows.iter().filter(|row| field(row, "id").starts_with(wanted)).collect();
    match (close.pop(), close.len()) {
        (Some(row), 0) => Ok(row.clone()),
        (Some(_), more) => Err(CliError::Usage(format!(
            "'{wanted}' is the beginning of {} {collection}; write more of it",
            more + 1
        ))),
        (None, _) => {
            let names: Vec<String> = rows.iter().take(8).map(|row| field(row, "name")).collect();
            let known = if names.is_empty() {
                "there are none yet".to_owned()
            } else {
                format!("known: {}", names.join(", "))
            };
            Err(CliError::NotFound(format!(
                "no {} is called '{wanted}'; {known}",
                singular(collection)
            )))
        }
    }
}

fn singular(collection: &str) -> &str {
    match collection {
        "strategies" => "strategy",
        "datasets" => "data set",
        "sessions" => "session",
        other => other,
    }
}

/// Returns the identifier inside a row.
pub(crate) fn id(row: &Value) -> String {
    text(row, "id")
}

/// Returns a text field, empty when absent.
pub(crate) fn text(row: &Value, key: &str) -> String {
    match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_an_identifier_and_its_beginning_find_the_row() {
        let rows =
            || vec![json!({"id": "ses_1a", "name": "one"}), json!({"id": "ses_1b", "name": "two"})];
        for wanted in ["ses_1b", "two"] {
            assert_eq!(choose(rows(), "sessions", wanted).unwrap()["name"], "two");
        }
        assert!(matches!(choose(rows(), "sessions", "ses_1"), Err(CliError::Usage(_))));
        let missing = choose(rows(), "sessions", "three").unwrap_err();
        assert_eq!(missing.to_string(), "no session is called 'three'; known: one, two");
    }
}
