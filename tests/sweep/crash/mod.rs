//! A crash at every call.

use crate::life::{Phase, strangers};
use crate::snapshot::Snapshot;
use crate::world::World;

#[tokio::test]
async fn an_undisturbed_life() {
    let mut world = World::new("crash-undisturbed").await.unwrap();
    strangers(&world).await.unwrap();
    let first = Snapshot::take(&world).await.unwrap();
    world.start().await.unwrap();
    for phase in Phase::ALL {
        let start = std::time::Instant::now();
        let (a, k) = (world.proxy.calls().len(), world.kube.calls().len());
        phase.begin(&world).await.unwrap();
        phase.end(&world).await.unwrap();
        let snapshot = Snapshot::take(&world).await.unwrap();
        let calls = world.proxy.calls().split_off(a);
        let writes = calls.iter().filter(|call| call.mutating).count();
        let kube = world.kube.calls().split_off(k);
        println!(
            "{phase:?}: {:?}, {} calls, {writes} writes, {} kube, resources {}",
            start.elapsed(),
            calls.len(),
            kube.len(),
            snapshot.resources().len()
        );
        if phase == Phase::DeleteAll {
            snapshot.check(&first).unwrap();
        }
    }
    println!("{:?}", world.proxy.unknown_requests());
    world.stop().await.unwrap();
}
