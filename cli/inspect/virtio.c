/* SPDX-License-Identifier: MIT */
/* What a virtio device says of itself through its modern interface (virtio 4.1.4). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "inspect/inspect.h"

static uint32_t config(struct riser_host *host, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	riser_host_config_read(host, offset, size, &value);
	return value;
}

unsigned virtio_id(struct riser_host *host)
{
	uint32_t device = config(host, PCI_DEVICE_ID, 2);

	if (config(host, PCI_VENDOR_ID, 2) != 0x1af4 || device < 0x1000 || device > 0x107f)
		return 0;
	return device < 0x1040 ? config(host, PCI_SUBSYSTEM_ID, 2) : device - 0x1040;
}

/* A structure that a capability points to. */
struct place {
	struct riser_host *host;
	unsigned bar;
	uint64_t offset;
	uint32_t length; /* 0: there is none */
};

static struct place find(struct riser_host *host, unsigned type)
{
	unsigned at = config(host, PCI_CAPABILITY_LIST, 1) & 0xfc;

	for (unsigned i = 0; at >= 0x40 && i < 48; i++, at = config(host, at + 1, 1) & 0xfc) {
		if (config(host, at, 1) == PCI_CAP_ID_VNDR &&
		    config(host, at + VIRTIO_PCI_CAP_CFG_TYPE, 1) == type)
			return (struct place){ host, config(host, at + VIRTIO_PCI_CAP_BAR, 1),
					       config(host, at + VIRTIO_PCI_CAP_OFFSET, 4),
					       config(host, at + VIRTIO_PCI_CAP_LENGTH, 4) };
	}
	return (struct place){ 0 };
}

static uint64_t get(const struct place *at, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	riser_host_read(at->host, at->bar, at->offset + offset, size, &value);
	return value;
}

static void put(const struct place *at, unsigned offset, unsigned size, uint64_t value)
{
	riser_host_write(at->host, at->bar, at->offset + offset, size, value);
}

static uint64_t features_of(const struct place *common)
{
	uint64_t bits = 0;

	for (unsigned word = 0; word < 2; word++) {
		put(common, VIRTIO_PCI_COMMON_DFSELECT, 4, word);
		bits |= get(common, VIRTIO_PCI_COMMON_DF, 4) << (32 * word);
	}
	return bits;
}

struct named {
	unsigned bit;
	const char *name, *help;
};

static const struct named transport[] = {
	{ VIRTIO_RING_F_INDIRECT_DESC, "indirect_desc", "indirect descriptors" },
	{ VIRTIO_RING_F_EVENT_IDX, "event_idx", "event indices" },
	{ VIRTIO_F_VERSION_1, "version_1", "virtio 1.0 and later" },
	{ VIRTIO_F_ACCESS_PLATFORM, "access_platform", "DMA by the platform's rules" },
	{ VIRTIO_F_RING_PACKED, "ring_packed", "packed rings" },
	{ VIRTIO_F_IN_ORDER, "in_order", "buffers are used in order" },
	{ VIRTIO_F_ORDER_PLATFORM, "order_platform",
	  "memory is ordered by the platform's rules" },
	{ VIRTIO_F_SR_IOV, "sr_iov", "single root I/O virtualisation" },
	{ 38, "notification_data", "ring positions with notifications" },
	{ 40, "ring_reset", "queues are reset one by one" },
};

static struct named feature_named(const struct session *session, unsigned bit)
{
	const struct riser_virtio_device *virtio =
		session->model ? riser_model_virtio(session->model) : NULL;
	const struct riser_virtio_features none = { .count = 0 };

	riser_each(own, virtio ? &virtio->features : &none) {
		if (own->bit == bit)
			return (struct named){ bit, own->name, own->help };
	}
	for (size_t i = 0; i < sizeof(transport) / sizeof(*transport); i++) {
		if (transport[i].bit == bit)
			return transport[i];
	}
	return (struct named){ bit, "?", NULL };
}

