/* SPDX-License-Identifier: MIT */
/*
 * riser.h - what the author of a device model needs: registers, state, options, interrupts,
 * DMA, time and work. A PCI function is described in <riser/pci.h>, a virtio device in
 * <riser/virtio.h>; this header includes both.
 *
 * A device model is a const descriptor, borrowed by the library for as long as the model is
 * loaded, and a state struct of which the library makes one, zeroed, per instance.
 *
 * Threads: all callbacks of one device run one at a time, on its host's thread. Every function
 * here must be called from those callbacks, except the ones whose comment says "any thread".
 *
 * Errors: functions that can fail return 0 or a negative errno value.
 *
 * Byte order: the state is in the host's byte order; what the guest sees is little-endian; the
 * library converts.
 */
#ifndef RISER_RISER_H
#define RISER_RISER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The revision of the binary interface. A model built for another one is refused. */
#define RISER_ABI 1u

#define RISER_PUBLIC __attribute__((visibility("default")))

struct riser_dev; /* one live instance of a device model; opaque */

/*
 * Tables. Each kind of row has its own type of table and its own macro that makes one of an
 * array: RISER_REGS(regs) makes a struct riser_regs. An array of other rows, or a table where
 * another kind of table belongs, does not compile.
 *
 * A table carries the size of its rows as the model was compiled, so that rows may grow at
 * their end without a new ABI: a library takes rows as large as its own and those of older
 * ones, and refuses what is of another size.
 *
 * `base` has a second name, which no other type of table has: a macro names it, so that where
 * another kind belongs there is no such member.
 */
#define RISER_TABLE_OF(row, table)                                                             \
	struct table {                                                                         \
		union {                                                                        \
			const struct row *base;                                                \
			const struct row *table##_;                                            \
		};                                                                             \
		uint32_t count;                                                                \
		uint32_t stride; /* bytes from one row to the next */                          \
	}
#define RISER_ROWS(a) (sizeof(a) / sizeof((a)[0]))
#define RISER_TABLE(table, row, a)                                                             \
	{                                                                                      \
		.table##_ = _Generic(&(a), const struct row(*)[RISER_ROWS(a)]                  \
				     : (a), struct row(*)[RISER_ROWS(a)]                       \
				     : (a)),                                                   \
		.count = RISER_ROWS(a), .stride = sizeof((a)[0])                               \
	}

/* ---- Registers --------------------------------------------------------------------------- */

#define RISER_ALL UINT64_MAX

/* A named group of bits in a register: documentation for people, headers and tools. */
struct riser_reg_field {
	const char *name;
	uint64_t mask; /* contiguous bits */
	const char *help;
};
RISER_TABLE_OF(riser_reg_field, riser_reg_fields);
#define RISER_REG_FIELDS(a) RISER_TABLE(riser_reg_fields, riser_reg_field, a)

enum riser_reg_flags {
	/* The guest may not read it: a read gives all ones and counts as the guest's mistake.
	 */
	RISER_WRITE_ONLY = 1u << 0,
	/*
	 * Its on_read changes nothing, so tools may read it to show its value; and the guest
	 * may while another callback of the device waits for DMA, in the middle of what that
	 * does.
	 */
	RISER_PURE_READ = 1u << 1,
	/*
	 * An access to a part is taken only at the register's start, and stands for all of it:
	 * a write sets the rest to zero, as of a value that is zero-extended.
	 */
	RISER_EXTEND = 1u << 2,
};

/*
 * One line of a register map, or of an array of `count` equal registers `stride` bytes apart.
 *
 * An access of the guest's, whatever its place and length, is taken apart where registers begin
 * and end, and then into naturally aligned pieces of at most the BAR's `split` bytes; they are
 * made from the lowest address up, each as if it had come alone. So 8 bytes over two registers
 * of 4 are two accesses of 4. How many bytes of a register came: riser_reg_lanes().
 *
 * Bits the guest may write are in exactly one of rw, w1c, w1s and once; all others are
 * read-only: a write leaves them alone. A register in which no bit is writable counts a write
 * as the guest's mistake.
 */
