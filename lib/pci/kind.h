/* SPDX-License-Identifier: MIT */
/* PCI functions as a kind of device, and what other kinds take from it that are functions too.
 */
#ifndef RISER_PCI_KIND_H
#define RISER_PCI_KIND_H

#include "core/kind.h"
#include "core/model.h"
#include "pci/pci.h"

extern const struct riser__kind riser__pci_kind;

/* model.c: fills `pci`, the model's, from a descriptor of whatever size. -ENOMEM. */
int riser__pci_normalise(struct riser_model *model, const struct riser_pci_device *desc,
			 struct riser_pci_device *pci);
/* check.c: the rules of riser.h and pci.h, of which a function is told the first it breaks. */
int riser__pci_check(const struct riser_pci_device *desc, struct riser_error *error);

/* function.c: the life of the function, as struct riser__kind has it. */
int riser__pci_create(struct riser_dev *dev, struct riser_error *error);
void riser__pci_destroy(struct riser_dev *dev);
/* Leaves jobs and posted work to its caller. */
void riser__pci_reset(struct riser_dev *dev, enum riser_reset kind);
/* master.c: why the function may not reach memory. */
const char *riser__pci_silence(const struct riser_dev *dev);

/* items.c, shape.c, save.c: what is saved of it. */
int riser__pci_add_items(struct riser_dev *dev, struct riser__items *items);
int riser__pci_add_shape(struct riser_dev *dev, struct riser__buffer *out);
int riser__pci_save(struct riser_dev *dev, struct riser__buffer *out);
int riser__pci_check_record(struct riser_dev *dev, size_t size, struct riser_error *error);
void riser__pci_load(struct riser_dev *dev, const void *data);

#endif
