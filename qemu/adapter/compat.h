/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs among the QEMUs that the adapter is built for, 7.2 to 10.x. */
#ifndef RISER_ADAPTER_COMPAT_H
#define RISER_ADAPTER_COMPAT_H

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "exec/memory.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "hw/qdev-properties.h"
#include "migration/blocker.h"
#include "migration/vmstate.h"
#include "monitor/monitor.h"

/* QEMU_VERSION_MAJOR and _MINOR come from whoever builds it. */
#define ADAPTER_QEMU(major, minor) \
    (QEMU_VERSION_MAJOR > (major) || \
     (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

/* pci.h was one until 8.0. */
#if ADAPTER_QEMU(8, 0)
#include "hw/pci/pci_device.h"
#endif

#if ADAPTER_QEMU(10, 0)
#include "system/cpu-timers.h"
#include "system/runstate.h"
#else
#include "sysemu/cpu-timers.h"
#include "sysemu/runstate.h"
#endif

#if !ADAPTER_QEMU(9, 0)
#define bql_locked() qemu_mutex_iothread_locked()
#define device_class_set_legacy_reset(dc, fn) ((dc)->reset = (fn))
#elif !ADAPTER_QEMU(9, 2)
#define device_class_set_legacy_reset(dc, fn) ((dc)->reset = (fn))
#endif

#if ADAPTER_QEMU(10, 0)
#define adapter_is_memory(mr, write) memory_access_is_direct(mr, write, MEMTXATTRS_UNSPECIFIED)
#else
#define adapter_is_memory(mr, write) memory_access_is_direct(mr, write)
#endif

/* Blockers were borrowed, now they are given. */
static inline bool adapter_block_migration(Error **reason, Error **errp)
{
#if ADAPTER_QEMU(8, 2)
    return !migrate_add_blocker(reason, errp);
#else
    if (!migrate_add_blocker(*reason, errp)) {
        return true;
    }
    error_free(*reason);
    *reason = NULL;
    return false;
#endif
}

static inline void adapter_unblock_migration(Error **reason)
{
#if ADAPTER_QEMU(8, 2)
    migrate_del_blocker(reason);
#else
    if (*reason) {
        migrate_del_blocker(*reason);
        error_free(*reason);
        *reason = NULL;
    }
#endif
}

/* Lists of properties ended with an empty one until they came with a count. */
#if ADAPTER_QEMU(10, 0)
#define adapter_set_props(dc, props, n) device_class_set_props_n(dc, props, n)
#else
#define adapter_set_props(dc, props, n) device_class_set_props(dc, props)
#endif

#if ADAPTER_QEMU(10, 1)
typedef const void *AdapterClassData;
#else
typedef void *AdapterClassData;
#endif

#endif