struct riser_reg {
	const char *name;
	uint64_t offset; /* bytes from the start of the BAR, a multiple of width */
	uint32_t at;	 /* bytes from the start of the state to the value, host-endian */
	uint8_t width;	 /* bytes: 1, 2, 4 or 8 */
	/*
	 * The smallest access taken, in bytes. 0: the register is accessed whole or not at all.
	 * 1, 2 or 4: naturally aligned parts of it too; a partial write changes the bytes it
	 * covers, and a partial read clears (rc) only among those.
	 */
	uint8_t part;
	uint16_t flags;	 /* enum riser_reg_flags */
	uint32_t count;	 /* elements of an array; 0 and 1 both mean one register */
	uint32_t stride; /* bytes from one element to the next, for the guest; 0: width */
	uint64_t reset;	 /* the value after any reset */
	uint64_t rw;	 /* bits the guest writes as they are */
	uint64_t w1c;	 /* bits cleared where the guest writes 1 */
	uint64_t w1s;	 /* bits set where the guest writes 1 */
	uint64_t rc;	 /* bits cleared by the guest's read, after it */
	uint64_t once;	 /* bits the guest writes as they are, once after a reset */
	/*
	 * Called for a guest's read; returns what the guest reads. `stored` is the value in the
	 * state. The element of an array: riser_reg_index().
	 */
	uint64_t (*on_read)(struct riser_dev *dev, uint64_t stored);
	/* Called after a guest's write has changed the state from `was` to `now` (or not). */
	void (*on_write)(struct riser_dev *dev, uint64_t now, uint64_t was);
	struct riser_reg_fields fields;
	const char *help;   /* one line */
	uint32_t at_stride; /* bytes from one element to the next in the state; 0: width */
};
/* Names, places and sizes a register after a member of the state. */
#define RISER_REG(off, type, member)                                                           \
	.name = #member, .offset = (off), .at = (uint32_t)offsetof(type, member),              \
	.width = sizeof(((type *)0)->member)
/* The same for an array member: one register an element. */
#define RISER_REG_ARRAY(off, type, member)                                                     \
	.name = #member, .offset = (off), .at = (uint32_t)offsetof(type, member),              \
	.width = sizeof(((type *)0)->member[0]),                                               \
	.count = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0])
/*
 * The same for member `member` of an array of structs, `array`: one register a struct. It is
 * named ARRAY_MEMBER. For the guest they are `stride` apart, 0: next to each other.
 */
#define RISER_REG_STRUCTS(off, type, array, member)                                            \
	.name = #array "_" #member, .offset = (off),                                           \
	.at = (uint32_t)offsetof(type, array[0].member),                                       \
	.width = sizeof(((type *)0)->array[0].member),                                         \
	.count = sizeof(((type *)0)->array) / sizeof(((type *)0)->array[0]),                   \
	.at_stride = sizeof(((type *)0)->array[0])
RISER_TABLE_OF(riser_reg, riser_regs);
#define RISER_REGS(a) RISER_TABLE(riser_regs, riser_reg, a)

/* In on_read and on_write: which element of an array is being accessed, */
unsigned riser_reg_index(const struct riser_dev *dev);
/* and which bytes of it, as PCI's byte enables: bit n is byte n, 0xf0 the upper half of 8. */
unsigned riser_reg_lanes(const struct riser_dev *dev);

/* ---- State ------------------------------------------------------------------------------- */

/* The instance's state, state_size bytes. */
void *riser_state(struct riser_dev *dev);

/*
 * A member of the state that is not a register but belongs into a saved state. Registers,
 * windows and pending timers are saved without being listed.
 *
 * Saved states are compatible by name: a field that the saving side did not know keeps the
 * value it has after a reset, one that the loading side does not know is skipped, and a field
 * of another width or count is refused. `since` and the descriptor's `version` let `loaded`
 * tell.
 */
