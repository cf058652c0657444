//! Who may be let into a bucket beside its policy: Block Public Access, Object
//! Ownership and access control lists.

/// Who owns what is written to a bucket
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ownership {
    /// Whoever wrote it; also of a bucket without this setting.
    #[default]
    Writer,
    /// The bucket's owner, where the writer says so.
    Preferred,
    /// The bucket's owner; access control lists count for nothing.
    Enforced,
}

/// The settings of a bucket. A bucket that has none, or is not there, blocks
/// nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketAccess {
    /// `BlockPublicAcls`.
    pub blocks_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub blocks_public_policy: bool,
    /// `IgnorePublicAcls`.
    pub ignores_public_acls: bool,
    /// `RestrictPublicBuckets`.
    pub is_restricted: bool,
    /// Object Ownership.
    pub ownership: Ownership,
}

impl BucketAccess {
    /// Whether the bucket's access control lists are disabled.
    pub fn has_no_acls(&self) -> bool {
        self.ownership == Ownership::Enforced
    }
}

/// Whom an access control list grants something
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>,
/// "Amazon S3 predefined groups").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grantee {
    /// The owner of the bucket or object.
    Owner,
    /// "All Users group": also who comes without a signature.
    Everybody,
    /// "Authenticated Users group": who signs, for any account.
    Authenticated,
    /// Another account, or S3's delivery of logs.
    Other,
}

impl Grantee {
    /// The group of a URI.
    pub fn group(uri: &str) -> Self {
        match uri {
            "http://acs.amazonaws.com/groups/global/AllUsers" => Self::Everybody,
            "http://acs.amazonaws.com/groups/global/AuthenticatedUsers" => Self::Authenticated,
            _ => Self::Other,
        }
    }
}

/// One entry of an access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who gets it.
    pub grantee: Grantee,
    /// `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL`.
    pub permission: String,
}

/// An access control list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acl {
    /// The canonical id of who owns the bucket or object.
    pub owner: Option<String>,
    /// Its entries.
    pub grants: Vec<Grant>,
}

impl Acl {
    /// Whether it grants nothing but to the owner.
    pub fn is_private(&self) -> bool {
        self.grants.iter().all(|grant| grant.grantee == Grantee::Owner)
    }
}
