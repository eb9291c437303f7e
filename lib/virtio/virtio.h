/* SPDX-License-Identifier: MIT */
/* A virtio device's transport: what the files of this folder share. */
#ifndef RISER_VIRTIO_INTERNAL_H
#define RISER_VIRTIO_INTERNAL_H

#include "core/dev.h"
#include "core/model.h"

struct riser__buffer;

/* Where things stand in the BARs (virtio 4.1.4). */
enum {
	RISER__VIRTIO_LEGACY_BAR = 0,
	RISER__VIRTIO_MSIX_BAR = 1,
	RISER__VIRTIO_BAR = 4,
	RISER__VIRTIO_COMMON = 0x0000,
	RISER__VIRTIO_COMMON_SIZE = 0x3c,
	RISER__VIRTIO_POSITIONS = 0x0800, /* of queues, for people */
	RISER__VIRTIO_ISR = 0x1000,
	RISER__VIRTIO_CONFIG = 0x2000,
	RISER__VIRTIO_NOTIFY = 0x4000,
	RISER__VIRTIO_BAR_SIZE = 0x8000,
	RISER__VIRTIO_CONFIG_MAX = RISER__VIRTIO_NOTIFY - RISER__VIRTIO_CONFIG,
	RISER__VIRTIO_NOTIFY_STEP = 4, /* bytes from queue to queue */
	RISER__VIRTIO_QUEUES_MAX = 1024,
};

enum { RISER__NO_VECTOR = 0xffff };

/* Feature bits of the rings and the transport (virtio 6). */
enum {
	RISER__F_ANY_LAYOUT = 27, /* of the legacy interface only */
	RISER__F_INDIRECT_DESC = 28,
	RISER__F_EVENT_IDX = 29,
	RISER__F_VERSION_1 = 32,
	RISER__F_ACCESS_PLATFORM = 33,
	RISER__F_RING_PACKED = 34,
	RISER__F_IN_ORDER = 35,
	RISER__F_NOTIFICATION_DATA = 38,
	RISER__F_RING_RESET = 40,
};

/* The options of every virtio device. */
struct riser__virtio_options {
	bool legacy, packed, indirect_desc, event_idx, in_order, queue_reset, notification_data;
	uint32_t queue_size; /* 0: each queue's own */
};

/* The common configuration (virtio 4.1.4.3) and what else of the transport is registers. */
struct riser__virtio_regs {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t config_msix_vector, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select;
	/* Of the queue that is selected. */
	uint16_t queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2]; /* low half, high half */
	uint16_t queue_notify_data, queue_reset;
	uint8_t isr;
	uint32_t next_avail, next_used, held; /* shown, not kept */
	/* The PCI configuration access capability (virtio 4.1.4.9). */
	uint8_t access_bar;
	uint32_t access_offset, access_length, access_data;
};

/* What is saved beyond registers, of the device and of each queue. */
enum {
	RISER__SAVED_RUNNING = 1,
	RISER__SAVED_BROKEN = 2,
	RISER__SAVED_LEGACY = 4,
	RISER__SAVED_BEYOND = 8,
};
struct riser__virtio_saved {
	uint64_t driver_features;
	uint16_t config_vector;
	uint8_t isr, flags;
};
/* Of one width, so that all queues together are one field of the saved state. */
struct riser__vq_saved {
	uint64_t enabled, desc, driver, device;
	uint64_t size, vector, next_avail, next_used; /* with the wrap counter in bit 16 */
};

/* The transport's part of the state, after the device's own; the queues' follow it. */
struct riser__virtio_state {
	struct riser__virtio_options options;
	struct riser__virtio_regs regs;
	struct riser__virtio_saved saved;
};

/* A virtio model: the descriptor, copied, and the PCI functions it makes. */
struct riser__virtio_model {
	struct riser_virtio_device desc;
	struct riser_pci_device
		legacy;	 /* the transitional function; model->pci is the modern */
	uint32_t at;	 /* of struct riser__virtio_state in the state */
	uint32_t queues; /* the most there can be */
	uint32_t config_size;
};

/* The interface that the driver uses; the first write after a reset says which. */
enum riser__interface { RISER__UNUSED, RISER__MODERN, RISER__LEGACY };

