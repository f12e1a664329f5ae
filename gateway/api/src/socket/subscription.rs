//! What one subscription tells: snapshot in parts, deltas, gaps, ends. Pure: updates in, frames out.

use actors::{Start, Subscription, TopicUpdate};
use serde_json::{Map, Value};

use super::frames::ServerFrame;

/// Snapshots larger than this come in several frames.
pub(crate) const PART_BYTES: usize = 256 * 1024;

/// Containers that may be cut: maps by key, lists by item.
const CONTAINERS: [&str; 4] = ["rows", "series", "items", "lines"];

/// Returns the frames that begin a subscription.
pub(crate) fn begin(sid: u32, subscription: &mut Subscription) -> Vec<ServerFrame> {
    let epoch = subscription.epoch.clone();
    let seq = subscription.seq;
    match std::mem::replace(&mut subscription.start, Start::Resumed) {
        Start::Resumed => vec![ServerFrame::SubOk { sid, epoch, seq, mode: "resumed" }],
        Start::Snapshot(data) => {
            let mut frames = vec![ServerFrame::SubOk { sid, epoch, seq, mode: "snapshot" }];
            frames.extend(snapshot(sid, seq, data));
            frames
        }
    }
}

/// Returns the frames of one update, and the newest `seq` the client has after them.
pub(crate) fn next(sid: u32, update: TopicUpdate) -> (Vec<ServerFrame>, Option<u64>) {
    match update {
        TopicUpdate::Delta { from, seq, ts_ms, data } => (
            vec![ServerFrame::Delta { sid, from, seq, ts: actors::rfc3339(ts_ms), data }],
            Some(seq),
        ),
        TopicUpdate::Snapshot { seq, data } => (snapshot(sid, seq, data), Some(seq)),
        TopicUpdate::Gap { last, next, reason } => {
            (vec![ServerFrame::Gap { sid, last, next, reason }], Some(next.saturating_sub(1)))
        }
        TopicUpdate::End { code } => (vec![ServerFrame::End { sid, code }], None),
    }
}

/// Returns a snapshot in parts of at most [`PART_BYTES`], as far as its rows allow.
fn snapshot(sid: u32, seq: u64, data: Value) -> Vec<ServerFrame> {
    let parts = split(data, PART_BYTES);
    let last = parts.len().saturating_sub(1);
    let frame = |(index, data)| ServerFrame::Snap { sid, seq, more: index < last, data };
    parts.into_iter().enumerate().map(frame).collect()
}

/// Cuts the container of a snapshot; the other fields stand in every part.
fn split(data: Value, limit: usize) -> Vec<Value> {
    if size(&data) <= limit {
        return vec![data];
    }
    let Value::Object(mut fields) = data else { return vec![data] };
    let Some(name) = CONTAINERS.into_iter().find(|name| fields.contains_key(*name)) else {
        return vec![Value::Object(fields)];
    };
    let container = fields.remove(name).unwrap_or_default();
    let part = |content: Value| {
        let mut part = fields.clone();
        part.insert(name.to_owned(), content);
        Value::Object(part)
    };
    match container {
        Value::Object(rows) => {
            let weigh = |(key, value): &(String, Value)| key.len() + 4 + size(value);
            groups(rows.into_iter(), limit, weigh)
                .into_iter()
                .map(|rows| part(Value::Object(Map::from_iter(rows))))
                .collect()
        }
        Value::Array(items) => {
            let weigh = |item: &Value| 1 + size(item);
            groups(items.into_iter(), limit, weigh)
                .into_iter()
                .map(|items| part(Value::Array(items)))
                .collect()
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            vec![part(plain)]
        }
    }
}

fn groups<T>(
    items: impl Iterator<Item = T>,
    limit: usize,
    weigh: impl Fn(&T) -> usize,
) -> Vec<Vec<T>> {
    let mut groups = vec![Vec::new()];
    let mut filled = 0;
    for item in items {
        let weight = weigh(&item);
        if filled + weight > limit && filled > 0 {
            groups.push(Vec::new());
            filled = 0;
        }
        filled += weight;
        if let Some(group) = groups.last_mut() {
            group.push(item);
        }
    }
    groups
}

fn size(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_large_snapshot_comes_in_parts_that_together_are_the_whole() {
        let rows: Map<String, Value> =
            (0..100).map(|n| (format!("k{n:03}"), json!("x".repeat(90)))).collect();
        let parts = split(json!({"rows": rows, "stride": 4}), 1000);
        assert!(parts.len() > 5);
        let mut joined = Map::new();
        for part in &parts {
            assert!(size(part) < 1200);
            assert_eq!(part["stride"], 4);
            joined.extend(part["rows"].as_object().unwrap().clone());
        }
        assert_eq!(joined, rows);
    }

    #[test]
    fn lists_keep_their_order_and_a_single_large_row_goes_alone() {
        let items: Vec<Value> = (0..50).map(|n| json!({"seq": n})).collect();
        let parts = split(json!({"items": items}), 100);
        let joined: Vec<Value> =
            parts.iter().flat_map(|part| part["items"].as_array().unwrap().clone()).collect();
        assert_eq!(joined, items);
        assert_eq!(split(json!({"rows": {"a": "x".repeat(500)}}), 100).len(), 1);
        assert_eq!(split(json!({"rows": {}}), 1).len(), 1);
    }

    #[test]
    fn only_the_last_part_says_that_nothing_follows() {
        let rows: Map<String, Value> =
            (0..40).map(|n| (n.to_string(), json!("x".repeat(20_000)))).collect();
        let frames = snapshot(3, 9, json!({"rows": rows}));
        let more: Vec<bool> = frames
            .iter()
            .map(|frame| matches!(frame, ServerFrame::Snap { more: true, seq: 9, .. }))
            .collect();
        assert!(more.len() > 2);
        assert!(more[..more.len() - 1].iter().all(|more| *more) && !more[more.len() - 1]);
    }

    #[test]
    fn after_a_gap_the_client_stands_before_the_next_item() {
        let (frames, seq) = next(2, TopicUpdate::Gap { last: 900, next: 2951, reason: "ring" });
        assert_eq!(
            frames,
            vec![ServerFrame::Gap { sid: 2, last: 900, next: 2951, reason: "ring" }]
        );
        assert_eq!(seq, Some(2950));
    }
}
