//! The leader is killed under load, again and again: how long until another leads and a command is accepted, and
//! whether everything that clients were told is possible (linearizability), nothing lost, nothing done twice.
//! `make leader-kill` measures it: `TM_LEADER_KILLS` kills (2 in the ordinary test run), `TM_CAMPAIGN_SEED`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod cluster_kit;

use std::time::{Duration, Instant};

use cluster_kit::client::{Ask, Client};
use cluster_kit::load::Load;
use cluster_kit::site::{Plan, Site};
use cluster_kit::{DEADLINE, Random, boot_ns, median_and_worst, say, seconds, setting};
use serde_json::json;

/// How often the survivors are asked who leads.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Waits until something is so; a campaign that hangs says where.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(60);

/// Asks the survivors in turn to add something until one has accepted it; returns when.
async fn first_accepted(client: Client, urls: Vec<String>, name: String) -> u64 {
    let body =
        json!({"name": name, "description": "", "config": {"agent": {"algorithm": "do_nothing"}}});
    let ask = Ask::post("/api/v1/strategies", &body).within(Duration::from_secs(5));
    let begun = Instant::now();
    let mut turn = 0;
    while begun.elapsed() < ACCEPTED_WITHIN {
        let reply = client.send(&urls[turn % urls.len()], &ask).await;
        if reply.is_ok_and(|reply| reply.is_ok()) {
            return boot_ns();
        }
        turn += 1;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    panic!("no survivor accepted a command within {ACCEPTED_WITHIN:?}");
}

/// Waits until a survivor names another leader; returns when.
async fn next_leader(site: &Site, survivors: &[usize], killed: usize) -> u64 {
    let begun = Instant::now();
    loop {
        for survivor in survivors {
            let leader = site.leader(&[*survivor]).await;
            if leader.is_some_and(|leader| leader != killed) {
                return boot_ns();
            }
        }
        if DEADLINE < begun.elapsed() {
            site.fail("nobody leads");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_with_its_leader() {
    let mut random = Random::seeded("TM_CAMPAIGN_SEED");
    let seed = random.0;
    let kills = setting("TM_LEADER_KILLS").unwrap_or(2);
    let mut site = Site::start(Plan::new(3, 40, 20, 10)).await;
    let urls: Vec<String> = site.nodes.iter().map(|node| node.url.clone()).collect();
    let all: Vec<usize> = (0..site.nodes.len()).collect();
    let (mut elected, mut accepted) = (Vec::new(), Vec::new());
    let mut histories = Vec::new();
    for kill in 0..kills {
        let load_seed = seed.wrapping_add(kill);
        let load = Load::start(&site.client, &urls, load_seed, 150).await;
        tokio::time::sleep(Duration::from_millis(1_500 + random.below(2_000))).await;
        let leader = site.leader(&all).await.unwrap();
        let survivors: Vec<usize> = all.iter().copied().filter(|node| *node != leader).collect();
        let doors = survivors.iter().map(|node| urls[*node].clone()).collect();
        let killed_ns = boot_ns();
        site.kill(leader);
        let name = format!("added-first-{load_seed}");
        let first = tokio::spawn(first_accepted(site.client.same_login(), doors, name));
        let leads_ns = next_leader(&site, &survivors, leader).await;
        let accepted_ns = first.await.unwrap();
        elected.push(seconds(killed_ns, leads_ns));
        accepted.push(seconds(killed_ns, accepted_ns));
        site.launch(leader);
        site.whole(DEADLINE).await;
        let history = load.finish().await;
        say(&format!(
            "kill {} of {kills}: {} led; another after {:.2} s, a command accepted after {:.2} s",
            kill + 1,
            site.nodes[leader].name,
            elected[elected.len() - 1],
            accepted[accepted.len() - 1]
        ));
        let wrong = history.violations(&site.client, &urls, load_seed).await;
        assert!(wrong.is_empty(), "seed {seed}, kill {}: {wrong:#?}", kill + 1);
        histories.push(history);
    }
    let mut lost = Vec::new();
    for history in &histories {
        for url in &urls {
            lost.extend(history.faults_of_set(&site.client, url).await);
        }
    }
    assert!(lost.is_empty(), "seed {seed}, in the end: {lost:#?}");
    let (elected, accepted) = (median_and_worst(&elected), median_and_worst(&accepted));
    say(&format!(
        "leader killed {kills} times under load (seed {seed}): new leader median {:.2} s, worst {:.2} s; first accepted \
         command median {:.2} s, worst {:.2} s",
        elected.0, elected.1, accepted.0, accepted.1
    ));
}
