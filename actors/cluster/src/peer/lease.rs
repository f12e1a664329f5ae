//! This node's lease, and the leader's answers to those of others.

use std::sync::Arc;

use tokio::sync::watch;

use super::Ground;
use super::ask::Admission;
use super::settings::PeerSettings;
use crate::control::{ControlHandle, RaftAdmin};
use crate::lease::book::Standing;
use crate::lease::keeper::Targets;
use crate::lease::{CtlCaller, Keeper, KeeperSettings, LeaseService, LeaseState, ServiceSettings};

/// Starts answering renewals.
pub(super) fn service(settings: &PeerSettings, control: &ControlHandle) -> Arc<LeaseService> {
    let (barrier, standing) = (control.clone(), control.clone());
    Arc::new(LeaseService::start(ServiceSettings {
        times: settings.lease_times,
        leadership: control.leadership(),
        barrier: Arc::new(move || {
            let control = barrier.clone();
            Box::pin(async move { control.barrier().await })
        }),
        standing: Arc::new(move |name| {
            standing.read(|state| {
                let node = state.nodes.get(name).filter(|node| node.member());
                let found = node.map(|node| Standing {
                    incarnation: node.incarnation,
                    boot_id: (node.raft_id != 0).then_some(node.profile.boot_id),
                    down: node.down_since_ms.is_some(),
                });
                (state.applied_index, found)
            })
        }),
        clock: Arc::clone(&settings.boot_clock),
    }))
}

/// Starts renewing this node's lease.
pub(super) fn keeper(
    settings: &Arc<PeerSettings>,
    incarnation: u64,
    ground: &Ground,
    control: &ControlHandle,
    admin: &RaftAdmin,
) -> Keeper {
    let caller =
        CtlCaller::new(settings.node.clone(), ground.client.clone(), Arc::clone(&ground.services));
    let (leadership, admin) = (control.leadership(), admin.clone());
    Keeper::start(KeeperSettings {
        node: settings.node.clone(),
        incarnation,
        boot_id: settings.boot_id,
        times: settings.lease_times,
        caller: Arc::new(caller),
        targets: Arc::new(move || Targets {
            leader: leadership.borrow().leader.clone(),
            voters: admin
                .members()
                .into_iter()
                .filter(|member| member.voter)
                .map(|member| member.node)
                .collect(),
        }),
        report: Arc::clone(&settings.report),
        clock: Arc::clone(&settings.boot_clock),
    })
}

/// Has this node admitted again when the cluster gave it up, and ends it when another process took its place.
pub(super) async fn watch(
    mut lease: watch::Receiver<LeaseState>,
    admission: Admission,
    control: ControlHandle,
    incarnation: u64,
    failure: Arc<watch::Sender<Option<String>>>,
) {
    loop {
        let (exit, readmit) = {
            let state = lease.borrow_and_update();
            (state.exit.clone(), state.readmit)
        };
        if let Some(reason) = exit {
            failure.send_replace(Some(reason.to_string()));
            return;
        }
        if readmit {
            match admission.again(&control, incarnation).await {
                Ok(()) => {}
                Err(error) => {
                    failure.send_replace(Some(error.to_string()));
                    return;
                }
            }
        }
        if lease.changed().await.is_err() {
            return;
        }
    }
}
