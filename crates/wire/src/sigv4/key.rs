//! Keys derived from a secret, and the signatures that they verify.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    agreement, constant_time, hmac,
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};

use super::{AuthError, ECDSA, HMAC};

/// Bytes of a private key of P-256.
const SCALAR_BYTES: usize = 32;
/// The order of P-256 less two, the largest number of which one more is a private key (SP 800-186, 3.2.1.3).
const ORDER_LESS_TWO: [u8; SCALAR_BYTES] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
];

/// What verifies the signatures of one secret: for one day, Region and service, or, of Signature Version 4A, for all.
#[derive(Clone)]
pub struct SigningKey(Kind);

#[derive(Clone)]
enum Kind {
    Hmac(Arc<hmac::Key>),
    /// The public key alone: nothing is signed here.
    Ecdsa(UnparsedPublicKey<Vec<u8>>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Derives the key of Signature Version 4 (four HMACs).
    pub fn derive(secret: &str, date: &str, region: &str, service: &str) -> Self {
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
        for part in [date, region, service, "aws4_request"] {
            key = hmac::Key::new(
                hmac::HMAC_SHA256,
                hmac::sign(&key, part.as_bytes()).as_ref(),
            );
        }
        Self(Kind::Hmac(Arc::new(key)))
    }

    /// Derives the key pair of Signature Version 4A, and keeps its public half.
    ///
    /// # Errors
    /// [`AuthError::Mismatch`] when no key can be derived, which has a chance of one in 2^8000.
    pub fn derive_v4a(secret: &str, access_key_id: &str) -> Result<Self, AuthError> {
        let scalar = scalar(secret, access_key_id).ok_or(AuthError::Mismatch)?;
        let public = agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, &scalar)
            .and_then(|private| Ok(private.compute_public_key()?))
            .map_err(|_| AuthError::Mismatch)?;
        let public = public.as_ref().to_vec();
        Ok(Self(Kind::Ecdsa(UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_ASN1,
            public,
        ))))
    }

    #[cfg(test)]
    pub(super) fn public(&self) -> &[u8] {
        match &self.0 {
            Kind::Hmac(_) => &[],
            Kind::Ecdsa(key) => key.as_ref(),
        }
    }

    /// Begins every string that is signed.
    pub(super) fn algorithm(&self) -> &'static str {
        match &self.0 {
            Kind::Hmac(_) => HMAC,
            Kind::Ecdsa(_) => ECDSA,
        }
    }

    /// Verifies a signature; HMACs are compared in constant time.
    ///
    /// # Errors
    /// [`AuthError::Mismatch`] when it is not the key's.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Result<(), AuthError> {
        let is_right = match &self.0 {
            Kind::Hmac(key) => {
                let expected = hmac::sign(key, text.as_bytes());
                constant_time::verify_slices_are_equal(expected.as_ref(), signature).is_ok()
            }
            Kind::Ecdsa(key) => key.verify(text.as_bytes(), signature).is_ok(),
        };
        is_right.then_some(()).ok_or(AuthError::Mismatch)
    }
}

/// The private key: the key derivation function in counter mode of SP 800-108 with HMAC-SHA256, as often as its result
/// is too large for the curve.
pub(super) fn scalar(secret: &str, access_key_id: &str) -> Option<[u8; SCALAR_BYTES]> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4A{secret}").as_bytes());
    (1..=254).find_map(|counter: u8| {
        let mut input = 1_u32.to_be_bytes().to_vec();
        input.extend_from_slice(ECDSA.as_bytes());
        input.push(0);
        input.extend_from_slice(access_key_id.as_bytes());
        input.push(counter);
        input.extend_from_slice(&256_u32.to_be_bytes());
        let mut candidate = [0; SCALAR_BYTES];
        candidate.copy_from_slice(hmac::sign(&key, &input).as_ref());
        (candidate <= ORDER_LESS_TWO).then(|| one_more(candidate))
    })
}

/// A number's successor; the number is not the largest.
fn one_more(mut number: [u8; SCALAR_BYTES]) -> [u8; SCALAR_BYTES] {
    for digit in number.iter_mut().rev() {
        let (sum, overflows) = digit.overflowing_add(1);
        *digit = sum;
        if !overflows {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_key_pair_is_that_of_the_published_vectors() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        // The private half is nowhere in AWS's suite; the SDK's signer has it in a test.
        assert_eq!(
            hex::encode(scalar(secret, "AKIDEXAMPLE").unwrap()),
            "7efc8c0e65a324242818c5a50c891c6060b6a00717b7ba3cbe3c5d765be9259c"
        );
        let Kind::Ecdsa(public) = SigningKey::derive_v4a(secret, "AKIDEXAMPLE").unwrap().0 else {
            panic!("not a key pair");
        };
        assert_eq!(
            hex::encode(public.as_ref()),
            "04b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1\
             865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518"
        );
    }

    #[test]
    fn a_carry_goes_on_to_the_next_digit() {
        let mut number = [0; SCALAR_BYTES];
        number[30..].fill(0xff);
        let mut expected = [0; SCALAR_BYTES];
        expected[29] = 1;
        assert_eq!(one_more(number), expected);
    }
}
