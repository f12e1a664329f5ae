//! `tm api`: any route, as it is.

use reqwest::Method;
use serde_json::Value;

use super::Context;
use crate::cli::ApiArgs;
use crate::client::rest::Body;
use crate::error::CliError;

/// Calls one route and prints the answer as JSON.
///
/// # Errors
/// An unknown method, a body that is no JSON, or what the gateway refuses.
pub(crate) async fn run(args: ApiArgs, context: &Context) -> Result<(), CliError> {
    let method = Method::from_bytes(args.method.to_uppercase().as_bytes()).map_err(|_| {
        CliError::Usage(format!("'{}' is not a method such as GET or POST", args.method))
    })?;
    if !args.path.starts_with('/') {
        return Err(CliError::Usage(format!(
            "'{}' must begin with /, for example /api/v1/sessions",
            args.path
        )));
    }
    let body = match args.data {
        None => Body::Empty,
        Some(text) => Body::Json(
            serde_json::from_str(&text)
                .map_err(|error| CliError::Usage(format!("--data is not JSON: {error}")))?,
        ),
    };
    let answer = context.client.send(method, &args.path, body, args.if_match.as_deref()).await?;
    if answer.value == Value::Null {
        return Ok(());
    }
    context.out.line(&serde_json::to_string_pretty(&answer.value).unwrap_or_default())
}
