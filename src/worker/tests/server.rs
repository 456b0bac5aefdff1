//! A worker in this process, and what answers its questions.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::cluster::{Cluster, Node, Version};
use crate::limits::DRAIN;
use crate::mailbox::{self, Mail, Postbox};
use crate::metrics::Metrics;
use crate::snapshot::Publisher;
use crate::stats::{Own, Questions, Terms};
use crate::worker::faults::{Faults, Sizes, prepare};
use crate::worker::{Features, Limits, Setup, bind, spawn};

/// Longest wait for anything that has to come.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// One worker.
pub(super) struct Server {
    pub address: SocketAddr,
    /// What `config get cluster` is answered with.
    pub list: Vec<u8>,
    pub metrics: Metrics,
    /// How the worker left.
    pub exit: Receiver<Result<(), String>>,
    postbox: Postbox,
    threads: Vec<JoinHandle<()>>,
    stop: oneshot::Sender<()>,
}

impl Server {
    pub fn start(features: Features, sizes: Sizes, idle_timeout: Duration, faults: Faults) -> Self {
        prepare(sizes, faults);
        Self::start_prepared(features, idle_timeout)
    }

    /// One with what has been prepared for it.
    pub fn start_prepared(features: Features, idle_timeout: Duration) -> Self {
        let publisher = Publisher::new("1.6.22");
        let nodes = (0..24).map(|n| Node::new(format!("node-{n}"), format!("10.0.0.{n}"), 11211)).collect();
        publisher.publish(Cluster { version: Version::new(7).unwrap(), nodes });
        let list = publisher.reader().current().list.as_ref().unwrap().config.once().to_vec();
        let questions = Questions::default();
        let (postbox, mailbox) = mailbox::pair().unwrap();
        let listeners = bind(&[(Ipv4Addr::LOCALHOST, 0).into()], 1).unwrap();
        let address = listeners.addresses[0];
        let listen = listeners.try_clone().unwrap();
        let metrics = Metrics::new(1);
        let limits = Limits {
            connections_max: 1000,
            refused_max: 8,
            request_timeout: Duration::ZERO,
            idle_timeout,
            clients_tracked_max: 100,
        };
        let workers = vec![(mailbox, questions.asker(postbox.clone()))];
        let setup = Setup {
            admission: crate::worker::Admission::new(Vec::new(), None),
            listeners,
            reader: publisher.reader(),
            workers,
            features,
            limits,
            metrics: metrics.clone(),
        };
        let (left, exit) = channel();
        let (mut threads, _) = spawn(setup, |_| {
            let left = left.clone();
            Box::new(move |outcome| drop(left.send(outcome)))
        })
        .unwrap();
        listen.listen().unwrap();
        postbox.post(Mail::Serve);
        let (stop, stopped) = oneshot::channel();
        threads.push(answer_stats(questions, metrics.clone(), stopped));
        Self { address, list, metrics, exit, postbox, threads, stop }
    }

    /// Waits until no connection is open.
    pub fn until_empty(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while self.metrics.open() > 0 {
            if Instant::now() > deadline {
                return Err(format!("{} connections are never closed", self.metrics.open()));
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Tells the worker something.
    pub fn post(&self, mail: Mail) {
        self.postbox.post(mail);
    }

    pub fn drain(&self) {
        self.postbox.post(Mail::Drain);
    }

    /// Waits for the worker's end, which was asked for.
    pub fn end(self) -> Result<Metrics, String> {
        self.drain();
        // Less than it has, so that nothing is left to the deadline.
        let in_time = DRAIN - Duration::from_millis(500);
        let outcome =
            self.exit.recv_timeout(in_time).map_err(|_| "the worker does not leave in time".to_string())?;
        outcome?;
        drop(self.stop);
        for thread in self.threads {
            thread.join().map_err(|_| "the worker panicked".to_string())?;
        }
        Ok(self.metrics)
    }
}

/// Answers clients' `stats` until the other end of `stop` is gone.
fn answer_stats(questions: Questions, metrics: Metrics, stop: oneshot::Receiver<()>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let own = Own { metrics, version: "1.6.22".into(), connections_max: 1000, started: Instant::now() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_terms, terms) = watch::channel(Terms { endpoints: Vec::new(), timeout: PATIENCE, own });
        let answers = questions.answer(terms);
        tokio::task::LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                () = answers => {}
                _ = stop => {}
            }
        });
    })
}
