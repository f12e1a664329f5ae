//! What a broken network looks like on a stream, and that it is noticed: silence, freeze, truncation, cuts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod kit;

use std::io::ErrorKind;
use std::time::Duration;

use cluster::net::{BoxStream, Plane};
use cluster::transport::Limits;
use cluster::transport::faults::{Direction, Fault, Faults};
use cluster::transport::watchdog::{SILENCE_MAX, Watchdog};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, timeout};

use kit::{Authority, PATIENCE, converse, dial};

fn pair() -> (BoxStream, BoxStream, Faults) {
    let (ours, theirs) = duplex(1 << 16);
    let faults = Faults::default();
    (faults.wrap(Box::new(ours)), Box::new(theirs), faults)
}

async fn say(stream: &mut BoxStream, words: &[u8]) {
    stream.write_all(words).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn delayed_bytes_come_late_and_in_order() {
    let (mut ours, mut theirs, faults) = pair();
    let delay = Duration::from_millis(300);
    faults.set(Direction::In, Fault::Delay(delay));
    let began = Instant::now();
    for word in [b"one", b"two"] {
        say(&mut theirs, word).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut heard = [0; 6];
    ours.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"onetwo");
    assert!(delay <= began.elapsed() && began.elapsed() < delay * 2, "they travel at one time");
    say(&mut ours, b"back").await;
    let sent = Instant::now();
    theirs.read_exact(&mut heard[..4]).await.unwrap();
    assert!(sent.elapsed() < delay, "the other direction is not delayed");
}

#[tokio::test(start_paused = true)]
async fn a_stalled_direction_is_silent_until_it_is_healed_and_the_watchdog_notices() {
    let (ours, mut theirs, faults) = pair();
    let mut ours = Watchdog::new(ours, SILENCE_MAX);
    say(&mut theirs, b"a").await;
    assert_eq!(ours.read_u8().await.unwrap(), b'a');
    faults.set(Direction::In, Fault::Stall);
    say(&mut theirs, b"b").await;
    let began = Instant::now();
    assert_eq!(ours.read_u8().await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(began.elapsed(), SILENCE_MAX);

    let (mut ours, mut theirs, faults) = pair();
    faults.set_both(Fault::Stall);
    say(&mut ours, b"out").await;
    say(&mut theirs, b"in").await;
    assert!(timeout(SILENCE_MAX, theirs.read_u8()).await.is_err());
    faults.set_both(Fault::None);
    let mut heard = [0; 3];
    theirs.read_exact(&mut heard).await.unwrap();
    ours.read_exact(&mut heard[..2]).await.unwrap();
    assert_eq!(&heard, b"int", "everything comes late, as after a partition");
}

#[tokio::test]
async fn truncation_is_an_end_and_a_cut_takes_both_directions() {
    let (mut ours, mut theirs, faults) = pair();
    faults.set(Direction::Out, Fault::Truncate { after: 3 });
    say(&mut ours, b"abcdef").await;
    let mut heard = Vec::new();
    timeout(PATIENCE, theirs.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, b"abc");
    say(&mut theirs, b"still").await;
    let mut words = [0; 5];
    ours.read_exact(&mut words).await.unwrap();
    assert_eq!(&words, b"still", "the other direction goes on");

    let (mut ours, mut theirs, faults) = pair();
    faults.set(Direction::In, Fault::Cut { after: 2 });
    say(&mut theirs, b"abcdef").await;
    let mut heard = Vec::new();
    timeout(PATIENCE, ours.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, b"ab");
    timeout(PATIENCE, theirs.read_to_end(&mut heard)).await.unwrap().unwrap();
    assert!(ours.write_all(b"x").await.is_err());
}

#[tokio::test]
async fn duplication_repeats_pieces() {
    let (mut ours, mut theirs, faults) = pair();
    faults.set(Direction::In, Fault::Duplicate);
    say(&mut theirs, b"ab").await;
    let mut heard = [0; 4];
    ours.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"abab");
}

#[tokio::test]
async fn silence_on_a_real_stream_is_noticed_on_both_sides_and_a_redial_works() {
    let ours = Authority::new("alpha");
    let (listener, mut planes) = ours.listen("a", Limits::default());
    let dialer = ours.dialer("b");
    let silence = Duration::from_millis(300);
    let stream = dial(&dialer, "a", &listener, Plane::Act).await.unwrap();
    let mut here = Watchdog::new(stream, silence);
    let mut there = Watchdog::new(planes.act.recv().await.unwrap().stream, silence);
    let (here, there) =
        timeout(PATIENCE, async { tokio::join!(here.read_u8(), there.read_u8()) }).await.unwrap();
    // Whoever is first closes; the other one may see that instead.
    for end in [here, there] {
        let kind = end.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::TimedOut | ErrorKind::UnexpectedEof), "{kind}");
    }
    let mut again = dial(&dialer, "a", &listener, Plane::Act).await.unwrap();
    converse(&mut again, &mut planes.act.recv().await.unwrap()).await;
}
