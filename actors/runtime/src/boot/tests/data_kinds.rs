//! Panels, trades, order books, derived sets and rubbish through the catalogue's handle.

use bytes::Bytes;
use engine::market::parse::DataKind;
use engine::market::quality::Check;

use super::data::blobs;
use super::*;
use crate::messages::data::InspectRequest;
use crate::views::VerifiedAs;
use crate::{ImportPlan, QualityQuery};

const PANEL: &str = "date,tic,open,high,low,close,volume\n\
    2024-01-01,A,10,12,9,11,5\n2024-01-01,B,20,22,19,21,5\n\
    2024-01-02,A,11,13,10,12,6\n\
    2024-01-03,A,12,14,11,13,7\n2024-01-03,B,21,23,20,22,6\n";
const TRADES: &str = "time,price,quantity,side\n1700000000000,10,1,buy\n\
    1700000001000,12,2,sell\n1700000002000,11,3,buy\n";
const BOOK: &str = "timestamp,bid1_price,bid1_size,ask1_price,ask1_size\n\
    1700000000000,99,1,101,2\n1700000001000,100,1,102,2\n";

fn file(name: &str, text: &str) -> ImportRequest {
    let bytes = Bytes::from(text.as_bytes().to_vec());
    let source = ImportSource::Bytes { file_name: format!("{name}.csv"), bytes };
    ImportRequest { name: name.to_owned(), source, plan: ImportPlan::default() }
}

