//! Queue rules: what becomes of an element that was popped.
//!
//! * [`give_back`]: how an element that nobody will read gets back to where it came from

pub mod give_back;
