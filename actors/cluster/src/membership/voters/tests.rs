//! Who votes, case by case, and the properties of the plan for any membership.

use proptest::prelude::*;

use super::*;

fn member(number: u64, voter: bool) -> Member {
    Member {
        node: format!("n{number:02}"),
        raft_id: number,
        voter,
        leader: number == 1,
        state: NodeState::Ready,
        down_ms: None,
        caught_up: true,
    }
}

/// The first `voters` of `count` vote.
fn members(count: u64, voters: u64) -> Vec<Member> {
    (1..=count).map(|number| member(number, number <= voters)).collect()
}

fn promote(node: &str) -> Option<VoterStep> {
    Some(VoterStep::Promote { node: node.into() })
}

fn demote(node: &str) -> Option<VoterStep> {
    Some(VoterStep::Demote { node: node.into() })
}

#[test]
fn grows_to_three_when_three_are_ready_and_not_before() {
    assert_eq!(plan(&members(1, 1), 3), None);
    assert_eq!(plan(&members(2, 1), 3), None);
    assert_eq!(plan(&members(3, 1), 3), promote("n02"));
    assert_eq!(plan(&members(3, 2), 3), promote("n03"));
    assert_eq!(plan(&members(3, 3), 3), None);
    assert_eq!(plan(&members(5, 3), 3), None);
    assert_eq!(plan(&members(5, 3), 5), promote("n04"));
}

#[test]
fn shrinks_from_the_newest_and_never_takes_the_leaders_vote() {
    assert_eq!(plan(&members(5, 5), 3), demote("n05"));
    let mut two = members(2, 2);
    assert_eq!(plan(&two, 1), demote("n02"));
    two[0].leader = false;
    two[1].leader = true;
    assert_eq!(plan(&two, 1), demote("n01"));
}

#[test]
fn a_restart_in_good_order_costs_nobody_a_vote() {
    let mut three = members(4, 3);
    three[1].state = NodeState::Draining;
    assert_eq!(plan(&three, 3), None);
    three[1].down_ms = Some(REPLACE_AFTER_MS - 1);
    assert_eq!(plan(&three, 3), None);
    // Without anybody to take over not even a drained voter goes.
    let mut alone = members(3, 3);
    alone[1].state = NodeState::Drained;
    assert_eq!(plan(&alone, 3), None);
}

#[test]
fn a_voter_that_is_gone_for_long_is_replaced_the_new_one_first() {
    for change in [
        |m: &mut Member| m.state = NodeState::Drained,
        |m: &mut Member| {
            m.down_ms = Some(REPLACE_AFTER_MS);
        },
    ] {
        let mut four = members(4, 3);
        change(&mut four[1]);
        assert_eq!(plan(&four, 3), promote("n04"));
        four[3].voter = true;
        assert_eq!(plan(&four, 3), demote("n02"));
        four[1].voter = false;
        assert_eq!(plan(&four, 3), None);
    }
}

#[test]
fn a_learner_in_a_taken_slot_gets_another_number_unless_another_one_fits() {
    let mut three = members(3, 2);
    three[2].raft_id = 6;
    let renumber = VoterStep::Renumber { node: "n03".into(), slot: 1 };
    assert_eq!(plan(&three, 3), Some(renumber));
    three.push(member(8, false));
    assert_eq!(plan(&three, 3), promote("n08"));
    assert_eq!(free_id(6, &[1, 2]), 8);
    assert_eq!(free_id(8, &[1, 2]), 9);
    assert_eq!(free_id(8, &[1, 2, 3, 4, 5]), 9);
}

#[test]
fn with_every_slot_taken_the_old_one_goes_first() {
    let mut six = members(6, 5);
    six[1].down_ms = Some(REPLACE_AFTER_MS);
    assert_eq!(plan(&six, 5), demote("n02"));
    six[1].voter = false;
    assert_eq!(plan(&six, 5), Some(VoterStep::Renumber { node: "n06".into(), slot: 1 }));
    six[5].raft_id = free_id(6, &[1, 3, 4, 5]);
    assert_eq!((six[5].raft_id, plan(&six, 5)), (7, promote("n06")));
}

