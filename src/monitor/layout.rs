//! The folder of a layout: records of two layouts never share one, so each table finds files of one kind only.

use super::names::short_hash;
use crate::api::spec::{FileFormat, S3};

/// Prefix of the name of every such folder. Admission reserves it.
pub const LAYOUT: &str = "layout-";

/// Name of the folder below the prefix, or `None` for the default layout, which needs none.
///
/// Parquet is read by the names of its columns, so other fields are no other layout. Text is read by position: the fields take part.
pub fn folder(s3: &S3) -> Option<String> {
    let (format, columns) = match s3.file_format {
        FileFormat::Parquet if s3.hive_compatible_partitions && s3.per_hour_partition => return None,
        FileFormat::Parquet => ("parquet", String::new()),
        FileFormat::PlainText => {
            let names: Vec<_> = s3.fields.iter().map(|field| field.name()).collect();
            ("text", format!("-{}", short_hash(&names.join(" "))))
        }
    };
    let names = if s3.hive_compatible_partitions { "hive" } else { "plain" };
    let period = if s3.per_hour_partition { "hourly" } else { "daily" };
    Some(format!("{LAYOUT}{format}-{names}-{period}{columns}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::api::{FlowLogField, VpcFlowMonitorSpec};
    use crate::monitor::fixtures;

    fn folder_of(change: impl FnOnce(&mut S3)) -> String {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        change(&mut spec.s3);
        fixtures::with_spec(spec).key_prefix()
    }

    #[test]
    fn the_default_layout_needs_no_folder_and_the_others_have_readable_ones() {
        assert_eq!(folder_of(|_| {}), "vpc-flow-logs/");
        assert_eq!(folder_of(|s3| s3.per_hour_partition = false), "vpc-flow-logs/layout-parquet-hive-daily/");
        assert_eq!(
            folder_of(|s3| {
                s3.prefix = String::new();
                s3.file_format = FileFormat::PlainText;
                s3.hive_compatible_partitions = false;
                s3.fields = vec![FlowLogField::SrcAddr, FlowLogField::DstAddr];
            }),
            "layout-text-plain-hourly-9dd93f3c40/"
        );
    }

    #[test]
    fn fields_of_parquet_are_no_other_layout() {
        assert_eq!(folder_of(|s3| s3.fields.reverse()), folder_of(|_| {}));
    }

    fn layout() -> impl Strategy<Value = S3> {
        let fields = prop::sample::subsequence(FlowLogField::ALL, 1..4).prop_shuffle();
        ("(a(/b)?)?", fields, any::<[bool; 3]>()).prop_map(|(prefix, fields, [parquet, hive, hourly])| S3 {
            prefix,
            fields,
            file_format: if parquet { FileFormat::Parquet } else { FileFormat::PlainText },
            hive_compatible_partitions: hive,
            per_hour_partition: hourly,
            ..S3::default()
        })
    }

    /// All that decides how a file is found and read.
    fn reading(s3: &S3) -> (String, bool, bool, Option<Vec<FlowLogField>>) {
        let by_position = (s3.file_format == FileFormat::PlainText).then(|| s3.fields.clone());
        (s3.prefix.clone(), s3.hive_compatible_partitions, s3.per_hour_partition, by_position)
    }

    proptest! {
        #[test]
        fn two_layouts_share_no_folder_and_a_former_one_goes_back_to_its_own(
            layouts in prop::collection::vec(layout(), 2..20),
        ) {
            let mut folders = BTreeMap::new();
            for s3 in layouts {
                let reading = reading(&s3);
                let folder = folder_of(|it| *it = s3);
                prop_assert_eq!(folders.entry(folder).or_insert_with(|| reading.clone()), &reading);
            }
        }
    }
}
