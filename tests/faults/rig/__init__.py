"""What the fault and end-to-end tests share: a destination that misbehaves, senders, the daemon, and a judge."""
