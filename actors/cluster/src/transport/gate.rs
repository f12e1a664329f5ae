//! How many may knock, shake hands and stay: the limits of the public port. No sockets, no clock.
//!
//! Who has said nothing yet sits in a waiting room that costs one descriptor a seat. When it is full, the one that has
//! waited longest at the address with most seats must go, so that a flood of silent clients never keeps a newcomer out.
//! Who has said who it wants to be then waits for one of few handshakes, which cost arithmetic; these are fair per
//! source address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::net::Plane;

/// Limits of the public port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte to the last of a handshake.
    pub handshake: Duration,
    /// Connections that may wait for their first words or for a handshake.
    pub waiting: usize,
    /// Handshakes at one time.
    pub handshakes: usize,
    /// Handshakes at one time from one source address.
    pub handshakes_per_address: usize,
    /// Connections of one peer on the control plane.
    pub ctl_per_peer: usize,
    /// Connections of one peer on the actors' plane: the one in use, and the one that replaces it.
    pub act_per_peer: usize,
    /// Connections of one peer on the file plane.
    pub blob_per_peer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(3),
            waiting: 256,
            handshakes: 64,
            handshakes_per_address: 8,
            ctl_per_peer: 4,
            act_per_peer: 2,
            blob_per_peer: 8,
        }
    }
}

impl Limits {
    fn per_peer(&self, plane: Plane) -> usize {
        match plane {
            Plane::Ctl => self.ctl_per_peer,
            Plane::Act => self.act_per_peer,
            Plane::Blob => self.blob_per_peer,
        }
    }
}

/// What is going on at the port.
#[derive(Debug)]
pub(super) struct Gate {
    limits: Limits,
    handshakes: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Seats by number: a lower one has waited longer.
    seats: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
    next_seat: u64,
    /// Handshakes of each address; gone with its last user.
    addresses: BTreeMap<IpAddr, Weak<Semaphore>>,
    open: BTreeMap<(String, Plane), usize>,
}

/// A seat in the waiting room; free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    gate: Arc<Gate>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(self.gate.state().seats.remove(&self.number));
    }
}

/// The right to shake hands.
#[derive(Debug)]
pub(super) struct Handshake {
    _all: OwnedSemaphorePermit,
    _address: OwnedSemaphorePermit,
}

/// One connection of a peer; counted until dropped.
#[derive(Debug)]
pub(super) struct Open {
    gate: Arc<Gate>,
    key: (String, Plane),
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if let Some(count) = state.open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                state.open.remove(&self.key);
            }
        }
    }
}

