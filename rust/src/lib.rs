// SPDX-License-Identifier: MIT
//! Riser in Rust: PCI device models as tables and functions.
//!
//! What C says in <riser/riser.h> and <riser/pci.h> is said here with the same words; the man
//! pages made from those headers (riser-registers, riser-pci, …) are the reference. A device is
//! a [`PciDevice`]; [`serve`] makes a program of it. What this module does not wrap is in
//! [`abi`], as C has it.

pub mod abi;
mod callbacks;
mod device;
mod member;
mod model;

pub use callbacks::serve;
pub use device::{Dev, Level, Reset};
pub use member::{extent, member, Place, Scalar, Scalars};
pub use model::{option_at, Bar, Bits, Cap, DeviceOption, Field, OptionValue, PciDevice, Reg};
pub use model::{Text, Timer, Window};

pub use abi::RISER_WRITE_ONLY as WRITE_ONLY;
pub use abi::{RISER_ALL as ALL, RISER_EXTEND as EXTEND, RISER_PURE_READ as PURE_READ};
pub use abi::{RISER_IO as IO, RISER_MEM32 as MEM32, RISER_MEM64 as MEM64};

/// A type that a device's state may have.
///
/// # Safety
/// The library makes the state, all bytes zero, and frees it without dropping anything: zeroes
/// have to be a valid value, and nothing in it may own memory.
pub unsafe trait State {}