#[test]
fn promotes_only_who_is_ready_up_and_caught_up() {
    let cases: [fn(&mut Member); 4] = [
        |m| m.state = NodeState::Cordoned,
        |m| m.state = NodeState::Joining,
        |m| m.down_ms = Some(1),
        |m| m.caught_up = false,
    ];
    for change in cases {
        let mut three = members(3, 2);
        change(&mut three[2]);
        let step = plan(&three, 3);
        assert!(!matches!(step, Some(VoterStep::Promote { .. })), "{step:?}");
    }
}

fn any_member(number: u64) -> impl Strategy<Value = Member> {
    let state = prop_oneof![
        4 => Just(NodeState::Ready),
        1 => Just(NodeState::Cordoned),
        1 => Just(NodeState::Draining),
        1 => Just(NodeState::Drained),
        1 => Just(NodeState::Joining),
        1 => Just(NodeState::Left),
    ];
    let down = prop_oneof![
        4 => Just(None),
        1 => Just(Some(20_000)),
        1 => Just(Some(REPLACE_AFTER_MS)),
    ];
    (any::<bool>(), state, down, any::<bool>(), 0..4_u64).prop_map(
        move |(voter, state, down_ms, caught_up, skip)| Member {
            node: format!("n{number:02}"),
            raft_id: number * 4 + skip,
            voter,
            leader: false,
            state,
            down_ms,
            caught_up,
        },
    )
}

fn any_members() -> impl Strategy<Value = Vec<Member>> {
    (1..8_u64).prop_flat_map(|count| (1..=count).map(any_member).collect::<Vec<_>>()).prop_map(
        |mut members| {
            // Somebody leads, so it votes and is up.
            members[0].voter = true;
            members[0].leader = true;
            members[0].down_ms = None;
            members
        },
    )
}

/// Carries a step out as the leader would.
fn carry_out(members: &mut [Member], step: &VoterStep) {
    let newest = members.iter().map(|member| member.raft_id).max().unwrap_or(0);
    let voting: Vec<u64> = members.iter().filter(|m| m.voter).map(|m| m.raft_id).collect();
    let (VoterStep::Promote { node }
    | VoterStep::Renumber { node, .. }
    | VoterStep::Demote { node }) = step;
    let member = members.iter_mut().find(|member| member.node == *node).unwrap();
    match step {
        VoterStep::Promote { .. } => member.voter = true,
        VoterStep::Renumber { .. } => member.raft_id = free_id(newest, &voting),
        VoterStep::Demote { .. } => member.voter = false,
    }
}

proptest! {
    #[test]
    fn the_plan_ends_and_every_step_is_safe(
        start in any_members(),
        wanted in prop_oneof![Just(1_usize), Just(3), Just(5)],
    ) {
        let mut members = start;
        let mut steps = 0;
        while let Some(step) = plan(&members, wanted) {
            // Whatever order the members come in, the step is the same.
            let mut other = members.clone();
            other.reverse();
            prop_assert_eq!(plan(&other, wanted), Some(step.clone()));

            let up = |members: &[Member]| {
                let voters = members.iter().filter(|member| member.voter);
                (voters.clone().count(), voters.filter(|voter| voter.down_ms.is_none()).count())
            };
            let before = members.clone();
            carry_out(&mut members, &step);
            let ((voters, _), (voters_after, alive_after)) = (up(&before), up(&members));
            match &step {
                VoterStep::Promote { node } => {
                    let promoted = before.iter().find(|member| member.node == *node).unwrap();
                    prop_assert!(promoted.promotable());
                    let same = before
                        .iter()
                        .filter(|m| m.voter && slot(m.raft_id) == slot(promoted.raft_id));
                    prop_assert_eq!(same.count(), 0, "{:?}", before);
                }
                VoterStep::Demote { .. } => {
                    prop_assert!(majority(voters_after) <= alive_after, "{:?}", before);
                    prop_assert!(voters_after > 0);
                    let candidates = before
                        .iter()
                        .filter(|m| m.steady() || m.lingering() || m.promotable())
                        .count();
                    let full = voters == SLOTS;
                    let least = target(wanted, candidates).min(candidates);
                    prop_assert!(least <= voters_after + usize::from(full), "{:?}", before);
                }
                VoterStep::Renumber { .. } => prop_assert_eq!(voters, voters_after),
            }
            steps += 1;
            prop_assert!(steps <= 40, "the plan does not end: {:?}", members);
        }
        let voters = members.iter().filter(|member| member.voter).count();
        prop_assert!(voters <= 5 || members.iter().any(|m| m.down_ms.is_some()), "{:?}", members);
    }
}
