//! The devices, with their own encoders, faults and ground truth.
