//! Who does not prove to be a node of this cluster gets nothing and slows nobody: real sockets on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod kit;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::error::NetError;
use cluster::net::{Net, Plane};
use cluster::transport::hello::{HELLO_WITHIN, HelloError, Identity, Role, greet, meet};
use cluster::transport::{DialLimits, Dialer, Limits, Listener, Refusal, Tls, TlsFiles, certs};
use rcgen::{CertificateParams, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use kit::{Authority, Fixed, PATIENCE, converse, dial, eventually};

/// Short enough for a test, long enough for a loaded machine to finish a good handshake.
fn quick() -> Limits {
    Limits { handshake: Duration::from_millis(1_500), ..Limits::default() }
}

fn refused(listener: &Listener, reason: Refusal) -> u64 {
    listener.stats().refused[&reason]
}

/// A client of our own making: believes the CA in `ca`, shows what is in `own`, offers what it likes.
fn stranger(ca: &Path, own: Option<&Path>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca.join(certs::CA_FILE)).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(dir) => {
            let chain = CertificateDer::pem_file_iter(dir.join(certs::NODE_FILE)).unwrap();
            let key = PrivateKeyDer::from_pem_file(dir.join(certs::NODE_KEY_FILE)).unwrap();
            builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Connects and waits for the greeting; an error is what a stranger should get.
async fn knock(listener: &Listener, connector: &TlsConnector, name: &str) -> std::io::Result<u8> {
    let tcp = TcpStream::connect(listener.local_addr()).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let talk = async { connector.connect(name, tcp).await?.read_u8().await };
    tokio::time::timeout(PATIENCE, talk).await.expect("the port answers or closes")
}

/// A certificate of the right CA with names that `tm cert` would never write.
fn forge(authority: &Authority, dir: &Path, names: &[&str]) {
    let ca = std::fs::read_to_string(authority.ca().join(certs::CA_FILE)).unwrap();
    let key = std::fs::read_to_string(authority.ca().join(certs::CA_KEY_FILE)).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&ca, KeyPair::from_pem(&key).unwrap()).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join(certs::NODE_FILE), certificate.pem()).unwrap();
    std::fs::write(dir.join(certs::NODE_KEY_FILE), key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn who_has_no_certificate_of_a_node_gets_nothing() {
    let (ours, foreign) = (Authority::new("alpha"), Authority::new("alpha"));
    let (listener, mut planes) = ours.listen("a", quick());
    foreign.tls("b");
    let forged = [
        ("other-cluster", vec!["b.beta.tm"]),
        ("two-nodes", vec!["b.alpha.tm", "c.alpha.tm"]),
        ("a-host", vec!["b.example.org"]),
        ("deep", vec!["x.b.alpha.tm"]),
        ("shouting", vec!["B.alpha.tm"]),
    ];
    let ctl: &[&[u8]] = &[b"ctl/1"];
    let mut strangers = vec![
        ("none", stranger(&ours.ca(), None, ctl)),
        ("foreign", stranger(&ours.ca(), Some(&foreign.of("b")), ctl)),
    ];
    for (what, names) in &forged {
        let dir = ours.of(what);
        forge(&ours, &dir, names);
        strangers.push((what, stranger(&ours.ca(), Some(&dir), ctl)));
    }
    for (what, connector) in &strangers {
        let got = knock(&listener, connector, "a.alpha.tm").await;
        assert!(got.is_err(), "{what} was greeted with {got:?}");
    }
    let count = strangers.len() as u64;
    eventually("all are counted", || refused(&listener, Refusal::Untrusted) == count).await;
    assert_eq!(listener.stats().admitted, 0);
    // The same client with a certificate that names one node is let in, so it was the certificate.
    ours.tls("b");
    let honest = stranger(&ours.ca(), Some(&ours.of("b")), ctl);
    assert_eq!(knock(&listener, &honest, "a.alpha.tm").await.unwrap(), 1);
    assert_eq!(planes.ctl.recv().await.unwrap().peer, "b");
}

#[tokio::test]
async fn who_does_not_say_what_it_wants_gets_nothing() {
    let ours = Authority::new("alpha");
    let (listener, _planes) = ours.listen("a", quick());
    ours.tls("b");
    let ask = |alpn: &[&[u8]]| stranger(&ours.ca(), Some(&ours.of("b")), alpn);
    let silent = knock(&listener, &ask(&[]), "a.alpha.tm").await;
    assert!(silent.is_err());
    eventually("no ALPN is counted", || refused(&listener, Refusal::NoAlpn) == 1).await;
    let foreign: [&[&[u8]]; 2] = [&[b"h2"], &[b"ctl/2", b"http/1.1"]];
    for (number, alpn) in foreign.into_iter().enumerate() {
        let error = knock(&listener, &ask(alpn), "a.alpha.tm").await.unwrap_err();
        assert!(
            error.to_string().contains("NoApplicationProtocol"),
            "RFC 7301 3.2 names the alert: {error}"
        );
        let count = number as u64 + 1;
        eventually("unknown ALPN is counted", || refused(&listener, Refusal::UnknownAlpn) == count)
            .await;
    }
    assert_eq!(knock(&listener, &ask(&[b"h2", b"act/1"]), "a.alpha.tm").await.unwrap(), 1);
}

#[tokio::test]
async fn silence_half_a_hello_and_noise_end_without_a_stream() {
    let ours = Authority::new("alpha");
    let (listener, _planes) = ours.listen("a", quick());
    let mut silent = TcpStream::connect(listener.local_addr()).await.unwrap();
    let mut half = TcpStream::connect(listener.local_addr()).await.unwrap();
    // A record that announces 512 bytes of a client hello and brings seven.
    half.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 9]).await.unwrap();
    let mut noise = TcpStream::connect(listener.local_addr()).await.unwrap();
    noise.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut leaves = TcpStream::connect(listener.local_addr()).await.unwrap();
    leaves.shutdown().await.unwrap();
    for stream in [&mut silent, &mut half, &mut noise, &mut leaves] {
        let mut got = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut got)).await;
        // An alert of seven bytes at most, or a reset.
        assert!(read.expect("is closed").is_err() || got.len() <= 7, "got {got:?}");
    }
    eventually("silence is counted", || refused(&listener, Refusal::Slow) == 2).await;
    eventually("noise is counted", || refused(&listener, Refusal::NotTls) == 2).await;
    eventually("nobody waits", || listener.stats().waiting == 0).await;
}

