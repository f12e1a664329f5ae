//! What REST shows of a session after it moved: its metric series, its checkpoints, and where it says that it resumed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::effects::{Commits, Committed};
use super::site::Site;

/// Returns the committed checkpoints that a node still lists, in the order in which they were committed.
pub async fn committed(site: &Site, node: usize, session: &str) -> Option<Vec<Committed>> {
    let page = site.look(node, &format!("/api/v1/sessions/{session}/checkpoints")).await?;
    let one = |row: &Value| {
        let sha256 = row["sha256"].as_str()?.to_owned();
        Some(Committed { step: row["step"].as_u64()?, sha256 })
    };
    // The newest comes first.
    page["items"].as_array()?.iter().rev().map(one).collect()
}

/// Adds what a node lists to what was seen before; old ones leave the list.
pub async fn note_commits(site: &Site, node: usize, session: &str, commits: &mut Commits) {
    let Some(listed) = committed(site, node, session).await else { return };
    let known = commits.entry(session.to_owned()).or_default();
    for commit in listed {
        if !known.contains(&commit) {
            known.push(commit);
        }
    }
}

/// Returns every raw point of a session as (index, name, step).
pub async fn points(site: &Site, node: usize, session: &str) -> Vec<(u64, String, u64)> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/sessions/{session}/metrics?raw=true&limit=500{after}");
        let page = site.get(node, &path).await;
        for row in page["items"].as_array().unwrap() {
            let number = |field: &str| row[field].as_u64().unwrap();
            all.push((number("index"), row["name"].as_str().unwrap().to_owned(), number("step")));
        }
        match page["next_cursor"].as_str() {
            Some(next) if !page["items"].as_array().unwrap().is_empty() => {
                after = format!("&after={next}");
            }
            Some(_) | None => return all,
        }
    }
}

/// Returns what is wrong with a series of a worker that tells one point of each name per step.
pub fn faults(points: &[(u64, String, u64)]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut last = 0;
    for (position, (index, name, step)) in points.iter().enumerate() {
        if *index != position as u64 {
            faults.push(format!("point {position} has index {index}"));
        }
        if !seen.insert((name.as_str(), *step)) {
            faults.push(format!("{name} of step {step} is there twice"));
        }
        if *step != last + 1 {
            faults.push(format!("step {step} follows step {last}"));
        }
        last = *step;
    }
    faults.truncate(5);
    faults
}

/// Returns the lines of a session's log that say where it resumed.
pub async fn marks(site: &Site, node: usize, session: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page =
            site.get(node, &format!("/api/v1/sessions/{session}/logs?limit=500{after}")).await;
        let rows = page["items"].as_array().cloned().unwrap_or_default();
        let texts = rows.iter().filter_map(|row| row["text"].as_str());
        found.extend(texts.filter(|text| text.contains("resumed from")).map(str::to_owned));
        // A log may always go on: it ends where nothing more is there now.
        match page["next_cursor"].as_str() {
            Some(next) if !rows.is_empty() => after = format!("&after={next}"),
            Some(_) | None => return found,
        }
    }
}

/// Returns whether a session has ended.
pub fn is_terminal(session: &Value) -> bool {
    matches!(session["state"].as_str(), Some("completed" | "failed" | "stopped"))
}

/// Returns whether a session works and has taken a step.
pub fn is_at_work(session: &Value) -> bool {
    session["state"] == "running"
        && session["progress"]["step"].as_u64().is_some_and(|step| 0 < step)
}
