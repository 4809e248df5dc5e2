use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncWrite};

/// What follows HTTP on a connection; nothing, as a rule. Told by a request, and played when the connection has left HTTP.
#[derive(Clone, Default)]
pub(super) struct Sequel(Rc<Plot>);

#[derive(Default)]
struct Plot {
    scene: RefCell<Option<Scene>>,
    /// Whether there ever was one; asked with every read.
    told: Cell<bool>,
}

type Scene = Box<dyn FnOnce(AfterHttp) -> Pin<Box<dyn Future<Output = ()>>>>;

/// A client's connection that has left HTTP, with all that the client has said since.
pub(crate) type AfterHttp = Box<dyn Bytestream>;

/// Bytes in both directions.
pub(crate) trait Bytestream: AsyncRead + AsyncWrite + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Unpin> Bytestream for IO {}

impl Sequel {
    pub(super) fn set<F>(&self, sequel: impl FnOnce(AfterHttp) -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        self.0
            .scene
            .replace(Some(Box::new(|client| Box::pin(sequel(client)))));
        self.0.told.set(true);
    }

    /// Whether what comes now is no HTTP any more.
    pub(super) fn is_told(&self) -> bool {
        self.0.told.get()
    }

    /// Nothing, where none was told.
    pub(super) async fn play(&self, client: AfterHttp) {
        let scene = self.0.scene.take();
        if let Some(scene) = scene {
            scene(client).await;
        }
    }
}

impl fmt::Debug for Sequel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequel").finish_non_exhaustive()
    }
}
