//! Asks an admin address, also one that has a name, again and again.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mimikyu::admin::{self, Unanswered};
use mimikyu::config::HostPort;
use serde::de::DeserializeOwned;

use super::super::probe;
use super::view::Answers;

/// Who is asked.
#[derive(Debug)]
pub struct Asker {
    target: HostPort,
    timeout: Duration,
    /// Who answered last.
    address: Option<SocketAddr>,
}

impl Asker {
    /// Nobody is asked yet. Each address of a name has so long for each answer.
    pub fn new(target: HostPort, timeout: Duration) -> Self {
        Self { target, timeout, address: None }
    }

    /// Everything that is shown; else why not, with a cure, in a line.
    pub async fn answers(&mut self) -> Result<Answers, String> {
        let status = self.document("/status").await?;
        let history = self.document("/history").await?;
        Ok(Answers { status: self.read(&status)?, history: self.read(&history)? })
    }

    /// What there is at a path, as it came.
    pub async fn document(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let mut last = String::new();
        // The name may lead elsewhere by now, so it is looked up again where nobody has answered.
        for address in match self.address {
            Some(address) => vec![address],
            None => self.resolved().await?,
        } {
            match admin::ask(address, path, self.timeout).await {
                Ok(document) => {
                    self.address = Some(address);
                    return Ok(document);
                }
                // It is the right one, and says what is wrong.
                Err(refused @ Unanswered::Refused { .. }) => last = format!("{address}: {refused}"),
                Err(error) => last = error.to_string(),
            }
        }
        self.address = None;
        Err(last)
    }

    async fn resolved(&self) -> Result<Vec<SocketAddr>, String> {
        if let Ok(ip) = self.target.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.target.port)]);
        }
        let (target, timeout) = (self.target.clone(), self.timeout);
        let found = tokio::task::spawn_blocking(move || probe::resolve(&target, timeout)).await;
        found.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    /// Reads a document.
    pub fn read<T: DeserializeOwned>(&self, document: &[u8]) -> Result<T, String> {
        let told = |error| {
            format!(
                "{} is no admin address that this version knows: {error}; give the one of --admin",
                self.target
            )
        };
        serde_json::from_slice(document).map_err(told)
    }
}
