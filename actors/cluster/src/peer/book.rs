//! Where peers are reached: what was agreed upon, before that what the log's membership says, before that what was
//! written down or configured.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::control::{ControlHandle, RaftView};
use crate::net::AddressBook;

pub(super) struct Book {
    own: String,
    agreed: OnceLock<(ControlHandle, watch::Receiver<RaftView>)>,
    learnt: Mutex<BTreeMap<String, String>>,
}

impl Book {
    pub(super) fn new(own: &str) -> Self {
        Self { own: own.to_owned(), agreed: OnceLock::new(), learnt: Mutex::default() }
    }

    /// Notes an address for as long as nothing better is known.
    pub(super) fn learn(&self, node: &str, address: &str) {
        self.learnt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(node.to_owned(), address.to_owned());
    }

    /// Looks up what was agreed upon from now on.
    pub(super) fn follow(&self, control: ControlHandle, view: watch::Receiver<RaftView>) {
        // Once per start.
        drop(self.agreed.set((control, view)));
    }

    /// Returns everybody but this node, with addresses.
    pub(super) fn all(&self) -> BTreeMap<String, String> {
        let address = |node: String| self.address(&node).map(|address| (node, address));
        self.peers().into_iter().filter_map(address).collect()
    }
}

impl AddressBook for Book {
    fn address(&self, peer: &str) -> Option<String> {
        if let Some((control, view)) = self.agreed.get() {
            let agreed = control.read(|state| {
                let node = state.nodes.get(peer).filter(|node| node.member());
                node.map(|node| node.profile.cluster_address.clone())
            });
            if let Some(address) = agreed.filter(|address| !address.is_empty()) {
                return Some(address);
            }
            let view = view.borrow();
            if let Some(member) = view.members.iter().find(|member| member.node == peer) {
                return Some(member.address.clone());
            }
        }
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner).get(peer).cloned()
    }

    fn peers(&self) -> Vec<String> {
        let Some((control, view)) = self.agreed.get() else { return Vec::new() };
        let mut names: BTreeSet<String> = control.read(|state| {
            let members = state.nodes.iter().filter(|(_, node)| node.member());
            members.map(|(name, _)| name.to_owned()).collect()
        });
        if names.is_empty() {
            names.extend(view.borrow().members.iter().map(|member| member.node.clone()));
        }
        names.remove(&self.own);
        names.into_iter().collect()
    }
}
