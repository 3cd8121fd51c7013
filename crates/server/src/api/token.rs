//! `NextToken`: where the next page begins, as a text that fits no other question.
//!
//! A checksum binds it to the question's parameters. It protects against mistakes, not against forgery: a forged place shows
//! its maker nothing that a call without a token would not.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::ApiError;

const HASH_BYTES: usize = 16;

/// The token of a place.
pub(super) fn seal(mut place: Vec<u8>, parameters: &str) -> String {
    let hash = hash(&place, parameters);
    place.extend(hash);
    URL_SAFE_NO_PAD.encode(place)
}

/// What `read` makes of the place in a token.
pub(super) fn open<T>(
    token: &str,
    parameters: &str,
    read: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T, ApiError> {
    let opened = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (place, checksum) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
        (hash(place, parameters) == *checksum).then(|| read(place))?
    };
    opened().ok_or_else(|| {
        ApiError::new(
            "InvalidNextTokenException",
            "The token is not valid, or the other parameters are not those of the call that returned it.",
        )
    })
}

fn hash(place: &[u8], parameters: &str) -> [u8; HASH_BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(place);
    context.update(parameters.as_bytes());
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&context.finish().as_ref()[..HASH_BYTES]);
    hash
}
