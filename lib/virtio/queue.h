/* SPDX-License-Identifier: MIT */
/* A queue and its chains, whatever the layout of its ring. */
#ifndef RISER_VIRTIO_QUEUE_H
#define RISER_VIRTIO_QUEUE_H

#include <linux/virtio_ring.h>

#include "virtio/virtio.h"

/* A part of the ring in guest memory. */
struct riser__area {
	uint64_t iova;
	uint32_t length;
	struct riser_dma map; /* no data: to be reached by copies */
};

/* In the order in which the driver names them (virtio 2.6, 2.8). */
enum { RISER__DESC, RISER__DRIVER, RISER__DEVICE, RISER__AREAS };

struct riser__segment {
	uint64_t iova;
	uint32_t length;
};

/* Where in the segments the next byte is. */
struct riser__cursor {
	uint32_t segment, end; /* of the segments that are this side's */
	uint32_t into;	       /* bytes of the segment */
	size_t left;
};

struct riser_chain {
	struct riser_vq *vq;
	struct riser_chain *next;     /* in the queue's list of those in flight, or spare */
	struct riser_chain *later;    /* in the list for the device's thread */
	struct riser_chain *all_next; /* of every chain of the queue */
	uint32_t epoch;		      /* of the queue when it was popped */
	uint16_t id;		      /* the head's index, or the packed ring's buffer id */
	uint16_t slots;		      /* of the packed ring */
	bool done;		      /* pushed, but not yet in the ring */
	atomic_bool lost;	      /* some of its bytes were not moved: out of reach */
	unsigned cuts;		      /* of the device when it was popped */
	uint32_t written;
	struct riser__segment *segments;
	uint32_t count, capacity;
	struct riser__cursor in, out; /* to be read; to be written */
	struct riser__held *held;     /* what riser_chain_map() gave, and as iovecs */
	struct iovec *iov;
	uint32_t held_count, iov_capacity;
	max_align_t request[];
};

#define RISER__NOT_ARMED UINT32_MAX

struct riser_vq {
	struct riser__virtio *virtio;
	const struct riser_vq_desc *desc;
	unsigned index;
	uint16_t max_size;

	/* As the driver set it; changed on the device's thread only. */
	uint16_t size, vector;
	uint64_t desc_iova, driver_iova, device_iova;
	bool enabled;
	bool taken;	/* back by the driver, and the device is not told of it yet */
	bool resetting; /* by itself; until its chains are back */

	/* Everything below is changed with the lock held. */
	pthread_mutex_t lock;
	atomic_bool live;
	bool packed, event_idx, indirect, in_order;
	bool mapped; /* the whole ring is: any thread may touch it */
	/* Where notifications are asked for from, as next_position; NOT_ARMED: nowhere. */
	uint32_t armed_at;
	unsigned generation; /* of the guest's memory when the ring was mapped */
	unsigned breaks;     /* the same of core/guard.h */
	atomic_uint epoch;   /* counts up when the driver takes the queue back */
	struct riser__area areas[RISER__AREAS];
	uint16_t next_avail, next_used, seen_avail, signalled;
	bool avail_wrap, used_wrap, signalled_valid;
	unsigned in_flight;  /* descriptors of the packed ring, chains of the split one */
	unsigned held;	     /* chains that the device has */
	unsigned late;	     /* those that it had when the queue was stopped, and still has */
	atomic_uint settled; /* chains of epochs before this one are not waited for */
	unsigned batch;	     /* begin()s that are open */
	bool unpublished;    /* used entries the driver does not know of */
	struct riser_chain *all, *spare;
	struct riser_chain *flying, **flying_last; /* in the order of their pops: in_order */
	struct riser_chain *done, **done_last;	   /* to be put by the device's thread */
	struct riser_work work;			   /* that does it, */
	bool kick;				   /* and kicks */
};

/* queue.c: life of a queue, on the device's thread. */
int riser__vq_init(struct riser_vq *vq, struct riser__virtio *virtio,
		   const struct riser_vq_desc *desc, unsigned index);
void riser__vq_fini(struct riser_vq *vq);
/* The driver enables it with what it has set. False: it has broken a rule. */
bool riser__vq_enable(struct riser_vq *vq);
/* Begins to work, from the positions that are set. */
void riser__vq_start(struct riser_vq *vq);
/* It is not live any more; riser__vq_stop() follows. */
void riser__vq_take_back(struct riser_vq *vq);
/*
 * Takes everything back; the device lets go of its chains. False, only where the driver `waits`
 * for the end: it has not let go yet, and riser__virtio_drained() follows.
 */
