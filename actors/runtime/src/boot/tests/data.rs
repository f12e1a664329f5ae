//! Data sets through their handle.

use bytes::Bytes;
use engine::ids::DatasetId;

use super::*;
use crate::messages::data::{DataMsg, NAME};

const GOOD: &str = "date,open,high,low,close,volume\n\
    2024-01-01,10,12,9,11,5\n2024-01-02,11,13,10,12,6\n2024-01-03,12,14,11,13,7\n";

fn sent(name: &str, text: &str) -> ImportRequest {
    let bytes = Bytes::from(text.as_bytes().to_vec());
    ImportRequest {
        source: ImportSource::Bytes { file_name: "bars.csv".to_owned(), bytes },
        ..synthetic(name)
    }
}

pub(super) fn blobs(dir: &Path) -> usize {
    let folders = std::fs::read_dir(dir.join("data/blobs")).unwrap();
    folders
        .map(|folder| folder.unwrap().path())
        .filter(|folder| folder.is_dir() && !folder.ends_with("tmp"))
        .map(|folder| std::fs::read_dir(folder).unwrap().count())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_file_becomes_a_snapshot() {
    let (dir, platform, running) = start().await;
    let view = platform.datasets.import(same(1), sent("BTC", GOOD)).await.unwrap();
    assert_eq!((view.rows, view.source.as_str(), view.synthetic), (3, "bars.csv", false));
    assert_eq!(platform.datasets.import(same(1), sent("BTC", GOOD)).await.unwrap(), view);
    let bars = platform.datasets.bars(view.id, 100).await.unwrap();
    assert_eq!(bars.close, [11.0, 12.0, 13.0]);
    let path = platform.datasets.snapshot(view.id).await.unwrap().path;
    assert_eq!(store::BlobHash::of(&std::fs::read(path).unwrap()).to_string(), view.sha256);
    let (platform, _running) = restart(dir.path(), running).await;
    assert_eq!(platform.datasets.find("btc").await.unwrap(), Some(view));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_comes_back_otherwise_is_refused_even_after_a_restart() {
    let (dir, platform, running) = start().await;
    let view = platform.datasets.import(same(1), sent("BTC", GOOD)).await.unwrap();
    let made = platform.datasets.import(same(2), synthetic("made")).await.unwrap();
    let (platform, _running) = restart(dir.path(), running).await;
    let mut mapped = crate::ImportPlan::default();
    mapped.options.mapping.close = Some("open".to_owned());
    let mut cut = crate::ImportPlan::default();
    cut.steps.to = Some("2024-01-02".to_owned());
    let others = [
        (1, sent("ETH", GOOD)),
        (1, sent("BTC", &GOOD.replace("11,5", "11,6"))),
        (1, ImportRequest { plan: mapped, ..sent("BTC", GOOD) }),
        (1, ImportRequest { plan: cut, ..sent("BTC", GOOD) }),
        (1, synthetic("BTC")),
        (
            2,
            ImportRequest {
                source: ImportSource::Synthetic { seed: 8, rows: 300 },
                ..synthetic("made")
            },
        ),
    ];
    for (number, other) in others {
        let refused = platform.datasets.import(same(number), other.clone()).await.unwrap_err();
        assert!(matches!(refused, ActorsError::IdempotencyMismatch { .. }), "{other:?}: {refused}");
    }
    assert_eq!(platform.datasets.import(same(1), sent("BTC", GOOD)).await.unwrap(), view);
    assert_eq!(platform.datasets.import(same(2), synthetic("made")).await.unwrap(), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_again_heals_a_damaged_snapshot() {
    let (_dir, platform, _running) = start().await;
    let view = platform.datasets.import(command(), sent("BTC", GOOD)).await.unwrap();
    let path = platform.datasets.snapshot(view.id).await.unwrap().path;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(platform.datasets.bars(view.id, 10).await.is_err());
    platform.datasets.import(command(), sent("BTC again", GOOD)).await.unwrap();
    assert_eq!(platform.datasets.bars(view.id, 10).await.unwrap().close, [11.0, 12.0, 13.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_named_to_the_cell_and_leaves_nothing() {
    let (dir, platform, _running) = start().await;
    let before = blobs(dir.path());
    let cases = [
        ("high below low", GOOD.replace("14,11,13", "10,11,13"), "/file"),
        ("not a number", GOOD.replace("12,14", "twelve,14"), "/file"),
        ("times fall", GOOD.replace("2024-01-03", "2023-01-03"), "/file"),
        ("no close", GOOD.replace("close", "clsoe"), "/mapping"),
        ("nothing", String::new(), "/file"),
        ("only a header", "date,open,high,low,close\n".to_owned(), "/file"),
        ("binary", "\u{0}\u{1}\u{2}PNG".to_owned(), "/file"),
    ];
    for (what, text, pointer) in cases {
        let problem =
            platform.datasets.import(command(), sent("bad", &text)).await.unwrap_err().problem();
        assert_eq!(problem.errors.len(), 1, "{what}: {problem:?}");
        assert!(
            ["/file", "/mapping"].contains(&problem.errors[0].pointer.as_str()),
            "{what} {pointer}: {problem:?}"
        );
        assert_eq!(problem.errors[0].params["file"], json!("bars.csv"), "{what}");
    }
    let problem = platform
        .datasets
        .import(command(), sent("bad", &GOOD.replace("12,14", "twelve,14")))
        .await
        .unwrap_err()
        .problem();
    assert_eq!(
        (&problem.errors[0].params["line"], &problem.errors[0].params["column"]),
        (&json!(4), &json!("open"))
    );
    assert!(platform.datasets.list(0, None).await.unwrap().items.is_empty());
    assert_eq!(blobs(dir.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_read_and_missing_ones_refused() {
    let (dir, platform, _running) = start().await;
    std::fs::write(dir.path().join("data.csv"), GOOD).unwrap();
    let from =
        |path: PathBuf| ImportRequest { source: ImportSource::Path(path), ..synthetic("file") };
    let view = platform.datasets.import(command(), from(dir.path().to_owned())).await.unwrap();
    assert_eq!((view.rows, view.source.as_str()), (3, "data.csv"));
    let refused = platform.datasets.import(
        command(),
        ImportRequest { name: "none".to_owned(), ..from(dir.path().join("none.csv")) },
    );
    let problem = refused.await.unwrap_err().problem();
    assert_eq!(problem.errors[0].pointer, "/path");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_refused_and_equal_content_is_not() {
    let (dir, platform, _running) = start().await;
    let first = dataset(&platform, "one").await;
    let refused = platform.datasets.import(command(), synthetic(" ONE")).await.unwrap_err();
    assert!(
        matches!(&refused, ActorsError::Conflict { params, .. } if params["id"] == json!(first.id)),
        "{refused}"
    );
    let second = dataset(&platform, "two").await;
    assert_eq!(first.sha256, second.sha256);
    assert!(first.synthetic && first.source == "synthetic seed 7", "{first:?}");
    assert!(blobs(dir.path()) >= 1);
    let rows = platform.datasets.import(
        command(),
        ImportRequest {
            source: ImportSource::Synthetic { seed: 1, rows: 3 },
            ..synthetic("three")
        },
    );
    assert!(matches!(rows.await, Err(ActorsError::Invalid { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_imports_under_one_name_at_once_one_stays_and_the_others_leave_nothing() {
    for seeds in [[1, 2, 3], [4, 4, 4]] {
        let (dir, platform, _running) = start().await;
        let before = blobs(dir.path());
        let imports = seeds.map(|seed| {
            let platform = platform.clone();
            let source = ImportSource::Synthetic { seed, rows: 20_000 };
            let request = ImportRequest { source, ..synthetic("contested") };
            tokio::spawn(async move { platform.datasets.import(command(), request).await })
        });
        let mut taken = Vec::new();
        for import in imports {
            match import.await.unwrap() {
                Ok(view) => taken.push(view),
                Err(error) => assert!(matches!(error, ActorsError::Conflict { .. }), "{error}"),
            }
        }
        assert_eq!(taken.len(), 1, "{seeds:?}");
        assert_eq!(blobs(dir.path()), before + 1, "{seeds:?}");
        assert_eq!(platform.datasets.bars(taken[0].id, 10).await.unwrap().close.len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_when_nothing_uses_it_and_the_name_is_free_again() {
    let (_dir, platform, _running) = start().await;
    let first = dataset(&platform, "one").await;
    let refused = platform.datasets.remove(command(), first.id, Some(9)).await.unwrap_err();
    assert!(
        matches!(refused, ActorsError::StaleRevision { wanted: 9, current: 1, .. }),
        "{refused}"
    );
    platform.datasets.remove(same(3), first.id, Some(1)).await.unwrap();
    platform.datasets.remove(same(3), first.id, Some(1)).await.unwrap();
    let refused = platform.datasets.remove(command(), first.id, None).await.unwrap_err();
    assert!(matches!(refused, ActorsError::NotFound { .. }), "{refused}");
    assert_ne!(dataset(&platform, "one").await.id, first.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_while_a_session_refers_to_it() {
    let (_dir, platform, _running) = start().await;
    let data = dataset(&platform, "used").await;
    let strategy = strategy(&platform, "learner").await;
    let wanted = crate::NewSession {
        name: "run".to_owned(),
        strategy_id: Some(strategy.id),
        strategy_version: None,
        dataset_id: data.id,
        config: json!({"kind": "training"}),
        resources: None,
        priority: 0,
        tags: Vec::new(),
        wishes: crate::Wishes::default(),
    };
    let session = platform.sessions.submit(command(), wanted).await.unwrap();
    let refused = platform.datasets.remove(command(), data.id, None).await.unwrap_err();
    let named = session.id.to_string();
    assert!(matches!(&refused, ActorsError::InUse { by, .. } if by.contains(&named)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_during_imports_leaves_whole_data_sets_or_none() {
    let (_dir, platform, running) = start().await;
    let kept = dataset(&platform, "kept").await;
    let importing = tokio::spawn({
        let platform = platform.clone();
        async move { platform.datasets.import(same(9), synthetic("crossed")).await }
    });
    running.directory.get::<DataMsg>(NAME).unwrap().cast(DataMsg::Crash).unwrap();
    let first = importing.await.unwrap();
    assert!(
        !matches!(first, Err(ActorsError::Store { .. } | ActorsError::Internal { .. })),
        "{first:?}"
    );
    let again = answered(|| platform.datasets.import(same(9), synthetic("crossed"))).await;
    assert_eq!(again.rows, 300);
    assert_eq!(answered(|| platform.datasets.get(kept.id)).await, kept);
    assert!(matches!(
        platform.datasets.get(DatasetId::from_uuid(Uuid::nil())).await,
        Err(ActorsError::NotFound { .. })
    ));
}
