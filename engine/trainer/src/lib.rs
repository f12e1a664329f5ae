//! Learning on libtorch, and the worker process that runs one session.
//!
//! The loop, in ten lines:
//! ```text
//! until all epochs are done, or the node says stop:
//!     look for orders: pause, checkpoint, stop                 worker::control
//!     action  = agent.act(observation)                         agents::dqn
//!     outcome = environment.step(action)                       engine::environment
//!     agent.learn(outcome): store, sample, one update          storage::replay, optimiser
//!     every 100 updates: metric points                         worker::channel ─► node
//!     at the segment's end:
//!         run the greedy policy over the validation segment    engine::policies (native)
//!         keep the model if it did better                      model
//!         write a checkpoint                                   checkpoint
//! ```
//! Modules in reading order: `train` (the loop), `agents`, `nets`, `storage`, `optimiser`, `schedule`, `weights`
//! (files), `model`, `checkpoint`, `device`, `worker` (the process), `error`.

pub mod agents;
pub mod checkpoint;
pub mod data;
pub mod device;
pub mod error;
pub mod files;
pub mod model;
pub mod nets;
pub mod optimiser;
pub mod schedule;
pub mod storage;
pub mod train;
pub mod weights;
pub mod worker;

pub use error::TrainerError;
