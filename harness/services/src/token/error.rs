//! Why a token is refused.

/// Why a token is refused. No variant holds the token or a part of its
/// signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than STS accepts (20,000 characters).
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url segments, of which two are JSON objects; or the
    /// header asks for something that is not supported.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// A member of the header or of the claims occurs twice.
    #[error("the token has the member `{0}` twice")]
    DuplicateClaim(String),
    /// The header's algorithm is not one of those allowed.
    #[error("the token's algorithm `{0}` is not allowed")]
    Algorithm(String),
    /// No key of the issuer fits the token: its `kid` is unknown, or missing
    /// where one is required, or names a key for another purpose.
    #[error("no key of the issuer fits the token")]
    UnknownKey,
    /// Several keys of the issuer have the token's `kid`.
    #[error("several keys of the issuer have the token's key id")]
    AmbiguousKey,
    /// The issuer's keys could not be had.
    #[error("the keys of the issuer are not to be had: {0}")]
    KeysUnavailable(String),
    /// The signature is not the key's.
    #[error("the token's signature is not valid")]
    Signature,
    /// The claim `iss` is not the expected issuer.
    #[error("the token has another issuer")]
    Issuer,
    /// A claim is missing.
    #[error("the token has no claim `{0}`")]
    MissingClaim(&'static str),
    /// A timestamp is not an integer.
    #[error("the token's claim `{0}` is not an integer timestamp")]
    Timestamp(&'static str),
    /// `exp` is not after now.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is after now.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is after now.
    #[error("the token was issued in the future")]
    IssuedInFuture,
}
