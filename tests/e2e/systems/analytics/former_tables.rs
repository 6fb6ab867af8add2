//! Tables over records of earlier layouts, where AWS refuses a step on the way.

use devenv::Fault;
use serde_json::Value;
use vpc_flow_operator::api::spec::FileFormat;
use vpc_flow_operator::monitor::Monitor;

use super::{ANALYTICS, database, table, workgroup};
use testkit::sandbox::Sandbox;

/// The tables and the queries over them.
fn reading(inventory: &Value, monitor: &Monitor) -> (Value, Value) {
    (table(inventory, monitor), workgroup(inventory, monitor)["namedQueries"].clone())
}

/// A change to text, for which Glue refuses this call so many times.
async fn refused(sandbox: &Sandbox, operation: &str, times: u32) -> [Value; 2] {
    let mut spec = sandbox.spec();
    let before = sandbox.monitor(spec.clone());
    sandbox.converge(&before, ANALYTICS).await;
    let should = reading(&sandbox.inventory().await, &before);
    spec.s3.file_format = FileFormat::PlainText;
    let monitor = sandbox.monitor(spec);
    let fault = sandbox.fault("glue", operation, "AccessDeniedException", "as the test asked");
    sandbox.emulator.add_fault(Fault { times: Some(times), ..fault }).await.unwrap();
    assert!(!sandbox.pass(&monitor, ANALYTICS).await[0].is_settled());
    let inventory = sandbox.inventory().await;
    assert_eq!(reading(&inventory, &monitor), should, "the earlier records are read once, as before");
    let tables = database(&inventory, &monitor)["tables"].clone();
    sandbox.converge(&monitor, ANALYTICS).await;
    [tables, database(&sandbox.inventory().await, &monitor)["tables"].clone()]
}

fn count(tables: &Value) -> usize {
    tables.as_object().unwrap().len()
}

#[tokio::test]
async fn the_table_does_not_move_before_another_one_reads_the_earlier_records() {
    let sandbox = Sandbox::new("former_tables::create").await;
    // Once as a step of its own, once before the table moves.
    let [during, after] = refused(&sandbox, "CreateTable", 2).await;
    assert_eq!((count(&during), count(&after)), (1, 2));
}

#[tokio::test]
async fn the_queries_do_not_read_both_tables_before_the_table_has_moved() {
    let sandbox = Sandbox::new("former_tables::update").await;
    let [during, after] = refused(&sandbox, "UpdateTable", 1).await;
    assert_eq!((count(&during), count(&after)), (2, 2));
}
