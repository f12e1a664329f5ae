//! Knowing the cluster's token, shown without sending it: HMAC-SHA-256 (RFC 2104) over who asks.
//!
//! The proof is of use to nobody else: it names the node and this start of it, and the connection's certificate must
//! bear the same name.

use sha2::{Digest, Sha256};

/// Bytes of a SHA-256 block.
const BLOCK_BYTES: usize = 64;
/// Separates these proofs from any other use of the token.
const PURPOSE: &[u8] = b"trademaster member/join 1";

/// A proof of knowing the token.
pub type Proof = [u8; 32];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The node's name.
    pub node: &'a str,
    /// Its starts, counted.
    pub incarnation: u64,
    /// Made up at this start.
    pub boot_id: &'a [u8; 16],
}

/// Returns the proof that `claim` is made by somebody who knows `token`.
#[must_use]
pub fn prove(token: &[u8], claim: &Claim<'_>) -> Proof {
    let length = (claim.node.len() as u64).to_be_bytes();
    let incarnation = claim.incarnation.to_be_bytes();
    let parts = [PURPOSE, &length, claim.node.as_bytes(), &incarnation, claim.boot_id];
    hmac_sha256(token, &parts)
}

/// Whether `proof` was made with `token` for `claim`, in a time that does not depend on where they differ.
#[must_use]
pub fn holds(token: &[u8], claim: &Claim<'_>, proof: &Proof) -> bool {
    same(&prove(token, claim), proof)
}

/// Whether both are the same, in a time that does not depend on where they differ.
fn same(left: &Proof, right: &Proof) -> bool {
    let difference =
        left.iter().zip(right).fold(0, |all, (l, r)| std::hint::black_box(all | (l ^ r)));
    difference == 0
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Proof {
    let mut block = [0_u8; BLOCK_BYTES];
    if key.len() <= BLOCK_BYTES {
        block[..key.len()].copy_from_slice(key);
    } else {
        block[..32].copy_from_slice(&Sha256::digest(key));
    }
    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn agrees_with_the_published_vectors() {
        // RFC 4231, cases 1, 2 and 6 (a key longer than a block).
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let cases: [(&[u8], &[u8], &str); 3] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                long,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, text, wanted) in cases {
            assert_eq!(hex(&hmac_sha256(key, &[text])), wanted);
            let (head, tail) = text.split_at(3);
            assert_eq!(hex(&hmac_sha256(key, &[head, tail])), wanted);
        }
    }

    #[test]
    fn a_proof_holds_for_one_token_and_one_claim_only() {
        let claim = Claim { node: "a", incarnation: 1, boot_id: &[3; 16] };
        let proof = prove(b"token", &claim);
        assert!(holds(b"token", &claim, &proof));
        assert!(!holds(b"Token", &claim, &proof) && !holds(b"", &claim, &proof));
        assert!(!holds(b"token", &Claim { node: "b", ..claim }, &proof));
        assert!(!holds(b"token", &Claim { incarnation: 2, ..claim }, &proof));
        assert!(!holds(b"token", &Claim { boot_id: &[4; 16], ..claim }, &proof));
        for bit in 0..256 {
            let mut wrong = proof;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!holds(b"token", &claim, &wrong), "bit {bit}");
        }
    }
}
