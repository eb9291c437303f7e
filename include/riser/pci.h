/* SPDX-License-Identifier: MIT */
/*
 * pci.h - a PCI or PCI Express function: identity, BARs, capabilities. Part of <riser/riser.h>.
 *
 * Sections named are those of the PCI Local Bus Specification 3.0 ("PCI") and the PCI Express
 * Base Specification 5.0 ("PCIe").
 */
#ifndef RISER_PCI_H
#define RISER_PCI_H

#include <riser/riser.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct riser_pci_id {
	uint16_t vendor, device;
	uint16_t subvendor, subdevice; /* both 0: 1af4:1100, as QEMU gives its devices */
	uint32_t class_code;	       /* 24 bits: class, subclass, programming interface */
	uint8_t revision;
};

enum riser_bar_kind { RISER_MEM32, RISER_MEM64, RISER_IO };

/*
 * What no register and no window of the BAR claims, or the whole BAR where it has neither.
 * `size` is 1, 2, 4 or 8, `offset` a multiple of it and inside the BAR; the value is in the low
 * bytes, host-endian. A negative return is the guest's mistake: there is a hole.
 */
struct riser_bar_ops {
	int (*read)(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value);
	int (*write)(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value);
};

/*
 * A range of a BAR that is plain memory: accesses of any width and alignment, no callbacks.
 * Trapped, its bytes are `size` bytes of the state at `at`; shared, they are pages that the
 * guest maps directly and accesses without leaving its CPU, and riser_window() gives the
 * address.
 */
struct riser_window {
	const char *name;
	uint64_t offset, size; /* bytes; whole pages of 4 KiB where shared */
	uint32_t at;	       /* trapped: bytes from the start of the state */
	bool shared;
};
#define RISER_WINDOW(off, type, member)                                                        \
	.name = #member, .offset = (off), .size = sizeof(((type *)0)->member),                 \
	.at = (uint32_t)offsetof(type, member)
RISER_TABLE_OF(riser_window, riser_windows);
#define RISER_WINDOWS(a) RISER_TABLE(riser_windows, riser_window, a)

/* A base address register (PCI 6.2.5.1). */
struct riser_bar {
	uint8_t index; /* 0 to 5; a MEM64 BAR takes the next one too */
	enum riser_bar_kind kind;
	bool prefetchable;
	/*
	 * Accesses wider than this many bytes are made as several of this size, lowest offset
	 * first, as a 32-bit bus would; 0: 8. A register 8 bytes wide behind a split of 4 needs
	 * a part of 4.
	 */
	uint8_t split;
	bool zero_holes; /* what nothing claims reads as zeroes, not as all ones */
	uint64_t size;	 /* bytes, a power of two; memory from 16, I/O from 4 to 256 */
	struct riser_regs regs;
	struct riser_windows windows;
	const struct riser_bar_ops *ops;
};
RISER_TABLE_OF(riser_bar, riser_bars);
#define RISER_BARS(a) RISER_TABLE(riser_bars, riser_bar, a)

/* The memory of window `window` (its index in the table) of BAR `bar`. */
void *riser_window(struct riser_dev *dev, unsigned bar, unsigned window);

enum riser_cap_kind {
	RISER_CAP_PM = 1,  /* power management: D0 and D3hot, no PME (PCI-PM 3.2) */
	RISER_CAP_MSI,	   /* vectors, 64-bit addresses, masking per vector (PCI 6.8.1) */
	RISER_CAP_MSIX,	   /* vectors, table and PBA in a BAR (PCI 6.8.2) */
	RISER_CAP_EXPRESS, /* makes it a PCI Express endpoint, with FLR (PCIe 7.5.3) */
	RISER_CAP_VENDOR,  /* vendor-specific (PCI 6.7, id 09h): length byte, then what you say
			    */
	RISER_CAP_SERIAL,  /* device serial number (PCIe 7.9.3) */
	RISER_CAP_AER,	   /* advanced error reporting header and registers (PCIe 7.8.4) */
	RISER_CAP_ATS,	   /* address translation services header (PCIe 7.8.8) */
	RISER_CAP_PASID,   /* process address space id header (PCIe 7.8.9) */
};

/*
 * A capability. The library lays capabilities out in the table's order, keeps their registers,
 * and refuses those that do not fit or need another one. Members that the kind does not name
 * are 0.
 */
