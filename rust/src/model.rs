// SPDX-License-Identifier: MIT
//! A PCI device's description: tables of lines, as <riser/riser.h> and <riser/pci.h> have them.
//! A description lives as long as the program.

use crate::abi::*;
use crate::callbacks as c;
use crate::device::{c_string, Dev, Reset};
use crate::member::{extent, Place};
use crate::State;
use std::error::Error;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::size_of;
use std::os::raw::{c_char, c_uint};
use std::ptr;

fn forever(text: &str) -> *const c_char {
    c_string(text).into_raw()
}

/// What is laid out as one row of a C table.
///
/// # Safety
/// It has the layout of `Row`.
unsafe trait Line {
    type Row;
}

// SAFETY: a row itself.
unsafe impl Line for riser_reach {
    type Row = riser_reach;
}

// SAFETY: it is transparent.
unsafe impl Line for Bits {
    type Row = riser_reg_field;
}

// SAFETY: it is transparent.
unsafe impl Line for Cap {
    type Row = riser_pci_cap;
}

/// A table of lines, each of them one C structure.
fn table<L: Line, T: Table<Row = L::Row>>(lines: impl IntoIterator<Item = L>) -> T {
    let lines: Vec<L> = lines.into_iter().collect();
    let (count, base) = (lines.len(), Box::leak(lines.into_boxed_slice()).as_ptr());

    T::new(base.cast(), count as u32, size_of::<L>() as u32)
}

/// Lines of tables: a C structure, the state's type, and a method for each member.
macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident<$state:ident>($raw:ident) { $($member:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name<$state> {
            #[allow(dead_code)] // it is C that reads it
            raw: $raw,
            state: PhantomData<$state>,
        }

        impl<$state> $name<$state> {
            fn from(raw: $raw) -> Self {
                $name { raw, state: PhantomData }
            }

            $(pub fn $member(mut self, value: $kind) -> Self {
                self.raw.$member = value;
                self
            })*
        }

        // SAFETY: it is transparent.
        unsafe impl<$state> Line for $name<$state> {
            type Row = $raw;
        }
    )*};
}

lines! {
    /// See struct riser_reg; made by [`reg!`](crate::reg).
    Reg<S>(riser_reg) {
        part: u8, flags: u16, count: u32, stride: u32, reset: u64, rw: u64, w1c: u64, w1s: u64,
        rc: u64, once: u64, at_stride: u32,
    }
    /// See struct riser_field; made by [`field!`](crate::field).
    Field<S>(riser_field) { since: u32 }
    /// See struct riser_window; made by [`window!`](crate::window), or shared.
    Window<S>(riser_window) {}
    /// See struct riser_option; made by [`option!`](crate::option).
    DeviceOption<S>(riser_option) { min: u64, max: u64, required: bool }
    /// See struct riser_timer.
    Timer<S>(riser_timer) {}
    /// See struct riser_bar.
    Bar<S>(riser_bar) { kind: u32, prefetchable: bool, split: u8, zero_holes: bool }
    /// See struct riser_pci_device.
    PciDevice<S>(riser_pci_device) {
        interrupt_pin: u8, vectors: u16, version: u32, dma_mask: u64,
    }
}

/// A named group of bits in a register; see struct riser_reg_field.
#[repr(transparent)]
pub struct Bits(riser_reg_field);

impl Bits {
    pub fn new(name: &str, mask: u64, help: &str) -> Self {
        Bits(riser_reg_field { name: forever(name), mask, help: forever(help) })
    }
}

impl<S> Reg<S> {
    pub fn new(name: &str, offset: u64, place: Place) -> Self {
        Self::from(riser_reg {
            name: forever(name),
            offset,
            at: place.at,
            width: place.width,
            count: place.count,
            ..Default::default()
        })
    }

    pub fn on_read<F: Fn(&mut Dev<S>, u64) -> u64 + Copy>(mut self, _: F) -> Self {
        c::assert_empty::<F>();
        self.raw.on_read = Some(c::on_read::<S, F>);
        self
    }

    pub fn on_write<F: Fn(&mut Dev<S>, u64, u64) + Copy>(mut self, _: F) -> Self {
        c::assert_empty::<F>();
        self.raw.on_write = Some(c::on_write::<S, F>);
        self
    }

    pub fn fields(mut self, bits: impl IntoIterator<Item = Bits>) -> Self {
        self.raw.fields = table(bits);
        self
    }

    pub fn help(mut self, text: &str) -> Self {
        self.raw.help = forever(text);
        self
    }
}

