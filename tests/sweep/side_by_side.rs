//! Lives side by side: each has an account and a namespace of its own, and mostly waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};

/// Lives at a time; more would only wait for the processors.
const AT_A_TIME: usize = 8;

/// The number of lives that end between two lines of progress.
const PROGRESS: usize = 25;

/// Works on `jobs`, a few at a time, each on a thread with an async runtime of its own. Outcomes are in the order of the jobs. A panic is
/// an error.
pub fn side_by_side<J: Send, R: Send>(jobs: Vec<J>, work: impl AsyncFn(J) -> Result<R> + Sync) -> Vec<Result<R>> {
    let waiting: Mutex<VecDeque<_>> = Mutex::new(jobs.into_iter().enumerate().collect());
    let done = Mutex::new(Vec::new());
    let (count, finished) = (lock(&waiting).len(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                // Not in the loop's head: the lock would be held for the whole body, and one life would wait for the other.
                let next = || lock(&waiting).pop_front();
                while let Some((index, job)) = next() {
                    let outcome = catch_unwind(AssertUnwindSafe(|| run(work(job)))).unwrap_or_else(|panic| {
                        let reported = panic.downcast_ref::<String>().cloned();
                        let reported = reported.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                        Err(anyhow!("panicked: {}", reported.unwrap_or_default()))
                    });
                    lock(&done).push((index, outcome));
                    let finished = finished.fetch_add(1, Ordering::Relaxed) + 1;
                    if finished.is_multiple_of(PROGRESS) {
                        eprintln!("{finished} of {count}");
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run<R>(work: impl Future<Output = Result<R>>) -> Result<R> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
