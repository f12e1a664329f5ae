//! A sliding window kept as two stacks of sums, so that values leave without being subtracted.
//!
//! New values are added to the sum of the newer half. When the older half is used up, the sums of all suffixes of the
//! window are formed anew and become the older half. The sum of the window is that of both halves; each value is added
//! at most twice. Each half measures its values from an anchor that lies in the window as long as the half is in use:
//! the first value of the newer half, the last of the older one. So the sums are of the size of the spread of the
//! window, whatever its level, and no jump that has left it is remembered.
//!
//! Source of the two stacks: Tangwongsan, Hirzel, Schneider 2017, "Low-latency sliding-window aggregation in worst-case
//! constant time" (DEBS), section 2 (the two-stacks baseline).

/// Sums over items measured from an anchor.
pub(super) trait Sums: Copy {
    /// What is summed.
    type Item: Copy;
    /// Sums over nothing.
    const NOTHING: Self;
    /// Adds one item.
    fn add(&mut self, item: &Self::Item, anchor: &Self::Item);
}

/// One half of the window.
pub(super) struct Half<'a, S: Sums> {
    pub(super) count: usize,
    pub(super) anchor: &'a S::Item,
    pub(super) sums: &'a S,
}

/// The last `len` items.
#[derive(Debug, Clone)]
pub(super) struct Halves<S: Sums> {
    len: usize,
    /// Sums of the suffixes of the older half; the last is that of what is left of it.
    older: Vec<S>,
    older_anchor: Option<S::Item>,
    /// Items of the newer half, in order.
    newer: Vec<S::Item>,
    newer_sums: S,
}

impl<S: Sums> Halves<S> {
    pub(super) fn new(len: usize) -> Self {
        let len = len.max(1);
        Self {
            len,
            older: Vec::with_capacity(len),
            older_anchor: None,
            newer: Vec::with_capacity(len),
            newer_sums: S::NOTHING,
        }
    }

    pub(super) fn push(&mut self, item: S::Item) {
        if self.count() == self.len {
            self.drop_oldest();
        }
        let anchor = self.newer.first().copied().unwrap_or(item);
        self.newer_sums.add(&item, &anchor);
        self.newer.push(item);
    }

    fn drop_oldest(&mut self) {
        if self.older.is_empty() {
            self.older_anchor = self.newer.last().copied();
            if let Some(anchor) = self.older_anchor {
                let mut sums = S::NOTHING;
                for item in self.newer.iter().rev() {
                    sums.add(item, &anchor);
                    self.older.push(sums);
                }
            }
            self.newer.clear();
            self.newer_sums = S::NOTHING;
        }
        self.older.pop();
    }

    pub(super) fn clear(&mut self) {
        self.older.clear();
        self.newer.clear();
        self.newer_sums = S::NOTHING;
    }

    pub(super) fn count(&self) -> usize {
        self.older.len() + self.newer.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.count() == self.len
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn last(&self) -> Option<&S::Item> {
        self.newer.last()
    }

    /// Returns the halves that hold anything.
    pub(super) fn parts(&self) -> [Option<Half<'_, S>>; 2] {
        let older = self.older.last().zip(self.older_anchor.as_ref());
        let older = older.map(|(sums, anchor)| Half { count: self.older.len(), anchor, sums });
        let newer = self.newer.first();
        let newer =
            newer.map(|anchor| Half { count: self.newer.len(), anchor, sums: &self.newer_sums });
        [older, newer]
    }
}
