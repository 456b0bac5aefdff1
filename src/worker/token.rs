//! What a completion is about: an operation, a slot, and which tenant of the slot.

/// The operations of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Operation {
    Accept,
    Receive,
    Send,
    /// The end of a receive or an accept.
    Cancel,
    /// Operations whose outcome nobody waits for.
    Ignored,
    Bell,
    Tick,
}

/// The 64 bits that the kernel hands back: 8 of operation, 24 of generation, 32 of slot.
///
/// The generation tells a completion of the slot's last tenant from one of this; it wraps after 16 million
/// tenants of one slot, none of which can still have something in the kernel by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub operation: Operation,
    pub slot: u32,
    pub generation: u32,
}

pub(super) const GENERATION_MASK: u32 = (1 << 24) - 1;

impl Token {
    pub fn new(operation: Operation, slot: u32, generation: u32) -> Self {
        Self { operation, slot, generation }
    }

    /// A token of an operation that belongs to no connection; `number` tells several apart.
    pub fn of(operation: Operation, number: u32) -> Self {
        Self::new(operation, number, 0)
    }

    pub fn pack(self) -> u64 {
        (self.operation as u64) << 56
            | u64::from(self.generation & GENERATION_MASK) << 32
            | u64::from(self.slot)
    }

    pub fn unpack(bits: u64) -> Self {
        let operation = match bits >> 56 {
            0 => Operation::Accept,
            1 => Operation::Receive,
            2 => Operation::Send,
            3 => Operation::Cancel,
            5 => Operation::Bell,
            6 => Operation::Tick,
            _ => Operation::Ignored,
        };
        Self::new(operation, bits as u32, (bits >> 32) as u32 & GENERATION_MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_kernel() {
        use Operation::*;
        for operation in [Accept, Receive, Send, Cancel, Ignored, Bell, Tick] {
            for (slot, generation) in [(0, 0), (u32::MAX, GENERATION_MASK), (7, 1)] {
                let token = Token::new(operation, slot, generation);
                assert_eq!(Token::unpack(token.pack()), token);
            }
        }
    }
}
