//! Live topics: newest values, event logs, curves and text lines for those who watch.
//!
//! Route: `MetricPoint`, `SessionView`, … → **topics** → `ServerFrame`. The hub is shared memory with limits, so that
//! publishers never wait and slow readers cost nothing; this actor keeps house.

pub(crate) mod conflate;
pub(crate) mod hub;
pub(crate) mod names;
pub(crate) mod ring;
pub(crate) mod series;
pub(crate) mod text;
pub(crate) mod updates;
