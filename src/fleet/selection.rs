//! The VPCs that a selector selects.

use super::vpc::FoundVpc;
use crate::api::fleet::VpcSelector;

/// True if the fleet wants a monitor for the VPC.
pub(super) fn selects(selector: &VpcSelector, vpc: &FoundVpc) -> bool {
    if selector.exclude_vpc_ids.contains(&vpc.id) {
        return false;
    }
    if !selector.vpc_ids.is_empty() {
        return selector.vpc_ids.contains(&vpc.id);
    }
    (selector.include_default_vpcs || !vpc.is_default)
        && selector.match_tags.iter().all(|(key, value)| vpc.tags.get(key) == Some(value))
        && selector.match_expressions.iter().all(|it| it.operator.holds(&it.values, vpc.tags.get(&it.key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::vpc;

    fn selector(yaml: &str) -> VpcSelector {
        serde_yaml_ng::from_str(yaml).unwrap()
    }

    #[test]
    fn all_conditions_must_hold() {
        let prod = vpc(1, &[("env", "prod"), ("team", "a")]);
        for (yaml, expected) in [
            ("matchTags: {env: prod}", true),
            ("matchTags: {env: prod, team: b}", false),
            ("matchTags: {env: Prod}", false),
            ("{matchTags: {env: prod}, matchExpressions: [{key: team, operator: In, values: [a, b]}]}", true),
            ("{matchTags: {env: prod}, matchExpressions: [{key: team, operator: NotIn, values: [a]}]}", false),
            ("matchExpressions: [{key: owner, operator: NotIn, values: [a]}]", true),
            ("matchExpressions: [{key: env, operator: Exists}]", true),
            ("matchExpressions: [{key: env, operator: DoesNotExist}]", false),
            ("matchExpressions: [{key: owner, operator: DoesNotExist}]", true),
            ("{matchTags: {env: prod}, excludeVpcIds: [vpc-00000000000000001]}", false),
            ("vpcIds: [vpc-00000000000000001]", true),
            ("vpcIds: [vpc-00000000000000002]", false),
        ] {
            assert_eq!(selects(&selector(yaml), &prod), expected, "{yaml}");
        }
    }

    #[test]
    fn a_default_vpc_is_selected_if_asked_for() {
        let default = FoundVpc { is_default: true, ..vpc(1, &[("env", "prod")]) };
        assert!(!selects(&selector("matchTags: {env: prod}"), &default));
        assert!(selects(&selector("{matchTags: {env: prod}, includeDefaultVpcs: true}"), &default));
        assert!(selects(&selector("vpcIds: [vpc-00000000000000001]"), &default), "it is named");
    }
}
