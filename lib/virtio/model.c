/* SPDX-License-Identifier: MIT */
/* The PCI functions that a virtio descriptor makes: modern, and transitional. */
#include <errno.h>
#include <string.h>
#include <linux/virtio_pci.h>

#include "pci/kind.h"
#include "virtio/virtio.h"

enum { VENDOR = 0x1af4, MODERN_IDS = 0x1040, CLASS_OTHER = 0x00ff00, CAPS = 8 };

/* What both functions are made of, while they are made. */
struct parts {
	struct riser_model *model;
	struct riser__virtio_model *virtio;
	struct riser_pci_device pci;
	struct riser_bar bars[3];
	struct riser_pci_cap caps[CAPS];
};

#define FLAG(member, default_, words)                                                          \
	{                                                                                      \
		RISER_OPTION(BOOL, struct riser__virtio_options, member), .value = default_,   \
									  .help = words        \
	}
static const struct riser_option common_options[] = {
	FLAG(legacy, "off", "a transitional device, which legacy drivers know too"),
	FLAG(packed, "on", "offers packed rings"),
	FLAG(indirect_desc, "on", "offers indirect descriptors"),
	FLAG(event_idx, "on", "offers event indices"),
	FLAG(in_order, "on", "offers to use buffers in order"),
	FLAG(queue_reset, "on", "offers the reset of single queues"),
	FLAG(notification_data, "on", "offers to take ring positions with notifications"),
	{ RISER_OPTION(U32, struct riser__virtio_options, queue_size), .max = 32768,
	  .help = "the most descriptors of every queue; 0: as the device has it" },
};

static const struct riser_field common_fields[] = {
	{ RISER_FIELD(struct riser__virtio_saved, driver_features) },
	{ RISER_FIELD(struct riser__virtio_saved, isr) },
	{ RISER_FIELD(struct riser__virtio_saved, flags) },
	{ RISER_FIELD(struct riser__virtio_saved, config_vector) },
};

/*
 * Puts the elements of `second` behind those of `first`, both of `size` bytes, with their
 * 32-bit places in the state, `at` bytes into each, moved on by `shift`.
 */
static void *join(struct riser_model *model, struct riser__rows first,
		  struct riser__rows second, size_t size, size_t at, uint32_t shift)
{
	char *made = riser__model_alloc(model, ((size_t)first.count + second.count + 1) * size);
	char *next = made + first.count * size;

	if (!made)
		return NULL;
	if (first.count)
		memcpy(made, first.base, first.count * size);
	for (uint32_t i = 0; i < second.count; i++, next += size) {
		uint32_t place;

		memcpy(next, (const char *)second.base + i * size, size);
		memcpy(&place, next + at, sizeof(place));
		place += shift;
		memcpy(next + at, &place, sizeof(place));
	}
	return made;
}
#define JOIN(model, first, second, shift)                                                      \
	((first)->base =                                                                       \
		 join(model, RISER__ROWS(first), RISER__ROWS(second), sizeof(*(first)->base),  \
		      offsetof(__typeof__(*(first)->base), at), (uint32_t)(shift)),            \
	 (first)->count += (second)->count, (first)->stride = sizeof(*(first)->base),          \
	 (first)->base ? 0 : -ENOMEM)

static int vqs_normalise(struct riser_model *model, struct riser_vqs *table)
{
	struct riser_vq_desc *vqs = riser__table_copy(model, table);

	for (uint32_t i = 0; vqs && i < table->count; i++) {
		if (!vqs[i].count)
			vqs[i].count = 1;
	}
	return vqs || !table->count ? 0 : -ENOMEM;
}

static int copy_tables(struct riser_model *model, struct riser_virtio_device *desc)
{
	int ret = riser__table_normalise(model, &desc->features);

	if (!ret)
		ret = riser__regs_normalise(model, &desc->config);
	if (!ret)
		ret = vqs_normalise(model, &desc->vqs);
	if (!ret)
		ret = riser__options_normalise(model, &desc->options);
	if (!ret)
		ret = riser__table_normalise(model, &desc->fields);
	if (!ret)
		ret = riser__table_normalise(model, &desc->timers);
	return ret;
}

/* Sizes that follow from the tables. */
static void measure(struct riser__virtio_model *virtio)
{
	riser_each(vq, &virtio->desc.vqs)
		virtio->queues += vq->count;
	riser_each(reg, &virtio->desc.config) {
		uint64_t end =
			reg->offset + (uint64_t)(reg->count - 1) * reg->stride + reg->width;

		if (end > virtio->config_size)
			virtio->config_size = end < UINT32_MAX ? (uint32_t)end : UINT32_MAX;
	}
	virtio->at = (uint32_t)((virtio->desc.state_size + 15) & ~(size_t)15);
}

