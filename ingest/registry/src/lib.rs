//! Control plane: devices, credentials, zones, subscribers, users, audit.
