//! What is asked of a server: how many connections, how often, and what is hoped for.

/// How connections come and ask.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Connections that stay, each asking again as soon as it has its replies, `depth` requests at a time.
    Steady { connections: usize, depth: usize },
    /// Connect, ask, read, close: what most clients do.
    Churn { at_once: usize },
    /// Connections that stay, each asking once a second.
    Poll { connections: usize },
    /// Connections as fast as they come, each asking once and staying.
    Storm { connections: usize },
}

/// One line of the report.
#[derive(Clone, Copy)]
pub struct Workload {
    pub name: &'static str,
    pub shape: Shape,
    /// Greatest ratio to a memcached 1.6 that is hoped for.
    pub target_memcached: Option<f64>,
    /// Greatest ratio to the floor that is hoped for.
    pub target_floor: Option<f64>,
}

/// Descriptors of a process that are no client's, generously.
const OTHER_DESCRIPTORS: usize = 200;

impl Workload {
    fn new(name: &'static str, shape: Shape, target_memcached: Option<f64>) -> Self {
        Self { name, shape, target_memcached, target_floor: None }
    }

    /// Connections open at a time.
    pub fn connections(&self) -> usize {
        match self.shape {
            Shape::Steady { connections, .. }
            | Shape::Poll { connections }
            | Shape::Storm { connections } => connections,
            Shape::Churn { at_once } => at_once,
        }
    }

    /// Requests in one write.
    pub fn depth(&self) -> usize {
        if let Shape::Steady { depth, .. } = self.shape { depth } else { 1 }
    }

    /// Why it can't run with this many descriptors a process.
    pub fn beyond(&self, descriptors: usize) -> Option<String> {
        let needed = self.connections() + OTHER_DESCRIPTORS;
        (needed > descriptors).then(|| format!("needs {needed} descriptors, the limit is {descriptors}"))
    }

    /// What it does, in words.
    pub fn what(&self) -> String {
        match self.shape {
            Shape::Steady { connections, depth } => {
                format!("{connections} connection{}, {depth} deep", if connections == 1 { "" } else { "s" })
            }
            Shape::Churn { at_once } => format!("connect, ask, read, close; {at_once} at a time"),
            Shape::Poll { connections } => format!("{connections} connections, each asking once a second"),
            Shape::Storm { connections } => format!("{connections} connections at once, each asking once"),
        }
    }
}

/// All workloads; those of a smoke run have few connections.
pub fn all(smoke: bool) -> Vec<Workload> {
    let many = |connections: usize| if smoke { connections.min(200) } else { connections };
    let steady = |connections: usize, depth| Shape::Steady { connections: many(connections), depth };
    let mut one = Workload::new("1x1", steady(1, 1), Some(0.85));
    one.target_floor = Some(1.25);
    vec![
        one,
        Workload::new("64x1", steady(64, 1), Some(0.74)),
        Workload::new("1000x1", steady(1000, 1), Some(0.80)),
        Workload::new("1x16", steady(1, 16), None),
        Workload::new("64x16", steady(64, 16), None),
        Workload::new("1000x16", steady(1000, 16), None),
        Workload::new("churn", Shape::Churn { at_once: 64 }, Some(0.67)),
        Workload::new("poll", Shape::Poll { connections: many(5_000) }, Some(0.72)),
        Workload::new("storm", Shape::Storm { connections: many(10_000) }, None),
    ]
}

/// The workload of this name.
pub fn named(name: &str, smoke: bool) -> Option<Workload> {
    all(smoke).into_iter().find(|workload| workload.name == name)
}
