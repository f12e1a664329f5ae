//! Data sets: import, look at a file before, list, show, chart, quality, rows, users, remove.

use actors::views::{
    BarsView, ConsumersView, DatasetView, InspectionView, PreviewView, QualityView,
    VerificationView,
};
use actors::{
    ActorsError, CALENDARS, ImportPlan, ImportRequest, ImportSource, InspectRequest, QualityQuery,
    SENT_BYTES_MAX,
};
use engine::config::Violation;
use engine::ids::DatasetId;
use std::time::Duration;

use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::data::{DerivedDto, InspectDatasetDto, NewDatasetDto};
use crate::dto::list::ListDto;
use crate::problem::{Problem, violation};
use crate::request::{Body, Request};
use crate::revision::etag;
use crate::spec::{Param, ParamKind, RateClass, RouteSpec, Verb};

use super::dataset_plan::{IMPORT, of_parameter, plan};
use super::{PAGED, handler};

const READ: &[Permission] = &[Permission::DataRead];
const WRITE: &[Permission] = &[Permission::DataWrite];
/// How long files may be parsed and snapshots decoded.
const LONG: Duration = Duration::from_secs(120);
const RAW_TYPES: &[&str] =
    &["text/csv", "application/vnd.apache.parquet", "application/octet-stream"];
const CHART: &[Param] = &[
    Param {
        name: "bins",
        kind: ParamKind::Integer(1, 5_000),
        meaning: "Most bars to return; 1000 where absent.",
    },
    Param {
        name: "instrument",
        kind: ParamKind::Text(120),
        meaning: "The instrument of a panel; its first where absent.",
    },
];
const QUALITY: &[Param] = &[
    Param {
        name: "calendar",
        kind: ParamKind::OneOf(&CALENDARS),
        meaning: "The calendar that the data should keep to; none where absent.",
    },
    Param {
        name: "split",
        kind: ParamKind::Text(2000),
        meaning: "A split to check: 0.7,0.15,30 (shares and bars purged), or train:2012-01-01..2018-12-31,valid:…,test:….",
    },
];
const PREVIEW: &[Param] = &[Param {
    name: "rows",
    kind: ParamKind::Integer(1, 100),
    meaning: "Rows of each end; 10 where absent.",
}];

