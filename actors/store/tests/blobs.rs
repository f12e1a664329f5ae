//! A blob is whole under its hash or absent, and nothing that is needed is collected.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use store::{BlobHash, Blobs, StoreError};

#[test]
fn bytes_and_files_come_back_under_their_hash() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let stored = blobs.put_bytes(b"hello").unwrap();
    let hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!((stored.sha256.to_string().as_str(), stored.size_bytes), (hex, 5));
    assert_eq!(hex.parse::<BlobHash>().unwrap(), stored.sha256);
    let source = dir.path().join("source");
    std::fs::write(&source, vec![7_u8; 300_000]).unwrap();
    let copied = blobs.put_file(&source).unwrap();
    assert_eq!(blobs.put_file(&source).unwrap(), copied, "putting twice is putting once");
    assert_eq!(blobs.verify(copied.sha256).unwrap(), 300_000);
    assert_eq!(blobs.read(copied.sha256).unwrap(), vec![7_u8; 300_000]);
    assert_eq!(blobs.list().unwrap().len(), 2);
    assert!(source.exists());
}

#[test]
fn damage_is_noticed_and_absence_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let stored = blobs.put_bytes(&[1; 1_000]).unwrap();
    let path = blobs.path(stored.sha256).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[500] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(blobs.read(stored.sha256), Err(StoreError::Corrupt { .. })));
    assert!(matches!(blobs.verify(stored.sha256), Err(StoreError::Corrupt { .. })));
    assert!(matches!(blobs.read(BlobHash([9; 32])), Err(StoreError::NoBlob { .. })));
    assert!(blobs.path(BlobHash([9; 32])).is_none());
}

#[test]
fn putting_the_same_content_again_heals_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let content = vec![3_u8; 200_000];
    let stored = blobs.put_bytes(&content).unwrap();
    let path = blobs.path(stored.sha256).unwrap();
    let mut same_length = content.clone();
    same_length[150_000] ^= 1;
    for damage in [same_length, content[..1_000].to_vec(), Vec::new()] {
        std::fs::write(&path, damage).unwrap();
        assert_eq!(blobs.put_bytes(&content).unwrap(), stored);
        assert_eq!(blobs.read(stored.sha256).unwrap(), content);
    }
}

#[test]
fn only_what_is_old_unpinned_and_unreferenced_is_collected() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let hashes: Vec<BlobHash> =
        (1..5_usize).map(|size| blobs.put_bytes(&vec![7; size]).unwrap().sha256).collect();
    let pin = blobs.pin(hashes[0]);
    let referenced = BTreeSet::from([hashes[1]]);
    let nothing = blobs.collect(&referenced, 0).unwrap();
    assert!(nothing.removed.is_empty(), "nothing is older than 1970");
    let gone = blobs.collect(&referenced, u64::MAX).unwrap();
    assert!(gone.failure.is_none());
    assert_eq!(gone.bytes(), 3 + 4);
    let found: BTreeSet<BlobHash> = gone.removed.iter().map(|info| info.sha256).collect();
    assert_eq!(found, BTreeSet::from([hashes[2], hashes[3]]));
    assert_eq!(blobs.list().unwrap().len(), 2);
    assert!(!blobs.remove(hashes[0]).unwrap(), "pinned");
    drop(pin);
    assert!(blobs.remove(hashes[0]).unwrap());
    assert!(blobs.path(hashes[0]).is_none());
}

#[test]
fn one_that_cannot_be_removed_is_told_and_does_not_keep_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    let blobs = Blobs::open(&root).unwrap();
    let plain = blobs.put_bytes(b"plain").unwrap().sha256;
    // A directory under the name of a file cannot be unlinked, whoever asks.
    let stuck = BlobHash([0; 32]);
    std::fs::create_dir_all(root.join("00").join(stuck.to_string())).unwrap();
    let collected = blobs.collect(&BTreeSet::new(), u64::MAX).unwrap();
    let removed: Vec<BlobHash> = collected.removed.iter().map(|info| info.sha256).collect();
    assert_eq!(removed, [plain]);
    assert!(matches!(collected.failure, Some(StoreError::Io { .. })), "{collected:?}");
}

#[test]
fn a_file_put_while_others_are_collected_stays() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let now_ms = || {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        u64::try_from(since.as_millis()).unwrap()
    };
    let content = b"comes and goes";
    for _ in 0..200 {
        let stored = blobs.put_bytes(content).unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let file = std::fs::File::options().append(true).open(blobs.path(stored.sha256).unwrap());
        file.unwrap().set_modified(long_ago).unwrap();
        let before_ms = now_ms() - 1_000;
        let collector = blobs.clone();
        let collecting =
            std::thread::spawn(move || collector.collect(&BTreeSet::new(), before_ms).unwrap());
        // Whether it was found again or was written anew: after the put it is here.
        blobs.put_bytes(content).unwrap();
        assert_eq!(blobs.read(stored.sha256).unwrap(), content);
        assert!(collecting.join().unwrap().failure.is_none());
        assert_eq!(blobs.read(stored.sha256).unwrap(), content, "and it stays");
    }
}

#[test]
fn what_an_interrupted_put_left_is_removed_and_foreign_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    drop(Blobs::open(&root).unwrap());
    std::fs::write(root.join("tmp/17"), b"half").unwrap();
    drop(Blobs::open(&root).unwrap());
    assert!(!root.join("tmp/17").exists());
    for text in ["", "ab", "../../../etc/passwd", &"A".repeat(64), &"g".repeat(64), &"ü".repeat(32)]
    {
        assert!(text.parse::<BlobHash>().is_err(), "{text}");
    }
}

#[test]
fn what_arrives_in_pieces_survives_a_reopening_and_is_seen_only_when_it_is_whole_and_right() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    let whole: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let hash = BlobHash::of(&whole);
    let blobs = Blobs::open(&root).unwrap();
    let mut partial = blobs.partial(hash).unwrap();
    assert!(partial.is_empty());
    assert!(matches!(blobs.partial(hash), Err(StoreError::Refused { .. })), "one writer");
    partial.append(&whole[..150_000]).unwrap();
    drop(partial);
    drop(blobs);
    let blobs = Blobs::open(&root).unwrap();
    assert!(blobs.path(hash).is_none() && blobs.list().unwrap().is_empty());
    let mut partial = blobs.partial(hash).unwrap();
    assert_eq!(partial.len(), 150_000);
    partial.append(&whole[150_000..]).unwrap();
    assert_eq!(partial.finish().unwrap().size_bytes, 400_000);
    assert_eq!(blobs.read(hash).unwrap(), whole);
    // Once more beside the one that is there; then with a wrong byte, which leaves nothing.
    for wrong in [false, true] {
        let mut partial = blobs.partial(hash).unwrap();
        assert!(partial.is_empty(), "nothing was left behind");
        partial.append(&whole[..399_999]).unwrap();
        partial.append(&[whole[399_999] ^ u8::from(wrong)]).unwrap();
        let finished = partial.finish();
        assert_eq!(matches!(finished, Err(StoreError::Corrupt { .. })), wrong);
        assert_eq!(blobs.read(hash).unwrap(), whole);
        assert_eq!(std::fs::read_dir(root.join("partial")).unwrap().count(), 0);
    }
    // Pieces that nobody came back for go at the next opening.
    let abandoned = BlobHash([7; 32]);
    blobs.partial(abandoned).unwrap().append(b"half").unwrap();
    let path = root.join("partial").join(abandoned.to_string());
    drop(Blobs::open(&root).unwrap());
    assert!(path.exists(), "it is young");
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    drop(Blobs::open(&root).unwrap());
    assert!(!path.exists());
}
