//! Clusters for tests of planning: by hand and at random, and what must hold of each.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::{BTreeMap, BTreeSet};

use actors::planning::{
    Amounts, Class, Dimension, Gang, NodePicture, Picture, Placed, Quota, Quotas, Requires, Rules,
    SessionPicture,
};
use engine::ids::{NodeId, SessionId};
use proptest::prelude::*;
use uuid::Uuid;

/// The time of plans.
pub(crate) const NOW_MS: u64 = 1_000_000_000;

pub(crate) fn rules() -> Rules {
    Rules { holds_max: 8, ..Rules::default() }
}

/// Cores, and as many GiB of memory.
pub(crate) fn cpu(cores: u64) -> Amounts {
    Amounts { cpu_millis: cores * 1_000, memory_mib: cores * 1_024, ..Amounts::default() }
}

pub(crate) fn gpu(cores: u64, gpus: u64, gpu_memory_mib: u64) -> Amounts {
    Amounts { gpus, gpu_memory_mib, ..cpu(cores) }
}

pub(crate) fn ids(names: &[&str]) -> BTreeSet<NodeId> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(crate) fn node(name: &str, capacity: Amounts) -> NodePicture {
    NodePicture {
        name: name.parse().unwrap(),
        capacity,
        reserve: Amounts::default(),
        open: true,
        labels: BTreeMap::new(),
        roles: BTreeSet::new(),
        excluded_until: BTreeMap::new(),
    }
}

pub(crate) fn session(number: u128, need: Amounts) -> SessionPicture {
    SessionPicture {
        id: SessionId::from_uuid(Uuid::from_u128(number)),
        class: Class::Training,
        priority: 0,
        owner: "ann".to_owned(),
        team: None,
        need,
        requires: Requires::default(),
        gang: None,
        preemptible: true,
        placed: None,
        evicting: false,
        waiting_since_ms: NOW_MS,
        not_before_ms: None,
        order: u64::try_from(number).unwrap(),
        avoid: BTreeSet::new(),
        target: None,
        data_on: BTreeSet::new(),
    }
}

pub(crate) fn standing(nodes: Vec<NodePicture>) -> Picture {
    Picture { majority: true, nodes, ..Picture::default() }
}

/// Nodes with more on them than capacity minus reserve.
pub(crate) fn over_capacity(picture: &Picture) -> BTreeSet<NodeId> {
    let mut over = BTreeSet::new();
    for node in &picture.nodes {
        let here = picture.sessions.iter().filter(|session| {
            session.placed.as_ref().is_some_and(|placed| placed.node == node.name)
        });
        let here: Vec<_> = here.collect();
        let full = Dimension::ALL.into_iter().any(|dimension| {
            let used: u64 = here.iter().map(|session| session.need.get(dimension)).sum();
            node.capacity.get(dimension).saturating_sub(node.reserve.get(dimension)) < used
        });
        if full {
            over.insert(node.name.clone());
        }
    }
    over
}

/// Users and teams with more placed than they may have.
pub(crate) fn over_quota(picture: &Picture) -> BTreeSet<String> {
    let Quotas { users, teams, user_default, team_default } = &picture.quotas;
    let mut over = BTreeSet::new();
    let mut check = |who: String, quota: &Quota, of: &dyn Fn(&SessionPicture) -> bool| {
        let has: Vec<_> =
            picture.sessions.iter().filter(|session| !session.waits() && of(session)).collect();
        let above = quota.max.iter().any(|(dimension, limit)| {
            *limit < has.iter().map(|session| session.need.get(*dimension)).sum::<u64>()
        });
        if above || quota.sessions_max.is_some_and(|limit| (limit as usize) < has.len()) {
            over.insert(who);
        }
    };
    for session in &picture.sessions {
        let owner = &session.owner;
        let quota = users.get(owner).unwrap_or(user_default);
        check(format!("user {owner}"), quota, &|other| other.owner == *owner);
        if let Some(team) = &session.team {
            let quota = teams.get(team).unwrap_or(team_default);
            check(format!("team {team}"), quota, &|other| other.team.as_ref() == Some(team));
        }
    }
    over
}

/// Any cluster: few nodes, so that things get tight; what is placed already stands where it fits.
pub(crate) fn clusters() -> impl Strategy<Value = Picture> {
    let nodes = prop::collection::vec(nodes(), 0..6);
    let sessions = prop::collection::vec(sessions(), 0..40);
    (nodes, sessions, quotas()).prop_map(|(mut nodes, sessions, quotas)| {
        for (number, node) in nodes.iter_mut().enumerate() {
            node.name = format!("n{number}").parse().unwrap();
        }
        let mut picture = Picture { majority: true, nodes, sessions: Vec::new(), quotas };
        for (number, (mut session, place)) in sessions.into_iter().enumerate() {
            session.id = SessionId::from_uuid(Uuid::from_u128(number as u128 * 7_919 % 41));
            session.order = (number * 31 % 47) as u64;
            if session.gang.is_some() {
                session.placed = None;
            } else if let Some(placed) = place {
                session.waiting_since_ms = session.waiting_since_ms.min(placed.since_ms);
                session.placed = Some(placed);
            }
            picture.sessions.push(session);
            if !over_capacity(&picture).is_empty() {
                picture.sessions.last_mut().unwrap().placed = None;
            }
            let last = picture.sessions.last_mut().unwrap();
            last.evicting &= last.placed.is_some();
        }
        complete_gangs(&mut picture);
        picture
    })
}

