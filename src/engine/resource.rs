//! The trait of one kind of AWS resource, and the calls that change one.

use std::fmt;
use std::future::{Future, ready};

use serde::Serialize;

use super::change::{Action, Change};
use super::report::Existing;
use super::step::{Applied, Call, Step};
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError};
use crate::monitor::{Chosen, Claim, Claims, Monitor, OWNER, Owner, RETAINED_BY, TagCall, TagDiff, Tags};

/// One kind of AWS resource, as the spec declares it. All methods are pure except the last four, which are single steps that are safe to
/// repeat after a lost answer.
///
/// The ownership rule is the same for all kinds: see [`ownership`](super::ownership).
pub trait Resource<O: Owner = Monitor>: Clone + fmt::Debug + Send + Sync + 'static {
    /// Its kind.
    const KIND: ResourceKind;
    /// True if it contains records: it stays under `RetainData`.
    const HOLDS_DATA: bool = false;
    /// True if a resource that was taken over is marked as such, and never deleted.
    const MARKS_ADOPTION: bool = Self::HOLDS_DATA;

    /// A resource as AWS has it, normalised.
    type Found: Clone + fmt::Debug + Send + Sync + 'static;
    /// A call that removes one difference.
    type Call: Clone + fmt::Debug + Send + Sync + 'static;

    /// ARN of the resource of that name; `None` for a kind that has none.
    #[must_use]
    fn arn(_owner: &O, _name: &str) -> Option<String> {
        None
    }

    /// Its tags. `None` for a kind that cannot have any: then its name and its parent identify the owner.
    fn tags(found: &Self::Found) -> Option<&Tags>;

    /// The field of the spec that may choose the name, for kinds that have one.
    #[must_use]
    fn chosen_by_user(_owner: &O) -> Option<Chosen> {
        None
    }

    /// The owner by a witness other than tags, for a kind that AWS may create without them. It counts only if the tags name no owner.
    fn witness(_owner: &O, _found: &Self::Found) -> Option<String> {
        None
    }

    /// False if AWS cannot tag the resource here, although it can elsewhere.
    fn takes_tags(_found: &Self::Found) -> bool {
        true
    }

    /// The owner of the resource `name` in AWS.
    fn claim(owner: &O, name: &str, found: &Self::Found) -> Claim {
        claim_by_tags::<Self, O>(owner, name, found)
    }

    /// The problem and the remedy, if an existing resource can never become the declared one.
    fn unusable(&self, _found: &Self::Found) -> Option<String> {
        None
    }

    /// The problem and the remedy, if AWS would refuse to delete the resource.
    fn undeletable(_found: &Self::Found) -> Option<String> {
        None
    }

    /// The reason to keep a resource of ours that is no longer declared: it contains something of others.
    fn must_stay(_owner: &O, _found: &Self::Found) -> Option<String> {
        None
    }

    /// The tags to add to the resource and to remove from it.
    fn tag_diff(owner: &O, _found: &Self::Found, tags: &Tags) -> TagDiff {
        owner.tag_diff(tags)
    }

    /// The steps from what AWS has to what is declared, except for tags.
    fn differences(&self, owner: &O, found: &Self::Found) -> Vec<Step<Self::Call>>;

    /// Creates the resource with its tags.
    fn create(&self, aws: &Aws, owner: &O) -> impl Future<Output = Result<Applied, AwsError>> + Send;

    /// Removes one difference.
    fn call(
        aws: &Aws,
        owner: &O,
        name: &str,
        call: &Self::Call,
    ) -> impl Future<Output = Result<Applied, AwsError>> + Send;

    /// Carries out a change of tags. Services that replace all tags at once do it in one call.
    #[must_use]
    fn retag(aws: &Aws, owner: &O, name: &str, tags: &TagDiff) -> impl Future<Output = Result<(), AwsError>> + Send {
        async move {
            for call in tags.calls() {
                Self::tag(aws, owner, name, call).await?;
            }
            Ok(())
        }
    }

    /// Sets or removes tags, for kinds that have a call for each.
    #[must_use]
    fn tag(
        _aws: &Aws,
        _owner: &O,
        _name: &str,
        _call: TagCall<'_>,
    ) -> impl Future<Output = Result<(), AwsError>> + Send {
        ready(Ok(()))
    }

    /// Deletes the resource, or some of what is in it.
    fn delete(
        aws: &Aws,
        owner: &O,
        name: &str,
        found: &Self::Found,
    ) -> impl Future<Output = Result<Applied, AwsError>> + Send;
}

/// A step on one resource.
#[derive(Clone, Debug)]
pub enum ResourceCall<R: Resource<O>, O: Owner = Monitor> {
    /// Creates it.
    Create(R),
    /// Changes its tags.
    Tag(String, TagDiff),
    /// Removes one difference.
    Change(String, R::Call),
    /// Deletes it.
    Delete(String, R::Found),
}

impl<R: Resource<O>, O: Owner> Call<O> for ResourceCall<R, O> {
    async fn run(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        match self {
            Self::Create(resource) => return resource.create(aws, owner).await,
            Self::Tag(name, tags) => R::retag(aws, owner, name, tags).await?,
            Self::Change(name, call) => return R::call(aws, owner, name, call).await,
            Self::Delete(name, found) => return R::delete(aws, owner, name, found).await,
        }
        Ok(Applied::Done)
    }
}

/// The owner of the resource `name` in AWS: from its tags, or from the witness of its kind if they name no owner.
#[must_use]
pub fn claim_by_tags<R: Resource<O>, O: Owner>(owner: &O, name: &str, found: &R::Found) -> Claim {
    let Some(tags) = R::tags(found) else { return Claim::Ours };
    let mut tags = tags.clone();
    if ![OWNER, RETAINED_BY].iter().any(|key| tags.contains_key(*key)) {
        tags.extend(R::witness(owner, found).map(|witness| (OWNER.to_owned(), witness)));
    }
    match R::chosen_by_user(owner) {
        Some(chosen) => owner.claim_chosen(&tags, chosen, &R::arn(owner, name).unwrap_or_default()),
        None => owner.claim(&tags),
    }
}

/// For kinds that AWS replaces whole: the step that writes `resource`, if the parts of it that are compared, `found` and `declared`, differ.
#[must_use]
pub fn rewrite<R, P>(resource: &R, name: &str, found: &P, declared: &P) -> Vec<Step<R>>
where
    R: Resource<Call = R>,
    P: PartialEq + Serialize,
{
    if found == declared {
        return Vec::new();
    }
    let change = Change::new(Action::Update, R::KIND, name).between(found, declared);
    vec![Step::new(change, resource.clone())]
}

/// The resource of that name for the status, if it is ours.
#[must_use]
pub fn existing<R: Resource<O>, O: Owner>(owner: &O, name: &str, found: Option<&R::Found>) -> Option<Existing> {
    let found = found.filter(|found| R::claim(owner, name, found) == Claim::Ours)?;
    Some(Existing {
        kind: R::KIND,
        name: name.to_owned(),
        arn: R::arn(owner, name),
        retained: R::tags(found).is_some_and(|tags| owner.has_retained(tags)),
        message: None,
    })
}
