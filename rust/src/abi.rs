// SPDX-License-Identifier: MIT
//! libriser's binary interface, as <riser/*.h> declare it: the same names, and the headers'
//! comments hold. tests/languages/abi compares the two.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_short, c_uint, c_void};

pub const RISER_ABI: u32 = 1;
pub const RISER_PCI: riser_kind = 1;

pub type riser_kind = c_uint;
pub type riser_log_level = c_uint;
pub type riser_irq_mode = c_uint;
pub type riser_reset = c_uint;

pub const RISER_ALL: u64 = u64::MAX;
pub const RISER_WRITE_ONLY: u16 = 1 << 0;
pub const RISER_PURE_READ: u16 = 1 << 1;
pub const RISER_EXTEND: u16 = 1 << 2;
pub const RISER_OPTION_BOOL: c_uint = 1;
pub const RISER_OPTION_U32: c_uint = 2;
pub const RISER_OPTION_U64: c_uint = 3;
pub const RISER_OPTION_TIME: c_uint = 4;
pub const RISER_OPTION_STRING: c_uint = 5;
pub const RISER_OPTION_PATH: c_uint = 6;
pub const RISER_READS: u32 = 1 << 0;
pub const RISER_WRITES: u32 = 1 << 1;
pub const RISER_CREATES: u32 = 1 << 2;
pub const RISER_CONNECTS: u32 = 1 << 3;
pub const RISER_LISTENS: u32 = 1 << 4;
pub const RISER_NETWORK: u32 = 1 << 5;
pub const RISER_TERMINAL: u32 = 1 << 6;
pub const RISER_RESET_POWER_ON: riser_reset = 0;
pub const RISER_RESET_DEVICE: riser_reset = 1;
pub const RISER_RESET_BUS: riser_reset = 2;
pub const RISER_RESET_FUNCTION: riser_reset = 3;
pub const RISER_RESET_DRIVER: riser_reset = 4;
pub const RISER_ERROR: riser_log_level = 1;
pub const RISER_WARN: riser_log_level = 2;
pub const RISER_INFO: riser_log_level = 3;
pub const RISER_DEBUG: riser_log_level = 4;
pub const RISER_IRQ_INTX: riser_irq_mode = 0;
pub const RISER_IRQ_MSI: riser_irq_mode = 1;
pub const RISER_IRQ_MSIX: riser_irq_mode = 2;
pub const RISER_DMA_READ: c_uint = 1;
pub const RISER_DMA_WRITE: c_uint = 2;
pub const RISER_MEM32: c_uint = 0;
pub const RISER_MEM64: c_uint = 1;
pub const RISER_IO: c_uint = 2;
pub const RISER_CAP_PM: c_uint = 1;
pub const RISER_CAP_MSI: c_uint = 2;
pub const RISER_CAP_MSIX: c_uint = 3;
pub const RISER_CAP_EXPRESS: c_uint = 4;
pub const RISER_CAP_VENDOR: c_uint = 5;
pub const RISER_CAP_SERIAL: c_uint = 6;
pub const RISER_CAP_AER: c_uint = 7;
pub const RISER_CAP_ATS: c_uint = 8;
pub const RISER_CAP_PASID: c_uint = 9;

/// The library's own structures, known only by address.
macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            private: [u8; 0],
        }
    )*};
}
opaque! { riser_dev riser_model riser_host riser_watch }

