/* SPDX-License-Identifier: MIT */
/* What an attachment does for a device: the seam between the core and every transport. */
#ifndef RISER_CORE_HOST_OPS_H
#define RISER_CORE_HOST_OPS_H

#include <riser/riser.h>

struct riser__dma_table;

struct riser__host_ops {
	/*
	 * The host keeps the guest's MSI-X table itself and says by riser__msix_set_masked()
	 * what may be sent (VFIO): a reset of the device does not mask vectors then.
	 */
	bool keeps_msix_table;

	/*
	 * Jobs run on the device's thread, with the posted work: for a host whose runs have to
	 * be the same each time.
	 */
	bool jobs_in_turn;

	/*
	 * Whether the device, while it is made, waits for a saved state: riser__dev_acquire()
	 * is the host's to call then. NULL: no.
	 */
	bool (*is_awaiting_state)(void *host);
	/*
	 * The library waits for jobs on the device's thread: does what these want of it. NULL:
	 * nothing.
	 */
	void (*help_jobs)(void *host);

	/* Nanoseconds on the host's clock. Any thread. */
	uint64_t (*now)(void *host);
	/*
	 * When riser__dev_run_timers() is to be called next, on the clock of now(); UINT64_MAX:
	 * not at all. Replaces what was set before.
	 */
	void (*set_deadline)(void *host, uint64_t deadline);
	/* Have riser__dev_run_posted() called soon on the device's thread. Any thread. */
	void (*wake)(void *host);
	/*
	 * Watch a descriptor: call riser__watch_ready() while `events` hold. Events 0: stop,
	 * and never call again for this watch, not even for events fetched already: it is
	 * freed.
	 */
	int (*watch)(void *host, struct riser_watch *watch, int fd, short events);

	/*
	 * Interrupts; any thread, with the device's interrupt lock held, and perhaps locks of
	 * the device's: a host whose delivery could come back to the device, or wait for
	 * another thread, notes them and delivers when the device is left. INTx: each change of
	 * its level. Messages: each one, as the guest programmed it.
	 */
	void (*intx)(void *host, bool level);
	void (*message)(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
			uint32_t data);

	/*
	 * Guest memory. Mask and bus-master rules are applied already. Any thread. Errors as in
	 * riser.h; -EREMOTE: nothing was copied, and only dma_remote() reaches all of it.
	 */
	int (*dma)(void *host, uint64_t iova, void *buffer, size_t length, bool write);
	/* NULL where dma() never says -EREMOTE. */
	int (*dma_remote)(void *host, uint64_t iova, void *buffer, size_t length, bool write);
	int (*dma_map)(void *host, uint64_t iova, size_t length, unsigned access,
		       struct riser_dma *dma);
	int (*dma_unmap)(void *host, struct riser_dma *dma);
	/*
	 * Whether the device may reach memory. Off: when it returns, nothing of an access is
	 * under way any more, and all that was mapped is revoked; new ones are -EACCES. Returns
	 * how many ranges were. NULL: what is mapped is the host's own and cannot be revoked.
	 */
	size_t (*dma_enable)(void *host, bool on);

	void (*log)(void *host, enum riser_log_level level, const char *line);
};

#endif
