//! The leader's book, case by case.

use super::*;

const BOOT: [u8; 16] = [7; 16];

fn renewal(incarnation: u64) -> Renewal {
    Renewal { node: "a".into(), incarnation, boot_id: BOOT, report: b"busy".to_vec() }
}

fn standing(incarnation: u64) -> Standing {
    Standing { incarnation, boot_id: Some(BOOT), down: false }
}

fn book() -> Book {
    let mut book = Book::new(LeaseTimes::default());
    book.take_office(3, 1_000);
    book
}

/// Looks every second, as the leader does, and returns when `a` may be marked down first.
fn marked_down_at(book: &mut Book, from_ms: u64) -> Option<u64> {
    (0..60)
        .map(|s| from_ms + s * 1_000)
        .find(|now| !book.may_mark_down([("a", 1)], *now).is_empty())
}

#[test]
fn grants_only_in_its_term() {
    let mut book = Book::new(LeaseTimes::default());
    let granted = book.renew(3, &renewal(1), Some(&standing(1)), 0);
    assert_eq!(granted, Err(NotGranted::NotInOffice));
    book.take_office(3, 0);
    assert_eq!(book.renew(2, &renewal(1), Some(&standing(1)), 0), Err(NotGranted::NotInOffice));
    assert_eq!(book.renew(3, &renewal(1), Some(&standing(1)), 0), Ok(()));
    book.leave_office();
    let granted = book.renew(3, &renewal(1), Some(&standing(1)), 0);
    assert_eq!(granted, Err(NotGranted::NotInOffice));
}

#[test]
fn an_older_start_is_refused_for_good() {
    let refused = book().renew(3, &renewal(1), Some(&standing(2)), 0);
    let stale = RenewRefusal::StaleIncarnation { current: 2, found: 1 };
    assert!(stale.is_final());
    assert_eq!(refused, Err(NotGranted::Refused(stale)));
}

#[test]
fn a_second_process_of_the_same_start_is_refused_for_good() {
    let mut book = book();
    let known = Standing { boot_id: None, ..standing(1) };
    book.renew(3, &renewal(1), Some(&known), 0).unwrap();
    let other = Renewal { boot_id: [8; 16], ..renewal(1) };
    let duplicate = RenewRefusal::DuplicateNode { incarnation: 1 };
    assert!(duplicate.is_final());
    // By what was agreed, and where that says nothing by who came first.
    for standing in [&standing(1), &known] {
        let refused = book.renew(3, &other, Some(standing), 0);
        assert_eq!(refused, Err(NotGranted::Refused(duplicate.clone())));
    }
}

#[test]
fn a_start_that_was_not_admitted_must_be_first() {
    let refused = book().renew(3, &renewal(2), Some(&standing(1)), 0);
    let reason = RenewRefusal::NotAdmitted { admitted: 1, found: 2 };
    assert!(reason.asks_to_readmit() && !reason.is_final());
    assert_eq!(refused, Err(NotGranted::Refused(reason)));
    let stranger = book().renew(3, &renewal(2), None, 0);
    assert_eq!(stranger, Err(NotGranted::Refused(RenewRefusal::NotMember)));
}

#[test]
fn a_restarted_node_replaces_its_older_start() {
    let mut book = book();
    book.renew(3, &renewal(1), Some(&standing(1)), 2_000).unwrap();
    let newer = Renewal { boot_id: [8; 16], ..renewal(2) };
    let admitted = Standing { boot_id: Some([8; 16]), ..standing(2) };
    assert_eq!(book.renew(3, &newer, Some(&admitted), 3_000), Ok(()));
    let refused = book.renew(3, &renewal(1), Some(&standing(1)), 3_000);
    let stale = RenewRefusal::StaleIncarnation { current: 2, found: 1 };
    assert_eq!(refused, Err(NotGranted::Refused(stale)));
}

#[test]
fn nobody_is_given_up_before_the_whole_time_and_everybody_silent_is_after_it() {
    let mut book = book();
    book.renew(3, &renewal(1), Some(&standing(1)), 5_000).unwrap();
    assert_eq!(marked_down_at(&mut book, 5_000), Some(20_000));
}

#[test]
fn a_new_leader_takes_every_lease_as_renewed_when_it_takes_office() {
    let mut book = book();
    book.renew(3, &renewal(1), Some(&standing(1)), 2_000).unwrap();
    book.take_office(5, 10_000);
    assert_eq!(marked_down_at(&mut book, 10_000), Some(25_000));
    // The same term again is not a new office.
    let mut same = Book::new(LeaseTimes::default());
    same.take_office(5, 0);
    same.take_office(5, 9_000);
    assert_eq!(marked_down_at(&mut same, 0), Some(15_000));
}

#[test]
fn a_leader_that_stood_still_gives_everybody_the_whole_time_again() {
    let mut book = book();
    book.renew(3, &renewal(1), Some(&standing(1)), 2_000).unwrap();
    assert_eq!(book.may_mark_down([("a", 1)], 3_000), []);
    assert_eq!(book.may_mark_down([("a", 1)], 30_000), []);
    assert_eq!(marked_down_at(&mut book, 30_000), Some(45_000));
}

#[test]
fn one_that_may_be_marked_down_gets_nothing_until_the_outcome_is_known() {
    let mut book = book();
    book.renew(3, &renewal(1), Some(&standing(1)), 1_000).unwrap();
    let at = marked_down_at(&mut book, 1_000).unwrap();
    let given_up = Err(NotGranted::Refused(RenewRefusal::GivenUp));
    assert_eq!(book.renew(3, &renewal(1), Some(&standing(1)), at), given_up);
    assert!(book.condemned("a"));
    // It is named until then, so that a command whose outcome is unknown is asked again.
    assert_eq!(book.may_mark_down([("a", 1)], at).len(), 1);
    book.settle("a");
    let down = Standing { down: true, ..standing(1) };
    assert_eq!(book.renew(3, &renewal(1), Some(&down), at), given_up);
    assert_eq!(book.renew(3, &renewal(1), Some(&standing(1)), at), Ok(()));
}

#[test]
fn keeps_the_newest_report_of_each_and_none_that_is_too_large() {
    let mut book = book();
    book.renew(3, &renewal(1), Some(&standing(1)), 2_000).unwrap();
    let large = Renewal { report: vec![0; REPORT_BYTES_MAX + 1], ..renewal(1) };
    book.renew(3, &large, Some(&standing(1)), 4_000).unwrap();
    let reports = book.reports(5_000);
    let [report] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((report.bytes.as_slice(), report.age_ms), (b"busy".as_slice(), 1_000));
    assert!(book.live("a", 13_999) && !book.live("a", 14_000) && !book.live("b", 4_000));
    book.retain(|node| node != "a");
    assert!(book.reports(5_000).is_empty());
}

#[test]
fn a_node_admitted_a_moment_ago_was_not_silent_before() {
    let mut book = book();
    assert!(marked_down_at(&mut book, 1_000).is_some());
    book.settle("a");
    // Marked down: not among those that are up, for however long. Then it comes back, as a later start or the same.
    for (incarnation, back_ms) in [(2, 100_000), (2, 200_000)] {
        for now in (back_ms - 10_000..back_ms).step_by(1_000) {
            assert!(book.may_mark_down([("leader", 1)], now).iter().all(|lost| lost.node != "a"));
        }
        let first = (0..60)
            .map(|s| back_ms + s * 1_000)
            .find(|now| !book.may_mark_down([("a", incarnation)], *now).is_empty());
        assert_eq!(first, Some(back_ms + 15_000));
        book.settle("a");
    }
}