impl<S> Field<S> {
    pub fn new(name: &str, place: Place) -> Self {
        Self::from(riser_field {
            name: forever(name),
            at: place.at,
            width: place.width,
            count: place.count.max(1),
            ..Default::default()
        })
    }
}

impl<S> Window<S> {
    pub fn of(name: &str, offset: u64, (at, size): (u32, u64)) -> Self {
        Self::from(riser_window { name: forever(name), offset, size, at, shared: false })
    }

    /// Pages that the guest maps.
    pub fn shared(name: &str, offset: u64, size: u64) -> Self {
        Self::from(riser_window { name: forever(name), offset, size, at: 0, shared: true })
    }
}

/// A string option's value.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Text(*const c_char);

impl Text {
    /// None where it was not given.
    pub fn get(&self) -> Option<String> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the library's string, kept as long as the device.
        Some(unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned())
    }
}

/// What an option may be stored in.
pub trait OptionValue {
    const TYPE: c_uint;
}
impl OptionValue for bool {
    const TYPE: c_uint = RISER_OPTION_BOOL;
}
impl OptionValue for u32 {
    const TYPE: c_uint = RISER_OPTION_U32;
}
impl OptionValue for u64 {
    const TYPE: c_uint = RISER_OPTION_U64;
}
impl OptionValue for Text {
    const TYPE: c_uint = RISER_OPTION_STRING;
}

/// For the macro: where an option is stored, and its type.
pub fn option_at<S, M: OptionValue>(find: impl Fn(*const S) -> *const M) -> (u32, c_uint) {
    (extent(find).0, M::TYPE)
}

impl<S> DeviceOption<S> {
    pub fn new(name: &str, (at, type_): (u32, c_uint)) -> Self {
        Self::from(riser_option { name: forever(name), at, type_, ..Default::default() })
    }

    /// Takes a number with ns, us, ms or s; stored in a u64 as nanoseconds.
    pub fn time(mut self) -> Self {
        self.raw.type_ = RISER_OPTION_TIME;
        self
    }

    /// The path of a file, which is read and written; stored in a Text.
    pub fn path(mut self) -> Self {
        self.raw.type_ = RISER_OPTION_PATH;
        self
    }

    /// What a value of that form lets the device reach; see struct riser_reach.
    pub fn reaches(mut self, reaches: &[(&str, u32)]) -> Self {
        let lines: Vec<riser_reach> = reaches
            .iter()
            .map(|(form, flags)| riser_reach {
                form: forever(form),
                flags: *flags,
                ..Default::default()
            })
            .collect();
        self.raw.reaches = table(lines);
        self
    }

    /// The default, written as a user would.
    pub fn value(mut self, text: &str) -> Self {
        self.raw.value = forever(text);
        self
    }

    pub fn help(mut self, text: &str) -> Self {
        self.raw.help = forever(text);
        self
    }
}

impl<S> Timer<S> {
    pub fn new<F: Fn(&mut Dev<S>) + Copy>(name: &str, _: F) -> Self {
        c::assert_empty::<F>();
        Self::from(riser_timer { name: forever(name), fire: Some(c::plain::<S, F>) })
    }
}

impl<S> Bar<S> {
    pub fn new(index: u8, size: u64) -> Self {
        Self::from(riser_bar { index, size, ops: ptr::null(), ..Default::default() })
    }

    pub fn regs(mut self, regs: impl IntoIterator<Item = Reg<S>>) -> Self {
        self.raw.regs = table(regs);
        self
    }

    pub fn windows(mut self, windows: impl IntoIterator<Item = Window<S>>) -> Self {
        self.raw.windows = table(windows);
        self
    }

    /// What no register and no window claims: (dev, offset, size), and for the second the value.
    /// None and false: the guest's mistake.
    pub fn ops<R, W>(mut self, _: R, _: W) -> Self
    where
        R: Fn(&mut Dev<S>, u64, u32) -> Option<u64> + Copy,
        W: Fn(&mut Dev<S>, u64, u32, u64) -> bool + Copy,
    {
        c::assert_empty::<(R, W)>();
        self.raw.ops = Box::leak(Box::new(riser_bar_ops {
            read: Some(c::bar_read::<S, R>),
            write: Some(c::bar_write::<S, W>),
        }));
        self
    }
}

/// A capability; see struct riser_pci_cap for those that have no function here.
#[repr(transparent)]
pub struct Cap(pub riser_pci_cap);

