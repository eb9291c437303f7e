/* SPDX-License-Identifier: MIT */
/* The host side over a socket: a vfio-user client that negotiates, learns regions, maps. */
#include "host/client.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/error.h"

/* A window of a BAR that was mapped for riser_host_map(). */
struct client_mapping {
	struct client_mapping *next;
	unsigned bar;
	uint64_t offset, length;
	void *at;
};

/* REGION_READ; a server that sends fewer bytes than asked breaks the protocol. */
static int client_read(struct riser_host *host, unsigned region, uint64_t offset, void *to,
		       size_t size)
{
	const struct vu_region_access ask = { offset, region, (uint32_t)size };
	struct vu_region_access got;
	struct client_request request = { .command = VU_REGION_READ,
					  .head = &ask,
					  .head_size = sizeof(ask),
					  .reply = &got,
					  .reply_size = sizeof(got),
					  .rest = to,
					  .rest_size = size };
	int ret = client_call(client_of(host), &request);

	if (!ret && request.rest_size != size)
		ret = riser__host_fail(host, -EPROTO,
				       "the vfio-user server sent %zu bytes for %zu",
				       request.rest_size, size);
	return ret;
}

static int client_write(struct riser_host *host, unsigned region, uint64_t offset,
			const void *from, size_t size)
{
	const struct vu_region_access ask = { offset, region, (uint32_t)size };
	struct client_request request = { .command = VU_REGION_WRITE,
					  .head = &ask,
					  .head_size = sizeof(ask),
					  .tail = from,
					  .tail_size = size };

	/* Writes to memory are posted, as PCI has it; others are answered. */
	request.posted = region < HOST_BARS && host->bars[region].kind != RISER_IO;
	return client_call(client_of(host), &request);
}

/* DMA_MAP: with the memory's descriptor, or without, so that the server asks by message. */
static int client_memory_map(struct riser_host *host, uint64_t iova, uint64_t length)
{
	struct client *c = client_of(host);
	const struct vu_dma_map map = { .argsz = sizeof(map),
					.flags = VU_DMA_READABLE | VU_DMA_WRITABLE,
					.offset = c->message_dma ? 0 : iova - host->memory_at,
					.address = iova,
					.size = length };
	struct client_request request = { .command = VU_DMA_MAP,
					  .head = &map,
					  .head_size = sizeof(map),
					  .fds = &host->memory_fd,
					  .fd_count = c->message_dma ? 0 : 1 };

	return client_call(c, &request);
}

static int client_memory_unmap(struct riser_host *host, uint64_t iova, uint64_t length)
{
	const struct vu_dma_unmap unmap = { .argsz = sizeof(unmap),
					    .address = iova,
					    .size = length };
	struct client_request request = { .command = VU_DMA_UNMAP,
					  .head = &unmap,
					  .head_size = sizeof(unmap) };

	return client_call(client_of(host), &request);
}

/* DEVICE_RESET, the only reset that vfio-user has. */
static int client_reset(struct riser_host *host, enum riser_reset kind)
{
	struct client_request request = { .command = VU_DEVICE_RESET };

	if (kind != RISER_RESET_DEVICE)
		return riser__host_fail(host, -ENOTSUP, "vfio-user has no bus reset");
	return client_call(client_of(host), &request);
}

static int client_pass(struct riser_host *host, uint64_t ns, unsigned vector)
{
	return client_serve(client_of(host), ns, vector);
}

/* ---- Mapping ---- */

struct client_region {
	struct vu_region_info info;
	uint8_t caps[4096];
	size_t caps_size;
	int fd;
};

/* GET_REGION_INFO, `whole` with its capabilities. region->fd is the caller's to close. */
static int get_region(struct client *c, unsigned index, bool whole,
		      struct client_region *region)
{
	struct vu_region_info ask = { .argsz = sizeof(ask), .index = index };
	struct client_request request = { .command = VU_GET_REGION_INFO,
					  .head = &ask,
					  .head_size = sizeof(ask),
					  .reply = &region->info,
					  .reply_size = sizeof(region->info),
					  .rest = region->caps,
					  .rest_size = sizeof(region->caps),
					  .reply_fd = &region->fd };
	int ret;

	if (whole)
		ask.argsz += (uint32_t)sizeof(region->caps);
	region->fd = -1;
	region->caps_size = 0;
	ret = client_call(c, &request);
	if (ret)
		return ret;
	region->caps_size = request.rest_size;
	return 0;
}

