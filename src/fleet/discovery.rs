//! Reads the VPCs of a place from AWS.

use aws_sdk_ec2::types::{Filter, Vpc};

use super::vpc::FoundVpc;
use crate::api::MatchOperator;
use crate::api::fleet::VpcSelector;
use crate::aws::operations as ops;
use crate::aws::{Aws, AwsError, AwsResult};

/// The largest page of `DescribeVpcs`.
const PAGE: i32 = 1000;

/// The longest value of a filter (EC2 user guide, "Filtering resources"). A filter that does not fit is left out.
const VALUE_CHARS: usize = 255;

/// The VPCs of a place that the selector can select: all pages, or the error. Filters only save reading; [`super::decide`] selects.
///
/// A VPC that another account owns and shares by RAM is left out unless the selector names it: a participant may not log it (VPC guide,
/// "Share your VPC").
pub async fn discover(aws: &Aws, selector: &VpcSelector) -> Result<Vec<FoundVpc>, AwsError> {
    let filters = filters(selector, &aws.account_region.account);
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let call = aws.ec2.describe_vpcs().set_filters(Some(filters.clone())).max_results(PAGE);
        let page = call.set_next_token(next).send().await.op(ops::DESCRIBE_VPCS)?;
        found.extend(page.vpcs().iter().filter_map(of_answer));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn filters(selector: &VpcSelector, account: &str) -> Vec<Filter> {
    let filter = |name: &str, values: &[String]| {
        let values: Vec<_> = values.iter().map(|value| literally(value)).collect();
        let fits = values.iter().all(|value| value.chars().count() <= VALUE_CHARS);
        fits.then(|| Filter::builder().name(name).set_values(Some(values)).build())
    };
    let one = |name: &str, value: &str| filter(name, &[value.to_owned()]);
    let mut filters: Vec<_> = one("state", "available").into_iter().collect();
    if !selector.vpc_ids.is_empty() {
        filters.extend(filter("vpc-id", &selector.vpc_ids));
        return filters;
    }
    filters.extend(one("owner-id", account));
    filters.extend(selector.match_tags.iter().filter_map(|(key, value)| one(&format!("tag:{key}"), value)));
    for expression in &selector.match_expressions {
        match expression.operator {
            MatchOperator::In => filters.extend(filter(&format!("tag:{}", expression.key), &expression.values)),
            MatchOperator::Exists => filters.extend(one("tag-key", &expression.key)),
            // EC2 has no filter for what a VPC lacks.
            MatchOperator::NotIn | MatchOperator::DoesNotExist => {}
        }
    }
    filters
}

/// The value for a filter: `*` and `?` are wildcards in filters, and `\` takes that from them.
fn literally(value: &str) -> String {
    let escaped = |letter: char| if matches!(letter, '*' | '?' | '\\') { vec!['\\', letter] } else { vec![letter] };
    value.chars().flat_map(escaped).collect()
}

fn of_answer(vpc: &Vpc) -> Option<FoundVpc> {
    let tags =
        vpc.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())));
    Some(FoundVpc {
        id: vpc.vpc_id()?.to_owned(),
        tags: tags.collect(),
        is_default: vpc.is_default().unwrap_or_default(),
        owner: vpc.owner_id().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(yaml: &str) -> Vec<String> {
        let filters = filters(&serde_yaml_ng::from_str(yaml).unwrap(), "123456789012");
        filters.iter().map(|it| format!("{}={}", it.name().unwrap_or_default(), it.values().join(","))).collect()
    }

    #[test]
    fn filters_leave_out_only_what_is_not_selected() {
        assert_eq!(
            shown(
                "{matchTags: {env: prod}, matchExpressions: [{key: a, operator: In, values: [x, y]}, {key: b, operator: Exists}, {key: c, operator: NotIn, values: [z]}]}"
            ),
            ["state=available", "owner-id=123456789012", "tag:env=prod", "tag:a=x,y", "tag-key=b"]
        );
        assert_eq!(shown("vpcIds: [vpc-12345678]"), ["state=available", "vpc-id=vpc-12345678"]);
    }

    #[test]
    fn a_value_that_ec2_would_refuse_is_left_to_the_selection() {
        let filters = shown(&format!("matchTags: {{env: '{}'}}", "*".repeat(128)));
        assert_eq!(filters, ["state=available", "owner-id=123456789012"]);
    }

    #[test]
    fn a_star_in_a_tag_is_a_star() {
        assert_eq!(shown("matchTags: {env: 'a*?\\'}")[2], r"tag:env=a\*\?\\");
    }
}