struct riser_field {
	const char *name;
	uint32_t at;	/* bytes from the start of the state */
	uint32_t count; /* elements */
	uint8_t width;	/* bytes an element: 1, 2, 4 or 8 */
	uint32_t since; /* the state version that introduced it; documentation for loaded() */
};
#define RISER_FIELD(type, member)                                                              \
	.name = #member, .at = (uint32_t)offsetof(type, member),                               \
	.width = sizeof(((type *)0)->member), .count = 1
#define RISER_FIELD_ARRAY(type, member)                                                        \
	.name = #member, .at = (uint32_t)offsetof(type, member),                               \
	.width = sizeof(((type *)0)->member[0]),                                               \
	.count = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0])
RISER_TABLE_OF(riser_field, riser_fields);
#define RISER_FIELDS(a) RISER_TABLE(riser_fields, riser_field, a)

/* ---- Options ----------------------------------------------------------------------------- */

enum riser_option_type {
	RISER_OPTION_BOOL = 1, /* bool; "on"/"off", "true"/"false", "yes"/"no", "1"/"0" */
	RISER_OPTION_U32,      /* uint32_t; decimal, 0x…, with K, M, G, T as powers of 1024 */
	RISER_OPTION_U64,      /* uint64_t; the same */
	RISER_OPTION_TIME,     /* uint64_t nanoseconds; a number with ns, us, ms or s */
	RISER_OPTION_STRING,   /* const char *, owned by the library; NULL where not given */
	RISER_OPTION_PATH,     /* the same; the file it names is read and written */
};

/*
 * `riser serve` contains a device: it opens no files, sockets or devices except for what its
 * options name.
 */
enum riser_reach_flags {
	RISER_READS = 1u << 0,	  /* opens the file at the path, to read it, */
	RISER_WRITES = 1u << 1,	  /* to write it; */
	RISER_CREATES = 1u << 2,  /* it is made, empty, if it is not there */
	RISER_CONNECTS = 1u << 3, /* connects to the UNIX stream socket at the path */
	/* Makes a UNIX stream socket at the path, and removes it; may lock the folder it is in.
	 */
	RISER_LISTENS = 1u << 4,
	RISER_NETWORK = 1u << 5,  /* the Internet, by TCP, UDP and ICMP */
	RISER_TERMINAL = 1u << 6, /* makes a pseudo-terminal */
};

/* What an option's value lets the device reach if it is of this form. */
struct riser_reach {
	/*
	 * Literal, but for '*', which stands for a word without ':', and a '@' at the end, for
	 * the path: "@", "unix:@", "*:pty". Only a value that the user gives names paths, a
	 * default does not.
	 */
	const char *form;
	uint32_t flags;	    /* enum riser_reach_flags */
	const char *suffix; /* what the device adds to a FIFO's path, without a '/', or NULL */
};
RISER_TABLE_OF(riser_reach, riser_reaches);
#define RISER_REACHES(a) RISER_TABLE(riser_reaches, riser_reach, a)

/*
 * An option of the device, as in `riser run NAME,option=value`. The library parses and checks
 * it and stores it in the state before init() is called; a reset leaves it alone.
 */
struct riser_option {
	const char *name;
	enum riser_option_type type;
	uint32_t at;	   /* bytes from the start of the state */
	const char *value; /* the default, written as a user would; NULL: zero */
	uint64_t min, max; /* inclusive bounds of a number; both 0: none */
	bool required;
	const char *help;	      /* one line, shown to users */
	struct riser_reaches reaches; /* all that fit hold */
};
#define RISER_OPTION(kind, state, member)                                                      \
	.name = #member, .type = RISER_OPTION_##kind, .at = (uint32_t)offsetof(state, member)