/* Whether the sparse-mmap capability lets [offset, offset + length) be mapped. */
static bool may_map(const struct client_region *region, uint64_t offset, uint64_t length)
{
	struct vu_sparse_mmap sparse;
	struct vu_area area;

	if (!(region->info.flags & VU_REGION_MMAP))
		return false;
	if (region->info.cap_offset != sizeof(region->info) ||
	    region->caps_size < sizeof(sparse))
		return offset < region->info.size && length <= region->info.size - offset;
	memcpy(&sparse, region->caps, sizeof(sparse));
	for (uint32_t i = 0; i < sparse.area_count; i++) {
		size_t at = sizeof(sparse) + i * sizeof(area);

		if (at + sizeof(area) > region->caps_size)
			return false;
		memcpy(&area, region->caps + at, sizeof(area));
		if (offset >= area.offset && offset - area.offset < area.size &&
		    length <= area.size - (offset - area.offset))
			return true;
	}
	return false;
}

/* Maps whole pages around the window, and checks that the file is as long: else a SIGBUS. */
static int add_mapping(struct client *c, const struct client_region *region, unsigned bar,
		       uint64_t offset, uint64_t length, void **address)
{
	uint64_t into = offset % 4096, start = offset - into;
	struct client_mapping *mapping = calloc(1, sizeof(*mapping));
	struct stat st;

	if (!mapping || fstat(region->fd, &st) ||
	    (uint64_t)st.st_size < region->info.offset + offset + length) {
		free(mapping);
		return riser__host_fail(&c->host, -ENODEV, "BAR%u's descriptor is too short",
					bar);
	}
	mapping->length = length + into;
	mapping->at = mmap(NULL, mapping->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			   region->fd, (off_t)(region->info.offset + start));
	if (mapping->at == MAP_FAILED) {
		free(mapping);
		return riser__host_fail(&c->host, -errno, "cannot map BAR%u: %s", bar,
					strerror(errno));
	}
	mapping->next = c->mappings;
	c->mappings = mapping;
	*address = (char *)mapping->at + into;
	return 0;
}

static int client_map(struct riser_host *host, unsigned bar, uint64_t offset, uint64_t length,
		      void **address)
{
	struct client *c = client_of(host);
	struct client_region region;
	int ret = get_region(c, bar, true, &region);

	if (!ret && (region.fd < 0 || !may_map(&region, offset, length)))
		ret = riser__host_fail(host, -ENODEV, "BAR%u cannot be mapped there", bar);
	if (!ret)
		ret = add_mapping(c, &region, bar, offset, length, address);
	if (region.fd >= 0)
		close(region.fd);
	return ret;
}

/* ---- Start and end ---- */

/* Long, since a server's reply is no longer than the request. */
static const char capabilities[] =
	"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
	"\"max_dma_maps\":65535,\"pgsizes\":4096,\"write_multiple\":true,"
	"\"migration\":{\"pgsize\":4096,\"max_bitmap_size\":1048576}}}";

/* A limit of the server's, within [1, most]; `most` where it names none. */
static uint32_t limit_of_server(struct json_object *theirs, const char *name, uint32_t most)
{
	struct json_object *value;
	int64_t n;

	if (!json_object_object_get_ex(theirs, name, &value))
		return most;
	n = json_object_get_int64(value);
	return n < 1 ? 1 : n < most ? (uint32_t)n : most;
}

/* VERSION: says what this side can do, and learns the limits of the server. */
static int client_negotiate(struct client *c)
{
	const struct vu_version ours = { 0, 0 };
	char text[4096] = "";
	struct vu_version theirs;
	struct client_request request = { .command = VU_VERSION,
					  .head = &ours,
					  .head_size = sizeof(ours),
					  .tail = capabilities,
					  .tail_size = sizeof(capabilities),
					  .reply = &theirs,
					  .reply_size = sizeof(theirs),
					  .rest = text,
					  .rest_size = sizeof(text) - 1 };
	struct json_object *root, *caps = NULL;
	int ret = client_call(c, &request);

	if (ret)
		return ret;
	if (theirs.major != ours.major)
		return riser__host_fail(&c->host, -EPROTO,
					"the server speaks vfio-user %u.%u, not 0.x",
					theirs.major, theirs.minor);
	root = json_tokener_parse(text);
	if (!root && text[0])
		return riser__host_fail(&c->host, -EPROTO,
					"the server's capabilities are not JSON");
	json_object_object_get_ex(root, "capabilities", &caps);
	c->max_data = limit_of_server(caps, "max_data_xfer_size", CLIENT_MAX_DATA);
	c->max_fds = limit_of_server(caps, "max_msg_fds", CLIENT_MAX_FDS);
	json_object_put(root);
	return 0;
}

