//! The ctl plane over pipes: names come from the connection, deadlines hold at both ends, connections come back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cluster::ctl::{CtlClient, CtlError, MESSAGE_BYTES_MAX, Service, Services, serve};
use cluster::net::Boxed;
use cluster::testkit::MemoryNet;

const SOON: Duration = Duration::from_secs(20);

/// Answers with who asked and what; counts what it began and what it finished.
#[derive(Default)]
struct Echo {
    begun: AtomicU64,
    finished: AtomicU64,
}

impl Service for Echo {
    fn call(
        &self,
        caller: &str,
        method: &str,
        body: Vec<u8>,
    ) -> Boxed<'_, Result<Vec<u8>, CtlError>> {
        let (caller, method) = (caller.to_owned(), method.to_owned());
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match method.as_str() {
                "echo/whole" => Ok(body),
                "echo/never" => {
                    std::future::pending::<()>().await;
                    self.finished.fetch_add(1, Ordering::SeqCst);
                    Ok(Vec::new())
                }
                "echo/huge" => Ok(vec![0; MESSAGE_BYTES_MAX + 1]),
                "echo/no" => Err(CtlError::refused("not_today", "ask \u{fc}bermorgen")),
                _ => Ok(format!("{caller} {method}").into_bytes()),
            }
        })
    }
}

fn start(net: &MemoryNet, name: &str) -> (CtlClient, Arc<Echo>) {
    let (node, ports) = net.join(name);
    let (services, echo) = (Services::new(), Arc::new(Echo::default()));
    services.register("echo", Arc::clone(&echo) as Arc<dyn Service>);
    tokio::spawn(serve(ports.ctl, services));
    (CtlClient::new(Arc::clone(&node) as _, node), echo)
}

#[tokio::test]
async fn an_answer_names_the_caller_of_the_connection_and_carries_up_to_four_mebibytes() {
    let net = MemoryNet::default();
    let ((one, _), (_two, _)) = (start(&net, "n-1"), start(&net, "n-2"));
    assert_eq!(one.call("n-2", "echo/name", vec![], SOON).await.unwrap(), b"n-1 echo/name");
    for size in [0, 1, 100_000, MESSAGE_BYTES_MAX] {
        let body = vec![7; size];
        assert_eq!(one.call("n-2", "echo/whole", body.clone(), SOON).await.unwrap(), body);
    }
    let calls = (0..200_u32).map(|number| {
        let one = one.clone();
        tokio::spawn(async move {
            let body = number.to_be_bytes().to_vec();
            assert_eq!(one.call("n-2", "echo/whole", body.clone(), SOON).await.unwrap(), body);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn refusals_and_limits_arrive_as_what_they_are() {
    let net = MemoryNet::default();
    let ((one, _), (_two, _)) = (start(&net, "n-1"), start(&net, "n-2"));
    let refused = CtlError::refused("not_today", "ask \u{fc}bermorgen");
    assert_eq!(one.call("n-2", "echo/no", vec![], SOON).await, Err(refused));
    assert_eq!(one.call("n-2", "echo/huge", vec![], SOON).await, Err(CtlError::TooLarge));
    let body = vec![0; MESSAGE_BYTES_MAX + 1];
    assert_eq!(one.call("n-2", "echo/whole", body, SOON).await, Err(CtlError::TooLarge));
    let unknown = one.call("n-2", "nobody/at", vec![], SOON).await;
    assert!(matches!(unknown, Err(CtlError::Refused { code, .. }) if code == "unknown_method"));
    let absent = one.call("n-9", "echo/whole", vec![], SOON).await.unwrap_err();
    assert!(absent.never_sent(), "{absent:?}");
}

#[tokio::test]
async fn a_deadline_ends_the_call_at_both_ends() {
    let net = MemoryNet::default();
    let ((one, _), (_two, echo)) = (start(&net, "n-1"), start(&net, "n-2"));
    for _ in 0..20 {
        let ended = one.call("n-2", "echo/never", vec![], Duration::from_millis(30)).await;
        assert_eq!(ended, Err(CtlError::Deadline));
    }
    // The connection is still good, and nothing that was given up goes on.
    assert_eq!(one.call("n-2", "echo/whole", vec![1], SOON).await.unwrap(), [1]);
    assert!(echo.begun.load(Ordering::SeqCst) > 1);
    assert_eq!(echo.finished.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_cut_is_a_deadline_and_healing_or_a_restart_brings_the_connection_back() {
    let net = MemoryNet::default();
    let ((one, _), (_two, _)) = (start(&net, "n-1"), start(&net, "n-2"));
    let short = Duration::from_millis(200);
    assert_eq!(one.call("n-2", "echo/whole", vec![1], SOON).await.unwrap(), [1]);
    // One way is enough: the question arrives, the answer does not.
    net.cut("n-2", "n-1");
    assert_eq!(one.call("n-2", "echo/whole", vec![2], short).await, Err(CtlError::Deadline));
    net.heal("n-2", "n-1");
    assert_eq!(one.call("n-2", "echo/whole", vec![3], SOON).await.unwrap(), [3]);
    // A process that is killed and comes back is dialled again.
    net.leave("n-2");
    let gone = one.call("n-2", "echo/whole", vec![4], SOON).await;
    assert!(matches!(gone, Err(CtlError::Unreachable { .. })), "{gone:?}");
    let (_two, _) = start(&net, "n-2");
    let mut back = one.call("n-2", "echo/whole", vec![5], SOON).await;
    for _ in 0..100 {
        if back.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        back = one.call("n-2", "echo/whole", vec![5], SOON).await;
    }
    assert_eq!(back.unwrap(), [5]);
}

#[tokio::test]
async fn silence_is_found_out_while_idle_and_the_next_call_dials_anew() {
    let net = MemoryNet::default();
    let ((one, _), (_two, _)) = (start(&net, "n-1"), start(&net, "n-2"));
    assert_eq!(one.call("n-2", "echo/whole", vec![1], SOON).await.unwrap(), [1]);
    net.isolate("n-2");
    // After the pings' time the connection is given up: the next call fails in dialling, so nothing was sent.
    let mut never_sent = false;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let failed =
            one.call("n-2", "echo/whole", vec![2], Duration::from_secs(3)).await.unwrap_err();
        never_sent |= failed.never_sent();
        if never_sent {
            break;
        }
    }
    assert!(never_sent);
    net.heal_all();
    assert_eq!(one.call("n-2", "echo/whole", vec![3], SOON).await.unwrap(), [3]);
}
