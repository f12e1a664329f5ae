//! What the certificates of a cluster look like on disk, and what is not done with them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod kit;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use cluster::transport::{Tls, TlsFiles, TransportError, certs};

use kit::Authority;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_their_owners_and_nothing_is_overwritten_unasked() {
    let ours = Authority::new("alpha");
    let dir = ours.of("a");
    let hosts = ["10.0.0.7".to_owned(), "a.example.org".to_owned(), "fd00::7".to_owned()];
    let made = certs::make_node(&ours.ca(), "alpha", "a", &hosts, &dir).unwrap();
    assert_eq!(made.names, ["a.alpha.tm", "10.0.0.7", "a.example.org", "fd00::7"]);
    assert_eq!(made.cluster.as_deref(), Some("alpha"));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
    let days = |seconds: i64| seconds / 86_400;
    assert!(made.not_before_s < now && (364..=365).contains(&days(made.not_after_s - now)));
    assert_eq!(certs::info(&dir.join(certs::NODE_FILE)).unwrap().first(), Some(&made));
    for file in [ours.ca().join(certs::CA_KEY_FILE), dir.join(certs::NODE_KEY_FILE)] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    let key = std::fs::read(dir.join(certs::NODE_KEY_FILE)).unwrap();
    let again = certs::make_node(&ours.ca(), "alpha", "a", &[], &dir);
    assert!(matches!(again, Err(TransportError::Exists { .. })));
    assert!(matches!(certs::make_ca(&ours.ca(), "alpha"), Err(TransportError::Exists { .. })));
    assert_eq!(std::fs::read(dir.join(certs::NODE_KEY_FILE)).unwrap(), key);
    let rotated = certs::rotate_node(&ours.ca(), &dir).unwrap();
    assert_eq!((rotated.names, rotated.issuer), (made.names, made.issuer));
    assert_ne!(rotated.fingerprint, made.fingerprint);
    assert_ne!(std::fs::read(dir.join(certs::NODE_KEY_FILE)).unwrap(), key, "with a new key");
    assert_eq!(mode(&dir.join(certs::NODE_KEY_FILE)), 0o600);
    assert!(!dir.join("node.key.new").exists());
}

#[test]
fn names_that_could_mean_another_node_are_refused() {
    let ours = Authority::new("alpha");
    let out = ours.of("x");
    let make = |cluster: &str, node: &str, host: &str| {
        certs::make_node(&ours.ca(), cluster, node, &[host.to_owned()], &out)
    };
    for (cluster, node, host) in [
        ("alpha", "b.c", "h"),
        ("alpha", "", "h"),
        ("alpha", "-b", "h"),
        ("alpha", "B", "h"),
        ("alpha", "*", "h"),
        ("al pha", "b", "h"),
        ("beta", "b", "h"),
        ("alpha", "b", "c.alpha.tm"),
        ("alpha", "b", "C.Alpha.TM."),
        ("alpha", "b", "bücher"),
    ] {
        assert!(make(cluster, node, host).is_err(), "{cluster} {node} {host}");
    }
    assert!(!out.exists(), "nothing was written");
    assert!(certs::make_ca(&ours.of("y"), "two words").is_err());
}

#[test]
fn a_node_does_not_start_with_certificates_that_no_peer_would_believe() {
    let (ours, foreign) = (Authority::new("alpha"), Authority::new("alpha"));
    ours.tls("a");
    ours.tls("b");
    foreign.tls("a");
    let load = |files: &TlsFiles, node: &str| Tls::load(files, "alpha", node).map(|_| ());
    let files = TlsFiles::in_dir(&ours.of("a"));
    load(&files, "a").unwrap();
    let says = |result: Result<(), TransportError>, words: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    };
    says(load(&files, "b"), "names node \"a\"");
    says(Tls::load(&files, "beta", "a").map(|_| ()), "no node of cluster");
    let foreign_ca = TlsFiles { ca: foreign.of("a").join(certs::CA_FILE), ..files.clone() };
    says(load(&foreign_ca, "a"), "is not believed");
    let other_key = TlsFiles { key: ours.of("b").join(certs::NODE_KEY_FILE), ..files.clone() };
    assert!(load(&other_key, "a").is_err());
    let missing = TlsFiles { key: ours.of("nowhere"), ..files.clone() };
    assert!(matches!(load(&missing, "a"), Err(TransportError::Io { .. })));
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    says(load(&files, "a"), "chmod 600");
}

#[test]
fn a_ca_whose_key_is_another_one_signs_nothing() {
    let (ours, foreign) = (Authority::new("alpha"), Authority::new("alpha"));
    let key = certs::CA_KEY_FILE;
    std::fs::copy(foreign.ca().join(key), ours.ca().join(key)).unwrap();
    let made = certs::make_node(&ours.ca(), "alpha", "a", &[], &ours.of("a"));
    assert!(made.unwrap_err().to_string().contains("is not the key of the first CA"));
    assert!(!ours.of("a").exists());
}
