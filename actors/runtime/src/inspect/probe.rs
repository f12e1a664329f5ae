//! How long an actor's mailbox keeps a message now: a cheap question is put in at its end, and its answer is waited for.
//!
//! Mailboxes are worked off in order, so this is the age of the oldest message there, and the time of one cheap answer.
//! Actors that take no cheap question are not measured.

use std::time::Duration;

use engine::ids::SessionId;
use ractor::rpc::CallResult;
use ractor::{ActorRef, Message, RpcReplyPort};
use tokio::time::Instant;
use uuid::Uuid;

use crate::directory::Directory;
use crate::messages::data::DataMsg;
use crate::messages::identity::IdentityMsg;
use crate::messages::library::LibraryMsg;
use crate::messages::metrics::MetricsMsg;
use crate::messages::nodes::NodesMsg;
use crate::messages::scheduler::SchedulerMsg;
use crate::messages::sessions::SessionsMsg;
use crate::messages::topics::TopicsMsg;
use crate::messages::{self, CommandId};

/// Nobody is waited for longer.
const PROBE_MAX: Duration = Duration::from_secs(1);

/// Returns how long the actor called `name` took to come to a question, ms; the limit where it took longer.
pub(super) async fn queue_age_ms(directory: &Directory, name: &str) -> Option<u64> {
    match name {
        messages::topics::NAME => {
            probe(directory, name, |reply| TopicsMsg::GetStatus { reply }).await
        }
        messages::metrics::NAME => {
            // Nobody's session: nothing is read from the disk for it.
            let session = SessionId::from_uuid(Uuid::nil());
            probe(directory, name, |reply| MetricsMsg::Count { session, reply }).await
        }
        messages::library::NAME => {
            let id = CommandId::random();
            probe(directory, name, |reply| LibraryMsg::Remembers { id, reply }).await
        }
        messages::data::NAME => {
            probe(directory, name, |reply| DataMsg::Find { name: String::new(), reply }).await
        }
        messages::identity::NAME => {
            probe(directory, name, |reply| IdentityMsg::UserCount { reply }).await
        }
        messages::sessions::NAME => {
            probe(directory, name, |reply| SessionsMsg::Queue { reply }).await
        }
        messages::nodes::NAME => probe(directory, name, |reply| NodesMsg::Standing { reply }).await,
        messages::scheduler::NAME => {
            probe(directory, name, |reply| SchedulerMsg::Capacity { reply }).await
        }
        _ => None,
    }
}

async fn probe<M: Message, T: Send + 'static>(
    directory: &Directory,
    name: &str,
    question: impl FnOnce(RpcReplyPort<T>) -> M + Send,
) -> Option<u64> {
    let actor = ActorRef::<M>::from(directory.lookup(name)?);
    let begun = Instant::now();
    let waited = || u64::try_from(begun.elapsed().as_millis()).ok();
    match actor.call(question, Some(PROBE_MAX)).await {
        Ok(CallResult::Success(_)) => waited(),
        Ok(CallResult::Timeout) => u64::try_from(PROBE_MAX.as_millis()).ok(),
        Ok(CallResult::SenderError) | Err(_) => None,
    }
}
