//! The links by which the dashboard shows metrics of other accounts.
//!
//! See "`CloudWatch` cross-account observability" in its user guide, and the API reference of Observability Access Manager: an account has one
//! link to a sink, in the region of the sink.

use std::collections::BTreeSet;

use aws_sdk_oam::types::{LinkConfiguration, MetricConfiguration, ResourceType};

use super::Overview;
use crate::api::ResourceKind;
use crate::aws::{Arn, Aws, AwsError, AwsResult, Expected, Gone, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Claim, Claims, Monitor, Owner, TagCall, Tags};

/// The namespaces of AWS whose metrics the dashboard shows.
const NAMESPACES: [&str; 2] = ["AWS/Events", "AWS/Logs"];

/// Links that are read at once: `ListLinks` gives no more.
const PAGE: i32 = 5;

/// A link as declared. Its name is the ARN of the sink.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    sink_arn: String,
    filter: String,
}

/// A link as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundLink {
    arn: String,
    filter: Option<String>,
    tags: Tags,
}

impl Link {
    /// The link to a sink for the metrics of these monitors.
    pub fn new(sink_arn: &str, monitors: &[Monitor]) -> Self {
        let own = monitors.iter().map(|monitor| monitor.spec.detections.namespace.as_str());
        let namespaces: BTreeSet<_> = own.chain(NAMESPACES).map(|namespace| format!("'{namespace}'")).collect();
        let filter = format!("Namespace IN ({})", namespaces.into_iter().collect::<Vec<_>>().join(", "));
        Self { sink_arn: sink_arn.to_owned(), filter }
    }

    fn configuration(&self) -> Result<LinkConfiguration, AwsError> {
        let metrics = MetricConfiguration::builder().filter(&self.filter).build();
        let metrics = metrics.map_err(|error| AwsError::reported(ops::CREATE_LINK, "NotSent", &error.to_string()))?;
        Ok(LinkConfiguration::builder().metric_configuration(metrics).build())
    }
}

impl FoundLink {
    /// True if the overview made it. A link of others is used as it is.
    pub fn is_ours(&self, overview: &Overview) -> bool {
        overview.claim(&self.tags) == Claim::Ours
    }
}

/// The sink to which a place needs a link: that of its region, unless it is in the same account. Metrics are never shared with another account
/// than that of the overview.
pub fn sink_for<'o>(overview: &'o Overview, account: &str, region: &str) -> Option<&'o String> {
    let home = &overview.home.account;
    let is_it = |sink: Arn<'_>| sink.region == region && sink.account == home && home != account;
    overview.spec.cross_account.sink_arns.iter().find(|sink| Arn::parse(sink).is_some_and(is_it))
}

/// Reads the links of the account and region: that to `sink`, and those that the overview made.
pub async fn observe(aws: &Aws, overview: &Overview, sink: Option<&str>) -> Result<Vec<(String, FoundLink)>, AwsError> {
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let request = aws.oam.list_links().max_results(PAGE).set_next_token(next);
        let page = request.send().await.op(ops::LIST_LINKS)?;
        for link in page.items() {
            let (Some(arn), Some(of_sink)) = (link.arn(), link.sink_arn()) else { continue };
            let link = read(aws, arn).await?;
            if sink == Some(of_sink) || link.is_ours(overview) {
                found.push((of_sink.to_owned(), link));
            }
        }
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(found);
        }
    }
}

async fn read(aws: &Aws, arn: &str) -> Result<FoundLink, AwsError> {
    let link = aws.oam.get_link().identifier(arn).include_tags(true).send().await.op(ops::GET_LINK).expected()?;
    let filter =
        link.link_configuration().and_then(LinkConfiguration::metric_configuration).map(|it| it.filter().to_owned());
    Ok(FoundLink { arn: arn.to_owned(), filter, tags: link.tags.unwrap_or_default().into_iter().collect() })
}

/// Changes a link.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateLink {
    arn: String,
    link: Link,
}

impl Resource<Overview> for Link {
    const KIND: ResourceKind = ResourceKind::ObservabilityLink;

    type Found = FoundLink;
    type Call = UpdateLink;

    fn tags(found: &FoundLink) -> Option<&Tags> {
        Some(&found.tags)
    }

    /// The tags of a link are those that it was made with: the calls about tags need its ARN, which its name does not have.
    fn takes_tags(_found: &FoundLink) -> bool {
        false
    }

    fn differences(&self, _overview: &Overview, found: &FoundLink) -> Vec<Step<UpdateLink>> {
        if found.filter.as_ref() == Some(&self.filter) {
            return Vec::new();
        }
        let change = Change::new(Action::Update, Self::KIND, &self.sink_arn);
        let change = change.field("metricFilter", &found.filter, &Some(&self.filter));
        vec![Step::new(change, UpdateLink { arn: found.arn.clone(), link: self.clone() })]
    }

    async fn create(&self, aws: &Aws, overview: &Overview) -> Result<Applied, AwsError> {
        aws.oam
            .create_link()
            .label_template("$AccountName")
            .resource_types(ResourceType::AwsCloudwatchMetric)
            .link_configuration(self.configuration()?)
            .sink_identifier(&self.sink_arn)
            .set_tags(Some(overview.tags().clone().into_iter().collect()))
            .send()
            .await
            .op(ops::CREATE_LINK)?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _overview: &Overview, _name: &str, call: &UpdateLink) -> Result<Applied, AwsError> {
        aws.oam
            .update_link()
            .identifier(&call.arn)
            .resource_types(ResourceType::AwsCloudwatchMetric)
            .link_configuration(call.link.configuration()?)
            .send()
            .await
            .op(ops::UPDATE_LINK)?;
        Ok(Applied::Done)
    }

    async fn tag(_aws: &Aws, _overview: &Overview, _name: &str, _call: TagCall<'_>) -> Result<(), AwsError> {
        Ok(())
    }

    async fn delete(aws: &Aws, _overview: &Overview, _name: &str, found: &FoundLink) -> Result<Applied, AwsError> {
        aws.oam.delete_link().identifier(&found.arn).send().await.op(ops::DELETE_LINK).or_gone()?;
        Ok(Applied::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::fixtures::{monitors, overview};

    #[test]
    fn a_link_shares_only_the_metrics_that_the_dashboard_shows() {
        let link = Link::new("arn:aws:oam:eu-west-1:123456789012:sink/a", &monitors(2));
        assert_eq!(link.filter, "Namespace IN ('AWS/Events', 'AWS/Logs', 'VPC/FlowLogs')");
    }

    #[test]
    fn a_place_needs_the_sink_of_its_region_in_another_account() {
        let sinks = ["eu-west-1", "us-east-1"].map(|region| format!("arn:aws:oam:{region}:123456789012:sink/a"));
        let mut overview = overview();
        overview.spec.cross_account.sink_arns = sinks.to_vec();
        assert_eq!(sink_for(&overview, "444455556666", "us-east-1"), Some(&sinks[1]));
        assert_eq!(sink_for(&overview, "444455556666", "ap-south-1"), None);
        assert_eq!(sink_for(&overview, "123456789012", "us-east-1"), None);
    }

    #[test]
    fn metrics_are_not_shared_with_a_third_account() {
        let mut overview = overview();
        overview.spec.cross_account.sink_arns = vec!["arn:aws:oam:us-east-1:999999999999:sink/a".to_owned()];
        assert_eq!(sink_for(&overview, "444455556666", "us-east-1"), None);
    }
}