fn planned(request: ImportRequest, change: impl FnOnce(&mut ImportPlan)) -> ImportRequest {
    let mut plan = request.plan.clone();
    change(&mut plan);
    ImportRequest { plan, ..request }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_stored_shown_and_there_after_a_restart() {
    let (dir, platform, running) = start().await;
    let import = |request| platform.datasets.import(command(), request);
    let panel = import(file("panel", PANEL)).await.unwrap();
    assert_eq!((panel.kind.as_str(), panel.rows, panel.instrument_count), ("panel", 5, 2));
    assert_eq!((panel.instrument.as_str(), panel.instruments.len()), ("2 instruments", 2));
    let trades = import(file("trades", TRADES)).await.unwrap();
    assert_eq!((trades.kind.as_str(), trades.dialect.as_deref()), ("trades", Some("trades")));
    let book = import(file("book", BOOK)).await.unwrap();
    assert_eq!((book.kind.as_str(), book.levels, book.rows), ("book", Some(1), 2));

    let (platform, _running) = restart(dir.path(), running).await;
    assert_eq!(platform.datasets.get(panel.id).await.unwrap(), panel);
    let chart = platform.datasets.chart(panel.id, 10, Some("B".to_owned())).await.unwrap();
    assert_eq!((chart.close, chart.kind), (vec![21.0, 22.0], DataKind::Panel));
    let unknown = platform.datasets.chart(panel.id, 10, Some("C".to_owned())).await.unwrap_err();
    assert_eq!(unknown.problem().errors[0].pointer, "/instrument");
    assert_eq!(platform.datasets.bars(trades.id, 10).await.unwrap().close, [10.0, 12.0, 11.0]);
    let chart = platform.datasets.bars(book.id, 10).await.unwrap();
    assert_eq!((chart.bid, chart.spread), (Some(vec![99.0, 100.0]), Some(vec![2.0, 2.0])));
    let rows = platform.datasets.preview(panel.id, 2).await.unwrap();
    assert_eq!((rows.rows, rows.first.len(), rows.last.len()), (5, 2, 2));
    let report = platform.datasets.quality(panel.id, QualityQuery::default()).await.unwrap();
    assert_eq!((report.rows, report.instrument_count), (5, 2));
    assert!(report.findings.iter().any(|finding| finding.code == Check::Completeness));
    let again = platform.datasets.quality(panel.id, QualityQuery::default()).await.unwrap();
    assert_eq!(again, report, "the kept report is the report");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_derived_set_names_its_parent_and_every_step() {
    let (_dir, platform, _running) = start().await;
    let parent = platform.datasets.import(command(), file("panel", PANEL)).await.unwrap();
    let wanted = planned(
        ImportRequest { source: ImportSource::Dataset(parent.id), ..synthetic("filled") },
        |plan| plan.steps.missing = Some("forward_fill:2".to_owned()),
    );
    let view = platform.datasets.import(same(4), wanted.clone()).await.unwrap();
    assert_eq!((view.rows, view.filled, view.synthetic), (6, 1, false));
    assert_eq!(view.parent_sha256.as_deref(), Some(parent.sha256.as_str()));
    assert_eq!(view.transformations.len(), 1, "{view:?}");
    assert!(view.source.contains("panel"), "{}", view.source);
    assert_eq!(platform.datasets.import(same(4), wanted).await.unwrap(), view);
    let used = platform.datasets.consumers(parent.id, &platform.sessions).await.unwrap();
    assert_eq!((used.session_count, used.datasets[0].id), (0, view.id));

    let gone = ImportRequest {
        source: ImportSource::Dataset(engine::ids::DatasetId::from_uuid(Uuid::nil())),
        ..synthetic("orphan")
    };
    let refused = platform.datasets.import(command(), gone).await.unwrap_err();
    assert!(matches!(refused, ActorsError::NotFound { .. }), "{refused}");
    let made = dataset(&platform, "made").await;
    let weekly = planned(
        ImportRequest { source: ImportSource::Dataset(made.id), ..synthetic("weekly") },
        |plan| plan.steps.resample = Some("1w".to_owned()),
    );
    let weekly = platform.datasets.import(command(), weekly).await.unwrap();
    assert!(weekly.synthetic, "what is made of a synthetic market is synthetic");
    assert!(weekly.rows < made.rows && weekly.interval_seconds > 86_400.0, "{weekly:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_downloaded_keeps_what_is_known_of_it() {
    let (_dir, platform, _running) = start().await;
    let looked_ahead = planned(file("panel", PANEL), |plan| {
        plan.steps.missing = Some("interpolate:2".to_owned());
        plan.steps.accept_look_ahead = true;
    });
    let first = platform.datasets.import(command(), looked_ahead).await.unwrap();
    assert!(first.looks_ahead && first.filled == 1, "{first:?}");
    let path = platform.datasets.snapshot(first.id).await.unwrap().path;
    let bytes = Bytes::from(std::fs::read(path).unwrap());
    let source = ImportSource::Bytes { file_name: "copy.parquet".to_owned(), bytes };
    let copy = ImportRequest { source, ..synthetic("copy") };
    let copy = platform.datasets.import(command(), copy).await.unwrap();
    assert_eq!(copy.sha256, first.sha256);
    assert!(copy.looks_ahead && copy.filled == 1, "{copy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_is_refused_with_its_place_and_leaves_nothing() {
    let (dir, platform, _running) = start().await;
    let before = blobs(dir.path());
    let good = platform.datasets.import(command(), file("panel", PANEL)).await.unwrap();
    let path = platform.datasets.snapshot(good.id).await.unwrap().path;
    let mut cut = std::fs::read(path).unwrap();
    cut.truncate(cut.len() - 7);
    let parquet = |bytes: Vec<u8>| ImportRequest {
        source: ImportSource::Bytes {
            file_name: "x.parquet".to_owned(),
            bytes: Bytes::from(bytes),
        },
        ..file("x", "")
    };
    let mixed = "time,price,quantity\n2024-01-01 00:00:00Z,1,1\n2024-01-01 00:00:01,1,1\n";
    let cases = [
        ("binary", file("x", "\u{0}\u{1}\u{7f}\u{0}"), None),
        ("cut off Parquet", parquet(cut), None),
        ("no Parquet", parquet(b"PAR1 and nothing".to_vec()), None),
        (
            "not a number",
            file("x", &PANEL.replace("11,13,10,12", "11,NaN,10,12")),
            Some((4, "high")),
        ),
        ("a negative price", file("x", &TRADES.replace(",12,", ",-12,")), Some((3, "price"))),
        (
            "a time twice",
            file("x", &PANEL.replace("2024-01-02,A", "2024-01-01,A")),
            Some((4, "date")),
        ),
        (
            "times that fall",
            file("x", &BOOK.replace("1700000001000", "1600000001000")),
            Some((3, "time")),
        ),
        ("mixed zones", file("x", mixed), Some((3, "time"))),
        ("a crossed book", file("x", &BOOK.replace(",102,", ",99,")), Some((3, "ask1_price"))),
    ];
    for (what, request, place) in cases {
        let problem = platform.datasets.import(command(), request).await.unwrap_err().problem();
        let error = problem.errors.first().unwrap_or_else(|| panic!("{what}: {problem:?}"));
        assert!(error.params["file"].as_str().unwrap().starts_with('x'), "{what}: {error:?}");
        if let Some((line, column)) = place {
            assert_eq!(
                (error.params.get("line"), error.params.get("column")),
                (Some(&json!(line)), Some(&json!(column))),
                "{what}: {error:?}"
            );
        }
    }
    assert_eq!(platform.datasets.list(0, None).await.unwrap().items.len(), 1);
    assert_eq!(blobs(dir.path()), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_file_stores_nothing() {
    let (dir, platform, _running) = start().await;
    let before = blobs(dir.path());
    let ask = |text: &str, plan: ImportPlan| {
        let bytes = Bytes::from(text.as_bytes().to_vec());
        platform.datasets.inspect(InspectRequest { file_name: "x.csv".to_owned(), bytes, plan })
    };
    let good = ask(PANEL, ImportPlan::default()).await.unwrap();
    assert_eq!(good.data.unwrap().kind, DataKind::Panel);
    let one = ImportPlan { kind: Some(DataKind::Bars), ..ImportPlan::default() };
    let several = ask(PANEL, one).await.unwrap();
    assert!(!several.ok && several.errors[0].detail.contains("instrument"), "{several:?}");
    assert!(platform.datasets.list(0, None).await.unwrap().items.is_empty());
    assert_eq!(blobs(dir.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_an_older_program_is_shown_as_one_instruments_bars() {
    let old = json!({
        "name": "old", "kind": "bars", "instrument": "BTC", "interval_seconds": 86400.0, "rows": 3,
        "from": "2024-01-01T00:00:00Z", "to": "2024-01-03T00:00:00Z", "sha256": "00", "size_bytes": 1,
        "source": "bars.csv", "synthetic": false, "columns": ["time_ms"], "warnings": [], "command": "00",
    });
    let document: crate::data::document::DatasetDocument = serde_json::from_value(old).unwrap();
    assert_eq!((document.instrument_count, document.looks_ahead), (None, false));
    let stored = crate::documents::Stored {
        id: engine::ids::DatasetId::from_uuid(Uuid::nil()).to_string(),
        value: document,
        revision: 1,
        created_ms: 0,
        updated_ms: 0,
    };
    let view = crate::data::document::view(&stored).unwrap();
    assert_eq!((view.instruments, view.instrument_count), (vec!["BTC".to_owned()], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_verified_and_what_is_wrong_with_it_is_told() {
    let (_dir, platform, _running) = start().await;
    let view = platform.datasets.import(command(), file("panel", PANEL)).await.unwrap();
    let verify = || platform.datasets.verify(view.id);
    let good = verify().await.unwrap();
    assert!(good.ok && good.found == VerifiedAs::Good, "{good:?}");
    assert_eq!((good.rows, good.size_bytes, good.next.as_str()), (5, view.size_bytes, ""));
    let path = platform.datasets.snapshot(view.id).await.unwrap().path;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let damaged = verify().await.unwrap();
    assert!(!damaged.ok && damaged.found == VerifiedAs::Damaged, "{damaged:?}");
    assert!(damaged.next.contains("equal content repairs"), "{damaged:?}");
    let again = ImportRequest { name: "again".to_owned(), ..file("panel", PANEL) };
    platform.datasets.import(command(), again).await.unwrap();
    assert!(verify().await.unwrap().ok, "equal content heals it");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(verify().await.unwrap().found, VerifiedAs::Missing);
    let none = engine::ids::DatasetId::from_uuid(Uuid::nil());
    assert!(matches!(platform.datasets.verify(none).await, Err(ActorsError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_a_derived_set_stores_nothing_and_says_what_cannot_be() {
    let (dir, platform, _running) = start().await;
    let parent = platform.datasets.import(command(), file("panel", PANEL)).await.unwrap();
    let before = blobs(dir.path());
    let mut plan = ImportPlan::default();
    plan.steps.missing = Some("forward_fill:2".to_owned());
    let view = platform.datasets.inspect_derived(parent.id, plan.clone()).await.unwrap();
    assert_eq!((view.ok, view.file.as_str(), view.format.as_str()), (true, "panel", "dataset"));
    let data = view.data.unwrap();
    assert_eq!((data.rows, data.filled, data.transformations.len()), (6, 1, 1));
    plan.steps.instruments = vec!["C".to_owned()];
    let view = platform.datasets.inspect_derived(parent.id, plan.clone()).await.unwrap();
    assert!(!view.ok && view.errors[0].detail.contains('C'), "{view:?}");
    plan.steps.resample = Some("hourly".to_owned());
    assert!(platform.datasets.inspect_derived(parent.id, plan).await.is_err());
    assert_eq!(platform.datasets.list(0, None).await.unwrap().items.len(), 1);
    assert_eq!(blobs(dir.path()), before);
    let child = ImportRequest { source: ImportSource::Dataset(parent.id), ..synthetic("child") };
    let child = planned(child, |plan| plan.steps.missing = Some("drop".to_owned()));
    let child = platform.datasets.import(same(5), child).await.unwrap();
    let users = platform.datasets.consumers(child.id, &platform.sessions).await.unwrap();
    assert_eq!(users.made_of.iter().map(|one| one.id).collect::<Vec<_>>(), [parent.id]);
}
