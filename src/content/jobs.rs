//! The one place for concurrency: bounded jobs, work for other threads, and what happens when one of them fails.
//!
//! Nothing else in the library spawns. Dropping the future of [`run`] ends every job at its next await, which is how
//! Ctrl-C stops the work.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::model::error::{Error, Result};

mod program;

pub use program::{Said, program};

/// What to do with the remaining jobs when one has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Start no further job, end the running ones, return.
    Stop,
    /// Go on; the failures are in the results.
    GoOn,
}

/// Runs `work` on every item, at most `limit` at a time, started in order, and returns the results in the order of
/// the items. After a failure under [`OnFailure::Stop`], what was not finished has no result (`None`).
pub async fn run<I, T, F, Fut>(
    limit: usize,
    on_failure: OnFailure,
    items: I,
    work: F,
) -> Vec<Option<Result<T>>>
where
    I: IntoIterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    run_fair(limit, on_failure, items, |_| (), work).await
}

/// As [`run`], with the places shared evenly among the keys that still have items: what one host holds up leaves the
/// others theirs. Items of one key are started in order.
pub async fn run_fair<I, K, T, F, Fut>(
    limit: usize,
    on_failure: OnFailure,
    items: I,
    key: impl Fn(&I::Item) -> K,
    work: F,
) -> Vec<Option<Result<T>>>
where
    I: IntoIterator,
    K: Ord + Clone + Send + 'static,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut queues: BTreeMap<K, Queue<I::Item>> = BTreeMap::new();
    let mut count = 0;
    for item in items {
        queues.entry(key(&item)).or_default().waiting.push_back((count, item));
        count += 1;
    }
    let mut results: Vec<Option<Result<T>>> = std::iter::repeat_with(|| None).take(count).collect();
    let mut running: JoinSet<(usize, K, Result<T>)> = JoinSet::new();
    let mut stopped = false;
    loop {
        while !stopped && running.len() < limit.max(1) {
            let waiting = queues.iter_mut().filter_map(|(key, queue)| {
                let first = queue.waiting.front().map(|(index, _)| *index)?;
                Some(((queue.running, first), key, queue))
            });
            let Some((_, key, queue)) = waiting.min_by_key(|(rank, ..)| *rank) else { break };
            let Some((index, item)) = queue.waiting.pop_front() else { break };
            queue.running += 1;
            let (key, job) = (key.clone(), work(item));
            running.spawn(async move { (index, key, job.await) });
        }
        let Some(joined) = running.join_next().await else { break };
        let (index, key, result) = match joined {
            Ok(finished) => finished,
            // The panic of a job is a defect of the program: it goes on to the caller as the panic that it is.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => continue,
            },
        };
        if let Some(queue) = queues.get_mut(&key) {
            queue.running = queue.running.saturating_sub(1);
        }
        stopped |= result.is_err() && on_failure == OnFailure::Stop;
        if let Some(slot) = results.get_mut(index) {
            *slot = Some(result);
        }
        if stopped {
            running.abort_all();
        }
    }
    results
}

/// Items of one key.
struct Queue<J> {
    waiting: VecDeque<(usize, J)>,
    running: usize,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: 0 }
    }
}

/// As [`run`] with [`OnFailure::Stop`]: all results, or the first failure by the order of the items.
pub async fn run_all<I, T, F, Fut>(limit: usize, items: I, work: F) -> Result<Vec<T>>
where
    I: IntoIterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let results = run(limit, OnFailure::Stop, items, work).await;
    let failed = results.iter().position(|result| matches!(result, Some(Err(_))));
    let mut results = results;
    match failed.map(|index| results.swap_remove(index)) {
        Some(Some(Err(error))) => Err(error),
        _ => results.into_iter().flatten().collect(),
    }
}

/// Returns how many cores there are to compute on, at least one.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// Work that another thread is doing; see [`offload`].
#[derive(Debug)]
pub struct Offloaded<T>(JoinHandle<T>);

impl<T> Offloaded<T> {
    /// Returns whether it is done, so that nobody waits who awaits it.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Offloaded<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.0).poll(context).map(|joined| joined.map_err(ended))
    }
}

fn ended(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::Interrupted(15),
    }
}

/// Does `work`, which computes or blocks on a disk, on a thread that is made for that. It begins at once and is not
/// ended when the returned future is dropped, so one call does a bounded piece: at most about a megabyte.
pub fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Offloaded<T> {
    Offloaded(tokio::task::spawn_blocking(work))
}