#[tokio::test]
async fn two_hundred_who_never_finish_keep_nobody_waiting() {
    let ours = Authority::new("alpha");
    // Longer than the test: those who never finish are there all the time.
    let limits = Limits { handshake: PATIENCE * 10, waiting: 64, ..Limits::default() };
    let (listener, mut planes) = ours.listen("a", limits);
    let dialer = ours.dialer("b");
    let mut junk = Vec::new();
    for number in 0..200_usize {
        let mut stream = TcpStream::connect(listener.local_addr()).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 9]).await.unwrap();
        }
        junk.push(stream);
        if number % 50 == 49 {
            let mut stream = dial(&dialer, "a", &listener, Plane::Act).await.unwrap();
            converse(&mut stream, &mut planes.act.recv().await.unwrap()).await;
        }
    }
    eventually("all have come", || listener.stats().accepted == 204).await;
    let stats = listener.stats();
    assert_eq!(stats.admitted, 4);
    assert!(stats.waiting <= 64, "{stats:?}");
    assert!(136 <= stats.refused[&Refusal::Crowded], "{stats:?}");
}

#[tokio::test]
async fn a_dialer_demands_the_name_and_the_cluster_it_wants() {
    let (ours, foreign) = (Authority::new("alpha"), Authority::new("alpha"));
    let (b, _b_planes) = ours.listen("b", quick());
    let (impostor, _impostor_planes) = foreign.listen("c", quick());
    let dialer = ours.dialer("a");
    let wrong = dial(&dialer, "c", &b, Plane::Ctl).await.err().unwrap();
    assert!(matches!(wrong, NetError::Untrusted { .. }), "{wrong}");
    let wrong = dial(&dialer, "c", &impostor, Plane::Ctl).await.err().unwrap();
    assert!(matches!(wrong, NetError::Untrusted { .. }), "{wrong}");
    let wrong = dial(&dialer, "C:/", &b, Plane::Ctl).await.err().unwrap();
    assert!(matches!(wrong, NetError::Untrusted { .. }), "no name at all: {wrong}");
    let refused_us = dial(&foreign.dialer("b"), "c", &impostor, Plane::Ctl).await;
    assert!(refused_us.is_ok(), "its own cluster lets it in");
    let address = {
        let (closed, _planes) = ours.listen("d", quick());
        closed.local_addr().to_string()
    };
    let gone = dialer.dial("d", &address, Plane::Ctl).await.err().unwrap();
    assert!(matches!(gone, NetError::Unreachable { .. }), "{gone}");
}

