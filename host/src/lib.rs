//! The async shell around the pure core: whatever touches processes, files, chats, components and the store.

pub mod agent;
pub mod process;
