//! A plain memcached node that keeps the list for clients that ask the nodes.

use std::net::SocketAddr;
use std::time::Duration;

use super::Error;
use super::conversation::Conversation;
use crate::protocol::{answer, reply};

/// What was found on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It held the payload already.
    Before,
    /// It holds it now.
    Now,
}

/// Has a node hold the payload under the legacy key (flags 0, no expiry), unless it does; ends within `timeout`.
pub async fn hold(address: SocketAddr, payload: &[u8], timeout: Duration) -> Result<Held, Error> {
    let conversation = converse(address, payload);
    tokio::time::timeout(timeout, conversation).await.unwrap_or(Err(Error::Timeout { address, timeout }))
}

async fn converse(address: SocketAddr, payload: &[u8]) -> Result<Held, Error> {
    let mut conversation = Conversation::begin(address)?;
    let (_, found) = conversation.ask(reply::retrieval(), answer::parse).await?;
    if found == reply::value(payload, None) {
        return Ok(Held::Before);
    }
    let (stored, _) = conversation.ask(reply::storage(payload), answer::stored).await?;
    stored.map(|()| Held::Now).map_err(|source| Error::Answer { address, source })
}
