//! What this node says of itself on file streams, and how it judges what peers say.

use crate::control::ControlHandle;
use crate::router::boot_ms;
use crate::transport::hello::{self, Hello, HelloRefusal, Identity, Known};

use super::settings::PeerSettings;

pub(super) struct Greeter {
    cluster: String,
    node: String,
    incarnation: u64,
    boot_id: u128,
    build: String,
    control: ControlHandle,
}

impl Greeter {
    pub(super) fn new(
        settings: &PeerSettings,
        cluster: &str,
        incarnation: u64,
        control: ControlHandle,
    ) -> Self {
        Self {
            cluster: cluster.to_owned(),
            node: settings.node.clone(),
            incarnation,
            boot_id: u128::from_be_bytes(settings.boot_id),
            build: settings.build.clone(),
            control,
        }
    }
}

impl Identity for Greeter {
    fn hello(&self) -> Hello {
        Hello {
            cluster_id: self.cluster.clone(),
            node_id: self.node.clone(),
            incarnation: self.incarnation,
            boot_id: self.boot_id,
            proto_min: hello::PROTOCOL.0,
            proto_max: hello::PROTOCOL.1,
            build: self.build.clone(),
            sent_at_ms: boot_ms(),
            extensions: Vec::new(),
        }
    }

    fn judge(&self, peer: &str, theirs: &Hello) -> Option<HelloRefusal> {
        let latest = self.control.read(|state| {
            let node = state.nodes.get(peer).filter(|node| node.member())?;
            Some((node.incarnation, u128::from_be_bytes(node.profile.boot_id)))
        });
        let known = Known { certificate: peer.to_owned(), latest };
        hello::refuse(&self.hello(), theirs, &known)
    }
}
