//! Work on several items at the same time.

use std::{
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Asked once: the answer is read out of a dozen files of the system, which takes longer than many a look-up.
pub(crate) static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// Does the work of each item on all processors; returns the results in the items' order, or the first error.
pub(crate) fn in_parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    on_threads(*PROCESSORS, items, work)
}

/// Does the work of each item on threads that stay between calls: for what takes so little that a thread of its own would be most of
/// it, and nothing that keeps others waiting. Without them, the caller's thread does all.
pub(crate) fn on_standing_threads<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    shared(items, work, |worker| match &*STANDING {
        Some(pool) => pool.in_place_scope(|scope| {
            for _ in 1..items.len().min(*PROCESSORS) {
                scope.spawn(|_| worker());
            }
            worker();
        }),
        None => worker(),
    })
}

static STANDING: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let pool = ThreadPoolBuilder::new().num_threads(*PROCESSORS);
    pool.thread_name(|number| format!("look-up-{number}"))
        .build()
        .ok()
});

/// Does the work of each item on at most so many threads, of which the caller's is one.
pub(crate) fn on_threads<T: Sync, R: Send, E: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    shared(items, work, |worker| {
        thread::scope(|scope| {
            for _ in 1..threads.min(items.len()) {
                scope.spawn(worker);
            }
            worker();
        });
    })
}

/// `spread` runs the worker on as many threads as it likes, until each of them has ended.
fn shared<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
    spread: impl FnOnce(&(dyn Fn() + Sync)),
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Ok(Vec::with_capacity(items.len())));
    spread(&|| {
        let mut mine = Vec::new();
        let mut failed = None;
        while failed.is_none()
            && let number = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(number)
        {
            match work(item) {
                Ok(result) => mine.push((number, result)),
                Err(error) => {
                    // Nobody begins another one.
                    next.store(items.len(), Ordering::Relaxed);
                    failed = Some(error);
                }
            }
        }
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *done, failed) {
            (Ok(done), None) => done.append(&mut mine),
            (Ok(_), Some(error)) => *done = Err(error),
            (Err(_), _) => {}
        }
    });
    let mut done: Vec<(usize, R)> = done.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Gives each item to `take` in order, while another thread makes the next ones, two at most.
pub(crate) fn made_ahead<T: Send, E>(
    mut items: impl Iterator<Item = T> + Send,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let (first, second) = (items.next(), items.next());
    first.map_or(Ok(()), &mut take)?;
    // Most often there is no more, and no thread is needed.
    let Some(second) = second else { return Ok(()) };
    thread::scope(|scope| {
        let (sender, made) = sync_channel(1);
        scope.spawn(move || {
            for item in items {
                if sender.send(item).is_err() {
                    return;
                }
            }
        });
        take(second)?;
        made.into_iter().try_for_each(take)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn items_are_taken_in_order_until_the_first_error() {
        for count in [0, 1, 2, 3, 100] {
            let mut taken = Vec::new();
            let taking = made_ahead(0..count, |item| {
                taken.push(item);
                Ok::<_, ()>(())
            });
            taking.unwrap();
            assert!(taken.into_iter().eq(0..count));
            let made = AtomicUsize::new(0);
            let items = (0..count).inspect(|_| _ = made.fetch_add(1, Ordering::Relaxed));
            let failed = made_ahead(items, |item| if item == 4 { Err(item) } else { Ok(()) });
            assert_eq!(failed, if count > 4 { Err(4) } else { Ok(()) });
            assert!(
                made.into_inner() <= 7.min(count),
                "few are made for nothing"
            );
        }
    }

    #[test]
    fn results_come_in_order_and_the_first_error_ends_the_work() {
        let items: Vec<u32> = (0..1000).collect();
        let double = |item: &u32| Ok::<_, ()>(item * 2);
        let doubled: Vec<u32> = (0..1000).map(|item| item * 2).collect();
        assert_eq!(on_standing_threads(&items, double), Ok(doubled.clone()));
        let begun = AtomicUsize::new(0);
        let fail = |item: &u32| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 10 { Err(*item) } else { Ok(()) }
        };
        assert_eq!(on_standing_threads(&items, fail), Err(10));
        for threads in [1, 2, 7] {
            assert_eq!(on_threads(threads, &items, double), Ok(doubled.clone()));
            begun.store(0, Ordering::Relaxed);
            assert_eq!(on_threads(threads, &items, fail), Err(10));
            assert!(begun.load(Ordering::Relaxed) < 1000 || threads > 1);
        }
        assert_eq!(in_parallel(&[], double), Ok(Vec::new()));
        assert_eq!(on_standing_threads(&[], double), Ok(Vec::new()));
    }
}