/* The name of the queue's line in the model's table. */
static const char *queue_name(const struct session *session, unsigned index, unsigned count)
{
	const struct riser_virtio_device *virtio =
		session->model ? riser_model_virtio(session->model) : NULL;
	unsigned all = 0;

	if (!virtio)
		return "queue";
	riser_each(line, &virtio->vqs)
		all += line->count;
	/* With fewer queues than the table has, which lines they are is not known. */
	if (all != count)
		return "queue";
	riser_each(line, &virtio->vqs) {
		if (index < line->count)
			return line->name;
		index -= line->count;
	}
	return "queue";
}

static void print_status(uint64_t status)
{
	static const struct named bits[] = {
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE, "ACKNOWLEDGE", NULL },
		{ VIRTIO_CONFIG_S_DRIVER, "DRIVER", NULL },
		{ VIRTIO_CONFIG_S_FEATURES_OK, "FEATURES_OK", NULL },
		{ VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK", NULL },
		{ VIRTIO_CONFIG_S_NEEDS_RESET, "DEVICE_NEEDS_RESET", NULL },
		{ VIRTIO_CONFIG_S_FAILED, "FAILED", NULL },
	};

	printf("\tStatus: %s", status ? "" : "reset");
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		if (status & bits[i].bit)
			printf("%s ", bits[i].name);
	}
	putchar('\n');
}

static void print_features(const struct session *session, uint64_t bits)
{
	printf("\tFeatures offered:\n");
	for (; bits; bits &= bits - 1) {
		struct named f = feature_named(session, (unsigned)__builtin_ctzll(bits));

		printf("\t\t%2u  %-18s %s\n", f.bit, f.name, f.help ? f.help : "");
	}
}

/* What the driver has set of a queue, and how far the device has got in it. */
struct queue {
	uint64_t size, enabled, vector;
	uint64_t desc, driver, device;
	uint64_t avail, used, held;
};

/* Where Riser's devices show positions of the queue that is selected; others have nothing here.
 */
enum { RISER_POSITIONS = 0x800 };

static uint64_t get_address(const struct place *common, unsigned offset)
{
	return get(common, offset, 4) | get(common, offset + 4, 4) << 32;
}

static struct queue queue_of(const struct place *common, unsigned index)
{
	put(common, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	return (struct queue){
		.size = get(common, VIRTIO_PCI_COMMON_Q_SIZE, 2),
		.enabled = get(common, VIRTIO_PCI_COMMON_Q_ENABLE, 2),
		.vector = get(common, VIRTIO_PCI_COMMON_Q_MSIX, 2),
		.desc = get_address(common, VIRTIO_PCI_COMMON_Q_DESCLO),
		.driver = get_address(common, VIRTIO_PCI_COMMON_Q_AVAILLO),
		.device = get_address(common, VIRTIO_PCI_COMMON_Q_USEDLO),
		.avail = get(common, RISER_POSITIONS, 4),
		.used = get(common, RISER_POSITIONS + 4, 4),
		.held = get(common, RISER_POSITIONS + 8, 4),
	};
}

static void print_queue(const struct session *session, const struct place *common,
			unsigned index, unsigned count)
{
	struct queue q = queue_of(common, index);

	printf("\t\t%2u  %-18s %" PRIu64 " descriptors", index,
	       queue_name(session, index, count), q.size);
	if (session->model)
		printf(", next available %" PRIu64 ", next used %" PRIu64 ", %" PRIu64 " held",
		       q.avail, q.used, q.held);
	if (!q.enabled) {
		printf(", not enabled\n");
		return;
	}
	printf(", descriptors at 0x%" PRIx64 ", driver's part 0x%" PRIx64
	       ", device's part 0x%" PRIx64,
	       q.desc, q.driver, q.device);
	if (q.vector == VIRTIO_MSI_NO_VECTOR)
		printf(", no vector\n");
	else
		printf(", vector %" PRIu64 "\n", q.vector);
}

/* The model's registers, moved to where the device says that its configuration is. */
static struct riser_reg moved(const struct riser_reg *reg, const struct place *place)
{
	struct riser_reg at = *reg;

