/* SPDX-License-Identifier: MIT */
/*
 * virtio.h - a virtio device: its features, configuration space and queues. The rings, the PCI
 * transport, feature negotiation and every check of what the driver does are the library's.
 * The device's registers, options, timers and work are those of <riser/riser.h>.
 *
 * Sections named are those of the Virtual I/O Device specification, version 1.3 ("virtio").
 *
 * A driver that breaks the rules of a ring gets DEVICE_NEEDS_RESET (virtio 2.1.2) and a line in
 * the log; its queues stand still until it resets the device, which sees only valid requests.
 *
 * Byte order: configuration registers are converted, like all registers. What is in a chain is
 * the device's to convert: little-endian (<endian.h>), for a legacy driver too, since only
 * little-endian guests are served.
 */
#ifndef RISER_VIRTIO_H
#define RISER_VIRTIO_H

#include <sys/uio.h>

#include <riser/riser.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* One queue of a device, for the device's life. */
struct riser_vq;
/*
 * One request: a descriptor chain (virtio 2.6), the bytes that the driver wrote for the device
 * first, then room for what the device writes. Both are used up from the front. The device owns
 * it from riser_vq_pop() to riser_vq_push(); one thread at a time may use it.
 */
struct riser_chain;

/* ---- Description ------------------------------------------------------------------------- */

/* A feature of the device's kind (virtio 2.2): bits 0 to 23 and 50 to 63. */
struct riser_virtio_feature {
	const char *name; /* as Linux's headers call it, in small letters, without a prefix */
	uint8_t bit;	  /* 0 to 63 */
	bool off;	  /* not offered until riser_virtio_offer() says so */
	uint64_t needs;	  /* bits without which a driver may not take this one */
	const char *help;
};
RISER_TABLE_OF(riser_virtio_feature, riser_virtio_features);
#define RISER_VIRTIO_FEATURES(a) RISER_TABLE(riser_virtio_features, riser_virtio_feature, a)
#define RISER_VIRTIO_BIT(n) (UINT64_C(1) << (n))

/* A queue, or `count` queues one after another. Queues are numbered in the table's order. */
struct riser_vq_desc {
	const char *name;
	uint16_t size;	       /* the most descriptors, a power of two up to 32768 */
	uint16_t count;	       /* 0 and 1 both mean one queue */
	uint32_t request_size; /* bytes the device wants with each chain, riser_chain_request()
				*/
	/*
	 * The driver has made buffers available. A device that leaves some in the queue comes
	 * back for them by itself: it is told again only once it has found the queue empty.
	 */
	void (*kick)(struct riser_dev *dev, struct riser_vq *vq);
	/*
	 * The driver takes the queue back: by a reset of the queue or of the device. When this
	 * returns nothing may touch the memory of chains that the device holds; pushing them is
	 * still required, and has no effect any more. NULL: the device holds none between
	 * callbacks.
	 */
	void (*stop)(struct riser_dev *dev, struct riser_vq *vq);
};
RISER_TABLE_OF(riser_vq_desc, riser_vqs);
#define RISER_VQS(a) RISER_TABLE(riser_vqs, riser_vq_desc, a)

struct riser_virtio_device {
	size_t size;	     /* sizeof(struct riser_virtio_device), as the model was compiled */
	const char *name;    /* letters, digits, '_' and '-' */
	const char *summary; /* one line */
	uint16_t virtio_id;  /* virtio 5; 1 to 63 */
	/*
	 * The PCI device ID as a transitional device (virtio 4.1.2.1), 0: modern only. The
	 * option `legacy` says which one a device is, by default `legacy_default`.
	 */
	uint16_t transitional_id;
	bool legacy_default;
	uint32_t class_code; /* PCI's, 24 bits; 0: 00ff00 */
	uint32_t version;    /* of the saved state */
	size_t state_size;   /* bytes */
	struct riser_virtio_features features;
	/*
	 * Device configuration (virtio 2.5), offsets from its start: read
	 * and written in any parts. Values that are not constant are set in reset().
	 */
	struct riser_regs config;
	struct riser_vqs vqs;
	struct riser_options options;
	struct riser_fields fields;
	struct riser_timers timers;

	/* All may be NULL. */

