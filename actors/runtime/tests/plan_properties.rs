//! What is wanted of plans, each as a sentence, over random clusters. `src/scheduler/README.md` lists them.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod planning;

use std::collections::{BTreeMap, BTreeSet};

use actors::planning::{
    Class, Gang, Picture, Placed, Plan, Quota, Quotas, Reason, Rules, Scope, SessionPicture, plan,
    rebalance,
};
use engine::ids::SessionId;
use proptest::prelude::*;

use planning::{
    NOW_MS, clusters, cpu, gpu, ids, node, over_capacity, over_quota, rules, session, standing,
};

fn planned(picture: &Picture) -> Plan {
    plan(picture, &rules(), NOW_MS)
}

fn reason(plan: &Plan, number: u128) -> &Reason {
    let id = session(number, cpu(1)).id;
    &plan.waits.iter().find(|wait| wait.session == id).unwrap().reason
}

fn placed(session: &mut SessionPicture, node: &str, since_ms: u64) {
    session.placed = Some(Placed { node: node.parse().unwrap(), since_ms });
    session.waiting_since_ms = since_ms;
}

fn find(picture: &Picture, id: SessionId) -> &SessionPicture {
    picture.sessions.iter().find(|session| session.id == id).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_placed_above_capacity_minus_reserve(mut picture in clusters()) {
        let before = over_capacity(&picture);
        picture.apply(&planned(&picture), NOW_MS);
        prop_assert_eq!(over_capacity(&picture), before);
    }

    #[test]
    fn nothing_is_placed_above_a_quota(mut picture in clusters()) {
        let before = over_quota(&picture);
        picture.apply(&planned(&picture), NOW_MS);
        prop_assert_eq!(over_quota(&picture), before);
    }

    #[test]
    fn the_plan_does_not_depend_on_the_order_of_input(picture in clusters(), by in 0..40_usize) {
        let mut other = picture.clone();
        let sessions = other.sessions.len().max(1);
        other.sessions.rotate_left(by % sessions);
        other.sessions[..sessions / 2].reverse();
        other.nodes.reverse();
        prop_assert_eq!(planned(&picture), planned(&other));
    }

    #[test]
    fn planning_twice_changes_nothing(mut picture in clusters()) {
        let first = planned(&picture);
        picture.apply(&first, NOW_MS);
        let second = planned(&picture);
        prop_assert!(second.place.is_empty(), "{:?}", second.place);
        prop_assert!(second.evict.is_empty(), "{:?}", second.evict);
        prop_assert_eq!(second.waits, first.waits, "and the reasons stand");
    }

    #[test]
    fn everybody_is_either_placed_or_told_why_not(picture in clusters()) {
        let plan = planned(&picture);
        let waiting: BTreeSet<_> =
            picture.sessions.iter().filter(|one| one.waits()).map(|one| one.id).collect();
        let mut answered: Vec<_> = plan.place.iter().map(|one| one.session).collect();
        answered.extend(plan.waits.iter().map(|one| one.session));
        prop_assert_eq!(answered.len(), waiting.len());
        prop_assert_eq!(answered.into_iter().collect::<BTreeSet<_>>(), waiting);
        let positions: Vec<u32> = plan.waits.iter().map(|wait| wait.position).collect();
        prop_assert!(positions.iter().copied().eq(1..=u32::try_from(positions.len()).unwrap()));
    }

    #[test]
    fn a_session_goes_only_where_it_may(picture in clusters()) {
        let plan = planned(&picture);
        for placing in &plan.place {
            let session = find(&picture, placing.session);
            let node = picture.nodes.iter().find(|node| node.name == placing.node).unwrap();
            prop_assert!(node.open && !session.avoid.contains(&node.name));
            prop_assert!(session.target.as_ref().is_none_or(|target| *target == node.name));
            prop_assert!(session.not_before_ms.is_none_or(|until| until <= NOW_MS));
            let requires = &session.requires;
            prop_assert!(requires.role.as_ref().is_none_or(|role| node.roles.contains(role)));
            for (label, value) in &requires.labels {
                prop_assert_eq!(node.labels.get(label), Some(value));
            }
            for (dimension, until) in &node.excluded_until {
                prop_assert!(*until <= NOW_MS || session.need.get(*dimension) == 0);
            }
            prop_assert!(session.need.gpus == 0 || 0 < node.capacity.gpus);
        }
    }

    #[test]
    fn losing_a_node_moves_only_its_own_sessions(mut picture in clusters(), which in 0..6_usize) {
        picture.apply(&planned(&picture), NOW_MS);
        if picture.nodes.is_empty() { return Ok(()); }
        let lost = picture.nodes.remove(which % picture.nodes.len()).name;
        let mut moving: BTreeSet<SessionId> = BTreeSet::new();
        for session in &mut picture.sessions {
            let here = session.placed.as_ref().is_some_and(|placed| placed.node == lost);
            if here {
                session.placed = None;
                session.evicting = false;
            }
            if session.waits() {
                moving.insert(session.id);
            }
        }
        let plan = planned(&picture);
        prop_assert!(plan.place.iter().all(|placing| moving.contains(&placing.session)));
        // Others are told to leave only where somebody of higher priority needs the room.
        for eviction in &plan.evict {
            let victim = find(&picture, eviction.session);
            let by = find(&picture, eviction.for_session);
            prop_assert!((victim.class, victim.priority) < (by.class, by.priority));
        }
    }

    #[test]
    fn a_gang_is_placed_whole_or_not_at_all(mut picture in clusters()) {
        picture.apply(&planned(&picture), NOW_MS);
        let mut gangs: BTreeMap<Gang, (u32, u32)> = BTreeMap::new();
        for session in &picture.sessions {
            if let Some(gang) = session.gang {
                let (there, waiting) = gangs.entry(gang).or_default();
                if session.waits() { *waiting += 1 } else { *there += 1 }
            }
        }
        for (gang, (there, waiting)) in gangs {
            prop_assert!(there == 0 || waiting == 0, "{gang:?}: {there} placed, {waiting} not");
        }
    }

    #[test]
    fn only_lower_and_preemptible_sessions_are_told_to_leave_and_never_live_trading(
        picture in clusters(),
    ) {
        for eviction in planned(&picture).evict {
            let victim = find(&picture, eviction.session);
            let by = find(&picture, eviction.for_session);
            prop_assert!(victim.preemptible && !victim.waits() && !victim.evicting);
            prop_assert!(!matches!(victim.class, Class::Live | Class::Guard));
            prop_assert!(victim.gang.is_none_or(|gang| gang.size == 1) && by.waits());
            prop_assert!((victim.class, victim.priority) < (by.class, by.priority));
        }
    }

    #[test]
    fn once_those_told_to_leave_have_left_somebody_they_left_for_starts(mut picture in clusters()) {
        // Of one owner without quota: otherwise it may be another's turn once somebody has less. Nobody waited too
        // long: who did takes what comes first. Nobody was told to leave for other reasons: those may come back in
        // front. And gangs of unlike members may pack themselves differently.
        picture.quotas = Quotas::default();
        for session in &mut picture.sessions {
            session.evicting = false;
            session.gang = None;
            session.waiting_since_ms = session.placed.as_ref().map_or(NOW_MS, |at| at.since_ms);
            session.owner = "ann".to_owned();
            session.team = None;
        }
        let plan = planned(&picture);
        picture.apply(&plan, NOW_MS);
        let for_whom: BTreeSet<_> = plan.evict.iter().map(|one| one.for_session).collect();
        for session in &mut picture.sessions {
            if session.evicting {
                let waited = session.placed.as_ref().unwrap().since_ms - session.waiting_since_ms;
                session.placed = None;
                session.evicting = false;
                session.waiting_since_ms = NOW_MS - waited;
            }
        }
        let after = planned(&picture);
        let started: BTreeSet<_> = after.place.iter().map(|one| one.session).collect();
        // Several may pack themselves differently once all have left; one alone starts, and of several at least one.
        let some = for_whom.is_empty() || !for_whom.is_disjoint(&started);
        prop_assert!(some, "{for_whom:?} left for, {started:?} started");
        let again: Vec<_> = after.evict.iter().filter(|one| for_whom.contains(&one.session)).collect();
        prop_assert!(again.is_empty(), "a session told to leave does the same in return");
    }

    #[test]
    fn at_equal_need_the_higher_priority_is_never_left_behind(
        priorities in prop::collection::vec((0..4_i32, 0..3_usize), 1..30), cores in 1..20_u64,
    ) {
        let classes = [Class::Backtest, Class::Training, Class::Paper];
        let mut picture = Picture { majority: true, ..Picture::default() };
        picture.nodes = vec![node("a", cpu(cores)), node("b", cpu(cores / 2))];
        for (number, (priority, class)) in priorities.iter().enumerate() {
            let mut one = session(number as u128, cpu(1));
            one.priority = *priority;
            one.class = classes[*class];
            picture.sessions.push(one);
        }
        let plan = planned(&picture);
        let rank = |id| { let one = find(&picture, id); (one.class, one.priority) };
        let lowest = plan.place.iter().map(|one| rank(one.session)).min();
        let highest = plan.waits.iter().map(|one| rank(one.session)).max();
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            prop_assert!(highest <= lowest);
        }
    }

    #[test]
    fn at_equal_priority_shares_differ_by_no_more_than_one_session(
        owners in prop::collection::vec(0..4_u8, 1..60), cores in 1..20_u64,
    ) {
        let mut picture = Picture { majority: true, ..Picture::default() };
        picture.nodes = vec![node("a", cpu(cores))];
        for (number, owner) in owners.iter().enumerate() {
            let mut one = session(number as u128, cpu(1));
            one.owner = format!("user-{owner}");
            picture.sessions.push(one);
        }
        picture.apply(&planned(&picture), NOW_MS);
        let mut has: BTreeMap<&str, i64> = BTreeMap::new();
        let mut waits: BTreeMap<&str, i64> = BTreeMap::new();
        for one in &picture.sessions {
            *has.entry(&one.owner).or_default() += i64::from(!one.waits());
            *waits.entry(&one.owner).or_default() += i64::from(one.waits());
        }
        let most = has.values().copied().max().unwrap_or(0);
        for (owner, _) in waits.iter().filter(|(_, waits)| 0 < **waits) {
            prop_assert!(most <= has[owner] + 1, "{owner} has {} of {most}", has[owner]);
        }
    }

    #[test]
    fn no_more_than_four_moves_a_minute_and_none_of_live_trading(
        mut picture in clusters(), moved in prop::collection::vec(0..120_000_u64, 0..6),
    ) {
        picture.sessions.retain(|session| !session.waits());
        let moved: Vec<u64> = moved.iter().map(|ago| NOW_MS - ago).collect();
        let lately = moved.iter().filter(|at| NOW_MS < **at + 60_000).count();
        let before = over_capacity(&picture);
        let moves = rebalance(&picture, &rules(), &moved, NOW_MS);
        prop_assert!(moves.len() <= 4_usize.saturating_sub(lately));
        for one in &moves {
            let session = picture.sessions.iter_mut().find(|it| it.id == one.session).unwrap();
            prop_assert!(session.preemptible && session.gang.is_none_or(|gang| gang.size == 1));
            prop_assert!(session.class == Class::Training || session.class == Class::Backtest);
            prop_assert!(one.from != one.to);
            placed(session, one.to.as_str(), NOW_MS);
        }
        prop_assert!(over_capacity(&picture).is_subset(&before));
    }

    #[test]
    fn moves_come_to_an_end(mut picture in clusters()) {
        picture.sessions.retain(|session| !session.waits());
        let rules = Rules { move_after_ms: 0, ..rules() };
        for _ in 0..200 {
            let moves = rebalance(&picture, &rules, &[], NOW_MS);
            if moves.is_empty() { return Ok(()); }
            for one in moves {
                let session = picture.sessions.iter_mut().find(|it| it.id == one.session).unwrap();
                placed(session, one.to.as_str(), NOW_MS);
            }
        }
        prop_assert!(false, "still moving after 200 rounds");
    }
}

