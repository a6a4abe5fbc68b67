//! The checks of the fuzz targets. Each panics if the result for an input lacks a property that it must have. The test
//! suite runs the same checks over the corpus.

pub mod decoders;
#[cfg(feature = "host")]
pub mod host;
