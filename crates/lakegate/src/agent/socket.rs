use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use socket2::{Domain, SockAddr, Socket, Type};

/// A Unix socket's place among the files. Dropped, it is gone, unless somebody else's is there by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    file: (u64, u64),
}

// === impl SocketFile ===

impl SocketFile {
    /// Listens at `path`, for those whom `mode` lets. A socket on which nobody listens any more is replaced; anything
    /// else that is there stays.
    ///
    /// # Errors
    /// When somebody listens there, when there is another kind of file, or when there can be none.
    pub(crate) fn bind(path: &Path, mode: u32) -> anyhow::Result<(Self, UnixListener)> {
        make_way(path)?;
        let listen = || -> io::Result<(Self, UnixListener)> {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.bind(&SockAddr::unix(path)?)?;
            // Before it listens: until then, nobody can connect whom the mode would keep out.
            fs::set_permissions(path, Permissions::from_mode(mode))?;
            let file = Self {
                path: path.to_owned(),
                file: identity(&fs::symlink_metadata(path)?),
            };
            socket.listen(BACKLOG)?;
            Ok((file, socket.into()))
        };
        listen().with_context(|| format!("cannot listen on {}", path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.file) {
            // It is in nobody's way: the next agent replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket of an agent that is gone.
fn make_way(path: &Path) -> anyhow::Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        bail!(
            "cannot listen on {}: there is a file that is no socket",
            path.display()
        );
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
        }
        Ok(_) => bail!(
            "cannot listen on {}: somebody listens there already",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot tell who listens on {}", path.display())),
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Connections that the kernel completes before they are accepted.
const BACKLOG: i32 = 1024;