#[test]
fn sessions_without_gpu_are_spread_and_keep_off_gpu_nodes() {
    let mut picture =
        standing(vec![node("a", gpu(64, 8, 80_000)), node("b", cpu(4)), node("c", cpu(4))]);
    picture.sessions = (1..=9).map(|number| session(number, cpu(1))).collect();
    let plan = planned(&picture);
    let nodes: Vec<&str> = plan.place.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(nodes, ["b", "c", "b", "c", "b", "c", "b", "c", "a"]);
}

#[test]
fn sessions_with_gpu_go_where_the_least_gpu_memory_is_left() {
    let mut picture = standing(vec![
        node("big", gpu(64, 8, 640_000)),
        node("plain", cpu(64)),
        node("small", gpu(64, 2, 48_000)),
    ]);
    picture.sessions = (1..=3).map(|number| session(number, gpu(1, 1, 20_000))).collect();
    let plan = planned(&picture);
    let nodes: Vec<&str> = plan.place.iter().map(|one| one.node.as_str()).collect();
    assert_eq!(nodes, ["small", "small", "big"]);
}

#[test]
fn gpus_too_small_for_the_session_do_not_add_up() {
    let mut picture = standing(vec![node("a", gpu(64, 4, 96_000))]);
    picture.sessions = vec![session(1, gpu(1, 1, 40_000)), session(2, gpu(1, 2, 40_000))];
    let plan = planned(&picture);
    assert_eq!(plan.place.len(), 1);
    assert_eq!(
        reason(&plan, 1).to_string(),
        "asks for 40000 MiB of GPU memory, the largest node has 24000 MiB of GPU memory; \
         stop it and submit it with less"
    );
}

