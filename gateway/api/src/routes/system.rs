//! This gateway's description of itself.

use bytes::Bytes;
use serde_json::{Map, Value};
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::dto::system::AboutDto;
use crate::request::Request;
use crate::spec::RouteSpec;

use super::handler;

pub(crate) fn routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec::get("/about", "What answers.", handler!(about)).answers::<AboutDto>(200),
        RouteSpec::get("/openapi.json", "This description.", handler!(description))
            .answers::<Map<String, Value>>(200),
    ]
}

async fn about(request: Request) -> Handled {
    Answer::ok(&AboutDto {
        name: "TradeMaster Cluster",
        version: request.app.config.version.clone(),
        node: Some(request.app.platform.node.to_string()),
        mode: request.app.config.mode.clone(),
    })
}

async fn description(request: Request) -> Handled {
    let body: Bytes = request.app.description.clone();
    Ok(Answer::bytes(StatusCode::OK, "application/json", body))
}