impl Cap {
    fn of(kind: c_uint) -> riser_pci_cap {
        riser_pci_cap { kind, ..Default::default() }
    }

    pub fn pm() -> Self {
        Cap(Self::of(RISER_CAP_PM))
    }

    pub fn msi(vectors: u16) -> Self {
        Cap(riser_pci_cap { vectors, ..Self::of(RISER_CAP_MSI) })
    }

    pub fn msix(vectors: u16, bar: u8, table: u64, pba: u64) -> Self {
        Cap(riser_pci_cap { vectors, bar, table, pba, ..Self::of(RISER_CAP_MSIX) })
    }

    pub fn express() -> Self {
        Cap(Self::of(RISER_CAP_EXPRESS))
    }

    pub fn serial(serial: u64) -> Self {
        Cap(riser_pci_cap { serial, ..Self::of(RISER_CAP_SERIAL) })
    }
}

impl<S: State> PciDevice<S> {
    pub fn new(name: &str) -> Self {
        Self::from(riser_pci_device {
            size: size_of::<riser_pci_device>(),
            name: forever(name),
            state_size: size_of::<S>(),
            ..Default::default()
        })
    }
}

impl<S> PciDevice<S> {
    pub fn summary(mut self, text: &str) -> Self {
        self.raw.summary = forever(text);
        self
    }

    pub fn id(mut self, vendor: u16, device: u16) -> Self {
        (self.raw.id.vendor, self.raw.id.device) = (vendor, device);
        self
    }

    pub fn subsystem(mut self, vendor: u16, device: u16) -> Self {
        (self.raw.id.subvendor, self.raw.id.subdevice) = (vendor, device);
        self
    }

    pub fn revision(mut self, revision: u8) -> Self {
        self.raw.id.revision = revision;
        self
    }

    /// Class, subclass and programming interface, 24 bits.
    pub fn class_code(mut self, code: u32) -> Self {
        self.raw.id.class_code = code;
        self
    }

    pub fn bars(mut self, bars: impl IntoIterator<Item = Bar<S>>) -> Self {
        self.raw.bars = table(bars);
        self
    }

    pub fn caps(mut self, caps: impl IntoIterator<Item = Cap>) -> Self {
        self.raw.caps = table(caps);
        self
    }

    pub fn options(mut self, options: impl IntoIterator<Item = DeviceOption<S>>) -> Self {
        self.raw.options = table(options);
        self
    }

    pub fn fields(mut self, fields: impl IntoIterator<Item = Field<S>>) -> Self {
        self.raw.fields = table(fields);
        self
    }

    pub fn timers(mut self, timers: impl IntoIterator<Item = Timer<S>>) -> Self {
        self.raw.timers = table(timers);
        self
    }

    pub fn init<F>(mut self, _: F) -> Self
    where
        F: Fn(&mut Dev<S>) -> Result<(), Box<dyn Error>> + Copy,
    {
        c::assert_empty::<F>();
        self.raw.init = Some(c::init::<S, F>);
        self
    }

    pub fn reset<F: Fn(&mut Dev<S>, Reset) + Copy>(mut self, _: F) -> Self {
        c::assert_empty::<F>();
        self.raw.reset = Some(c::reset::<S, F>);
        self
    }

    pub fn saving<F: Fn(&mut Dev<S>) + Copy>(mut self, _: F) -> Self {
        c::assert_empty::<F>();
        self.raw.saving = Some(c::plain::<S, F>);
        self
    }

    pub fn loaded<F>(mut self, _: F) -> Self
    where
        F: Fn(&mut Dev<S>, u32) -> Result<(), Box<dyn Error>> + Copy,
    {
        c::assert_empty::<F>();
        self.raw.loaded = Some(c::loaded::<S, F>);
        self
    }

    pub fn fini<F: Fn(&mut Dev<S>) + Copy>(mut self, _: F) -> Self {
        c::assert_empty::<F>();
        self.raw.fini = Some(c::plain::<S, F>);
        self
    }

    pub(crate) fn name(&self) -> String {
        // SAFETY: set by new().
        unsafe { CStr::from_ptr(self.raw.name) }.to_string_lossy().into_owned()
    }

    /// What riser_export() of a C model returns.
    pub fn export(self) -> riser_export {
        let descriptor: &riser_pci_device = Box::leak(Box::new(self.raw));

        riser_export {
            abi: RISER_ABI,
            kind: RISER_PCI,
            descriptor: (descriptor as *const riser_pci_device).cast(),
        }
    }
}
