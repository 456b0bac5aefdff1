//! Where operators come to.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use super::Error;
use super::teller::{Teller, operators_max};
use crate::admin::{self, Bounds};
use crate::config::Admin;
use crate::limits::{BIND_RETRY, TAKEOVER_STOP};

/// The admin address.
pub(super) enum Reception {
    /// There is none, for better or for worse.
    Closed,
    /// Nobody is answered yet.
    Bound(TcpListener),
    /// The process that is taken over has it still.
    Taken(SocketAddr),
    /// Whoever comes is answered.
    Open { address: Option<SocketAddr>, task: AbortHandle },
}

impl Reception {
    /// Binds the address. What nobody has asked for is not worth a failure; nor is what the process has that is about
    /// to be taken over.
    pub async fn bind(wanted: Admin, listen: &[SocketAddr], is_taking_over: bool) -> Result<Self, Error> {
        let Some(address) = wanted.address() else { return Ok(Self::Closed) };
        // Clients' sockets do not listen yet: the kernel would give their address away, and then refuse it to them.
        if wanted == Admin::Usual
            && let Some(listen) = wanted.overlap(listen)
        {
            without(address, &format!("clients connect to {listen}"));
            return Ok(Self::Closed);
        }
        let patience = match wanted {
            Admin::At(_) if !is_taking_over => BIND_RETRY,
            _ => std::time::Duration::ZERO,
        };
        match admin::bind(address, patience).await {
            Ok(listener) => Ok(Self::Bound(listener)),
            Err(error) if is_taking_over && error.kind() == io::ErrorKind::AddrInUse => {
                Ok(Self::Taken(address))
            }
            Err(source) if matches!(wanted, Admin::At(_)) => Err(Error::Admin { address, source }),
            Err(error) => {
                without(address, &cause(&error));
                Ok(Self::Closed)
            }
        }
    }

    /// Answers whoever comes from now on.
    pub fn open(&mut self, teller: &Rc<Teller>, connections_max: usize, tasks: &mut JoinSet<()>) {
        let listener = match std::mem::replace(self, Self::Closed) {
            Self::Bound(listener) => listener,
            other => return *self = other,
        };
        let bounds = Bounds { connections_max: operators_max(connections_max), ..Bounds::default() };
        let address = listener.local_addr().ok();
        let task = tasks.spawn_local(admin::serve(listener, teller.clone(), bounds));
        *self = Self::Open { address, task };
    }

    /// Binds what the process had that was taken over. Clients come first: that it can't be had is no reason to leave.
    pub async fn take_place(&mut self) {
        let Self::Taken(address) = *self else { return };
        *self = match admin::bind(address, TAKEOVER_STOP).await {
            Ok(listener) => Self::Bound(listener),
            Err(error) => {
                let cause = cause(&error);
                tracing::error!(
                    "the admin address {address} was not left by the process before: {cause}; serving goes on without it"
                );
                Self::Closed
            }
        };
    }

    /// Where operators are answered.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Open { address, .. } => *address,
            _ => None,
        }
    }

    /// Leaves the address to another process, which waits for it.
    pub async fn leave(&mut self) {
        if let Self::Open { task, .. } = std::mem::replace(self, Self::Closed) {
            task.abort();
            // It is dropped the next time it would have run.
            tokio::task::yield_now().await;
        }
    }
}

fn without(address: SocketAddr, cause: &str) {
    tracing::warn!(
        "the admin address {address} can't be had: {cause}; serving goes on without it, give another one with --admin, \
         or none"
    );
}

fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another process has it".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_address_gives_way_to_clients() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bind = |admin, listen: SocketAddr| runtime.block_on(Reception::bind(admin, &[listen], false));
        for listen in [Admin::DEFAULT, "0.0.0.0:9211".parse().unwrap()] {
            assert!(matches!(bind(Admin::Usual, listen), Ok(Reception::Closed)), "{listen}");
        }
        let one = "127.0.0.1:0".parse().unwrap();
        assert!(matches!(bind(Admin::At(one), one), Ok(Reception::Bound(_))), "ports of the kernel's choice");
    }
}
