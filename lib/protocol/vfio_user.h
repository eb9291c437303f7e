/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user protocol on the wire: QEMU's docs/interop/vfio-user.rst, and the VFIO
 * structures it borrows. All in the byte order of the host. A stream gives no alignment: copy,
 * never cast.
 */
#ifndef RISER_PROTOCOL_VFIO_USER_H
#define RISER_PROTOCOL_VFIO_USER_H

#include <assert.h>
#include <stdint.h>

enum riser__vu_command {
	VU_VERSION = 1,
	VU_DMA_MAP = 2,
	VU_DMA_UNMAP = 3,
	VU_GET_INFO = 4,
	VU_GET_REGION_INFO = 5,
	VU_GET_REGION_IO_FDS = 6,
	VU_GET_IRQ_INFO = 7,
	VU_SET_IRQS = 8,
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

enum riser__vu_flags {
	VU_TYPE_MASK = 0xf,
	VU_TYPE_COMMAND = 0,
	VU_TYPE_REPLY = 1,
	VU_NO_REPLY = 1 << 4,
	VU_ERROR = 1 << 5,
};

struct vu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* of the whole message */
	uint32_t flags;
	uint32_t error;
};
static_assert(sizeof(struct vu_header) == 16, "vfio-user header");

struct vu_version {
	uint16_t major;
	uint16_t minor;
	/* JSON, with its NUL */
};
static_assert(sizeof(struct vu_version) == 4, "vfio-user VERSION");

enum { VU_DMA_READABLE = 1, VU_DMA_WRITABLE = 2, VU_DMA_MMAP = 4, VU_DMA_FILE_IO = 8 };

struct vu_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};
static_assert(sizeof(struct vu_dma_map) == 32, "vfio-user DMA_MAP");

enum { VU_UNMAP_DIRTY = 1, VU_UNMAP_ALL = 2 };

struct vu_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};
static_assert(sizeof(struct vu_dma_unmap) == 24, "vfio-user DMA_UNMAP");

struct vu_bitmap {
	uint64_t page_size;
	uint64_t size;
};
static_assert(sizeof(struct vu_bitmap) == 16, "VFIO bitmap");

enum { VU_DEVICE_CAN_RESET = 1, VU_DEVICE_PCI = 2 };

struct vu_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};
static_assert(sizeof(struct vu_device_info) == 16, "vfio-user DEVICE_GET_INFO");

enum { VU_REGIONS = 9 }; /* the eight of a PCI function, and VGA */
enum { VU_REGION_READABLE = 1, VU_REGION_WRITABLE = 2, VU_REGION_MMAP = 4, VU_REGION_CAPS = 8 };

struct vu_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t size;
	uint64_t offset;
};
static_assert(sizeof(struct vu_region_info) == 32, "vfio-user DEVICE_GET_REGION_INFO");

enum { VU_CAP_SPARSE_MMAP = 1 };

struct vu_sparse_mmap {
	uint16_t id;
	uint16_t version;
	uint32_t next;
	uint32_t area_count;
	uint32_t reserved;
	/* struct vu_area[] */
};
static_assert(sizeof(struct vu_sparse_mmap) == 16, "VFIO sparse mmap capability");

struct vu_area {
	uint64_t offset;
	uint64_t size;
};
static_assert(sizeof(struct vu_area) == 16, "VFIO sparse mmap area");

struct vu_region_io_fds {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};
static_assert(sizeof(struct vu_region_io_fds) == 16, "vfio-user DEVICE_GET_REGION_IO_FDS");

enum { VU_IRQ_INTX, VU_IRQ_MSI, VU_IRQ_MSIX, VU_IRQ_ERR, VU_IRQ_REQ, VU_IRQS };
enum { VU_IRQ_EVENTFD = 1, VU_IRQ_MASKABLE = 2, VU_IRQ_AUTOMASKED = 4 };

struct vu_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};
static_assert(sizeof(struct vu_irq_info) == 16, "vfio-user DEVICE_GET_IRQ_INFO");

enum {
	VU_DATA_NONE = 1 << 0,
	VU_DATA_BOOL = 1 << 1,
	VU_DATA_EVENTFD = 1 << 2,
	VU_DATA_MASK = 7,
	VU_ACTION_MASK = 1 << 3,
	VU_ACTION_UNMASK = 1 << 4,
	VU_ACTION_TRIGGER = 1 << 5,
	VU_ACTIONS = 7 << 3
};

struct vu_set_irqs {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	/* a byte a vector with DATA_BOOL */
};
static_assert(sizeof(struct vu_set_irqs) == 20, "vfio-user DEVICE_SET_IRQS");

struct vu_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	/* data */
};
static_assert(sizeof(struct vu_region_access) == 16, "vfio-user REGION_READ");

struct vu_dma_access {
	uint64_t address;
	uint64_t count; /* QEMU before 11: 32 bits, and the data right after them */
			/* data */
};
static_assert(sizeof(struct vu_dma_access) == 16, "vfio-user DMA_READ");

struct vu_write {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[8];
};
static_assert(sizeof(struct vu_write) == 24, "vfio-user REGION_WRITE_MULTI");

enum {
	VU_FEATURE_INDEX = 0xffff,
	VU_FEATURE_GET = 1 << 16,
	VU_FEATURE_SET = 1 << 17,
	VU_FEATURE_PROBE = 1 << 18,
	VU_FEATURE_MIGRATION = 1,
	VU_FEATURE_MIG_STATE = 2,
	VU_FEATURE_LOG_START = 6,
	VU_FEATURE_LOG_STOP = 7,
	VU_FEATURE_LOG_REPORT = 8,
};

struct vu_feature {
	uint32_t argsz;
	uint32_t flags;
	/* data */
};
static_assert(sizeof(struct vu_feature) == 8, "vfio-user DEVICE_FEATURE");

enum { VU_MIGRATION_STOP_COPY = 1 };

enum riser__vu_state {
	VU_STATE_ERROR,
	VU_STATE_STOP,
	VU_STATE_RUNNING,
	VU_STATE_STOP_COPY,
	VU_STATE_RESUMING,
};

struct vu_mig_state {
	uint32_t device_state;
	int32_t data_fd;
};
static_assert(sizeof(struct vu_mig_state) == 8, "VFIO migration state");

struct vu_log_control {
	uint64_t page_size;
	uint32_t range_count;
	uint32_t reserved;
	/* struct vu_log_range[] */
};
static_assert(sizeof(struct vu_log_control) == 16, "VFIO DMA logging control");

struct vu_log_range {
	uint64_t iova;
	uint64_t length;
};
static_assert(sizeof(struct vu_log_range) == 16, "VFIO DMA logging range");

struct vu_log_report {
	uint64_t iova;
	uint64_t length;
	uint64_t page_size;
	/* bitmap */
};
static_assert(sizeof(struct vu_log_report) == 24, "VFIO DMA logging report");

struct vu_mig_data {
	uint32_t argsz;
	uint32_t size;
	/* data */
};
static_assert(sizeof(struct vu_mig_data) == 8, "vfio-user MIG_DATA_READ");

#endif
