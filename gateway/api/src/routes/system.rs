//! Nodes, the actor tree, this gateway's description of itself.

use actors::views::{ActorView, NodeView};
use bytes::Bytes;
use serde_json::{Map, Value};
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::list::ListDto;
use crate::dto::system::AboutDto;
use crate::problem::Problem;
use crate::request::Request;
use crate::spec::RouteSpec;

use super::handler;

pub(crate) fn routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec::get("/nodes", "Nodes and what they have.", handler!(nodes))
            .needs(&[Permission::ClusterRead])
            .answers::<ListDto<NodeView>>(200),
        RouteSpec::get("/nodes/{id}", "One node.", handler!(node))
            .needs(&[Permission::ClusterRead])
            .answers::<NodeView>(200),
        RouteSpec::get("/actors", "The tree of actors of this node.", handler!(tree))
            .needs(&[Permission::ActorRead])
            .answers::<ListDto<ActorView>>(200),
        RouteSpec::get("/about", "What answers.", handler!(about)).answers::<AboutDto>(200),
        RouteSpec::get("/openapi.json", "This description.", handler!(description))
            .answers::<Map<String, Value>>(200),
    ]
}

async fn nodes(request: Request) -> Handled {
    request.tail(request.app.platform.nodes.list().await?, None)
}

async fn node(request: Request) -> Handled {
    let wanted = request.param("id");
    let nodes = request.app.platform.nodes.list().await?;
    let found = nodes.into_iter().find(|node| node.id.as_str() == wanted);
    Answer::ok(&found.ok_or_else(|| Problem::not_found(&format!("node {wanted}")))?)
}

async fn tree(request: Request) -> Handled {
    request.tail(request.app.platform.inspect.actors().await?, None)
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
