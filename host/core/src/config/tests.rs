//! What operators get wrong, and what they read then.
