//! The cluster: members, nodes, links, actors, and what operators ask of nodes.

use actors::NodeVerb;
use actors::views::{ActorView, ClusterView, LinkView, NodeView, SessionView};
use engine::ids::NodeId;
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::cluster::{DecommissionDto, NodeCommandDto};
use crate::dto::list::ListDto;
use crate::problem::{Problem, violation};
use crate::request::Request;
use crate::spec::{Param, ParamKind, RouteSpec};

use super::sessions::check_reason;
use super::{handler, sessions};

const READ: &[Permission] = &[Permission::ClusterRead];
const OPERATE: &[Permission] = &[Permission::ClusterOperate];
const OF_NODE: &[Param] = &[Param {
    name: "node",
    kind: ParamKind::Text(64),
    meaning: "Of this node; of the one that answers where absent.",
}];

pub(crate) fn routes() -> Vec<RouteSpec> {
    let read = |path, summary, handler| RouteSpec::get(path, summary, handler).needs(READ);
    let order = |path, summary, handler| {
        RouteSpec::command(path, summary, handler)
            .needs(OPERATE)
            .reads::<NodeCommandDto>()
            .answers::<NodeView>(202)
    };
    vec![
        read("/cluster", "The cluster and its members.", handler!(cluster))
            .answers::<ClusterView>(200),
        RouteSpec::command(
            "/cluster:finalize-upgrade",
            "Lets the cluster write what all its members read now; there is no way back.",
            handler!(finalize_upgrade),
        )
        .needs(OPERATE)
        .reads::<NodeCommandDto>()
        .answers::<ClusterView>(200),
        read("/nodes", "Nodes and what they have.", handler!(nodes))
            .answers::<ListDto<NodeView>>(200),
        read("/nodes/{id}", "One node.", handler!(node)).answers::<NodeView>(200),
        read("/nodes/{id}/links", "A node's links to the others.", handler!(links))
            .answers::<ListDto<LinkView>>(200),
        read("/nodes/{id}/sessions", "Sessions placed on a node.", handler!(placed))
            .needs(&[Permission::SessionRead])
            .answers::<ListDto<SessionView>>(200),
        order("/nodes/{id}:cordon", "Lets a node take no new sessions.", handler!(cordon)),
        order("/nodes/{id}:uncordon", "Lets a node take sessions again.", handler!(uncordon)),
        order("/nodes/{id}:drain", "Lets a node give its sessions away.", handler!(drain)),
        order("/nodes/{id}:undrain", "Lets a node stay after all.", handler!(undrain)),
        order("/nodes/{id}:decommission", "Lets a node leave for good.", handler!(decommission))
            .reads::<DecommissionDto>(),
        RouteSpec::get("/actors", "A node's tree of actors.", handler!(tree))
            .needs(&[Permission::ActorRead])
            .query(OF_NODE)
            .answers::<ListDto<ActorView>>(200),
    ]
}

async fn cluster(request: Request) -> Handled {
    Answer::ok(&request.app.platform.nodes.cluster().await?)
}

async fn finalize_upgrade(request: Request) -> Handled {
    let NodeCommandDto { reason } = request.json()?;
    check_reason(&reason)?;
    let command = request.command(Some(reason))?;
    Answer::ok(&request.app.platform.nodes.finalize_upgrade(command).await?)
}

async fn nodes(request: Request) -> Handled {
    request.tail(request.app.platform.nodes.list().await?, None)
}

async fn node(request: Request) -> Handled {
    Answer::ok(&request.app.platform.nodes.get(&id(&request)?).await?)
}

async fn links(request: Request) -> Handled {
    request.tail(request.app.platform.nodes.links(id(&request)?).await?, None)
}

async fn placed(request: Request) -> Handled {
    let node = id(&request)?;
    request.app.platform.nodes.get(&node).await?;
    request.tail(sessions::placed_on(&request, &node).await?, None)
}

async fn tree(request: Request) -> Handled {
    let inspect = &request.app.platform.inspect;
    let rows = match request.query.text("node") {
        None => inspect.actors().await?,
        Some(text) => {
            let unknown = |_| Problem::not_found(&format!("node {text}"));
            let node: NodeId = text.parse().map_err(unknown)?;
            request.app.platform.nodes.get(&node).await?;
            inspect.actors_of(node).await?
        }
    };
    request.tail(rows, None)
}

async fn cordon(request: Request) -> Handled {
    plain(request, NodeVerb::Cordon).await
}

async fn uncordon(request: Request) -> Handled {
    plain(request, NodeVerb::Uncordon).await
}

async fn drain(request: Request) -> Handled {
    plain(request, NodeVerb::Drain).await
}

async fn undrain(request: Request) -> Handled {
    plain(request, NodeVerb::Undrain).await
}

async fn plain(request: Request, verb: NodeVerb) -> Handled {
    let NodeCommandDto { reason } = request.json()?;
    order(&request, verb, reason).await
}

async fn decommission(request: Request) -> Handled {
    let DecommissionDto { reason, confirm } = request.json()?;
    let name = request.param("id");
    if confirm != name {
        let detail = format!("type the node's name, {name}, to confirm that it leaves for good");
        let found = violation("/confirm", "not_allowed", detail).with("allowed", vec![name]);
        return Err(Problem::invalid(vec![found.with("got", confirm)]));
    }
    order(&request, NodeVerb::Decommission, reason).await
}

async fn order(request: &Request, verb: NodeVerb, reason: String) -> Handled {
    check_reason(&reason)?;
    let command = request.command(Some(reason))?;
    let view = request.app.platform.nodes.order(command, id(request)?, verb).await?;
    Answer::json(StatusCode::ACCEPTED, &view)
}

fn id(request: &Request) -> Result<NodeId, Problem> {
    request.id("node")
}
