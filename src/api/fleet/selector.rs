use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{distinct, each_matching, rule};
use crate::api::match_operator::MatchOperator;

const VPC_ID: &str = "^vpc-([0-9a-f]{8}|[0-9a-f]{17})$";
const VPC_ID_FORM: &str = "the id of a VPC is vpc- with 8 or 17 hexadecimal digits, such as vpc-0123456789abcdef0";

/// The VPCs that get a monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule(
        "has(self.matchTags) && self.matchTags.size() > 0 || has(self.matchExpressions) && self.matchExpressions.size() > 0 || has(self.vpcIds) && self.vpcIds.size() > 0",
        "a selector needs matchTags, matchExpressions or vpcIds: an empty one would select every VPC",
    ),
    rule(
        "!(has(self.vpcIds) && self.vpcIds.size() > 0) || !(has(self.matchTags) && self.matchTags.size() > 0 || has(self.matchExpressions) && self.matchExpressions.size() > 0)",
        "vpcIds stand instead of tags: remove vpcIds, or matchTags and matchExpressions",
    )
]))]
pub struct VpcSelector {
    /// Tags that the VPC has, with these values: at most 10.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub match_tags: BTreeMap<String, String>,

    /// Further conditions on its tags: at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub match_expressions: Vec<TagExpression>,

    /// The VPCs by their ids, instead of tags: at most 200.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), inner(length(max = 32)), extend("x-kubernetes-validations" = [
        each_matching(VPC_ID, VPC_ID_FORM),
        distinct("each VPC is named once")
    ]))]
    pub vpc_ids: Vec<String>,

    /// VPCs that get no monitor, whatever their tags: at most 200.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), inner(length(max = 32)), extend("x-kubernetes-validations" = [each_matching(VPC_ID, VPC_ID_FORM)]))]
    pub exclude_vpc_ids: Vec<String>,

    /// True: default VPCs can be selected by their tags, too. Default false. One that `vpcIds` names is always selected.
    pub include_default_vpcs: bool,
}

/// A condition on a tag, as label selectors of Kubernetes have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule(
        "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
        "In and NotIn need values; Exists and DoesNotExist have none",
    )
]))]
pub struct TagExpression {
    /// Key of the tag.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,

    /// In: the tag has one of the values. `NotIn`: it has none of them, or is absent. `Exists` and `DoesNotExist`: the tag is there, or not.
    pub operator: MatchOperator,

    /// The values: at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 256)))]
    pub values: Vec<String>,
}
