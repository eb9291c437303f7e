/* SPDX-License-Identifier: MIT */
/* Where a function's capabilities stand in configuration space. */
#ifndef RISER_PCI_LAYOUT_H
#define RISER_PCI_LAYOUT_H

#include "core/error.h"

enum { RISER__CAPS_MAX = 32, RISER__CONFIG_MAX = 4096 };

struct riser__check;

struct riser__layout {
	uint16_t offsets[RISER__CAPS_MAX]; /* of the n-th line of .caps */
	uint16_t config_size;		   /* 256, or 4096 on PCI Express */
};

/* -EINVAL, naming the line and the rule, where they do not fit or contradict one another. */
int riser__layout_place(const struct riser_pci_device *desc, struct riser__layout *layout,
			struct riser_error *error);
/* All rules about capabilities: their places and what they name. */
int riser__layout_check(const struct riser_pci_device *desc, struct riser_error *error);
/* check_words.c: what tools print. */
int riser__check_words(const struct riser__check *c);
/* check_caps.c: the lines for themselves, and the vectors of all. */
int riser__caps_check(const struct riser_pci_device *desc, struct riser_error *error);
int riser__vectors_check(const struct riser_pci_device *desc, struct riser_error *error);

const struct riser_pci_cap *riser__cap_find(const struct riser_pci_device *desc,
					    enum riser_cap_kind kind);
const char *riser__cap_name(enum riser_cap_kind kind);

/* The vectors a device has if it does not say: those of MSI-X, or else MSI, or 1. */
uint16_t riser__layout_message_vectors(const struct riser_pci_device *desc);

/* Bytes of an MSI-X table and of its pending bits. */
static inline uint64_t riser__msix_table_size(const struct riser_pci_cap *cap)
{
	return cap->vectors * UINT64_C(16);
}
static inline uint64_t riser__msix_pba_size(const struct riser_pci_cap *cap)
{
	return (cap->vectors + UINT64_C(63)) / 64 * 8;
}

#endif
