/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user protocol's messages, by QEMU's docs/interop/vfio-user.rst and linux/vfio.h. All
 * numbers are in the byte order of the machine, which both ends share.
 */
#ifndef RISER_VFIO_USER_PROTO_H
#define RISER_VFIO_USER_PROTO_H

#include <stdint.h>

enum vu_command {
	VU_VERSION = 1,
	VU_DMA_MAP = 2,
	VU_DMA_UNMAP = 3,
	VU_DEVICE_GET_INFO = 4,
	VU_DEVICE_GET_REGION_INFO = 5,
	VU_DEVICE_GET_REGION_IO_FDS = 6,
	VU_DEVICE_GET_IRQ_INFO = 7,
	VU_DEVICE_SET_IRQS = 8,
	VU_REGION_READ = 9,
	VU_REGION_WRITE = 10,
	VU_DMA_READ = 11,  /* server to client */
	VU_DMA_WRITE = 12, /* server to client */
	VU_DEVICE_RESET = 13,
	VU_REGION_WRITE_MULTI = 15,
	VU_DEVICE_FEATURE = 16,
	VU_MIG_DATA_READ = 17,
	VU_MIG_DATA_WRITE = 18,
	VU_COMMANDS
};

enum { VU_TYPE_MASK = 0xf, VU_TYPE_REPLY = 1, VU_NO_REPLY = 0x10, VU_ERROR = 0x20 };

struct vu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* of the message, this header included */
	uint32_t flags;
	uint32_t error; /* errno, in replies with VU_ERROR */
};

struct vu_version {
	uint16_t major, minor;
	/* then JSON, ended by NUL, or nothing */
};

enum {
	VU_DMA_FLAG_READ = 1,
	VU_DMA_FLAG_WRITE = 2,
	VU_DMA_FLAG_MMAP = 4,
	VU_DMA_FLAG_FILE_IO = 8
};
struct vu_dma_map {
	uint32_t argsz, flags;
	uint64_t offset, address, size;
};

enum { VU_UNMAP_DIRTY_BITMAP = 1, VU_UNMAP_ALL = 2 };
struct vu_dma_unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
};
struct vu_bitmap {
	uint64_t page_size, size; /* bytes of bitmap behind it */
};

struct vu_device_info {
	uint32_t argsz, flags, regions, irqs;
};

struct vu_region_info {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
};
struct vu_sparse_mmap {
	uint16_t id, version;
	uint32_t next, areas, reserved;
};
struct vu_sparse_area {
	uint64_t offset, size;
};

struct vu_region_io_fds {
	uint32_t argsz, flags, index, count;
};

struct vu_irq_info {
	uint32_t argsz, flags, index, count;
};

struct vu_irq_set {
	uint32_t argsz, flags, index, start, count;
};

struct vu_region_access {
	uint64_t offset;
	uint32_t region, count;
};

struct vu_multi_entry {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[8];
};

struct vu_dma_access {
	uint64_t address, count;
};

struct vu_feature {
	uint32_t argsz, flags;
};
struct vu_feature_migration {
	uint64_t flags;
};
struct vu_feature_state {
	uint32_t state;
	int32_t data_fd;
};
struct vu_feature_log_start {
	uint64_t page_size;
	uint32_t ranges, reserved;
	/* then that many vu_log_range */
};
struct vu_log_range {
	uint64_t iova, length;
};
struct vu_feature_log_report {
	uint64_t iova, length, page_size;
	/* in a reply then the bitmap */
};

struct vu_mig_data {
	uint32_t argsz, size;
};

_Static_assert(sizeof(struct vu_header) == 16, "wire format");
_Static_assert(sizeof(struct vu_version) == 4, "wire format");
_Static_assert(sizeof(struct vu_dma_map) == 32, "wire format");
_Static_assert(sizeof(struct vu_dma_unmap) == 24, "wire format");
_Static_assert(sizeof(struct vu_region_info) == 32, "wire format");
_Static_assert(sizeof(struct vu_sparse_mmap) == 16, "wire format");
_Static_assert(sizeof(struct vu_irq_set) == 20, "wire format");
_Static_assert(sizeof(struct vu_region_access) == 16, "wire format");
_Static_assert(sizeof(struct vu_multi_entry) == 24, "wire format");
_Static_assert(sizeof(struct vu_feature_log_report) == 24, "wire format");

#endif
