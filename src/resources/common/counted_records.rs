//! The records that detections count: those of the log group, or those of the bucket if there is no log group.

use crate::api::spec::TrafficType;
use crate::api::{FlowLogField, VpcFlowMonitorSpec};

/// The records of the destination that counts.
#[derive(Clone, Copy, Debug)]
pub struct CountedRecords<'s> {
    /// The field of the spec that names the fields of the records.
    pub place: &'static str,
    /// The fields of the records.
    pub fields: &'s [FlowLogField],
    /// The traffic that has records.
    pub traffic_type: TrafficType,
    /// The counter, as a word.
    pub counter: &'static str,
}

impl<'s> CountedRecords<'s> {
    /// The records that the detections of this spec count.
    #[must_use]
    pub fn of(spec: &'s VpcFlowMonitorSpec) -> Self {
        let (place, fields, traffic_type, counter) = if spec.cloud_watch_logs.enabled {
            let logs = &spec.cloud_watch_logs;
            ("cloudWatchLogs.fields", &logs.fields, logs.traffic_type, "filter")
        } else {
            ("s3.fields", &spec.s3.fields, spec.s3.traffic_type, "detector")
        };
        Self { place, fields, traffic_type: traffic_type.unwrap_or(spec.traffic_type), counter }
    }
}

/// The note on detections that are on and count accepted traffic, where the records are of rejected traffic only.
#[must_use]
pub fn without_accepted_traffic(spec: &VpcFlowMonitorSpec) -> Option<String> {
    let CountedRecords { place, traffic_type, .. } = CountedRecords::of(spec);
    let detections = &spec.detections;
    let (bytes, external) = (detections.high_data_transfer.enabled, detections.external_connections.enabled);
    let names: Vec<_> = [(bytes, "highDataTransfer"), (external, "externalConnections")]
        .into_iter()
        .filter_map(|(is_on, name)| is_on.then_some(name))
        .collect();
    let destination = place.trim_end_matches(".fields");
    (traffic_type == TrafficType::Reject && !names.is_empty()).then(|| {
        format!(
            "only rejected traffic reaches {}, by the trafficType of {destination}: set enabled to false there, or record all traffic",
            names.join(" and ")
        )
    })
}

/// The field with the address of the source, if the records have one. Behind a NAT or transit gateway, `srcaddr` is the gateway's; only
/// `pkt-srcaddr` is the real source.
#[must_use]
pub fn source_field(fields: &[FlowLogField]) -> Option<FlowLogField> {
    [FlowLogField::PktSrcAddr, FlowLogField::SrcAddr].into_iter().find(|field| fields.contains(field))
}

/// The same for the destination.
#[must_use]
pub fn destination_field(fields: &[FlowLogField]) -> Option<FlowLogField> {
    [FlowLogField::PktDstAddr, FlowLogField::DstAddr].into_iter().find(|field| fields.contains(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detections_of_accepted_traffic_are_named_where_there_is_none() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        assert_eq!(without_accepted_traffic(&spec), None);
        spec.cloud_watch_logs.traffic_type = Some(TrafficType::Reject);
        let expected = "only rejected traffic reaches highDataTransfer and externalConnections, by the trafficType of cloudWatchLogs: set \
            enabled to false there, or record all traffic";
        assert_eq!(without_accepted_traffic(&spec).as_deref(), Some(expected));
        spec.detections.high_data_transfer.enabled = false;
        spec.detections.external_connections.enabled = false;
        assert_eq!(without_accepted_traffic(&spec), None);
    }
}
