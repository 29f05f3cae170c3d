//! What the fuzz targets share.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// An input of a few kilobytes must not need more.
const BYTES_AT_MOST: usize = 256 << 20;

/// The system's allocator, which aborts the process if more than [`BYTES_AT_MOST`] would
/// be held at once; libFuzzer then keeps the input.
pub struct Bounded;

static HELD: AtomicUsize = AtomicUsize::new(0);

fn take(bytes: usize) {
    if HELD.fetch_add(bytes, Relaxed) + bytes > BYTES_AT_MOST {
        eprintln!("{bytes} bytes requested, more than {BYTES_AT_MOST} would be held");
        std::process::abort();
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}