/* GET_INFO and each region's size: the device has to be a PCI function. */
static int client_learn_regions(struct client *c)
{
	struct vu_device_info info = { .argsz = sizeof(info) };
	struct client_request request = { .command = VU_GET_INFO,
					  .head = &info,
					  .head_size = sizeof(info),
					  .reply = &info,
					  .reply_size = sizeof(info) };
	struct client_region region;
	int ret = client_call(c, &request);

	if (!ret && (!(info.flags & VU_DEVICE_PCI) || info.num_regions < HOST_REGIONS))
		ret = riser__host_fail(&c->host, -ENODEV,
				       "the server's device is no PCI function");
	for (unsigned i = 0; i < HOST_REGIONS && !ret; i++) {
		ret = get_region(c, i, false, &region);
		if (region.fd >= 0)
			close(region.fd);
		if (!ret)
			c->host.region_size[i] = region.info.size;
	}
	if (!ret && (c->host.region_size[HOST_REGION_CONFIG] < 256 ||
		     c->host.region_size[HOST_REGION_CONFIG] > 4096))
		ret = riser__host_fail(
			&c->host, -EPROTO,
			"the server's configuration space has an impossible size");
	return ret;
}

/* Unmaps, closes and frees; the server sees the end of the connection. */
static void client_destroy(struct riser_host *host)
{
	struct client *c = client_of(host);

	while (c->mappings) {
		struct client_mapping *mapping = c->mappings;

		c->mappings = mapping->next;
		munmap(mapping->at, mapping->length);
		free(mapping);
	}
	client_irqs_fini(c);
	close(c->fd);
	free(c->buffer);
	riser__host_fini(host);
	free(c);
}

static const struct riser__host_impl client_impl = {
	.read = client_read,
	.write = client_write,
	.map = client_map,
	.irq_bind = client_irq_bind,
	.msix_mask = client_msix_mask,
	.irq_collect = client_irq_collect,
	.pass = client_pass,
	.now = client_now,
	.memory_map = client_memory_map,
	.memory_unmap = client_memory_unmap,
	.reset = client_reset,
	.save = client_save,
	.load = client_load,
	.destroy = client_destroy,
};

int riser_client_from_fd(int fd, const struct riser_host_config *config,
			 struct riser_host **host, struct riser_error *error)
{
	struct riser_host_config full = riser__host_config(config);
	struct client *c = calloc(1, sizeof(*c));
	int ret;

	*host = NULL;
	if (!c) {
		close(fd);
		return riser__fail(error, -ENOMEM, "no memory for a client");
	}
	c->fd = fd;
	c->max_data = CLIENT_MAX_DATA;
	c->max_fds = CLIENT_MAX_FDS;
	c->message_dma = full.message_dma;
	c->buffer = malloc(CLIENT_BUFFER);
	ret = riser__host_init(&c->host, &client_impl, &full);
	if (!c->buffer)
		ret = -ENOMEM;
	if (ret)
		riser__host_fail(&c->host, ret, "no memory for the guest: %s", strerror(-ret));
	if (!ret)
		ret = client_negotiate(c);
	if (!ret)
		ret = client_learn_regions(c);
	if (!ret)
		ret = riser__host_start(&c->host);
	if (ret) {
		riser__fail(error, ret, "%s", c->host.error.text);
		client_destroy(&c->host);
		return ret;
	}
	*host = &c->host;
	return 0;
}

int riser_client_create(const char *path, const struct riser_host_config *config,
			struct riser_host **host, struct riser_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, ret;

	*host = NULL;
	if (strlen(path) >= sizeof(address.sun_path))
		return riser__fail(error, -ENAMETOOLONG, "socket '%s': the path is too long",
				   path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ret = fd < 0 ? -errno : 0;
	/* Tried again after a signal: a UNIX socket's connect() is never under way. */
	while (!ret && connect(fd, (struct sockaddr *)&address, sizeof(address)))
		ret = errno == EINTR ? 0 : -errno;
	if (ret) {
		if (fd >= 0)
			close(fd);
		return riser__fail(error, ret, "cannot connect to socket '%s': %s", path,
				   strerror(-ret));
	}
	return riser_client_from_fd(fd, config, host, error);
}
