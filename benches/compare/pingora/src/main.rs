//! `pingora-peer LISTEN UPSTREAM WORKERS TOKEN`: forwards everything to UPSTREAM under a fixed `Authorization`.
//!
//! Its best known settings: mimalloc, fat LTO, no abort-safe unwinding, a pool that holds every connection.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::http::RequestHeader;
use pingora::prelude::*;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::configuration::ServerConf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Fixed {
    upstream: String,
    authorization: String,
}

#[async_trait]
impl ProxyHttp for Fixed {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&*self.upstream, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        request.insert_header("Authorization", &*self.authorization)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().unwrap_or_else(|| panic!("missing {what}"));
    let (listen, upstream) = (next("LISTEN"), next("UPSTREAM"));
    let threads = next("WORKERS").parse().expect("a number of workers");
    let authorization = format!("Bearer {}", next("TOKEN"));
    let configuration = ServerConf {
        threads,
        upstream_keepalive_pool_size: 20_000,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let configuration = Arc::clone(&server.configuration);
    let mut service = http_proxy_service(&configuration, Fixed { upstream, authorization });
    service.add_tcp(&listen);
    server.add_service(service);
    server.run_forever();
}