/* Registers of the modern BAR: the transport's, then the device's configuration. */
static int make_regs(struct parts *parts, struct riser_regs *regs)
{
	const struct riser_regs common = riser__virtio_common_regs();
	struct riser__virtio_model *virtio = parts->virtio;
	uint32_t state = virtio->at + (uint32_t)offsetof(struct riser__virtio_state, regs);
	struct riser_reg *config;
	int ret = JOIN(parts->model, regs, &common, state);

	if (!ret)
		ret = JOIN(parts->model, regs, &virtio->desc.config, 0);
	if (ret)
		return ret;
	config = (struct riser_reg *)regs->base + common.count;
	for (uint32_t i = 0; i < virtio->desc.config.count; i++) {
		config[i].offset += RISER__VIRTIO_CONFIG;
		config[i].part = 1;
	}
	return 0;
}

/* The content of one of virtio's capabilities, after its header (virtio 4.1.4). */
static int make_cap(struct parts *parts, struct riser_pci_cap *cap, uint8_t type,
		    uint32_t offset, uint32_t length, uint32_t extra)
{
	enum { HEADER = 3, LONGEST = sizeof(struct virtio_pci_notify_cap) };
	bool longer = type == VIRTIO_PCI_CAP_NOTIFY_CFG || type == VIRTIO_PCI_CAP_PCI_CFG;
	const uint32_t words[] = { offset, length, extra };
	uint8_t *data = riser__model_alloc(parts->model, LONGEST);

	if (!data)
		return -ENOMEM;
	*cap = (struct riser_pci_cap){ .kind = RISER_CAP_VENDOR, .data = data };
	cap->size = longer ? LONGEST : sizeof(struct virtio_pci_cap);
	data[VIRTIO_PCI_CAP_CFG_TYPE - HEADER] = type;
	data[VIRTIO_PCI_CAP_BAR - HEADER] =
		type == VIRTIO_PCI_CAP_PCI_CFG ? 0 : RISER__VIRTIO_BAR;
	for (unsigned i = 0; i < 12; i++)
		data[VIRTIO_PCI_CAP_OFFSET - HEADER + i] =
			(uint8_t)(words[i / 4] >> (8 * (i % 4)));
	return 0;
}

static int make_caps(struct parts *parts, uint64_t table_size)
{
	const struct riser__virtio_model *virtio = parts->virtio;
	const struct riser_regs access = riser__virtio_access_regs();
	uint16_t vectors = (uint16_t)(virtio->queues + 1);
	struct riser_pci_cap *cap = parts->caps;
	int ret;

	*cap++ = (struct riser_pci_cap)RISER_MSIX(vectors, RISER__VIRTIO_MSIX_BAR, 0,
						  table_size);
	ret = make_cap(parts, cap++, VIRTIO_PCI_CAP_COMMON_CFG, RISER__VIRTIO_COMMON,
		       RISER__VIRTIO_COMMON_SIZE, 0);
	if (!ret)
		ret = make_cap(parts, cap++, VIRTIO_PCI_CAP_ISR_CFG, RISER__VIRTIO_ISR, 1, 0);
	if (!ret && virtio->config_size)
		ret = make_cap(parts, cap++, VIRTIO_PCI_CAP_DEVICE_CFG, RISER__VIRTIO_CONFIG,
			       virtio->config_size, 0);
	if (!ret)
		ret = make_cap(parts, cap++, VIRTIO_PCI_CAP_NOTIFY_CFG, RISER__VIRTIO_NOTIFY,
			       virtio->queues * RISER__VIRTIO_NOTIFY_STEP,
			       RISER__VIRTIO_NOTIFY_STEP);
	if (!ret)
		ret = make_cap(parts, cap, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0);
	if (!ret)
		ret = JOIN(parts->model, &cap->regs, &access,
			   virtio->at + offsetof(struct riser__virtio_state, regs));
	/* With these a guest can reset the function, and put it to sleep, as it can QEMU's. */
	*++cap = (struct riser_pci_cap)RISER_PM;
	*++cap = (struct riser_pci_cap)RISER_EXPRESS;
	parts->pci.caps = (struct riser_caps){ .base = parts->caps,
					       .count = (uint32_t)(cap + 1 - parts->caps),
					       .stride = sizeof(*cap) };
	return ret;
}

static uint64_t power_of_two(uint64_t least, uint64_t size)
{
	while (least < size)
		least *= 2;
	return least;
}

