//! Algorithms, schemas, defaults, and checking a configuration without saving it.

use engine::config::rules::warnings;
use engine::config::schema;
use engine::config::{
    ALGORITHMS, SessionConfig, StrategyConfig, Violation, hash, strategy, validate,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::configs::{AlgorithmDto, ConfigKindDto, ValidateDto, ValidatedDto};
use crate::problem::Problem;
use crate::request::Request;
use crate::spec::{Audit, RateClass, RouteSpec, Verb};

use super::handler;

const READ: &[Permission] = &[Permission::StrategyRead];

pub(crate) fn routes() -> Vec<RouteSpec> {
    let mut check = RouteSpec::change(
        Verb::Post,
        "/configs:validate",
        "Checks a configuration and saves nothing.",
        handler!(check),
    )
    .needs(READ)
    .rate(RateClass::Read)
    .reads::<ValidateDto>()
    .answers::<ValidatedDto>(200);
    check.audit = Audit::None;
    vec![
        RouteSpec::get(
            "/algorithms",
            "What can decide: learning algorithms and rules.",
            handler!(algorithms),
        )
        .needs(READ)
        .answers::<Vec<AlgorithmDto>>(200),
        RouteSpec::get(
            "/schemas/strategy/{algo}",
            "JSON Schema of a strategy.",
            handler!(strategy_schema),
        )
        .needs(READ)
        .answers::<Map<String, Value>>(200),
        RouteSpec::get(
            "/schemas/strategy/{algo}/defaults",
            "Defaults of a strategy.",
            handler!(strategy_defaults),
        )
        .needs(READ)
        .answers::<StrategyConfig>(200),
        RouteSpec::get(
            "/schemas/session/{kind}",
            "JSON Schema of a session.",
            handler!(session_schema),
        )
        .needs(READ)
        .answers::<Map<String, Value>>(200),
        RouteSpec::get(
            "/schemas/session/{kind}/defaults",
            "Defaults of a session.",
            handler!(session_defaults),
        )
        .needs(READ)
        .answers::<SessionConfig>(200),
        check,
    ]
}

async fn algorithms(_: Request) -> Handled {
    let list = ALGORITHMS.iter().map(|found| AlgorithmDto {
        id: found.id.to_owned(),
        name: found.name.to_owned(),
        learns: found.learns,
        tasks: found.tasks.iter().map(|task| (*task).to_owned()).collect(),
    });
    Answer::ok(&list.collect::<Vec<_>>())
}

async fn strategy_schema(request: Request) -> Handled {
    let algorithm = request.param("algo");
    Answer::ok(&schema::strategy_for(algorithm).ok_or_else(|| unknown("algorithm", algorithm))?)
}

async fn strategy_defaults(request: Request) -> Handled {
    let algorithm = request.param("algo");
    Answer::ok(&strategy::defaults(algorithm).ok_or_else(|| unknown("algorithm", algorithm))?)
}

async fn session_schema(request: Request) -> Handled {
    let kind = request.param("kind");
    Answer::ok(&schema::session_for(kind).ok_or_else(|| unknown("session kind", kind))?)
}

async fn session_defaults(request: Request) -> Handled {
    let kind = request.param("kind");
    Answer::ok(&SessionConfig::of(kind).ok_or_else(|| unknown("session kind", kind))?)
}

fn unknown(what: &str, name: &str) -> Problem {
    Problem::not_found(&format!("{what} {name}"))
}

async fn check(request: Request) -> Handled {
    let ValidateDto { kind, config } = request.json()?;
    let result = match kind {
        ConfigKindDto::Strategy => match validate::strategy(&config) {
            Ok(strategy) => accepted(&strategy, warnings(&strategy), Some(hash(&strategy)))?,
            Err(errors) => refused(errors),
        },
        ConfigKindDto::Session => match validate::session(&config) {
            Ok(session) => accepted(&session, Vec::new(), None)?,
            Err(errors) => refused(errors),
        },
    };
    Answer::ok(&result)
}

fn accepted<T: Serialize>(
    config: &T,
    warnings: Vec<Violation>,
    hash: Option<String>,
) -> Result<ValidatedDto, Problem> {
    let effective = serde_json::to_value(config).map_err(|error| {
        Problem::new(
            engine::error::ErrorCode::Internal,
            format!("the configuration cannot be shown: {error}"),
        )
    })?;
    Ok(ValidatedDto { ok: true, errors: Vec::new(), warnings, effective: Some(effective), hash })
}

fn refused(errors: Vec<Violation>) -> ValidatedDto {
    ValidatedDto { ok: false, errors, warnings: Vec::new(), effective: None, hash: None }
}
