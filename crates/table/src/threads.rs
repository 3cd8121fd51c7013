//! Work on several items at the same time.

use std::{
    panic::resume_unwind,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

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

/// Does the work of each item on at most so many threads, of which the caller's is one.
pub(crate) fn on_threads<T: Sync, R: Send, E: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<(usize, R)>, E> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return Ok(done);
            };
            match work(item) {
                Ok(result) => done.push((number, result)),
                Err(error) => {
                    // Nobody begins another one.
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let done: Result<Vec<Vec<(usize, R)>>, E> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len()))
            .map(|_| scope.spawn(worker))
            .collect();
        let mut done = vec![worker()];
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        done.extend(others.into_iter().map(join));
        done.into_iter().collect()
    });
    let mut done: Vec<(usize, R)> = done?.into_iter().flatten().collect();
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
        for threads in [1, 2, 7] {
            let doubled = on_threads(threads, &items, |item| Ok::<_, ()>(item * 2)).unwrap();
            assert!(doubled.into_iter().eq((0..1000).map(|item| item * 2)));
            let begun = AtomicUsize::new(0);
            let failed = on_threads(threads, &items, |item| {
                begun.fetch_add(1, Ordering::Relaxed);
                if *item == 10 { Err(*item) } else { Ok(()) }
            });
            assert_eq!(failed, Err(10));
            assert!(begun.into_inner() < 1000 || threads > 1);
        }
        assert_eq!(in_parallel(&[], |_: &u32| Ok::<u32, ()>(1)), Ok(Vec::new()));
    }
}