static int make_bars(struct parts *parts)
{
	struct riser_bar *bar = parts->bars;
	uint64_t table_size = (parts->virtio->queues + UINT64_C(1)) * 16;
	uint64_t pba_size = (parts->virtio->queues + UINT64_C(64)) / 64 * 8;
	int ret;

	bar[0] = (struct riser_bar){ .index = RISER__VIRTIO_MSIX_BAR,
				     .kind = RISER_MEM32,
				     .size = power_of_two(4096, table_size + pba_size) };
	bar[1] = (struct riser_bar){ .index = RISER__VIRTIO_BAR,
				     .kind = RISER_MEM64,
				     .size = RISER__VIRTIO_BAR_SIZE,
				     .split = 4,
				     .ops = &riser__virtio_modern_ops };
	bar[2] = (struct riser_bar){ .index = RISER__VIRTIO_LEGACY_BAR,
				     .kind = RISER_IO,
				     .size = power_of_two(32,
							  VIRTIO_PCI_CONFIG_OFF(true) +
								  parts->virtio->config_size),
				     .ops = &riser__virtio_legacy_ops };
	ret = make_regs(parts, &bar[1].regs);
	return ret ? ret : make_caps(parts, table_size);
}

static int make_function(struct parts *parts)
{
	const struct riser_virtio_device *desc = &parts->virtio->desc;
	const struct riser_options options = RISER_OPTIONS(common_options);
	const struct riser_fields fields = RISER_FIELDS(common_fields);
	uint32_t at = parts->virtio->at;
	size_t queues_at = at + sizeof(struct riser__virtio_state);
	const struct riser_field queues[] = {
		{ .name = "virtqueues",
		  .at = (uint32_t)queues_at,
		  .width = 8,
		  .count = parts->virtio->queues *
			   (uint32_t)(sizeof(struct riser__vq_saved) / sizeof(uint64_t)) }
	};
	const struct riser_fields queue_fields = RISER_FIELDS(queues);
	struct riser_pci_device *pci = &parts->pci;
	int ret;

	*pci = (struct riser_pci_device){
		.size = sizeof(*pci),
		.name = desc->name,
		.summary = desc->summary,
		.interrupt_pin = 1,
		.version = desc->version,
		.state_size =
			queues_at + parts->virtio->queues * sizeof(struct riser__vq_saved),
		.options = desc->options,
		.fields = desc->fields,
		.timers = desc->timers,
		.init = riser__virtio_init,
		.reset = riser__virtio_reset,
		.saving = riser__virtio_saving,
		.loaded = riser__virtio_loaded,
		.fini = riser__virtio_fini,
	};
	ret = JOIN(parts->model, &pci->options, &options,
		   at + offsetof(struct riser__virtio_state, options));
	if (!ret)
		ret = JOIN(parts->model, &pci->fields, &fields,
			   at + offsetof(struct riser__virtio_state, saved));
	if (!ret && parts->virtio->queues)
		ret = JOIN(parts->model, &pci->fields, &queue_fields, 0);
	return ret ? ret : make_bars(parts);
}

/* virtio 4.1.2: the identity is all that the two differ in, and the legacy BAR. */
static void set_identity(struct riser_pci_device *pci, const struct riser_virtio_device *desc,
			 bool transitional)
{
	pci->id = (struct riser_pci_id){
		.vendor = VENDOR,
		.device = transitional ? desc->transitional_id
				       : (uint16_t)(MODERN_IDS + desc->virtio_id),
		.class_code = desc->class_code ? desc->class_code : CLASS_OTHER,
		.revision = transitional ? 0 : 1,
	};
	if (transitional) {
		pci->id.subvendor = VENDOR;
		pci->id.subdevice = desc->virtio_id;
	}
}

/* The option's default is the model's, so that tools show what a device will be. */
static void set_legacy_default(struct riser_pci_device *pci, bool legacy)
{
	struct riser_option *option = (struct riser_option *)pci->options.base;

	for (uint32_t i = 0; legacy && i < pci->options.count; i++) {
		if (!strcmp(option[i].name, "legacy"))
			option[i].value = "on";
	}
}

int riser__virtio_normalise(struct riser_model *model, const struct riser_virtio_device *desc)
{
	struct parts *parts = riser__model_alloc(model, sizeof(*parts));
	struct riser__virtio_model *virtio = riser__model_alloc(model, sizeof(*virtio));
	struct riser_pci_device *pci;
	int ret;

	if (!parts || !virtio)
		return -ENOMEM;
	model->virtio = virtio;
	memcpy(&virtio->desc, desc,
	       desc->size < sizeof(virtio->desc) ? desc->size : sizeof(virtio->desc));
	parts->model = model;
	parts->virtio = virtio;
	pci = &parts->pci;
	ret = copy_tables(model, &virtio->desc);
	if (ret)
		return ret;
	measure(virtio);
	ret = make_function(parts);
	if (ret)
		return ret;
	set_legacy_default(pci, virtio->desc.legacy_default);
	set_identity(pci, &virtio->desc, false);
	pci->bars = (struct riser_bars)RISER_BARS(parts->bars);
	pci->bars.count = 2;
	ret = riser__pci_normalise(model, pci, &model->pci);
	if (ret || !virtio->desc.transitional_id)
		return ret;
	set_identity(pci, &virtio->desc, true);
	pci->bars.count = 3;
	return riser__pci_normalise(model, pci, &virtio->legacy);
}