RISER_TABLE_OF(riser_option, riser_options);
#define RISER_OPTIONS(a) RISER_TABLE(riser_options, riser_option, a)

/* ---- Reset ------------------------------------------------------------------------------- */

/*
 * Why the device is reset. Before reset() is called the library has put registers to their
 * reset values, cancelled timers and jobs, dropped posted work, lowered interrupts and, on PCI,
 * reset configuration space.
 */
enum riser_reset {
	RISER_RESET_POWER_ON, /* the first, after init(); once per instance */
	RISER_RESET_DEVICE,   /* by the host: the VMM's device reset */
	RISER_RESET_BUS,      /* the bus above was reset */
	/*
	 * By the guest: function level reset (PCIe 6.6.2), or D3hot to D0 where the PM
	 * capability says so (soft_reset in pci.h).
	 */
	RISER_RESET_FUNCTION,
	RISER_RESET_DRIVER, /* by a virtio driver: the function is left as it is */
};

/* ---- Log --------------------------------------------------------------------------------- */

enum riser_log_level { RISER_ERROR = 1, RISER_WARN, RISER_INFO, RISER_DEBUG };

/* Writes one line, without a newline, to the device's log. Any thread. */
void riser_log(struct riser_dev *dev, enum riser_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * For init() and loaded(): says why it fails, in one line for the user, and returns `error`
 * (negative errno), so that `return riser_fail(dev, -EINVAL, "…")` reads well.
 */
int riser_fail(struct riser_dev *dev, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- Interrupts -------------------------------------------------------------------------- */

/*
 * Raises interrupt `vector`, by what the guest has enabled: an MSI-X or MSI message, or else
 * INTx, which stays asserted until every vector raised has been lowered. With fewer messages
 * enabled than vectors, messages share: vector modulo their number for MSI, as PCI allows by
 * the Multiple Message Enable field. A message that is masked, or may not be sent now (pci.h),
 * becomes pending and is sent when it may, as the guest has programmed it then. Returns -EINVAL
 * for a vector the device does not have, -ECANCELED to a job that was cancelled. Any thread.
 */
int riser_irq_raise(struct riser_dev *dev, unsigned vector);

/*
 * Lowers `vector`: what it was raised for is over. Only INTx has a level; messages sent stay
 * sent, but one that is still pending is not sent any more (PCI 6.8.3.4). Any thread.
 */
int riser_irq_lower(struct riser_dev *dev, unsigned vector);

/* Raises or lowers by `level`. Any thread. */
static inline int riser_irq_set(struct riser_dev *dev, unsigned vector, bool level)
{
	return level ? riser_irq_raise(dev, vector) : riser_irq_lower(dev, vector);
}

enum riser_irq_mode { RISER_IRQ_INTX, RISER_IRQ_MSI, RISER_IRQ_MSIX };

/* What the guest has enabled; INTX where it has enabled neither kind of message. Any thread. */
enum riser_irq_mode riser_irq_mode(const struct riser_dev *dev);

/* ---- DMA --------------------------------------------------------------------------------- */

/*
 * Reads from and writes to guest memory at a bus address (iova). All or nothing: an address
 * that is not mapped for the access, or a range past the DMA mask, gives -EFAULT before any
 * byte is copied; Bus Master Enable off, or D3hot, gives -EACCES; a job that was cancelled is
 * given -ECANCELED; the host gone gives -ENOTCONN; memory that the host shared and then took
 * from its file gives -EIO, perhaps after some of it was copied. Any thread.
 *
 * Ordering: a naturally aligned access of 1, 2, 4 or 8 bytes in mapped memory is one access,
 * never torn. Reads acquire and writes release: a write made after another is seen after it,
 * and an interrupt raised after a write is seen after it (PCI's posted-write ordering).
 */
int riser_dma_read(struct riser_dev *dev, uint64_t iova, void *to, size_t length);
int riser_dma_write(struct riser_dev *dev, uint64_t iova, const void *from, size_t length);

struct riser_sg {
	uint64_t iova;
	uint64_t length;
};

/* The same over a scatter-gather list, in its order; the buffer is as long as the list's sum.
 */
int riser_dma_read_sg(struct riser_dev *dev, const struct riser_sg *sg, size_t count, void *to);
int riser_dma_write_sg(struct riser_dev *dev, const struct riser_sg *sg, size_t count,
		       const void *from);

enum riser_dma_access { RISER_DMA_READ = 1, RISER_DMA_WRITE = 2 };

/*
 * Guest memory mapped for direct access. The memory at `data` stays accessible until
 * riser_dma_unmap(), whatever the host does. If the host takes the range away first, or Bus
 * Master Enable goes off, or the function into D3hot, the mapping is revoked: from then on
 * `data` is private memory of the device that the guest no longer sees, and riser_dma_unmap()
 * says so. (Inside QEMU only riser_dma_map() and copies are refused: the memory is QEMU's own.)
 */
struct riser_dma {
	void *data;
	size_t length;
	uint64_t iova;
	uint32_t access;   /* enum riser_dma_access, or-ed */
	void *private_[3]; /* the library's */
};

/*
 * Maps a range. -EFAULT: not mapped, or not wholly in one piece of memory the library can see
 * (then riser_dma_read and _write still work, by copy); -EACCES as above. Any thread.
 */
int riser_dma_map(struct riser_dev *dev, uint64_t iova, size_t length, unsigned access,
		  struct riser_dma *dma);
/*
 * Ends it, and logs what was written. Returns -ESTALE if the host had revoked it, -EIO if the
 * memory had gone. Any thread.
 */
int riser_dma_unmap(struct riser_dev *dev, struct riser_dma *dma);

/* ---- Time -------------------------------------------------------------------------------- */

/* Nanoseconds on the host's clock: real, QEMU's virtual, or the bench's. Never goes back. */
uint64_t riser_now(struct riser_dev *dev);

/* A timer of the device. Pending timers are saved with the state and cancelled by a reset. */
struct riser_timer {
	const char *name;
	void (*fire)(struct riser_dev *dev);
};
RISER_TABLE_OF(riser_timer, riser_timers);
#define RISER_TIMERS(a) RISER_TABLE(riser_timers, riser_timer, a)

/*
 * Makes timer `timer` (its index in the descriptor's table) fire once, `ns` from now. In a
 * timer's callback it is `ns` from when that timer was due, which may be a little before now:
 * one that arms itself again keeps its period, and makes up for what its host was late, up to a
 * second. A timer fires once in a turn of its host, so that one armed for 0 ns in its own
 * callback stops nothing else.
 */
void riser_timer_arm(struct riser_dev *dev, unsigned timer, uint64_t ns);
void riser_timer_cancel(struct riser_dev *dev, unsigned timer);
bool riser_timer_pending(const struct riser_dev *dev, unsigned timer);

/* ---- Work -------------------------------------------------------------------------------- */

/*
 * Work to be done on the device's own thread, after the callback that is running. Lives in the
 * state; `run` is set once, before the first post. A reset drops what is posted.
 */
struct riser_work {
	void (*run)(struct riser_dev *dev, struct riser_work *work);
	struct riser_work *next_; /* the library's */
	bool queued_;
};

/* Queues it, or does nothing if it is queued already. Any thread. */
void riser_post(struct riser_dev *dev, struct riser_work *work);

/*
 * A job for a worker thread: `run` is called on a thread of the library, which may use whatever
 * says "any thread"; then `done` on the device's own. Lives in the state and must not be
 * submitted again before `done`.
 *
 * A reset, of whatever kind, cancels jobs, and so does a loaded state: what such a job still
 * tries to do to guest memory and to interrupts, in `run` or in `done`, is refused with
 * -ECANCELED, and what it posts is dropped. One that has not begun never runs; one that runs is
 * not interrupted, it should ask riser_job_cancelled() now and then. `done` is called all the
 * same, after the reset, to give back what the job held. Meanwhile the device's other callbacks
 * run beside it: what `run` uses of the state has to be the job's own until `done`, or reset()
 * waits for it.
 *
 * Jobs that run when the device goes away are cancelled and waited for; their `done` is not
 * called. Threads of the device's own are its own to hold back at a reset.
 */
struct riser_job {
	void (*run)(struct riser_dev *dev, struct riser_job *job);
	void (*done)(struct riser_dev *dev, struct riser_job *job);
	struct riser_job *next_; /* the library's */
	uint8_t phase_;
};

/*
 * Returns -EBUSY if it has not ended, -EAGAIN if no thread can be had. One that was cancelled
 * is taken at once, and begins once the run before has ended and `done` was called for that.
 */
int riser_job_submit(struct riser_dev *dev, struct riser_job *job);
/* Cancels it, as a reset does. One that is not under way stays as it is. */
void riser_job_cancel(struct riser_dev *dev, struct riser_job *job);
/*
 * Waits until `run` has returned, or never will be called; `done` comes after the callback that
 * waits. What the job wants of the host meanwhile is done.
 */
void riser_job_wait(struct riser_dev *dev, struct riser_job *job);
/* In `run` and `done`: whether it was cancelled. Any thread. */
bool riser_job_cancelled(struct riser_dev *dev, const struct riser_job *job);

/*
 * A watched file descriptor, owned by the caller. A watch that is left when the device goes is
 * destroyed after fini().
 */
struct riser_watch;

/* poll(2) events. `ready` is called on the device's thread for as long as they hold. */
int riser_watch_create(struct riser_dev *dev, int fd, short events,
		       void (*ready)(struct riser_dev *dev, int fd, short events, void *arg),
		       void *arg, struct riser_watch **watch);
int riser_watch_modify(struct riser_watch *watch, short events);
void riser_watch_destroy(struct riser_watch *watch);

/* ---- Elsewhere --------------------------------------------------------------------------- */

/*
 * A device that is migrated is there twice for a while: where its state is saved, and where
 * another instance waits for it. What only one may have, as the lock of a file, it has from
 * acquire() to release(). In init().
 *
 * acquire() is called after the power-on reset, or, if the instance waits for a state, when it
 * has it and begins to run; and again if it goes on after release(). An error, for which
 * riser_fail() has the words, keeps it from running. What waits in queues is not to be taken
 * before. release() is called when nothing of the device runs and its state is saved.
 */
void riser_exclusive(struct riser_dev *dev, int (*acquire)(struct riser_dev *dev),
		     void (*release)(struct riser_dev *dev));

/*
 * In init(): a saved state does not have `what`, a few words that stay where they are. Hosts
 * that would lose it refuse to move the device.
 */
void riser_unsaved(struct riser_dev *dev, const char *what);

/* ---- Export ------------------------------------------------------------------------------ */

struct riser_pci_device;
struct riser_virtio_device;

enum riser_kind { RISER_PCI = 1, RISER_VIRTIO = 2 };

struct riser_export {
	uint32_t abi;
	enum riser_kind kind;
	const void *descriptor;
};

/* The one symbol a device model exports. */
RISER_PUBLIC struct riser_export riser_export(void);

#define RISER_EXPORT(device)                                                                     \
	struct riser_export riser_export(void)                                                   \
	{                                                                                        \
		return (struct riser_export){                                                  \
			RISER_ABI,                                                             \
			_Generic(&(device), const struct riser_pci_device *                    \
				 : RISER_PCI, const struct riser_virtio_device *               \
				 : RISER_VIRTIO),                                              \
			&(device)                                                              \
		}; \
	}                                                                                        \
	struct riser_export riser_export(void)

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#include <riser/pci.h>
#include <riser/virtio.h>

#endif