bool riser__vq_stop(struct riser_vq *vq, bool waits);
/* The driver resets the queue alone (virtio 2.6.1). */
void riser__vq_reset(struct riser_vq *vq);
/* Ends that, if the device has let go. */
void riser__vq_drained(struct riser_vq *vq);
/* As after a reset: not enabled, of its largest size, no vector. */
void riser__vq_forget(struct riser_vq *vq);
void riser__vq_set_vector(struct riser_vq *vq, uint16_t vector);
void riser__vq_kick(struct riser_vq *vq);
void riser__vq_kick_later(struct riser_vq *vq);

/* master.c: whether the guest's memory may be accessed. Asked with the lock held, it stays so.
 */
bool riser__vq_reachable(const struct riser_vq *vq);

/* use.c: pops and pushes. Puts into the ring what waited for the device's thread. */
void riser__vq_settle(struct riser_vq *vq);
void riser__vq_work(struct riser_dev *dev, struct riser_work *work);
/* Chains that are not in the ring as used. */
unsigned riser__vq_held(struct riser_vq *vq);
/* Whether the driver has taken it back for good: nothing of it is the device's to touch. */
static inline bool riser__chain_is_over(const struct riser_chain *chain)
{
	return (int)(chain->epoch -
		     atomic_load_explicit(&chain->vq->settled, memory_order_relaxed)) < 0;
}
/* Chains that a device which drains still has after the queue was stopped. */
unsigned riser__vq_late(struct riser_vq *vq);
/* The ring is corrupt: the device needs a reset. With the lock held or without; -EPROTO. */
int riser__vq_corrupt(struct riser_vq *vq, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* area.c, with the lock held: the ring's memory. */
void riser__vq_map(struct riser_vq *vq);
void riser__vq_unmap(struct riser_vq *vq);
/* Maps it anew if the guest's memory has changed. On the device's thread. */
void riser__vq_refresh(struct riser_vq *vq);
/* Whether any thread may touch it. */
bool riser__vq_direct(const struct riser_vq *vq);
uint16_t riser__area_load16(struct riser_vq *vq, unsigned area, uint32_t offset);
void riser__area_store16(struct riser_vq *vq, unsigned area, uint32_t offset, uint16_t value);
/* Bytes that the other side does not change meanwhile: no single load or store is needed. */
void riser__area_read(struct riser_vq *vq, unsigned area, uint32_t offset, void *to,
		      uint32_t length);
void riser__area_write(struct riser_vq *vq, unsigned area, uint32_t offset, const void *from,
		       uint32_t length);

/* split.c and packed.c, with the lock held. */
struct riser__ring_ops {
	void (*sizes)(uint16_t size, uint32_t lengths[RISER__AREAS]);
	/* Whether there is a request. */
	bool (*available)(struct riser_vq *vq);
	/* Takes it: 0, or negative: the ring is corrupt. */
	int (*take)(struct riser_vq *vq, struct riser_chain *chain);
	void (*put)(struct riser_vq *vq, struct riser_chain *chain);
	/* Shows what was put; whether the driver wants an interrupt for it. */
	bool (*publish)(struct riser_vq *vq);
	/* Whether the driver is to notify of what it makes available. */
	void (*notify)(struct riser_vq *vq, bool wanted);
};
extern const struct riser__ring_ops riser__split, riser__packed;

static inline const struct riser__ring_ops *riser__vq_ring(const struct riser_vq *vq)
{
	return vq->packed ? &riser__packed : &riser__split;
}

/*
 * gather.c: collects a chain's segments. 0, or negative: corrupt. A chain of a split ring or of
 * an indirect table is followed by `next`, a packed one's table is taken as it stands.
 */
int riser__gather_add(struct riser_chain *chain, const struct vring_desc *desc);
int riser__gather_indirect(struct riser_chain *chain, const struct vring_desc *desc);
/* Follows the ring's own table from `head`. */
int riser__gather_split(struct riser_chain *chain, uint16_t head);

/* chain.c */
struct riser_chain *riser__chain_take(struct riser_vq *vq); /* NULL without memory */
/* All of it is gathered. */
void riser__chain_begin(struct riser_chain *chain);
void riser__chain_spare(struct riser_chain *chain);
void riser__chain_free(struct riser_chain *chain);
/* The next piece of a side, of up to `length` bytes; false at the end. */
bool riser__cursor_next(const struct riser_chain *chain, struct riser__cursor *at,
			size_t length, struct riser__segment *piece);
/*
 * DMA failed with `error`: the driver named memory that is not there and the device needs a
 * reset; or -EACCES, all of it is out of reach and the chain is lost. Returns 0.
 */
size_t riser__chain_refused(struct riser_chain *chain, const struct riser__segment *piece,
			    int error);
/* map.c: ends what riser_chain_map() gave; bytes that were written elsewhere reach the guest.
 */
void riser__chain_unmap(struct riser_chain *chain);

#endif