struct riser_pci_cap {
	enum riser_cap_kind kind;
	uint16_t offset;  /* in configuration space; 0: wherever it fits */
	uint16_t vectors; /* MSI: 1, 2, 4, 8, 16 or 32; MSI-X: 1 to 2048 */
	uint8_t bar;	  /* MSI-X: the memory BAR that holds table and PBA */
	bool integrated;  /* EXPRESS: a root complex integrated endpoint */
	bool mapped_only; /* MSI: no masking per vector */
	/*
	 * PM: No_Soft_Reset is 0, the way from D3hot to D0 is a RISER_RESET_FUNCTION. Otherwise
	 * everything is in D0 as it was before.
	 */
	bool soft_reset;
	uint16_t size;		/* VENDOR: bytes, with the 3 bytes of its header */
	uint64_t table, pba;	/* MSI-X: offsets in the BAR, multiples of 8 */
	uint64_t serial;	/* SERIAL */
	const void *data;	/* VENDOR: size - 3 bytes of content at reset, or NULL */
	struct riser_regs regs; /* VENDOR: at offsets from its start; taken in any parts */
};

/*
 * What the guest's settings forbid is not sent, on any attachment:
 *
 * Bus Master Enable off (PCIe 7.5.1.1.3): no DMA, -EACCES; mappings that are held are revoked
 * (riser_dma_map()); no MSI and no MSI-X message, which are memory writes: vectors wait, as
 * behind a mask, with their pending bits set, and are sent when it is on again. INTx is
 * asserted all the same.
 *
 * D3hot (PCI-PM 5.4): the same, INTx is not asserted, and BARs do not answer; configuration
 * space does. The device's timers, work and watches go on.
 *
 * Configuration registers are what the specification's tables say; what a function does not
 * support is read-only. AER's registers are sticky: only power-on, or another client's coming,
 * resets them. FLR leaves the link's settings alone.
 */
#define RISER_PM                                                                               \
	{                                                                                      \
		.kind = RISER_CAP_PM                                                           \
	}
#define RISER_MSI(n)                                                                           \
	{                                                                                      \
		.kind = RISER_CAP_MSI, .vectors = (n)                                          \
	}
#define RISER_MSIX(n, b, table_, pba_)                                                         \
	{                                                                                      \
		.kind = RISER_CAP_MSIX, .vectors = (n), .bar = (b), .table = (table_),         \
		.pba = (pba_)                                                                  \
	}
#define RISER_EXPRESS                                                                          \
	{                                                                                      \
		.kind = RISER_CAP_EXPRESS                                                      \
	}
#define RISER_SERIAL(s)                                                                        \
	{                                                                                      \
		.kind = RISER_CAP_SERIAL, .serial = (s)                                        \
	}
#define RISER_AER                                                                              \
	{                                                                                      \
		.kind = RISER_CAP_AER                                                          \
	}
#define RISER_ATS                                                                              \
	{                                                                                      \
		.kind = RISER_CAP_ATS                                                          \
	}
#define RISER_PASID                                                                            \
	{                                                                                      \
		.kind = RISER_CAP_PASID                                                        \
	}
RISER_TABLE_OF(riser_pci_cap, riser_caps);
#define RISER_CAPS(a) RISER_TABLE(riser_caps, riser_pci_cap, a)

struct riser_pci_device {
	size_t size;	     /* sizeof(struct riser_pci_device), as the model was compiled */
	const char *name;    /* letters, digits, '_' and '-' */
	const char *summary; /* one line */
	struct riser_pci_id id;
	uint8_t interrupt_pin; /* INTx: 1 for INTA to 4 for INTD; 0: none */
	/*
	 * Interrupts of the device, at most as many as MSI-X has, or else MSI, or 1 where there
	 * is neither; 0: that many.
	 */
	uint16_t vectors;
	uint32_t version;  /* of the saved state; raise it when `fields` or registers change */
	size_t state_size; /* bytes */
	uint64_t dma_mask; /* addresses the device can drive; 0: all 64 bits */
	struct riser_bars bars;
	struct riser_caps caps;
	struct riser_options options;
	struct riser_fields fields;
	struct riser_timers timers;

	/* All may be NULL. */

	/* Once, options set, before the power-on reset. riser_fail() says why it fails. */
	int (*init)(struct riser_dev *dev);
	void (*reset)(struct riser_dev *dev, enum riser_reset kind);
	/* Before the state is saved: bring what is kept elsewhere into its fields. */
	void (*saving)(struct riser_dev *dev);
	/* After a state of `version` was loaded: the contrary. An error refuses the state. */
	int (*loaded)(struct riser_dev *dev, uint32_t version);
	/* Once, if init() succeeded. Work and jobs are gone already; timers and watches go
	 * after it. */
	void (*fini)(struct riser_dev *dev);
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
