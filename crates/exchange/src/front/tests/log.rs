use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::testing::{Scripted, answer};

/// Everything that was logged, at every level, by whichever library.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

// === impl Log ===

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_has_one_line_per_failed_exchange_and_no_token() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone());
    // A lone scoped subscriber is not asked about an event that another test's thread meets first; the event would be
    // off for good. With a global one that wants everything, it is on for everybody.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber.finish());

    let callers = Callers::new().await;
    let identity = callers.identity("secret-subject").await;
    let jwt = String::from_utf8(identity.token().expose().to_vec()).unwrap();
    let issued = "an-opaque-token-that-nobody-may-read";
    let endpoint = Scripted::answering(vec![
        answer(
            "401 Unauthorized",
            &format!(r#"{{"error":"invalid_grant","error_description":"{jwt}"}}"#),
        ),
        answer(
            "200 OK",
            &format!(r#"{{"access_token":"{issued}","token_type":"{jwt}"}}"#),
        ),
        answer(
            "200 OK",
            &format!(r#"{{"access_token":"{issued}","token_type":"Bearer"}}"#),
        ),
    ])
    .await;
    for outcome in ["EXCHANGE_DENIED", "EXCHANGE_MALFORMED", ""] {
        let exchange = Exchange::builder(http()).clock(callers.clock.clone()).build();
        let answers =
            [0; 5].map(|_| exchange.answer(ExchangeRequest::new(identity.clone(), endpoint.grant())));
        for answer in answers {
            assert_eq!(answer.await.err().map_or("", |error| error.code()), outcome);
        }
    }

    let text = log.text();
    assert_eq!(text.matches("token exchange refused").count(), 1, "{text}");
    assert_eq!(text.matches("token exchange failed").count(), 1, "{text}");
    assert!(
        text.contains("endpoint=\"127.0.0.1\" outcome=\"EXCHANGE_DENIED\""),
        "{text}"
    );
    for secret in jwt.split('.').chain([issued, "secret-subject"]) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
