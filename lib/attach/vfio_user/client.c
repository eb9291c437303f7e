/* SPDX-License-Identifier: MIT */
/*
 * What kind of client it is, told by what it does: clients say no name, and differ in what a
 * server has to cope with. Each is said once a client, where every message is traced.
 */
#include "attach/vfio_user/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pci/function.h"

enum {
	SMALL = 1 << 20, /* memory of that little is firmware: never shared, seldom used */
	SLOW_MS = 1000,	 /* QEMU gives up after five seconds */
	CHECKS = 8,	 /* of whether its memory is what the device sees */
	CHECKED = 64,	 /* bytes of it */
};

enum trait { PROPOSES, POSTS, WAITS, NO_FILE, ONE_BY_ONE, AT_ONCE, UNMASKS, MIGRATES, SLOW };

static void trait_notice(struct riser_server *server, enum trait trait, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void trait_notice(struct riser_server *server, enum trait trait, const char *format, ...)
{
	char line[448];
	va_list args;

	if (server->traits & 1u << trait)
		return;
	server->traits |= 1u << trait;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	vu_log(server, RISER_DEBUG, "the client %s", line);
}

static void see_version(struct riser_server *server, const struct vu_message *message)
{
	size_t skip = sizeof(struct vu_version);

	if (message->size > skip)
		trait_notice(server, PROPOSES, "proposes %.*s", (int)(message->size - skip),
			     (const char *)message->payload + skip);
}

static void see_write(struct riser_server *server, const struct vu_message *message)
{
	const struct riser_bar *bar;
	struct vu_region_access access;

	memcpy(&access, message->payload, sizeof(access));
	bar = access.region < 6 ? server->dev->pci->bars[access.region].desc : NULL;
	if (!bar || bar->kind == RISER_IO) /* which are never posted */
		return;
	if (message->header.flags & VU_NO_REPLY)
		trait_notice(server, POSTS, "posts writes to registers");
	else
		trait_notice(server, WAITS,
			     "waits for each write to a register to be answered");
}

static void see_map(struct riser_server *server, const struct vu_message *message)
{
	struct vu_dma_map map;

	memcpy(&map, message->payload, sizeof(map));
	if (!message->fd_count && map.size >= SMALL)
		trait_notice(server, NO_FILE,
			     "passes no file with its %" PRIu64 " MiB of memory at %#" PRIx64
			     ": DMA there goes by messages, slowly, and it cannot be mapped; "
			     "memory-backend-memfd with share=on mends that",
			     map.size >> 20, map.address);
}

static void see_irqs(struct riser_server *server, const struct vu_message *message)
{
	struct vu_set_irqs set;

	memcpy(&set, message->payload, sizeof(set));
	if (set.index == VU_IRQ_MSIX && message->fd_count == 1)
		trait_notice(server, ONE_BY_ONE, "sets MSI-X vectors one by one");
	else if (set.index == VU_IRQ_MSIX && message->fd_count)
		trait_notice(server, AT_ONCE, "sets %u MSI-X vectors at once", set.count);
	else if (set.index == VU_IRQ_INTX && set.flags & VU_ACTION_UNMASK)
		trait_notice(server, UNMASKS, "unmasks INTx by message");
}

void vu_client_see(struct riser_server *server, const struct vu_message *message, uint64_t took)
{
	switch (message->header.command) {
	case VU_VERSION:
		see_version(server, message);
		break;
	case VU_REGION_WRITE:
		see_write(server, message);
		break;
	case VU_DMA_MAP:
		see_map(server, message);
		break;
	case VU_SET_IRQS:
		see_irqs(server, message);
		break;
	case VU_DEVICE_FEATURE:
		trait_notice(server, MIGRATES, "knows migration or dirty pages");
		break;
	}
	if (took / 1000000 >= SLOW_MS)
		trait_notice(server, SLOW,
			     "waited %" PRIu64
			     " ms for the answer to %s; QEMU gives the device up "
			     "after 5000, or what x-msg-timeout says",
			     took / 1000000, vu_command_name(message->header.command));
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	while (length && !*bytes)
		bytes++, length--;
	return !length;
}

/* Reads the range through the mapping and by message. 0: the same; 1: not; or -errno. */
static int dma_compare(struct riser_server *server, uint64_t iova, size_t length)
{
	uint8_t theirs[CHECKED], ours[CHECKED];
	int ret = vu_remote_dma(server, iova, theirs, length, false);

	if (!ret)
		ret = riser__dma_table_copy(server->table, iova, ours, length, false);
	return ret ? ret : memcmp(theirs, ours, length) != 0;
}

/*
 * A private mapping of the file that is passed: pages that the guest has written to are not the
 * file's any more. A read of nothing but zeros may be of such a page, and a write may go to
 * one.
 */
void vu_client_check_memory(struct riser_server *server, uint64_t iova, const void *bytes,
			    size_t length, bool write)
{
	int differs;

	if (length > CHECKED)
		length = CHECKED;
	if (server->checks == CHECKS || !riser__loop_is_own_thread(server->loop) || !length ||
	    (!write && !is_zero(bytes, length)))
		return;
	server->checks++;
	differs = dma_compare(server, iova, length);
	if (differs == 1) /* once more: the guest may have written to it in between */
		differs = dma_compare(server, iova, length);
	if (differs < 0)
		server->checks = CHECKS;
	if (differs != 1)
		return;
	server->checks = CHECKS;
	vu_log(server, RISER_ERROR,
	       "the client maps its memory privately: what the guest has at %#" PRIx64
	       " is not in the file that came for it, so DMA passes it by; share=on of its "
	       "memory-backend mends that",
	       iova);
}
