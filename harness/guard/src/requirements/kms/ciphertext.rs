//! Which key a ciphertext is of.
//!
//! AWS's own form is not public. That of both emulators begins with the key's id
//! (moto's `kms/utils.py`, LocalStack's `services/kms/models.py`), and moto
//! decrypts with that key whichever the call names: the guard reads it too, so
//! that what is decided about is what decrypts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::RequirementsError;
use super::super::scope::Scope;

/// How long an id of a key is: a UUID's 36, and as much for `mrk-…`.
const ID: usize = 36;

/// The id of the key that decrypts a ciphertext.
pub(super) async fn key_of(
    scope: &Scope<'_>,
    member: &str,
    named: Option<&str>,
) -> Result<String, RequirementsError> {
    let own = scope.text(member).and_then(id_in);
    match (own, named) {
        (None, None) => Err(scope.refused("InvalidCiphertextException", String::new())),
        // An asymmetric key's ciphertext names none.
        (None, Some(named)) => Ok(named.to_owned()),
        (Some(own), None) => match scope.state.kms_key(&own).await {
            Ok(_) => Ok(own),
            Err(error) if error.code == "NotFoundException" => {
                Err(scope.refused("InvalidCiphertextException", String::new()))
            }
            Err(error) => Err(error.into()),
        },
        (Some(own), Some(named)) => {
            let (named, own) = (scope.state.kms_key(named).await?, scope.state.kms_key(&own).await);
            match own {
                Ok(own) if own.arn != named.arn => Err(scope.refused(
                    "IncorrectKeyException",
                    "The key ID in the request does not identify a CMK that can perform this \
                     operation."
                        .to_owned(),
                )),
                // Bytes that look like an id by chance.
                Ok(_) | Err(_) => Ok(named.arn),
            }
        }
    }
}

/// The id that a ciphertext in base64 begins with.
pub(crate) fn id_in(ciphertext: &str) -> Option<String> {
    let bytes = STANDARD.decode(ciphertext).ok()?;
    let id = std::str::from_utf8(bytes.get(..ID)?).ok()?;
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = || {
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && id.split('-').all(is_hex)
    };
    (id.strip_prefix("mrk-").is_some_and(is_hex) || is_uuid()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_begins_with_its_keys_id() {
        let id = "7185b4c0-316d-4b03-8d28-31350f253870";
        let text = STANDARD.encode([id.as_bytes(), b"\xcc,\xef"].concat());
        assert_eq!(id_in(&text).as_deref(), Some(id));
        let multi = "mrk-1234567890abcdef1234567890abcdef";
        assert_eq!(id_in(&STANDARD.encode(multi)).as_deref(), Some(multi));
        for other in [STANDARD.encode("short"), STANDARD.encode([0_u8; 64]), "no base64".into()] {
            assert_eq!(id_in(&other), None);
        }
    }
}