#[test]
fn of_equal_nodes_the_one_with_the_data_is_taken() {
    let mut picture = standing(vec![node("a", cpu(4)), node("b", cpu(4)), node("c", cpu(9))]);
    let mut one = session(1, cpu(1));
    one.data_on = ids(&["b"]);
    picture.nodes.remove(2);
    picture.sessions = vec![one];
    assert_eq!(planned(&picture).place[0].node.as_str(), "b");
}

#[test]
fn the_fewest_and_youngest_leave_for_a_higher_class() {
    let mut picture = standing(vec![node("a", cpu(4)), node("b", cpu(4))]);
    for number in 1..=8 {
        let mut one = session(number, cpu(1));
        one.class = Class::Backtest;
        let since_ms = NOW_MS - 1_000 * one.order;
        placed(&mut one, if number <= 4 { "a" } else { "b" }, since_ms);
        picture.sessions.push(one);
    }
    // One large back-test on b instead of two small ones.
    picture.sessions[6].need = cpu(2);
    picture.sessions.truncate(7);
    picture.sessions.push(session(9, cpu(2)));
    let plan = planned(&picture);
    let told: Vec<_> = plan.evict.iter().map(|one| one.session).collect();
    assert_eq!(told, [session(7, cpu(1)).id], "one suffices on b, on a it takes two");
    assert_eq!(reason(&plan, 9).to_string(), "others are leaving b to make room for it");
}

