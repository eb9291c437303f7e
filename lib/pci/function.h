/* SPDX-License-Identifier: MIT */
/* A PCI function's own state: shared among the files of this folder and those of virtio's. */
#ifndef RISER_PCI_FUNCTION_H
#define RISER_PCI_FUNCTION_H

#include "core/regmap.h"
#include "pci/kind.h"
#include "pci/layout.h"
#include "pci/pci.h"

enum { RISER__VECTORS_MAX = 2048 };

/* What interrupts look at: a copy of the guest's settings that any thread may use, locked. */
struct riser__irq {
	pthread_mutex_t lock;
	enum riser_irq_mode mode;
	bool intx_disabled;
	bool asleep;	/* INTx is not asserted */
	bool mastering; /* messages may be sent */
	bool level;	/* of INTx, as last told to the host */
	uint64_t raised[RISER__VECTORS_MAX / 64];
	unsigned raised_count;
	/* Raised while messages were enabled, and neither sent nor lowered since. */
	uint64_t waiting[RISER__VECTORS_MAX / 64];

	unsigned msi_count; /* messages enabled: vectors share them */
	uint64_t msi_address;
	uint32_t msi_data, msi_mask;

	bool msix_masked;	   /* the whole function */
	unsigned msix_count;	   /* entries of the table; 0: none */
	uint32_t (*msix_table)[4]; /* address low, high, data, control */
};

/* A window and where its memory is: shared, or in the state. */
struct riser__span {
	uint64_t offset, size;
	uint8_t *memory;
};

struct riser__bar {
	const struct riser_bar *desc; /* NULL: no such BAR */
	struct riser__regmap *map;
	int fd; /* of the shared windows' memory, as large as the BAR; -1: none */
	struct riser__span *windows;
	uint32_t window_count;
	bool msix; /* holds the MSI-X table and pending bits */
};

struct riser__pci {
	uint8_t config[RISER__CONFIG_MAX];
	uint8_t reset[RISER__CONFIG_MAX];    /* its bytes after a reset */
	uint8_t writable[RISER__CONFIG_MAX]; /* bits the guest writes */
	uint8_t w1c[RISER__CONFIG_MAX];	     /* bits it clears by writing 1 */
	uint8_t sticky[RISER__CONFIG_MAX];   /* bits of these that a reset leaves alone */
	uint8_t link[RISER__CONFIG_MAX];     /* and those that only FLR does */
	unsigned config_size;
	struct riser__layout layout;
	/* What the function goes by in place of the model's, if one of its lines is withheld.
	 */
	struct riser_pci_device desc;
	struct riser_pci_cap *caps;
	uint16_t pm, msi, msix, express; /* offsets of these capabilities, 0: none */
	const struct riser_pci_cap *msix_cap;
	struct riser__regmap *vendor[RISER__CAPS_MAX]; /* of the n-th line of .caps, or NULL */
	struct riser__bar bars[6];
	uint64_t sizes[RISER__REGIONS]; /* 0: the function has no such region */
	uint8_t *rom;
	uint64_t rom_size;
	atomic_bool asleep; /* in D3hot: BARs do not answer, nothing is sent; any thread */
	bool soft_reset;    /* the way from there to D0 is a reset */
	struct riser__irq irq;
};

/*
 * Bus Master Enable came, or went (master.c): then no DMA of any kind, held mappings and rings
 * included, is under way when this returns. On the device's thread.
 */
void riser__pci_set_master(struct riser_dev *dev, bool on);

/*
 * What riser__pci_read() and _write() do once the device is entered: for the library's own, in
 * the middle of a callback.
 */
int riser__function_read(struct riser_dev *dev, unsigned region, uint64_t offset, void *buffer,
			 size_t length);
int riser__function_write(struct riser_dev *dev, unsigned region, uint64_t offset,
			  const void *buffer, size_t length);

/* Configuration space (config.c): builds its bytes at reset, masks and capabilities. */
void riser__config_build(struct riser_dev *dev);
void riser__config_read(struct riser_dev *dev, uint64_t offset, uint8_t *to, size_t length);
void riser__config_write(struct riser_dev *dev, uint64_t offset, const uint8_t *from,
			 size_t length);
/*
 * For hosts that put the function onto a root complex's own bus: an endpoint there is an
 * integrated one, without a link (PCIe 1.3.2.3).
 */
void riser__config_integrate(struct riser_dev *dev);
/* Has everything that follows from configuration space follow it. */
void riser__config_changed(struct riser_dev *dev);
/* Its bytes after a reset of that kind. */
void riser__config_reset(struct riser_dev *dev, enum riser_reset kind);

/* Capabilities (caps.c). The option msix=off takes a line from the descriptor: -ENOMEM. */
int riser__caps_withhold(struct riser_dev *dev);
void riser__caps_build(struct riser__pci *pci, const struct riser_pci_device *desc);

/* BARs (bar.c). */
int riser__bars_create(struct riser_dev *dev, struct riser_error *error);
void riser__bars_destroy(struct riser_dev *dev);
void riser__bar_read(struct riser_dev *dev, struct riser__bar *bar, uint64_t offset,
		     uint8_t *to, size_t length);
void riser__bar_write(struct riser_dev *dev, struct riser__bar *bar, uint64_t offset,
		      const uint8_t *from, size_t length);

/* The expansion ROM (rom.c): loads the file that the option romfile names, if it is given. */
int riser__rom_load(struct riser_dev *dev, struct riser_error *error);

/* Interrupts (irq.c). */
int riser__irq_create(struct riser_dev *dev);
void riser__irq_destroy(struct riser_dev *dev);
void riser__irq_reset(struct riser_dev *dev);
/* Nothing is raised or waits any more; what the guest has set stays. */
void riser__irq_forget(struct riser_dev *dev);
/* The Pending Bits of MSI: the messages that wait. Lock held. */
uint32_t riser__msi_pending(const struct riser_dev *dev);
/* Interrupt Status: INTx waits inside the function (PCI 6.2.3). Lock held. */
bool riser__intx_pending(const struct riser_dev *dev);
/* Takes over the guest's settings from configuration space and acts on what changed. */
void riser__irq_update(struct riser_dev *dev);
/* INTx of a device that keeps its interrupt's causes itself, whatever the mode is now. */
void riser__irq_set_line(struct riser_dev *dev, bool raised);
/* The MSI-X table and pending bits in the BAR. True if [offset, offset + size) is in them. */
bool riser__msix_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value);
bool riser__msix_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value);

/* Little-endian values in configuration space. */
static inline uint32_t riser__get(const uint8_t *at, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static inline void riser__put(uint8_t *at, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

#endif
