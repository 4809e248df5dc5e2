use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What follows HTTP on a connection; nothing, as a rule. Told by a request, and played when the connection has left HTTP.
#[derive(Default)]
pub(super) struct Sequel {
    scene: RefCell<Option<Scene>>,
    told: Told,
}

/// Whether there is one, for the layers of the connection itself, which ask with every read.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<AtomicBool>);

type Scene = Pin<Box<dyn Future<Output = ()>>>;

// === impl Sequel ===

impl Sequel {
    pub(super) fn set(&self, sequel: impl Future<Output = ()> + 'static) {
        self.scene.replace(Some(Box::pin(sequel)));
        self.told.0.store(true, Relaxed);
    }

    pub(super) fn told(&self) -> Told {
        self.told.clone()
    }

    pub(super) async fn play(&self) {
        let scene = self.scene.take();
        if let Some(sequel) = scene {
            sequel.await;
        }
    }
}

impl fmt::Debug for Sequel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequel").finish_non_exhaustive()
    }
}

// === impl Told ===

impl Told {
    /// Whether what comes now is no HTTP any more.
    pub(super) fn is_true(&self) -> bool {
        self.0.load(Relaxed)
    }
}
