//! Raise and deliver: findings become incidents, and the right people are told.
