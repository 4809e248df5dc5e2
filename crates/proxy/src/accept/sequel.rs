use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What follows HTTP on a connection; nothing, as a rule. Told by a request, and played when the connection has left HTTP.
#[derive(Clone, Default)]
pub(super) struct Sequel(Arc<Plot>);

#[derive(Default)]
struct Plot {
    scene: Mutex<Option<Scene>>,
    /// Whether there ever was one; asked with every read.
    told: AtomicBool,
}

struct Scene(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Sequel {
    pub(super) fn set(&self, sequel: impl Future<Output = ()> + Send + 'static) {
        *self.scene() = Some(Scene(Box::pin(sequel)));
        self.0.told.store(true, Relaxed);
    }

    /// Whether what comes now is no HTTP any more.
    pub(super) fn is_told(&self) -> bool {
        self.0.told.load(Relaxed)
    }

    pub(super) async fn play(&self) {
        let scene = self.scene().take();
        if let Some(Scene(sequel)) = scene {
            sequel.await;
        }
    }

    fn scene(&self) -> MutexGuard<'_, Option<Scene>> {
        self.0.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sequel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequel").finish_non_exhaustive()
    }
}