#[test]
fn nobody_leaves_when_it_would_not_help_or_the_priority_is_equal() {
    let mut picture = standing(vec![node("a", cpu(4))]);
    let mut one = session(1, cpu(3));
    placed(&mut one, "a", NOW_MS - 1);
    let mut live = session(2, cpu(1));
    live.class = Class::Live;
    placed(&mut live, "a", NOW_MS - 1);
    let mut paper = session(3, cpu(4));
    paper.class = Class::Paper;
    picture.sessions = vec![one, live, paper, session(4, cpu(3))];
    let plan = planned(&picture);
    assert!(plan.evict.is_empty() && plan.place.is_empty(), "{plan:?}");
}

#[test]
fn who_waited_too_long_is_next_and_room_is_held_back_for_it() {
    let mut picture = standing(vec![node("a", cpu(4))]);
    let mut running = session(1, cpu(2));
    placed(&mut running, "a", NOW_MS - 9);
    let mut old = session(2, cpu(4));
    old.class = Class::Backtest;
    old.waiting_since_ms = NOW_MS - rules().starving_after_ms;
    let mut urgent = session(3, cpu(1));
    urgent.priority = 400;
    picture.sessions = vec![running, old, urgent];
    let plan = planned(&picture);
    assert!(plan.place.is_empty() && plan.evict.is_empty(), "{plan:?}");
    assert_eq!(reason(&plan, 2).to_string(), "waiting for 2 cores on a");
    assert_eq!(reason(&plan, 3).to_string(), "behind 1 session that goes first");
}

#[test]
fn what_the_one_ahead_does_not_need_is_given_to_others() {
    let mut picture = standing(vec![node("a", gpu(8, 1, 8_000))]);
    let mut running = session(1, gpu(1, 1, 8_000));
    placed(&mut running, "a", NOW_MS - 9);
    picture.sessions = vec![running, session(2, gpu(3, 1, 8_000)), session(3, cpu(4))];
    picture.sessions[1].priority = 9;
    let plan = planned(&picture);
    assert_eq!(plan.place.len(), 1);
    assert_eq!(plan.place[0].session, picture.sessions[2].id);
}

