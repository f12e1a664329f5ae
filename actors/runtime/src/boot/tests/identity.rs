//! Users and tokens through their handle.

use ring::signature::{ED25519, UnparsedPublicKey};

use super::*;
use crate::clock::Clock;
use crate::messages::identity::{NewUser, Rotation};
use crate::views::UserView;

const PHC: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g";

fn user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        role: "admin".to_owned(),
        password_phc: PHC.to_owned(),
        must_change_password: true,
    }
}

async fn made(platform: &Platform, name: &str) -> UserView {
    platform.identity.create_user(command(), user(name)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_once_and_outlive_the_process() {
    let (dir, platform, running) = start().await;
    assert_eq!(platform.identity.user_count().await.unwrap(), 0);
    let first = platform.identity.create_user(same(1), user("Ada")).await.unwrap();
    assert_eq!(platform.identity.create_user(same(1), user("Ada")).await.unwrap(), first);
    let refused = platform.identity.create_user(command(), user("ada")).await.unwrap_err();
    assert!(matches!(refused, ActorsError::Conflict { .. }), "{refused}");
    let (platform, _running) = restart(dir.path(), running).await;
    let found = platform.identity.user_by_name("ADA").await.unwrap().unwrap();
    assert_eq!(
        (found.user, found.password_phc.as_str(), found.permission_version),
        (first, PHC, 1)
    );
    assert_eq!(platform.identity.user_by_name("bob").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_roles_and_plain_passwords_are_refused_together() {
    let (_dir, platform, _running) = start().await;
    let bad = NewUser {
        name: "a b".to_owned(),
        role: "god".to_owned(),
        password_phc: "secret".to_owned(),
        must_change_password: false,
    };
    let refused = platform.identity.create_user(command(), bad).await.unwrap_err();
    assert_eq!(refused.problem().errors.len(), 3);
    assert!(!format!("{refused:?} {refused}").contains("secret"));
    assert_eq!(platform.identity.user_count().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_refresh_token_ends_its_family_and_no_other() {
    let (dir, platform, running) = start().await;
    let ada = made(&platform, "ada").await;
    let now = SystemClock.wall_ms();
    let end = now + 86_400_000;
    platform.identity.put_refresh([1; 32], ada.id, end).await.unwrap();
    platform.identity.put_refresh([9; 32], ada.id, end).await.unwrap();
    let first = platform.identity.rotate_refresh([1; 32], [2; 32], now).await.unwrap();
    assert_eq!(first, Rotation::Rotated { user: ada.id, expires_ms: end });
    let forgiven = platform.identity.rotate_refresh([1; 32], [3; 32], now + 9_000).await.unwrap();
    assert_eq!(forgiven, Rotation::Grace { user: ada.id });
    let (platform, _running) = restart(dir.path(), running).await;
    let copied = platform.identity.rotate_refresh([1; 32], [3; 32], now + 60_000).await.unwrap();
    assert_eq!(copied, Rotation::Reused { user: ada.id });
    let ended = platform.identity.rotate_refresh([2; 32], [4; 32], now + 61_000).await.unwrap();
    assert_eq!(ended, Rotation::Unknown, "the good token of a copied family is no longer good");
    let other = platform.identity.rotate_refresh([9; 32], [10; 32], now + 61_000).await.unwrap();
    assert_eq!(other, Rotation::Rotated { user: ada.id, expires_ms: end });
    assert_eq!(
        platform.identity.rotate_refresh([77; 32], [78; 32], now).await.unwrap(),
        Rotation::Unknown
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_login_of_the_user() {
    let (_dir, platform, _running) = start().await;
    let (ada, bob) = (made(&platform, "ada").await, made(&platform, "bob").await);
    let now = SystemClock.wall_ms();
    for number in 0..30 {
        platform.identity.put_refresh([number; 32], ada.id, now + 1_000_000).await.unwrap();
    }
    platform.identity.put_refresh([99; 32], bob.id, now + 1_000_000).await.unwrap();
    platform.identity.set_password(same(5), ada.id, PHC.to_owned()).await.unwrap();
    platform.identity.set_password(same(5), ada.id, PHC.to_owned()).await.unwrap();
    let found = platform.identity.user(ada.id).await.unwrap().unwrap();
    assert_eq!((found.permission_version, found.user.must_change_password), (2, false));
    platform.identity.give_password(command(), ada.id, PHC.to_owned()).await.unwrap();
    let given = platform.identity.user(ada.id).await.unwrap().unwrap();
    assert_eq!((given.permission_version, given.user.must_change_password), (3, true));
    for number in 0..30 {
        let answer = platform.identity.rotate_refresh([number; 32], [200; 32], now).await.unwrap();
        assert_eq!(answer, Rotation::Unknown);
    }
    platform.identity.revoke_family([99; 32]).await.unwrap();
    platform.identity.revoke_family([99; 32]).await.unwrap();
    assert_eq!(
        platform.identity.rotate_refresh([99; 32], [98; 32], now).await.unwrap(),
        Rotation::Unknown
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_verify_with_the_public_key_before_and_after_a_restart() {
    let (dir, platform, running) = start().await;
    let signature = platform.identity.sign(b"claims").await.unwrap();
    let (platform, _running) = restart(dir.path(), running).await;
    let keys = platform.identity.public_keys().await.unwrap();
    let (_, key) = keys.iter().find(|(kid, _)| *kid == signature.kid).unwrap();
    UnparsedPublicKey::new(&ED25519, key).verify(b"claims", &signature.bytes).unwrap();
    assert!(UnparsedPublicKey::new(&ED25519, key).verify(b"claimz", &signature.bytes).is_err());
}
