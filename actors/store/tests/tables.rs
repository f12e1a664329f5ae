//! Tables number rows without gaps, store a repeated point once, and keep their bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;
use store::records::checkpoint::CheckpointRecord;
use store::records::session::StatusRecord;
use store::records::value::ValueRecord;
use store::tables::{LOG_LINES_MAX, NewLine, NewTransition, Point, value_id};
use store::{Journal, StoreError, Tables};

const SESSION: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn points(from: u64, to: u64) -> Vec<Point> {
    let name = |index: u64| if index.is_multiple_of(3) { "loss" } else { "q_mean" };
    let value = |index: u64| {
        (!index.is_multiple_of(5)).then(|| f64::from(u32::try_from(index).unwrap()) / 7.0)
    };
    (from..to)
        .map(|index| Point { name: name(index).into(), step: index * 10, value: value(index) })
        .collect()
}

fn opened(dir: &tempfile::TempDir) -> Tables {
    Tables::open(&Journal::open(&dir.path().join("journal")).unwrap())
}

#[tokio::test]
async fn repeated_points_are_stored_once_and_gaps_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let tables = opened(&dir);
    let metrics = &tables.metrics;
    metrics.append(&SESSION, 0, &points(0, 500), 5).await.unwrap();
    let again = metrics.append(&SESSION, 400, &points(400, 620), 6).await.unwrap();
    assert_eq!((again.first, again.stored, again.dropped, again.count), (500, 120, 100, 620));
    let known = metrics.append(&SESSION, 10, &points(10, 20), 7).await.unwrap();
    assert_eq!((known.stored, known.dropped, known.count), (0, 10, 620));
    let gap = metrics.append(&SESSION, 621, &points(621, 622), 8).await;
    assert!(matches!(gap, Err(StoreError::Refused { .. })));
    let found = metrics.read(&SESSION, 490, 1_000).unwrap();
    assert_eq!(found.len(), 130);
    assert!(found.iter().zip(490..).all(|(point, index)| point.index == index));
    let plain: Vec<Point> =
        metrics.read(&SESSION, 0, 10_000).unwrap().into_iter().map(|row| row.point).collect();
    assert_eq!(plain, points(0, 620));
    assert_eq!(metrics.count(&OTHER).unwrap(), 0);
}

#[tokio::test]
async fn counts_and_numbers_go_on_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3_u64 {
        let tables = opened(&dir);
        assert_eq!(tables.metrics.count(&SESSION).unwrap(), round * 7);
        tables
            .metrics
            .append(&SESSION, round * 7, &points(round * 7, round * 7 + 7), 1)
            .await
            .unwrap();
        let transition =
            NewTransition { at_ms: round, to: "running".into(), ..NewTransition::default() };
        let status = StatusRecord { revision: round, layout: 1, body: vec![9; 9_000] };
        let seq = tables.sessions.append(&SESSION, transition, Some(&status)).await.unwrap();
        assert_eq!(seq, round + 1);
        let line = NewLine { at_ms: 1, level: "info".into(), text: format!("round {round}") };
        assert_eq!(tables.logs.append(&SESSION, vec![line]).await.unwrap(), round + 1);
    }
    let tables = opened(&dir);
    assert_eq!(tables.sessions.transitions(&SESSION, 2, 10).unwrap().len(), 2);
    assert_eq!(tables.sessions.statuses().unwrap().len(), 1);
    assert_eq!(tables.sessions.status(&SESSION).unwrap().unwrap().revision, 2);
    assert_eq!(tables.logs.tail(&SESSION, 2).unwrap().last().unwrap().text, "round 2");
}

