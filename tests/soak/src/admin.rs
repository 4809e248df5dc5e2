use std::net::SocketAddr;

use anyhow::Context as _;
use http_body_util::BodyExt as _;

use crate::judge::Gauges;
use crate::line::{Call, Door};

/// What the admin listener tells now.
pub(crate) async fn gauges(admin: SocketAddr) -> anyhow::Result<Gauges> {
    let line = Door::new(admin, None)?.line().await?;
    let mut call = Call::get("localhost", "/metrics".to_owned(), "");
    call.credential = None;
    let page = line.open(call).await?.into_body().collect().await?.to_bytes();
    let page = std::str::from_utf8(&page)?;
    Ok(Gauges {
        client_connections: value(page, "lakegate_client_connections")?,
        requests_in_flight: value(page, "lakegate_requests_in_flight")?,
        lost_log_lines: value(page, "lakegate_log_lines_lost_total")?,
        reloads: value(page, "lakegate_configuration_reloads_total{outcome=\"applied\"}")?,
        data_tasks: value(page, "lakegate_tasks{plane=\"data\"}")?,
        control_tasks: value(page, "lakegate_tasks{plane=\"control\"}")?,
    })
}

fn value(page: &str, metric: &str) -> anyhow::Result<u64> {
    let values = page.lines().filter_map(|line| line.strip_prefix(metric));
    let value = values
        .into_iter()
        .find_map(|rest| rest.strip_prefix(' ')?.parse().ok());
    value.with_context(|| format!("the admin listener tells no {metric}"))
}
