//! What an evaluation says, and when it says nothing.