#[tokio::test]
async fn old_log_lines_make_room_and_long_ones_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let tables = opened(&dir);
    let line = |text: String| NewLine { at_ms: 1, level: "info".into(), text };
    for round in 0..6 {
        let lines =
            (0..LOG_LINES_MAX / 5).map(|number| line(format!("{round} {number}"))).collect();
        tables.logs.append(&SESSION, lines).await.unwrap();
    }
    tables.logs.append(&SESSION, vec![line("ü".repeat(5_000))]).await.unwrap();
    let all = tables.logs.read(&SESSION, 0, usize::MAX).unwrap();
    assert_eq!(all.len() as u64, LOG_LINES_MAX);
    assert_eq!(all.last().unwrap().text.len(), 3_500);
    assert_eq!(tables.logs.read(&SESSION, all.last().unwrap().seq - 1, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn checkpoints_and_values_read_back_and_a_removed_session_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let tables = opened(&dir);
    for step in [300, 100, 200] {
        let record = CheckpointRecord { step, ..CheckpointRecord::default() };
        tables.checkpoints.put(&SESSION, &record).await.unwrap();
    }
    let steps: Vec<u64> =
        tables.checkpoints.list(&SESSION).unwrap().iter().map(|record| record.step).collect();
    assert_eq!(steps, [100, 200, 300]);
    assert_eq!(tables.checkpoints.last(&SESSION).unwrap().unwrap().step, 300);
    let value = ValueRecord { layout: 1, body: vec![1, 2] };
    tables.values.put(7, &value_id("incarnation"), &value).await.unwrap();
    assert_eq!(tables.values.get(7, &value_id("incarnation")).unwrap(), Some(value.clone()));
    assert_eq!(tables.values.list(7).unwrap(), [(value_id("incarnation"), value)]);
    tables.values.delete(7, &value_id("incarnation")).await.unwrap();
    assert!(tables.values.list(7).unwrap().is_empty());
    tables.metrics.append(&SESSION, 0, &points(0, 3_000), 1).await.unwrap();
    tables.metrics.append(&OTHER, 0, &points(0, 10), 1).await.unwrap();
    tables.remove_session(&SESSION).await.unwrap();
    assert_eq!(tables.metrics.count(&SESSION).unwrap(), 0);
    assert_eq!(tables.metrics.count(&OTHER).unwrap(), 10);
    assert!(tables.checkpoints.list(&SESSION).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_overlapping_appends_give_the_series_once(
        sends in prop::collection::vec((0_u64..400, 0_u64..400), 1..12),
        from in 0_u64..500,
        limit in 1_usize..600,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let tables = opened(&dir);
        let mut count = 0_u64;
        for (back, len) in sends {
            let first = count.saturating_sub(back);
            let sent = points(first, first + len);
            runtime.block_on(tables.metrics.append(&SESSION, first, &sent, 1)).unwrap();
            count = count.max(first + len);
        }
        prop_assert_eq!(tables.metrics.count(&SESSION).unwrap(), count);
        let found: Vec<Point> =
            tables.metrics.read(&SESSION, from, limit).unwrap().into_iter().map(|row| row.point).collect();
        let end = count.min(from + limit as u64);
        prop_assert_eq!(found, points(from.min(end), end));
    }
}

#[tokio::test]
async fn what_was_read_elsewhere_is_restored_as_it_was() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (here, there) = (opened(&one), opened(&two));
    here.metrics.append(&SESSION, 0, &points(0, 500), 5).await.unwrap();
    here.metrics.append(&SESSION, 500, &points(500, 700), 9).await.unwrap();
    let trimmed = here.metrics.rows(&SESSION, 300, 333, 1_000).unwrap();
    let numbers = trimmed.iter().map(|row| (row.first, row.points.len()));
    assert_eq!(numbers.collect::<Vec<_>>(), [(300, 33)]);
    let rows = here.metrics.rows(&SESSION, 0, u64::MAX, 1_000).unwrap();
    assert_eq!(rows.iter().map(|row| row.points.len()).sum::<usize>(), 700);
    assert_eq!((rows[0].stored_at_ms, rows[rows.len() - 1].stored_at_ms), (5, 9));
    assert_eq!(here.metrics.rows(&SESSION, 0, u64::MAX, 2).unwrap(), rows[..2]);
    assert!(here.metrics.rows(&SESSION, 700, u64::MAX, 10).unwrap().is_empty());

    let line = |n: u64| NewLine { at_ms: n, level: "info".into(), text: format!("line {n}") };
    here.logs.append(&SESSION, (0..50).map(line).collect()).await.unwrap();
    let lines = here.logs.read(&SESSION, 0, 100).unwrap();
    there.logs.restore(&SESSION, &lines[..30]).await.unwrap();
    there.logs.restore(&SESSION, &lines[20..]).await.unwrap();
    assert_eq!(there.logs.read(&SESSION, 0, 100).unwrap(), lines);
    assert_eq!(there.logs.append(&SESSION, vec![line(50)]).await.unwrap(), 51);
}

#[tokio::test]
async fn what_was_lost_is_forgotten_and_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    {
        let tables = opened(&dir);
        tables.metrics.append(&SESSION, 0, &points(0, 500), 5).await.unwrap();
        tables.metrics.truncate(&SESSION, 600).await.unwrap();
        assert_eq!(tables.metrics.count(&SESSION).unwrap(), 500);
        tables.metrics.truncate(&SESSION, 190).await.unwrap();
        tables.metrics.truncate(&SESSION, 190).await.unwrap();
        let line = |n: u64| NewLine { at_ms: n, level: "info".into(), text: String::new() };
        tables.logs.append(&SESSION, (0..9).map(line).collect()).await.unwrap();
        tables.logs.truncate(&SESSION, 4).await.unwrap();
        assert_eq!(tables.logs.append(&SESSION, vec![line(9)]).await.unwrap(), 5);
    }
    let tables = opened(&dir);
    assert_eq!(tables.metrics.count(&SESSION).unwrap(), 190);
    let again = tables.metrics.append(&SESSION, 150, &points(150, 400), 8).await.unwrap();
    assert_eq!((again.dropped, again.count), (40, 400));
    let plain: Vec<Point> =
        tables.metrics.read(&SESSION, 0, 1_000).unwrap().into_iter().map(|row| row.point).collect();
    assert_eq!(plain, points(0, 400));
    assert_eq!(tables.logs.read(&SESSION, 0, 100).unwrap().len(), 5);
}
