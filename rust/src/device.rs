// SPDX-License-Identifier: MIT
//! One live instance of a device: what its callbacks get.

use crate::abi::*;
use std::ffi::CString;
use std::io;
use std::marker::PhantomData;
use std::os::raw::c_int;

/// Why the device is reset; see enum riser_reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    PowerOn,
    Device,
    Bus,
    Function,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error = RISER_ERROR as isize,
    Warn = RISER_WARN as isize,
    Info = RISER_INFO as isize,
    Debug = RISER_DEBUG as isize,
}

/// A callback's first argument: the instance, whose state is an `S`.
pub struct Dev<S> {
    pub(crate) raw: *mut riser_dev,
    state: PhantomData<*mut S>,
}

fn result(ret: c_int) -> io::Result<()> {
    if ret < 0 {
        return Err(io::Error::from_raw_os_error(-ret));
    }
    Ok(())
}

pub(crate) fn c_string(text: impl Into<String>) -> CString {
    let mut bytes = text.into().into_bytes();

    bytes.retain(|&byte| byte != 0);
    CString::new(bytes).unwrap_or_default()
}

// SAFETY, of all calls in here: `raw` is live while a callback runs, and nobody but a callback
// has a Dev.
impl<S> Dev<S> {
    pub(crate) fn new(raw: *mut riser_dev) -> Self {
        Dev { raw, state: PhantomData }
    }

    pub fn state(&mut self) -> &mut S {
        unsafe { &mut *riser_state(self.raw).cast() }
    }

    /// In on_read and on_write: which element of an array is being accessed.
    pub fn reg_index(&self) -> usize {
        unsafe { riser_reg_index(self.raw) as usize }
    }

    /// The same: which bytes of it, bit n for byte n.
    pub fn reg_lanes(&self) -> u32 {
        unsafe { riser_reg_lanes(self.raw) }
    }

    /// Writes one line to the device's log.
    pub fn log(&self, level: Level, text: impl Into<String>) {
        let text = c_string(text);

        unsafe {
            riser_log(
                self.raw,
                level as riser_log_level,
                b"%s\0".as_ptr().cast(),
                text.as_ptr(),
            )
        }
    }

    pub fn irq_raise(&self, vector: u32) -> io::Result<()> {
        result(unsafe { riser_irq_raise(self.raw, vector) })
    }

    pub fn irq_lower(&self, vector: u32) -> io::Result<()> {
        result(unsafe { riser_irq_lower(self.raw, vector) })
    }

    /// Fills `to` from guest memory: all of it, or an error where the guest gave a bad address.
    pub fn dma_read(&self, iova: u64, to: &mut [u8]) -> io::Result<()> {
        result(unsafe { riser_dma_read(self.raw, iova, to.as_mut_ptr().cast(), to.len()) })
    }

    pub fn dma_write(&self, iova: u64, from: &[u8]) -> io::Result<()> {
        result(unsafe { riser_dma_write(self.raw, iova, from.as_ptr().cast(), from.len()) })
    }

    /// Nanoseconds on the host's clock.
    pub fn now(&self) -> u64 {
        unsafe { riser_now(self.raw) }
    }

    /// Makes timer `timer`, its index in the table, fire once, `ns` from now.
    pub fn timer_arm(&self, timer: u32, ns: u64) {
        unsafe { riser_timer_arm(self.raw, timer, ns) }
    }

    pub fn timer_cancel(&self, timer: u32) {
        unsafe { riser_timer_cancel(self.raw, timer) }
    }

    pub fn timer_pending(&self, timer: u32) -> bool {
        unsafe { riser_timer_pending(self.raw, timer) }
    }

    /// The memory of a window, by its index in the table. The guest may write to it meanwhile:
    /// read and write it with [`std::ptr::read_volatile`] and its like.
    pub fn window(&self, bar: u32, window: u32) -> *mut u8 {
        unsafe { riser_window(self.raw, bar, window).cast() }
    }

    /// What [`abi`](crate::abi) calls the device.
    pub fn as_raw(&self) -> *mut riser_dev {
        self.raw
    }
}
