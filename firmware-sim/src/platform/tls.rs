//! A listener that wants a certificate of whoever speaks to it.
//!
//! In:  certificates in PEM.   Out: connections whose other end has shown one of the right authority; the others are gone before a
//! word was said.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Who has not shown its certificate by then is let go, since the others wait behind it.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// PEM, all of it.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// Its own.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// Whose certificates the senders have.
    pub senders: String,
}

pub(super) struct Listener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener {
    pub(super) fn new(listener: TcpListener, certificates: &Certificates) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
        let mut senders = RootCertStore::empty();
        for authority in chain(&certificates.senders).map_err(io::Error::other)? {
            senders.add(authority).map_err(io::Error::other)?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(senders), Arc::clone(&provider));
        let key = PrivateKeyDer::from_pem_slice(certificates.key.as_bytes()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier.build().map_err(io::Error::other)?)
            .with_single_cert(chain(&certificates.certificate).map_err(io::Error::other)?, key)
            .map_err(io::Error::other)?;
        Ok(Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = axum::serve::Listener::accept(&mut self.listener).await;
            match tokio::time::timeout(HANDSHAKE_MAX, self.acceptor.accept(stream)).await {
                Ok(Ok(stream)) => return (stream, from),
                Ok(Err(error)) => tracing::debug!(%from, %error, "a sender without the right certificate"),
                Err(_) => tracing::debug!(%from, "a sender that says nothing"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
