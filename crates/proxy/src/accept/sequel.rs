use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// What follows HTTP on a connection; nothing, as a rule. Told by a request, and played when the connection has left HTTP.
#[derive(Clone, Default)]
pub(super) struct Sequel(Arc<Mutex<Option<Scene>>>);

struct Scene(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Sequel {
    pub(super) fn set(&self, sequel: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Scene(Box::pin(sequel)));
    }

    pub(super) async fn play(&self) {
        let scene = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Scene(sequel)) = scene {
            sequel.await;
        }
    }
}

impl fmt::Debug for Sequel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequel").finish_non_exhaustive()
    }
}
