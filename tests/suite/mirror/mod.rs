//! `mirror`: from registry to registry through the engine of `import`.

mod basics;
mod failures;
mod names;
mod place;
mod resume;
mod sources;
mod written;