struct riser__virtio {
	struct riser_dev *dev;
	const struct riser__virtio_model *model;
	struct riser__virtio_state *state;
	struct riser__vq_saved *saved; /* of each queue */
	uint64_t offered;
	uint64_t driver_features; /* as written so far */
	/* Agreed on; 0 before. Any thread reads it. */
	atomic_uint_least64_t negotiated;
	bool beyond; /* it took features past those that there are */
	enum riser__interface interface;
	bool resetting;		  /* by the driver, which waits for the end */
	bool generation_seen;	  /* the driver has read it since it was counted up */
	atomic_bool running;	  /* queues are processed */
	atomic_bool broken;	  /* DEVICE_NEEDS_RESET */
	pthread_mutex_t irq_lock; /* isr and the level that goes with it */
	uint8_t isr;
	atomic_ushort config_vector;
	atomic_uint_least64_t copies; /* bytes of chains that are not in place */
	atomic_uint cuts;	      /* how often memory was out of reach: see master.c */
	unsigned *line_queues;	      /* how many queues each line of the table has made */
	struct riser_vq *vqs;
	unsigned vq_count;
};

static inline struct riser__virtio *riser__virtio_of(const struct riser_dev *dev)
{
	return dev->transport;
}

extern const struct riser__kind riser__virtio_kind;

/* model.c: makes model->pci of a virtio descriptor. */
int riser__virtio_normalise(struct riser_model *model, const struct riser_virtio_device *desc);
/* check.c: the rules of virtio.h, before the PCI function's. */
int riser__virtio_check(const struct riser__virtio_model *model, struct riser_error *error);

/* common.c, access.c: the transport's registers, their places those in riser__virtio_regs. */
struct riser_regs riser__virtio_common_regs(void);
struct riser_regs riser__virtio_access_regs(void);
/* common.c, legacy.c */
extern const struct riser_bar_ops riser__virtio_modern_ops, riser__virtio_legacy_ops;
/* Has the registers show the queue that is selected. */
void riser__virtio_show_queue(struct riser__virtio *virtio);
/* The vector, or RISER__NO_VECTOR where there is none of that number. */
uint16_t riser__virtio_good_vector(const struct riser__virtio *virtio, uint64_t vector);

/* device.c: life of a device. Chooses dev->desc by its options. */
int riser__virtio_create(struct riser_dev *dev, struct riser_error *error);
/* Takes one that is not made yet. */
void riser__virtio_destroy(struct riser_dev *dev);
/* The hooks of the PCI function. */
int riser__virtio_init(struct riser_dev *dev);
void riser__virtio_reset(struct riser_dev *dev, enum riser_reset kind);
void riser__virtio_fini(struct riser_dev *dev);
/* Before a reset that the driver does not wait for: all queues are stopped. */
void riser__virtio_halt(struct riser_dev *dev);
/* A queue's last chain is back after it was stopped: what has waited for that goes on. */
void riser__virtio_drained(struct riser__virtio *virtio);

/* save.c: hooks too. -EBUSY: the device holds chains. */
void riser__virtio_saving(struct riser_dev *dev);
/* Adds what queues there are, in lines; -ENOMEM. */
int riser__virtio_add_shape(struct riser_dev *dev, struct riser__buffer *out);
int riser__virtio_is_saveable(struct riser_dev *dev);
int riser__virtio_loaded(struct riser_dev *dev, uint32_t version);

/* master.c: the guest's memory is in reach, or is not. */
void riser__virtio_set_reach(struct riser_dev *dev, bool on);

/* status.c: what the driver does to the status and the features. */
/*
 * It writes by this interface. False, and a line in the log: it uses the other one, whose rings
 * are laid out in another way.
 */
bool riser__virtio_claim(struct riser__virtio *virtio, enum riser__interface interface);
void riser__virtio_set_status(struct riser__virtio *virtio, uint8_t status);
uint8_t riser__virtio_status(const struct riser__virtio *virtio);
void riser__virtio_set_features(struct riser__virtio *virtio, uint32_t word, uint32_t bits);
/* Whether the device offers all of `bits` by this interface, and each has what it needs. */
bool riser__virtio_takes_features(const struct riser__virtio *virtio, uint64_t bits);
void riser__virtio_run(struct riser__virtio *virtio);
/* What a legacy driver is offered. */
uint64_t riser__virtio_legacy_features(const struct riser__virtio *virtio);

/* notify.c: interrupts. */
enum { RISER__ISR_QUEUE = 1, RISER__ISR_CONFIG = 2 };
/* Of a queue: used buffers are in its ring. */
void riser__virtio_notify_queue(struct riser__virtio *virtio, uint16_t vector);
/* The configuration has changed, or the device needs a reset. */
void riser__virtio_notify_config(struct riser__virtio *virtio);
uint8_t riser__virtio_take_isr(struct riser__virtio *virtio);

#endif