#[tokio::test]
async fn one_that_accepts_and_says_nothing_is_given_up() {
    let ours = Authority::new("alpha");
    let mute = tokio::net::TcpListener::bind(kit::any_port()).await.unwrap();
    let limits = DialLimits { handshake: Duration::from_millis(200), ..DialLimits::default() };
    let dialer = Dialer::new(ours.tls("a"), limits);
    let address = mute.local_addr().unwrap().to_string();
    let error = dialer.dial("b", &address, Plane::Ctl).await.err().unwrap();
    assert!(matches!(error, NetError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_peer_has_so_many_connections_and_planes_without_a_server_say_so() {
    let ours = Authority::new("alpha");
    let (listener, mut planes) = ours.listen("a", Limits::default());
    let (b, c) = (ours.dialer("b"), ours.dialer("c"));
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(dial(&b, "a", &listener, Plane::Act).await.unwrap());
    }
    let third = dial(&b, "a", &listener, Plane::Act).await.err().unwrap();
    assert!(third.to_string().contains("enough connections"), "{third}");
    dial(&c, "a", &listener, Plane::Act).await.expect("another peer has its own");
    dial(&b, "a", &listener, Plane::Ctl).await.expect("another plane has its own");
    drop(held);
    while let Ok(incoming) = planes.act.try_recv() {
        drop(incoming);
    }
    eventually("closed ones are not counted", || {
        !listener.stats().open.contains_key(&("b".to_owned(), Plane::Act))
    })
    .await;
    dial(&b, "a", &listener, Plane::Act).await.expect("there is room again");
    drop(planes.blob);
    let unserved = dial(&b, "a", &listener, Plane::Blob).await.err().unwrap();
    assert!(unserved.to_string().contains("does not serve"), "{unserved}");
    assert_eq!(refused(&listener, Refusal::TooMany), 1);
    assert_eq!(refused(&listener, Refusal::NotServed), 1);
}

#[tokio::test]
async fn an_old_protocol_and_a_second_process_of_one_name_are_told_so() {
    let ours = Authority::new("alpha");
    let (listener, mut planes) = ours.listen("a", quick());
    let dialer = ours.dialer("b");
    let mut host = Fixed::new("a");
    (host.hello.proto_min, host.hello.proto_max) = (2, 3);
    host.latest = Some((7, 70));
    let host: Arc<dyn Identity> = Arc::new(host);
    // Incarnation, boot id, lowest and highest protocol, and the reason to be refused.
    let guests = [
        (7, 70, 1, 1, Some(3)),
        (6, 1, 2, 2, Some(4)),
        (7, 71, 2, 2, Some(5)),
        (7, 70, 1, 2, None),
        (8, 80, 3, 9, None),
    ];
    for (incarnation, boot_id, proto_min, proto_max, wanted) in guests {
        let mut guest = Fixed::new("b").hello;
        (guest.incarnation, guest.boot_id) = (incarnation, boot_id);
        (guest.proto_min, guest.proto_max) = (proto_min, proto_max);
        let mut stream = dial(&dialer, "a", &listener, Plane::Act).await.unwrap();
        let mut incoming = planes.act.recv().await.unwrap();
        let (told, judged) = tokio::join!(
            meet(&mut stream, &guest, Role::Dialer, HELLO_WITHIN, |_| None),
            greet(&mut incoming.stream, &*host, &incoming.peer, Role::Acceptor),
        );
        let code = match told {
            Err(HelloError::RefusedByPeer { code, .. }) => Some(code),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        };
        assert_eq!(code, wanted);
        assert_eq!(judged.is_err(), wanted.is_some());
    }
    // One that says another name than its certificate.
    let mut stream = dial(&dialer, "a", &listener, Plane::Act).await.unwrap();
    let mut incoming = planes.act.recv().await.unwrap();
    let liar = Fixed::new("c").hello;
    let (told, _) = tokio::join!(
        meet(&mut stream, &liar, Role::Dialer, HELLO_WITHIN, |_| None),
        greet(&mut incoming.stream, &*host, &incoming.peer, Role::Acceptor),
    );
    assert!(matches!(told, Err(HelloError::RefusedByPeer { code: 2, .. })));
}

#[tokio::test]
async fn a_certificate_is_replaced_under_a_running_stream() {
    let ours = Authority::new("alpha");
    let (tls_a, tls_b) = (ours.tls("a"), ours.tls("b"));
    let (listener, mut planes) =
        Listener::bind(kit::any_port(), Arc::clone(&tls_a), quick()).unwrap();
    let dialer = Dialer::new(Arc::clone(&tls_b), DialLimits::default());
    let mut old = dial(&dialer, "a", &listener, Plane::Act).await.unwrap();
    let mut old_there = planes.act.recv().await.unwrap();
    let before = tls_a.info().fingerprint;
    assert!(!tls_a.reload().unwrap(), "nothing has changed");
    certs::rotate_node(&ours.ca(), &ours.of("a")).unwrap();
    assert!(tls_a.reload().unwrap());
    assert_ne!(tls_a.info().fingerprint, before);
    // A stranger sees which certificate is shown now.
    let tcp = TcpStream::connect(listener.local_addr()).await.unwrap();
    let name = ServerName::try_from("a.alpha.tm").unwrap();
    let connector = stranger(&ours.ca(), Some(&ours.of("b")), &[b"ctl/1"]);
    let shown = connector.connect(name, tcp).await.unwrap();
    let leaf = shown.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let on_disk = CertificateDer::from_pem_file(ours.of("a").join(certs::NODE_FILE)).unwrap();
    assert_eq!(leaf, on_disk.to_vec());
    // A broken file changes nothing.
    for file in [certs::NODE_FILE, certs::NODE_KEY_FILE, certs::CA_FILE] {
        let path = ours.of("a").join(file);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, b"-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
        assert!(tls_a.reload().is_err());
        std::fs::write(&path, good).unwrap();
        dial(&dialer, "a", &listener, Plane::Ctl).await.expect("the old ones stay in force");
    }
    converse(&mut old, &mut old_there).await;
}

#[tokio::test]
async fn a_ca_is_replaced_without_a_moment_of_distrust() {
    let ours = Authority::new("alpha");
    let (tls_a, tls_b) = (ours.tls("a"), ours.tls("b"));
    let (listener, mut planes) =
        Listener::bind(kit::any_port(), Arc::clone(&tls_a), quick()).unwrap();
    let dialer = Dialer::new(Arc::clone(&tls_b), DialLimits::default());
    // What somebody keeps who left the cluster before the change.
    let kept = ours.of("kept");
    std::fs::create_dir(&kept).unwrap();
    for file in [certs::CA_FILE, certs::NODE_FILE, certs::NODE_KEY_FILE] {
        std::fs::copy(ours.of("b").join(file), kept.join(file)).unwrap();
    }
    tokio::spawn(async move {
        while let Some(incoming) = planes.ctl.recv().await {
            assert_eq!(incoming.peer, "b");
        }
    });
    let works = async || dial(&dialer, "a", &listener, Plane::Ctl).await.unwrap();
    certs::rotate_ca(&ours.ca()).unwrap();
    assert_eq!(certs::info(&ours.ca().join(certs::CA_FILE)).unwrap().len(), 2);
    for (node, tls) in [("a", &tls_a), ("b", &tls_b)] {
        kit::hand_out(&ours.ca(), &ours.of(node));
        assert!(!tls.reload().unwrap(), "its own certificate is still the old one");
        drop(works().await);
    }
    for (node, tls) in [("a", &tls_a), ("b", &tls_b)] {
        certs::rotate_node(&ours.ca(), &ours.of(node)).unwrap();
        assert!(tls.reload().unwrap());
        drop(works().await);
    }
    assert_eq!(certs::retire_old_cas(&ours.ca()).unwrap(), 1);
    for (node, tls) in [("a", &tls_a), ("b", &tls_b)] {
        kit::hand_out(&ours.ca(), &ours.of(node));
        tls.reload().unwrap();
        drop(works().await);
    }
    let leaver = stranger(&ours.ca(), Some(&kept), &[b"ctl/1"]);
    assert!(knock(&listener, &leaver, "a.alpha.tm").await.is_err());
    assert_eq!(refused(&listener, Refusal::Untrusted), 1);
    assert!(Tls::load(&TlsFiles::in_dir(&kept), "alpha", "b").is_ok(), "it believes itself still");
}
