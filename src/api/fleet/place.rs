use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{distinct, each_matching, matching};
use crate::api::spec::{AssumeRole, REGION};

/// An account, and regions of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Name of the place, such as `payments`. Its monitors have it in the label `vpcflow.dev/place`.
    #[schemars(length(max = 40), extend("x-kubernetes-validations" = [
        matching("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "the name of a place has 1 to 40 small letters, digits and hyphens, with a letter or digit at both ends")
    ]))]
    pub name: String,

    /// The regions: at most 32. Default: the operator's region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 32)), extend("x-kubernetes-validations" = [
        each_matching(REGION, "a region is named by its code, such as eu-west-1"),
        distinct("each region is named once")
    ]))]
    pub regions: Vec<String>,

    /// Role that the operator assumes for another account. The operator's settings must allow the role for this namespace. Default: the
    /// operator's own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,
}