pub(crate) fn routes() -> Vec<RouteSpec> {
    let mut import = RouteSpec::command(
        "/datasets",
        "Imports a file, or makes a data set of a synthetic market or of another one.",
        handler!(import),
    )
    .needs(WRITE)
    .rate(RateClass::Heavy)
    .query(IMPORT)
    .reads::<NewDatasetDto>()
    .raw(RAW_TYPES, SENT_BYTES_MAX)
    .answers::<DatasetView>(201);
    import.timeout = LONG;
    let mut inspect = RouteSpec::change(
        Verb::Post,
        "/datasets:inspect",
        "What an import of this file, or a data set made of another one, would hold; nothing is stored.",
        handler!(inspect),
    )
    .needs(WRITE)
    .query(IMPORT)
    .reads::<InspectDatasetDto>()
    .raw(RAW_TYPES, SENT_BYTES_MAX)
    .answers::<InspectionView>(200);
    inspect.timeout = LONG;
    let read = |path, summary, handler| {
        let mut read = RouteSpec::get(path, summary, handler).needs(READ);
        read.timeout = LONG;
        read
    };
    let mut verify = RouteSpec::change(
        Verb::Post,
        "/datasets/{id}:verify",
        "Hashes and decodes the snapshot anew.",
        handler!(verify),
    )
    .needs(READ)
    .answers::<VerificationView>(200);
    verify.timeout = LONG;
    vec![
        verify,
        RouteSpec::get("/datasets", "Data sets, newest first.", handler!(list))
            .needs(READ)
            .query(PAGED)
            .answers::<ListDto<DatasetView>>(200),
        import,
        inspect,
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
        read("/datasets/{id}/bars", "A chart of any kind of data.", handler!(bars))
            .query(CHART)
            .answers::<BarsView>(200),
        read("/datasets/{id}/quality", "What to know before relying on it.", handler!(quality))
            .query(QUALITY)
            .answers::<QualityView>(200),
        read("/datasets/{id}/preview", "First and last rows.", handler!(preview))
            .query(PREVIEW)
            .answers::<PreviewView>(200),
        read("/datasets/{id}/consumers", "Who uses it.", handler!(consumers))
            .answers::<ConsumersView>(200),
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
        Body::Json(_) | Body::None => made(&request)?,
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
    let plan = plan(query)?;
    let file_name = file_name(request, &name, format);
    Ok(ImportRequest { name, source: ImportSource::Bytes { file_name, bytes }, plan })
}

/// Returns the file's name, with the ending that tells its format.
fn file_name(request: &Request, name: &str, format: &str) -> String {
    let text = request.query.text("file").unwrap_or(name);
    let plain: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect();
    let suffix = format!(".{format}");
    if plain.to_lowercase().ends_with(&suffix) { plain } else { format!("{plain}{suffix}") }
}

fn made(request: &Request) -> Result<ImportRequest, Problem> {
    let NewDatasetDto { name, synthetic, from } = request.json()?;
    match (synthetic, from) {
        (Some(synthetic), None) => {
            let source = ImportSource::Synthetic { seed: synthetic.seed, rows: synthetic.rows };
            Ok(ImportRequest { name, source, plan: ImportPlan::default() })
        }
        (None, Some(from)) => {
            let (id, plan) = derived(from)?;
            Ok(ImportRequest { name, source: ImportSource::Dataset(id), plan })
        }
        (Some(_), Some(_)) => {
            let detail = "give `synthetic` or `from`, not both";
            let both = violation("/from", "not_allowed", detail).with("got", "both");
            Err(Problem::invalid(vec![both.with("allowed", vec!["synthetic", "from"])]))
        }
        (None, None) => {
            let detail = "give `synthetic` or `from`, or send a file as the body";
            Err(Problem::field("/synthetic", "missing_field", detail))
        }
    }
}

/// Returns the data set that another one is made of, and the plan of making it.
///
/// # Errors
/// `validation_failed` with every wrong word.
fn derived(from: DerivedDto) -> Result<(DatasetId, ImportPlan), Problem> {
    let (id, steps) = from.into_steps();
    let below =
        |wrong: Violation| Violation { pointer: format!("/from{}", wrong.pointer), ..wrong };
    steps.check().map_err(|errors| Problem::invalid(errors.into_iter().map(below).collect()))?;
    Ok((id, ImportPlan { steps, ..ImportPlan::default() }))
}

async fn inspect(request: Request) -> Handled {
    let datasets = &request.app.platform.datasets;
    let bytes = match &request.body {
        Body::Raw(bytes) => bytes,
        Body::Json(_) => {
            let InspectDatasetDto { from } = request.json()?;
            let (id, plan) = derived(from)?;
            return Answer::ok(&datasets.inspect_derived(id, plan).await?);
        }
        Body::None => {
            let detail = "send the file as the body, or JSON with `from`";
            return Err(Problem::field("", "missing_field", detail));
        }
    };
    let query = &request.query;
    let Some(format) = query.text("format") else {
        let detail = "query parameter format is required for a file";
        let found = violation("", "missing_field", detail).with("parameter", "format");
        return Err(Problem::invalid(vec![found]));
    };
    let file_name = file_name(&request, query.text("name").unwrap_or("file"), format);
    let wanted = InspectRequest { file_name, bytes: bytes.clone(), plan: plan(query)? };
    Answer::ok(&datasets.inspect(wanted).await?)
}

async fn verify(request: Request) -> Handled {
    Answer::ok(&request.app.platform.datasets.verify(id(&request)?).await?)
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
    let instrument = request.query.text("instrument").map(str::to_owned);
    let datasets = &request.app.platform.datasets;
    Answer::ok(&datasets.chart(id(&request)?, bins, instrument).await.map_err(asked)?)
}

async fn quality(request: Request) -> Handled {
    let (calendar, split) = (request.query.text("calendar"), request.query.text("split"));
    let query = QualityQuery::parse(calendar, split)
        .map_err(|errors| Problem::invalid(errors.into_iter().map(of_parameter).collect()))?;
    let datasets = &request.app.platform.datasets;
    Answer::ok(&datasets.quality(id(&request)?, query).await.map_err(asked)?)
}

async fn preview(request: Request) -> Handled {
    let rows = request.query.small("rows").unwrap_or(10);
    Answer::ok(&request.app.platform.datasets.preview(id(&request)?, rows).await?)
}

async fn consumers(request: Request) -> Handled {
    let platform = &request.app.platform;
    Answer::ok(&platform.datasets.consumers(id(&request)?, &platform.sessions).await?)
}

/// A refusal of what the query asked for names the parameter.
fn asked(error: ActorsError) -> Problem {
    let problem = Problem::from(error);
    let errors = problem.errors.into_iter().map(of_parameter).collect();
    Problem { errors, ..problem }
}

fn id(request: &Request) -> Result<DatasetId, Problem> {
    request.id("data set")
}

fn tagged(status: StatusCode, view: &DatasetView) -> Handled {
    Ok(Answer::json(status, view)?.header("etag", etag(view.revision)))
}