#[test]
fn every_reason_names_what_is_missing() {
    let mut picture = standing(vec![node("a", cpu(4)), node("b", cpu(2))]);
    picture.nodes[0].open = false;
    picture.nodes[1].roles = std::iter::once("train".to_owned()).collect();
    picture.nodes[1].labels.insert("zone".to_owned(), "x".to_owned());
    picture
        .quotas
        .teams
        .insert("alpha".to_owned(), Quota { sessions_max: Some(0), ..Quota::default() });
    picture.sessions = (1..=8).map(|number| session(number, cpu(1))).collect();
    picture.sessions[0].need = cpu(3);
    picture.sessions[1].need = cpu(5);
    picture.sessions[2].requires.role = Some("trade".to_owned());
    picture.sessions[3].requires.labels.insert("zone".to_owned(), "y".to_owned());
    picture.sessions[4].team = Some("alpha".to_owned());
    picture.sessions[5].gang = Some(Gang { id: 1, size: 3 });
    picture.sessions[6].not_before_ms = Some(NOW_MS + 12_000);
    picture.sessions[7].target = Some("z".parse().unwrap());
    let plan = planned(&picture);
    assert!(plan.place.is_empty());
    let said: Vec<String> = (1..=8).map(|number| reason(&plan, number).to_string()).collect();
    assert_eq!(
        said,
        [
            "1 node could take it, closed at the moment: cordoned, draining or down",
            "asks for 5 cores, the largest node has 4 cores; stop it and submit it with less",
            "no node has the role trade",
            "no node has the label zone=y",
            "team alpha may have 0 sessions at once, has or is promised 0 sessions and this asks for 1 session",
            "its gang has 1 of 3 members yet",
            "failed, tried again in 12 s",
            "there is no node z",
        ]
    );
    assert!(matches!(reason(&plan, 5), Reason::Quota { scope: Scope::Team, .. }));
}

#[test]
fn a_gang_that_fits_in_part_waits_whole_and_one_that_never_fits_holds_nothing_back() {
    let mut picture = standing(vec![node("a", cpu(2)), node("b", cpu(2))]);
    let mut running = session(1, cpu(1));
    placed(&mut running, "a", NOW_MS - 9);
    picture.sessions = vec![running];
    for number in 2..=5 {
        let mut one = session(number, cpu(1));
        one.gang = Some(Gang { id: 7, size: 4 });
        picture.sessions.push(one);
    }
    assert_eq!(reason(&planned(&picture), 2).to_string(), "only 3 of 4 of its gang fit now");
    let mut sixth = session(6, cpu(1));
    sixth.gang = Some(Gang { id: 7, size: 5 });
    picture.sessions.push(sixth);
    picture.sessions.push(session(7, cpu(1)));
    let plan = planned(&picture);
    assert_eq!(
        reason(&plan, 2).to_string(),
        "only 4 of 5 of its gang would fit at once into the empty cluster"
    );
    assert_eq!(plan.place.len(), 1, "the one behind starts");
}

#[test]
fn without_a_majority_nothing_starts_and_everybody_is_told() {
    let mut picture = standing(vec![node("a", cpu(4))]);
    picture.majority = false;
    picture.sessions = vec![session(1, cpu(1))];
    let plan = planned(&picture);
    assert!(plan.place.is_empty());
    assert_eq!(reason(&plan, 1), &Reason::NoMajority);
    assert!(rebalance(&picture, &rules(), &[], NOW_MS).is_empty());
}

#[test]
fn a_full_node_gives_to_an_empty_one_and_a_gpu_node_to_a_plain_one() {
    let mut picture =
        standing(vec![node("a", cpu(4)), node("b", cpu(4)), node("g", gpu(4, 1, 8_000))]);
    for number in 1..=4 {
        let mut one = session(number, cpu(1));
        placed(&mut one, if number <= 3 { "a" } else { "g" }, 0);
        picture.sessions.push(one);
    }
    let moves = rebalance(&picture, &rules(), &[], NOW_MS);
    let said: Vec<_> = moves.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    assert_eq!(
        said,
        [("g", "b")],
        "then a has three of four and b one: a move would only swap them"
    );
}