/// Makes most gangs as large as they say.
fn complete_gangs(picture: &mut Picture) {
    for id in 0..3 {
        let members = picture.sessions.iter().filter(|one| one.gang.is_some_and(|g| g.id == id));
        let size = u32::try_from(members.count()).unwrap() + u32::from(id == 2);
        for session in &mut picture.sessions {
            if session.gang.is_some_and(|gang| gang.id == id) {
                session.gang = Some(Gang { id, size });
            }
        }
    }
}

fn nodes() -> impl Strategy<Value = NodePicture> {
    let shape = (1..9_u64, 0..4_u64, prop::bool::weighted(0.9), 0..2_u64);
    (shape, 0..3_u8, prop::bool::ANY, prop::bool::weighted(0.1)).prop_map(
        |((cores, gpus, open, reserve), zone, trades, excluded)| {
            let gpus = gpus.saturating_sub(1);
            let mut node = node("x", gpu(cores, gpus, gpus * 8_000));
            node.reserve = cpu(reserve);
            node.open = open;
            node.labels.insert("zone".to_owned(), zone.to_string());
            if trades {
                node.roles.insert("trade".to_owned());
            }
            if excluded {
                node.excluded_until.insert(Dimension::Gpu, NOW_MS + 5_000);
            }
            node
        },
    )
}

fn sessions() -> impl Strategy<Value = (SessionPicture, Option<Placed>)> {
    let class = prop::sample::select(vec![
        Class::Backtest,
        Class::Training,
        Class::Training,
        Class::Paper,
        Class::Guard,
        Class::Live,
    ]);
    let need = (0..4_u64, 0..3_u64, 0..3_u64, prop::bool::weighted(0.2)).prop_map(
        |(cores, gpus, memory, shared)| {
            let gpus = gpus.saturating_sub(1);
            let gpu_memory = if shared { 2_000 } else { gpus * memory * 4_000 };
            gpu(cores, gpus, gpu_memory)
        },
    );
    let who = (class, 0..3_i32, 0..3_u8, prop::option::of(0..2_u8));
    let rules = (
        prop::option::weighted(0.2, 0..3_u128),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.15, 0..3_u8),
        prop::option::weighted(0.05, 0..6_u8),
        prop::option::weighted(0.1, 0..6_u8),
    );
    let times = (0..20_000_000_u64, prop::option::weighted(0.05, 0..9_000_u64), 0..3_000_u64);
    let place = prop::option::weighted(0.5, 0..6_u8);
    (who, need, rules, times, place, prop::collection::btree_set(0..6_u8, 0..3)).prop_map(
        |((class, priority, owner, team), need, rules, (waited, pause, ran), place, data)| {
            let (gang, preemptible, evicting, zone, target, avoid) = rules;
            let name = |number: u8| format!("n{number}").parse::<NodeId>().unwrap();
            let mut one = session(0, need);
            one.class = class;
            one.priority = priority;
            one.owner = format!("user-{owner}");
            one.team = team.map(|team| format!("team-{team}"));
            one.gang = gang.map(|id| Gang { id, size: 1 });
            one.preemptible = preemptible;
            one.evicting = evicting;
            if let Some(zone) = zone {
                one.requires.labels.insert("zone".to_owned(), zone.to_string());
            }
            one.requires.role = (class == Class::Live).then(|| "trade".to_owned());
            one.target = target.map(name);
            one.avoid = avoid.into_iter().map(name).collect();
            one.data_on = data.into_iter().map(name).collect();
            one.waiting_since_ms = NOW_MS - waited;
            one.not_before_ms = pause.map(|ms| NOW_MS + ms);
            let place = place.map(|node| Placed { node: name(node), since_ms: NOW_MS - ran });
            (one, place)
        },
    )
}

fn quotas() -> impl Strategy<Value = Quotas> {
    let quota = || {
        let limits =
            (prop::option::weighted(0.2, 0..12_u64), prop::option::weighted(0.2, 0..8_u32));
        (limits, 0..4_u32).prop_map(|((cores, sessions_max), weight)| Quota {
            max: cores.map(|cores| (Dimension::Cpu, cores * 1_000)).into_iter().collect(),
            sessions_max,
            weight,
        })
    };
    (quota(), quota(), quota()).prop_map(|(user, team, team_default)| Quotas {
        users: BTreeMap::from([("user-0".to_owned(), user)]),
        teams: BTreeMap::from([("team-0".to_owned(), team)]),
        user_default: Quota::default(),
        team_default,
    })
}
