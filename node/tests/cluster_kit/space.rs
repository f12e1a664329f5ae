//! One network namespace per node, joined by a bridge in a namespace of its own; cuts in either direction.
//!
//! A cut makes packets vanish without a word: the sender's neighbour entry names a card that nobody has. Nothing but
//! `ip` is needed for it. Gateways listen on loopback inside their namespace; a forwarder makes each reachable from
//! outside, also while its node is cut off from the others.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{janitor, run};

/// A card that nobody has.
const NOBODY: &str = "02:00:00:00:de:ad";

/// The namespaces of a cluster.
pub struct Spaces {
    prefix: String,
    count: usize,
}

fn ip(words: &[&str]) -> Result<String, String> {
    run(Command::new("ip").args(words))
}

/// Returns why namespaces cannot be had here, if so.
pub fn unavailable() -> Option<String> {
    for program in ["ip", "nsenter", "setpriv"] {
        if let Err(error) = run(Command::new(program).arg("-V")) {
            return Some(format!("netns ({error})"));
        }
    }
    let name = format!("tmkit{}-probe", std::process::id());
    if let Err(error) = ip(&["netns", "add", &name]) {
        return Some(format!("netns ({error})"));
    }
    let veth = ip(&["-n", &name, "link", "add", "v0", "type", "veth", "peer", "name", "v1"])
        .and_then(|_| ip(&["-n", &name, "link", "add", "b0", "type", "bridge"]));
    drop(ip(&["netns", "del", &name]));
    veth.err().map(|error| format!("veth and bridge ({error})"))
}

impl Spaces {
    /// Makes `count` namespaces with addresses 10.77.0.1 and on, and the bridge at 10.77.0.254.
    pub fn new(id: &str, count: usize) -> Self {
        janitor::watch();
        let spaces = Self { prefix: format!("tmkit{id}"), count };
        let hub = spaces.hub();
        add(&hub);
        let must = |words: &[&str]| ip(words).unwrap();
        must(&["-n", &hub, "link", "add", "br0", "type", "bridge"]);
        must(&["-n", &hub, "addr", "add", "10.77.0.254/24", "dev", "br0"]);
        must(&["-n", &hub, "link", "set", "br0", "up"]);
        for node in 0..count {
            let name = spaces.name(node);
            add(&name);
            let port = format!("v{node}");
            must(&[
                "-n", &hub, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns",
                &name,
            ]);
            must(&["-n", &hub, "link", "set", &port, "master", "br0", "up"]);
            let address = format!("{}/24", address(node));
            must(&["-n", &name, "addr", "add", &address, "dev", "eth0"]);
            must(&["-n", &name, "link", "set", "eth0", "up"]);
        }
        spaces
    }

    /// Returns the name of a node's namespace.
    pub fn name(&self, node: usize) -> String {
        format!("{}-{node}", self.prefix)
    }

    /// Returns the name of the bridge's namespace, from which strangers come.
    pub fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }

    /// Makes packets from one node to another vanish.
    pub fn cut(&self, from: usize, to: usize) {
        let words = [
            "-n",
            &self.name(from),
            "neigh",
            "replace",
            &address(to).to_string(),
            "lladdr",
            NOBODY,
            "dev",
            "eth0",
            "nud",
            "permanent",
        ];
        ip(&words).unwrap();
    }

    /// Cuts both directions between two nodes.
    pub fn cut_both(&self, one: usize, other: usize) {
        self.cut(one, other);
        self.cut(other, one);
    }

    /// Undoes every cut.
    pub fn heal(&self) {
        for from in 0..self.count {
            for to in (0..self.count).filter(|to| *to != from) {
                let words = [
                    "-n",
                    &self.name(from),
                    "neigh",
                    "del",
                    &address(to).to_string(),
                    "dev",
                    "eth0",
                ];
                // An entry that is not there needs no removal.
                drop(ip(&words));
            }
        }
    }
}

impl Drop for Spaces {
    fn drop(&mut self) {
        for node in 0..self.count {
            janitor::remove_space(&self.name(node));
        }
        janitor::remove_space(&self.hub());
    }
}

fn add(name: &str) {
    ip(&["netns", "add", name]).unwrap();
    janitor::owns_space(name);
    ip(&["-n", name, "link", "set", "lo", "up"]).unwrap();
}

/// Returns the address of a node on the bridge.
pub fn address(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, u8::try_from(node + 1).unwrap())
}

/// Moves the calling thread, and no other, into a namespace.
pub fn enter(space: &str) {
    let file = std::fs::File::open(Path::new("/run/netns").join(space)).unwrap();
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

/// Connects from inside a namespace; the stream may be used anywhere.
pub fn connect(space: Option<&str>, to: SocketAddr) -> std::io::Result<TcpStream> {
    let dial = move || TcpStream::connect_timeout(&to, Duration::from_secs(3));
    let Some(space) = space.map(str::to_owned) else { return dial() };
    let dialer = std::thread::spawn(move || {
        enter(&space);
        dial()
    });
    dialer.join().unwrap()
}

/// Passes connections from the machine's own loopback into a namespace. Ends when dropped.
pub struct Forwarder {
    /// Where it listens.
    pub address: SocketAddr,
    _end: oneshot::Sender<()>,
}

impl Forwarder {
    /// Starts it; `inner` is an address as seen inside.
    pub fn start(space: &str, inner: SocketAddr) -> Self {
        let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        outside.set_nonblocking(true).unwrap();
        let address = outside.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let space = space.to_owned();
        std::thread::spawn(move || {
            // Sockets belong to the namespace in which they were made: this one was made outside.
            enter(&space);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let outside = TcpListener::from_std(outside).unwrap();
                tokio::select! {
                    () = forward(outside, inner) => {}
                    _ = ended => {}
                }
            });
        });
        Self { address, _end: end }
    }
}

async fn forward(outside: TcpListener, inner: SocketAddr) {
    loop {
        let Ok((mut client, _)) = outside.accept().await else { continue };
        tokio::spawn(async move {
            // A node that does not listen is seen as a connection that closes.
            if let Ok(mut node) = tokio::net::TcpStream::connect(inner).await {
                drop(tokio::io::copy_bidirectional(&mut client, &mut node).await);
            }
        });
    }
}
