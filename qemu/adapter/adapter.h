/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The adapter: Riser's devices as devices of the QEMU that it is loaded into. */
#ifndef RISER_ADAPTER_H
#define RISER_ADAPTER_H

#include "compat.h"

#include "core/buffer.h"
#include "core/dev.h"
#include "core/model.h"
#include "pci/function.h"

#define TYPE_ADAPTER "riser-base" /* abstract */
#define TYPE_ADAPTER_ANY "riser"  /* of the model that an option names */
OBJECT_DECLARE_TYPE(Adapter, AdapterClass, ADAPTER)

enum { ADAPTER_OPTIONS = 128 };

/* The options of a type, each a string until libriser parses it. */
struct adapter_options {
    const char *names[ADAPTER_OPTIONS];
    const char *help[ADAPTER_OPTIONS];
    unsigned count;
};

struct AdapterClass {
    PCIDeviceClass parent_class;
    DeviceRealize parent_realize;
    struct riser_model *model; /* NULL: TYPE_ADAPTER_ANY */
    const struct adapter_options *options;
};

/* A message that another thread sent; the main loop delivers it. */
struct adapter_message {
    bool pending;
    uint64_t address;
    uint32_t data;
};

/* A shared window as QEMU has it: of its own, since it may outlive the device. */
struct adapter_window {
    struct rcu_head rcu;
    void *memory;
    size_t size;
};

enum { ADAPTER_WINDOWS = 16 };

struct adapter_bar {
    Adapter *s;
    unsigned index;
    MemoryRegion mr, windows[ADAPTER_WINDOWS];
    struct adapter_window *memory[ADAPTER_WINDOWS];
    unsigned window_count;
};

struct Adapter {
    PCIDevice parent_obj;

    char *model_name; /* TYPE_ADAPTER_ANY */
    bool trace;
    char *values[ADAPTER_OPTIONS];

    struct riser_model *model;
    struct riser_model *own_model; /* opened for this device */
    struct riser_dev *dev;
    QEMUTimer *timer; /* the device's next deadline */
    QEMUTimer *turn;  /* posted work, with -icount */
    QEMUBH *bh;
    GHashTable *watches; /* struct riser_watch to struct adapter_watch */

    /* Interrupts that are to be delivered, under the device's interrupt lock. */
    bool noted; /* there are some, */
    bool level, level_changed;
    struct adapter_message messages[RISER__VECTORS_MAX];
    unsigned message_count; /* of them that wait, at most */

    MemoryListener listener;
    bool listening;

    /* The machine's, and so the device's. */
    VMChangeStateEntry *change;
    Error *blocker; /* of migrations */
    bool stopped;
    bool busy;                  /* stopped with a job under way that did not end */
    unsigned foreign;           /* accesses to memory by other threads, under way */
    QemuMutex hold_lock;        /* for the list of mappings that are written to */
    struct adapter_hold *holds; /* by the device, in its own time */

    bool reset_wanted; /* when the device has been left */
    bool gone;         /* unplugged, and not left yet */
    struct adapter_bar bars[6];

    /* The saved state, on its way. */
    uint8_t *state;
    uint32_t state_size;
};

/* host.c: what libriser asks of QEMU. */
const struct riser__host_ops *adapter_host_ops(void);
void adapter_host_init(Adapter *s);
void adapter_host_fini(Adapter *s);
/* Watches are looked at, or not while the machine is stopped. */
void adapter_watches_set(Adapter *s);
/*
 * Sends the interrupts that are noted, unless the device is inside a callback: whoever runs it
 * calls this after it.
 */
void adapter_deliver(Adapter *s);

/* memory.c: guest memory. */
int adapter_dma(void *host, uint64_t iova, void *buffer, size_t length, bool write);
int adapter_dma_map(void *host, uint64_t iova, size_t length, unsigned access,
                    struct riser_dma *dma);
int adapter_dma_unmap(void *host, struct riser_dma *dma);
void adapter_memory_listen(Adapter *s);
void adapter_memory_unlisten(Adapter *s);

/* The machine has stopped: no other thread writes any more, and what was mapped counts as written. */
void adapter_memory_settle(Adapter *s);

/* stop.c: the machine stops and goes on, perhaps elsewhere. */
void adapter_stop_init(Adapter *s);
bool adapter_stop_watch(Adapter *s, Error **errp);
void adapter_stop_fini(Adapter *s);
/* The state is saved: if it is for another QEMU, what only one may have is let go. */
void adapter_hand_over(Adapter *s);

/* config.c: configuration space and BARs. */
bool adapter_config_init(Adapter *s, Error **errp);
void adapter_config_exit(Adapter *s);
void adapter_config_fini(Object *obj);
uint32_t adapter_config_read(PCIDevice *pci, uint32_t addr, int len);
void adapter_config_write(PCIDevice *pci, uint32_t addr, uint32_t value, int len);

/* state.c */
extern const VMStateDescription adapter_vmstate;

/* device.c: the abstract type. */
extern const TypeInfo adapter_type;
void adapter_reset(DeviceState *qdev);
void adapter_class_init(ObjectClass *oc, AdapterClassData data);

/* models.c: what is found in the folders of RISER_PATH. */
struct adapter_model {
    struct riser_model *model;
    struct adapter_options options;
    char *name;
};
GPtrArray *adapter_models_find(void);
/* In QEMU's own tree: adds the models that are built in. */
void adapter_builtins(void (*add)(struct riser_export exported)) __attribute__((weak));
/* A path, or the name of one that was found. NULL: error is set. */
struct riser_model *adapter_model_open(const char *name, struct riser_model **own,
                                       Error **errp);
void adapter_options_add(struct adapter_options *options, const struct riser_pci_device *pci);

#endif