impl Gate {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let handshakes = Arc::new(Semaphore::new(limits.handshakes));
        Arc::new(Self { limits, handshakes, state: Mutex::default() })
    }

    /// Takes a seat; somebody else may have to go for it. The receiver ends when this one has to go.
    pub(super) fn sit(self: &Arc<Self>, address: IpAddr) -> (Seat, oneshot::Receiver<()>) {
        let mut state = self.state();
        if self.limits.waiting <= state.seats.len()
            && let Some(number) =
                evicted(state.seats.iter().map(|(number, seat)| (*number, seat.0)))
        {
            // Dropping the sender is what tells the task.
            drop(state.seats.remove(&number));
        }
        let (sender, receiver) = oneshot::channel();
        let number = state.next_seat;
        state.next_seat += 1;
        state.seats.insert(number, (address, sender));
        drop(state);
        (Seat { gate: Arc::clone(self), number }, receiver)
    }

    /// Waits for the right to shake hands. The address's own limit comes first: one that floods waits for itself.
    pub(super) async fn handshake(&self, address: IpAddr) -> Option<Handshake> {
        let own = self.address(address);
        let own = own.acquire_owned().await.ok()?;
        let all = Arc::clone(&self.handshakes).acquire_owned().await.ok()?;
        Some(Handshake { _all: all, _address: own })
    }

    fn address(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut state = self.state();
        if let Some(found) = state.addresses.get(&address).and_then(Weak::upgrade) {
            return found;
        }
        state.addresses.retain(|_, users| users.strong_count() > 0);
        let fresh = Arc::new(Semaphore::new(self.limits.handshakes_per_address));
        state.addresses.insert(address, Arc::downgrade(&fresh));
        fresh
    }

    /// Counts a connection of a peer, unless it has enough.
    pub(super) fn open(self: &Arc<Self>, peer: &str, plane: Plane) -> Option<Open> {
        let key = (peer.to_owned(), plane);
        let mut state = self.state();
        let count = state.open.get(&key).copied().unwrap_or(0);
        if self.limits.per_peer(plane) <= count {
            return None;
        }
        state.open.insert(key.clone(), count + 1);
        drop(state);
        Some(Open { gate: Arc::clone(self), key })
    }

    /// Returns how many wait, and how many shake hands.
    pub(super) fn busy(&self) -> (usize, usize) {
        let handshakes = self.limits.handshakes.saturating_sub(self.handshakes.available_permits());
        (self.state().seats.len(), handshakes)
    }

    /// Returns the connections that stand, by peer and plane.
    pub(super) fn connections(&self) -> BTreeMap<(String, Plane), usize> {
        self.state().open.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns who has to go: the one that has waited longest at the address with most seats.
fn evicted(seats: impl Iterator<Item = (u64, IpAddr)>) -> Option<u64> {
    let mut by_address: BTreeMap<IpAddr, (usize, u64)> = BTreeMap::new();
    for (number, address) in seats {
        let (count, oldest) = by_address.entry(address).or_insert((0, number));
        *count += 1;
        *oldest = (*oldest).min(number);
    }
    let crowd =
        by_address.values().max_by_key(|(count, oldest)| (*count, std::cmp::Reverse(*oldest)));
    crowd.map(|(_, oldest)| *oldest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    proptest! {
        #[test]
        fn the_crowd_pays_and_its_oldest_first(from in prop::collection::vec(0_u8..6, 1..60)) {
            let seats: Vec<(u64, IpAddr)> =
                from.iter().enumerate().map(|(number, last)| (number as u64, address(*last))).collect();
            let gone = evicted(seats.iter().copied()).unwrap();
            let count = |who: IpAddr| seats.iter().filter(|(_, seat)| *seat == who).count();
            let victim = seats.iter().find(|(number, _)| *number == gone).unwrap().1;
            prop_assert!(seats.iter().all(|(_, other)| count(*other) <= count(victim)));
            prop_assert!(seats.iter().all(|(number, other)| *other != victim || gone <= *number));
        }
    }

    #[tokio::test]
    async fn a_full_room_takes_the_newcomer_and_tells_the_one_that_goes() {
        let gate = Gate::new(Limits { waiting: 3, ..Limits::default() });
        let (_lonely, mut lonely_goes) = gate.sit(address(1));
        let (_first, first_goes) = gate.sit(address(2));
        let (_second, mut second_goes) = gate.sit(address(2));
        let (_newcomer, mut newcomer_goes) = gate.sit(address(3));
        assert!(first_goes.await.is_err(), "its sender is gone");
        for stays in [&mut lonely_goes, &mut second_goes, &mut newcomer_goes] {
            assert!(matches!(stays.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        }
        assert_eq!(gate.busy().0, 3);
    }

    #[tokio::test]
    async fn one_address_cannot_take_every_handshake() {
        let limits = Limits { handshakes: 4, handshakes_per_address: 2, ..Limits::default() };
        let gate = Gate::new(limits);
        let greedy = [gate.handshake(address(1)).await, gate.handshake(address(1)).await];
        let third = gate.handshake(address(1));
        tokio::pin!(third);
        assert!(futures_util::poll!(third.as_mut()).is_pending());
        assert!(gate.handshake(address(2)).await.is_some(), "the others are not kept waiting");
        drop(greedy);
        assert!(third.await.is_some());
    }

    #[test]
    fn a_peer_has_so_many_connections_and_gets_back_what_it_closes() {
        let gate = Gate::new(Limits::default());
        let held: Vec<_> = (0..2).map(|_| gate.open("a", Plane::Act).unwrap()).collect();
        assert!(gate.open("a", Plane::Act).is_none());
        assert!(gate.open("a", Plane::Ctl).is_some() && gate.open("b", Plane::Act).is_some());
        assert_eq!(gate.connections(), BTreeMap::from([(("a".to_owned(), Plane::Act), 2)]));
        drop(held);
        assert!(gate.connections().is_empty());
        assert!(gate.open("a", Plane::Act).is_some());
    }
}
