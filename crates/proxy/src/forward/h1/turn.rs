use std::future::poll_fn;
use std::task::Poll;

/// Until all tasks that are ready by now have had their turn. tokio's `yield_now` would have the runtime ask the kernel for more as
/// well: a system call for each request that finds nothing.
pub(super) async fn let_others_prepare() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn all_who_have_come_together_are_ready_before_the_first_goes_on() {
        let steps = RefCell::new(Vec::new());
        let request = || async {
            steps.borrow_mut().push("is ready");
            let_others_prepare().await;
            steps.borrow_mut().push("goes on");
        };
        tokio::join!(request(), request());
        assert_eq!(*steps.borrow(), ["is ready", "is ready", "goes on", "goes on"]);
    }
}