	at.offset += place->offset;
	return at;
}

static void print_config(struct session *session)
{
	struct place place = find(session->host, VIRTIO_PCI_CAP_DEVICE_CFG);
	const struct riser_virtio_device *virtio = riser_model_virtio(session->model);

	if (!place.length)
		return;
	printf("\tConfiguration, generation %" PRIu64 ":\n",
	       get(&(struct place){ session->host, place.bar, 0, 0 },
		   (unsigned)find(session->host, VIRTIO_PCI_CAP_COMMON_CFG).offset +
			   VIRTIO_PCI_COMMON_CFGGENERATION,
		   1));
	riser_each(reg, &virtio->config) {
		struct riser_reg at = moved(reg, &place);

		register_print(session, place.bar, &at, place.offset);
	}
}

static struct json_object *json_features(const struct session *session, uint64_t bits)
{
	struct json_object *list = json_object_new_array();

	for (; bits; bits &= bits - 1) {
		struct named f = feature_named(session, (unsigned)__builtin_ctzll(bits));
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "bit", json_object_new_int((int)f.bit));
		json_object_object_add(entry, "name", json_object_new_string(f.name));
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *json_queue(const struct session *session, const struct place *common,
				      unsigned index, unsigned count)
{
	struct queue q = queue_of(common, index);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "size", q.size },	 { "vector", q.vector }, { "descriptors", q.desc },
		{ "driver", q.driver },	 { "device", q.device }, { "next_available", q.avail },
		{ "next_used", q.used }, { "held", q.held },
	};
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "name",
			       json_object_new_string(queue_name(session, index, count)));
	json_object_object_add(entry, "enabled", json_object_new_boolean(q.enabled == 1));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		json_object_object_add(entry, numbers[i].key,
				       json_object_new_uint64(numbers[i].value));
	return entry;
}

static struct json_object *json_config(struct session *session)
{
	struct place place = find(session->host, VIRTIO_PCI_CAP_DEVICE_CFG);
	const struct riser_virtio_device *virtio = riser_model_virtio(session->model);
	const struct riser_reg *reg = virtio->config.base;
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; place.length && i < virtio->config.count; i++) {
		struct riser_reg at = moved(&reg[i], &place);

		json_object_array_add(list, register_json(session, place.bar, &at));
	}
	return list;
}

struct json_object *virtio_json(struct session *session)
{
	struct place common = find(session->host, VIRTIO_PCI_CAP_COMMON_CFG);
	struct json_object *root = json_object_new_object(), *queues = json_object_new_array();
	unsigned count = 0;

	json_object_object_add(root, "type",
			       json_object_new_int((int)virtio_id(session->host)));
	if (common.length) {
		count = (unsigned)get(&common, VIRTIO_PCI_COMMON_NUMQ, 2);
		json_object_object_add(
			root, "status",
			json_object_new_uint64(get(&common, VIRTIO_PCI_COMMON_STATUS, 1)));
		json_object_object_add(root, "features",
				       json_features(session, features_of(&common)));
	}
	for (unsigned i = 0; i < count; i++)
		json_object_array_add(queues, json_queue(session, &common, i, count));
	json_object_object_add(root, "queues", queues);
	if (session->model)
		json_object_object_add(root, "config", json_config(session));
	return root;
}

void virtio_print(struct session *session)
{
	struct place common = find(session->host, VIRTIO_PCI_CAP_COMMON_CFG);
	unsigned count;

	printf("\tVirtio device type %u\n", virtio_id(session->host));
	if (!common.length)
		return;
	count = (unsigned)get(&common, VIRTIO_PCI_COMMON_NUMQ, 2);
	print_status(get(&common, VIRTIO_PCI_COMMON_STATUS, 1));
	print_features(session, features_of(&common));
	printf("\tQueues:\n");
	for (unsigned i = 0; i < count; i++)
		print_queue(session, &common, i, count);
	if (session->model)
		print_config(session);
}
