// SPDX-License-Identifier: MIT
//! From C to the author's functions, and back: no panic leaves through C.

use crate::abi::*;
use crate::device::{c_string, Dev, Reset};
use crate::model::PciDevice;
use std::error::Error;
use std::mem::{size_of, MaybeUninit};
use std::os::raw::{c_char, c_int, c_uint};
use std::os::unix::ffi::OsStringExt;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::{env, ffi::CString, process, ptr};

const EINVAL: c_int = 22;

/// The function that `F` is the type of. A function has a type of its own and no size, so that
/// C's pointer need not carry it; the constructors refuse closures that capture something.
fn function<F: Copy>() -> F {
    assert_empty::<F>();
    // SAFETY: a value without bytes, of a type whose value was in hand when it was given.
    unsafe { MaybeUninit::<F>::uninit().assume_init() }
}

pub(crate) fn assert_empty<F>() {
    assert!(size_of::<F>() == 0, "give a function, or a closure that captures nothing");
}

fn guard<S, R>(dev: *mut riser_dev, failed: R, call: impl FnOnce(&mut Dev<S>) -> R) -> R {
    catch_unwind(AssertUnwindSafe(|| call(&mut Dev::new(dev)))).unwrap_or(failed)
}

/// For init() and loaded(): the error is why it fails.
fn guard_start<S>(
    dev: *mut riser_dev,
    call: impl FnOnce(&mut Dev<S>) -> Result<(), Box<dyn Error>>,
) -> c_int {
    let done = guard(dev, Err("panicked; its message is above".into()), call);
    let why = match done {
        Ok(()) => return 0,
        Err(error) => c_string(error.to_string()),
    };
    // SAFETY: as C calls it.
    unsafe { riser_fail(dev, -EINVAL, b"%s\0".as_ptr().cast(), why.as_ptr()) }
}

pub(crate) unsafe extern "C" fn on_read<S, F>(dev: *mut riser_dev, stored: u64) -> u64
where
    F: Fn(&mut Dev<S>, u64) -> u64 + Copy,
{
    guard(dev, u64::MAX, |dev| function::<F>()(dev, stored))
}

pub(crate) unsafe extern "C" fn on_write<S, F>(dev: *mut riser_dev, now: u64, was: u64)
where
    F: Fn(&mut Dev<S>, u64, u64) + Copy,
{
    guard(dev, (), |dev| function::<F>()(dev, now, was))
}

pub(crate) unsafe extern "C" fn plain<S, F>(dev: *mut riser_dev)
where
    F: Fn(&mut Dev<S>) + Copy,
{
    guard(dev, (), |dev| function::<F>()(dev))
}

pub(crate) unsafe extern "C" fn reset<S, F>(dev: *mut riser_dev, kind: riser_reset)
where
    F: Fn(&mut Dev<S>, Reset) + Copy,
{
    let kind = match kind {
        RISER_RESET_POWER_ON => Reset::PowerOn,
        RISER_RESET_DEVICE => Reset::Device,
        RISER_RESET_BUS => Reset::Bus,
        _ => Reset::Function,
    };
    guard(dev, (), |dev| function::<F>()(dev, kind))
}

pub(crate) unsafe extern "C" fn init<S, F>(dev: *mut riser_dev) -> c_int
where
    F: Fn(&mut Dev<S>) -> Result<(), Box<dyn Error>> + Copy,
{
    guard_start(dev, |dev| function::<F>()(dev))
}

pub(crate) unsafe extern "C" fn loaded<S, F>(dev: *mut riser_dev, version: u32) -> c_int
where
    F: Fn(&mut Dev<S>, u32) -> Result<(), Box<dyn Error>> + Copy,
{
    guard_start(dev, |dev| function::<F>()(dev, version))
}

pub(crate) unsafe extern "C" fn bar_read<S, F>(
    dev: *mut riser_dev,
    offset: u64,
    size: c_uint,
    value: *mut u64,
) -> c_int
where
    F: Fn(&mut Dev<S>, u64, u32) -> Option<u64> + Copy,
{
    match guard(dev, None, |dev| function::<F>()(dev, offset, size)) {
        Some(read) => {
            *value = read;
            0
        }
        None => -EINVAL,
    }
}

pub(crate) unsafe extern "C" fn bar_write<S, F>(
    dev: *mut riser_dev,
    offset: u64,
    size: c_uint,
    value: u64,
) -> c_int
where
    F: Fn(&mut Dev<S>, u64, u32, u64) -> bool + Copy,
{
    let taken = guard(dev, false, |dev| function::<F>()(dev, offset, size, value));

    if taken {
        0
    } else {
        -EINVAL
    }
}

/// All that the main() of a program does that is a device: see riser_serve_main() in
/// <riser/serve.h>. A panic in a callback becomes a line of the log.
pub fn serve<S>(device: PciDevice<S>) -> ! {
    let name = device.name();
    let words: Vec<CString> =
        env::args_os().map(|word| CString::new(word.into_vec()).unwrap_or_default()).collect();
    let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr() as *mut _).collect();

    argv.push(ptr::null_mut());
    set_hook(Box::new(move |panic| {
        eprintln!("{}: {}", name, panic.to_string().replace('\n', " "));
    }));
    // SAFETY: the words and the descriptor live until the program ends.
    let status =
        unsafe { riser_serve_main(device.export(), words.len() as c_int, argv.as_mut_ptr()) };
    process::exit(status)
}