/// Does work that may block its thread anywhere on a thread of its own. Dropping the returned future ends the work at its
/// next await.
pub async fn apart<T, F, Fut>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = T>,
{
    let (held, dropped) = oneshot::channel::<()>();
    let runtime = Handle::current();
    let done = offload(move || {
        runtime.block_on(async {
            tokio::select! {
                done = work() => Ok(done),
                _ = dropped => Err(Error::Interrupted(15)),
            }
        })
    });
    let done = done.await?;
    drop(held);
    done
}

/// Tells long work on other threads that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Returns [`Error::Interrupted`] once nobody waits any more.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted(15)) } else { Ok(()) }
    }
}

/// Sets its [`Stop`] when it is dropped.
#[derive(Debug)]
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// As [`run`] for work that computes or blocks, each item on a thread of its own. `work` asks its [`Stop`] between
/// bounded pieces.
pub async fn run_blocking<I, T, F>(
    limit: usize,
    on_failure: OnFailure,
    items: I,
    work: F,
) -> Vec<Option<Result<T>>>
where
    I: IntoIterator,
    I::Item: Send + 'static,
    F: Fn(I::Item, &Stop) -> Result<T> + Send + Sync + 'static,
    T: Send + 'static,
{
    let guard = StopOnDrop(Stop::default());
    let work = Arc::new(work);
    run(limit, on_failure, items, |item| {
        let (work, stop) = (Arc::clone(&work), guard.0.clone());
        let job = move || async move { offload(move || work(item, &stop)).await? };
        job()
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn failing(n: u32) -> Result<u32> {
        if n == 3 { Err(Error::Interrupted(2)) } else { Ok(n) }
    }

    #[tokio::test]
    async fn results_come_in_order_and_within_the_limit() {
        let (running, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all = run_all(3, 0..20_u32, |n| {
            let (running, peak) = (Arc::clone(&running), Arc::clone(&peak));
            async move {
                peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..(20 - n) {
                    tokio::task::yield_now().await;
                }
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(n)
            }
        })
        .await
        .unwrap();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
        assert_eq!(peak.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_failure_stops_or_does_not() {
        let stopped = run(1, OnFailure::Stop, 0..6, |n| async move { failing(n) }).await;
        assert_eq!(
            stopped.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, true, true, true, false, false]
        );
        let all = run(1, OnFailure::GoOn, 0..6, |n| async move { failing(n) }).await;
        assert_eq!(all.iter().filter(|result| matches!(result, Some(Ok(_)))).count(), 5);
        assert!(run_all(2, 0..6, |n| async move { failing(n) }).await.is_err());
    }

    #[tokio::test]
    async fn what_hangs_holds_up_nothing_but_its_own_kind() {
        // Ten jobs that hang come first; of the places they get no more than half while others wait.
        let items = (0..10).map(|_| "slow").chain((0..10).map(|_| "quick"));
        let (done, all_quick) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
        let results = run_fair(
            4,
            OnFailure::GoOn,
            items,
            |kind| *kind,
            |kind| {
                let (done, all_quick) = (Arc::clone(&done), Arc::clone(&all_quick));
                async move {
                    if kind == "slow" && done.load(Ordering::SeqCst) < 10 {
                        all_quick.notified().await;
                        // For the next one that hangs.
                        all_quick.notify_one();
                    } else if done.fetch_add(1, Ordering::SeqCst) == 9 {
                        all_quick.notify_one();
                    }
                    Ok(kind)
                }
            },
        );
        let results = results.await;
        assert_eq!(results.iter().filter(|result| matches!(result, Some(Ok("quick")))).count(), 10);
        assert_eq!(results.len(), 20);
    }

    #[tokio::test]
    async fn work_of_its_own_ends_when_nobody_waits() {
        assert_eq!(apart(|| async { 5 }).await.unwrap(), 5);
        let dropped = Arc::new(AtomicBool::new(false));
        let (guard, (begun, started)) = (StopOnDrop(Stop(Arc::clone(&dropped))), oneshot::channel());
        let forever = apart(move || async move {
            let _guard = guard;
            begun.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        let mut forever = Box::pin(forever);
        assert!(futures_util::poll!(&mut forever).is_pending());
        started.await.unwrap();
        drop(forever);
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn blocking_work_hears_that_nobody_waits() {
        let (started, stopped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (seen_start, seen_stop) = (Arc::clone(&started), Arc::clone(&stopped));
        let work = run_blocking(2, OnFailure::GoOn, [()], move |(), stop| {
            seen_start.store(true, Ordering::SeqCst);
            while stop.check().is_ok() {
                std::thread::yield_now();
            }
            seen_stop.store(true, Ordering::SeqCst);
            Ok(())
        });
        let mut work = Box::pin(work);
        while !started.load(Ordering::SeqCst) {
            assert!(futures_util::poll!(&mut work).is_pending());
            tokio::task::yield_now().await;
        }
        drop(work);
        while !stopped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }
}
