// SPDX-License-Identifier: MIT
//! Where members of the state are, and how wide.

use std::mem::{size_of, MaybeUninit};

/// What a register or a field may be: a number of any value, since the guest and saved states
/// write it.
pub trait Scalar: Copy {}
macro_rules! scalar {
    ($($kind:ty)*) => { $(impl Scalar for $kind {})* };
}
scalar! { u8 u16 u32 u64 i8 i16 i32 i64 }

/// One number, or an array of them.
pub trait Scalars {
    type One: Scalar;
    const COUNT: u32;
}
impl<T: Scalar> Scalars for T {
    type One = T;
    const COUNT: u32 = 0;
}
impl<T: Scalar, const N: usize> Scalars for [T; N] {
    type One = T;
    const COUNT: u32 = N as u32;
}

/// A member: bytes from the start of the state, bytes an element, elements (0: no array).
#[derive(Clone, Copy)]
pub struct Place {
    pub at: u32,
    pub width: u8,
    pub count: u32,
}

/// For the macros: the member that `find` finds in a state.
pub fn member<S, M: Scalars>(find: impl Fn(*const S) -> *const M) -> Place {
    let state = MaybeUninit::<S>::uninit();
    let at = find(state.as_ptr()) as usize - state.as_ptr() as usize;

    Place { at: at as u32, width: size_of::<M::One>() as u8, count: M::COUNT }
}

/// For the macros: the offset and size of a member of any type.
pub fn extent<S, M>(find: impl Fn(*const S) -> *const M) -> (u32, u64) {
    let state = MaybeUninit::<S>::uninit();
    let at = find(state.as_ptr()) as usize - state.as_ptr() as usize;

    (at as u32, size_of::<M>() as u64)
}

/// `reg!(0x4, State, member)`: a register at that offset of the BAR; see struct riser_reg.
#[macro_export]
macro_rules! reg {
    ($offset:expr, $state:ty, $member:ident) => {
        $crate::Reg::<$state>::new(
            stringify!($member),
            $offset,
            $crate::member(|state: *const $state| unsafe {
                std::ptr::addr_of!((*state).$member)
            }),
        )
    };
}

/// `field!(State, member)`: a member that is saved; see struct riser_field.
#[macro_export]
macro_rules! field {
    ($state:ty, $member:ident) => {
        $crate::Field::<$state>::new(
            stringify!($member),
            $crate::member(|state: *const $state| unsafe {
                std::ptr::addr_of!((*state).$member)
            }),
        )
    };
}

/// `window!(0x1000, State, member)`: plain memory in a BAR; see struct riser_window.
#[macro_export]
macro_rules! window {
    ($offset:expr, $state:ty, $member:ident) => {
        $crate::Window::<$state>::of(
            stringify!($member),
            $offset,
            $crate::extent(|state: *const $state| unsafe {
                std::ptr::addr_of!((*state).$member)
            }),
        )
    };
}

/// `option!(State, member)`: an option of the device, stored there; see struct riser_option.
#[macro_export]
macro_rules! option {
    ($state:ty, $member:ident) => {
        $crate::DeviceOption::<$state>::new(
            stringify!($member),
            $crate::option_at(|state: *const $state| unsafe {
                std::ptr::addr_of!((*state).$member)
            }),
        )
    };
}
