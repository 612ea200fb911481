//! `mirror`: from registry to registry through the engine of `import`.

mod basics;
