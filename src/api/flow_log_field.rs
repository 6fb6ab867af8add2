//! The fields of a flow-log record, as a spec names them. The crate `flow-log-fields` has the one list of them.

use std::borrow::Cow;

pub use flow_log_fields::{Field as FlowLogField, FieldType};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The fields that a spec may name, in AWS's order: all but those that need a tag key of their own.
pub fn offered() -> impl Iterator<Item = FlowLogField> {
    FlowLogField::ALL.iter().copied().filter(|field| !FlowLogField::OF_TAGS.contains(field))
}

/// The schema of a [`FlowLogField`] that a spec may name.
pub struct OfferedField;

impl JsonSchema for OfferedField {
    fn schema_name() -> Cow<'static, str> {
        "FlowLogField".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = offered().map(FlowLogField::name).collect();
        json_schema!({
            "description": "A field of a flow-log record, as AWS names it.\n\nVersions 2 to 11 of the record, without the EC2 tag fields of \
                version 11, which need a tag key of their own. See \"Flow log records\" in the Amazon VPC user guide.",
            "type": "string",
            "enum": names,
        })
    }
}

/// AWS's default format: the fields of version 2.
#[must_use]
pub fn default_cloudwatch_fields() -> Vec<FlowLogField> {
    FlowLogField::ALL[..14].to_vec()
}

/// The fields of versions 2 and 3 that analysis of stored records needs.
#[must_use]
pub fn default_s3_fields() -> Vec<FlowLogField> {
    FlowLogField::ALL[..21].to_vec()
}

/// The `LogFormat` of `CreateFlowLogs`: `${version} ${account-id} …`.
#[must_use]
pub fn log_format(fields: &[FlowLogField]) -> String {
    fields.iter().map(|field| format!("${{{}}}", field.name())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_formats_are_awss() {
        assert_eq!(
            log_format(&default_cloudwatch_fields()),
            "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
             ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
        );
        assert_eq!(default_s3_fields().last(), Some(&FlowLogField::PktDstAddr));
        assert_eq!(default_s3_fields().len(), 21);
    }

    #[test]
    fn every_field_is_offered_but_those_of_tags() {
        let offered: Vec<_> = offered().collect();
        assert_eq!(offered.len() + FlowLogField::OF_TAGS.len(), FlowLogField::ALL.len());
        assert!(!offered.contains(&FlowLogField::InstanceTag));
    }
}
