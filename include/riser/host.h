/* SPDX-License-Identifier: MIT */
/*
 * host.h - play the host against a device: enumerate it, size and map its BARs, read and write
 * them, own the guest's memory, take its interrupts, move the time on. One API over three
 * hosts:
 *
 *   the bench       the device in this process, a simulated clock, everything deterministic;
 *                   only jobs run beside it, as they do everywhere: time waits for them
 *   a socket        any vfio-user server; the clock is the real one
 *   a machine       QEMU's PCI, with no CPU; the clock is the real one
 *
 * A test written on it runs over all of them. Threads: one at a time per host.
 */
#ifndef RISER_HOST_H
#define RISER_HOST_H

#include <riser/serve.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct riser_host;

struct riser_host_config {
	size_t size;	     /* sizeof(struct riser_host_config) */
	uint64_t memory;     /* bytes of guest memory, whole pages; 0: 16 MiB */
	uint64_t memory_at;  /* its first bus address */
	const char *options; /* bench: the device's, as in serve.h */
	riser_log_fn *log;   /* bench; NULL: standard error */
	void *log_arg;
	bool trace;
	/* Socket: give the guest's memory without an fd, so that the device reaches it by
	 * message. */
	bool message_dma;
};

/* A device of `model` on the bench. `config` may be NULL. The model must outlive the host. */
int riser_bench_create(struct riser_model *model, const struct riser_host_config *config,
		       struct riser_host **host, struct riser_error *error);
/* The device behind the vfio-user socket at `path`. */
int riser_client_create(const char *path, const struct riser_host_config *config,
			struct riser_host **host, struct riser_error *error);
/* The same over a connected stream socket, owned by the host from here on, also on failure. */
int riser_client_from_fd(int fd, const struct riser_host_config *config,
			 struct riser_host **host, struct riser_error *error);
/*
 * A device in a machine a3-pc without CPUs. `qemu` are the words, up to a NULL, that start a
 * QEMU with the adapter; `device` is what its -device takes, without a bus and an address.
 * Guest memory is 16 MiB or more from 0 on, and cannot be taken away; state is not saved. QEMU
 * ends with the host, or with the thread that made it; what it has to say goes to standard
 * error.
 */
int riser_machine_create(char *const *qemu, const char *device,
			 const struct riser_host_config *config, struct riser_host **host,
			 struct riser_error *error);
/* Unplugs the device. Takes NULL. */
void riser_host_destroy(struct riser_host *host);

/*
 * Why the last call failed, in words. Calls return 0 or -errno; -ENOTCONN means that the server
 * has gone. A call that is refused, for its arguments (-EINVAL), for what the device lacks
 * (-ENOTSUP) or for its state, leaves the device and the host as they were.
 */
const char *riser_host_error(const struct riser_host *host);

/* ---- Configuration space ---- */

/* `size` is 1, 2 or 4, `offset` a multiple of it. Values are host-endian. */
int riser_host_config_read(struct riser_host *host, unsigned offset, unsigned size,
			   uint32_t *value);
int riser_host_config_write(struct riser_host *host, unsigned offset, unsigned size,
			    uint32_t value);
/* 256, or 4096 for a PCI Express function. */
unsigned riser_host_config_size(const struct riser_host *host);
/* The offset of a capability, or 0. `extended` ones are at 100h and up. */
unsigned riser_host_find_cap(struct riser_host *host, unsigned id, bool extended);

/* ---- BARs ---- */

struct riser_host_bar {
	uint64_t size;	  /* 0: no such BAR */
	uint64_t address; /* where riser_host_enable() or a loaded state put it */
	enum riser_bar_kind kind;
	bool prefetchable;
};

/*
 * Sizes every BAR by writing all ones (PCI 6.2.5.1), assigns addresses, and enables memory and
 * I/O decoding and bus mastering, as firmware and a driver would. Each BAR gets a multiple of
 * its size that fits its kind: ports below 64 KiB, memory of 32 bits below 4 GiB, of 64 bits
 * above; none meets the guest's memory or another BAR. -ENOSPC: there is no such place.
 */
int riser_host_enable(struct riser_host *host);
int riser_host_bar(struct riser_host *host, unsigned bar, struct riser_host_bar *info);

/*
 * `bar`: 0 to 5, or 6 for the expansion ROM. `size` is 1, 2, 4 or 8. -EACCES: the function does
 * not decode it, by Memory or I/O Space Enable.
 */
int riser_host_read(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t *value);
/* Posted where the transport can: ordered before any later access, but not waited for. */
int riser_host_write(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size,
		     uint64_t value);
/*
 * Direct access to a shared window; valid until the host is destroyed, whatever is decoded
 * meanwhile. -ENODEV: not mappable; -EACCES as above.
 */
int riser_host_map(struct riser_host *host, unsigned bar, uint64_t offset, uint64_t length,
		   void **address);

/* ---- Guest memory ---- */

/* The guest's memory in this process; starts at bus address memory_at. */
void *riser_host_memory(struct riser_host *host, uint64_t *size, uint64_t *iova);
/* Takes [iova, iova + length), whole pages of guest memory, away from the device; and back. */
int riser_host_memory_unmap(struct riser_host *host, uint64_t iova, uint64_t length);
int riser_host_memory_map(struct riser_host *host, uint64_t iova, uint64_t length);

/* ---- Interrupts ---- */

/*
 * Enables a mode, as a driver would: MSI and MSI-X are programmed and enabled in configuration
 * space with `vectors` vectors, unmasked; INTX disables both. -ENOTSUP: the device lacks it.
 */
int riser_host_irq_enable(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors);
int riser_host_irq_mask(struct riser_host *host, unsigned vector, bool masked);
/*
 * Waits until `vector` has arrived (INTX: is asserted; vector 0) and consumes one arrival
 * (INTX: does not change the level). Time passes while it waits, at most `timeout` ns of the
 * host's clock. -ETIMEDOUT.
 */
int riser_host_irq_wait(struct riser_host *host, unsigned vector, uint64_t timeout);
/* Arrivals not yet consumed (INTX: 0 or 1, its level). */
int riser_host_irq_count(struct riser_host *host, unsigned vector, uint64_t *count);

/* ---- Time, reset, state ---- */

uint64_t riser_host_now(struct riser_host *host);
/*
 * Lets `ns` pass. The bench waits for jobs, and runs what becomes due, in order; a socket's
 * host waits.
 */
int riser_host_advance(struct riser_host *host, uint64_t ns);

/* POWER_ON is not the host's to ask for: -EINVAL. FUNCTION: by the Express capability's FLR. */
int riser_host_reset(struct riser_host *host, enum riser_reset kind);

/*
 * The device's state as bytes, malloc'ed, the caller's to free; over a socket by VFIO migration
 * (stopped while it is saved, running again after). Loading needs a device of the same model
 * and shape. After it the host goes by the state: its command register, its BARs' addresses,
 * and its interrupt mode, with as many vectors as MSI has enabled, or as the MSI-X table has
 * filled entries (over a socket, where the host keeps the table: all); none has arrived yet.
 */
int riser_host_save(struct riser_host *host, void **data, size_t *size);
int riser_host_load(struct riser_host *host, const void *data, size_t size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#include <riser/driver.h>

#endif