/// A member's name, offset and size.
#[doc(hidden)]
pub type Member = (&'static str, usize, usize);

/// Structures, and what they look like in memory.
macro_rules! structures {
    ($($name:ident { $($member:ident: $kind:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name {
                $(pub $member: $kind,)*
            }

            impl Default for $name {
                /// All zeroes, as C leaves members that are not named.
                fn default() -> Self {
                    // SAFETY: numbers, addresses and Options of functions: zero is one of each.
                    unsafe { std::mem::zeroed() }
                }
            }
        )*

        /// Name, size and members of each structure, for the test.
        #[doc(hidden)]
        pub fn layouts() -> Vec<(&'static str, usize, Vec<Member>)> {
            vec![$({
                let whole = $name::default();
                let start = &whole as *const $name as usize;
                (stringify!($name), std::mem::size_of::<$name>(), vec![$((
                    stringify!($member),
                    std::ptr::addr_of!(whole.$member) as usize - start,
                    std::mem::size_of_val(&whole.$member),
                )),*])
            }),*]
        }
    };
}

pub type on_read = unsafe extern "C" fn(dev: *mut riser_dev, stored: u64) -> u64;
pub type on_write = unsafe extern "C" fn(dev: *mut riser_dev, now: u64, was: u64);
pub type fire = unsafe extern "C" fn(dev: *mut riser_dev);
pub type reset = unsafe extern "C" fn(dev: *mut riser_dev, kind: riser_reset);
pub type init = unsafe extern "C" fn(dev: *mut riser_dev) -> c_int;
pub type loaded = unsafe extern "C" fn(dev: *mut riser_dev, version: u32) -> c_int;
pub type run = unsafe extern "C" fn(dev: *mut riser_dev, work: *mut riser_work);
pub type ready =
    unsafe extern "C" fn(dev: *mut riser_dev, fd: c_int, events: c_short, arg: *mut c_void);
pub type bar_read = unsafe extern "C" fn(
    dev: *mut riser_dev,
    offset: u64,
    size: c_uint,
    value: *mut u64,
) -> c_int;
pub type bar_write =
    unsafe extern "C" fn(dev: *mut riser_dev, offset: u64, size: c_uint, value: u64) -> c_int;
pub type log = unsafe extern "C" fn(
    arg: *mut c_void,
    level: riser_log_level,
    device: *const c_char,
    line: *const c_char,
);

structures! {
    riser_reg_fields { base: *const riser_reg_field, count: u32, stride: u32, }
    riser_regs { base: *const riser_reg, count: u32, stride: u32, }
    riser_fields { base: *const riser_field, count: u32, stride: u32, }
    riser_options { base: *const riser_option, count: u32, stride: u32, }
    riser_reaches { base: *const riser_reach, count: u32, stride: u32, }
    riser_timers { base: *const riser_timer, count: u32, stride: u32, }
    riser_windows { base: *const riser_window, count: u32, stride: u32, }
    riser_bars { base: *const riser_bar, count: u32, stride: u32, }
    riser_caps { base: *const riser_pci_cap, count: u32, stride: u32, }
    riser_reg_field { name: *const c_char, mask: u64, help: *const c_char, }
    riser_reg {
        name: *const c_char, offset: u64, at: u32, width: u8, part: u8, flags: u16, count: u32,
        stride: u32, reset: u64, rw: u64, w1c: u64, w1s: u64, rc: u64, once: u64,
        on_read: Option<on_read>, on_write: Option<on_write>, fields: riser_reg_fields,
        help: *const c_char, at_stride: u32,
    }
    riser_field { name: *const c_char, at: u32, count: u32, width: u8, since: u32, }
    riser_option {
        name: *const c_char, type_: c_uint, at: u32, value: *const c_char, min: u64, max: u64,
        required: bool, help: *const c_char, reaches: riser_reaches,
    }
    riser_reach { form: *const c_char, flags: u32, suffix: *const c_char, }
    riser_timer { name: *const c_char, fire: Option<fire>, }
    riser_work { run: Option<run>, next_: *mut riser_work, queued_: bool, }
    riser_export { abi: u32, kind: riser_kind, descriptor: *const c_void, }
    riser_pci_id {
        vendor: u16, device: u16, subvendor: u16, subdevice: u16, class_code: u32, revision: u8,
    }
    riser_bar_ops { read: Option<bar_read>, write: Option<bar_write>, }
    riser_window { name: *const c_char, offset: u64, size: u64, at: u32, shared: bool, }
    riser_bar {
        index: u8, kind: c_uint, prefetchable: bool, split: u8, zero_holes: bool, size: u64,
        regs: riser_regs, windows: riser_windows, ops: *const riser_bar_ops,
    }
    riser_pci_cap {
        kind: c_uint, offset: u16, vectors: u16, bar: u8, integrated: bool, mapped_only: bool,
        soft_reset: bool, size: u16, table: u64, pba: u64, serial: u64, data: *const c_void,
        regs: riser_regs,
    }
    riser_pci_device {
        size: usize, name: *const c_char, summary: *const c_char, id: riser_pci_id,
        interrupt_pin: u8, vectors: u16, version: u32, state_size: usize, dma_mask: u64,
        bars: riser_bars, caps: riser_caps, options: riser_options, fields: riser_fields,
        timers: riser_timers, init: Option<init>, reset: Option<reset>, saving: Option<fire>,
        loaded: Option<loaded>, fini: Option<fire>,
    }
    riser_error { text: [c_char; 512], }
    riser_host_config {
        size: usize, memory: u64, memory_at: u64, options: *const c_char, log: Option<log>,
        log_arg: *mut c_void, trace: bool, message_dma: bool,
    }
}

/// A table that C reads, and the kind of its rows.
pub trait Table {
    type Row;
    fn new(base: *const Self::Row, count: u32, stride: u32) -> Self;
}

/// For each kind of table, as RISER_TABLE_OF makes them, that it is one.
macro_rules! tables {
    ($($name:ident: $row:ident,)*) => {$(
        impl Table for $name {
            type Row = $row;

            fn new(base: *const $row, count: u32, stride: u32) -> Self {
                $name { base, count, stride }
            }
        }
    )*};
}
tables! {
    riser_reg_fields: riser_reg_field,
    riser_regs: riser_reg,
    riser_fields: riser_field,
    riser_options: riser_option,
    riser_reaches: riser_reach,
    riser_timers: riser_timer,
    riser_windows: riser_window,
    riser_bars: riser_bar,
    riser_caps: riser_pci_cap,
}

#[link(name = "riser")]
#[rustfmt::skip]
extern "C" {
    pub fn riser_state(dev: *mut riser_dev) -> *mut c_void;
    pub fn riser_reg_index(dev: *const riser_dev) -> c_uint;
    pub fn riser_reg_lanes(dev: *const riser_dev) -> c_uint;
    pub fn riser_log(dev: *mut riser_dev, level: riser_log_level, format: *const c_char, ...);
    pub fn riser_fail(dev: *mut riser_dev, error: c_int, format: *const c_char, ...) -> c_int;
    pub fn riser_irq_raise(dev: *mut riser_dev, vector: c_uint) -> c_int;
    pub fn riser_irq_lower(dev: *mut riser_dev, vector: c_uint) -> c_int;
    pub fn riser_irq_mode(dev: *const riser_dev) -> riser_irq_mode;
    pub fn riser_dma_read(dev: *mut riser_dev, iova: u64, to: *mut c_void, length: usize) -> c_int;
    pub fn riser_dma_write(dev: *mut riser_dev, iova: u64, from: *const c_void, length: usize) -> c_int;
    pub fn riser_now(dev: *mut riser_dev) -> u64;
    pub fn riser_timer_arm(dev: *mut riser_dev, timer: c_uint, ns: u64);
    pub fn riser_timer_cancel(dev: *mut riser_dev, timer: c_uint);
    pub fn riser_timer_pending(dev: *const riser_dev, timer: c_uint) -> bool;
    pub fn riser_post(dev: *mut riser_dev, work: *mut riser_work);
    pub fn riser_watch_create(dev: *mut riser_dev, fd: c_int, events: c_short, ready: Option<ready>, arg: *mut c_void, watch: *mut *mut riser_watch) -> c_int;
    pub fn riser_watch_modify(watch: *mut riser_watch, events: c_short) -> c_int;
    pub fn riser_watch_destroy(watch: *mut riser_watch);
    pub fn riser_window(dev: *mut riser_dev, bar: c_uint, window: c_uint) -> *mut c_void;
    pub fn riser_model_from_export(exported: riser_export, model: *mut *mut riser_model, error: *mut riser_error) -> c_int;
    pub fn riser_model_close(model: *mut riser_model);
    pub fn riser_serve_main(exported: riser_export, argc: c_int, argv: *mut *mut c_char) -> c_int;
    pub fn riser_bench_create(model: *mut riser_model, config: *const riser_host_config, host: *mut *mut riser_host, error: *mut riser_error) -> c_int;
    pub fn riser_host_destroy(host: *mut riser_host);
    pub fn riser_host_error(host: *const riser_host) -> *const c_char;
    pub fn riser_host_enable(host: *mut riser_host) -> c_int;
    pub fn riser_host_read(host: *mut riser_host, bar: c_uint, offset: u64, size: c_uint, value: *mut u64) -> c_int;
    pub fn riser_host_write(host: *mut riser_host, bar: c_uint, offset: u64, size: c_uint, value: u64) -> c_int;
    pub fn riser_host_memory(host: *mut riser_host, size: *mut u64, iova: *mut u64) -> *mut c_void;
    pub fn riser_host_irq_enable(host: *mut riser_host, mode: riser_irq_mode, vectors: c_uint) -> c_int;
    pub fn riser_host_irq_count(host: *mut riser_host, vector: c_uint, count: *mut u64) -> c_int;
    pub fn riser_host_advance(host: *mut riser_host, ns: u64) -> c_int;
    pub fn riser_host_reset(host: *mut riser_host, kind: riser_reset) -> c_int;
}
