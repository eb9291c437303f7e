/* SPDX-License-Identifier: MIT */
/*
 * A kind of device: what the core asks of lib/pci and of lib/virtio, which give it one of these
 * each. A model has its kind from lib/model, which opens it, and a device from its model. The
 * core includes neither folder.
 */
#ifndef RISER_CORE_KIND_H
#define RISER_CORE_KIND_H

#include "core/error.h"

struct riser__buffer;
struct riser__items;

/* All are called on the device's thread, and are there unless they say otherwise. */
struct riser__kind {
	enum riser_kind id;
	/*
	 * Checks the descriptor model->exported and takes it over into model->pci. -EINVAL,
	 * naming the member and the rule; -ENOMEM.
	 */
	int (*open)(struct riser_model *model, struct riser_error *error);

	/*
	 * The options are parsed: what the kind's own among them say. Opens no file. NULL: it
	 * has none. When this fails, or create(), destroy() follows.
	 */
	int (*configure)(struct riser_dev *dev, struct riser_error *error);
	/* Then all that the kind has of the device, before init(). */
	int (*create)(struct riser_dev *dev, struct riser_error *error);
	/* Takes a device that create() has not made, or made in part. */
	void (*destroy)(struct riser_dev *dev);
	/*
	 * Before a reset that the driver does not wait for, and before guest memory is taken
	 * away: what is at work with that memory stops. NULL: nothing is but the model's own.
	 */
	void (*quiesce)(struct riser_dev *dev);
	/*
	 * Registers and interrupts as after a reset of that kind; the descriptor's reset()
	 * follows. By the end of both, jobs and posted work are cancelled.
	 */
	void (*reset)(struct riser_dev *dev, enum riser_reset reset);
	/* Guest memory is in the device's reach, or about not to be. NULL: it does not care. */
	void (*set_reach)(struct riser_dev *dev, bool on);
	/* Why memory is out of reach, as the end of a sentence. Any thread. */
	const char *(*silence)(const struct riser_dev *dev);

	/* Saved state: adds the registers and windows (core/state.h). -ENOMEM. */
	int (*add_items)(struct riser_dev *dev, struct riser__items *items);
	/* Adds what a guest has seen of the device and what stays so, in lines. -ENOMEM. */
	int (*add_shape)(struct riser_dev *dev, struct riser__buffer *out);
	/* After the descriptor's saving(): -EBUSY, and a line: it cannot be saved now. NULL: 0.
	 */
	int (*is_saveable)(struct riser_dev *dev);
	/* Adds the record of what is neither register nor field. -ENOMEM. */
	int (*save)(struct riser_dev *dev, struct riser__buffer *out);
	/* -EINVAL if a record of `size` bytes cannot be this device's. Changes nothing. */
	int (*check_record)(struct riser_dev *dev, size_t size, struct riser_error *error);
	/* Takes over a record that was checked; any bytes are safe. */
	void (*load)(struct riser_dev *dev, const void *data);
};

#endif
