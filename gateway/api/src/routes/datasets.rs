//! Data sets: import, list, show, remove.

use actors::views::{BarsView, DatasetView};
use actors::{ImportRequest, ImportSource};
use engine::ids::DatasetId;
use engine::market::parse::CsvMapping;
use serde_json::{Map, Value};
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::data::NewDatasetDto;
use crate::dto::list::ListDto;
use crate::problem::{Problem, violation};
use crate::request::{Body, Request};
use crate::revision::etag;
use crate::spec::{Param, ParamKind, RateClass, RouteSpec, Verb};

use super::{PAGED, handler};

const READ: &[Permission] = &[Permission::DataRead];
const WRITE: &[Permission] = &[Permission::DataWrite];
/// Largest file sent in one request.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
const RAW_TYPES: &[&str] =
    &["text/csv", "application/vnd.apache.parquet", "application/octet-stream"];
const IMPORT: &[Param] = &[
    Param {
        name: "name",
        kind: ParamKind::Text(120),
        meaning: "Name of the data set; files only.",
    },
    Param {
        name: "file",
        kind: ParamKind::Text(200),
        meaning: "Name of the file, for messages and the record of where the data came from.",
    },
    Param {
        name: "instrument",
        kind: ParamKind::Text(80),
        meaning: "The instrument to take, or its name.",
    },
    Param {
        name: "format",
        kind: ParamKind::OneOf(&["csv", "parquet"]),
        meaning: "Format of the file.",
    },
    Param {
        name: "map.",
        kind: ParamKind::Prefix(120),
        meaning: "Columns by part, as map.close=Last; found if absent.",
    },
];
const BINS: &[Param] = &[Param {
    name: "bins",
    kind: ParamKind::Integer(1, 5_000),
    meaning: "Most bars to return; 1000 where absent.",
}];

pub(crate) fn routes() -> Vec<RouteSpec> {
    let mut import = RouteSpec::command(
        "/datasets",
        "Imports a file, or makes a synthetic market.",
        handler!(import),
    )
    .needs(WRITE)
    .rate(RateClass::Heavy)
    .query(IMPORT)
    .reads::<NewDatasetDto>()
    .raw(RAW_TYPES, FILE_BYTES_MAX)
    .answers::<DatasetView>(201);
    import.timeout = std::time::Duration::from_secs(120);
    vec![
        RouteSpec::get("/datasets", "Data sets, newest first.", handler!(list))
            .needs(READ)
            .query(PAGED)
            .answers::<ListDto<DatasetView>>(200),
        import,
        RouteSpec::get("/datasets/{id}", "One data set.", handler!(get))
            .needs(READ)
            .answers::<DatasetView>(200),
        RouteSpec::change(
            Verb::Delete,
            "/datasets/{id}",
            "Forgets a data set nothing uses.",
            handler!(remove),
        )
        .needs(WRITE)
        .edits()
        .answers_nothing(),
        RouteSpec::get("/datasets/{id}/bars", "Bars for a chart.", handler!(bars))
            .needs(READ)
            .query(BINS)
            .answers::<BarsView>(200),
    ]
}

async fn list(request: Request) -> Handled {
    let (limit, after) = request.page()?;
    let page = request.app.platform.datasets.list(limit, after).await?;
    request.list(page.items, page.next)
}

async fn import(request: Request) -> Handled {
    let wanted = match &request.body {
        Body::Raw(bytes) => file(&request, bytes.clone())?,
        Body::Json(_) | Body::None => synthetic(&request)?,
    };
    let view = request.app.platform.datasets.import(request.command(None)?, wanted).await?;
    let location = format!("/api/v1/datasets/{}", view.id);
    Ok(tagged(StatusCode::CREATED, &view)?.header("location", location))
}

fn file(request: &Request, bytes: bytes::Bytes) -> Result<ImportRequest, Problem> {
    let query = &request.query;
    let (name, format) = match (query.text("name"), query.text("format")) {
        (Some(name), Some(format)) => (name.to_owned(), format),
        (name, format) => {
            let absent = [("name", name), ("format", format)]
                .into_iter()
                .filter(|(_, value)| value.is_none());
            let errors = absent.map(|(parameter, _)| {
                let detail = format!("query parameter {parameter} is required for a file");
                violation("", "missing_field", detail).with("parameter", parameter)
            });
            return Err(Problem::invalid(errors.collect()));
        }
    };
    let mut mapping: Map<String, Value> = query
        .with_prefix("map.")
        .map(|(part, column)| (part.to_owned(), Value::from(column)))
        .collect();
    if let Some(instrument) = query.text("instrument") {
        mapping.insert("instrument".to_owned(), Value::from(instrument));
    }
    let mapping: CsvMapping = serde_json::from_value(Value::Object(mapping)).map_err(|error| {
        let known = match serde_json::to_value(CsvMapping::default()) {
            Ok(Value::Object(fields)) => fields.keys().cloned().collect::<Vec<_>>(),
            Ok(_) | Err(_) => Vec::new(),
        };
        let found = violation("", "unknown_field", format!("query parameters map.*: {error}"));
        Problem::invalid(vec![found.with("parameter", "map.").with("allowed", known)])
    })?;
    let plain: String = query
        .text("file")
        .unwrap_or(&name)
        .chars()
        .map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    let suffix = format!(".{format}");
    let file_name =
        if plain.to_lowercase().ends_with(&suffix) { plain } else { format!("{plain}{suffix}") };
    Ok(ImportRequest { name, source: ImportSource::Bytes { file_name, bytes }, mapping })
}

fn synthetic(request: &Request) -> Result<ImportRequest, Problem> {
    let NewDatasetDto { name, synthetic } = request.json()?;
    let source = ImportSource::Synthetic { seed: synthetic.seed, rows: synthetic.rows };
    Ok(ImportRequest { name, source, mapping: CsvMapping::default() })
}

async fn get(request: Request) -> Handled {
    tagged(StatusCode::OK, &request.app.platform.datasets.get(id(&request)?).await?)
}

async fn remove(request: Request) -> Handled {
    let command = request.command(None)?;
    request.app.platform.datasets.remove(command, id(&request)?, request.revision).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

async fn bars(request: Request) -> Handled {
    let bins = request.query.small("bins").unwrap_or(1000);
    Answer::ok(&request.app.platform.datasets.bars(id(&request)?, bins).await?)
}

fn id(request: &Request) -> Result<DatasetId, Problem> {
    request.id("data set")
}

fn tagged(status: StatusCode, view: &DatasetView) -> Handled {
    Ok(Answer::json(status, view)?.header("etag", etag(view.revision)))
}
