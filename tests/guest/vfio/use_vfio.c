/* SPDX-License-Identifier: MIT */
/*
 * use_vfio GROUP ADDRESS edu|virtio - drives a device from user space, by the kernel's
 * vfio-pci: edu's registers, interrupt and DMA; or the reset of a virtio function.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu_regs.h"

enum { IOVA = 0x100000, PAGE = 4096, LENGTH = 1000, EDU_BUFFER = 0x40000, DMA_DONE = 0x100 };
enum { VIRTIO_BAR = 4, VIRTIO_STATUS = 0x14, ACKNOWLEDGE = 1 };

static int container, device;

static void check(int good, const char *what)
{
	if (!good)
		errx(1, "FAIL %s", what);
	printf("ok   vfio: %s\n", what);
}

static void open_device(const char *group_number, const char *address)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	int group;

	container = open("/dev/vfio/vfio", O_RDWR);
	snprintf(path, sizeof(path), "/dev/vfio/%s", group_number);
	group = open(path, O_RDWR);
	check(container >= 0 && group >= 0, "container and group");
	check(!ioctl(group, VFIO_GROUP_GET_STATUS, &status) &&
		      status.flags & VFIO_GROUP_FLAGS_VIABLE,
	      "the group is viable");
	check(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) &&
		      !ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU),
	      "an IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	check(device >= 0, "the device");
}

static volatile uint8_t *map_bar(unsigned index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };
	void *at;

	check(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "its BAR");
	at = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		  (off_t)info.offset);
	check(at != MAP_FAILED, "its BAR is mapped");
	return at;
}

static void enable(void)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	check(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) &&
		      pwrite(device, &command, 2, (off_t)info.offset + PCI_COMMAND) == 2,
	      "memory and bus master are enabled");
}

static int take_msi(void)
{
	char space[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)space;
	int fd = eventfd(0, 0);

	*set = (struct vfio_irq_set){
		.argsz = sizeof(space),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSI_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &fd, sizeof(fd));
	check(fd >= 0 && !ioctl(device, VFIO_DEVICE_SET_IRQS, set), "an MSI for an eventfd");
	return fd;
}

static uint8_t *map_memory(void)
{
	uint8_t *memory = aligned_alloc(PAGE, PAGE);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = PAGE,
	};

	memset(memory, 0, PAGE);
	check(!ioctl(container, VFIO_IOMMU_MAP_DMA, &map), "memory for DMA");
	return memory;
}

static uint32_t get(volatile uint8_t *bar, unsigned offset)
{
	return *(volatile uint32_t *)(bar + offset);
}

static void put(volatile uint8_t *bar, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(bar + offset) = value;
}

/* An interrupt with that cause, which is taken back. */
static void expect_irq(volatile uint8_t *bar, int fd, uint32_t cause, const char *what)
{
	uint64_t count;

	check(read(fd, &count, sizeof(count)) == sizeof(count) &&
		      get(bar, EDU_IRQ_STATUS) == cause,
	      what);
	put(bar, EDU_IRQ_ACK, cause);
}

static void copy(volatile uint8_t *bar, int fd, uint64_t from, uint64_t to, uint32_t command)
{
	*(volatile uint64_t *)(bar + EDU_DMA_SRC) = from;
	*(volatile uint64_t *)(bar + EDU_DMA_DST) = to;
	*(volatile uint64_t *)(bar + EDU_DMA_COUNT) = LENGTH;
	*(volatile uint64_t *)(bar + EDU_DMA_CMD) = EDU_DMA_CMD_RUN | EDU_DMA_CMD_IRQ | command;
	expect_irq(bar, fd, DMA_DONE, "DMA's interrupt");
}

static void use_edu(void)
{
	uint8_t *memory = map_memory();
	volatile uint8_t *bar;
	int fd;

	enable();
	bar = map_bar(0);
	put(bar, EDU_LIVENESS, 0x12345678);
	check(get(bar, EDU_LIVENESS) == ~UINT32_C(0x12345678), "liveness");
	fd = take_msi();
	put(bar, EDU_IRQ_RAISE, 5);
	expect_irq(bar, fd, 5, "an interrupt");
	for (unsigned i = 0; i < LENGTH; i++)
		memory[i] = (uint8_t)(i * 7 + 1);
	copy(bar, fd, IOVA, EDU_BUFFER, 0);
	copy(bar, fd, EDU_BUFFER, IOVA + PAGE / 2, EDU_DMA_CMD_TO_MEMORY);
	check(!memcmp(memory, memory + PAGE / 2, LENGTH), "DMA there and back");
}

static void use_virtio(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	volatile uint8_t *bar;

	enable();
	bar = map_bar(VIRTIO_BAR);
	bar[VIRTIO_STATUS] = ACKNOWLEDGE;
	check(bar[VIRTIO_STATUS] == ACKNOWLEDGE, "virtio's status");
	check(!ioctl(device, VFIO_DEVICE_GET_INFO, &info) &&
		      info.flags & VFIO_DEVICE_FLAGS_RESET,
	      "it can be reset");
	check(!ioctl(device, VFIO_DEVICE_RESET), "a reset");
	check(bar[VIRTIO_STATUS] == 0, "virtio's status after it");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "use_vfio GROUP ADDRESS edu|virtio");
	open_device(argv[1], argv[2]);
	if (!strcmp(argv[3], "edu"))
		use_edu();
	else
		use_virtio();
	return 0;
}