	/* Once, options set, before the power-on reset. riser_fail() says why it fails. */
	int (*init)(struct riser_dev *dev);
	/* By the driver too (RISER_RESET_DRIVER), queues stopped already. */
	void (*reset)(struct riser_dev *dev, enum riser_reset kind);
	/*
	 * The driver wants to go on with `features`, all of them offered and with what they
	 * need. An error refuses FEATURES_OK. Not asked of a legacy driver's.
	 */
	int (*negotiate)(struct riser_dev *dev, uint64_t features);
	/* DRIVER_OK: queues are live; each one's kick() follows. */
	void (*ready)(struct riser_dev *dev);
	/*
	 * Before the state is saved: fields are brought up to date and chains held are pushed;
	 * a device that still holds one cannot be saved.
	 */
	void (*saving)(struct riser_dev *dev);
	/* After a state of `version` was loaded. An error refuses it. */
	int (*loaded)(struct riser_dev *dev, uint32_t version);
	/* Once, if init() succeeded. */
	void (*fini)(struct riser_dev *dev);
	/*
	 * For a device that may take long to let go of a queue, as a disk that is slow. Called
	 * instead of the queue's stop() where the driver asks whether its reset is over (virtio
	 * 2.6.1, 4.1.4.3.2): it begins to end what is under way, and returns. The reset is
	 * over, and reset() called, once every chain of the queue has been pushed; until then
	 * the memory of those chains may be used. stop() may follow while the driver waits.
	 */
	void (*drain)(struct riser_dev *dev, struct riser_vq *vq);
};

/* ---- Device ------------------------------------------------------------------------------ */

/* In init(): offers a feature of the table, or not. -ENOENT: it is not in the table. */
int riser_virtio_offer(struct riser_dev *dev, unsigned bit, bool offered);
/* In init(): makes line `line` of `vqs` that many queues, 1 to its count, or -EINVAL. */
int riser_virtio_set_queues(struct riser_dev *dev, unsigned line, unsigned count);

/* What device and driver agreed on, with the transport's bits; 0 before. Any thread. */
uint64_t riser_virtio_features(const struct riser_dev *dev);
static inline bool riser_virtio_has(const struct riser_dev *dev, unsigned bit)
{
	return riser_virtio_features(dev) >> bit & 1;
}

/* The configuration registers have changed: counts the generation up and interrupts. */
void riser_virtio_config_changed(struct riser_dev *dev);

/*
 * In stop(), for a device that does not want to wait for what is slow: takes the memory away
 * that riser_chain_map() has given it of chains that are not pushed yet. What is read from it
 * or written to it from then on is private memory of the device, zeroes at first. -ENOTSUP
 * where that cannot be done, inside QEMU; -EBUSY while a queue is live.
 */
int riser_virtio_detach(struct riser_dev *dev);

/* The driver did what its device type forbids: DEVICE_NEEDS_RESET, and this line in the log. */
void riser_virtio_needs_reset(struct riser_dev *dev, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- Queues ------------------------------------------------------------------------------ */

/* NULL: the device has no queue of that number. */
struct riser_vq *riser_virtio_vq(struct riser_dev *dev, unsigned index);
unsigned riser_vq_index(const struct riser_vq *vq);
/* The most descriptors it can have, by the table and the option `queue_size`. */
unsigned riser_vq_size(const struct riser_vq *vq);
/* Enabled, and the driver is ready. Any thread. */
bool riser_vq_live(const struct riser_vq *vq);

/* The next request, or NULL: there is none, or the queue is not live. On the device's thread.
 */
struct riser_chain *riser_vq_pop(struct riser_vq *vq);
/*
 * Gives a request back as used, with the bytes that were written into it, in any order. The
 * driver sees it, and is interrupted if it wants to be, at once, or at the end of the batch
 * that is open on the queue; its kick() is one. Any thread.
 */
void riser_vq_push(struct riser_vq *vq, struct riser_chain *chain);
/* Several pushes with one interrupt: it comes with the end. Any thread; pairs may nest. */
void riser_vq_begin(struct riser_vq *vq);
void riser_vq_end(struct riser_vq *vq);

/* ---- Chains ------------------------------------------------------------------------------ */

/* The device's own bytes that go with a chain, `request_size`, zeroed, aligned for any type. */
void *riser_chain_request(struct riser_chain *chain);

/* Bytes that are left to be read, and to be written. */
size_t riser_chain_left(const struct riser_chain *chain);
size_t riser_chain_room(const struct riser_chain *chain);

/*
 * Copies the next bytes; returns how many, fewer only at the end. Where the driver has given an
 * address outside its memory they return 0 and the device needs a reset. Any thread.
 */
size_t riser_chain_read(struct riser_chain *chain, void *to, size_t length);
size_t riser_chain_write(struct riser_chain *chain, const void *from, size_t length);
/* Leaves bytes out: of those to be read, or, as zeroes, of the room. Returns how many. */
size_t riser_chain_skip(struct riser_chain *chain, size_t length);
size_t riser_chain_zero(struct riser_chain *chain, size_t length);

/*
 * The next `length` bytes as memory, in place where the guest's memory is mapped: to be read,
 * or (`write`) to be written before the push, all of it counting as written. Valid until the
 * push, whatever the host does. -ERANGE: the chain has fewer; -EFAULT: an address outside
 * memory, the device needs a reset; -ECANCELED: the driver has taken the queue back; -ENOMEM.
 * `iov` is the chain's. Any thread.
 */
int riser_chain_map(struct riser_chain *chain, bool write, size_t length,
		    const struct iovec **iov, int *count);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
