//! A shared value that hides its type from the compiler's checks of `Send` and `Sync`.
//!
//! For each async method of a trait, the compiler checks again that the future is `Send`, and visits the types of all
//! fields of `self` and of their fields. A component and an engine of wasmtime contain thousands of types. A type-erased
//! field ends the search: it halves the time that the `cordboard` crate takes to compile.

use std::{any::Any, marker::PhantomData, ops::Deref, sync::Arc};

/// A value of type `T`. Clones share it. Each access compares type IDs, which takes a few nanoseconds.
pub struct TypeErased<T>(Arc<dyn Any + Send + Sync>, PhantomData<fn() -> T>);

impl<T: Any + Send + Sync> TypeErased<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(value), PhantomData)
    }
}

impl<T> Clone for TypeErased<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<T: Any + Send + Sync> Deref for TypeErased<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.downcast_ref().expect("the value has the type that it was created with")
    }
}
