//! How long a plan takes: `cargo bench -p actors --bench plan`.
//!
//! 10,000 sessions on 1,000 nodes, each with its own needs, of 50 users in 8 teams, in all classes, a tenth of them in
//! gangs of five, some bound to labels; median and worst of 20 runs. Beside the time on the clock stands the time on the
//! processor, which means the same on a busy machine. The figures go to `docs/benchmarks.md`.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop on an error")]

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use actors::planning::{
    Amounts, Class, Gang, NodePicture, Picture, Quota, Requires, Rules, SessionPicture, plan,
};
use engine::ids::SessionId;

const NODES: u64 = 1_000;
const SESSIONS: u64 = 10_000;
const RUNS: usize = 20;
const NOW_MS: u64 = 100_000_000;

fn main() {
    let roomy = picture(2);
    report("10,000 waiting, all of them fit", &roomy);
    report("10,000 waiting, a third of them fits", &picture(8));

    let mut mostly = roomy.clone();
    let kept = mostly.sessions.split_off(9_000);
    settle(&mut mostly);
    mostly.sessions.extend(kept);
    report("9,000 placed, 1,000 waiting, room for them", &mostly);

    let mut full = picture(12);
    for (index, session) in full.sessions.iter_mut().enumerate() {
        session.class = if index < 9_000 { Class::Backtest } else { Class::Training };
        if index < 9_000 {
            session.need.cpu_millis /= 4;
            session.need.memory_mib /= 4;
            session.need.gpus = session.need.gpus.min(1);
        }
    }
    let kept = full.sessions.split_off(9_000);
    settle(&mut full);
    full.sessions.extend(kept);
    report("9,000 back-tests before 1,000 larger trainings", &full);
}

/// Places what fits, as if it had run for a while.
fn settle(picture: &mut Picture) {
    let plan = plan(picture, &Rules::default(), NOW_MS - 600_000);
    picture.apply(&plan, NOW_MS - 600_000);
}

fn report(name: &str, picture: &Picture) {
    let rules = Rules::default();
    let mut times: Vec<Duration> = Vec::with_capacity(RUNS);
    let mut busy: Vec<Duration> = Vec::with_capacity(RUNS);
    let mut last = plan(picture, &rules, NOW_MS);
    for _ in 0..RUNS {
        let (begin, begin_busy) = (Instant::now(), processor_time());
        last = plan(picture, &rules, NOW_MS);
        times.push(begin.elapsed());
        busy.push(processor_time() - begin_busy);
    }
    times.sort_unstable();
    busy.sort_unstable();
    let line = format!(
        "{name:<48} median {:>6.1} ms  worst {:>6.1} ms  on the processor {:>6.1} ms  \
         ({} placed, {} told to leave, {} wait)\n",
        times[RUNS / 2].as_secs_f64() * 1e3,
        times[RUNS - 1].as_secs_f64() * 1e3,
        busy[RUNS / 2].as_secs_f64() * 1e3,
        last.place.len(),
        last.evict.len(),
        last.waits.len(),
    );
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// Time this thread has had on a processor.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// A cluster and its queue; `size` scales what sessions need.
fn picture(size: u64) -> Picture {
    let mut draw = Draw(7);
    let nodes = (0..NODES).map(|number| node(number, &mut draw)).collect();
    let sessions = (0..SESSIONS).map(|number| session(number, size, &mut draw)).collect();
    let mut picture = Picture { majority: true, nodes, sessions, ..Picture::default() };
    picture.quotas.user_default.sessions_max = Some(2_000);
    picture.quotas.users.insert("user-3".to_owned(), Quota { weight: 3, ..Quota::default() });
    picture
}

fn node(number: u64, draw: &mut Draw) -> NodePicture {
    let gpus = if number.is_multiple_of(5) { 8 } else { 0 };
    let zone = format!("z{}", draw.below(4));
    NodePicture {
        name: format!("node-{number}").parse().unwrap(),
        capacity: Amounts {
            cpu_millis: 32_000 + 32_000 * draw.below(2),
            memory_mib: 128_000 + draw.below(128_000),
            gpus,
            gpu_memory_mib: gpus * 80_000,
            disk_mib: 1_000_000,
        },
        reserve: Amounts { cpu_millis: 1_000, memory_mib: 2_000, ..Amounts::default() },
        open: !number.is_multiple_of(97),
        labels: BTreeMap::from([("zone".to_owned(), zone)]),
        roles: std::iter::once("train".to_owned()).collect(),
        excluded_until: BTreeMap::new(),
    }
}

fn session(number: u64, size: u64, draw: &mut Draw) -> SessionPicture {
    let gpus = if number.is_multiple_of(8) { 1 + draw.below(size / 2) } else { 0 };
    let user = draw.below(50);
    let class = [Class::Backtest, Class::Training, Class::Training, Class::Paper];
    let mut requires = Requires::default();
    if number.is_multiple_of(10) {
        requires.labels.insert("zone".to_owned(), format!("z{}", draw.below(4)));
    }
    SessionPicture {
        id: SessionId::from_uuid(uuid::Uuid::from_u128(u128::from(number) << 64 | 1)),
        class: class[usize::try_from(draw.below(4)).unwrap()],
        priority: i32::try_from(draw.below(5)).unwrap(),
        owner: format!("user-{user}"),
        team: Some(format!("team-{}", user % 8)),
        need: Amounts {
            cpu_millis: 100 + draw.below(2_000 * size),
            memory_mib: 100 + draw.below(6_000 * size),
            gpus,
            gpu_memory_mib: gpus * (1 + draw.below(80_000)),
            disk_mib: draw.below(10_000),
        },
        requires,
        gang: (number % 50 < 5).then_some(Gang { id: u128::from(number / 50), size: 5 }),
        preemptible: true,
        placed: None,
        evicting: false,
        waiting_since_ms: NOW_MS - draw.below(20_000_000),
        not_before_ms: None,
        order: number,
        avoid: Default::default(),
        target: None,
        data_on: std::iter::once(format!("node-{}", draw.below(NODES)).parse().unwrap()).collect(),
    }
}

/// Numbers that are the same each time (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}
